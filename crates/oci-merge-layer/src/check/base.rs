//! The base as one tree: what its layers leave when they are unpacked one after the other, and what they once had.
//!
//! A layer that leaves a directory out lets the runtime make it, and runtimes then look at more than the tree: at the
//! directory in every layer of the base that had it, at what was deleted, at what was replaced (design: collisions,
//! section 4). So the view keeps [`Scar`]s beside the tree.

use super::merge::{Group, Place, Range, Sorted, is_under, parent_length, walk};
use super::through::{self, Passage, Through};
use crate::whiteout::Whiteout;
use crate::{EntryView, Kind, LayerIndex};
use oci_merge_image::{LayerPath, compare_paths};
use std::borrow::Cow;

/// The effective tree of a base, and the traces that its layers left.
///
/// Whiteouts, both forms, hide what lower layers have, whatever their position in the archive (image-spec `layer.md`,
/// Whiteouts). Borrows the indexes: what it holds itself is eight bytes an entry.
#[derive(Debug)]
pub struct BaseView<'a> {
    layers: Vec<&'a LayerIndex>,
    /// The entries that are left, in order of path; `list` is the layer.
    entries: Vec<Place>,
    /// Directories without an entry of their own, and without an entry below them that is left: emptied by whiteouts.
    emptied: Vec<Emptied>,
    scars: Vec<Scar<'a>>,
    /// Entries that also are, or only are, where a symlink above them leads.
    through: Vec<Through>,
    /// The layer whose root entry counts: the last that has one.
    root: Option<usize>,
}

/// A directory is the first so many bytes of the path of an entry that is no longer there.
#[derive(Debug, Clone, Copy)]
struct Emptied {
    entry: Place,
    length: u32,
}

/// What happened at a path in some layer of the base, if that shows to a runtime and is not in the tree.
#[derive(Debug, Default)]
pub(super) struct Scar<'a> {
    pub(super) path: Cow<'a, [u8]>,
    /// A layer deleted the path.
    pub(super) deleted: bool,
    /// A layer hid what lower layers have in the directory.
    pub(super) opaque: bool,
    /// A layer had something other than a directory here.
    pub(super) replaced: bool,
    /// A layer had a directory here that was not 0755 0:0 without attributes.
    pub(super) ghost: Option<Place>,
}

impl<'a> BaseView<'a> {
    /// The view of a base with these layers, the lowest first; of none for an image from scratch.
    pub fn new(layers: &[&'a LayerIndex]) -> BaseView<'a> {
        let removals = Removals::of(layers);
        let mut growth = Growth::new(layers, &removals.0);
        walk(layers, Range::default(), |group| growth.visit(&group));
        growth.skip_to(None);
        let Growth { mut entries, mut emptied, mut scars, passages, .. } = growth;
        entries.retain(|place| *place != REPLACED);
        scars.sort_by(|a, b| compare_paths(&a.path, &b.path));
        scars.dedup_by(|later, first| later.path == first.path && first.absorb(later));
        let root = layers.iter().rposition(|layer| layer.root().is_some());
        let layers = layers.to_vec();
        let mut view = BaseView { layers, entries, emptied: Vec::new(), scars, through: Vec::new(), root };
        emptied.sort_by(|a, b| compare_paths(view.emptied_path(a), view.emptied_path(b)));
        emptied.dedup_by(|a, b| view.emptied_path(a) == view.emptied_path(b));
        // Only those with nothing at or below them: all others follow from the entries, as in any layer.
        let list = view.entries();
        emptied.retain(|directory| {
            let path = view.emptied_path(directory);
            list.path(list.seek(path)).is_none_or(|entry| entry != path && !is_under(entry, path))
        });
        view.emptied = emptied;
        view.through = through::resolve(&view, &passages);
        view
    }

    /// The entries of the tree, in order of path.
    pub fn tree_entries(&self) -> impl Iterator<Item = EntryView<'a>> {
        self.entries.iter().filter_map(|&entry| self.entry(entry))
    }

    /// The entries of the tree in order of path: the number of the layer, and the place in its index.
    pub(crate) fn tree(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        self.entries.iter().map(|entry| (entry.list as usize, entry.place as usize))
    }

    /// The layers that it was made of.
    pub(super) fn layers(&self) -> &[&'a LayerIndex] {
        &self.layers
    }

    pub(super) fn scars(&self) -> &[Scar<'a>] {
        &self.scars
    }

    pub(super) fn through(&self) -> &[Through] {
        &self.through
    }

    /// The entry for the root that counts.
    pub(super) fn root(&self) -> Option<EntryView<'a>> {
        self.root.and_then(|layer| self.layers.get(layer)).and_then(|layer| layer.root())
    }

