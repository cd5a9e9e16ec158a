//! Images among the inputs of `merge`, and of `check` without a spec.

use super::*;
use oci_merge::{MergeInput, check_inputs, merge};
use std::process::Command;

const BASE: &[&str] = &["d etc", "f etc/os-release =base"];
const JAVA: &[&str] = &["d opt", "d opt/java", "d opt/java/bin", "f opt/java/bin/java =1"];

/// A registry with a base, and a tool on it that says more than its files.
fn stage() -> Stage {
    let stage = Stage::new();
    let of_base = json!({ "Env": ["PATH=/usr/bin:/bin", "LANG=C"], "User": "app" });
    let of_tool = json!({
        "Env": ["PATH=/opt/java/lib/../bin:/opt/java/sbin:/usr/bin:/bin", "LANG=C", "JAVA_HOME=/opt/java"],
        "User": "jon", "Entrypoint": ["java"], "Labels": { "a": "b" }, "Volumes": { "/data": {} },
    });
    Image::with(&[BASE], "amd64", of_base).stock(&stage.server, "base");
    Image::with(&[BASE, JAVA, &["d var", "f var/log =x"]], "amd64", of_tool).stock(&stage.server, "jon/java");
    stage
}

fn merged(stage: &Stage, base: &str, inputs: &[String]) -> Result<Spec, Error> {
    let inputs: Vec<MergeInput> = inputs.iter().map(|input| input.parse().unwrap()).collect();
    merge(base.parse().unwrap(), &inputs, stage.root.path(), &stage.settings())
}

#[test]
fn an_image_is_named_after_its_repository_and_brings_its_variables() {
    let stage = stage();
    let spec = merged(&stage, &stage.at("base"), &[stage.at("jon/java")]).unwrap();
    let [java] = &spec.layers[..] else { panic!() };
    assert_eq!((java.name.as_str(), java.prefix.to_string().as_str()), ("java", "/opt/java"));
    assert_eq!(java.path, ["/opt/java/sbin", "/opt/java/bin"], "`..` is no way to a directory; `bin` is there");
    assert_eq!(java.env, [("JAVA_HOME".to_owned(), "/opt/java".to_owned())], "what the base says is the base's");
    let assembled = Builder::new(spec).settings(stage.settings()).assemble().unwrap();
    let built = assembled.built();
    let tool: Value = serde_json::from_slice(&stage.server.manifest("jon/java", "1").unwrap().bytes).unwrap();
    assert_eq!(built.layers[0].digest.to_string(), tool["layers"][1]["digest"].as_str().unwrap());
    let notes = &built.layers[0].notes;
    assert!(
        notes.contains(&"not taken from its config: Env PATH; User; Entrypoint; Volumes; Labels a".into()),
        "{notes:?}"
    );
    assert!(notes.iter().any(|note| note.ends_with("what the layer owns: /var/log")), "{notes:?}");
    assert_eq!(built.path, "/opt/java/sbin:/opt/java/bin:/usr/bin:/bin");
}

#[test]
fn where_it_is_not_clear_which_directory_is_the_images_it_has_to_be_said() {
    let stage = stage();
    let image = |name: &str, lines: &[&str]| {
        Image::of(&[lines]).write(&stage.root.path().join(name), &[]);
        format!("oci:{name}")
    };
    let two = image("two", &["d opt", "d opt/a", "d opt/b", "f opt/a/x =1"]);
    let none = image("none", &["d usr", "f usr/x =1"]);
    for (input, words) in [
        (
            two.clone(),
            "two: its files lie in /opt/a and in /opt/b; say which directory the layer owns: two=oci:two:/prefix",
        ),
        (
            none.clone(),
            "none: oci:none adds nothing under /opt; say which directory the layer owns: none=oci:none:/prefix",
        ),
        ("scratch".to_owned(), "scratch has no files; it can be the base only"),
        ("no/such".to_owned(), "such: there is no no/such here; an input is a directory, an archive, or an image with"),
    ] {
        let error = merged(&stage, "scratch", &[input]).unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
    }
    let spec = merged(&stage, "scratch", &[format!("a={two}:/opt/a"), format!("b={two}:/opt/b")]).unwrap();
    let names: Vec<_> = spec.layers.iter().map(|layer| format!("{} {}", layer.name, layer.prefix)).collect();
    assert_eq!(names, ["a /opt/a", "b /opt/b"]);
    let error = merged(&stage, "scratch", &[two.clone() + ":/opt/a", two + ":/opt/b"]).unwrap_err();
    assert!(error.to_string().starts_with("two inputs would be called two"), "{error}");
}

#[test]
fn the_first_image_of_a_check_is_the_base() {
    let stage = stage();
    let of = |inputs: &[String]| check_inputs(inputs, stage.root.path(), &stage.settings()).unwrap();
    let (base, java) = (stage.at("base"), stage.at("jon/java"));
    let spec = of(&[base.clone(), java.clone()]);
    assert_eq!((spec.base.source.to_string(), spec.layers.len(), spec.policy.len()), (base, 1, 0));
    // One with a name is a layer, wherever it stands; then nobody has said what they lie on.
    let spec = of(&[format!("java={java}")]);
    assert_eq!((spec.base.source.to_string().as_str(), spec.layers[0].name.as_str()), ("scratch", "java"));
    assert_eq!(spec.policy.len(), 4);
    let spec = of(&[format!("java={java}"), stage.at("base")]);
    assert_eq!((spec.base.source.to_string(), spec.layers.len()), (stage.at("base"), 1));
}

#[test]
fn the_program_checks_images_and_finds_where_they_clash() {
    let stage = stage();
    let other: &[&str] =
        &["d opt", "d opt/go", "f opt/go/x =1", "d opt/java", "d opt/java/bin", "f opt/java/bin/java =2"];
    Image::of(&[other]).write(&stage.root.path().join("go"), &[]);
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oci-merge"));
        command.args(args).current_dir(stage.root.path()).env_clear().env("HOME", stage.root.path());
        let output = command.args(["--platform", "linux/amd64"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (base, java) = (stage.at("base"), stage.at("jon/java"));
    assert_eq!(run(&["check", &base, &java]).0, Some(0));
    // The layer of go goes by its prefix, and what it has of java is left out: there is nothing to clash about.
    let (code, told) = run(&["check", &base, &java, "go=oci:go:/opt/go"]);
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = run(&["check", &base, &java, "go=oci:go:/opt/java"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("error[OM0201]: both java and go write /opt/java/bin/java"), "{told}");
}
