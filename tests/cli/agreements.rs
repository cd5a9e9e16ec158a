//! `needs`, `overrides`, `[[allow]]`, `--portable`: what a person agrees to, and what becomes of it.

use super::Place;
use serde_json::Value;

const LAYERS: &str = r#"
[layer.clojure]
prefix = "/opt/clojure"
needs = ["kotlin"]
overrides = ["/opt/java/cacerts"]
source = { path = "clojure", to = "/" }

[layer.kotlin]
prefix = "/opt/java/kotlin"
needs = ["java"]
source = { path = "kotlin" }

[layer.java]
prefix = "/opt/java"
source = { path = "java" }
"#;

fn place(layers: &str) -> Place {
    let place = Place::new();
    place.write("java/cacerts", "java's");
    place.write("java/bin/java", "java");
    place.write("kotlin/bin/kotlinc", "kotlinc");
    place.write("clojure/opt/java/cacerts", "clojure's");
    place.write("clojure/opt/clojure/bin/clojure", "clojure");
    place.write("oci-merge.toml", &format!("schema = 1\nbase = {{ image = \"scratch\" }}\n{layers}"));
    place
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn what_is_needed_lies_below_and_may_be_overridden() {
    let place = place(LAYERS);
    let ran = place.run(&["build", "--json"]).ends(0).says(&["1 path written by several layers"]);
    let image = &json(&ran.out)["images"][0];
    let names: Vec<&str> = image["layers"].as_array().unwrap().iter().map(|l| l["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["java", "kotlin", "clojure"], "the lowest first");
    let agreed = &image["check"]["agreed"][0];
    assert_eq!((&agreed["by"], &agreed["finding"]["path"]), (&"overrides".into(), &"/opt/java/cacerts".into()));
    let listed = place.run(&["ls", "image"]).ends(0).out;
    let line = listed.lines().find(|line| line.ends_with("/opt/java/cacerts")).unwrap();
    assert!(line.contains("clojure"), "the copy above is the one that counts: {line}");
}

#[test]
fn a_layer_brings_what_it_needs() {
    let place = place(LAYERS);
    let out = place.run(&["build", "kotlin", "--json"]).ends(0).out;
    let names: Vec<Value> =
        json(&out)["images"][0]["layers"].as_array().unwrap().iter().map(|l| l["name"].clone()).collect();
    assert_eq!(names, ["java", "kotlin"]);
    // What clojure overrides has nothing to do with this image.
    assert!(!out.contains("OM0212"), "{out}");
}

#[test]
fn what_nobody_agreed_to_is_still_refused() {
    let without = |gone: &str| place(&LAYERS.replace(gone, ""));
    without("needs = [\"java\"]").run(&["check"]).ends(1).says(&["error[OM0211]", "error[OM0201]"]);
    without("overrides = [\"/opt/java/cacerts\"]").run(&["check"]).ends(1).says(&["error[OM0201]"]);
    let circle = place(&LAYERS.replace("[layer.java]", "[layer.java]\nneeds = [\"clojure\"]"));
    circle.run(&["check"]).ends(2).says(&[
        "OM0102",
        "clojure needs kotlin, kotlin needs java, java needs clojure",
        "this closes the circle",
    ]);
    let elsewhere = place(&LAYERS.replace("[layer.java]", "[layer.java]\nplatforms = [\"linux/arm64\"]"));
    elsewhere.run(&["check", "-p", "linux/amd64"]).ends(2).says(&["java is needed, and is not for linux/amd64"]);
}

const HSTS: &str = r#"
[layer.wget]
prefix = "/opt/wget"
source = { path = "wget", to = "/" }

[layer.curl]
prefix = "/opt/curl"
source = { path = "curl", to = "/" }

[[allow]]
paths = ["/root/.hsts", "/root/.netrc"]
layers = ["wget", "curl"]
winner = "wget"
reason = "a cache that either may write"
"#;

#[test]
fn an_exception_has_a_winner_who_lies_above() {
    let place = place(HSTS);
    for tool in ["wget", "curl"] {
        place.write(&format!("{tool}/opt/{tool}/bin/{tool}"), tool);
        place.write(&format!("{tool}/root/.hsts"), tool);
    }
    let ran = place
        .run(&["build", "--json"])
        .ends(0)
        .says(&["warning[OM0212]: the exception of curl and wget for /root/.netrc"]);
    let check = &json(&ran.out)["images"][0]["check"];
    assert_eq!(check["agreed"][0]["reason"], "a cache that either may write");
    assert_eq!(check["agreed"][0]["finding"]["winner_if_allowed"], "wget");
    let listed = place.run(&["ls", "image"]).ends(0).out;
    assert!(listed.lines().any(|line| line.ends_with("/root/.hsts") && line.contains("wget")), "{listed}");
    // Without it: the collision, told once, though the path lies outside both prefixes.
    let spec = place.read("oci-merge.toml");
    place.write("oci-merge.toml", spec.split("[[allow]]").next().unwrap());
    let ran = place.run(&["check"]).ends(1).says(&["error[OM0201]: both wget and curl write /root/.hsts"]);
    assert!(!ran.err.contains("OM0205"), "{}", ran.err);
}

#[test]
fn spelling_is_a_warning_unless_the_image_is_to_be_portable() {
    let place = place(
        "[layer.a]\nprefix = \"/opt/a\"\nsource = { path = \"a\" }\n[layer.b]\nprefix = \"/opt/A\"\nsource = { path = \"b\" }\n",
    );
    place.write("a/x", "");
    place.write("b/x", "");
    place.run(&["check"]).ends(0).says(&["warning[OM0209]: a and b have /opt/a in different spellings"]);
    place.run(&["check", "--portable"]).ends(1).says(&["error[OM0209]", "give one of them another name"]);
    place.run(&["build", "--portable"]).ends(1).without_answer();
    let spec = place.read("oci-merge.toml");
    place.write("oci-merge.toml", &format!("{spec}[policy]\ncase-only = \"allow\"\n"));
    let out = place.run(&["check", "--json"]).ends(0).out;
    assert_eq!(json(&out)["relaxed"]["case-only"], "allow");
    assert_eq!(json(&out)["findings"], Value::Array(Vec::new()));
}

#[test]
fn of_prefixes_that_differ_in_spelling_only_nothing_is_left_out() {
    let place = Place::new();
    place.write("a/x", "1");
    place.write("b/y", "2");
    let layer = |name: &str, prefix: &str| format!("[layer.{name}]\nprefix = \"{prefix}\"\nsource.path = \"{name}\"\n");
    let text = format!("schema = 1\nbase.image = \"scratch\"\n{}{}", layer("a", "/opt/A"), layer("b", "/opt/a"));
    place.write("oci-merge.toml", &text);
    let ran = place.run(&["check", "--portable"]).ends(1).says(&["OM0209", "give b another prefix"]);
    assert!(!ran.err.contains("oci-merge exclude"), "{}", ran.err);
}
