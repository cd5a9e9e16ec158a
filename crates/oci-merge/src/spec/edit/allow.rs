//! `allow`: one more exception.

use super::array::{inline, push};
use super::splice::edited;
use super::{Edited, SpecText, absolute};
use crate::spec::allow::REASON;
use crate::spec::{Allow, Spec};
use crate::{Error, Result};
use oci_merge_image::shown;
use oci_merge_layer::check::Owner;
use std::collections::BTreeSet;
use toml_edit::{Array, Item, Value};

impl SpecText<'_> {
    /// Layers may write paths, and the copy of one of them is the one that counts. Without `layers`: all of the spec, if
    /// it has two.
    ///
    /// # Errors
    /// There is no such layer, a path is not absolute, the reason has fewer than ten characters, the winner is not among
    /// the layers; something else is agreed there already; the spec is not one, or is JSON.
    pub fn allow<S: AsRef<str>>(&self, paths: &[S], winner: &str, layers: &[S], reason: &str) -> Result<Edited> {
        let spec = self.read()?;
        let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        absolute(&paths)?;
        self.layer(&spec, winner)?;
        let mut layers: Vec<&str> = layers.iter().map(AsRef::as_ref).collect();
        if layers.is_empty() {
            layers = spec.layers.iter().map(|layer| layer.name.as_str()).collect();
            if layers.len() != 2 {
                let text = "which layers? say --layers A B; the base image is called base";
                return Err(Error::usage(text));
            }
        }
        for layer in layers.iter().filter(|layer| **layer != Owner::Base.name()) {
            self.layer(&spec, layer)?;
        }
        if !layers.contains(&winner) {
            let (winner, layers) = (shown(winner), layers.join(", "));
            return Err(Error::usage(format!("the winner {winner} is not among the layers {layers}")));
        }
        let reason = reason.trim();
        if reason.chars().count() < REASON {
            let text = format!("say why in {REASON} characters or more: --reason \"either copy will do\"");
            return Err(Error::usage(text));
        }
        let mut edit = Edited { text: self.text.to_owned(), changes: Vec::new() };
        let fresh = self.fresh(&spec, &paths, winner, &layers)?;
        if fresh.is_empty() {
            return Ok(edit);
        }
        let (text, line) = written(self.text, &fresh, winner, &layers, reason).ok_or_else(|| self.cannot())?;
        let what = fresh.iter().map(|path| shown(path).to_string()).collect::<Vec<_>>().join(", ");
        let (file, layers) = (shown(self.file), layers.join(" and "));
        edit.changes.push(format!("{file}:{line}: {layers} may write {what}; {winner}'s copy counts"));
        edit.text = text;
        self.whole(edit)
    }

    /// The paths that are not agreed between these layers yet.
    fn fresh<'p>(&self, spec: &Spec, paths: &[&'p str], winner: &str, layers: &[&str]) -> Result<Vec<&'p str>> {
        let wanted: BTreeSet<&str> = layers.iter().copied().collect();
        let same = |allow: &&Allow| allow.layers.iter().map(String::as_str).collect::<BTreeSet<_>>() == wanted;
        let mut fresh = Vec::new();
        for path in paths {
            let mut agreed = spec.allow.iter().filter(same).filter(|allow| allow.paths.iter().any(|p| p == path));
            match agreed.next() {
                Some(allow) if allow.winner == winner => {}
                Some(Allow { winner, span, .. }) => {
                    let (file, line, path) = (shown(self.file), span.line, shown(path));
                    let text = format!("{file}:{line} says that {winner}'s {path} counts; take that out first");
                    return Err(Error::usage(text));
                }
                None => fresh.push(*path),
            }
        }
        Ok(fresh)
    }
}

/// The text with one more exception: as a table of its own at the end, or in the list that has the others.
fn written(text: &str, paths: &[&str], winner: &str, layers: &[&str], reason: &str) -> Option<(String, usize)> {
    let list = |words: &[&str]| Value::Array(words.iter().copied().collect::<Array>());
    let members =
        [("paths", list(paths)), ("layers", list(layers)), ("winner", winner.into()), ("reason", reason.into())];
    let mut is_list = false;
    let changed = edited(text, &mut |document| match document.get_mut("allow") {
        Some(Item::Value(Value::Array(array))) => {
            is_list = true;
            push(array, inline(&members));
            Some(())
        }
        _ => None,
    });
    if is_list {
        return changed;
    }
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut new = text.to_owned();
    if !new.ends_with('\n') {
        new.push_str(end);
    }
    new.push_str(end);
    let line = 1 + new.matches('\n').count();
    new.push_str(&format!("[[allow]]{end}"));
    for (key, value) in members {
        new.push_str(&format!("{key:<6} = {value}{end}"));
    }
    Some((new, line))
}
