//! The paths that matter to whoever leaves a directory out, at them or below them.
//!
//! Implied directories are never stored: a small layer may have millions. What is stored are the few places where an
//! implied directory can disturb anybody: entries that are not plain directories and have something below them, and
//! the scars of the base. Each layer is then held against these.

use super::base::Scar;
use super::claims::{Claims, FIRST_LAYER, ROOT};
use super::merge::{Place, is_under};
use crate::Kind;
use oci_merge_image::compare_paths;

/// One such path. Linked to the nearest landmark above it, and to the outermost of each kind.
pub(super) struct Landmark<'a> {
    pub(super) path: &'a [u8],
    /// Who has an entry here; empty if there is only a scar, and for the root those who have it setgid.
    pub(super) places: Box<[Place]>,
    pub(super) scar: Option<&'a Scar<'a>>,
    /// Whether somebody has a setgid directory here.
    pub(super) is_setgid: bool,
    /// The nearest landmark that this one lies below.
    pub(super) above: Option<u32>,
    /// The outermost setgid landmark that is this one or lies above it.
    pub(super) outermost_setgid: Option<u32>,
    /// The outermost landmark whose scar shows in what lies below it, of the same.
    pub(super) outermost_scar: Option<u32>,
}

impl Landmark<'_> {
    /// Whether an implied directory here is judged by the table.
    pub(super) fn is_contested(&self) -> bool {
        !self.path.is_empty() && (!self.places.is_empty() || self.scar.is_some_and(|scar| scar.ghost.is_some()))
    }

    /// Whether a directory of the base was deleted here.
    pub(super) fn is_deleted(&self) -> bool {
        self.scar.is_some_and(|scar| scar.deleted)
    }
}

/// A path, and where those who have an entry there have it.
pub(super) type Claimed<'a> = (&'a [u8], Box<[Place]>);

/// All landmarks, in order of path.
pub(super) struct Landmarks<'a>(Vec<Landmark<'a>>);

impl<'a> Landmarks<'a> {
    /// Joins the entries that matter with the scars of the base and with the root.
    pub(super) fn new(claims: &Claims<'a>, entries: impl Iterator<Item = Claimed<'a>>) -> Landmarks<'a> {
        let mut all: Vec<Landmark<'a>> = entries.map(|(path, places)| landmark(claims, path, places, None)).collect();
        let scars = claims.base.scars().iter();
        all.extend(scars.map(|scar| landmark(claims, &scar.path, Box::default(), Some(scar))));
        let with_root = (0..claims.lists().len() as u32).filter(|&list| list == 0 || list >= FIRST_LAYER);
        let root = with_root.map(|list| Place { list, place: ROOT }).filter(|place| is_setgid(claims, place));
        all.push(landmark(claims, &[], root.collect(), None));
        all.sort_by(|a, b| compare_paths(a.path, b.path));
        all.dedup_by(|later, first| {
            let same = later.path == first.path;
            if same {
                first.scar = first.scar.or(later.scar);
                first.is_setgid |= later.is_setgid;
                if first.places.is_empty() {
                    first.places = std::mem::take(&mut later.places);
                }
            }
            same
        });
        link(&mut all);
        Landmarks(all)
    }

    pub(super) fn get(&self, number: u32) -> Option<&Landmark<'a>> {
        self.0.get(number as usize)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Landmark<'a>)> {
        (0..).zip(&self.0)
    }

    /// The landmark itself and those above it, the innermost first.
    pub(super) fn upwards(&self, from: Option<u32>) -> impl Iterator<Item = (u32, &Landmark<'a>)> {
        let at = |number: Option<u32>| number.and_then(|n| self.get(n).map(|landmark| (n, landmark)));
        std::iter::successors(at(from), move |(_, landmark)| at(landmark.above))
    }

    /// How many landmarks do not come after a path. `hint` is the answer for a path before it.
    pub(super) fn up_to(&self, path: &[u8], hint: usize) -> usize {
        let not_after = |landmark: &Landmark<'_>| compare_paths(landmark.path, path).is_le();
        // Paths are asked for in order, and most of them pass no landmark, or few.
        let (mut low, mut step) = (hint, 1);
        while self.0.get(low + step - 1).is_some_and(not_after) {
            low += step;
            step *= 2;
        }
        let high = self.0.len().min(low + step - 1);
        low + self.0.get(low..high).unwrap_or_default().partition_point(not_after)
    }
}

fn landmark<'a>(claims: &Claims<'a>, path: &'a [u8], places: Box<[Place]>, scar: Option<&'a Scar<'a>>) -> Landmark<'a> {
    let is_setgid = places.iter().any(|place| is_setgid(claims, place));
    Landmark { path, places, scar, is_setgid, above: None, outermost_setgid: None, outermost_scar: None }
}

/// Whether a place holds a directory whose group its children take.
pub(super) fn is_setgid(claims: &Claims<'_>, place: &Place) -> bool {
    claims.claimant(*place).is_some_and(|c| c.entry.kind == Kind::Directory && c.entry.mode & 0o2000 != 0)
}

fn link(all: &mut [Landmark<'_>]) {
    let mut above: Vec<u32> = Vec::new();
    for number in 0..all.len() {
        let Some((before, [this, ..])) = all.split_at_mut_checked(number) else { continue };
        let get = |number: u32| before.get(number as usize);
        while above.pop_if(|&mut top| get(top).is_some_and(|top| !is_under(this.path, top.path))).is_some() {}
        let nearest = above.last().copied().and_then(|number| Some((number, get(number)?)));
        let here = |yes: bool| yes.then_some(number as u32);
        this.above = nearest.map(|(number, _)| number);
        this.outermost_setgid = nearest.and_then(|(_, l)| l.outermost_setgid).or(here(this.is_setgid));
        let shows = this.scar.is_some_and(|scar| scar.deleted || scar.opaque || scar.replaced);
        this.outermost_scar = nearest.and_then(|(_, l)| l.outermost_scar).or(here(shows));
        above.push(number as u32);
    }
}
