use super::{Place, Ran};
use serde_json::Value;
use std::io::Write;

/// A spec whose one layer comes from the directory `tool`.
fn spec(place: &Place, layer: &str, source: &str) {
    place.write("tool/README.md", "read");
    place.write("tool/bin/tool", "run");
    let source = format!("source = {{ path = \"tool\"{source} }}");
    let text =
        format!("schema = 1\nbase.image = \"scratch\"\n[layer.tool]\nprefix = \"/opt/tool\"\n{layer}\n{source}\n");
    place.write("oci-merge.toml", &text);
}

/// The paths of the layer, and what was told of it.
fn layer(ran: &Ran) -> (Vec<String>, Vec<String>) {
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let layer = &document["images"][0]["layers"][0];
    let notes = layer["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect();
    (vec![layer["paths"].to_string()], notes)
}

const JSON: [&str; 4] = ["build", "-o", "type=none", "--json"];

#[test]
fn a_dot_at_the_beginning_of_a_glob_says_nothing() {
    let place = Place::new();
    for (keys, source, paths) in [
        ("exclude = [\"./README.md\"]", "", "4"),
        ("", ", include = [\"./README.md\"]", "3"),
        ("exclude = [\"/./opt/tool/README.md\"]", "", "4"),
    ] {
        spec(&place, keys, source);
        let (found, notes) = layer(&place.run(&JSON).ends(0));
        // opt, opt/tool, and what is taken.
        assert_eq!(found, [paths], "{keys} {source}");
        assert!(!notes.iter().any(|note| note.contains("nothing")), "{notes:?}");
    }
    spec(&place, "exclude = [\"README.md\"]", "");
    place.run(&["exclude", "tool", "./README.md"]).ends(0);
    assert!(place.read("oci-merge.toml").contains("exclude = [\"README.md\"]"), "it is there already");
}

#[test]
fn a_glob_that_matches_nothing_is_told_in_every_run() {
    let place = Place::new();
    spec(&place, "exclude = [\"README\", \"*.md\"]", ", include = [\"bin\", \"lib\", \"*.md\"]");
    let told =
        ["lib in `include` takes nothing", "*.md in `include` takes nothing", "README in `exclude` leaves out nothing"];
    std::thread::sleep(std::time::Duration::from_millis(30));
    for run in ["made", "remembered"] {
        let ran = place.run(&JSON).ends(0);
        let lines: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(lines, told.map(|line| format!("warning: tool: {line}")), "{run}");
        assert_eq!(&layer(&ran).1[..3], told, "{run}");
    }
    // One of several sources that has it is enough for what the layer leaves out.
    place.write("other/README", "read");
    place.write("other/NEWS", "read");
    let text = place.read("oci-merge.toml").replace(
        "source = { path = \"tool\", include = [\"bin\", \"lib\", \"*.md\"] }",
        "source = [{ path = \"tool\", include = [\"bin\", \"li*\"] }, { path = \"other\", to = \"more\" }]",
    );
    place.write("oci-merge.toml", &text.replace("\"README\"", "\"**/README\", \"./x\""));
    let (_, notes) = layer(&place.run(&JSON).ends(0));
    assert_eq!(notes[..2], ["li* in `include` takes nothing", "./x in `exclude` leaves out nothing"]);
    assert!(!notes[2].contains("nothing"), "{notes:?}");
}

#[test]
fn a_directory_on_path_that_the_image_does_not_have_is_told() {
    let place = Place::new();
    place.write("tool/tool-1.0/bin/tool", "run");
    let write = |keys: &str, source: &str| {
        let text = "schema = 1\nbase.image = \"scratch\"\n[layer.tool]\nprefix = \"/opt/tool\"\n";
        place.write("oci-merge.toml", &format!("{text}{keys}\nsource = {{ path = \"tool\"{source} }}\n"));
    };
    write("path = [\"bin\", \"/usr/games\"]", "");
    let told = [
        "/opt/tool/bin joins PATH and is no directory of the image; the layer has /opt/tool/tool-1.0/bin: strip = 1?",
        "/usr/games joins PATH and is no directory of the image; under /opt/tool the layer has tool-1.0",
    ];
    for _ in ["made", "remembered"] {
        let ran = place.run(&JSON).ends(0);
        let lines: Vec<&str> = ran.err.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!(lines, told.map(|line| format!("warning: tool: {line}")));
        assert_eq!(layer(&ran).1, told);
    }
    place.write("twice/a/tool-1.0/bin/tool", "run");
    write("path = [\"bin\"]", ", strip = 1");
    place.write("oci-merge.toml", &place.read("oci-merge.toml").replace("path = \"tool\"", "path = \"twice\""));
    place.run(&["check"]).ends(0).says(&["the layer has /opt/tool/tool-1.0/bin: strip = 2?"]);
    // A file is no directory; a symlink may lead to one.
    write("path = [\"bin/tool\"]", ", strip = 1");
    place.run(&["check"]).ends(0).says(&["/opt/tool/bin/tool joins PATH and is no directory of the image; under"]);
    std::os::unix::fs::symlink("tool-1.0", place.path("tool/current")).unwrap();
    write("path = [\"current/bin\", \"tool-1.0/bin\"]", "");
    let err = place.run(&["check"]).ends(0).err;
    assert!(!err.contains("warning"), "{err}");
}

#[test]
fn a_source_that_nothing_is_taken_of_is_refused_and_an_empty_one_is_told() {
    let place = Place::new();
    for (source, words) in [
        (", strip = 9", "has nothing that would land under /opt/tool with strip = 9: it has README.md, bin/tool"),
        (
            ", include = [\"lib\"]",
            "has nothing that would land under /opt/tool with include = [\"lib\"]: it has README.md",
        ),
    ] {
        spec(&place, "", source);
        place.run(&["check"]).ends(2).says(&["OM0109", "tool: /", "/tool: has", words]).without_answer();
    }
    spec(&place, "", "");
    std::fs::remove_dir_all(place.path("tool")).unwrap();
    std::fs::create_dir(place.path("tool")).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(30));
    for _ in ["made", "remembered"] {
        place.run(&["check"]).ends(0).says(&["warning: tool: its source is empty\n"]);
    }
}

