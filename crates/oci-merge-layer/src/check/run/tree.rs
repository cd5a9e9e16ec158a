//! The tree of the image: the base and all layers on it, as one.

use crate::check::claims::List;
use crate::check::merge::{Place, Sorted, is_under};
use crate::check::{BaseView, Layer};
use crate::{EntryView, Kind};
use rayon::prelude::*;
use std::ops::Range;

/// The list of the first layer; those before are the base's, as in the check of claims.
const FIRST_LAYER: u32 = 2;

/// The base and the layers on it, the lowest first. Where two have one path, the upper one counts.
pub(in crate::check) struct Tree<'a> {
    base: &'a BaseView<'a>,
    pub(in crate::check) layers: &'a [Layer<'a>],
    pub(super) lists: Vec<List<'a>>,
    /// In each list, the entries that are more than files and directories.
    notable: Vec<Vec<u32>>,
}

impl<'a> Tree<'a> {
    pub(in crate::check) fn new(base: &'a BaseView<'a>, layers: &'a [Layer<'a>]) -> Tree<'a> {
        let of_base = [List::Base(base.entries()), List::Emptied(base.emptied())];
        let lists = of_base.into_iter().chain(layers.iter().map(|layer| List::Layer(layer.index))).collect();
        let mut tree = Tree { base, layers, lists, notable: Vec::new() };
        let is_notable = |place: &Place| {
            let entry = tree.entry(*place);
            entry.is_some_and(|entry| entry.facts.is_some() || entry.kind == Kind::Symlink)
        };
        let notable = (0..).zip(&tree.lists).collect::<Vec<(u32, _)>>().into_par_iter().map(|(list, entries)| {
            let places = (0..entries.size() as u32).map(|place| Place { list, place });
            places.filter(is_notable).map(|place| place.place).collect()
        });
        tree.notable = notable.collect();
        tree
    }

    /// The entry at a place; `None` for an emptied directory of the base.
    pub(in crate::check) fn entry(&self, place: Place) -> Option<EntryView<'a>> {
        match self.lists.get(place.list as usize)? {
            List::Base(entries) => self.base.entry(entries.origin(place.place as usize)?),
            List::Emptied(_) => None,
            List::Layer(index) => index.get(place.place as usize),
        }
    }

    /// What a list has in a directory, name by name, where these places of the list are all below the directory. A name may
    /// come twice: as an entry, and as that of a directory.
    pub(super) fn children(
        &self,
        list: u32,
        range: &Range<usize>,
        directory: &[u8],
    ) -> impl Iterator<Item = Child<'a>> {
        let list = self.lists.get(list as usize);
        let start = if directory.is_empty() { 0 } else { directory.len() + 1 };
        let mut range = range.clone();
        std::iter::from_fn(move || {
            let path = list?.path(range.start).filter(|_| !range.is_empty())?;
            let name = path.get(start..).unwrap_or_default();
            let Some(length) = name.iter().position(|&b| b == b'/') else {
                range.start += 1;
                return Some(Child { name, is_entry: true });
            };
            range.start = end_below(list?, range.clone(), path.get(..start + length).unwrap_or_default());
            Some(Child { name: name.get(..length).unwrap_or_default(), is_entry: false })
        })
    }

    /// Which layer has an entry; `None` for the base.
    pub(in crate::check) fn layer_of(place: Place) -> Option<usize> {
        place.list.checked_sub(FIRST_LAYER).map(|layer| layer as usize)
    }

    /// The symlinks of the base's tree or of a layer, and the files of which something is known. They are gone through
    /// several times, and are few where all entries are many.
    pub(in crate::check) fn notable(&self, layer: Option<usize>) -> impl Iterator<Item = (Place, EntryView<'a>)> + '_ {
        let list = layer.map_or(0, |layer| layer as u32 + FIRST_LAYER);
        let places = self.notable.get(list as usize).into_iter().flatten();
        places.filter_map(move |&place| {
            let place = Place { list, place };
            Some((place, self.entry(place)?))
        })
    }
}

/// A name in a directory.
pub(super) struct Child<'a> {
    pub(super) name: &'a [u8],
    /// Whether it is one of the list's entries, and not that of a directory that such an entry lies in.
    pub(super) is_entry: bool,
}

/// The first place of a range after all that lies below a path; the range begins with that.
pub(super) fn end_below(list: &List<'_>, range: Range<usize>, path: &[u8]) -> usize {
    partition(range, |at| list.path(at).is_some_and(|p| is_under(p, path)))
}

/// The first place of a range where something no longer holds.
pub(super) fn partition(range: Range<usize>, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
