//! The JSON schemas (draft-07) of what the program reads and prints.
//!
//! A document names its schema: `"schema": "oci-merge.findings/v1"`. Fields may be added to a version, so the schemas allow
//! fields that they do not know; none is changed or removed.

use serde_json::{Map, Value};

/// What all documents share.
const DEFINITIONS: &str = include_str!("definitions.json");

/// Each document's name and schema.
const DOCUMENTS: [(&str, &str); 12] = [
    ("findings", include_str!("findings.json")),
    ("result", include_str!("result.json")),
    ("inspect", include_str!("inspect.json")),
    ("ls", include_str!("ls.json")),
    ("push", include_str!("push.json")),
    ("doctor", include_str!("doctor.json")),
    ("serve", include_str!("serve.json")),
    ("cache", include_str!("cache.json")),
    ("edit", include_str!("edit.json")),
    ("codes", include_str!("codes.json")),
    ("init", include_str!("init.json")),
    ("version", include_str!("version.json")),
];

/// The names of the schemas: `spec`, which is read, and the documents of `--json`.
pub const SCHEMAS: [&str; 13] = [
    "spec", "findings", "result", "inspect", "ls", "push", "doctor", "serve", "cache", "edit", "codes", "init",
    "version",
];

/// A schema by its name, as text, whole in itself; `None` if there is none of that name.
///
/// ```
/// assert!(oci_merge::schema("findings").unwrap().contains("oci-merge.findings/v1"));
/// assert_eq!(oci_merge::schema("spec").as_deref(), Some(oci_merge::spec::SCHEMA));
/// ```
pub fn schema(name: &str) -> Option<String> {
    if name == "spec" {
        return Some(crate::spec::SCHEMA.to_owned());
    }
    let (_, text) = DOCUMENTS.iter().find(|(known, _)| *known == name)?;
    let mut schema: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut all: Map<String, Value> = serde_json::from_str(DEFINITIONS).ok()?;
    let mut used = Map::new();
    // Definitions name others; each round adds those that the last has brought in.
    loop {
        let text = format!("{}{}", Value::from(schema.clone()), Value::from(used.clone()));
        let names = all.keys().filter(|name| text.contains(&format!("\"#/definitions/{name}\"")));
        let names: Vec<String> = names.cloned().collect();
        if names.is_empty() {
            break;
        }
        used.extend(names.into_iter().filter_map(|name| all.remove(&name).map(|value| (name, value))));
    }
    if !used.is_empty() {
        schema.insert("definitions".into(), used.into());
    }
    Some(format!("{:#}\n", Value::from(schema)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_schema_that_is_whole() {
        assert!(SCHEMAS.iter().skip(1).eq(DOCUMENTS.iter().map(|(name, _)| name)));
        for name in SCHEMAS {
            let text = schema(name).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value["$schema"], "http://json-schema.org/draft-07/schema#", "{name}");
            for used in text.split("\"#/definitions/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert!(value["definitions"][used].is_object(), "{name}: {used}");
            }
        }
        assert_eq!(schema("nosuch"), None);
        let definitions: Map<String, Value> = serde_json::from_str(DEFINITIONS).unwrap();
        let all: String = SCHEMAS.iter().filter_map(|name| schema(name)).collect();
        assert!(definitions.keys().all(|name| all.contains(&format!("\"{name}\": {{"))), "none is left over");
    }
}
