//! Which layers are joined: neighbours, the smallest first, until there are few enough.
//!
//! A layer that changes changes the group that it is in, and pullers fetch that whole. So groups should be small, and a
//! change of one tool should leave the others as they are. What is joined next is therefore decided by what a change of
//! one layer hardly moves: by sizes rounded up to powers of two, and between equals by the names at the seam. What
//! happens in one place then hardly ever reaches another.

use oci_merge_image::Digest;
use oci_merge_layer::index::EntryView;
use oci_merge_layer::{LayerIndex, Limits};
use std::ops::Range;

/// What is known of a layer when it is decided which are joined.
pub(crate) struct Piece {
    pub(crate) name: String,
    /// Bytes of its blob.
    pub(crate) size: u64,
    /// Whether its blob comes from elsewhere byte for byte, so that a registry may have it already.
    pub(crate) is_kept: bool,
    /// Whether it must stay as it is.
    pub(crate) is_fixed: bool,
    /// What it adds to what limits bound.
    pub(crate) load: Load,
}

/// What of a layer limits bound.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) entries: u64,
    /// Bytes of its tar; more rather than less.
    pub(crate) bytes: u64,
}

impl Load {
    pub(crate) fn of(index: &LayerIndex) -> Load {
        // A header, one of PAX, and its records, as a rule.
        let bytes = |entry: EntryView<'_>| entry.size.saturating_add(4 * 512);
        Load { entries: index.len() as u64, bytes: index.entries().map(bytes).fold(0, u64::saturating_add) }
    }