    /// The entry at a place, which is one of the tree or of a scar.
    pub(super) fn entry(&self, place: Place) -> Option<EntryView<'a>> {
        self.layers.get(place.list as usize)?.get(place.place as usize)
    }

    /// The entries of the tree.
    pub(super) fn entries(&self) -> BaseEntries<'_, 'a> {
        BaseEntries(self)
    }

    /// The directories of the tree that no entry is left of.
    pub(super) fn emptied(&self) -> BaseEmptied<'_, 'a> {
        BaseEmptied(self)
    }

    fn emptied_path(&self, directory: &Emptied) -> &'a [u8] {
        let path = self.entry(directory.entry).map_or(&[][..], |entry| entry.path);
        path.get(..directory.length as usize).unwrap_or_default()
    }
}

/// See [`BaseView::entries`].
#[derive(Clone, Copy)]
pub(super) struct BaseEntries<'v, 'a>(&'v BaseView<'a>);

impl BaseEntries<'_, '_> {
    /// The layer of the base and the place in it of the entry at a place of the tree.
    pub(super) fn origin(self, place: usize) -> Option<Place> {
        self.0.entries.get(place).copied()
    }
}

impl<'a> Sorted<'a> for BaseEntries<'_, 'a> {
    fn size(&self) -> usize {
        self.0.entries.len()
    }

    fn path(&self, place: usize) -> Option<&'a [u8]> {
        self.0.entry(self.origin(place)?).map(|entry| entry.path)
    }
}

/// See [`BaseView::emptied`].
#[derive(Clone, Copy)]
pub(super) struct BaseEmptied<'v, 'a>(&'v BaseView<'a>);

impl<'a> Sorted<'a> for BaseEmptied<'_, 'a> {
    fn size(&self) -> usize {
        self.0.emptied.len()
    }

    fn path(&self, place: usize) -> Option<&'a [u8]> {
        self.0.emptied.get(place).map(|directory| self.0.emptied_path(directory))
    }
}

impl Scar<'_> {
    /// Takes over what another says of the same path.
    fn absorb(&mut self, other: &Scar<'_>) -> bool {
        self.deleted |= other.deleted;
        self.opaque |= other.opaque;
        self.replaced |= other.replaced;
        self.ghost = self.ghost.or(other.ghost);
        true
    }
}

/// Whether a directory is what every runtime makes of one that is left out.
pub(super) fn is_plain(entry: &EntryView<'_>) -> bool {
    entry.kind == Kind::Directory && (entry.mode, entry.uid, entry.gid) == (0o755, 0, 0) && entry.xattrs.is_none()
}

/// Where whiteouts take away, in order of path; with the highest layers that do.
struct Removals(Vec<Removal>);

/// Layers count from 1 here, so that 0 is none: what layer `n` takes away is whatever layers below `n` have.
#[derive(Debug, Default)]
struct Removal {
    path: Vec<u8>,
    deleted_by: u32,
    opaque_by: u32,
}

impl Removals {
    fn of(layers: &[&LayerIndex]) -> Removals {
        let mut all: Vec<Removal> = Vec::new();
        for (by, layer) in (1..).zip(layers) {
            all.extend(layer.whiteouts().iter().filter_map(|whiteout| removal(whiteout, by)));
        }
        all.sort_by(|a, b| compare_paths(&a.path, &b.path));
        all.dedup_by(|later, first| {
            let same = later.path == first.path;
            if same {
                first.deleted_by = first.deleted_by.max(later.deleted_by);
                first.opaque_by = first.opaque_by.max(later.opaque_by);
            }
            same
        });
        Removals(all)
    }
}

