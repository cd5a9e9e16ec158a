//! Who owns what: entries outside a prefix, prefixes that overlap, and a base that was there before.

use super::claims::{Claims, FIRST_LAYER};
use super::finding::{Claim, Finding, Owner, Party};
use super::merge::{Place, Sorted, is_under};
use super::through;
use super::told::{Marks, Told};
use super::{BASE_UNDER_PREFIX, Code, Layer, TOOL_OUTSIDE_PREFIX};
use crate::{EntryView, Kind, LayerIndex};
use oci_merge_image::{LayerPath, compare_paths};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Where packages of all makers live side by side, each in a directory of its own (FHS 3.13). A layer whose prefix is
/// this directory itself does not lay claim to everything that a base has in it.
const SHARED: &[u8] = b"opt";

/// The lists of the layers with each prefix.
type Prefixes<'a> = BTreeMap<&'a [u8], Vec<u32>>;

/// Judges prefixes, and entries against them. Of an entry that collides it is told already.
pub(super) fn judge<'c, 'a>(
    claims: &Claims<'a>,
    marks: &Marks<'_>,
    nothing: impl Fn() -> Told<'c, 'a> + Sync + Send,
) -> Told<'c, 'a> {
    let mut prefixes = Prefixes::new();
    for (list, layer) in (FIRST_LAYER..).zip(claims.layers) {
        prefixes.entry(layer.prefix.path().as_bytes()).or_default().push(list);
    }
    let mut findings = Vec::new();
    overlapping(claims, &prefixes, &mut findings);
    base_below(claims, &prefixes, &mut findings);
    let layers = (FIRST_LAYER..).zip(claims.layers).collect::<Vec<_>>();
    let outside = layers.into_par_iter().fold(&nothing, |mut told, (list, layer)| {
        outside_of(claims, &prefixes, list, layer, marks, |finding| told.tell([finding]));
        told
    });
    let mut told = outside.reduce(&nothing, Told::join);
    told.tell(findings);
    told
}

/// Two prefixes that are equal or nested, and what one layer owns inside the prefix of another.
fn overlapping(claims: &Claims<'_>, prefixes: &Prefixes<'_>, findings: &mut Vec<Finding>) {
    for (&path, lists) in prefixes {
        let inner: Vec<_> = lists.iter().map(|&list| (list, party(claims, list, None, Claim::Prefix))).collect();
        findings.extend(between(claims, path, inner.clone()));
        for (&outer, outer_lists) in above(prefixes, path).filter(|(outer, _)| **outer != path) {
            let at = LayerPath::parse(outer).ok();
            let outer = outer_lists.iter().map(|&list| (list, party(claims, list, at.clone(), Claim::Prefix)));
            findings.extend(between(claims, path, outer.chain(inner.clone()).collect()));
        }
    }
    for (list, layer) in (FIRST_LAYER..).zip(claims.layers) {
        let besides = layer.owns.paths().iter().filter(|path| !path.is_within(layer.prefix.path()));
        for path in besides {
            findings.extend(owned_inside(claims, prefixes, list, path.as_bytes()));
        }
    }
}

/// What a layer owns, or writes because a glob says that it owns it, inside the prefixes of others.
fn owned_inside<'c>(
    claims: &'c Claims<'_>,
    prefixes: &'c Prefixes<'_>,
    list: u32,
    path: &'c [u8],
) -> impl Iterator<Item = Finding> + 'c {
    above(prefixes, path).filter_map(move |(&prefix, lists)| {
        let at = LayerPath::parse(prefix).ok().filter(|prefix| prefix.as_bytes() != path);
        let owners = lists.iter().map(|&list| (list, party(claims, list, at.clone(), Claim::Prefix)));
        let mut parties: Vec<_> = owners.collect();
        parties.push((list, party(claims, list, None, Claim::Owns)));
        between(claims, path, parties)
    })
}

/// The prefixes that are a path or lie above it.
fn above<'p, 'a>(prefixes: &'p Prefixes<'a>, path: &'p [u8]) -> impl Iterator<Item = (&'p &'a [u8], &'p Vec<u32>)> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
    let directories = ends.chain([path.len()]).filter_map(|end| path.get(..end));
    directories.filter_map(|directory| prefixes.get_key_value(directory))
}

/// A finding, unless all parties are layers of one owner, or of owners that need each other.
fn between(claims: &Claims<'_>, path: &[u8], mut parties: Vec<(u32, Party)>) -> Option<Finding> {
    parties.sort_by_key(|(list, _)| *list);
    let mut parties: Vec<Party> = parties.into_iter().map(|(_, party)| party).collect();
    // Several layers of one owner are one party.
    parties.dedup();
    let mut owners: Vec<&Owner> = parties.iter().map(|party| &party.owner).collect();
    owners.dedup();
    let agreements = &claims.policy.agreements;
    let strangers = |(at, one): (usize, &&Owner)| {
        owners.iter().skip(at + 1).any(|other| other != one && !agreements.are_related(one, other))
    };
    owners.iter().enumerate().any(strangers).then(|| claims.finding(Code::PrefixOverlap, None, path, parties)).flatten()
}

