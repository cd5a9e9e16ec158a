//! JSON, for specs that programs write. serde_json reads it; the places come from where its slices lie in the text.

use super::document::{Flaw, Member, Node, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::fmt;

/// A spec nests four deep; what is deeper is not one.
const MAX_DEPTH: usize = 32;

/// Reads JSON.
pub(super) fn read(text: &str) -> (Node, Vec<Flaw>) {
    let mut reader = Reader { text, flaws: Vec::new() };
    let node = match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => reader.node(raw.get(), 0),
        Err(error) => {
            reader.refuse(&error, 0);
            Node { range: 0..0, value: Value::Table(Vec::new()) }
        }
    };
    (node, reader.flaws)
}

struct Reader<'t> {
    text: &'t str,
    flaws: Vec<Flaw>,
}

impl<'t> Reader<'t> {
    fn node(&mut self, raw: &'t str, depth: usize) -> Node {
        let start = self.offset(raw);
        let value = self.value(raw, depth).unwrap_or_else(|error| {
            self.refuse(&error, start);
            Value::Other("nothing that can be read")
        });
        Node { range: start..start + raw.len(), value }
    }

    fn value(&mut self, raw: &'t str, depth: usize) -> serde_json::Result<Value> {
        Ok(match raw.bytes().next() {
            _ if depth > MAX_DEPTH => Value::Other("a value inside more than 32 others"),
            Some(b'"') => Value::String(serde_json::from_str(raw)?),
            Some(b't' | b'f') => Value::Boolean(serde_json::from_str(raw)?),
            Some(b'n') => Value::Other("null"),
            Some(b'[') => {
                let items: Vec<&'t RawValue> = serde_json::from_str(raw)?;
                Value::Array(items.into_iter().map(|item| self.node(item.get(), depth + 1)).collect())
            }
            Some(b'{') => Value::Table(self.members(raw, depth)?),
            _ => serde_json::from_str(raw).map_or(Value::Other("a number that is no integer"), Value::Integer),
        })
    }

    fn members(&mut self, raw: &'t str, depth: usize) -> serde_json::Result<Vec<Member>> {
        let Pairs(pairs) = serde_json::from_str(raw)?;
        let mut members = Vec::new();
        let mut seen = BTreeSet::new();
        let mut at = self.offset(raw) + 1; // behind the brace
        for (key, value) in pairs {
            let node = self.node(value.get(), depth + 1);
            // Between two values there are only blanks, a comma, the key and a colon.
            let between = self.text.get(at..node.range.start).unwrap_or_default();
            let written = between.trim_start_matches([' ', '\t', '\r', '\n', ',']);
            let key_start = node.range.start - written.len();
            let key_range = key_start..key_start + written.trim_end_matches([' ', '\t', '\r', '\n', ':']).len();
            at = node.range.end;
            match seen.insert(key.clone()) {
                true => members.push(Member { key, key_range, node }),
                false => self.flaws.push(Flaw::Twice(key_range)),
            }
        }
        Ok(members)
    }

    /// Where a slice of the text begins in it.
    fn offset(&self, part: &str) -> usize {
        part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr())
    }

    /// Notes a syntax error; serde_json counts lines and columns from where it began to read.
    fn refuse(&mut self, error: &serde_json::Error, start: usize) {
        let rest = self.text.get(start..).unwrap_or_default();
        let line_start: usize = rest.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let mut at = (start + line_start + error.column().saturating_sub(1)).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        self.flaws.push(Flaw::Syntax(message, at..at));
    }
}

/// The members of an object as they stand, the doubled ones too.
struct Pairs<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_where_they_stand() {
        let text = "{ \"a\" : 1,\n \"b\\u0062\":[ true, \"x\" ] ,\"c\":null}";
        let (node, flaws) = read(text);
        assert_eq!(flaws, []);
        let Value::Table(members) = node.value else { panic!() };
        let shown: Vec<_> =
            members.iter().map(|m| (m.key.as_str(), &text[m.key_range.clone()], &text[m.node.range.clone()])).collect();
        assert_eq!(shown, [("a", "\"a\"", "1"), ("bb", "\"b\\u0062\"", "[ true, \"x\" ]"), ("c", "\"c\"", "null")]);
    }

    #[test]
    fn slips_are_found_where_they_are() {
        assert_eq!(read("{\"a\": 1,\n \"a\": 2}").1, [Flaw::Twice(10..13)]);
        let (_, flaws) = read("{\"a\": 1,\n \"b\" 2}");
        assert_eq!(flaws, [Flaw::Syntax("expected `:`".into(), 14..14)]);
        assert!(matches!(read("{\"a\": \"\\ud800\"}").1[..], [Flaw::Syntax(..)]), "a lone surrogate");
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(9_000), "]".repeat(9_000));
        let (node, _) = read(&deep);
        assert!(matches!(node.value, Value::Table(_)), "depth is bounded by us, not by the stack");
    }
}
