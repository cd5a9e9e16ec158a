//! Implied directories: who leaves which to the runtime, where that matters.
//!
//! The directories that a layer implies by an entry are the ancestors of its path that are not also ancestors of the
//! entry before it, nor that entry: neighbours suffice (design: collisions, section 10). So every entry of every layer
//! is looked at once, in any number of threads, and nothing is kept but what meets a landmark.

use super::claims::{Claims, FIRST_LAYER, List, layer_path};
use super::finding::{Claim, Finding, Party};
use super::landmarks::{Landmarks, is_setgid};
use super::merge::{Place, Sorted, is_under, parent_length};
use super::table::Contest;
use super::told::Told;
use super::{Code, IMPLIED_DIR_SETGID, IMPLIED_DIR_WHITEOUT};
use oci_merge_image::compare_paths;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Entries that one thread looks at before it takes others.
const CHUNK: usize = 16 * 1024;

/// Judges whatever implied directories have a part in, told anew.
pub(super) fn judge<'c, 'a>(
    claims: &Claims<'a>,
    landmarks: &Landmarks<'a>,
    nothing: impl Fn() -> Told<'c, 'a> + Sync + Send,
) -> Told<'c, 'a> {
    let chunks: Vec<(u32, usize)> = (0..)
        .zip(claims.lists())
        .flat_map(|(number, list)| (0..list.size()).step_by(CHUNK).map(move |start| (number, start)))
        .collect();
    let meetings = chunks.par_iter().map(|&(list, start)| meet(claims, landmarks, list, start));
    let mut all = meetings.reduce(Meetings::default, Meetings::join);
    all.at.par_sort_unstable();
    all.at.dedup();
    let mut told = at_landmarks(claims, landmarks, &all.at, nothing);
    for (cause, below) in &all.below_setgid {
        told.tell(below_setgid(claims, landmarks, *cause, below));
    }
    for (cause, below) in &all.below_scar {
        told.tell(below_scar(claims, landmarks, *cause, below));
    }
    told
}

/// Where implied directories meet landmarks.
#[derive(Default)]
struct Meetings<'a> {
    /// A list implies the very path of a landmark.
    at: Vec<(u32, u32)>,
    /// Lists imply directories below a setgid directory, by the outermost one.
    below_setgid: BTreeMap<u32, Below<'a>>,
    /// Lists imply directories below a scar, by the outermost one.
    below_scar: BTreeMap<u32, Below<'a>>,
}

/// What is implied below one landmark.
#[derive(Default)]
struct Below<'a> {
    /// By list.
    implied: BTreeMap<u32, Outermost<'a>>,
    /// The setgid landmarks that matter to any of it.
    setgid: BTreeSet<u32>,
}

/// The directory with the fewest components, of those the first, and how many there are in all.
#[derive(Clone, Copy)]
struct Outermost<'a> {
    path: &'a [u8],
    count: u64,
    /// The place of its entry, if it has one that comes too late in the archive.
    late: Option<u32>,
}

impl<'a> Meetings<'a> {
    fn join(mut self, other: Meetings<'a>) -> Meetings<'a> {
        self.at.extend(other.at);
        for (mine, others) in [(&mut self.below_setgid, other.below_setgid), (&mut self.below_scar, other.below_scar)] {
            for (cause, below) in others {
                let here = mine.entry(cause).or_default();
                here.setgid.extend(below.setgid);
                below.implied.into_iter().for_each(|(list, outermost)| here.add(list, outermost));
            }
        }
        self
    }
}

impl<'a> Below<'a> {
    fn add(&mut self, list: u32, new: Outermost<'a>) {
        let Some(known) = self.implied.get_mut(&list) else {
            self.implied.insert(list, new);
            return;
        };
        let count = known.count + new.count;
        if new.is_before(known) {
            *known = new;
        }
        known.count = count;
    }

    /// The outermost of all lists, and how many others there are.
    fn first(&self) -> Option<(&'a [u8], u64)> {
        let first = self.implied.values().copied().reduce(|a, b| if b.is_before(&a) { b } else { a })?;
        Some((first.path, self.implied.values().map(|outermost| outermost.count).sum::<u64>().saturating_sub(1)))
    }
}

impl Outermost<'_> {
    fn is_before(&self, other: &Outermost<'_>) -> bool {
        let depth = |path: &[u8]| path.iter().filter(|&&b| b == b'/').count();
        depth(self.path).cmp(&depth(other.path)).then_with(|| compare_paths(self.path, other.path)).is_lt()
    }
}

