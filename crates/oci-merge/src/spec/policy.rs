//! `[policy]`: which findings stop a build.

use super::keys;
use super::table::Table;

/// At most so many layers: what Docker's classic store mounts.
pub(super) const MAX_LAYERS: u32 = 125;

/// Reads `[policy]`: the words for findings, and `max-layers`.
pub(super) fn read(top: &Table<'_>) -> (Vec<(String, String)>, usize) {
    let open = |node| Table::open(top.faults(), node, "[policy]", &keys::POLICY);
    let Some(table) = top.get("policy").and_then(open) else { return (Vec::new(), MAX_LAYERS as usize) };
    let chosen = |key: &&str| Some(((*key).to_owned(), table.word(key, words(key))?.to_owned()));
    let chosen = keys::POLICY.built.iter().filter(|key| **key != "max-layers").filter_map(chosen).collect();
    (chosen, table.integer("max-layers", 1..=127).unwrap_or(MAX_LAYERS) as usize)
}

/// The words of a key. A collision may be a warning but never be passed over.
pub(super) fn words(key: &str) -> &'static [(&'static str, &'static str)] {
    let all: &[_] = &[("deny", "deny"), ("warn", "warn"), ("allow", "allow")];
    all.get(..if key == "collision" { 2 } else { 3 }).unwrap_or(all)
}
