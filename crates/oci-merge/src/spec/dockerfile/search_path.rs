//! PATH while the last stage is read.

use super::copied::Copied;
use super::scope::Scope;
use crate::spec::placeholder;
use oci_merge_image::DEFAULT_PATH;
use std::collections::BTreeMap;

/// Entries of PATH that lie in layers, in its order: the number of the layer and the directory below its prefix.
#[derive(Debug, Default)]
pub(super) struct SearchPath(Vec<(usize, String)>);

/// An entry with a variable that has no value.
const UNKNOWN: &str = "\0";

impl SearchPath {
    /// Takes the value of `ENV PATH=…`, and says what of it a spec cannot say.
    pub(super) fn set(&mut self, value: &str, scope: &Scope<'_>, layers: &[Copied]) -> Vec<String> {
        let (value, without) = match scope.fill_path(value, UNKNOWN) {
            Ok(filled) => filled,
            Err(why) => return vec![why],
        };
        let mut wrong: Vec<String> = without.iter().map(|name| format!("${name} has no value here")).collect();
        let (mut entries, mut strangers, mut behind) = (Vec::new(), Vec::new(), Vec::new());
        let is_usual = |entry: &str| DEFAULT_PATH.split(':').any(|usual| usual == entry);
        let mut base_seen = false;
        for entry in value.split(':').filter(|entry| !entry.is_empty() && !entry.contains(UNKNOWN)) {
            match layer_of(layers, entry) {
                _ if entry == "$PATH" => {
                    entries.append(&mut self.0);
                    base_seen = true;
                }
                _ if is_usual(entry) => base_seen = true,
                Some((number, below)) if !placeholder::is_in(below) => {
                    behind.extend(base_seen.then_some(entry));
                    let below = below.trim_matches('/');
                    entries.push((number, if below.is_empty() { "." } else { below }.to_owned()));
                }
                _ => strangers.push(entry),
            }
        }
        let has = |wanted: &str| value.split(':').any(|entry| entry == wanted);
        if !strangers.is_empty() {
            wrong.push(format!("{} in PATH is of no layer; set it in the base", strangers.join(", ")));
        }
        if !behind.is_empty() {
            let behind = behind.join(", ");
            wrong.push(format!("it has {behind} behind the base's PATH; in the image a layer's is in front of that"));
        }
        if !has("$PATH") && !DEFAULT_PATH.split(':').all(has) {
            wrong.push("it replaces the base's PATH; in the image that stays, behind the layers'".into());
        }
        self.0 = entries;
        wrong
    }

    /// What each layer puts in front of PATH, and whether the image has them in this order.
    pub(super) fn of_layers(self) -> (BTreeMap<usize, Vec<String>>, bool) {
        let is_sorted = self.0.is_sorted_by_key(|(number, _)| *number);
        let mut path: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (number, entry) in self.0 {
            let entries = path.entry(number).or_default();
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        (path, is_sorted)
    }
}

/// The layer that a path lies in, and what follows its prefix.
pub(super) fn layer_of<'v>(layers: &[Copied], value: &'v str) -> Option<(usize, &'v str)> {
    let below =
        |layer: &Copied| value.strip_prefix(&layer.prefix.to_string()).filter(|b| b.is_empty() || b.starts_with('/'));
    let found = layers.iter().enumerate().find_map(|(number, layer)| Some((number, below(layer)?)));
    found.filter(|(_, below)| !below.split('/').any(|part| part == ".."))
}
