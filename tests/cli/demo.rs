use super::{Place, Ran};
use serde_json::Value;

/// A JSON blob of a layout.
fn blob(place: &Place, digest: &Value) -> Value {
    let hex = digest.as_str().unwrap().strip_prefix("sha256:").unwrap();
    serde_json::from_str(&place.read(&format!("image/blobs/sha256/{hex}"))).unwrap()
}

#[test]
fn two_commands_make_an_image() {
    let place = Place::new();
    let ran = place.run(&["init", "--demo"]).ends(0).without_answer();
    ran.says(&[
        "Wrote oci-merge.toml and demo/ (three toy tools, 9 files, ",
        "No network was used.",
        "Next: oci-merge build",
    ]);
    let ran = place.run(&["build"]).ends(0);

    let index: Value = serde_json::from_str(&place.read("image/index.json")).unwrap();
    let entry = &index["manifests"][0];
    assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "full");
    assert_eq!(ran.out, format!("oci:./image:full@{}\n", entry["digest"].as_str().unwrap()));
    let manifest = blob(&place, &entry["digest"]);
    let names: Vec<_> = manifest["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["annotations"]["dev.oci-merge.layer"].clone())
        .collect();
    assert_eq!(names, ["alpha", "beta", "gamma"]);
    let config = blob(&place, &manifest["config"]["digest"]);
    let path =
        "PATH=/opt/alpha/bin:/opt/beta/bin:/opt/gamma/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(config["config"]["Env"], serde_json::json!([path, "ALPHA_HOME=/opt/alpha"]));
    assert_eq!(config["config"]["Cmd"], serde_json::json!(["alpha"]));
}

#[test]
fn the_demo_has_one_digest_whoever_makes_it() {
    let digest = |place: &Place| place.run(&["build", "-q"]).ends(0).out;
    let first = digest(&Place::with_demo());
    let strict = Place::new();
    let program = env!("CARGO_BIN_EXE_oci-merge");
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "umask 077 && exec \"$0\" init --demo", program]).current_dir(strict.0.path());
    Ran::of(&mut shell).ends(0);
    assert_eq!(digest(&strict), first);
}

#[test]
fn a_demo_is_written_over_nothing() {
    let place = Place::new();
    place.write("oci-merge.toml", "mine");
    place.run(&["init", "--demo"]).ends(2).says(&["OM0100", "oci-merge.toml is there already"]);
    assert_eq!(place.read("oci-merge.toml"), "mine");
    let place = Place::new();
    place.write("demo/mine", "mine");
    place.run(&["init", "--demo"]).ends(2).says(&["OM0100", "demo is there already"]);
    assert!(!place.path("oci-merge.toml").exists());
}

/// The demo with the comment signs before delta taken away, as its comment says.
fn with_delta() -> Place {
    let place = Place::with_demo();
    let spec = place.read("oci-merge.toml");
    let (above, delta) = spec.split_at(spec.find("# [layer.delta]").unwrap());
    place.write("oci-merge.toml", &format!("{above}{}", delta.replace("# ", "")));
    place
}

#[test]
fn the_fourth_tool_clashes_with_the_third() {
    let place = with_delta();
    let line = |header: &str| 1 + place.read("oci-merge.toml").lines().position(|l| l == header).unwrap();
    let lines =
        [format!("oci-merge.toml:{}", line("[layer.gamma]")), format!("oci-merge.toml:{}", line("[layer.delta]"))];
    for command in [&["check"][..], &["build"]] {
        let ran = place.run(command).ends(1).without_answer();
        // Sizes as `wc -c` gives them, digests as `sha256sum` does.
        ran.says(&["error[OM0201]", "gamma", "delta", "/etc/profile.d/greeting.sh", "66 B", "81 B", "0644"])
            .says(&[&lines[0], &lines[1]]);
    }
    assert!(!place.path("image").exists(), "nothing is written when the answer is no");
}

