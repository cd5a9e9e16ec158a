//! The local store in bounds, and shared.

use super::store::{NOTHING, blobs, demo, digest, kept, settle, store, verify};
use super::{Place, Ran};
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, SystemTime};

fn cache(place: &Place, args: &[&str]) -> Value {
    settle();
    serde_json::from_str(&place.run(&[&["cache", "--json"], args].concat()).ends(0).out).unwrap()
}

#[test]
fn the_store_is_shown_by_kind() {
    let place = demo();
    let empty = cache(&place, &[]);
    assert_eq!((&empty["all"]["files"], &empty["limit"]), (&0.into(), &10_000_000_000u64.into()));
    assert!(!store(&place).exists(), "looking makes none");
    place.run(&NOTHING).ends(0);
    let document = cache(&place, &[]);
    assert_eq!(document["path"], store(&place).to_str().unwrap());
    let files = |kind: &str| document["kinds"][kind]["files"].as_u64().unwrap();
    assert_eq!((files("blob"), files("index"), files("record"), &document["all"]["files"]), (3, 3, 3, &9.into()));
    let size =
        |directory| -> u64 { kept(&place, directory).iter().map(|file| fs::metadata(file).unwrap().len()).sum() };
    assert_eq!(document["kinds"]["blob"]["size"], size("blobs/sha256"));
    assert_eq!(document["all"]["size"], size("blobs/sha256") + size("facts"));
    let screen = place.run(&["cache"]).ends(0).out;
    let blobs = screen.lines().find(|line| line.contains("blob")).unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(&blobs[..3], ["blob", "3", &size("blobs/sha256").to_string()], "{screen}");
    assert!(screen.contains(" of 10.0 GB"), "{screen}");
}

#[test]
fn room_is_made_as_asked() {
    let place = demo();
    let cold = digest(&place.run(&["build"]).ends(0));
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 86400);
    for file in blobs(&place) {
        fs::File::open(file).unwrap().set_modified(long_ago).unwrap();
    }
    assert_eq!(cache(&place, &["--older", "4d"])["removed"]["files"], 0);
    let gone = cache(&place, &["--older", "2d"]);
    assert_eq!((&gone["removed"]["files"], &gone["all"]["files"]), (&3.into(), &6.into()));
    assert_eq!(digest(&place.run(&["build"]).ends(0)), cold, "what is gone is made again");
    let facts = cache(&place, &[])["all"]["size"].as_u64().unwrap();
    let less = cache(&place, &["--down-to", &(facts - 1).to_string()]);
    assert_eq!(less["removed"]["files"], 1);
    assert_eq!(cache(&place, &["--down-to", "1GB"])["removed"]["files"], 0);
    place.run(&["cache", "--clean"]).ends(0).says(&["removed 5 files"]);
    assert_eq!(cache(&place, &[])["all"]["files"], 0);
    assert_eq!(digest(&place.run(&["build"]).ends(0)), cold);
    for wrong in [&["--older", "x"][..], &["--down-to", "1X"], &["--clean", "--older", "1d"]] {
        place.run(&[&["cache"], wrong].concat()).ends(2);
    }
    // A layout that somebody keeps images in is not ours to clean.
    let mut command = place.command(&["cache", "--clean"]);
    Ran::of(command.env("OCI_MERGE_CACHE", place.path("image"))).ends(2).says(&["images that have names"]);
    verify(&place.path("image"));
}

#[test]
fn a_run_that_adds_something_keeps_the_store_in_its_bounds() {
    let place = demo();
    let bounded = |args: &[&str], size: &str| Ran::of(place.command(args).env("OCI_MERGE_CACHE_SIZE", size));
    bounded(&NOTHING, "100GB").ends(0);
    let old = blobs(&place);
    place.write("demo/beta/bin/beta", "#!/bin/sh\n# another\n");
    settle();
    bounded(&NOTHING, "0").ends(0);
    // What this run used stays, and of blobs it used one.
    assert_eq!((blobs(&place).len(), blobs(&place).intersection(&old).count()), (1, 0));
    assert_eq!(kept(&place, "facts").len(), 6);
    bounded(&NOTHING, "many").ends(2).says(&["OCI_MERGE_CACHE_SIZE is many", "500MB"]);
}

fn start(place: &Place, args: &[&str]) -> Child {
    let mut command = place.command(args);
    command.env("OCI_MERGE_CACHE_SIZE", "0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }.ends(0)
}

#[test]
fn sixteen_at_once_share_a_store_while_others_clean_it() {
    let place = demo();
    let alone = digest(&place.run(&["build", "-o", "type=oci,dest=alone"]).ends(0));
    for round in 0..2 {
        let outputs: Vec<String> = (0..16).map(|n| format!("type=oci,dest=image-{round}-{n}")).collect();
        let builds: Vec<Child> = outputs.iter().map(|output| start(&place, &["build", "-o", output])).collect();
        for _ in 0..10 {
            end(start(&place, &["cache", "--clean"]));
        }
        for (n, build) in builds.into_iter().enumerate() {
            let ran = end(build);
            assert_eq!(digest(&ran), alone);
            assert!(!ran.err.contains("damaged"), "{}", ran.err);
            verify(&place.path(&format!("image-{round}-{n}")));
        }
    }
    settle();
    place.run(&["cache", "--clean"]).ends(0);
    assert_eq!(cache(&place, &[])["all"]["files"], 0, "nobody is left");
    assert_eq!(kept(&place, "tmp").len() + kept(&place, "users").len(), 0);
}