/// Looks at one chunk of a list.
fn meet<'a>(claims: &Claims<'a>, landmarks: &Landmarks<'a>, number: u32, start: usize) -> Meetings<'a> {
    let mut meetings = Meetings::default();
    let Some(list) = claims.lists().get(number as usize) else { return meetings };
    let is_layer = number >= FIRST_LAYER;
    let mut before = start.checked_sub(1).and_then(|place| list.path(place)).unwrap_or_default();
    let mut passed = landmarks.up_to(before, 0);
    let mut nearest: Option<u32> = None;
    let mut nearest_of = usize::MAX;
    for place in start..list.size().min(start + CHUNK) {
        let Some(path) = list.path(place) else { break };
        // What an emptied directory implies includes itself.
        let itself = matches!(list, List::Emptied(_));
        passed = landmarks.up_to(path, passed);
        if passed != nearest_of {
            nearest = passed.checked_sub(1).map(|number| number as u32);
            nearest_of = passed;
        }
        // The landmarks above a path are above the last one before it too, or are that one.
        let is_above = |above: &[u8]| is_under(path, above) || above == path;
        nearest = landmarks.upwards(nearest).find(|(_, landmark)| is_above(landmark.path)).map(|(n, _)| n);

        let known = common_directory(before, path);
        let implied = Implied {
            path,
            outer: known,
            inner: if itself { path.len() } else { parent_length(path) },
            late: match list {
                List::Layer(index) => index.get(place).is_some_and(|entry| entry.late).then_some(place as u32),
                _ => None,
            },
        };
        implied.meet(landmarks, nearest, number, is_layer, &mut meetings);
        before = path;
    }
    meetings
}

/// The directories that one entry implies: the first so many bytes of its path, from more than `outer` to `inner`.
struct Implied<'a> {
    path: &'a [u8],
    outer: usize,
    inner: usize,
    late: Option<u32>,
}

impl<'a> Implied<'a> {
    fn meet(
        &self,
        landmarks: &Landmarks<'a>,
        nearest: Option<u32>,
        list: u32,
        is_layer: bool,
        meetings: &mut Meetings<'a>,
    ) {
        if self.outer >= self.inner && self.late.is_none() {
            return;
        }
        for (number, landmark) in landmarks.upwards(nearest) {
            if landmark.path.len() <= self.outer {
                break;
            }
            if landmark.path.len() <= self.inner && landmark.is_contested() {
                // Both lists of the base are one party.
                meetings.at.push((number, if is_layer { list } else { 0 }));
            }
        }
        let Some(landmark) = nearest.and_then(|number| landmarks.get(number)).filter(|_| is_layer) else { return };
        if let Some(cause) = landmark.outermost_setgid
            && let Some(outermost) = self.below(landmarks, cause, false)
        {
            let below = meetings.below_setgid.entry(cause).or_default();
            below.add(list, outermost);
            let inner = landmarks.upwards(nearest).filter(|(_, l)| l.is_setgid && l.path.len() < self.inner);
            below.setgid.extend(inner.map(|(number, _)| number));
        }
        if let Some(cause) = landmark.outermost_scar
            && let Some(outermost) = self.below(landmarks, cause, true)
        {
            meetings.below_scar.entry(cause).or_default().add(list, outermost);
        }
    }

