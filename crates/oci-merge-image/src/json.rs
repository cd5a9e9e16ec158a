//! JSON that has one reading, and JSON that has one spelling.

use crate::{Error, ErrorKind, Result, shown};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// Parses a JSON object that every reader reads alike.
///
/// Refused are: a byte order mark, a key twice in one object, two keys that differ in case only (Go's
/// `encoding/json` takes either for the other), more than 64 levels, and anything after the end.
///
/// # Errors
/// [`ErrorKind::Json`] with one of the reasons `JSON_SYNTAX`, `JSON_DEPTH`, `JSON_DUPLICATE_KEY`, `JSON_NOT_OBJECT`.
pub fn parse_strict(bytes: &[u8]) -> Result<Map<String, Value>> {
    let start = || shown(bytes.get(..bytes.len().min(80)).unwrap_or_default()).to_string();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 64 }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match value {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => {
            Err(Error::new(ErrorKind::Json, "JSON_NOT_OBJECT", format!("expected a JSON object, found: {}", start())))
        }
        Err(e) if e.to_string().contains(DUPLICATE) => {
            Err(Error::new(ErrorKind::Json, "JSON_DUPLICATE_KEY", shown(&e.to_string()).to_string()))
        }
        Err(e) => Err(Error::new(
            ErrorKind::Json,
            if e.to_string().contains(TOO_DEEP) { "JSON_DEPTH" } else { "JSON_SYNTAX" },
            format!("not JSON ({}); it begins: {}", shown(&e.to_string()), start()),
        )),
    }
}

/// Writes a value in the one byte form that everything we write has: keys sorted, no spaces, no line end.
pub fn to_canonical(value: &Value) -> Vec<u8> {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                Value::Object(entries.into_iter().map(|(k, v)| (k.clone(), sorted(v))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string().into_bytes()
}

const DUPLICATE: &str = "the same key twice";
/// In the text of an error of serde about levels.
const TOO_DEEP: &str = "more than 64 levels";

/// Builds a `Value` and refuses what `serde_json` would silently settle.
struct Strict {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> std::result::Result<Strict, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Strict { depth }),
            None => Err(E::custom(TOO_DEEP)),
        }
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> std::result::Result<Value, E> {
        Ok(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> std::result::Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> std::result::Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> std::result::Result<Value, E> {
        Ok(v.into())
    }

    fn visit_str<E>(self, v: &str) -> std::result::Result<Value, E> {
        Ok(v.into())
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(self.deeper()?)?;
            if !seen.insert(key.to_lowercase()) {
                return Err(serde::de::Error::custom(format!(
                    "{DUPLICATE}, or twice but for its case: {}",
                    shown(&key)
                )));
            }
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_readers_read_differently_is_refused() {
        let deep = format!("{}1{}", "{\"a\":".repeat(70), "}".repeat(70));
        let cases = [
            (r#"{"a":1,"a":2}"#, "JSON_DUPLICATE_KEY"),
            (r#"{"layers":1,"Layers":2}"#, "JSON_DUPLICATE_KEY"),
            (r#"{"x":{"b":1,"B":2}}"#, "JSON_DUPLICATE_KEY"),
            ("\u{feff}{}", "JSON_SYNTAX"),
            ("{} {}", "JSON_SYNTAX"),
            ("<html>", "JSON_SYNTAX"),
            ("[]", "JSON_NOT_OBJECT"),
            (&deep, "JSON_DEPTH"),
        ];
        for (text, reason) in cases {
            assert_eq!(parse_strict(text.as_bytes()).unwrap_err().reason(), reason, "{text}");
        }
        assert!(parse_strict(b" {\"a\":[1,2.5,null,true,\"x\"]}\n").is_ok());
    }

    #[test]
    fn canonical_bytes_are_sorted_at_every_level() {
        let map = parse_strict(br#"{"b":{"d":1,"c":[{"z":0,"y":0}]},"a":"<&>"}"#).unwrap();
        assert_eq!(to_canonical(&map.into()), br#"{"a":"<&>","b":{"c":[{"y":0,"z":0}],"d":1}}"#);
    }
}
