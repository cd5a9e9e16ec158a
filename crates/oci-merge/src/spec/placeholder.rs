//! `{version}`, `{prefix}`, `{layer}` in the texts of a layer; `{arch}` stays until the platform is known.

use super::keys::nearest;
use super::table::{Table, Written};
use std::ops::Range;

/// What may stand in braces.
const WORDS: [&str; 4] = ["version", "prefix", "layer", "arch"];

/// What the placeholders of one layer stand for.
pub(super) struct Placeholders<'a> {
    pub(super) layer: &'a str,
    pub(super) version: Option<&'a str>,
    /// `None` while the prefix itself is read.
    pub(super) prefix: Option<&'a str>,
}

impl Placeholders<'_> {
    /// Fills a text in. A word in braces that stands for nothing is a fault, `${name}` and `{"a": 1}` are not.
    pub(super) fn fill(&self, table: &Table<'_>, written: &Written, arch: Arch) -> String {
        let mut filled = String::new();
        let mut rest = written.text.as_str();
        while let Some((before, inside, after)) = next(rest) {
            filled.push_str(before);
            match self.value(inside, arch) {
                Ok(value) => filled.push_str(&value),
                Err(why) => refuse(table, &written.range, inside, why),
            }
            rest = after;
        }
        filled + rest
    }

    fn value(&self, word: &str, arch: Arch) -> Result<String, &'static str> {
        match word {
            "layer" => Ok(self.layer.to_owned()),
            "version" => self.version.map(str::to_owned).ok_or("this layer has no `version`"),
            "prefix" => self.prefix.map(str::to_owned).ok_or("this is where it is said"),
            "arch" if arch == Arch::Later => Ok("{arch}".to_owned()),
            "arch" => Err("only `url` and `path` of a source may depend on the platform"),
            _ => Err(""),
        }
    }
}

/// Whether `{arch}` may stand in a text.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Arch {
    /// It may, and stays there.
    Later,
    Never,
}

/// Whether something would be filled in, or refused, in a text.
pub(super) fn is_in(text: &str) -> bool {
    next(text).is_some()
}

/// The text before the next placeholder, its word, and the text behind it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'.');
    text.match_indices('{').find_map(|(at, _)| {
        let before = text.get(..at)?;
        let (word, after) = text.get(at + 1..)?.split_once('}')?;
        (is_word(word) && !before.ends_with('$')).then_some((before, word, after))
    })
}

fn refuse(table: &Table<'_>, at: &Range<usize>, word: &str, why: &'static str) {
    if !why.is_empty() {
        return table.bad(at, format!("{{{word}}} cannot be filled in: {why}"));
    }
    let label = match nearest(word, WORDS) {
        Some(meant) => format!("did you mean {{{meant}}}?"),
        None => format!("there are {{{}}}", WORDS.join("}, {")),
    };
    table.bad_with(super::error::BAD_VALUE, at, format!("{{{word}}} stands for nothing"), label);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_in_braces_are_placeholders() {
        assert_eq!(next("a{version}b"), Some(("a", "version", "b")));
        assert_eq!(next("{\"a\": {layer}}"), Some(("{\"a\": ", "layer", "}")));
        for plain in ["", "{", "{}", "${home}", "{A}", "{a b}", "{version"] {
            assert_eq!(next(plain), None, "{plain}");
        }
    }
}
