use super::Place;

/// A spec without a slip; line numbers below count from its first line.
const RIGHT: &str = r#"schema = 1

[project]
name = "demo"
repo = "ghcr.io/jon/demo"
platforms = ["linux/amd64"]

[base]
image = "scratch"

[config]
user = "1000:1000"
workdir = "/work"
cmd = ["bash"]
env = { LANG = "C.UTF-8" }

[layer.node]
version = "22.11.0"
prefix = "/opt/node"
path = ["bin"]
env = { NODE_HOME = "{prefix}" }
exclude = ["**/*.md"]

[layer.node.source]
path = "node"
strip = 1

[policy]
collision = "warn"

[output]
compression = "gzip"
timestamps = "clamp"
"#;

/// What is replaced, by what; the code, line and column that are told, and the word that is suggested.
const SLIPS: [(&str, &str, &str, usize, usize, &str); 50] = [
    // keys
    ("prefix =", "prefx =", "OM0101", 19, 1, "did you mean `prefix`?"),
    ("version =", "verison =", "OM0101", 18, 1, "did you mean `version`?"),
    ("path = \"node\"", "paht = \"node\"", "OM0101", 25, 1, "did you mean `path`?"),
    ("[layer.node.source]", "[layer.node.sources]", "OM0101", 24, 13, "did you mean `source`?"),
    ("[project]", "[projekt]", "OM0101", 3, 2, "did you mean `project`?"),
    ("image =", "imgae =", "OM0101", 9, 1, "did you mean `image`?"),
    ("workdir =", "working-directory =", "OM0101", 13, 1, "keys of [config]: user, workdir"),
    ("collision =", "colision =", "OM0101", 29, 1, "did you mean `collision`?"),
    ("timestamps =", "timestamp =", "OM0101", 33, 1, "did you mean `timestamps`?"),
    ("strip = 1", "strip = 1\nmode = 5", "OM0101", 27, 1, "keys of a source: path, url"),
    // keys of another table
    (
        "path = \"node\"",
        "from = \"node:22\"",
        "OM0101",
        25,
        1,
        "an image belongs to [layer.node], in place of `source`: from = { image",
    ),
    ("path = \"node\"", "image = \"node:22\"", "OM0101", 25, 1, "`image` does not belong to [layer.node.source]"),
    // keys of the format that are not built
    ("exclude =", "test = [\"node -v\"]\nexclude =", "OM0101", 22, 1, "`test` in [layer.node] is not built yet"),
    ("[layer.node.source]", "[layer.node.build]\nrun = \"x\"\n[layer.node.source]", "OM0101", 24, 13, "`build`"),
    ("[policy]", "[target.full]\nlayers = [\"*\"]\n[policy]", "OM0101", 28, 2, "`target` in the spec is not built yet"),
    // layers that name each other
    ("exclude =", "needs = [\"ndoe\"]\nexclude =", "OM0103", 22, 10, "did you mean `node`?"),
    ("exclude =", "needs = [\"node\"]\nexclude =", "OM0102", 22, 10, "node needs node"),
    (
        "[policy]",
        "[[allow]]\npaths = [\"/x\"]\nlayers = [\"base\", \"nod\"]\nwinner = \"nod\"\nreason = \"it is the same\"\n[policy]",
        "OM0103",
        30,
        19,
        "did you mean `node`?",
    ),
    (
        "[policy]",
        "[[allow]]\npaths = [\"/x\"]\nlayers = [\"node\"]\nwinner = \"node\"\nreason = \"it is the same\"\n[policy]",
        "OM0108",
        30,
        10,
        "two layers or more",
    ),
    (
        "[policy]",
        "[[allow]]\npaths = [\"/x\"]\nlayers = [\"base\", \"node\"]\nwinner = \"base\"\nreason = \"it is the same\"\n[policy]",
        "OM0108",
        31,
        10,
        "its copy cannot win",
    ),
    (
        "[policy]",
        "[[allow]]\npaths = [\"/x\"]\nlayers = [\"base\", \"node\"]\nwinner = \"node\"\nreason = \"because\"\n[policy]",
        "OM0108",
        32,
        10,
        "a reason has 10 characters",
    ),
    // what is missing
    (
        "[policy]",
        "[[allow]]\npaths = [\"/x\"]\nlayers = [\"base\", \"node\"]\nwinner = \"node\"\n[policy]",
        "OM0105",
        28,
        1,
        "has no `reason`",
    ),
    ("schema = 1", "", "OM0105", 1, 1, "add `schema = 1`"),
    ("prefix = \"/opt/node\"", "", "OM0105", 17, 1, "[layer.node] has no `prefix`"),
    ("image = \"scratch\"", "", "OM0105", 8, 1, "[base] has no `image`"),
    ("path = \"node\"", "", "OM0105", 24, 1, "neither `path` nor `url`"),
    // twice
    ("prefix =", "prefix = \"/opt/n\"\nprefix =", "OM0106", 20, 1, "prefix is there twice"),
    ("[policy]", "[base]\n[policy]", "OM0106", 28, 2, "base is there twice"),
    // types
    ("\"22.11.0\"", "22", "OM0107", 18, 11, "put it in quotes"),
    ("[\"bin\"]", "\"bin\"", "OM0107", 20, 8, "put it in brackets"),
    ("strip = 1", "strip = \"1\"", "OM0107", 26, 9, "must be an integer, not a string"),
    ("{ LANG = \"C.UTF-8\" }", "[\"LANG=C\"]", "OM0107", 15, 7, "must be a table, not an array"),
    ("schema = 1", "schema = \"1\"", "OM0107", 1, 10, "must be an integer"),
    ("[\"bash\"]", "[\"bash\", 1]", "OM0107", 14, 16, "an array of strings, not an integer"),
    (
        "\n[layer.node.source]\npath = \"node\"\nstrip = 1",
        "source = \"node\"",
        "OM0107",
        23,
        10,
        "did you mean { path = \"node\" }?",
    ),
    // values
    ("schema = 1", "schema = 2", "OM0108", 1, 10, "from 1 to 1, not 2"),
    ("\"/opt/node\"", "\"opt/node\"", "OM0108", 19, 10, "did you mean `/opt/node`?"),
    ("\"/opt/node\"", "\"/\"", "OM0108", 19, 10, "cannot own the whole image"),
    ("\"/opt/node\"", "\"/opt/../etc\"", "OM0108", 19, 10, "'..'"),
    ("[\"**/*.md\"]", "[\"**/*.{md\"]", "OM0108", 22, 12, "is not a glob"),
    ("\"{prefix}\"", "\"{prefx}\"", "OM0108", 21, 21, "did you mean {prefix}?"),
    ("[\"linux/amd64\"]", "[\"linux/AMD64\"]", "OM0108", 6, 14, "is not a platform"),
    ("\"warn\"", "\"wran\"", "OM0108", 29, 13, "did you mean `warn`?"),
    ("\"gzip\"", "\"gz\"", "OM0108", 32, 15, "gzip or zstd or none"),
    ("NODE_HOME", "PATH", "OM0108", 21, 9, "`path` lists what goes in front"),
    ("path = \"node\"", "path = \"node\"\nurl = \"https://x.y/z\"", "OM0108", 26, 7, "one of them has to go"),
    (
        "[layer.node]",
        "[layer.Node]\nprefix = \"/n\"\nsource = { path = \"x\" }\n[layer.node]",
        "OM0108",
        17,
        8,
        "cannot be the name of a layer",
    ),
    // references
    ("ghcr.io/jon/demo", "ghcr.io/Jon/demo", "OM0104", 5, 8, "did you mean ghcr.io/jon/demo"),
    ("ghcr.io/jon/demo", "ghcr.io/jon/demo:latest", "OM0104", 5, 8, "did you mean `ghcr.io/jon/demo`?"),
    // no TOML
    ("name = \"demo\"", "name = demo", "OM0111", 4, 8, "a string must stand in quotes"),
];

