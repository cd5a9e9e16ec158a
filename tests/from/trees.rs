//! Which layers of an image are used, and which of its files.

use super::*;

/// The lines of a tool's layer as a good image has them.
const TOOL: &[&str] = &["d opt", "d opt/tool", "d opt/tool/bin", "f opt/tool/bin/run =1"];
const BASE: &[&str] = &["d etc", "f etc/os-release =base"];

const FROM_LAYOUT: &str = "[layer.tool]\nprefix = \"/opt/tool\"\nfrom = { image = \"oci:tool\" }\n";

#[test]
fn layers_of_the_base_are_left_out_and_the_others_keep_their_bytes() {
    let stage = Stage::new();
    let more: &[&str] = &["d opt", "d opt/tool", "d opt/tool/lib", "f opt/tool/lib/a =1"];
    let (base, tool) = (Image::of(&[BASE]), Image::of(&[BASE, TOOL, more]));
    base.write(&stage.root.path().join("base"), &[]);
    tool.write(&stage.root.path().join("tool"), &[]);
    let assembled = stage.assemble(&format!("[base]\nimage = \"oci:base\"\n{FROM_LAYOUT}")).unwrap();
    let built = assembled.built();
    let kept = |name: &str| (name.to_owned(), "kept".to_owned());
    assert_eq!(told(&built), [kept("tool"), kept("tool")], "two layers under one name");
    let digests: Vec<_> = built.layers.iter().map(|layer| layer.digest.clone()).collect();
    assert_eq!(digests, tool.digests()[1..]);
    assert_eq!(built.layers[0].notes, ["layer 2 of oci:tool, byte for byte"]);
    assert_eq!(built.layers[1].notes, ["layer 3 of oci:tool, byte for byte"]);
    let tree = files(&stage, &assembled);
    let expected = [("/etc/os-release", "1"), ("/opt/tool/bin/run", "tool"), ("/opt/tool/lib/a", "tool")];
    assert_eq!(tree, expected.map(|(path, layer)| (path.to_owned(), layer.to_owned())).into());

    // Without the base, its layer is one more of the image, with nothing that the layer owns.
    let built = stage.assemble(FROM_LAYOUT).unwrap().built();
    assert_eq!(built.layers.len(), 2);
    let note =
        "1 files of the image left out, for they lie outside the prefix and what the layer owns: /etc/os-release";
    assert_eq!(built.layers[0].notes[1..], [note]);
    // And an image that is the base adds nothing.
    base.write(&stage.root.path().join("tool"), &[]);
    let error = stage.assemble(&format!("[base]\nimage = \"oci:base\"\n{FROM_LAYOUT}")).unwrap_err();
    let text = "tool: oci:tool adds nothing to oci:base: all of its 1 layers are the base's (oci-merge.toml:6:18)";
    assert_eq!((error.code(), error.to_string().as_str()), ("OM0109", text));
}

#[test]
fn what_cannot_stay_becomes_one_new_layer_and_the_result_says_why() {
    let stage = Stage::new();
    let upper: &[&str] = &["f opt/tool/bin/.wh.run", "f opt/tool/bin/new =2", "d tmp", "f tmp/log =x", "f tmp/.wh.old"];
    let tool = Image::of(&[TOOL, upper]);
    tool.write(&stage.root.path().join("tool"), &[]);
    let assembled = stage.assemble(FROM_LAYOUT).unwrap();
    let built = assembled.built();
    assert_eq!(told(&built), [("tool".to_owned(), "packed".to_owned())]);
    let notes = &built.layers[0].notes;
    assert_eq!(notes[0], "one new layer, made of layers 1 to 2 of oci:tool");
    let why = "repacked because /opt/tool/bin/run and 1 more are deleted, which no layer may do [TAR_WHITEOUT]";
    assert_eq!(notes[1], why, "{notes:?}");
    assert!(notes.iter().any(|note| note.ends_with("what the layer owns: /tmp/log")), "{notes:?}");
    assert!(notes.iter().any(|note| note == "1 deletions of what lies below, which no layer brings: /tmp/old"));
    let tree = files(&stage, &assembled);
    assert_eq!(tree, [("/opt/tool/bin/new".to_owned(), "tool".to_owned())].into());
}

#[test]
fn an_archive_of_docker_save_is_an_image_like_any_other() {
    let stage = Stage::new();
    Image::of(&[TOOL]).save(&stage.root.path().join("tool.tar"));
    let text = FROM_LAYOUT.replace("oci:tool", "docker-archive:tool.tar");
    let assembled = stage.assemble(&text).unwrap();
    let built = assembled.built();
    assert_eq!(told(&built), [("tool".to_owned(), "kept".to_owned())]);
    assert_eq!(built.layers[0].diff_id, Digest::of(&tar(TOOL)));
    assert_eq!(files(&stage, &assembled).len(), 1);
}

