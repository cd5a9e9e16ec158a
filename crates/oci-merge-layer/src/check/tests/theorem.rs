//! The theorem: if a check is clean, every order of the layers gives the same root filesystem, in every model of
//! unpacking (design: collisions, section 9).

use super::models::{Model, Seen};
use crate::check::merge::Sorted;
use crate::check::{BaseView, Layer, Level, Owns, Policy, Severity, check};
use crate::{Body, Entry, IndexBuilder, Kind, LayerIndex, Time, Xattrs};
use oci_merge_image::{DiffId, Digest, LayerPath, Prefix};
use std::collections::BTreeMap;

/// More cases than the default are for whoever changes a rule.
const CASES: &str = "OCI_MERGE_THEOREM_CASES";

#[test]
fn what_is_clean_does_not_depend_on_order_or_runtime() {
    let cases: u64 = std::env::var(CASES).map_or(400, |cases| cases.parse().unwrap());
    let (mut accepted, mut sharing, mut refused, mut refused_rightly) = (0, 0, 0, 0);
    for seed in 0..cases {
        let set = RandomSet::new(seed);
        let outcome = set.outcome();
        if set.is_clean() {
            accepted += 1;
            sharing += u64::from(set.shares_a_path());
            assert_eq!(outcome, Outcome::One, "seed {seed}\n{}", set.told());
        } else {
            refused += 1;
            refused_rightly += u64::from(outcome != Outcome::One);
        }
    }
    println!(
        "{accepted} accepted, {sharing} of them with a path in common; {refused_rightly} of {refused} refused rightly"
    );
    // The rules are of use only if they let sets through, also such as have something in common ...
    assert!(accepted * 10 > cases && sharing * 20 > cases, "{accepted} and {sharing} of {cases}");
    // ... and refuse little that would have done no harm.
    assert!(refused_rightly * 10 > refused * 6, "{refused_rightly} of {refused}");
}

/// One layer: what is in its archive, in order, and its index.
pub(super) struct Sheet {
    pub(super) items: Vec<Item>,
    index: LayerIndex,
}

pub(super) enum Item {
    /// An entry and the content of a file.
    Entry(Entry, Vec<u8>),
    Whiteout(LayerPath),
}

impl Sheet {
    pub(super) fn entries(&self) -> impl Iterator<Item = (&Entry, &Vec<u8>)> {
        self.items.iter().filter_map(|item| match item {
            Item::Entry(entry, content) => Some((entry, content)),
            Item::Whiteout(_) => None,
        })
    }

    /// Directory and name; no name for an opaque marker.
    pub(super) fn whiteouts(&self) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
        self.items.iter().filter_map(|item| match item {
            Item::Entry(..) => None,
            Item::Whiteout(path) => {
                let name = path.name().unwrap();
                let name = (name != b".wh..wh..opq").then(|| name[4..].to_vec());
                Some((path.parent().unwrap().as_bytes().to_vec(), name))
            }
        })
    }
}

/// What unpacking in all orders and models comes to.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    One,
    /// In one model, and in which order.
    Differs(Model, Vec<usize>),
    /// In two models that agree on the base.
    ModelsDiffer(Model, Model),
}

struct RandomSet {
    base: Vec<Sheet>,
    layers: Vec<Sheet>,
}

impl RandomSet {
    fn new(seed: u64) -> RandomSet {
        let mut random = Random(seed);
        let mut sheets: Vec<Sheet> = Vec::new();
        let (base, layers) = (random.below(4) as usize, 2 + random.below(2) as usize);
        for number in 0..base + layers {
            let sheet = random.sheet(number < base, &sheets);
            sheets.push(sheet);
        }
        let layers = sheets.split_off(base);
        RandomSet { base: sheets, layers }
    }

    fn is_clean(&self) -> bool {
        let report = self.report();
        report.count(Severity::Error) == 0
    }

