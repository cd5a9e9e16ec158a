use super::{Place, Ran};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A spec with one layer whose source table is this.
fn spec(place: &Place, base: &str, source: &str) {
    let text = format!(
        "schema = 1\n[base]\nimage = \"{base}\"\n[layer.tool]\nprefix = \"/opt/tool\"\n[layer.tool.source]\n{source}\n"
    );
    place.write("oci-merge.toml", &text);
}

/// It ends so, says the words, gives no answer and leaves no image.
#[track_caller]
fn refused(place: &Place, args: &[&str], code: i32, words: &[&str]) {
    place.run(args).ends(code).says(words).without_answer();
    assert!(!place.path("image").exists(), "an image is there");
}

#[test]
fn usage_is_two() {
    let place = Place::new();
    for args in
        [&["bild"][..], &["build", "--no-such-flag"], &[], &["init"], &["push", "image"], &["completions", "tcsh"]]
    {
        refused(&place, args, 2, &["error[OM0100]"]);
    }
    refused(&place, &["bild"], 2, &["'build'"]);
    refused(&place, &["check"], 2, &["error[OM0100]", "oci-merge.toml", "oci-merge init --demo"]);
    refused(&place, &["check", "-f", "no.toml"], 2, &["error[OM0100]", "no.toml"]);
    refused(&place, &["check", "-f", "."], 2, &["error[OM0100]: . is a directory"]);
    refused(&place, &["check", "-C", "no"], 2, &["error[OM0100]: -C: there is no directory no"]);
    refused(&place, &["init", "--from-dockerfile", "."], 2, &["error[OM0100]: . is a directory"]);
    spec(&place, "scratch", "path = \"tool\"");
    refused(&place, &["build", "-o", "type=tar"], 2, &["OM0100", "oci, docker, registry, layer, none"]);
    let twice = ["build", "-o", "type=docker,dest=a.tar", "-o", "type=oci,dest=./a.tar"];
    refused(&place, &twice, 2, &["OM0100", "two outputs to", "a.tar"]);
    refused(&place, &["build", "--create-only"], 2, &["OM0100", "--push"]);
    refused(&place, &["build", "-p", "amd 64"], 2, &["OM0100", "--platform", "os/arch"]);
    refused(&place, &["build", "-p", "amd46"], 2, &["OM0100", "--platform", "amd46", "amd64"]);
    refused(&place, &["check", "-f", "oci-merge.toml/x"], 2, &["error[OM0100]: there is no oci-merge.toml/x"]);
    refused(&place, &["check", "-C", "oci-merge.toml"], 2, &["error[OM0100]: -C: oci-merge.toml is no directory"]);
    refused(&place, &["build", "--limit", "beans=1"], 2, &["OM0100", "--limit beans=1", "entries"]);
    refused(&place, &["build", "nosuch"], 2, &["OM0100", "nosuch", "tool"]);
    refused(&place, &["build", "-t", "GHCR.io/Jon/x:1"], 2, &["OM0104", "lower case"]);
    refused(&place, &["build", "--push"], 2, &["OM0100", "push where?", "project.repo"]);
    let mut epoch = place.command(&["build"]);
    Ran::of(epoch.env("SOURCE_DATE_EPOCH", "yesterday")).ends(2).says(&["OM0100", "SOURCE_DATE_EPOCH", "yesterday"]);
    place.write("binary.toml", "");
    std::fs::write(place.path("binary.toml"), b"a = \"\xff\"").unwrap();
    refused(&place, &["check", "-f", "binary.toml"], 2, &["binary.toml", "byte 5"]);
}

#[test]
fn an_image_that_could_be_one_of_several_is_usage() {
    let place = Place::with_demo();
    for (layer, tag) in [("alpha", "one"), ("beta", "two")] {
        place.run(&["build", layer, "-q", "-o", "type=oci,dest=several", "-t", &format!("demo:{tag}")]).ends(0);
    }
    place.run(&["inspect", "oci:several"]).ends(2).says(&["OM0502", "expected one image, found one, two; say which"]);
    place.run(&["inspect", "oci:several:two"]).ends(0);
}

#[test]
fn a_missing_source_is_named_with_its_line() {
    let place = Place::new();
    spec(&place, "scratch", "path = \"no-such-directory\"");
    refused(&place, &["build"], 2, &["OM0109", "tool", "no-such-directory", "oci-merge.toml:7:8"]);
}