fn removal(whiteout: &LayerPath, by: u32) -> Option<Removal> {
    let (path, deleted_by, opaque_by) = match Whiteout::of(whiteout)? {
        Whiteout::Path(path) => (path, by, 0),
        Whiteout::Content(directory) => (directory, 0, by),
    };
    Some(Removal { path: path.as_bytes().to_vec(), deleted_by, opaque_by })
}

/// Marks the place of an entry that turned out not to be left.
const REPLACED: Place = Place { list: u32::MAX, place: u32::MAX };

/// The tree while it grows, in order of path.
struct Growth<'g, 'a> {
    layers: &'g [&'a LayerIndex],
    /// Those that are still ahead.
    removals: &'g [Removal],
    /// What lies above the path where the walk is.
    stack: Vec<Above<'g>>,
    /// How many on the stack are waiting to be replaced.
    waiting: usize,
    /// How many on the stack are symlinks.
    links: usize,
    passages: Vec<Passage>,
    entries: Vec<Place>,
    emptied: Vec<Emptied>,
    scars: Vec<Scar<'a>>,
}

/// A path that the walk has passed and not yet left.
struct Above<'g> {
    path: Cow<'g, [u8]>,
    /// What layers below this number have at the path is gone.
    gone_at: u32,
    /// What layers below this number have below the path is gone.
    gone_below: u32,
    /// Where in the tree something other than a directory stands here, and its layer: a higher layer with an entry
    /// below makes a directory of it.
    waiting: Option<(usize, Place)>,
    /// The symlink that stands here, or did before a higher layer had an entry below.
    link: Option<Place>,
}

