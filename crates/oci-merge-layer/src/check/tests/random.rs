//! Random sets over a small alphabet: three names, three levels, so that layers meet everywhere.

use super::sets::{Item, Set, Sheet};
use crate::{Body, Entry, IndexBuilder, Time};
use oci_merge_image::{DiffId, Digest, LayerPath};

impl Set {
    /// The set with a number; the same on every machine.
    pub(super) fn random(seed: u64) -> Set {
        let mut random = Random { state: seed, theme: Theme::None };
        random.theme =
            random.pick(&[Theme::None, Theme::None, Theme::Links, Theme::Roots, Theme::History, Theme::Lists]);
        let mut sheets: Vec<Sheet> = Vec::new();
        let least = if random.theme == Theme::History { 2 } else { 0 };
        let (base, layers) = ((least + random.below(4 - least)) as usize, 2 + random.below(2) as usize);
        for number in 0..base + layers {
            let sheet = random.sheet(number < base, &sheets);
            sheets.push(sheet);
        }
        let layers = sheets.split_off(base);
        Set { base: sheets, layers }
    }
}

/// What a set has more of than others, so that rare counterexamples are met within some thousand sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Theme {
    None,
    Links,
    Roots,
    /// Whiteouts in the base, and what it replaces.
    History,
    /// Access control lists.
    Lists,
}

/// Whether a layer, or a base, satisfies the rules for one layer but for what only a base may hold.
fn is_sound(items: &[Item]) -> bool {
    let mut index = IndexBuilder::default();
    let pushed = items.iter().try_for_each(|item| match item {
        Item::Whiteout(path) => index.push_whiteout(path.clone()),
        Item::Entry(entry, _) => index.push(entry, None, None),
    });
    let digest = Digest::of(b"");
    pushed.is_ok() && index.finish(digest.clone(), DiffId(digest)).is_ok()
}

/// SplitMix64.
struct Random {
    state: u64,
    theme: Theme,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
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

    /// A layer; of those that break the rules for a single layer most are thrown away, and of a base all.
    fn sheet(&mut self, is_base: bool, others: &[Sheet]) -> Sheet {
        loop {
            let mut items = Vec::new();
            let most = if self.theme == Theme::None { 5 } else { 4 };
            for _ in 0..1 + self.below(most) {
                let item = self.item(is_base, others, &items);
                items.push(item);
            }
            let forbidden = match self.theme {
                Theme::None => 24,
                Theme::Links => 2,
                _ => 8,
            };
            if is_sound(&items) || !is_base && self.one_in(forbidden) {
                return if is_base { Sheet::of_base(items) } else { Sheet::of_layer(items) };
            }
        }
    }

    fn item(&mut self, is_base: bool, others: &[Sheet], before: &[Item]) -> Item {
        let known: Vec<_> = others.iter().flat_map(Sheet::entries).collect();
        if !known.is_empty() && self.one_in(3) {
            let (entry, content) = self.pick(&known);
            let (mut entry, mut content) = (entry.clone(), content.clone());
            if self.one_in(4) {
                self.change(&mut entry, &mut content);
            }
            return Item::Entry(entry, content);
        }
        let near: Vec<&Entry> = before
            .iter()
            .filter_map(|item| match item {
                Item::Entry(entry, _) => Some(entry).filter(|entry| !entry.path.is_root()),
                Item::Whiteout(_) => None,
            })
            .collect();
        if !near.is_empty() && self.one_in(if self.theme == Theme::Links { 3 } else { 8 }) {
            let near = self.pick(&near);
            return self.relative(near);
        }
        let path = self.path();
        let whiteouts = match (is_base, self.theme) {
            (true, Theme::History) => 2,
            (true, _) => 5,
            (false, _) => 40,
        };
        if self.one_in(whiteouts) {
            let opaque = if self.theme == Theme::History { 2 } else { 3 };
            let name = if self.one_in(opaque) { b".wh..wh..opq".to_vec() } else { [b".wh.", self.name()].concat() };
            let parent = if self.one_in(3) { LayerPath::root() } else { path };
            return Item::Whiteout(parent.join(&LayerPath::parse(&name).unwrap()).unwrap());
        }
        if self.one_in(if self.theme == Theme::Roots { 3 } else { 25 }) {
            let mut root = self.entry(LayerPath::root(), Body::Directory);
            if self.one_in(if self.theme == Theme::Roots { 2 } else { 5 }) {
                self.change(&mut root, &mut Vec::new());
            }
            return Item::Entry(root, Vec::new());
        }
        let content = self.content();
        let body = match self.below(20) {
            0..8 => Body::Directory,
            8..13 => Body::File { size: 1 },
            13..15 => Body::Symlink { target: self.target() },
            15..17 => Body::HardLink { target: self.path() },
            _ => Body::Fifo,
        };
        Item::Entry(self.entry(path, body), content)
    }

