use super::Place;
use super::cases::CASES;
use super::serving::Serving;
use boon::{Compiler, SchemaIndex, Schemas};
use oci_merge_store::server::{Options, Server};
use serde_json::{Value, json};

/// The published schemas, and a stricter form of each that knows every field.
struct Judge {
    schemas: Schemas,
    published: Vec<(&'static str, SchemaIndex, SchemaIndex)>,
}

impl Judge {
    /// Of the schemas as the program prints them.
    fn new(place: &Place) -> Judge {
        let (mut schemas, mut published) = (Schemas::new(), Vec::new());
        for name in oci_merge::SCHEMAS {
            let schema: Value = serde_json::from_str(&place.run(&["schema", name]).ends(0).out).unwrap();
            let mut strict = schema.clone();
            close(&mut strict);
            let mut compile = |schema: Value, form: &str| {
                let (mut compiler, url) = (Compiler::new(), format!("https://example.org/{form}/{name}"));
                compiler.add_resource(&url, schema).unwrap();
                compiler.compile(&url, &mut schemas).unwrap()
            };
            published.push((name, compile(schema, "published"), compile(strict, "strict")));
        }
        Judge { schemas, published }
    }

    fn of(&self, name: &str) -> (SchemaIndex, SchemaIndex) {
        let (_, published, strict) = *self.published.iter().find(|(known, ..)| *known == name).unwrap();
        (published, strict)
    }

    /// A document is valid, and has no field that its schema does not describe.
    #[track_caller]
    fn accepts(&self, document: &Value) {
        let name =
            document["schema"].as_str().unwrap().strip_prefix("oci-merge.").unwrap().strip_suffix("/v1").unwrap();
        let (published, strict) = self.of(name);
        for index in [published, strict] {
            if let Err(error) = self.schemas.validate(document, index) {
                panic!("{error:#}\n{document:#}");
            }
        }
        // A later version of the program may say more.
        let mut more = document.clone();
        more["one more"] = json!(1);
        assert!(self.schemas.validate(&more, published).is_ok() && self.schemas.validate(&more, strict).is_err());
    }

    #[track_caller]
    fn refuses(&self, name: &str, document: &Value) {
        assert!(self.schemas.validate(document, self.of(name).0).is_err(), "{name}: {document:#}");
    }
}

/// Forbids every field that is not described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.contains_key("properties") {
                map.entry("additionalProperties").or_insert(false.into());
            }
            map.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn printed(place: &Place, args: &[&str], code: i32) -> Value {
    let ran = place.run(&[args, &["--json"]].concat()).ends(code);
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.out))
}

#[test]
fn every_document_is_as_its_schema_says_and_spoilt_ones_are_not() {
    let (server, place) = (Server::start(Options::default()).unwrap(), Place::with_demo());
    let judge = Judge::new(&place);
    let reference = format!("{}/demo:1", server.address());
    place.write("Dockerfile", "FROM a AS a\nFROM b\nCOPY --from=a /x /opt/x\nRUN y\n");
    let documents = [
        ("findings", printed(&place, &["check"], 0)),
        ("result", printed(&place, &["build", "-o", "type=oci,dest=image", "--push", "-t", &reference], 0)),
        ("inspect", printed(&place, &["inspect", "image"], 0)),
        ("ls", printed(&place, &["ls", "image"], 0)),
        ("push", printed(&place, &["push", "image", &reference], 0)),
        ("doctor", printed(&place, &["doctor", &reference], 0)),
        ("serve", serde_json::from_str(&Serving::start(&place, &["--json"]).answer).unwrap()),
        ("cache", printed(&place, &["cache"], 0)),
        ("edit", printed(&place, &["exclude", "alpha", "/root/.profile"], 0)),
        ("edit", printed(&place, &["exclude", "alpha", "/root/.profile"], 0)),
        ("codes", printed(&place, &["explain"], 0)),
        ("codes", printed(&place, &["explain", "OM0201"], 0)),
        ("init", printed(&place, &["init", "--demo", "-f", "other/o.toml"], 0)),
        ("init", printed(&place, &["init", "--from-dockerfile", "Dockerfile", "-f", "p.toml"], 0)),
        ("version", printed(&place, &["version"], 0)),
    ];
    for (name, document) in &documents {
        assert_eq!(document["schema"], format!("oci-merge.{name}/v1"));
        judge.accepts(document);
        // Without any one of its fields, or with a field of another type, it is another document.
        for key in document
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !matches!(key.as_str(), "agreed" | "relaxed" | "left_out"))
        {
            let mut spoilt = document.clone();
            spoilt.as_object_mut().unwrap().remove(key);
            judge.refuses(name, &spoilt);
            spoilt[key] = json!(-1);
            judge.refuses(name, &spoilt);
        }
    }
    let spec = std::fs::read_to_string(place.path("oci-merge.toml")).unwrap();
    let spec: Value = toml_value(&spec);
    assert!(judge.schemas.validate(&spec, judge.of("spec").0).is_ok());
    judge.refuses("spec", &json!({ "schema": 1 }));
}

