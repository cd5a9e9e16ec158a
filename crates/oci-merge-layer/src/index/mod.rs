//! The path index: every entry of a layer, sorted by path, without the contents. Every check works on indexes.

mod arena;
mod builder;
mod bytes;
mod facts;
mod links;
mod places;
#[cfg(test)]
mod tests;
mod xattrs;

pub use builder::IndexBuilder;
pub use bytes::{MEDIA_TYPE, READER_VERSION};
pub use facts::{ElfFacts, Facts, MAX_TEXT, MAX_TEXTS, is_text};
pub use xattrs::XattrSet;

use crate::{Kind, Note, Time};
use arena::Arena;
use oci_merge_image::{DiffId, Digest, LayerPath, compare_paths};

/// All entries of one layer in the order of [`compare_paths`]; bound to the layer by digest and diff_id.
///
/// Implied directories (ancestors without an entry of their own) are not stored: they follow from the order.
#[derive(Debug, Clone)]
pub struct LayerIndex {
    digest: Digest,
    diff_id: DiffId,
    root: Option<Record>,
    whiteouts: Vec<LayerPath>,
    notes: Vec<Note>,
    records: Vec<Record>,
    arena: Arena,
}

/// What an index says of one entry, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryView<'a> {
    /// Normalised, as [`LayerPath::as_bytes`] has it.
    pub path: &'a [u8],
    /// The kind; that of its target for a hard link.
    pub kind: Kind,
    /// Permission bits, 07777; 0 for a symlink, whose mode means nothing.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of content; 0 for anything but a file.
    pub size: u64,
    /// Time of modification.
    pub mtime: Time,
    /// SHA-256 of a file's content. `None` for a file of a base whose content no two readers need agree on.
    pub content: Option<&'a [u8; 32]>,
    /// Where a symlink points.
    pub target: Option<&'a [u8]>,
    /// Extended attributes, if it has any.
    pub xattrs: Option<&'a XattrSet>,
    /// Which link group it is in, if it has more than one name: equal numbers are one inode.
    pub group: Option<u32>,
    /// Whether its header comes after an entry below it, so that a runtime made the directory by itself first.
    pub late: bool,
    /// What is known of a program's needs, or the text of a file that programs are found by.
    pub facts: Option<&'a Facts>,
}

/// One entry; names are places in the arena.
#[derive(Debug, Clone)]
struct Record {
    content: [u8; 32],
    size: u64,
    seconds: i64,
    nanos: u32,
    uid: u32,
    gid: u32,
    group: u32,
    xattrs: u32,
    facts: u32,
    path: u32,
    target: u32,
    path_length: u16,
    target_length: u16,
    mode: u16,
    kind: Kind,
    flags: u8,
}

/// A million entries have to fit into the memory that a check may use.
const _: () = assert!(size_of::<Record>() == 88);

/// The content's digest is known.
const HAS_CONTENT: u8 = 1;
/// See [`EntryView::late`].
const LATE: u8 = 2;
/// Another entry has its path.
const DROPPED: u8 = 4;

/// No group, no attributes, no facts.
const NONE: u32 = u32::MAX;

impl LayerIndex {
    /// The digest of the layer's blob.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The digest of the layer's tar.
    pub fn diff_id(&self) -> &DiffId {
        &self.diff_id
    }

    /// How many entries there are, the root entry not counted.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The entry `./`, if the layer has one.
    pub fn root(&self) -> Option<EntryView<'_>> {
        self.root.as_ref().map(|record| self.view(record))
    }

    /// The whiteouts, as they are spelled (`dir/.wh.name`); only a base has any. Sorted.
    pub fn whiteouts(&self) -> &[LayerPath] {
        &self.whiteouts
    }

    /// What is odd about the archive. A layer that has any cannot be used byte for byte.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The entries in order of path.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = EntryView<'_>> + DoubleEndedIterator + Clone {
        self.records.iter().map(|record| self.view(record))
    }

    /// The entry at a place in the order.
    pub fn get(&self, place: usize) -> Option<EntryView<'_>> {
        self.records.get(place).map(|record| self.view(record))
    }

    /// The entry with a path.
    pub fn find(&self, path: &LayerPath) -> Option<EntryView<'_>> {
        self.place(path.as_bytes()).ok().and_then(|place| self.get(place))
    }

    /// Where a path stands in the order, or where it would.
    pub fn place(&self, path: &[u8]) -> std::result::Result<usize, usize> {
        self.records.binary_search_by(|record| compare_paths(record.path(&self.arena.names), path))
    }

    fn view<'a>(&'a self, record: &'a Record) -> EntryView<'a> {
        EntryView {
            path: record.path(&self.arena.names),
            kind: record.kind,
            mode: record.mode,
            uid: record.uid,
            gid: record.gid,
            size: record.size,
            mtime: Time { seconds: record.seconds, nanos: record.nanos },
            content: (record.flags & HAS_CONTENT != 0).then_some(&record.content),
            target: (record.kind == Kind::Symlink).then(|| record.target(&self.arena.names)),
            xattrs: self.arena.xattrs.get(record.xattrs as usize),
            group: (record.group != NONE).then_some(record.group),
            late: record.flags & LATE != 0,
            facts: self.arena.facts.get(record.facts as usize),
        }
    }
}

/// Equal if they say the same: the order of the archive shows in the arena, and nowhere else.
impl PartialEq for LayerIndex {
    fn eq(&self, other: &LayerIndex) -> bool {
        let head = |index: &LayerIndex| (index.digest.clone(), index.diff_id.clone());
        head(self) == head(other)
            && self.root() == other.root()
            && self.whiteouts == other.whiteouts
            && self.notes == other.notes
            && self.entries().eq(other.entries())
    }
}

impl Eq for LayerIndex {}

impl Record {
    fn path<'a>(&self, names: &'a [u8]) -> &'a [u8] {
        slice(names, self.path, self.path_length)
    }

    fn target<'a>(&self, names: &'a [u8]) -> &'a [u8] {
        slice(names, self.target, self.target_length)
    }
}

fn slice(names: &[u8], start: u32, length: u16) -> &[u8] {
    let start = start as usize;
    names.get(start..start + usize::from(length)).unwrap_or_default()
}