/// What it took is another on each machine.
fn without_time(text: &str) -> String {
    let line = |line: &str| match line.split_once(" paths in ") {
        Some((before, after)) => format!("{before} paths in{}", after.split_once(". ").map_or(after, |(_, rest)| rest)),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The README shows the collision as the program prints it.
#[test]
fn the_readme_shows_the_collision_as_it_is() {
    let readme = std::fs::read_to_string(super::root().join("README.md")).unwrap();
    let shown = readme.split("$ oci-merge check\n").nth(1).unwrap().split("```").next().unwrap();
    let ran = with_delta().run(&["check", "--progress", "none"]).ends(1);
    let platform = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };
    assert_eq!(without_time(&ran.err), without_time(&shown.replace("linux/amd64", platform)));
}

#[test]
fn a_collision_as_json_names_layers_and_lines() {
    let place = with_delta();
    let ran = place.run(&["check", "--json"]).ends(1);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&document["schema"], &document["ok"]), (&"oci-merge.findings/v1".into(), &false.into()));
    let finding = &document["findings"][0];
    assert_eq!(finding["code"], "OM0201");
    assert_eq!(finding["severity"], "error");
    assert_eq!(finding["path"], "/etc/profile.d/greeting.sh");
    let names: Vec<_> = finding["layers"].as_array().unwrap().iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["gamma", "delta"]);
    let gamma = &finding["layers"][0];
    assert_eq!((&gamma["size"], &gamma["version"], &gamma["mode"]), (&66.into(), &"0.1".into(), &"0644".into()));
    assert!(gamma["span"]["line"].as_u64().unwrap() > 0);
}

#[test]
fn what_was_built_can_be_looked_at() {
    let place = Place::with_demo();
    place.run(&["build"]).ends(0);
    let files = place.run(&["ls", "./image"]).ends(0).out;
    let line = files.lines().find(|l| l.ends_with(" /opt/beta/lib/beta.sh")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["-0644", "0:0", "35", "beta", "/opt/beta/lib/beta.sh"]);
    let shown = place.run(&["inspect", "oci:./image:full"]).ends(0).out;
    let rows: Vec<Vec<&str>> = shown.lines().map(|l| l.split_whitespace().collect()).collect();
    assert!(rows.iter().any(|row| row.starts_with(&["3", "gamma", "0.1", "/opt/gamma"])), "{shown}");
    assert!(shown.contains("PATH       /opt/alpha/bin:"), "{shown}");
    let json: Value = serde_json::from_str(&place.run(&["inspect", "--json", "./image"]).ends(0).out).unwrap();
    assert_eq!(json["image"]["layers"][0]["name"], "alpha");
    let json: Value = serde_json::from_str(&place.run(&["ls", "--json", "./image"]).ends(0).out).unwrap();
    assert!(json["files"].as_array().unwrap().iter().any(|f| f["path"] == "/opt/beta/bin/beta" && f["mode"] == 0o755));
}

#[test]
fn merge_needs_no_spec() {
    let place = Place::with_demo();
    let ran = place
        .run(&["merge", "scratch", "demo/alpha", "b=demo/beta:/opt/beta", "-t", "example.org/x/y:z", "-q"])
        .ends(0);
    assert!(ran.out.starts_with("oci:./image:z@sha256:"), "{}", ran.out);
    let files = place.run(&["ls", "./image"]).ends(0).out;
    assert!(files.contains("/opt/alpha/bin/alpha") && files.contains("/opt/beta/bin/beta"), "{files}");
}

#[test]
fn a_dockerfile_becomes_a_spec_that_builds() {
    let place = Place::with_demo();
    std::fs::remove_file(place.path("oci-merge.toml")).unwrap();
    let dockerfile = "FROM debian:12 AS alpha\nRUN make install\nFROM scratch\nCOPY --from=alpha /opt/alpha /opt/alpha\n\
                      ENV PATH=/opt/alpha/bin:$PATH\nRUN true\nCMD [\"alpha\"]\n";
    place.write("docker/Dockerfile", dockerfile);
    let ran = place.run(&["init", "--from-dockerfile", "docker/Dockerfile"]).ends(0).without_answer();
    ran.says(&["1 layer (alpha) on scratch", "docker/Dockerfile:6: RUN true", "Next: "]);
    // What the command in the comment would do.
    std::fs::create_dir(place.path("layers")).unwrap();
    std::fs::rename(place.path("demo/alpha"), place.path("layers/alpha")).unwrap();
    place.run(&["build"]).ends(0);
    assert!(place.run(&["ls", "image"]).out.contains("/opt/alpha/bin/alpha"));
    place.run(&["init", "--from-dockerfile", "docker/Dockerfile"]).ends(2).says(&["is there already"]);
}

