//! A table of a spec, read key by key; what is wrong is collected, never returned, so that one run finds it all.

use super::document::{Lines, Member, Node, Value};
use super::error::{BAD_VALUE, MISSING_KEY, SpecError, UNKNOWN_KEY, UNKNOWN_LAYER, WRONG_TYPE};
use super::keys::{Keys, nearest};
use std::cell::RefCell;
use std::ops::Range;
use std::str::FromStr;

/// What has been found wrong with a text so far.
pub(super) struct Faults<'t> {
    lines: Lines<'t>,
    found: RefCell<Vec<SpecError>>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Faults<'t> {
        Faults { lines: Lines::of(text), found: RefCell::default() }
    }

    pub(super) fn span(&self, range: &Range<usize>) -> super::Span {
        self.lines.span(range)
    }

    pub(super) fn add(&self, code: &'static str, at: &Range<usize>, message: impl Into<String>) {
        self.add_with(code, at, message, "", None, None);
    }

    /// The same with a word beside the place, the header of its table, and what helps.
    pub(super) fn add_with(
        &self,
        code: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        table: Option<&Range<usize>>,
        note: Option<String>,
    ) {
        self.found.borrow_mut().push(SpecError {
            code,
            message: message.into(),
            span: self.span(at),
            label: label.into(),
            table: table.map(|range| self.span(range)),
            note,
        });
    }

    pub(super) fn into_errors(self) -> Vec<SpecError> {
        self.found.into_inner()
    }
}

/// A text of a spec and where it stands.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) range: Range<usize>,
}

/// A table whose keys have been looked at.
pub(super) struct Table<'t> {
    faults: &'t Faults<'t>,
    members: &'t [Member],
    keys: &'static [&'static str],
    /// What messages call it: `[layer.node]`.
    pub(super) name: String,
    pub(super) range: Range<usize>,
}

