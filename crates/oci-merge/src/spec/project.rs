//! `[project]`: names, platforms, labels.

use super::error::{BAD_VALUE, REFERENCE};
use super::keys;
use super::table::{Table, Written};
use oci_merge_image::{Edits, Platform, Reference, shown};
use std::collections::BTreeMap;

/// `[project]`.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// What messages call it.
    pub name: Option<String>,
    /// The repository that the image is pushed to unless the command line says otherwise.
    pub repo: Option<Reference>,
    /// The platforms; empty: the base's only one, or this machine's.
    pub platforms: Vec<Platform>,
}

/// Reads `[project]`; its labels and annotations go into `config`.
pub(super) fn read(top: &Table<'_>, config: &mut Edits) -> Project {
    let Some(node) = top.get("project") else { return Project::default() };
    let Some(table) = Table::open(top.faults(), node, "[project]", &keys::PROJECT) else { return Project::default() };
    config.labels = texts(&table, "labels");
    config.annotations = texts(&table, "annotations");
    Project {
        name: table.string("name").and_then(|written| name(&table, written)),
        repo: table.string("repo").and_then(|written| repository(&table, &written)),
        platforms: platforms(&table),
    }
}

/// Reads `platforms` of `[project]` or of a layer.
pub(super) fn platforms(table: &Table<'_>) -> Vec<Platform> {
    let Some(written) = table.strings("platforms") else { return Vec::new() };
    if let (true, Some(node)) = (written.is_empty(), table.get("platforms")) {
        table.bad(&node.range, format!("`platforms` in {} is empty; leave the key out for the default", table.name));
    }
    written.iter().filter_map(|platform| table.parse(platform, BAD_VALUE)).collect()
}

fn name(table: &Table<'_>, written: Written) -> Option<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let text = &written.text;
    if text.chars().all(allowed) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Some(written.text);
    }
    let message = format!("{} cannot be the project's name: it takes a-z, 0-9, `.`, `_`, `-`", shown(text));
    table.bad(&written.range, message);
    None
}

fn repository(table: &Table<'_>, written: &Written) -> Option<Reference> {
    let last = written.text.rsplit('/').next().unwrap_or_default();
    if let Some((name, _)) = last.split_once(['@', ':']) {
        let base = written.text.len() - last.len() + name.len();
        let label = format!("did you mean `{}`?", shown(written.text.get(..base).unwrap_or_default()));
        table.bad_with(REFERENCE, &written.range, "`repo` is a repository, without a tag or digest", label);
        return None;
    }
    table.parse(written, REFERENCE)
}

fn texts(table: &Table<'_>, key: &str) -> BTreeMap<String, String> {
    table.string_table(key).into_iter().map(|(name, value)| (name.text, value.text)).collect()
}
