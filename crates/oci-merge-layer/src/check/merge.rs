//! One walk over several sorted lists of paths at once, and how to cut it into ranges for several threads.

use crate::LayerIndex;
use oci_merge_image::compare_paths;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

/// A list of distinct paths in the order of [`compare_paths`].
pub(super) trait Sorted<'a> {
    /// How many there are.
    fn size(&self) -> usize;

    /// The path at a place.
    fn path(&self, place: usize) -> Option<&'a [u8]>;

    /// The first place whose path is not before another.
    fn seek(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.size());
        while low < high {
            let middle = low.midpoint(high);
            match self.path(middle) {
                Some(found) if compare_paths(found, path) == Ordering::Less => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }
}

impl<'a> Sorted<'a> for &'a LayerIndex {
    fn size(&self) -> usize {
        self.len()
    }

    fn path(&self, place: usize) -> Option<&'a [u8]> {
        self.get(place).map(|entry| entry.path)
    }
}

/// Where something is: which list, and which place in it. An entry of a base layer, or of what is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) list: u32,
    pub(super) place: u32,
}

/// All that stand at one path, in the order of their lists.
pub(super) struct Group<'g, 'a> {
    pub(super) path: &'a [u8],
    pub(super) places: &'g [Place],
    /// The path after this one in any list.
    pub(super) next: Option<&'a [u8]>,
}

/// Part of a walk: from one path up to, and without, another.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Range<'a> {
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
}

/// Cuts the walk over some lists into ranges of about `size` places or more.
pub(super) fn ranges<'a, L: Sorted<'a>>(lists: &[L], size: usize) -> Vec<Range<'a>> {
    // Every list is sampled in proportion to its length: paths at equal distances of all lists laid end to end.
    const SAMPLES_PER_RANGE: usize = 32;
    let distance = (size / SAMPLES_PER_RANGE).max(1);
    let mut samples: Vec<&'a [u8]> = Vec::new();
    let mut before = 0_usize;
    for list in lists {
        let first = before.next_multiple_of(distance) - before;
        samples.extend((first..list.size()).step_by(distance).filter_map(|place| list.path(place)));
        before += list.size();
    }
    samples.sort_unstable_by(|a, b| compare_paths(a, b));
    let mut cuts: Vec<_> = samples.into_iter().skip(SAMPLES_PER_RANGE).step_by(SAMPLES_PER_RANGE).collect();
    cuts.dedup();
    let from = std::iter::once(None).chain(cuts.iter().copied().map(Some));
    let to = cuts.iter().copied().map(Some).chain(std::iter::once(None));
    from.zip(to).map(|(from, to)| Range { from, to }).collect()
}

/// Visits every path of a range that stands in any list, in order.
pub(super) fn walk<'a, L: Sorted<'a>>(lists: &[L], range: Range<'a>, mut visit: impl FnMut(Group<'_, 'a>)) {
    let mut heads: BinaryHeap<Head<'a>> =
        lists.iter().enumerate().filter_map(|(n, list)| head(n, list, range)).collect();
    let mut places = Vec::new();
    while let Some(path) = heads.peek().map(|head| head.path) {
        places.clear();
        while let Some(mut head) = heads.peek_mut() {
            if head.path != path {
                break;
            }
            places.push(Place { list: head.list, place: head.place });
            head.place += 1;
            let after = lists.get(head.list as usize).and_then(|list| list.path(head.place as usize));
            match after.filter(|_| head.place < head.end) {
                Some(path) => head.path = path,
                None => drop(PeekMut::pop(head)),
            }
        }
        visit(Group { path, places: &places, next: heads.peek().map(|head| head.path).or(range.to) });
    }
}

/// Where the walk stands in one list.
#[derive(PartialEq, Eq)]
struct Head<'a> {
    path: &'a [u8],
    list: u32,
    place: u32,
    end: u32,
}