#[test]
fn every_slip_is_found_where_it_is() {
    let place = Place::new();
    for (right, wrong, code, line, column, words) in SLIPS {
        assert_eq!(RIGHT.matches(right).count().min(1), 1, "{right} is not in the spec");
        // The last place, for what other keys end in as well.
        let at = RIGHT.rfind(right).unwrap();
        let text = format!("{}{wrong}{}", &RIGHT[..at], &RIGHT[at + right.len()..]);
        place.write("oci-merge.toml", &text);
        let ran = place.run(&["check"]).ends(2).without_answer();
        let (error, at) = (format!("error[{code}]: "), format!("--> oci-merge.toml:{line}:{column}\n"));
        let ran = ran.says(&[&error, &at, words]);
        assert_eq!(ran.err.matches("error[").count(), 1, "{wrong}: one slip, one error\n{}", ran.err);
        for word in ["serde", "expected struct", "panicked", "RUST_BACKTRACE"] {
            assert!(!ran.err.contains(word), "{}", ran.err);
        }
    }
}

#[test]
fn all_slips_of_a_spec_are_told_in_one_run() {
    let place = Place::new();
    let text = RIGHT.replace("prefix =", "prefx =").replace("\"22.11.0\"", "22").replace("\"warn\"", "\"wran\"");
    place.write("oci-merge.toml", &text);
    let ran = place.run(&["build"]).ends(2);
    let places: Vec<_> = ran.err.lines().filter(|l| l.contains("--> ")).map(str::trim).collect();
    let expected = ["--> oci-merge.toml:18:11", "--> oci-merge.toml:19:1", "--> oci-merge.toml:29:13"];
    assert_eq!(places, expected, "{}", ran.err);
}

#[test]
fn json_of_the_same_form_is_a_spec_too() {
    let place = Place::with_demo();
    let spec = r#"{"schema": 1, "base": {"image": "scratch"},
 "layer": {"alpha": {"prefix": "/opt/alpha", "source": {"path": "demo/alpha"}}}}"#;
    place.write("spec.json", spec);
    place.run(&["check", "-f", "spec.json"]).ends(0);
    place.write("spec.json", &spec.replace("\"prefix\"", "\"prefx\""));
    place.run(&["check", "-f", "spec.json"]).ends(2).says(&["--> spec.json:2:22", "did you mean `prefix`?"]);
}

#[test]
fn a_spec_is_found_upwards_and_its_paths_start_there() {
    let place = Place::with_demo();
    place.write("a/b/c", "");
    let ran = place.run(&["check", "-C", "a/b"]).ends(0);
    assert_eq!(ran.out, "");
    place.write("oci-merge.toml", "schema = 3");
    place.run(&["check", "-C", "a/b"]).ends(2).says(&["--> ../../oci-merge.toml:1:10"]);
    let mut piped = place.command(&["check", "-f", "-"]);
    piped.stdin(std::fs::File::open(place.path("oci-merge.toml")).unwrap());
    super::Ran::of(&mut piped).ends(2).says(&["--> <stdin>:1:10"]);
}
