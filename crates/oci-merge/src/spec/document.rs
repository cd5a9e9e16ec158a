//! A spec's text as a tree of values that know where they stand, whether it is TOML or JSON.

use super::Span;
use std::ops::Range;

/// A value and the bytes that it was written in; for a table with a header, the bytes of the header.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) range: Range<usize>,
    pub(super) value: Value,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Value {
    String(String),
    Integer(i64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Vec<Member>),
    /// Something that no key wants, in words: `a date`.
    Other(&'static str),
}

/// A key and its value, in the order of the text.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) key_range: Range<usize>,
    pub(super) node: Node,
}

/// What is wrong with the text before it means anything.
#[derive(Debug, PartialEq)]
pub(super) enum Flaw {
    /// A key that is there twice; the tree holds one of the two.
    Twice(Range<usize>),
    /// Not well-formed there; the tree is not to be relied upon.
    Syntax(String, Range<usize>),
}

impl Value {
    /// In words, for "expected …, found …".
    pub(super) fn what(&self) -> &'static str {
        match self {
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
            Value::Other(what) => what,
        }
    }
}

/// Reads a text: JSON if it begins with `{`, else TOML.
pub(super) fn read(text: &str) -> (Node, Vec<Flaw>) {
    match text.trim_start().starts_with('{') {
        true => super::json::read(text),
        false => super::toml::read(text),
    }
}

/// A text, and where its lines begin: a spec of a thousand layers has many places.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Lines<'t> {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Lines { text, starts }
    }

    /// The place of some bytes of the text.
    pub(super) fn span(&self, range: &Range<usize>) -> Span {
        let at = range.start.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..at).map_or(0, |line| line.chars().count()) + 1;
        Span { line, column, range: range.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "a = 1\nß = 2\n";
        let lines = Lines::of(text);
        let place = |at: usize| (lines.span(&(at..at)).line, lines.span(&(at..at)).column);
        assert_eq!(place(0), (1, 1));
        assert_eq!(place(6), (2, 1));
        assert_eq!(place(text.find('2').unwrap()), (2, 5));
        assert_eq!(place(text.len()), (3, 1));
        assert_eq!(place(text.len() + 9), (3, 1), "a place beyond the end is the end");
    }
}
