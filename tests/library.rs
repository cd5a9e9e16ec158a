//! What an embedder writes, run against a registry in this process.

use oci_merge::{CancelToken, Error, Image, Layer, Settings};
use oci_merge_store::server::{Options, Server};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A tool's directory: `bin/NAME`, which says its name.
pub(crate) fn tool(root: &Path, name: &str) -> PathBuf {
    let directory = root.join(name);
    std::fs::create_dir_all(directory.join("bin")).unwrap();
    std::fs::write(directory.join("bin").join(name), format!("#!/bin/sh\necho {name}\n")).unwrap();
    directory
}

#[test]
fn the_smallest_program_pushes_an_image() {
    let server = Server::start(Options::default()).unwrap();
    let root = tempfile::tempdir().unwrap();
    let image = Image::on("scratch")
        .layer(Layer::directory("alpha", tool(root.path(), "alpha")).path("bin").version("1.0"))
        .layer(Layer::directory("beta", tool(root.path(), "beta")).prefix("/usr/lib/beta").path("bin").env("BETA", "1"))
        .assemble()
        .unwrap();
    let answer = image.push(&format!("{}/demo/image:full", server.address())).unwrap();
    let (name, digest) = answer.split_once('@').unwrap();
    assert_eq!(name, format!("{}/demo/image:full", server.address()));
    let manifest = server.manifest("demo/image", "full").unwrap().bytes;
    assert_eq!(oci_merge::Digest::of(&manifest).to_string(), digest);
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let annotations = &manifest["layers"][0]["annotations"];
    assert_eq!(annotations["dev.oci-merge.layer"], "alpha");
    assert_eq!(annotations["dev.oci-merge.version"], "1.0");
    assert_eq!(annotations["dev.oci-merge.prefix"], "/opt/alpha");
    let config = manifest["config"]["digest"].as_str().unwrap().parse().unwrap();
    let config: serde_json::Value = serde_json::from_slice(&server.blob("demo/image", &config).unwrap()).unwrap();
    let path = "PATH=/opt/alpha/bin:/usr/lib/beta/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(config["config"]["Env"], serde_json::json!([path, "BETA=1"]));
    assert!(server.violations().is_empty(), "{:?}", server.violations());
}

#[test]
fn the_example_does_the_same_from_the_command_line() {
    let server = Server::start(Options::default()).unwrap();
    let root = tempfile::tempdir().unwrap();
    let target = format!("{}/demo:1", server.address());
    let alpha = format!("alpha={}", tool(root.path(), "alpha").display());
    let binary = Path::new(env!("CARGO_BIN_EXE_oci-merge"));
    let example = binary.parent().unwrap().join("examples/assemble");
    let output = Command::new(example).args(["scratch", &target, &alpha]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.starts_with(&format!("{target}@sha256:")), "{stdout}");
}

#[test]
fn the_check_alone_needs_no_network_and_no_spec() {
    let root = tempfile::tempdir().unwrap();
    let archive = |name: &str, files: &[(&str, &str)]| {
        let path = root.path().join(format!("{name}.tar"));
        let mut tar = tar::Builder::new(std::fs::File::create(&path).unwrap());
        for (file, text) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            // A blank number is nothing that all readers agree on.
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            tar.append_data(&mut header, file, text.as_bytes()).unwrap();
        }
        tar.finish().unwrap();
        format!("{name}={}", path.display())
    };
    let licence = ("opt/licences/MIT", "as is");
    let a = archive("a", &[("opt/a/x", "1"), licence]);
    let b = archive("b", &[("opt/b/x", "1"), licence]);
    let c = archive("c", &[("opt/c/x", "1"), ("opt/a/x", "2")]);
    let gate = Path::new(env!("CARGO_BIN_EXE_oci-merge")).parent().unwrap().join("examples/gate");
    let run = |args: &[&String]| {
        let output = Command::new(&gate).args(args).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(run(&[&a, &b]), (true, String::new()));
    assert_eq!(run(&[&a, &b, &c]), (false, "OM0201 both a and c write /opt/a/x\n".into()));
}

#[test]
fn layers_that_clash_are_an_error_with_all_findings_and_nothing_is_sent() {
    let server = Server::start(Options::default()).unwrap();
    let root = tempfile::tempdir().unwrap();
    let base = Image::on("scratch").layer(Layer::directory("base", tool(root.path(), "base")).prefix("/opt/a"));
    let target = format!("{}/base:1", server.address());
    base.assemble().unwrap().push(&target).unwrap();
    let before = server.requests().len();
    // The base brings its own /opt/a, and both layers want it.
    let error = Image::on(target)
        .layer(Layer::directory("one", tool(root.path(), "one")).prefix("/opt/a"))
        .layer(Layer::directory("two", tool(root.path(), "two")).prefix("/opt/a"))
        .assemble()
        .unwrap_err();
    assert_eq!(error.exit_code(), 1);
    let Error::Findings(report) = error else { panic!("{error}") };
    assert!(report.findings().iter().all(|f| f.code().as_str() == "OM0211"), "{report}");
    assert!(report.errors() >= 2, "{report}");
    for request in server.requests().iter().skip(before) {
        assert!(matches!(request.method.as_str(), "GET" | "HEAD"), "{request:?}");
    }
}