/// A base that brings its own `/opt/node` and a layer for `/opt/node` do not belong together, even if no path is shared.
fn base_below(claims: &Claims<'_>, prefixes: &Prefixes<'_>, findings: &mut Vec<Finding>) {
    for (&prefix, lists) in prefixes.iter().filter(|(prefix, _)| **prefix != SHARED) {
        let (entries, emptied) = (claims.base.entries(), claims.base.emptied());
        let (of_entries, of_emptied) = (below(&entries, prefix), below(&emptied, prefix));
        let first_entry = entries.path(of_entries.start).filter(|_| !of_entries.is_empty());
        let first_emptied = emptied.path(of_emptied.start).filter(|_| !of_emptied.is_empty());
        let first_through = through::first_below(claims.base, prefix);
        let Some(first) =
            [first_entry, first_emptied, first_through].into_iter().flatten().min_by(|a, b| compare_paths(a, b))
        else {
            continue;
        };
        // The directory below the prefix that it lies in: that is what a person wants to hear of.
        let name = first.iter().skip(prefix.len() + 1).position(|&b| b == b'/');
        let path = name.and_then(|length| first.get(..prefix.len() + 1 + length)).unwrap_or(first);
        let explicit =
            (first_entry == Some(path)).then(|| claims.claimant(Place { list: 0, place: of_entries.start as u32 }));
        let base = explicit.flatten().map_or_else(|| claims.implied(0), |claimant| claims.party(&claimant));
        let at = LayerPath::parse(prefix).ok();
        let layers = lists.iter().map(|&list| party(claims, list, at.clone(), Claim::Prefix));
        let mut parties: Vec<Party> = std::iter::once(base).chain(layers).collect();
        parties.dedup();
        let more = (of_entries.len() + of_emptied.len()).saturating_sub(usize::from(path == first));
        let finding = claims.finding(Code::PrefixOverlap, Some(BASE_UNDER_PREFIX), path, parties);
        findings.extend(finding.map(|finding| Finding { more: more as u64, ..finding }));
    }
}

/// The places strictly below a directory.
fn below<'a>(list: &impl Sorted<'a>, directory: &[u8]) -> std::ops::Range<usize> {
    let at = list.seek(directory);
    let start = at + usize::from(list.path(at) == Some(directory));
    let (mut low, mut high) = (start, list.size());
    while low < high {
        let middle = low.midpoint(high);
        if list.path(middle).is_some_and(|path| is_under(path, directory)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    start..low
}

/// Entries where the layer owns nothing, and entries that a glob lets it write inside the prefix of another.
///
/// Directories that lead to the prefix or to what it owns are no entries outside, and a directory with something in it
/// is told by what is in it.
fn outside_of(
    claims: &Claims<'_>,
    prefixes: &Prefixes<'_>,
    list: u32,
    layer: &Layer<'_>,
    marks: &Marks<'_>,
    mut tell: impl FnMut(Finding),
) {
    let index: &LayerIndex = layer.index;
    let prefix = layer.prefix.path().as_bytes();
    let inside = below(&index, prefix);
    let inside = inside.start - usize::from(index.place(prefix).is_ok())..inside.end;
    // By the outermost prefix.
    let mut strays: BTreeMap<&[u8], (&[u8], u64)> = BTreeMap::new();
    // From the end, so that what lies in a directory is known before the directory.
    let mut after = After { owned: None, any: None };
    for place in (inside.end..index.len()).rev().chain((0..inside.start).rev()) {
        if place + 1 == inside.start && !inside.is_empty() {
            after.owned = index.get(inside.start).map(|entry| entry.path);
            after.any = after.owned;
        }
        let Some(entry) = index.get(place) else { continue };
        let path = entry.path;
        if layer.owns.covers_bytes(path) {
            after.owned = Some(path);
            if let Some((&prefix, _)) = above(prefixes, path).next().filter(|_| layer.owns.glob_covers(path)) {
                let stray = strays.entry(prefix).or_insert((path, 0));
                *stray = (path, stray.1 + 1);
            }
        } else if !after.leads_on(&entry, layer) {
            let is_new = |finding: &Finding| !marks.is_told((list - FIRST_LAYER) as usize, place, finding.severity);
            outside(claims, list, layer, place as u32).filter(is_new).into_iter().for_each(&mut tell);
        }
        after.any = Some(path);
    }
    for (path, count) in strays.into_values() {
        let told = owned_inside(claims, prefixes, list, path);
        told.map(|finding| Finding { more: count - 1, ..finding }).for_each(&mut tell);
    }
}

/// The next entries after a place: the next one that is owned, and the next of all.
struct After<'a> {
    owned: Option<&'a [u8]>,
    any: Option<&'a [u8]>,
}

impl After<'_> {
    /// Whether an entry is a directory on the way to something that the layer owns, or to another entry.
    fn leads_on(&self, entry: &EntryView<'_>, layer: &Layer<'_>) -> bool {
        let leads_to = |path: Option<&[u8]>| path.is_some_and(|path| is_under(path, entry.path));
        entry.kind == Kind::Directory
            && (leads_to(Some(layer.prefix.path().as_bytes()))
                || layer.owns.lies_below(entry.path)
                || leads_to(self.owned)
                || leads_to(self.any))
    }
}

fn outside(claims: &Claims<'_>, list: u32, layer: &Layer<'_>, place: u32) -> Option<Finding> {
    let entry = claims.claimant(Place { list, place })?;
    let owner = party(claims, list, Some(layer.prefix.path().clone()), Claim::Prefix);
    let parties = vec![claims.party(&entry), owner];
    claims.finding(Code::OutsidePrefix, Some(TOOL_OUTSIDE_PREFIX), entry.entry.path, parties)
}

fn party(claims: &Claims<'_>, list: u32, at: Option<LayerPath>, claim: Claim) -> Party {
    Party { owner: claims.owner(list), at, claim }
}
