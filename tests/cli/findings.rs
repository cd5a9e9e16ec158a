use super::cases::CASES;
use super::{Place, Ran, root};
use oci_merge_layer::check::Code;
use oci_merge_store::server::{Options, Server};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The report of a check; what it took, and where it was, is another on each machine.
fn report(place: &Place, ran: &Ran) -> String {
    let line = |line: &str| match line.split_once(" paths in ").map(|(before, after)| (before, after.split_once("s. ")))
    {
        Some((before, Some((_, rest)))) => format!("{before} paths in 1 ms. {rest}"),
        _ => line.to_owned(),
    };
    let text: Vec<String> = ran.err.lines().map(line).collect();
    text.join("\n").replace(&format!("{}/", place.0.path().display()), "").trim_end().to_owned()
}

pub(super) fn check(place: &Place) -> Ran {
    place.run(&["check", "--progress", "none", "--platform", "linux/amd64"])
}

pub(super) fn findings(place: &Place) -> Vec<Value> {
    let ran = place.run(&["check", "--json", "--progress", "none", "--platform", "linux/amd64"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.err));
    document["findings"].as_array().unwrap().clone()
}

/// What `explain` shows as the example of a code is what the program prints; with `BLESS` in the environment, it becomes so.
#[test]
fn the_example_of_every_finding_is_what_the_check_prints() {
    for case in CASES {
        let place = case.lay_out();
        let printed = report(&place, &check(&place).ends(case.exit).without_answer());
        assert!(printed.contains(case.code), "{}: {printed}", case.code);
        let page = root().join(format!("crates/oci-merge/manual/codes/{}.md", case.code));
        let text = std::fs::read_to_string(&page).unwrap();
        let (before, rest) = text.split_once("\n## What to do\n").unwrap();
        let before = before.split("\n## An example\n").next().unwrap().trim_end();
        let whole = format!("{before}\n\n## An example\n\n```text\n{printed}\n```\n\n## What to do\n{rest}");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&page, whole).unwrap();
        } else {
            assert_eq!(text, whole, "{}", page.display());
        }
    }
}

/// Every code that a check can give has a case, and every code an example.
#[test]
fn no_code_is_without_an_example() {
    let shown: BTreeSet<&str> = CASES.iter().map(|case| case.code).collect();
    for code in Code::all().map(Code::as_str) {
        assert!(shown.contains(code), "{code}");
    }
    for page in oci_merge::explanations() {
        assert!(page.markdown().contains("\n## An example\n"), "{}", page.code());
    }
}

/// What is the same finding before and after an edit, which moves lines.
fn identity(finding: &Value) -> (String, String, String) {
    let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    (text("code"), text("path"), text("message"))
}

/// Every line of one text is in another, in order.
fn is_kept(old: &str, new: &str) -> bool {
    let mut new = new.lines();
    old.lines().all(|line| new.any(|other| other == line))
}

/// The commands of a report, as they are printed.
fn printed_commands(report: &str) -> Vec<String> {
    let commands = report.lines().filter_map(|line| line.find("   oci-merge ").map(|at| line[at + 3..].to_owned()));
    commands.collect()
}

/// Runs a printed line in a shell.
fn run_line(place: &Place, line: &str) -> Ran {
    let bin = Path::new(env!("CARGO_BIN_EXE_oci-merge")).parent().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", line]).current_dir(place.0.path()).env_clear();
    bash.env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
        .env("HOME", place.path("home"))
        .env("LC_ALL", "C.UTF-8");
    Ran::of(&mut bash)
}