#[test]
fn a_cancelled_run_moves_no_tag() {
    let server = Server::start(Options::default()).unwrap();
    let root = tempfile::tempdir().unwrap();
    let cancel = CancelToken::new();
    let settings = Settings { cancel: cancel.clone(), ..Settings::default() };
    let image = Image::on("scratch").layer(Layer::directory("alpha", tool(root.path(), "alpha"))).settings(settings);
    let assembled = image.clone().assemble().unwrap();
    cancel.cancel();
    assert!(matches!(image.assemble(), Err(Error::Cancelled)));
    let error = assembled.push(&format!("{}/demo:1", server.address())).unwrap_err();
    assert_eq!((error.exit_code(), error.code()), (130, "OM0804"));
    assert!(server.manifest("demo", "1").is_none());
}

#[test]
fn a_base_in_the_same_registry_is_mounted_and_not_downloaded_again() {
    let server = Server::start(Options::default()).unwrap();
    let (root, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let settings = Settings { store: Some(store.path().to_owned()), ..Settings::default() };
    let base = format!("{}/base:1", server.address());
    Image::on("scratch")
        .layer(Layer::directory("base", tool(root.path(), "base")))
        .assemble()
        .unwrap()
        .push(&base)
        .unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&server.manifest("base", "1").unwrap().bytes).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();

    let alpha = Layer::directory("alpha", tool(root.path(), "alpha"));
    let on_base = Image::on(base).layer(alpha).settings(settings);
    on_base.clone().assemble().unwrap().push(&format!("{}/first:1", server.address())).unwrap();
    let first = server.requests().len();
    let fetched = |from: usize| {
        let requests = server.requests();
        let of_layer = requests.iter().skip(from).filter(|r| r.target.contains(&layer));
        of_layer.map(|r| r.method.clone()).collect::<Vec<_>>()
    };
    assert_eq!(fetched(0).iter().filter(|m| *m == "GET").count(), 1, "read once for the check");
    on_base.assemble().unwrap().push(&format!("{}/second:1", server.address())).unwrap();
    assert_eq!(fetched(first), ["POST"], "the second run only mounts it");
}

/// For `tools/stages/scale`, which starts a registry and names it: whatever a run takes, it gives back.
#[test]
#[ignore = "needs a process of its own, and the registry OCI_MERGE_PUSHES_TO"]
fn two_hundred_pushes_leave_nothing_behind() {
    let registry = std::env::var("OCI_MERGE_PUSHES_TO").unwrap();
    let root = tempfile::tempdir().unwrap();
    let temporary = std::env::temp_dir();
    let count = |directory: &Path| std::fs::read_dir(directory).unwrap().count();
    let descriptors = || count(Path::new("/proc/self/fd"));
    // Without what is mapped from files: the kernel takes that away and brings it back as it likes.
    let resident = || -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let push = |round: usize| {
        let alpha = tool(root.path(), "alpha");
        std::fs::write(alpha.join("round"), round.to_string()).unwrap();
        let settings = Settings { store: Some(root.path().join("store")), ..Settings::default() };
        let image = Image::on("scratch")
            .layer(Layer::directory("alpha", alpha))
            .layer(Layer::directory("beta", tool(root.path(), "beta")))
            .settings(settings);
        image.assemble().unwrap().push(&format!("{registry}/pushes:1")).unwrap();
    };
    let mut after = Vec::new();
    for round in 0..200 {
        push(round);
        after.push((resident(), descriptors(), count(&temporary)));
    }
    // The allocator keeps what it likes, now more, now less; what leaks is there in any case, so the least counts.
    let least = |rounds: std::ops::Range<usize>| after[rounds].iter().map(|(resident, ..)| *resident).min().unwrap();
    let (first, second) = (least(20..110), least(110..200));
    println!("KiB of memory: {first} at least up to the 110th push, {second} after it; {:?} at the end", after[199]);
    assert!(second < first + 1024, "{after:?}");
    assert_eq!((after[199].1, after[199].2), (after[19].1, after[19].2), "descriptors and temporary files");
    assert_eq!(count(&root.path().join("store/tmp")), 0);
}