#[test]
fn layers_for_other_platforms_are_named() {
    let place = Place::with_demo();
    let judge = Judge::new(&place);
    let spec = place.read("oci-merge.toml").replace("[layer.beta]", "[layer.beta]\nplatforms = [\"linux/s390x\"]");
    place.write("oci-merge.toml", &spec);
    for command in ["check", "build"] {
        let all = printed(&place, &[command, "-p", "s390x"], 0);
        assert!(!all.to_string().contains("not_for_platform"), "{all:#}");
        let document = printed(&place, &[command, "-p", "amd64"], 0);
        judge.accepts(&document);
        let checked = if command == "check" { &document } else { &document["images"][0]["check"] };
        assert_eq!(checked["not_for_platform"], json!(["beta"]));
        place
            .run(&[command, "-p", "amd64"])
            .ends(0)
            .says(&["left out, for the spec has them for other platforms: beta"]);
        let none = "no layer is left for linux/amd64; for other platforms: beta";
        place.run(&[command, "beta", "-p", "amd64"]).ends(2).says(&[none]);
    }
}

/// The spec as JSON of the same form.
fn toml_value(text: &str) -> Value {
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    fn value(item: &toml_edit::Item) -> Value {
        match item {
            toml_edit::Item::Value(v) => plain(v),
            item => item.as_table().map_or(Value::Null, |t| t.iter().map(|(k, v)| (k.to_owned(), value(v))).collect()),
        }
    }
    fn plain(v: &toml_edit::Value) -> Value {
        match v {
            toml_edit::Value::String(s) => s.value().as_str().into(),
            toml_edit::Value::Integer(i) => (*i.value()).into(),
            toml_edit::Value::Boolean(b) => (*b.value()).into(),
            toml_edit::Value::Array(a) => a.iter().map(plain).collect(),
            toml_edit::Value::InlineTable(t) => t.iter().map(|(k, v)| (k.to_owned(), plain(v))).collect(),
            other => other.to_string().into(),
        }
    }
    document.iter().map(|(k, v)| (k.to_owned(), value(v))).collect()
}

#[test]
fn the_findings_of_every_case_are_as_the_schema_says() {
    let judge = Judge::new(&Place::new());
    for case in CASES {
        let place = case.lay_out();
        let document = printed(&place, &["check", "--platform", "linux/amd64"], case.exit);
        judge.accepts(&document);
        let finding = document["findings"].as_array().unwrap().iter().find(|f| f["code"] == case.code).unwrap();
        for (key, value) in [
            ("code", json!("201")),
            ("severity", json!("fatal")),
            ("message", json!("")),
            ("layers", json!({})),
            ("fixes", json!([])),
            ("group", json!("g0")),
            ("path", json!("relative")),
            ("fixes", json!([{ "command": ["oci-merge", "own"] }])),
            ("layers", json!([{ "name": "a" }])),
            ("layers", json!([{ "name": "a", "type": "file", "mode": "rw-" }])),
            ("layers", json!([{ "name": "a", "type": "file", "digest": "sha256:1" }])),
            ("layers", json!([{ "name": "a", "type": "file", "span": { "file": "s", "line": 0 } }])),
        ] {
            let (mut spoilt, mut finding) = (document.clone(), finding.clone());
            finding[key] = value;
            spoilt["findings"] = json!([finding]);
            judge.refuses("findings", &spoilt);
        }
        for layer in finding["layers"].as_array().unwrap().iter().filter(|layer| layer["name"] != "base") {
            assert!(layer["span"]["line"].as_u64().unwrap() > 1, "{layer}");
        }
        assert_eq!(finding["platforms"], json!(["linux/amd64"]));
    }
}