/// Each printed fix, run on a fresh copy, removes its finding and nothing else.
#[track_caller]
pub(super) fn mends(lay_out: &dyn Fn() -> Place, kinds: &mut BTreeSet<String>) {
    let place = lay_out();
    let before = findings(&place);
    let text = check(&place).err;
    let commands = printed_commands(&text);
    for line in &commands {
        let place = lay_out();
        let old = place.read("oci-merge.toml");
        let line = line.replace("--reason TEXT", "--reason 'either copy will do'");
        run_line(&place, &line).ends(0);
        let new = place.read("oci-merge.toml");
        assert!(is_kept(&old, &new) && old != new, "{line}\n{new}");
        let after = findings(&place);
        let (left, was): (BTreeSet<_>, BTreeSet<_>) =
            (after.iter().map(identity).collect(), before.iter().map(identity).collect());
        assert!(left.is_subset(&was), "{line}: new findings: {after:#?}");
        let is_gone = |finding: &&Value| !left.contains(&identity(finding));
        let mended = before.iter().find(is_gone).unwrap_or_else(|| panic!("{line} mends nothing\n{text}"));
        let group: Vec<&Value> = before.iter().filter(|finding| finding["group"] == mended["group"]).collect();
        assert!(group.iter().all(is_gone), "{line} mends a part\n{text}");
        // What else was told of the same paths has gone with them.
        let is_there = |finding: &Value| group.iter().any(|other| other["path"] == finding["path"]);
        assert!(before.iter().filter(is_gone).all(is_there), "{line} mends more\n{text}");
        kinds.insert(format!("{} {}", mended["code"].as_str().unwrap(), line.split(' ').nth(1).unwrap()));
        // A second time, there is nothing to do.
        run_line(&place, &line).ends(0).says(&["nothing was changed"]);
    }
}

#[test]
fn each_printed_fix_mends_its_finding_and_nothing_else() {
    let mut kinds = BTreeSet::new();
    for case in CASES {
        mends(&|| case.lay_out(), &mut kinds);
    }
    let expected = [
        "OM0201 allow",
        "OM0201 exclude",
        "OM0202 exclude",
        "OM0203 exclude",
        "OM0204 allow",
        "OM0205 exclude",
        "OM0205 own",
        "OM0206 allow",
        "OM0206 exclude",
        "OM0207 exclude",
        "OM0208 exclude",
        "OM0209 exclude",
        "OM0210 exclude",
        "OM0404 exclude",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// A finding means that nothing was written anywhere: no image, and a registry is only read.
#[test]
fn a_finding_means_that_nothing_was_written() {
    let server = Server::start(Options::default()).unwrap();
    for case in CASES.iter().filter(|case| case.exit == 1) {
        let place = case.lay_out();
        let reference = format!("{}/demo:1", server.address());
        let outputs = [
            "-o",
            "type=oci,dest=image",
            "-o",
            "type=oci,dest=image.tar",
            "-o",
            "type=docker,dest=docker.tar",
            "--push",
            "-t",
            &reference,
        ];
        let files = ["--digestfile", "digest", "--metadata-file", "metadata"];
        let ran = place.run(&[&["build", "-p", "linux/amd64"][..], &outputs, &files].concat()).ends(1).without_answer();
        ran.says(&[case.code, "Nothing was written."]);
        for name in ["image", "image.tar", "docker.tar", "digest", "metadata"] {
            assert!(!place.path(name).exists(), "{}: {name}", case.code);
        }
    }
    let writes = server.requests().into_iter().filter(|request| request.method != "GET" && request.method != "HEAD");
    assert_eq!(writes.count(), 0);
}

#[test]
fn a_script_that_was_written_on_windows_does_not_start() {
    let place = Place::new();
    let script = place.path("t/bin/run");
    place.write("t/bin/run", "#!/bin/sh\r\necho hi\r\n");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let spec =
        "schema = 1\nbase.image = \"scratch\"\n[layer.t]\nprefix = \"/opt/t\"\npath = [\"bin\"]\nsource.path = \"t\"\n";
    place.write("oci-merge.toml", spec);
    place.run(&["check"]).ends(0).says(&["warning[OM0405]: t needs /bin/sh\\x0d", "end its first line with LF alone"]);
}