fn head<'a, L: Sorted<'a>>(number: usize, list: &L, range: Range<'a>) -> Option<Head<'a>> {
    let place = range.from.map_or(0, |from| list.seek(from));
    let end = range.to.map_or(list.size(), |to| list.seek(to));
    let path = list.path(place).filter(|_| place < end)?;
    Some(Head { path, list: number as u32, place: place as u32, end: end as u32 })
}

impl Ord for Head<'_> {
    /// The least path is the greatest head, because the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        compare_paths(other.path, self.path).then(other.list.cmp(&self.list))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether a path lies strictly below another; everything lies below the root, the empty path.
pub(super) fn is_under(path: &[u8], above: &[u8]) -> bool {
    match path.strip_prefix(above) {
        Some(rest) if above.is_empty() => !rest.is_empty(),
        Some(rest) => rest.first() == Some(&b'/'),
        None => false,
    }
}

/// Length of the path of the directory that a path lies in; 0 for the root.
pub(super) fn parent_length(path: &[u8]) -> usize {
    path.iter().rposition(|&b| b == b'/').unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::LayerPath;
    use std::collections::BTreeMap;

    struct List(Vec<&'static [u8]>);

    impl Sorted<'static> for List {
        fn size(&self) -> usize {
            self.0.len()
        }

        fn path(&self, place: usize) -> Option<&'static [u8]> {
            self.0.get(place).copied()
        }
    }

    /// Four lists of paths over a small alphabet, one of them empty, and the map of which path is in which list.
    fn lists() -> (Vec<List>, BTreeMap<LayerPath, Vec<u32>>) {
        let mut map: BTreeMap<LayerPath, Vec<u32>> = BTreeMap::new();
        let names = ["a", "a-", "b", "c/a", "c/b/d", "z"];
        for (i, first) in names.iter().enumerate() {
            for (j, second) in names.iter().enumerate() {
                for (k, third) in names.iter().enumerate() {
                    let path = LayerPath::parse(format!("{first}/{second}/{third}").as_bytes()).unwrap();
                    let number = [0, 2, 3][(i * 7 + j * 3 + k) % 3];
                    let holders = map.entry(path).or_default();
                    holders.extend([number].into_iter().chain((k == 0).then_some(3)));
                    holders.sort_unstable();
                    holders.dedup();
                }
            }
        }
        let list = |n| {
            let mine = map.iter().filter(|(_, holders)| holders.contains(&n));
            List(mine.map(|(path, _)| &*path.as_bytes().to_vec().leak()).collect())
        };
        ((0..4).map(list).collect(), map)
    }

    #[test]
    fn ranges_of_any_size_make_the_same_walk() {
        let (lists, expected) = lists();
        for (size, least) in [(1, 4), (64, 2), (100, 2), (10_000, 1)] {
            let ranges = ranges(&lists, size);
            assert!(ranges.len() >= least, "{} ranges of {size}", ranges.len());
            let mut seen = Vec::new();
            for range in ranges {
                walk(&lists, range, |group| {
                    let holders = group.places.iter().map(|place| place.list).collect::<Vec<_>>();
                    assert!(group.places.iter().all(|p| lists[p.list as usize].0[p.place as usize] == group.path));
                    seen.push((LayerPath::parse(group.path).unwrap(), holders, group.next));
                });
            }
            assert!(seen.iter().map(|(path, holders, _)| (path, holders)).eq(expected.iter()), "{size}");
            let next = seen.iter().skip(1).map(|(path, ..)| Some(path.as_bytes())).chain([None]);
            assert!(seen.iter().map(|(.., next)| *next).eq(next), "the next path, across ranges too");
        }
    }

    #[test]
    fn below_is_strict_and_ends_at_a_component() {
        assert!(is_under(b"a/b", b"a") && is_under(b"a", b""));
        assert!(!is_under(b"a", b"a") && !is_under(b"ab", b"a") && !is_under(b"", b""));
        assert_eq!((parent_length(b"a/b/c"), parent_length(b"a"), parent_length(b"")), (3, 0, 0));
    }
}
