use super::{Place, Ran};
use serde_json::Value;
use std::process::Stdio;

#[test]
fn stdout_has_the_answer_and_quiet_leaves_nothing_else() {
    let place = Place::with_demo();
    let ran = place.run(&["build", "-q"]).ends(0);
    assert_eq!(ran.err, "");
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    let ran = place.run(&["build", "-o", "type=oci,dest=a", "-o", "type=docker,dest=b.tar"]).ends(0);
    let lines: Vec<_> = ran.out.lines().map(|l| l.split('@').next().unwrap()).collect();
    assert_eq!(lines, ["oci:a:full", "docker-archive:b.tar:demo:full"]);
    let ran = place.run(&["build", "-q", "-o", "type=none"]).ends(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn json_is_one_document_with_its_schema() {
    let place = Place::with_demo();
    let ran = place.run(&["build", "--json"]).ends(0);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["schema"], "oci-merge.result/v1");
    assert_eq!(document["ok"], true);
    let layers = document["images"][0]["layers"].as_array().unwrap();
    assert_eq!(layers.iter().map(|l| l["name"].as_str().unwrap()).collect::<Vec<_>>(), ["alpha", "beta", "gamma"]);
    let ran = place.run(&["check", "--json"]).ends(0);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&document["schema"], &document["ok"]), (&"oci-merge.findings/v1".into(), &true.into()));
}

#[test]
fn result_files_hold_digests() {
    let place = Place::with_demo();
    let files = ["--digestfile", "d", "--iidfile", "i", "--metadata-file", "m", "--image-refs", "r"];
    let ran = place.run(&[&["build", "-q"][..], &files].concat()).ends(0);
    let digest = place.read("d");
    assert_eq!(ran.out, format!("oci:./image:full@{digest}\n"));
    assert_eq!(place.read("r"), ran.out);
    let metadata: Value = serde_json::from_str(&place.read("m")).unwrap();
    assert_eq!(metadata["containerimage.digest"], digest.as_str());
    let manifest: Value =
        serde_json::from_str(&place.read(&format!("image/blobs/{}", digest.replace(':', "/")))).unwrap();
    assert_eq!(manifest["config"]["digest"], place.read("i").as_str());
}

#[test]
fn a_log_has_a_line_for_each_thing_and_no_escapes() {
    let place = Place::with_demo();
    let log = place.run(&["build", "--progress", "plain"]).ends(0).err;
    assert!(!log.contains('\x1b'), "{log}");
    let begins: Vec<_> = log.lines().map(|l| l.split_whitespace().next().unwrap_or_default()).collect();
    for word in ["alpha", "beta", "gamma", "check"] {
        assert_eq!(begins.iter().filter(|b| **b == word).count(), 1, "{word}\n{log}");
    }
    assert!(log.starts_with(&format!("oci-merge {}: demo for linux/", env!("CARGO_PKG_VERSION"))), "{log}");
}

#[test]
fn events_are_json_lines_from_start_to_end() {
    let place = Place::with_demo();
    let log = place.run(&["build", "--progress", "json"]).ends(0).err;
    let events: Vec<Value> =
        log.lines().filter(|l| l.starts_with('{')).map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(events.iter().all(|e| e["v"] == 1 && e["ms"].is_u64()), "{log}");
    assert!(log.lines().filter(|l| l.starts_with('{')).all(|l| l.matches("\"ms\":").count() == 1), "{log}");
    assert_eq!(log.matches("run.end").count(), 1, "{log}");
    assert_eq!(events.first().unwrap()["event"], "run.start");
    let end = events.last().unwrap();
    assert_eq!((&end["event"], &end["ok"], &end["exit"]), (&"run.end".into(), &true.into(), &0.into()));
    let ready = events.iter().filter(|e| e["event"] == "layer.ready" && e["layer"] != "base");
    let mut ready: Vec<_> = ready.map(|e| e["layer"].as_str().unwrap()).collect();
    ready.sort_unstable();
    assert_eq!(ready, ["alpha", "beta", "gamma"]);
}

#[test]
fn colour_and_signs_follow_the_environment() {
    let place = Place::new();
    place.write("oci-merge.toml", "schema = 2\n");
    let err = |args: &[&str], variables: &[(&str, &str)]| {
        Ran::of(place.command(args).envs(variables.iter().copied())).ends(2).err
    };
    assert!(!err(&["check"], &[]).contains('\x1b'), "a pipe has no colour");
    assert!(err(&["check", "--color", "always"], &[]).contains("\x1b["));
    assert!(err(&["check"], &[("CLICOLOR_FORCE", "1")]).contains("\x1b["));
    assert!(err(&["check"], &[("FORCE_COLOR", "1")]).contains("\x1b["));
    assert!(!err(&["check"], &[("FORCE_COLOR", "1"), ("NO_COLOR", "1")]).contains('\x1b'));
    // A name that ASCII cannot show.
    place.write("oci-merge.toml", "schema = 1\nbase = { image = \"scratch\" }\nlayer = { \"größe\" = 1 }\n");
    assert!(err(&["check"], &[]).contains("größe"));
    assert!(err(&["check"], &[("LC_ALL", "C")]).is_ascii());
}

#[test]
fn names_from_outside_cannot_move_the_cursor() {
    let place = Place::new();
    place.write("oci-merge.toml", "schema = 1\n\"a\\u001b[2Jb\" = 1\n");
    let ran = place.run(&["check"]).ends(2);
    assert!(!ran.err.contains('\x1b'), "{:?}", ran.err);
    assert!(ran.err.contains("a\\x1b[2Jb"), "{}", ran.err);
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let place = Place::with_demo();
    for args in [&["schema"][..], &["--help"], &["build", "--json"], &["completions", "zsh"]] {
        let mut child = place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
