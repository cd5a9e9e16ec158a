//! Link groups: which sets of hard-linked names are equal, without comparing a set twice.

use crate::LayerIndex;
use rayon::prelude::*;

/// The link groups of some indexes, each with the number of its class: two groups are of one class if, and only if,
/// they have the same names.
///
/// A million names of one inode in two layers are compared once, and not at each of the million paths.
pub(super) struct LinkGroups<'a> {
    /// By index.
    groups: Vec<Groups<'a>>,
}

#[derive(Default)]
struct Groups<'a> {
    index: Option<&'a LayerIndex>,
    /// Number of the group in the index, and place of a member; sorted.
    members: Vec<(u32, u32)>,
    /// In order of number.
    heads: Vec<Head>,
}

struct Head {
    number: u32,
    class: u32,
    start: usize,
    length: usize,
}

impl<'a> LinkGroups<'a> {
    /// The groups of some indexes; they are asked for by the place of their index here.
    pub(super) fn of(indexes: &[&'a LayerIndex]) -> LinkGroups<'a> {
        let mut groups: Vec<Groups<'a>> = indexes.par_iter().map(|index| Groups::of(index)).collect();
        let mut order: Vec<(usize, usize)> = Vec::new();
        for (i, groups) in groups.iter().enumerate() {
            order.extend((0..groups.heads.len()).map(|head| (i, head)));
        }
        let names = |&(i, head): &(usize, usize)| groups.get(i).into_iter().flat_map(move |g| g.names_at(head));
        order.par_sort_by(|a, b| names(a).cmp(names(b)));
        let mut classes = Vec::with_capacity(order.len());
        for (n, this) in order.iter().enumerate() {
            let before = n.checked_sub(1).and_then(|n| Some((order.get(n)?, *classes.get(n)?)));
            classes.push(match before {
                Some((before, class)) if names(before).eq(names(this)) => class,
                Some((_, class)) => class + 1,
                None => 0,
            });
        }
        for ((i, head), class) in order.into_iter().zip(classes) {
            if let Some(head) = groups.get_mut(i).and_then(|groups| groups.heads.get_mut(head)) {
                head.class = class;
            }
        }
        LinkGroups { groups }
    }

    /// The class of a group of an index.
    pub(super) fn class(&self, index: usize, number: u32) -> Option<u32> {
        let groups = self.groups.get(index)?;
        groups.heads.get(groups.find(number)?).map(|head| head.class)
    }

    /// The names of a group of an index, sorted.
    pub(super) fn names(&self, index: usize, number: u32) -> impl ExactSizeIterator<Item = &'a [u8]> + '_ {
        let groups = self.groups.get(index);
        let found = groups.and_then(|groups| Some((groups, groups.find(number)?)));
        let (groups, head) = found.map_or((None, 0), |(groups, head)| (Some(groups), head));
        groups.unwrap_or(&NO_GROUPS).names_at(head)
    }
}

static NO_GROUPS: Groups<'static> = Groups { index: None, members: Vec::new(), heads: Vec::new() };

impl<'a> Groups<'a> {
    fn of(index: &'a LayerIndex) -> Groups<'a> {
        let grouped = (0..).zip(index.entries()).filter_map(|(place, entry)| entry.group.map(|group| (group, place)));
        let mut members: Vec<(u32, u32)> = grouped.collect();
        members.sort_unstable();
        let mut heads: Vec<Head> = Vec::new();
        for (start, &(number, _)) in members.iter().enumerate() {
            match heads.last_mut().filter(|head| head.number == number) {
                Some(head) => head.length += 1,
                None => heads.push(Head { number, class: 0, start, length: 1 }),
            }
        }
        Groups { index: Some(index), members, heads }
    }

    fn find(&self, number: u32) -> Option<usize> {
        self.heads.binary_search_by_key(&number, |head| head.number).ok()
    }

    /// Members of a group are in order of place, so their names are in order of path.
    fn names_at(&self, head: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + '_ {
        let range = self.heads.get(head).map_or(0..0, |head| head.start..head.start + head.length);
        let entry = |&(_, place): &(u32, u32)| self.index.and_then(|index| index.get(place as usize));
        self.members.get(range).unwrap_or_default().iter().map(move |member| entry(member).map_or(&[][..], |e| e.path))
    }
}