#[test]
fn a_glob_that_nothing_can_match_is_refused_with_its_line() {
    let place = Place::new();
    for (glob, why) in [
        ("!README.md", "!README.md matches nothing: `!` does not negate; the name is written ./!README.md"),
        ("bin//tool", "bin//tool matches nothing: no path has an empty component"),
        ("./", "./ is a glob for nothing"),
        ("a/./b", "a/./b has a '.' component"),
        ("./../b", "./../b has a '..' component"),
    ] {
        spec(&place, &format!("exclude = [\"{glob}\"]"), "");
        place.run(&["check"]).ends(2).says(&["OM0108", why, "oci-merge.toml:5:12"]);
        spec(&place, "", &format!(", include = [\"{glob}\"]"));
        place.run(&["check"]).ends(2).says(&["OM0108", why, "oci-merge.toml:6:"]);
    }
}

#[test]
fn all_that_is_missing_is_told_in_one_run() {
    let place = Place::new();
    let text = "schema = 1\n[base]\nimage = \"BASE\"\n[layer.a]\nprefix = \"/opt/a\"\nsource = [{ path = \"a1\" }, { path = \"a2\" }]\n\
                [layer.b]\nprefix = \"/opt/b\"\nsource = { path = \"b\" }\n[layer.c]\nprefix = \"/opt/c\"\n\
                from = { image = \"oci-archive:c.tar\" }\n[layer.d]\nprefix = \"/opt/d\"\nplatforms = [\"linux/riscv64\"]\n\
                source.path = \"d\"\n";
    place.write("b/x", "1");
    place.write("oci-merge.toml", &text.replace("BASE", "scratch"));
    let errors = |ran: &Ran| -> Vec<String> {
        ran.err.lines().filter(|line| line.starts_with("error")).map(str::to_owned).collect()
    };
    let missing = [
        "error[OM0109]: a: its source a1 does not exist (oci-merge.toml:6:20)",
        "error[OM0109]: a: its source a2 does not exist (oci-merge.toml:6:37)",
        "error[OM0109]: c: oci-archive:c.tar: there is no such file (oci-merge.toml:12:18)",
    ];
    let ran = place.run(&["build"]).ends(2).without_answer();
    assert_eq!(errors(&ran), missing);
    assert_eq!(ran.err.matches("More about a code").count(), 1, "{}", ran.err);
    let of_base = "error[OM0502]: oci:base: ";
    place.write("oci-merge.toml", &text.replace("BASE", "oci:base"));
    let ran = place.run(&["build", "-p", "linux/amd64"]).ends(2).without_answer();
    let all = errors(&ran);
    assert!(all[0].starts_with(of_base), "{all:?}");
    assert_eq!(all[1..], missing);
    // On GitHub each has an annotation of its own.
    let mut command = place.command(&["build", "-p", "linux/amd64"]);
    let ran = Ran::of(command.env("GITHUB_ACTIONS", "true")).ends(2);
    assert_eq!(ran.err.lines().filter(|line| line.starts_with("::error title=OM0")).count(), 4, "{}", ran.err);
}