    fn report(&self) -> crate::check::Report {
        let owns = Owns::new(["/"]).unwrap();
        let prefixes: Vec<Prefix> = (0..self.layers.len()).map(|n| format!("/none/{n}").parse().unwrap()).collect();
        let names: Vec<String> = (0..self.layers.len()).map(|n| n.to_string()).collect();
        let layers: Vec<Layer<'_>> = self
            .layers
            .iter()
            .enumerate()
            .map(|(n, sheet)| Layer { name: &names[n], index: &sheet.index, prefix: &prefixes[n], owns: &owns })
            .collect();
        let mut policy = Policy::default();
        policy.set("prefix-overlap", Level::Allow).unwrap();
        let base: Vec<&LayerIndex> = self.base.iter().map(|sheet| &sheet.index).collect();
        check(&BaseView::new(&base), &layers, &policy)
    }

    fn shares_a_path(&self) -> bool {
        let base = self.base.iter().map(|sheet| &sheet.index);
        let all: Vec<&LayerIndex> = base.chain(self.layers.iter().map(|sheet| &sheet.index)).collect();
        let has = |index: &LayerIndex, path: &[u8]| index.place(path).is_ok();
        let shared = |n: usize, path: &[u8]| all.iter().enumerate().any(|(m, other)| n != m && has(other, path));
        all.iter().enumerate().skip(self.base.len()).any(|(n, index)| index.entries().any(|e| shared(n, e.path)))
    }

    fn outcome(&self) -> Outcome {
        let mut results: Vec<(Model, Seen, Seen)> = Vec::new();
        let base: Vec<&Sheet> = self.base.iter().collect();
        let sees = self.checkers_view();
        for model in Model::ALL {
            // The base alone must come out as the checker sees it: otherwise the runtime breaks it by itself.
            let Ok(alone) = model.unpack(&base) else { continue };
            if alone.iter().map(|(path, (inode, _))| (path.clone(), inode.kind)).collect::<BTreeMap<_, _>>() != sees {
                continue;
            }
            let mut first = None;
            for order in permutations(self.layers.len()) {
                let layers = base.iter().copied().chain(order.iter().map(|&n| &self.layers[n]));
                let unpacked = model.unpack(&layers.collect::<Vec<_>>());
                match (&first, unpacked) {
                    (None, Ok(seen)) => first = Some(seen),
                    (Some(first), Ok(seen)) if *first == seen => {}
                    _ => return Outcome::Differs(model, order),
                }
            }
            results.extend(first.map(|first| (model, alone, first)));
        }
        for (n, (model, alone, result)) in results.iter().enumerate() {
            for (other, others_alone, others) in &results[n + 1..] {
                if alone == others_alone && result != others {
                    return Outcome::ModelsDiffer(*model, *other);
                }
            }
        }
        Outcome::One
    }

    fn checkers_view(&self) -> BTreeMap<Vec<u8>, Kind> {
        let base: Vec<&LayerIndex> = self.base.iter().map(|sheet| &sheet.index).collect();
        let view = BaseView::new(&base);
        let mut kinds = BTreeMap::from([(Vec::new(), Kind::Directory)]);
        let emptied = (0..view.emptied().size()).filter_map(|n| view.emptied().path(n));
        let explicit = (0..view.entries().size()).filter_map(|n| view.entry(view.entries().origin(n)?));
        let explicit: Vec<_> = explicit.collect();
        for path in emptied.chain(explicit.iter().map(|entry| entry.path)) {
            for end in (0..path.len()).filter(|&end| path[end] == b'/').chain([path.len()]) {
                kinds.insert(path[..end].to_vec(), Kind::Directory);
            }
        }
        kinds.extend(explicit.iter().map(|entry| (entry.path.to_vec(), entry.kind)));
        kinds
    }

