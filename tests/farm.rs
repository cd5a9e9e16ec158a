//! The requests that `tools/farm` reckons with are those of the program: for each kind of job, and over some days.

use crate::library::tool;
use farm::plan::Plan;
use farm::program::{self, Registry};
use farm::report::report;
use farm::requests::Requests;
use farm::schemes::Scheme;
use oci_merge_store::server::{Options, Request, Server};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

/// A registry that keeps a book, and the directories of the tools.
struct Farm {
    server: Server,
    place: tempfile::TempDir,
}

impl Farm {
    /// With a base of one layer, and its index beside it.
    fn new(registry: Registry) -> Farm {
        let server = Server::start(Options { referrers: registry.referrers, ..Options::default() }).unwrap();
        let farm = Farm { server, place: tempfile::tempdir().unwrap() };
        farm.push_directories("scratch", &["ground"], &["base:1"]);
        farm
    }

    fn name(&self, reference: &str) -> String {
        format!("{}/{reference}", self.server.address())
    }

    /// Runs the program on a spec, on a machine that knows nothing yet; what it asked for.
    fn run(&self, spec: &str, arguments: &[&str]) -> Requests {
        let file = self.place.path().join("oci-merge.toml");
        std::fs::write(&file, spec).unwrap();
        let store = tempfile::tempdir().unwrap();
        let before = self.server.requests().len();
        let mut command = Command::new(env!("CARGO_BIN_EXE_oci-merge"));
        command.args(arguments).current_dir(self.place.path()).env_clear();
        command.env("HOME", store.path()).env("OCI_MERGE_CACHE", store.path().join("store"));
        let output = command.env("SOURCE_DATE_EPOCH", "1000000000").output().unwrap();
        assert!(output.status.success(), "{spec}{}", String::from_utf8_lossy(&output.stderr));
        counted(&self.server.requests()[before..])
    }

    fn push(&self, spec: &str, targets: &[&str]) -> Requests {
        let targets: Vec<String> = targets.iter().map(|target| self.name(target)).collect();
        let tags = targets.iter().flat_map(|target| ["-t", target]);
        let push = ["build", "--push", "--trust-index"].into_iter();
        self.run(spec, &push.chain(tags).collect::<Vec<_>>())
    }

    /// Tools from directories on a base.
    fn push_directories(&self, base: &str, tools: &[&str], targets: &[&str]) -> Requests {
        let mut spec = format!("schema = 1\nbase.image = \"{base}\"\n");
        for name in tools {
            let directory = self.place.path().join(name);
            if !directory.exists() {
                tool(self.place.path(), name);
            }
            let _ = writeln!(spec, "[layer.{name}]\nprefix = \"/opt/{name}\"\nsource.path = \"{name}\"");
        }
        self.push(&spec, targets)
    }

    /// Tools that lie in the registry, on the base.
    fn spec_of_images(&self, tools: &[&str]) -> String {
        let mut spec = format!("schema = 1\nbase.image = \"{}\"\n", self.name("base:1"));
        for name in tools {
            let image = self.name(&format!("tools/{name}:1"));
            let _ = writeln!(spec, "[layer.{name}]\nprefix = \"/opt/{name}\"\nfrom.image = \"{image}\"");
        }
        spec
    }

    fn change(&self, name: &str, text: &str) {
        std::fs::write(self.place.path().join(name).join("bin/changed"), text).unwrap();
    }
}

/// What was asked, by kind; what no kind fits fails.
fn counted(requests: &[Request]) -> Requests {
    let mut count: BTreeMap<&str, u64> = BTreeMap::new();
    for request in requests {
        let target = &request.target;
        let kind = match (&*request.method, target.contains("/manifests/"), target.contains("/blobs/uploads/")) {
            ("HEAD", true, _) => "HEAD manifest",
            ("GET", true, _) => "GET manifest",
            ("PUT", true, _) => "PUT manifest",
            ("HEAD", _, false) if target.contains("/blobs/") => "HEAD blob",
            ("GET", _, false) if target.contains("/blobs/") => "GET blob",
            ("POST", _, true) if target.contains("mount=") && request.status == 201 => "mount",
            ("POST", _, true) => "POST",
            ("PUT", _, true) => "PUT blob",
            _ => panic!("nobody reckons with {request:?}"),
        };
        *count.entry(kind).or_default() += 1;
    }
    let of = |kind: &str| count.get(kind).copied().unwrap_or_default();
    assert_eq!(of("POST"), of("PUT blob"), "each upload that is opened is filled: {requests:#?}");
    Requests {
        manifest_heads: of("HEAD manifest"),
        manifest_gets: of("GET manifest"),
        manifest_puts: of("PUT manifest"),
        blob_heads: of("HEAD blob"),
        blob_gets: of("GET blob"),
        uploads: of("POST"),
        mounts: of("mount"),
    }
}