#[test]
fn an_image_is_no_source() {
    let place = Place::with_demo();
    place.run(&["build", "-q", "-o", "type=oci,dest=java", "-o", "type=oci,dest=java.tar"]).ends(0);
    let save = |name: &str, lines: &[&str]| std::fs::write(place.path(name), crate::from::tar(lines)).unwrap();
    save("old.tar", &["d 0a", "f 0a/layer.tar =1", "f 0a.json ={}", "f manifest.json =[]"]);
    save("new.tar", &["f blobs/sha256/0a =1", "f manifest.json =[]"]);
    for (input, kind, transport) in [
        ("java", "an OCI layout", "oci:java"),
        ("java.tar", "an OCI layout", "oci-archive:FILE"),
        ("old.tar", "of docker", "docker-archive:FILE"),
        ("new.tar", "of docker", "docker-archive:FILE"),
    ] {
        let from = format!("in a spec from = {{ image = \"{transport}\" }}");
        let words = ["OM0109", "is an image", kind, &format!("say {transport}, "), &from];
        place.run(&["merge", "scratch", input, "-o", "type=none"]).ends(2).says(&words).without_answer();
        let layer = |keys: &str| {
            let text = "schema = 1\nbase.image = \"scratch\"\n[layer.tool]\nprefix = \"/opt/tool\"\n";
            place.write("spec.toml", &format!("{text}source = {{ path = \"{input}\"{keys} }}\n"));
            place.run(&["check", "-f", "spec.toml"])
        };
        layer("").ends(2).says(&words);
        // Who says what of it is meant means its files.
        layer(", include = [\"**\"]").ends(0);
    }
    // A program may have files of these names.
    save("tool.tar", &["f manifest.json ={}", "f index.json ={}", "f bin/tool =1"]);
    place.run(&["merge", "scratch", "tool.tar", "-o", "type=none"]).ends(0);
}

#[test]
fn a_digest_is_for_archives_and_a_wrong_one_names_the_file() {
    let place = Place::new();
    let zeros = "0".repeat(64);
    spec(&place, "", &format!(", sha256 = \"{zeros}\""));
    let words =
        "error[OM0109]: tool: its source tool is a directory, and `sha256` is for archives (oci-merge.toml:6:19)";
    place.run(&["check"]).ends(2).says(&[words]);
    std::fs::write(place.path("tool.tar"), crate::from::tar(&["f a =1"])).unwrap();
    let text = place.read("oci-merge.toml").replace("\"tool\"", "\"tool.tar\"");
    place.write("oci-merge.toml", &text);
    let ran = place.run(&["check"]).ends(5).says(&["error[OM0601]: tool: tool.tar: wrong bytes: expected sha256:0000"]);
    assert!(!ran.err.contains("oci:") && !ran.err.contains(".cache"), "{}", ran.err);
}

/// `docker load` takes an archive in gzip; here its members are read where they lie in the file.
#[test]
fn an_image_that_is_compressed_is_unpacked_first() {
    let place = Place::new();
    place.write("tool/x", "1");
    let tar = crate::from::tar(&["d 0a", "f 0a/layer.tar =1", "f 0a.json ={}", "f manifest.json =[]"]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    std::fs::write(place.path("image.tgz"), gzip.finish().unwrap()).unwrap();
    std::fs::write(place.path("image.tar.xz"), b"\xfd7zXZ\0 and so on").unwrap();

    place
        .run(&["check", "image.tgz"])
        .ends(2)
        .says(&["is an image, of docker", "gunzip it, and say docker-archive:FILE"]);
    for (base, program) in [
        ("docker-archive:image.tgz", "gunzip"),
        ("oci-archive:image.tgz", "gunzip"),
        ("oci-archive:image.tar.xz", "unxz"),
    ] {
        let words = [base, "is compressed", &format!("{program} it")];
        place.run(&["merge", base, "tool", "-o", "type=none"]).ends(2).says(&words).without_answer();
        place.run(&["ls", base]).ends(2).says(&words).without_answer();
    }
}

#[test]
fn a_zip_that_unpacks_itself_is_called_one() {
    let place = Place::new();
    // The record that ends a zip, here of no members (APPNOTE 4.3.16).
    let end = [&b"PK\x05\x06"[..], &[0; 18]].concat();
    std::fs::write(place.path("tool.exe"), [&b"MZ, and then a program"[..], &end].concat()).unwrap();
    let words = ["a zip behind something else", "UNSUPPORTED_COMPRESSION", "fix: unpack it and give the directory"];
    place.run(&["check", "tool.exe"]).ends(1).says(&words[..2]);
    let layer = "[layer.tool]\nprefix = \"/opt/tool\"\nsource = { path = \"tool.exe\" }\n";
    place.write("oci-merge.toml", &format!("schema = 1\nbase.image = \"scratch\"\n{layer}"));
    place.run(&["check"]).ends(1).says(&words);
    place.write("page.html", "<html>not found</html>");
    place.run(&["check", "page.html"]).ends(1).says(&["NOT_A_TAR"]);
}