#[test]
fn paths_choose_and_to_says_where_they_land() {
    let stage = Stage::new();
    let go: &[&str] = &["d usr", "d usr/go", "f usr/go/VERSION =1", "d usr/bin", "f usr/bin/sh =sh"];
    Image::of(&[go]).write(&stage.root.path().join("tool"), &[]);
    let text = |from: &str| format!("[layer.go]\nprefix = \"/opt/go\"\nfrom = {{ image = \"oci:tool\"{from} }}\n");
    let assembled = stage.assemble(&text(", paths = [\"/usr/go\"], to = \"{prefix}\"")).unwrap();
    let tree = files(&stage, &assembled);
    assert_eq!(tree, [("/opt/go/VERSION".to_owned(), "go".to_owned())].into());
    let error = stage.assemble(&text("")).unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("OM0109", 2));
    let told = error.to_string();
    assert!(told.starts_with("go: oci:tool: has nothing that would land under /opt/go: it has 2 files"), "{told}");
    // A path of the prefix alone keeps the rest from being used byte for byte.
    Image::of(&[TOOL]).write(&stage.root.path().join("tool"), &[]);
    let some = FROM_LAYOUT.replace("oci:tool\"", "oci:tool\", paths = [\"/opt/tool/bin\"]");
    assert_eq!(stage.assemble(&some).unwrap().built().layers[0].digest, Image::of(&[TOOL]).digests()[0], "all of it");
}

#[test]
fn the_image_is_that_of_the_platform_and_attestations_are_passed_over() {
    let stage = Stage::new();
    let other: &[&str] = &["d opt", "d opt/tool", "f opt/tool/arm =1"];
    let (amd, arm) = (Image::of(&[TOOL]), Image::with(&[other], "arm64", json!({})));
    let attestation = Image::of(&[&["f statement =x"]]);
    let platform = |os: &str, architecture: &str| json!({ "os": os, "architecture": architecture });
    let all = [
        (&attestation, platform("unknown", "unknown")),
        (&arm, platform("linux", "arm64")),
        (&amd, platform("linux", "amd64")),
    ];
    amd.write(&stage.root.path().join("tool"), &all);
    assert_eq!(stage.assemble(FROM_LAYOUT).unwrap().built().layers[0].digest, amd.digests()[0]);

    let _ = std::fs::remove_dir_all(stage.root.path().join("tool"));
    arm.write(&stage.root.path().join("tool"), &all[..2]);
    let error = stage.assemble(FROM_LAYOUT).unwrap_err();
    let text = "tool: oci:tool has no image for linux/amd64; it has linux/arm64 (oci-merge.toml:6:18)";
    assert_eq!((error.code(), error.to_string().as_str()), ("OM0109", text));
    let _ = std::fs::remove_dir_all(stage.root.path().join("tool"));
    arm.write(&stage.root.path().join("tool"), &[]);
    let error = stage.assemble(FROM_LAYOUT).unwrap_err().to_string();
    assert!(error.contains("oci:tool is for linux/arm64, and an image for linux/amd64 was asked for"), "{error}");
}

#[test]
fn only_files_come_along_and_what_does_not_is_told() {
    let stage = Stage::new();
    let execution = json!({
        "Env": ["PATH=/opt/tool/bin:/usr/bin", "JAVA_HOME=/opt/tool", "LANG=C"], "User": "jon", "Entrypoint": ["/run"],
        "Volumes": { "/data": {} }, "Labels": { "a.b": "c" }, "WorkingDir": "",
    });
    Image::with(&[TOOL], "amd64", execution).write(&stage.root.path().join("tool"), &[]);
    let built = stage.assemble(FROM_LAYOUT).unwrap().built();
    let note = "not taken from its config: Env PATH, JAVA_HOME, LANG; User; Entrypoint; Volumes; Labels a.b";
    assert_eq!(built.layers[0].notes[1], note);
    let text = FROM_LAYOUT.replace("from =", "path = [\"bin\"]\nenv = { JAVA_HOME = \"{prefix}\" }\nfrom =");
    let built = stage.assemble(&text).unwrap().built();
    assert_eq!(built.layers[0].notes[1], "not taken from its config: Env LANG; User; Entrypoint; Volumes; Labels a.b");
}

#[test]
fn layers_of_one_owner_are_told_and_counted_once() {
    let stage = Stage::new();
    let more: &[&str] = &["d opt", "d opt/tool", "d opt/tool/lib", "f opt/tool/lib/a =1"];
    Image::of(&[TOOL, more]).write(&stage.root.path().join("tool"), &[]);
    let text = FROM_LAYOUT.replace("from =", "path = [\"bin\"]\nenv = { A = \"1\" }\nfrom =");
    let assembled = stage.assemble(&text).unwrap();
    assert_eq!(assembled.built().path, "/opt/tool/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    // A second layer collides with both of them at once.
    let other = Image::of(&[TOOL]);
    other.write(&stage.root.path().join("other"), &[]);
    let clash = format!("{text}[layer.other]\nprefix = \"/opt/tool\"\nfrom = {{ image = \"oci:other\" }}\n");
    let Error::Findings(report) = stage.assemble(&clash).unwrap_err() else { panic!() };
    assert_eq!(report.findings()[0].message(), "tool and other have the prefix /opt/tool");
    assert!(report.to_string().contains("1 error. "), "{report}");
}

#[test]
fn several_layers_count_for_the_limit() {
    let stage = Stage::new();
    let more: &[&str] = &["d opt", "d opt/tool", "f opt/tool/a =1"];
    Image::of(&[TOOL, more]).write(&stage.root.path().join("tool"), &[]);
    let error = stage.assemble(&format!("{FROM_LAYOUT}[policy]\nmax-layers = 1\n")).unwrap_err();
    assert!(error.to_string().starts_with("2 layers (0 of them the base's); an image may have 1"), "{error}");
}