    fn told(&self) -> String {
        let mut text = String::new();
        for (name, sheets) in [("base", &self.base), ("layer", &self.layers)] {
            for sheet in sheets {
                text += &format!("{name}\n");
                for item in &sheet.items {
                    text += &match item {
                        Item::Whiteout(path) => format!("  whiteout {path}\n"),
                        Item::Entry(e, content) => {
                            let content = String::from_utf8_lossy(content);
                            format!(
                                "  {} {:?} {:04o} {}:{} {:?} {content}\n",
                                e.path, e.body, e.mode, e.uid, e.gid, e.xattrs
                            )
                        }
                    };
                }
            }
        }
        text
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![vec![]] };
    let insert = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    permutations(last).into_iter().flat_map(insert).collect()
}

/// SplitMix64: the same sets on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 33) % bound
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// A layer that satisfies the rules for one layer; others are thrown away.
    fn sheet(&mut self, is_base: bool, others: &[Sheet]) -> Sheet {
        loop {
            let items: Vec<Item> = (0..1 + self.below(5)).map(|_| self.item(is_base, others)).collect();
            let mut index = IndexBuilder::default();
            let pushed = items.iter().try_for_each(|item| match item {
                Item::Whiteout(path) => index.push_whiteout(path.clone()),
                Item::Entry(entry, content) => {
                    let digest = Digest::of(content).as_bytes().try_into().unwrap();
                    let is_file = matches!(entry.body, Body::File { .. });
                    index.push(entry, is_file.then_some(digest), None)
                }
            });
            let digest = Digest::of(b"");
            if let (Ok(()), Ok(index)) = (pushed, index.finish(digest.clone(), DiffId(digest))) {
                return Sheet { items, index };
            }
        }
    }

    fn item(&mut self, is_base: bool, others: &[Sheet]) -> Item {
        let known: Vec<_> = others.iter().flat_map(Sheet::entries).collect();
        if !known.is_empty() && self.one_in(3) {
            let (entry, content) = self.pick(&known);
            return Item::Entry(entry.clone(), content.clone());
        }
        let path = self.path();
        if is_base && self.one_in(5) {
            let name = if self.one_in(3) { b".wh..wh..opq".to_vec() } else { [b".wh.", self.name()].concat() };
            let parent = if self.one_in(3) { LayerPath::root() } else { path };
            return Item::Whiteout(parent.join(&LayerPath::parse(&name).unwrap()).unwrap());
        }
        if self.one_in(25) {
            return Item::Entry(self.entry(LayerPath::root(), Body::Directory), Vec::new());
        }
        let content = self.pick(&[&b"x"[..], b"y"]).to_vec();
        let body = match self.below(20) {
            0..8 => Body::Directory,
            8..14 => Body::File { size: 1 },
            14..16 => Body::Symlink { target: self.pick(&[&b"b"[..], b"/a", b"../a", b"c"]).to_vec() },
            16..19 => Body::HardLink { target: self.path() },
            _ => Body::Fifo,
        };
        Item::Entry(self.entry(path, body), content)
    }

    fn entry(&mut self, path: LayerPath, body: Body) -> Entry {
        let mode = match body {
            Body::Directory if self.one_in(5) => self.pick(&[0o700, 0o2755, 0o2775]),
            Body::Directory => 0o755,
            _ => 0o644,
        };
        let gid = if mode > 0o2000 || self.one_in(20) { 50 } else { 0 };
        let attribute = self.one_in(25).then(|| (b"user.a".to_vec(), b"1".to_vec()));
        let xattrs: Xattrs = attribute.into_iter().collect();
        Entry { path, body, mode, uid: 0, gid, mtime: Time::default(), xattrs }
    }

    fn path(&mut self) -> LayerPath {
        let depth = 1 + self.below(3);
        let names: Vec<&[u8]> = (0..depth).map(|_| self.name()).collect();
        LayerPath::parse(&names.join(&b'/')).unwrap()
    }

    fn name(&mut self) -> &'static [u8] {
        self.pick(&[&b"a"[..], b"b", b"c"])
    }
}
