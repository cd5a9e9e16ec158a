//! `[[allow]]`: paths that several layers may write, whose copy counts, and why.

use super::layer::{Rooted, globs};
use super::table::Table;
use super::{Span, keys};
use oci_merge_layer::check::Owner;
use std::collections::BTreeSet;

/// `[[allow]]`.
#[derive(Debug, Clone)]
pub struct Allow {
    /// The paths, globs among them, from the root of the image.
    pub paths: Vec<String>,
    /// The layers that it is between; `base` is the base image.
    pub layers: Vec<String>,
    /// The one of them whose copy counts: it is stacked above the others.
    pub winner: String,
    /// Why this is right, for whoever reads the spec next.
    pub reason: String,
    /// Its header.
    pub span: Span,
}

/// A reason shorter than this, in characters, is none.
pub(super) const REASON: usize = 10;

/// Reads `[[allow]]`; `layers` are the names of all layers.
pub(super) fn read(top: &Table<'_>, layers: &[&str]) -> Vec<Allow> {
    let tables = top.tables("allow", "[[allow]]", &keys::ALLOW);
    tables.iter().filter_map(|table| one(table, layers)).collect()
}

fn one(table: &Table<'_>, known: &[&str]) -> Option<Allow> {
    for (key, why) in [
        ("paths", "the paths that it is for"),
        ("layers", "two layers or more that may write them"),
        ("winner", "the layer whose copy counts"),
        ("reason", "why this is right, for whoever reads it next"),
    ] {
        if !table.has(key) {
            table.missing(key, why);
        }
    }
    let paths = globs(table, "paths", Rooted::Always);
    if let Some(node) = table.get("paths").filter(|_| paths.is_empty()) {
        table.bad(&node.range, "an exception for no path");
    }
    let layers = table.strings("layers").unwrap_or_default();
    for layer in layers.iter().filter(|layer| layer.text != Owner::Base.name()) {
        table.known_layer(layer, known);
    }
    let names: BTreeSet<&str> = layers.iter().map(|layer| layer.text.as_str()).collect();
    if let Some(node) = table.get("layers").filter(|_| names.len() < 2 || names.len() < layers.len()) {
        table.bad(&node.range, "an exception is between two layers or more, each named once");
    }
    let winner = table.string("winner")?;
    let label = "one of its `layers`";
    if winner.text == Owner::Base.name() {
        table.bad(&winner.range, "the base lies below all layers, so its copy cannot win");
    } else if !names.contains(winner.text.as_str()) {
        table.bad_with(super::error::BAD_VALUE, &winner.range, "the winner is not among the layers", label);
    }
    let reason = table.string("reason")?;
    if reason.text.trim().chars().count() < REASON {
        table.bad(&reason.range, format!("a reason has {REASON} characters or more"));
    }
    Some(Allow {
        paths,
        layers: layers.iter().map(|layer| layer.text.clone()).collect(),
        winner: winner.text,
        reason: reason.text,
        span: table.faults().span(&table.range),
    })
}