    fn and(self, other: Load) -> Load {
        Load { entries: self.entries.saturating_add(other.entries), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn is_within(self, limits: &Limits) -> bool {
        self.entries <= limits.entries && self.bytes <= limits.layer_bytes
    }
}

/// Groups of neighbours, of one layer or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan(Vec<Range<usize>>);

impl Plan {
    /// At most so many groups of layers, the lowest first.
    ///
    /// # Errors
    /// That cannot be; so many are left.
    pub(crate) fn of(pieces: &[Piece], most: usize, limits: &Limits) -> Result<Plan, usize> {
        let mut groups: Vec<Group> = (0..).zip(pieces).map(|(number, piece)| Group::of(number, piece)).collect();
        let seams: Vec<Digest> = pieces.windows(2).map(seam).collect();
        while groups.len() > most {
            let pairs = groups.windows(2).enumerate();
            let costs = pairs.filter_map(|(at, pair)| Some((Group::cost(pair, &seams, limits)?, at)));
            let Some((_, at)) = costs.min() else { return Err(groups.len()) };
            let upper = groups.remove(at + 1);
            if let Some(lower) = groups.get_mut(at) {
                lower.take(upper);
            }
        }
        Ok(Plan(groups.into_iter().map(|group| group.members).collect()))
    }

    /// The numbers of the layers of each group, the lowest first.
    pub(crate) fn groups(&self) -> &[Range<usize>] {
        &self.0
    }

    /// Whether every layer stays by itself.
    pub(crate) fn joins_nothing(&self) -> bool {
        self.0.iter().all(|group| group.len() == 1)
    }
}

/// Neighbours that are joined.
struct Group {
    members: Range<usize>,
    weight: u64,
    is_kept: bool,
    is_fixed: bool,
    load: Load,
}

impl Group {
    fn of(number: usize, piece: &Piece) -> Group {
        // A new version of a tool, a little larger than the last, weighs the same.
        let weight = piece.size.checked_next_power_of_two().unwrap_or(u64::MAX);
        let Piece { is_kept, is_fixed, load, .. } = *piece;
        Group { members: number..number + 1, weight, is_kept, is_fixed, load }
    }

    /// What it costs to join two neighbours; `None` if they cannot be.
    fn cost<'s>(pair: &[Group], seams: &'s [Digest], limits: &Limits) -> Option<(bool, u64, &'s Digest)> {
        let [lower, upper] = pair else { return None };
        let can_be = !lower.is_fixed && !upper.is_fixed && lower.load.and(upper.load).is_within(limits);
        let seam = seams.get(lower.members.end - 1).filter(|_| can_be)?;
        Some((lower.is_kept || upper.is_kept, lower.weight.saturating_add(upper.weight), seam))
    }

    /// Takes the group above it.
    fn take(&mut self, upper: Group) {
        self.members.end = upper.members.end;
        self.weight = self.weight.saturating_add(upper.weight);
        self.load = self.load.and(upper.load);
        // Its bytes are new now, whosever they were.
        self.is_kept = false;
    }
}

/// A number that only the names of two neighbours decide on.
fn seam(pair: &[Piece]) -> Digest {
    Digest::of(pair.iter().map(|piece| piece.name.as_str()).collect::<Vec<_>>().join("/").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(name: &str, size: u64) -> Piece {
        Piece { name: name.into(), size, is_kept: false, is_fixed: false, load: Load::default() }
    }

    /// The groups as lists of names.
    fn names(pieces: &[Piece], most: usize) -> Vec<Vec<String>> {
        let plan = Plan::of(pieces, most, &Limits::default()).unwrap();
        let names = |group: &Range<usize>| pieces[group.clone()].iter().map(|piece| piece.name.clone()).collect();
        plan.groups().iter().map(names).collect()
    }

    #[track_caller]
    fn make(pieces: &[Piece], most: usize, expected: &str) {
        let groups: Vec<String> = names(pieces, most).iter().map(|group| group.concat()).collect();
        assert_eq!(groups.join(" "), expected);
    }

    #[test]
    fn the_smallest_neighbours_are_joined_until_there_are_few_enough() {
        let sizes = [("a", 1000), ("b", 10), ("c", 20), ("d", 500), ("e", 30), ("f", 40)];
        let pieces: Vec<Piece> = sizes.iter().map(|(name, size)| piece(name, *size)).collect();
        // As powers of two: 1024 16 32 512 32 64.
        make(&pieces, 6, "a b c d e f");
        make(&pieces, 100, "a b c d e f");
        make(&pieces, 5, "a bc d e f");
        make(&pieces, 4, "a bc d ef");
        make(&pieces, 3, "a bcd ef");
        make(&pieces, 2, "a bcdef");
        make(&pieces, 1, "abcdef");
        make(&[], 1, "");
    }

    #[test]
    fn blobs_from_elsewhere_come_last_and_those_to_be_kept_never() {
        let mut pieces: Vec<Piece> = ["a", "b", "c", "d"].iter().map(|name| piece(name, 1 << 20)).collect();
        (pieces[1].is_kept, pieces[1].size) = (true, 1);
        make(&pieces, 3, "a b cd");
        pieces[0].is_fixed = true;
        make(&pieces, 2, "a bcd");
        assert_eq!(Plan::of(&pieces, 1, &Limits::default()), Err(2));
        pieces[2].is_fixed = true;
        assert_eq!(Plan::of(&pieces, 3, &Limits::default()), Err(4), "neighbours only");
    }

    #[test]
    fn no_group_is_more_than_one_layer_may_be() {
        let mut pieces: Vec<Piece> = ["a", "b", "c", "d"].iter().map(|name| piece(name, 1)).collect();
        let limits = Limits { entries: 10, layer_bytes: 100, ..Limits::default() };
        let loads = [(5, 1), (6, 1), (4, 50), (1, 51)];
        for (piece, (entries, bytes)) in pieces.iter_mut().zip(loads) {
            piece.load = Load { entries, bytes };
        }
        // a and b have too many entries, c and d too many bytes.
        let groups: Vec<_> = Plan::of(&pieces, 3, &limits).unwrap().groups().to_vec();
        assert_eq!(groups, [0..1, 1..3, 3..4]);
        assert_eq!(Plan::of(&pieces, 2, &limits), Err(3));
    }

    /// SplitMix64.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// How many groups a change makes that were not there before: what pullers fetch anew.
    fn new_groups(before: &[Piece], after: &[Piece], most: usize) -> usize {
        let known = names(before, most);
        names(after, most).into_iter().filter(|group| !known.contains(group)).count()
    }

    #[test]
    fn a_change_of_one_tool_leaves_the_other_groups_as_they_are() {
        const ROUNDS: usize = 30;
        let (state, mut new) = (&mut 1, [0; 4]);
        for round in 0..ROUNDS {
            // Of one size, of similar sizes, of sizes from a kilobyte to a gigabyte.
            let size = |state: &mut u64| match round % 3 {
                0 => 5000,
                1 => 4000 + random(state) % 8000,
                _ => (5 << (10 + random(state) % 20)) / 4,
            };
            let tools: Vec<Piece> = (0..300).map(|n| piece(&format!("tool-{n}"), size(state))).collect();
            let again = || tools.iter().map(|tool| piece(&tool.name, tool.size)).collect::<Vec<_>>();
            let at = (random(state) % 300) as usize;

            let mut patched = again();
            patched[at].size += patched[at].size / 1000;
            let (mut grown, mut fewer, mut more) = (again(), again(), again());
            grown[at].size *= 3;
            fewer.remove(at);
            more.insert(at, piece("another", 4096));
            for (sum, after) in new.iter_mut().zip([patched, grown, fewer, more]) {
                let groups = new_groups(&tools, &after, 60);
                assert!(groups <= 12, "round {round}: {groups} of 60 groups are new");
                *sum += groups;
            }
        }
        // A little more changes no group, anything else two or three on average: what changed, its neighbours, and the
        // one that is joined now or no longer, so that the number stays.
        println!("patched, grown, fewer, more: {new:?} of {} groups", 60 * ROUNDS);
        assert!(new[0] * 10 <= ROUNDS && new.iter().all(|sum| *sum <= 4 * ROUNDS), "{new:?} in {ROUNDS} rounds");
    }

    #[test]
    fn no_group_is_much_larger_than_the_others_need_be() {
        for (count, most) in [(1000_usize, 124), (200, 124), (126, 125)] {
            let tools: Vec<Piece> = (0..count).map(|n| piece(&format!("tool-{n}"), 4096)).collect();
            let largest = names(&tools, most).iter().map(Vec::len).max().unwrap();
            assert!(largest <= 2 * count.div_ceil(most) + 1, "{largest} of {count} in one of {most}");
        }
    }
}