    /// The outermost of these directories below a landmark; or at it, if it was deleted.
    fn below(&self, landmarks: &Landmarks<'a>, cause: u32, is_scar: bool) -> Option<Outermost<'a>> {
        let cause = landmarks.get(cause)?;
        let deleted = is_scar && cause.is_deleted();
        let length = cause.path.len();
        let mut count = 0;
        let mut first = None;
        if deleted && self.outer < length && length <= self.inner {
            (count, first) = (1, self.path.get(..length));
        }
        let from = self.outer.max(length);
        if from < self.inner {
            let below = self.path.get(from..self.inner)?;
            // A separator begins what lies below a directory other than the root.
            let names = below.strip_prefix(b"/").unwrap_or(below);
            count += 1 + names.iter().filter(|&&b| b == b'/').count() as u64;
            let name = names.iter().position(|&b| b == b'/').unwrap_or(names.len());
            first = first.or(self.path.get(..self.inner - names.len() + name));
        }
        let late = self.late.filter(|_| is_scar && (length < self.path.len() || deleted));
        count += u64::from(late.is_some());
        match first {
            Some(path) => Some(Outermost { path, count, late: None }),
            None => late.map(|place| Outermost { path: self.path, count, late: Some(place) }),
        }
    }
}

/// Length of the innermost directory that is above `path` and is `before` or above it.
fn common_directory(before: &[u8], path: &[u8]) -> usize {
    let same = before.iter().zip(path).take_while(|(a, b)| a == b).count();
    if same == before.len() && path.get(same) == Some(&b'/') {
        return same;
    }
    path.get(..same).map_or(0, parent_length)
}

/// The table, for every landmark with entries, and with whoever implies a directory there.
fn at_landmarks<'c, 'a>(
    claims: &Claims<'a>,
    landmarks: &Landmarks<'a>,
    at: &[(u32, u32)],
    nothing: impl Fn() -> Told<'c, 'a> + Sync + Send,
) -> Told<'c, 'a> {
    let contested: Vec<_> = landmarks.iter().filter(|(_, landmark)| landmark.is_contested()).collect();
    let judge = |mut told: Told<'c, 'a>, (number, landmark): &(u32, &super::landmarks::Landmark<'a>)| {
        let first = at.partition_point(|(n, _)| n < number);
        let implied = at.get(first..).unwrap_or_default().iter().take_while(|(n, _)| n == number);
        let implied: Vec<u32> = implied.map(|(_, list)| *list).collect();
        let explicit = landmark.places.iter().filter_map(|&place| claims.claimant(place));
        let ghost = landmark.scar.and_then(|scar| scar.ghost).and_then(|ghost| claims.ghost(ghost));
        let mut findings = Vec::new();
        Contest::new(claims, landmark.path, explicit, &implied, ghost).judge(&mut findings);
        told.tell(findings);
        told
    };
    contested.par_iter().fold(&nothing, judge).reduce(&nothing, Told::join)
}

/// The group of a directory that is made below a setgid directory depends on order and runtime.
fn below_setgid<'a>(claims: &Claims<'a>, landmarks: &Landmarks<'a>, cause: u32, below: &Below<'a>) -> Option<Finding> {
    let (path, more) = below.first()?;
    let mut parties = implied_parties(claims, path, below);
    let causes = below.setgid.iter().chain([&cause]).collect::<BTreeSet<_>>();
    for landmark in causes.into_iter().filter_map(|&number| landmarks.get(number)) {
        for &place in landmark.places.iter().filter(|place| is_setgid(claims, place)) {
            let Some(claimant) = claims.claimant(place) else { continue };
            parties.push((place.list, Party { at: Some(layer_path(landmark.path)), ..claims.party(&claimant) }));
        }
    }
    finding(claims, Code::DirectoryAttributes, IMPLIED_DIR_SETGID, path, more, parties)
}

/// A runtime looks for a directory that is left out in all layers of the base, and stumbles over what was deleted or
/// replaced there.
fn below_scar<'a>(claims: &Claims<'a>, landmarks: &Landmarks<'a>, cause: u32, below: &Below<'a>) -> Option<Finding> {
    let (path, more) = below.first()?;
    let landmark = landmarks.get(cause)?;
    let scar = landmark.scar?;
    let claim = if scar.deleted || scar.opaque { Claim::Deleted } else { Claim::Replaced };
    let at = (landmark.path != path).then(|| layer_path(landmark.path));
    let mut parties = implied_parties(claims, path, below);
    parties.push((0, Party { owner: claims.owner(0), at, claim }));
    finding(claims, Code::Deletion, IMPLIED_DIR_WHITEOUT, path, more, parties)
}

fn implied_parties(claims: &Claims<'_>, path: &[u8], below: &Below<'_>) -> Vec<(u32, Party)> {
    let party = |(&list, outermost): (&u32, &Outermost<'_>)| {
        let at = (outermost.path != path).then(|| layer_path(outermost.path));
        let entry = outermost.late.and_then(|place| claims.claimant(Place { list, place }));
        let party = entry.map_or_else(|| claims.implied(list), |entry| claims.party(&entry));
        (list, Party { at, ..party })
    };
    below.implied.iter().map(party).collect()
}

fn finding(
    claims: &Claims<'_>,
    code: Code,
    reason: &'static str,
    path: &[u8],
    more: u64,
    mut parties: Vec<(u32, Party)>,
) -> Option<Finding> {
    parties.sort_by_key(|(list, _)| *list);
    let parties = parties.into_iter().map(|(_, party)| party).collect();
    let finding = claims.finding(code, Some(reason), path, parties)?;
    Some(Finding { more, ..finding })
}
