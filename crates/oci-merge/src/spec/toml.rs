//! TOML, read by the `toml` crate, which keeps the places and goes on after a slip.

use super::document::{Flaw, Member, Node, Value};
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// Reads TOML. After a syntax error the tree holds what could be made out.
pub(super) fn read(text: &str) -> (Node, Vec<Flaw>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let range = 0..text.find('\n').unwrap_or(text.len());
    let node = Node { range, value: Value::Table(members(table.get_ref())) };
    (node, errors.iter().map(|e| flaw(text, e)).collect())
}

const QUOTES: &str = "a string must stand in quotes";

fn flaw(text: &str, error: &toml::de::Error) -> Flaw {
    let range = error.span().unwrap_or_default();
    if error.message() == "duplicate key" {
        return Flaw::Twice(range);
    }
    let written = text.get(range.clone()).unwrap_or_default();
    let message = match error.message() {
        // `prefix = node` is taken for the number nan.
        message if message.starts_with("invalid float") && !written.contains(|c: char| c.is_ascii_digit()) => QUOTES,
        message if message.starts_with("string values must be quoted") => QUOTES,
        message => message,
    };
    Flaw::Syntax(message.to_owned(), range)
}

fn members(table: &DeTable<'_>) -> Vec<Member> {
    let mut members: Vec<Member> = table.iter().map(|(key, value)| member(key, value)).collect();
    members.sort_by_key(|m| m.key_range.start);
    members
}

fn member(key: &Spanned<DeString<'_>>, value: &Spanned<DeValue<'_>>) -> Member {
    Member { key: key.get_ref().to_string(), key_range: key.span(), node: node(value.span(), value.get_ref()) }
}

fn node(range: Range<usize>, value: &DeValue<'_>) -> Node {
    let value = match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("an integer of more than 64 bits"), Value::Integer),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Array(items) => Value::Array(items.iter().map(|item| node(item.span(), item.get_ref())).collect()),
        DeValue::Table(table) => Value::Table(members(table)),
        DeValue::Float(_) => Value::Other("a number with a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
    };
    Node { range, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_the_place_of_their_table_and_order_is_that_of_the_file() {
        let text = "schema = 1\n[layer.b]\nx = 0x1F\n[layer.a]\n[[layer.a.source]]\npath = \"p\"\n";
        let (top, flaws) = read(text);
        assert_eq!(flaws, []);
        let Value::Table(top) = &top.value else { panic!() };
        let Value::Table(layers) = &top[1].node.value else { panic!() };
        let names: Vec<_> = layers.iter().map(|m| (m.key.as_str(), &text[m.node.range.clone()])).collect();
        assert_eq!(names, [("b", "[layer.b]"), ("a", "[layer.a]")]);
        let Value::Table(b) = &layers[0].node.value else { panic!() };
        assert!(matches!(b[0].node.value, Value::Integer(31)));
        let Value::Table(a) = &layers[1].node.value else { panic!() };
        let Value::Array(sources) = &a[0].node.value else { panic!() };
        assert_eq!(&text[sources[0].range.clone()], "[[layer.a.source]]");
    }

    #[test]
    fn a_key_that_is_there_twice_is_told_from_a_text_that_is_no_toml() {
        assert_eq!(read("a = 1\na = 2\n").1, [Flaw::Twice(6..7)]);
        assert_eq!(read("[a]\n[a]\n").1, [Flaw::Twice(5..6)]);
        assert!(matches!(read("a = \"x\nb = 1\n").1[..], [Flaw::Syntax(_, ref at)] if at.start == 6));
        for word in ["opt", "node", "information"] {
            let quotes = Flaw::Syntax("a string must stand in quotes".into(), 4..4 + word.len());
            assert_eq!(read(&format!("a = {word}\n")).1, [quotes]);
        }
    }
}