#[test]
fn a_refused_archive_is_one() {
    let place = Place::new();
    place.write("noise.tar.gz", "<!DOCTYPE html><title>404</title>");
    spec(&place, "scratch", "path = \"noise.tar.gz\"");
    refused(&place, &["build"], 1, &["OM0220", "tool", "the error page of a web server"]);

    let whole = crate::from::gzip(&crate::from::tar(&["d bin", "f bin/tool =1"]));
    std::fs::write(place.path("cut.tar.gz"), &whole[..whole.len() / 2]).unwrap();
    let url = format!("file://{}", place.path("cut.tar.gz").display());
    let sha256 = oci_merge_image::Digest::of(&whole[..whole.len() / 2]);
    for source in ["path = \"cut.tar.gz\"".to_owned(), format!("url = \"{url}\"\nsha256 = \"{}\"", sha256.hex())] {
        spec(&place, "scratch", &source);
        // By its name in the spec, not by that of a blob of the store.
        let name = if source.contains("url") { &url } else { "cut.tar.gz: " };
        refused(&place, &["build"], 1, &["OM0220", "GZ_TRUNCATED", name, "this copy ends too early"]);
    }
    // It is in the store by now, so that nothing is asked for.
    spec(&place, "scratch", &format!("url = \"https://x.test/t.tar.gz?token=zebra\"\nsha256 = \"{}\"", sha256.hex()));
    let told = place.run(&["build"]).ends(1).says(&["OM0220", "https://x.test/t.tar.gz?token=…: "]);
    assert!(!told.err.contains("zebra"), "{}", told.err);
}

#[test]
fn a_pipe_is_no_source_and_nobody_waits_for_it() {
    let place = Place::new();
    assert!(std::process::Command::new("mkfifo").arg(place.path("pipe")).status().unwrap().success());
    spec(&place, "scratch", "path = \"pipe\"");
    refused(&place, &["build"], 2, &["OM0109", "tool", "pipe", "neither a directory nor a file"]);
    refused(&place, &["check", "x=./pipe"], 2, &["./pipe", "neither a directory nor a file"]);
}

#[test]
fn prefixes_inside_each_other_are_one() {
    let place = Place::new();
    place.write("a/x", "1");
    place.write("b/y", "2");
    let layer = |name: &str, prefix: &str| format!("[layer.{name}]\nprefix = \"{prefix}\"\nsource.path = \"{name}\"\n");
    for inner in ["/opt/a", "/opt/a/deep"] {
        let text = format!("schema = 1\nbase.image = \"scratch\"\n{}{}", layer("a", "/opt/a"), layer("b", inner));
        place.write("oci-merge.toml", &text);
        refused(&place, &["build"], 1, &["OM0211", "a", "b", inner]);
    }
}

#[test]
fn a_network_that_is_not_there_is_three() {
    let place = Place::new();
    // A port that was free a moment ago, and that nobody listens on.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    spec(&place, &format!("{address}/base/image:1"), "path = \"tool\"");
    place.write("tool/x", "1");
    refused(&place, &["build"], 3, &["OM0503", &address.to_string(), "oci-merge explain OM0503"]);
}

#[test]
fn wrong_bytes_are_five() {
    let place = Place::with_demo();
    place.run(&["build", "-q", "-o", "type=oci,dest=demo.tar"]).ends(0);
    let zeros = "0".repeat(64);
    spec(&place, "scratch", &format!("path = \"demo.tar\"\nsha256 = \"{zeros}\""));
    refused(&place, &["build"], 5, &["OM0601", "tool", &zeros]);
}

#[test]
fn a_url_without_a_digest_is_told_the_digest() {
    let place = Place::with_demo();
    place.write("layer.tar", "not even a tar");
    spec(&place, "scratch", &format!("url = \"file://{}\"", place.path("layer.tar").display()));
    // printf 'not even a tar' | sha256sum
    refused(&place, &["build"], 2, &["tool", "36a9f6ce7e6e89bfac994b41e2ee94f91282fe2bd1368d4781cc6ab8d0a5c1b5"]);
}

#[test]
fn a_missing_engine_is_six() {
    let place = Place::with_demo();
    let mut command = place.command(&["build", "--load"]);
    Ran::of(command.env("PATH", "/nonexistent")).ends(6).says(&["OM0802", "docker", "podman"]).without_answer();
}

#[test]
fn a_disk_that_does_not_take_it_is_seven() {
    let place = Place::with_demo();
    place.write("file", "");
    place.run(&["build", "-o", "type=oci,dest=file/image"]).ends(7).says(&["OM0801", "file/image"]).without_answer();
}

#[test]
fn a_signal_ends_it_with_its_own_code() {
    // A registry that takes the connection and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = Place::new();
    place.write("tool/x", "1");
    spec(&place, &format!("{}/base:1", listener.local_addr().unwrap()), "path = \"tool\"");
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let child = place.command(&["build"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let connection = listener.accept().unwrap(); // it is at work, and waits
        let began = Instant::now();
        let kill = std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let output = child.wait_with_output().unwrap();
        drop(connection);
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{err}");
        assert!(err.contains("OM0804") && err.contains("no tag was moved"), "{err}");
        // Not before the connection is given up, which is ten seconds at most.
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        assert!(!place.path("image").exists());
    }
}
