//! What keeps layers that would pass by themselves from being used side by side.

use super::super::recipe::Attributes;
use super::Layers;
use super::cut::Cut;
use super::tree::has_entry_below;
use crate::check::{BaseView, Code, Finding, Layer, Policy, check};
use crate::index::XattrSet;
use crate::{EntryView, Kind, LayerIndex, Note, Reason, Result};
use oci_merge_image::LayerPath;

/// Why the layers with these numbers, of those of an image, cannot be used as they are.
pub(super) fn note(cut: &Cut<'_>, layers: &Layers, numbers: &[usize]) -> Result<Option<Note>> {
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    for (number, index) in layers.indexes().into_iter().enumerate() {
        if numbers.contains(&number) { kept.push(index) } else { others.push(index) }
    }
    if kept.len() > 1
        && let Some(note) = differs(cut, &kept)
    {
        return Ok(Some(note));
    }
    for index in others {
        if let Some(note) = leads(cut, &kept, index)? {
            return Ok(Some(note));
        }
    }
    Ok(None)
}

/// What two of the layers say differently of one path.
fn differs(cut: &Cut<'_>, kept: &[&LayerIndex]) -> Option<Note> {
    let (prefix, owns) = (&cut.recipe.prefix, &cut.recipe.owns);
    let claims: Vec<Layer<'_>> = kept.iter().map(|index| Layer { name: "image", index, prefix, owns }).collect();
    let report = check(&BaseView::new(&[]), &claims, &Policy::default());
    let disagree = |finding: &&Finding| {
        let codes = [Code::TwoWriters, Code::Identical, Code::Kinds, Code::DirectoryAttributes, Code::ThroughSymlink];
        codes.contains(&finding.code()) || finding.code() == Code::SharedState
    };
    let found = report.findings.iter().find(disagree)?;
    let text = "is in several of its layers, which could not be told apart from a collision".to_owned();
    Some(Note { reason: Reason("LAYERS"), path: found.path().cloned(), text })
}

/// What a layer of which nothing is taken says of a directory that leads to what is taken, if those that are used say
/// something else.
fn leads(cut: &Cut<'_>, kept: &[&LayerIndex], index: &LayerIndex) -> Result<Option<Note>> {
    for directory in index.entries().filter(|entry| entry.kind == Kind::Directory) {
        let Ok(path) = LayerPath::parse(directory.path) else { continue };
        let is_other = |kept: &&LayerIndex| match kept.find(&path) {
            Some(entry) => said(&entry) != said(&directory),
            None => has_entry_below(kept, directory.path) && said(&directory) != (Attributes::default(), None),
        };
        if cut.may_lead(&path) && cut.decides(&path)? && kept.iter().any(is_other) {
            let text = "leads to what is taken, and a layer of which nothing is taken says what it is".to_owned();
            return Ok(Some(Note { reason: Reason("LAYERS"), path: Some(path), text }));
        }
    }
    Ok(None)
}

/// What a layer says of a directory, but for its time.
fn said<'a>(entry: &EntryView<'a>) -> (Attributes, Option<&'a XattrSet>) {
    (Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid }, entry.xattrs)
}