    /// An entry that has to do with one before it in the same archive: another name of it, or its name once more, what
    /// lies below it, or the directory that it lies in.
    fn relative(&mut self, near: &Entry) -> Item {
        let mut content = self.content();
        let mut entry = near.clone();
        let below = near.path.join(&LayerPath::parse(self.name()).unwrap()).unwrap();
        match self.below(6) {
            0 => self.change(&mut entry, &mut content),
            1 => entry = self.entry(near.path.clone(), Body::Fifo),
            2 => entry = self.entry(below, Body::Fifo),
            3 => entry = self.entry(near.path.parent().unwrap(), Body::Directory),
            _ if near.body != Body::Directory => {
                let target = match &near.body {
                    Body::HardLink { target } => target.clone(),
                    _ => near.path.clone(),
                };
                entry = Entry { path: self.path(), body: Body::HardLink { target }, ..entry };
                if self.one_in(2) {
                    self.change(&mut entry, &mut content);
                }
            }
            _ => entry = self.entry(below, Body::Directory),
        }
        Item::Entry(entry, content)
    }

    fn entry(&mut self, path: LayerPath, body: Body) -> Entry {
        let mode = match body {
            Body::Directory if self.one_in(if self.theme == Theme::History { 3 } else { 5 }) => {
                self.pick(&[0o700, 0o2755, 0o2775])
            }
            Body::Directory => 0o755,
            _ => 0o644,
        };
        let gid = if mode > 0o2000 || self.one_in(20) { 50 } else { 0 };
        let lists = self.theme == Theme::Lists && body == Body::Directory;
        let attribute = self.one_in(if lists { 3 } else { 25 }).then(|| self.attribute(&body));
        let xattrs = attribute.into_iter().collect();
        Entry { path, body, mode, uid: 0, gid, mtime: Time::default(), xattrs }
    }

    /// Changes one thing about an entry that another layer has too.
    fn change(&mut self, entry: &mut Entry, content: &mut Vec<u8>) {
        match self.below(5) {
            0 if matches!(entry.body, Body::Symlink { .. }) => entry.uid = 1,
            0 => entry.mode ^= self.pick(&[0o2000, 0o50]),
            1 => entry.uid = 1,
            2 => entry.gid = 50,
            3 => entry.xattrs = [self.attribute(&entry.body)].into_iter().collect(),
            _ => match &mut entry.body {
                Body::Symlink { target } => *target = self.target(),
                Body::File { .. } => *content = self.content(),
                _ => entry.path = self.path(),
            },
        }
    }

    fn content(&mut self) -> Vec<u8> {
        self.pick(&[&b"x"[..], b"y"]).to_vec()
    }

    fn target(&mut self) -> Vec<u8> {
        self.pick(&[&b"b"[..], b"/a", b"../a", b"c"]).to_vec()
    }

    /// Access control lists are for bases: readers refuse them in a layer. Symlinks and FIFOs have no attributes of users.
    fn attribute(&mut self, body: &Body) -> (Vec<u8>, Vec<u8>) {
        let list = self.theme == Theme::Lists || self.one_in(3);
        let name = match body {
            _ if list => &b"system.posix_acl_default"[..],
            Body::Symlink { .. } | Body::Fifo => b"security.a",
            _ => b"user.a",
        };
        (name.to_vec(), self.pick(&[b"1", b"2"]).to_vec())
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