impl<'t> Table<'t> {
    /// Opens a table whose keys are these; every other key is a fault.
    pub(super) fn open(faults: &'t Faults<'t>, node: &'t Node, name: &str, keys: &'static Keys) -> Option<Table<'t>> {
        let table = Table { keys: keys.built, ..Table::open_free(faults, node, name)? };
        for member in table.members.iter().filter(|m| !keys.built.contains(&m.key.as_str())) {
            let key = &member.key;
            let (message, label) = if keys.later.contains(&key.as_str()) {
                (format!("`{key}` in {name} is not built yet"), "this version cannot do it".to_owned())
            } else if let Some((_, label)) = keys.elsewhere.iter().find(|(elsewhere, _)| elsewhere == key) {
                let above = name.rsplit_once('.').map(|(above, _)| format!("{above}]")).unwrap_or_default();
                (format!("`{key}` does not belong to {name}"), label.replace("{above}", &above))
            } else {
                let meant = nearest(key, keys.built.iter().copied());
                let label = meant.map(|word| format!("did you mean `{word}`?")).unwrap_or_default();
                (format!("unknown key `{}` in {name}", oci_merge_image::shown(key)), label)
            };
            let note = format!("keys of {}: {}", keys.what, keys.built.join(", "));
            faults.add_with(UNKNOWN_KEY, &member.key_range, message, label, Some(&table.range), Some(note));
        }
        Some(table)
    }

    /// Opens a table whose keys are names that the writer chose.
    pub(super) fn open_free(faults: &'t Faults<'t>, node: &'t Node, name: &str) -> Option<Table<'t>> {
        match &node.value {
            Value::Table(members) => {
                Some(Table { faults, members, keys: &[], name: name.into(), range: node.range.clone() })
            }
            other => {
                let message = format!("{name} must be a table, not {}", other.what());
                faults.add(WRONG_TYPE, &node.range, message);
                None
            }
        }
    }

    pub(super) fn faults(&self) -> &'t Faults<'t> {
        self.faults
    }

    pub(super) fn members(&self) -> &'t [Member] {
        self.members
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.members.iter().any(|m| m.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'t Node> {
        self.members.iter().find(|m| m.key == key).map(|m| &m.node)
    }

    /// Says that a key is missing, and what it is for; unless it is there with a slip in it, which has been said.
    pub(super) fn missing(&self, key: &str, why: &str) {
        if self.has_slip_of(key) {
            return;
        }
        self.faults.add_with(MISSING_KEY, &self.range, format!("{} has no `{key}`", self.name), why, None, None);
    }

    /// Whether there is an unknown key that was probably meant to be this one.
    pub(super) fn has_slip_of(&self, key: &str) -> bool {
        let mut slips = self.members.iter().filter(|m| !self.keys.contains(&m.key.as_str()));
        slips.any(|m| nearest(&m.key, self.keys.iter().copied()) == Some(key))
    }

    /// Says that the value of a key cannot be meant.
    pub(super) fn bad(&self, at: &Range<usize>, message: impl Into<String>) {
        self.bad_with(BAD_VALUE, at, message, "");
    }

    /// The same under another code, with a word beside the place.
    pub(super) fn bad_with(
        &self,
        code: &'static str,
        at: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        self.faults.add_with(code, at, message, label, Some(&self.range), None);
    }

    fn wrong_type(&self, key: &str, node: &Node, wanted: &str, label: &str) {
        let message = format!("`{key}` in {} must be {wanted}, not {}", self.name, node.value.what());
        self.bad_with(WRONG_TYPE, &node.range, message, label);
    }

    pub(super) fn string(&self, key: &str) -> Option<Written> {
        let node = self.get(key)?;
        match &node.value {
            Value::String(text) => Some(Written { text: text.clone(), range: node.range.clone() }),
            Value::Integer(_) | Value::Other("a number with a fraction") => {
                self.wrong_type(key, node, "a string", "put it in quotes");
                None
            }
            _ => {
                self.wrong_type(key, node, "a string", "");
                None
            }
        }
    }

    /// Makes another type of a string; its refusal becomes the message.
    pub(super) fn parse<T: FromStr<Err: std::fmt::Display>>(&self, written: &Written, code: &'static str) -> Option<T> {
        let refusal = match written.text.parse() {
            Ok(value) => return Some(value),
            Err(refusal) => format!("{refusal}"),
        };
        let (message, label) = match refusal.split_once("; did you mean ") {
            Some((message, meant)) => (message.to_owned(), format!("did you mean {meant}")),
            None => (refusal, String::new()),
        };
        self.bad_with(code, &written.range, message, label);
        None
    }

    pub(super) fn strings(&self, key: &str) -> Option<Vec<Written>> {
        let node = self.get(key)?;
        let Value::Array(items) = &node.value else {
            let label = if matches!(node.value, Value::String(_)) { "put it in brackets: [\"…\"]" } else { "" };
            self.wrong_type(key, node, "an array of strings", label);
            return None;
        };
        let text = |item: &Node| match &item.value {
            Value::String(text) => Some(Written { text: text.clone(), range: item.range.clone() }),
            _ => {
                self.wrong_type(key, item, "an array of strings", "");
                None
            }
        };
        Some(items.iter().filter_map(text).collect())
    }

    /// A table of strings under names that the writer chose, in the order of the text.
    pub(super) fn string_table(&self, key: &str) -> Vec<(Written, Written)> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Some(table) = Table::open_free(self.faults, node, &format!("`{key}` in {}", self.name)) else {
            return Vec::new();
        };
        let pair = |member: &Member| match &member.node.value {
            Value::String(text) => Some((
                Written { text: member.key.clone(), range: member.key_range.clone() },
                Written { text: text.clone(), range: member.node.range.clone() },
            )),
            other => {
                let message = format!("`{}` in {} must be a string, not {}", member.key, table.name, other.what());
                self.bad_with(WRONG_TYPE, &member.node.range, message, "put it in quotes");
                None
            }
        };
        table.members.iter().filter_map(pair).collect()
    }

    /// An array of tables whose keys are these.
    pub(super) fn tables(&self, key: &str, name: &str, keys: &'static Keys) -> Vec<Table<'t>> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let Value::Array(items) = &node.value else {
            self.wrong_type(key, node, "an array of tables", &format!("did you mean {name}?"));
            return Vec::new();
        };
        items.iter().filter_map(|item| Table::open(self.faults, item, name, keys)).collect()
    }

    pub(super) fn integer(&self, key: &str, allowed: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let node = self.get(key)?;
        let Value::Integer(number) = node.value else {
            self.wrong_type(key, node, "an integer", "");
            return None;
        };
        match u32::try_from(number) {
            Ok(number) if allowed.contains(&number) => Some(number),
            _ => {
                let (least, most) = (allowed.start(), allowed.end());
                self.bad(&node.range, format!("`{key}` in {} must be from {least} to {most}, not {number}", self.name));
                None
            }
        }
    }

    /// Says that there is no layer of a name, unless there is.
    pub(super) fn known_layer(&self, name: &Written, known: &[&str]) {
        if known.contains(&name.text.as_str()) {
            return;
        }
        let meant = nearest(&name.text, known.iter().copied());
        let label = meant.map(|word| format!("did you mean `{word}`?")).unwrap_or_default();
        let message = format!("there is no layer {}", oci_merge_image::shown(&name.text));
        self.bad_with(UNKNOWN_LAYER, &name.range, message, label);
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        match node.value {
            Value::Boolean(flag) => Some(flag),
            _ => {
                self.wrong_type(key, node, "true or false", "");
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let written = self.string(key)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == written.text) {
            return Some(*value);
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let label = nearest(&written.text, names.iter().copied());
        let message = format!(
            "`{key}` in {} must be {}, not `{}`",
            self.name,
            names.join(" or "),
            oci_merge_image::shown(&written.text)
        );
        let label = label.map(|word| format!("did you mean `{word}`?")).unwrap_or_default();
        self.bad_with(BAD_VALUE, &written.range, message, label);
        None
    }
}
