//! The rules of the tree that a compiler does not know.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Which crates of ours each crate may depend on. An edge that is not here is a defect.
const EDGES: [(&str, &[&str]); 4] = [
    ("oci-merge-image", &[]),
    ("oci-merge-layer", &["oci-merge-image"]),
    ("oci-merge-store", &["oci-merge-image"]),
    ("oci-merge", &["oci-merge-image", "oci-merge-layer", "oci-merge-store"]),
];

/// What a crate may not depend on, directly or through others, because it does not use that part of the machine.
const FOREIGN: [(&str, &[&str]); 2] = [
    ("oci-merge-image", &["rayon", "ureq", "rustls", "walkdir", "tempfile", "flate2"]),
    ("oci-merge-store", &["rayon", "walkdir", "flate2"]),
];

/// What the root of the tree may hold, dotted files aside.
const TOP: [&str; 12] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "crates",
    "fixtures",
    "fuzz",
    "tests",
    "tools",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The normal dependencies of each package of the workspace, by name.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let normal = |p: &Value| {
        let all = p["dependencies"].as_array().unwrap();
        all.iter().filter(|d| d["kind"].is_null()).map(|d| text(&d["name"])).collect::<Vec<_>>()
    };
    packages.iter().map(|p| (text(&p["name"]), normal(p))).collect()
}

#[test]
fn crates_depend_only_on_what_the_architecture_allows() {
    let dependencies = dependencies();
    for (name, allowed) in EDGES {
        let ours = dependencies[name].iter().filter(|d| d.starts_with("oci-merge"));
        let forbidden: Vec<_> = ours.filter(|d| !allowed.contains(&d.as_str())).collect();
        assert!(forbidden.is_empty(), "{name} must not depend on {forbidden:?}");
    }
    for (name, foreign) in FOREIGN {
        let used: Vec<_> = dependencies[name].iter().filter(|d| foreign.contains(&d.as_str())).collect();
        assert!(used.is_empty(), "{name} must not use {used:?}");
    }
}

#[test]
fn the_top_level_is_the_one_that_was_agreed() {
    let entries = std::fs::read_dir(root()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    // `target` and `image` are made by building and by running the program.
    let ours = entries.filter(|name| !name.starts_with('.') && name != "target" && name != "image");
    let mut strangers: Vec<_> = ours.filter(|name| !TOP.contains(&name.as_str())).collect();
    strangers.sort();
    assert!(strangers.is_empty(), "not part of the tree: {strangers:?}");
}

#[test]
fn the_image_crate_touches_nothing_outside() {
    let forbidden = ["std::fs", "std::net::Tcp", "std::thread", "SystemTime", "Instant::now", "std::env", "HashMap"];
    for_each_source(&root().join("crates/oci-merge-image/src"), &mut |file, text| {
        for word in forbidden {
            assert!(!text.contains(word), "{} uses {word}", file.display());
        }
    });
}

#[test]
fn libraries_read_neither_the_clock_nor_the_environment() {
    let forbidden = ["SystemTime::now", "env::var(", "env::var_os(", "current_dir("];
    for name in ["oci-merge-layer", "oci-merge-store", "oci-merge"] {
        for_each_source(&root().join("crates").join(name).join("src"), &mut |file, text| {
            // The binary reads both; credentials do on request; how long to wait for a peer is a matter of time;
            // crash.rs is a test.
            let excused = ["/cli/", "main.rs", "/server/", "/credentials/", "/network/clock.rs", "/crash.rs", "tests"];
            if excused.iter().any(|part| file.to_string_lossy().contains(part)) {
                return;
            }
            let shipped = text.split("#[cfg(test)]").next().unwrap_or_default();
            for word in forbidden {
                assert!(!shipped.contains(word), "{} uses {word}", file.display());
            }
        });
    }
}

fn for_each_source(directory: &Path, judge: &mut impl FnMut(&Path, &str)) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            for_each_source(&path, judge);
        } else if path.extension().is_some_and(|e| e == "rs") {
            judge(&path, &std::fs::read_to_string(&path).unwrap());
        }
    }
}