impl<'g, 'a> Growth<'g, 'a> {
    fn new(layers: &'g [&'a LayerIndex], removals: &'g [Removal]) -> Growth<'g, 'a> {
        let (entries, emptied, scars) = (Vec::new(), Vec::new(), Vec::new());
        let (stack, passages) = (Vec::new(), Vec::new());
        Growth { layers, removals, stack, waiting: 0, links: 0, passages, entries, emptied, scars }
    }

    fn view(&self, place: Place) -> Option<EntryView<'a>> {
        self.layers.get(place.list as usize)?.get(place.place as usize)
    }

    /// Passes the whiteouts before a path, all of them if there is none.
    fn skip_to(&mut self, path: Option<&[u8]>) {
        while let Some((removal, rest)) = self.removals.split_first() {
            if path.is_some_and(|path| compare_paths(&removal.path, path).is_ge()) {
                break;
            }
            self.removals = rest;
            self.leave(&removal.path);
            self.enter(Cow::Borrowed(&removal.path), removal, 0);
        }
    }

    /// Forgets what does not lie above a path.
    fn leave(&mut self, path: &[u8]) {
        while let Some(above) = self.stack.pop_if(|above| !is_under(path, &above.path)) {
            self.waiting -= usize::from(above.waiting.is_some());
            self.links -= usize::from(above.link.is_some());
        }
    }

    /// Remembers what is taken away at a path, by whiteouts or by something other than a directory there.
    fn enter(&mut self, path: Cow<'g, [u8]>, removal: &Removal, replaced_by: u32) -> u32 {
        let inherited = self.stack.last().map_or(0, |above| above.gone_below);
        let gone_at = inherited.max(removal.deleted_by);
        let gone_below = gone_at.max(removal.opaque_by).max(replaced_by);
        if removal.deleted_by + removal.opaque_by > 0 {
            let path = Cow::Owned(path.to_vec());
            let (deleted, opaque) = (removal.deleted_by > 0, removal.opaque_by > 0);
            self.scars.push(Scar { path, deleted, opaque, ..Scar::default() });
        }
        self.stack.push(Above { path, gone_at, gone_below, waiting: None, link: None });
        gone_at
    }

    fn visit(&mut self, group: &Group<'_, 'a>)
    where
        'a: 'g,
    {
        self.skip_to(Some(group.path));
        self.leave(group.path);
        let here = self.removals.first().filter(|removal| removal.path == group.path);
        let none = Removal::default();
        let removal = here.unwrap_or(&none);
        self.removals = self.removals.get(usize::from(here.is_some())..).unwrap_or_default();

        let highest = group.places.last().map_or(0, |place| place.list);
        if self.waiting > 0 {
            self.replace_below(highest);
        }
        let is_directory = |place: &Place| self.view(*place).is_some_and(|entry| entry.kind == Kind::Directory);
        let replaced_by = group.places.iter().rfind(|place| !is_directory(place)).map_or(0, |place| place.list + 1);
        let gone_at = self.enter(Cow::Borrowed(group.path), removal, replaced_by);

        let gone = group.places.partition_point(|place| place.list + 1 < gone_at);
        let (gone, left) = group.places.split_at_checked(gone).unwrap_or_default();
        gone.iter().for_each(|&place| self.bury(place, gone_at));
        if let Some(&place) = left.last() {
            self.entries.push(place);
            if self.links > 0 {
                self.pass_through(place);
            }
            let kind = self.view(place).map_or(Kind::Directory, |entry| entry.kind);
            if let Some(above) = self.stack.last_mut().filter(|_| kind != Kind::Directory) {
                above.waiting = Some((self.entries.len() - 1, place));
                above.link = (kind == Kind::Symlink).then_some(place);
                self.waiting += 1;
                self.links += usize::from(above.link.is_some());
            }
        }
        self.remember(group, left.last().copied());
    }

    /// A layer has an entry here: what a lower one has above it is a directory now.
    fn replace_below(&mut self, layer: u32) {
        for above in &mut self.stack {
            let Some((entry, place)) = above.waiting.filter(|(_, place)| place.list < layer) else { continue };
            if let Some(slot) = self.entries.get_mut(entry) {
                *slot = REPLACED;
            }
            let path = self.layers.get(place.list as usize).and_then(|l| l.get(place.place as usize)).map(|e| e.path);
            self.scars.push(Scar { path: Cow::Borrowed(path.unwrap_or_default()), replaced: true, ..Scar::default() });
            above.waiting = None;
            self.waiting -= 1;
        }
    }

    /// Remembers an entry that lies below a symlink of its own layer or a lower one.
    fn pass_through(&mut self, entry: Place) {
        let link = self.stack.iter().find_map(|above| above.link.filter(|link| link.list <= entry.list));
        self.passages.extend(link.map(|link| Passage { link, entry }));
    }

    /// An entry is gone; the nearest directory above it that its layer still has may be an empty one.
    fn bury(&mut self, place: Place, gone_at: u32) {
        let number = place.list + 1;
        let Some((here, above)) = self.stack.split_last() else { return };
        debug_assert_eq!(here.gone_at, gone_at);
        let killer = above.partition_point(|above| above.gone_below <= number);
        let length = match above.get(killer) {
            Some(killer) if killer.gone_at <= number => killer.path.len(),
            Some(killer) => parent_length(&killer.path),
            None => parent_length(&here.path),
        };
        if length > 0 {
            self.emptied.push(Emptied { entry: place, length: length as u32 });
        }
    }

    /// Keeps what shows of the layers at a path although it is not in the tree.
    fn remember(&mut self, group: &Group<'_, 'a>, left: Option<Place>) {
        let mut scar = Scar { path: Cow::Borrowed(group.path), ..Scar::default() };
        let left_is_directory = left.and_then(|p| self.view(p)).is_some_and(|entry| entry.kind == Kind::Directory);
        for &place in group.places {
            let Some(entry) = self.view(place) else { continue };
            if entry.kind != Kind::Directory {
                // In the tree it is a claim of its own.
                scar.replaced |= left.is_none() || left_is_directory;
            } else if !is_plain(&entry) && left != Some(place) {
                scar.ghost = Some(place);
            }
        }
        if scar.replaced || scar.ghost.is_some() {
            self.scars.push(scar);
        }
    }
}