#[test]
fn the_first_spec_is_written_where_it_is_wanted() {
    let place = Place::new();
    let ran = place.run(&["init", "--demo", "-f", "sub/other.toml"]).ends(0).without_answer();
    ran.says(&[
        "Wrote sub/other.toml and sub/demo/ (three toy tools, 9 files",
        "Next: oci-merge build -f sub/other.toml",
    ]);
    assert!(!place.path("oci-merge.toml").exists() && !place.path("demo").exists());
    place.run(&["build", "-q", "-f", "sub/other.toml"]).ends(0);
    place.run(&["init", "--demo", "-f", "sub/again.toml"]).ends(2).says(&["sub/demo is there already"]);
    place.run(&["init", "--demo", "-f", "-"]).ends(2).says(&["OM0100", "init writes a file"]);

    // The demo's tool as what a stage makes; `cat` stands for the program that builds it.
    place.write("Dockerfile", "FROM a AS a\nFROM scratch\nCOPY --from=a /opt/a /opt/a\nRUN x\n");
    let args = ["init", "--from-dockerfile", "-", "-f", "sub/mine.toml", "--json"];
    let mut command = place.command(&args);
    let ran = Ran::of(command.stdin(std::fs::File::open(place.path("Dockerfile")).unwrap())).ends(0);
    ran.says(&[
        "Wrote sub/mine.toml: 1 layer (a) on scratch.",
        "  <stdin>:4: RUN x",
        "then oci-merge check -f sub/mine.toml",
    ]);
    let document: Value =
        serde_json::from_str(&place.run(&["init", "--from-dockerfile", "Dockerfile", "--json"]).out).unwrap();
    assert_eq!(document["file"], "oci-merge.toml");
    assert_eq!((&document["layers"][0], &document["base"]), (&"a".into(), &"scratch".into()));
    assert_eq!((&document["left_out"][0]["line"], &document["left_out"][0]["what"]), (&4.into(), &"RUN x".into()));
    assert!(place.read("sub/mine.toml").contains("docker build -f - --output sub/layers ."));
    place.write("sub/layers/a/bin/a", "x");
    place.run(&["check", "-f", "sub/mine.toml"]).ends(0);
}

#[test]
fn check_needs_no_spec_either() {
    let place = Place::with_demo();
    for tool in ["alpha", "beta"] {
        place.write(&format!("{tool}/opt/{tool}/bin/{tool}"), tool);
        place.write(&format!("{tool}/opt/{tool}/etc/shared"), tool);
    }
    place.run(&["check", "./alpha", "b=beta:/opt/beta"]).ends(0).without_answer();
    place.run(&["check", "./alpha", "./beta", "-q"]).ends(0).without_answer();
    // What they will find below them nobody knows without an image.
    std::os::unix::fs::symlink("/etc/gone", place.path("alpha/opt/alpha/etc/link")).unwrap();
    let ran = place.run(&["check", "./alpha"]).ends(0);
    assert!(!ran.err.contains("OM0404"), "{}", ran.err);
    place.run(&["check", "./alpha", "scratch"]).ends(0).says(&["OM0404", "alpha links to /etc/gone"]);
    // The image among them is what they go on: here it has a tool of the same name.
    place.run(&["build", "-q"]).ends(0);
    place.run(&["check", "./alpha", "oci:image"]).ends(1).says(&["OM0211", "the base has /opt/alpha"]);
    place.run(&["check", "oci:image", "oci:image"]).ends(2).says(&["oci:image adds nothing to oci:image"]);
    place.run(&["check", "alpha", "./beta"]).ends(2).says(&["but not both"]);
    place.run(&["check", "./gamma"]).ends(2).says(&["there is no ./gamma here"]);
    place.run(&["check", "alpha"]).ends(0); // a layer of the spec
    assert!(!place.path("other").exists());
}
