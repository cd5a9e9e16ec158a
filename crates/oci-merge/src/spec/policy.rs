//! `[policy]`: which findings stop a build.

use super::keys;
use super::table::Table;
use crate::MAX_LAYERS;

/// Reads `[policy]`: the words for findings, and `max-layers`.
pub(super) fn read(top: &Table<'_>) -> (Vec<(String, String)>, usize) {
    let open = |node| Table::open(top.faults(), node, "[policy]", &keys::POLICY);
    let Some(table) = top.get("policy").and_then(open) else { return (Vec::new(), MAX_LAYERS) };
    let chosen = |key: &&str| Some(((*key).to_owned(), table.word(key, words(key))?.to_owned()));
    let chosen = keys::POLICY.built.iter().filter(|key| **key != "max-layers").filter_map(chosen).collect();
    let most = table.integer("max-layers", 1..=MAX_LAYERS as u32).map_or(MAX_LAYERS, |most| most as usize);
    (chosen, most)
}

/// The words of a key. A collision may be a warning but never be passed over.
pub(super) fn words(key: &str) -> &'static [(&'static str, &'static str)] {
    let all: &[_] = &[("deny", "deny"), ("warn", "warn"), ("allow", "allow")];
    all.get(..if key == "collision" { 2 } else { 3 }).unwrap_or(all)
}