const REGISTRIES: [Registry; 2] = [Registry { referrers: true }, Registry { referrers: false }];
const TOOLS: [&str; 3] = ["alpha", "beta", "gamma"];

#[test]
fn a_push_of_directories() {
    for registry in REGISTRIES {
        let farm = Farm::new(registry);
        let base = farm.name("base:1");
        let push = |targets: &[&str]| farm.push_directories(&base, &TOOLS, targets);
        assert_eq!(push(&["all:1"]), registry.first_push(1, 3), "first, {registry:?}");
        assert_eq!(push(&["all:1"]), registry.unchanged_push(1), "unchanged, {registry:?}");
        farm.change("beta", "once");
        assert_eq!(push(&["all:1"]), registry.changed_push(1, 3, 1), "one changed, {registry:?}");
        let two = registry.first_push(1, 3) + registry.second_repository(1, 3);
        assert_eq!(push(&["one:1", "two:1"]), two, "a second repository, {registry:?}");
        assert!(farm.server.violations().is_empty(), "{:?}", farm.server.violations());
    }
}

#[test]
fn a_stack_of_what_lies_in_the_registry() {
    for registry in REGISTRIES {
        let farm = Farm::new(registry);
        for name in TOOLS {
            let target = format!("tools/{name}:1");
            let first = farm.push_directories("scratch", &[name], &[&target]);
            assert_eq!(first, registry.first_push(0, 1), "{registry:?}");
            farm.change(name, "once");
            let again = farm.push_directories("scratch", &[name], &[&target]);
            assert_eq!(again, registry.first_push(0, 1), "of one layer nothing is left, {registry:?}");
        }
        for tools in [&TOOLS[..2], &TOOLS[..]] {
            let (spec, count) = (farm.spec_of_images(tools), tools.len() as u64);
            let target = format!("of-{count}:1");
            assert_eq!(farm.run(&spec, &["check", "--trust-index"]), program::check(1, count), "{registry:?}");
            assert_eq!(farm.push(&spec, &[&target]), program::stack(1, count), "{registry:?}");
            assert_eq!(farm.push(&spec, &[&target]), program::stack_unchanged(1, count), "{registry:?}");
        }
    }
}

#[test]
fn a_day_of_a_small_farm() {
    let plan = Plan { tools: 3, images: 2, tools_per_image: 2, common: 1, changed: 1, platforms: 1, ..Plan::default() };
    let registry = Registry { referrers: false };
    let farm = Farm::new(registry);
    let name = |number: u64| TOOLS[usize::try_from(number).unwrap()];
    let push_tool =
        |number: u64| farm.push_directories("scratch", &[name(number)], &[&format!("tools/{}:1", name(number))]);
    let push_image = |number: u64| {
        let tools: Vec<&str> = plan.tools_of(number).into_iter().map(name).collect();
        farm.push(&farm.spec_of_images(&tools), &[&format!("images/{number}:1")])
    };
    let _: Vec<Requests> = (0..plan.tools).map(push_tool).chain((0..plan.images).map(push_image)).collect();
    for day in 0..plan.days() {
        let reckoned = Scheme::Stacked(registry).jobs(&plan, day).into_iter().map(|job| job.requests);
        let reckoned: Vec<Requests> = reckoned.collect();
        let changed = plan.changed_on(day).into_iter().map(|number| {
            farm.change(name(number), "today");
            push_tool(number)
        });
        let mut real: Vec<Requests> = changed.collect();
        real.extend(plan.touched_on(day).into_iter().map(|(number, _)| push_image(number)));
        assert_eq!(real, reckoned, "day {day}");
    }
}

#[test]
fn the_manual_has_the_tables_as_they_are_reckoned() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/crates/oci-merge/manual/farm.md")).unwrap();
    for table in report(&Plan::default()).split("\n\n") {
        assert!(page.contains(table), "cargo run -p farm prints another table than the page has:\n{table}");
    }
}
