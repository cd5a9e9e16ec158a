//! What would be lost: the lines that only one of several small text files has.

use super::Scene;
use crate::layers::{self, Ready};
use oci_merge_image::{Descriptor, Digest, shown};
use oci_merge_layer::check::{Claim, Code, Description, Finding, Owner};
use oci_merge_layer::{Kind, Limits, Rules, recall};
use oci_merge_store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// Files of this many bytes, or more, are not read again.
const SMALL: u64 = 8_000;
/// How many findings are looked into.
const FINDINGS: usize = 20;
/// How many lines of one file are shown.
const LINES: usize = 6;
/// How many characters of a line are shown.
const WIDTH: usize = 100;

/// What the copies at one path have and have not in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Difference {
    /// They have the same content.
    None,
    /// The lines that only some have, those of the uppermost copy last.
    Lines(Vec<Side>),
}

/// The lines of one copy that the one in the image has not; or of the one in the image, that no other has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) owner: Owner,
    pub(super) is_lost: bool,
    /// Escaped.
    pub(super) lines: Vec<String>,
    /// How many more there are.
    pub(super) more: usize,
}

/// The differences of findings, by their places in the list; of those that are about small text files only.
pub(super) fn differences(findings: &[Finding], leads: &[usize], scene: &Scene<'_>) -> BTreeMap<usize, Difference> {
    let asked: Vec<(usize, Vec<(&Owner, &Description)>)> =
        leads.iter().filter_map(|&place| Some((place, small_files(findings.get(place)?)?))).take(FINDINGS).collect();
    let mut wanted: BTreeMap<&Owner, BTreeSet<&Digest>> = BTreeMap::new();
    for (owner, file) in asked.iter().flat_map(|(_, files)| files) {
        wanted.entry(owner).or_default().extend(&file.digest);
    }
    let mut contents: BTreeMap<Digest, Vec<u8>> = BTreeMap::new();
    for (owner, digests) in wanted {
        for (blob, store) in blobs(owner, &digests, scene) {
            contents.extend(read(&blob, store, &digests));
        }
    }
    let difference = |files: &[(&Owner, &Description)]| {
        let text = |file: &Description| text(contents.get(file.digest.as_ref()?)?);
        let texts: Option<Vec<(&Owner, Vec<&str>)>> = files.iter().map(|(o, file)| Some((*o, text(file)?))).collect();
        Some(compare(&texts?))
    };
    asked.iter().filter_map(|(place, files)| Some((*place, difference(files)?))).collect()
}

/// The files that a finding is about, if all of them are small, and open to everybody: what only its owner may read is
/// not for a log.
fn small_files(finding: &Finding) -> Option<Vec<(&Owner, &Description)>> {
    if !matches!(finding.code(), Code::TwoWriters | Code::ShadowBase | Code::SharedState) {
        return None;
    }
    fn file(claim: &Claim) -> Option<&Description> {
        match claim {
            Claim::Entry(entry) => {
                Some(&**entry).filter(|e| e.kind == Kind::File && e.size < Some(SMALL) && e.mode & 0o044 != 0)
            }
            _ => None,
        }
    }
    finding.parties().iter().map(|party| Some((&party.owner, file(&party.claim)?))).collect()
}

/// The blobs of an owner that may hold these contents, and where they are. What lies in a registry only is not fetched
/// for this.
fn blobs<'a>(owner: &Owner, digests: &BTreeSet<&Digest>, scene: &Scene<'a>) -> Vec<(Descriptor, &'a dyn Store)> {
    let local: &dyn Store = &**scene.local.layout();
    match owner {
        Owner::Layer(name) => {
            let layers = scene.layers.iter().filter(|layer| *layer.name == **name);
            layers.clone().for_each(|layer| bring_back(layer, scene));
            let store = |layer: &'a Ready| match &layer.origin {
                Some(origin) if origin.reference.is_none() => &*origin.store,
                _ => local,
            };
            layers.map(|layer| (layer.descriptor.clone(), store(layer))).collect()
        }
        Owner::Base => {
            let Some(open) = &scene.base.image else { return Vec::new() };
            let store = if open.reference.is_none() { &*open.store } else { local };
            let has = |index: &oci_merge_layer::LayerIndex| {
                index
                    .entries()
                    .any(|e| e.size < SMALL && e.content.is_some_and(|c| digests.contains(&Digest::from_sha256(*c))))
            };
            let layers = open.image.manifest.value().layers.iter().zip(scene.base_indexes);
            layers.filter(|(_, index)| has(index)).map(|(layer, _)| (layer.clone(), store)).collect()
        }
    }
}

/// Makes a layer of an earlier run again whose blob is gone: what is told does not depend on what the local store has kept.
fn bring_back(layer: &Ready, scene: &Scene<'_>) {
    let Scene { spec, base, local, run, .. } = scene;
    if layer.is_remembered && !local.layout().exists(&layer.descriptor).unwrap_or(true) {
        // If it cannot be made, the lines are not told; no answer depends on them.
        let _ = layers::make_one(spec, base, local, &run.remaking(), &layer.name);
    }
}

/// The contents with these digests from a blob; none if it cannot be read, for then there is nothing to be said.
fn read(blob: &Descriptor, store: &dyn Store, digests: &BTreeSet<&Digest>) -> BTreeMap<Digest, Vec<u8>> {
    let Ok(content) = store.fetch(blob) else { return BTreeMap::new() };
    recall(content, digests, SMALL, &Rules::base(Limits::default())).unwrap_or_default()
}

/// The lines of a text; `None` if it is none.
fn text(content: &[u8]) -> Option<Vec<&str>> {
    let text = std::str::from_utf8(content).ok()?;
    let is_text = text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    is_text.then(|| text.lines().collect())
}

/// The last text is the one that would be in the image.
fn compare(texts: &[(&Owner, Vec<&str>)]) -> Difference {
    let Some(((winner, stays), others)) = texts.split_last() else { return Difference::None };
    let mut sides: Vec<Side> = others.iter().map(|(owner, lines)| side(owner, true, lines, stays)).collect();
    let elsewhere: Vec<&str> = others.iter().flat_map(|(_, lines)| lines).copied().collect();
    sides.push(side(winner, false, stays, &elsewhere));
    sides.retain(|side| !side.lines.is_empty());
    if others.iter().all(|(_, lines)| lines == stays) { Difference::None } else { Difference::Lines(sides) }
}

/// The lines that are in one text more often than in another.
fn side(owner: &Owner, is_lost: bool, lines: &[&str], other: &[&str]) -> Side {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    other.iter().for_each(|line| *left.entry(line).or_default() += 1);
    let mut only = Vec::new();
    for line in lines {
        match left.get_mut(line) {
            Some(count) if *count > 0 => *count -= 1,
            _ if line.trim().is_empty() => {}
            _ => only.push(cut(line)),
        }
    }
    let more = only.len().saturating_sub(LINES);
    only.truncate(LINES);
    Side { owner: owner.clone(), is_lost, lines: only, more }
}

fn cut(line: &str) -> String {
    let line = line.trim_end().replace('\t', "    ");
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", shown(line.get(..end).unwrap_or_default())),
        None => shown(&line).to_string(),
    }
}
