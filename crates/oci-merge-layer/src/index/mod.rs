//! The path index: every entry of a layer, sorted by path, without the contents. Every check works on indexes.

use crate::{Body, Entry, Error, Kind, Result, Time, Xattrs};
use oci_merge_image::{DiffId, Digest, LayerPath, compare_paths};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// All entries of one layer in the order of [`compare_paths`]; bound to the layer by digest and diff_id.
///
/// Implied directories (ancestors without an entry of their own) are not stored: they follow from the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerIndex {
    digest: Digest,
    diff_id: DiffId,
    root: Option<Record>,
    whiteouts: Vec<LayerPath>,
    names: Vec<u8>,
    records: Vec<Record>,
    xattrs: Vec<XattrSet>,
    facts: Vec<Facts>,
}

/// What an index says of one entry, borrowed from it.
#[derive(Debug, Clone, Copy)]
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
    /// SHA-256 of a file's content.
    pub content: Option<&'a [u8; 32]>,
    /// Where a symlink points.
    pub target: Option<&'a [u8]>,
    /// Extended attributes, if it has any.
    pub xattrs: Option<&'a XattrSet>,
    /// Which link group it is in, if it has more than one name: equal numbers are one inode.
    pub group: Option<u32>,
    /// Whether its header comes after an entry below it, so that a runtime made the directory by itself first.
    pub late: bool,
    /// What is known of a program's needs.
    pub facts: Option<&'a Facts>,
}

/// The extended attributes of an entry: their names, and one digest over names and values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XattrSet {
    /// Sorted names.
    pub names: Vec<Vec<u8>>,
    /// SHA-256 over each name and value in order of name, each preceded by its length as 8 bytes, little-endian.
    pub digest: [u8; 32],
}

impl XattrSet {
    /// The set of some attributes; `None` for none.
    pub fn of(xattrs: &Xattrs) -> Option<XattrSet> {
        if xattrs.is_empty() {
            return None;
        }
        let mut digest = Sha256::new();
        for part in xattrs.iter().flat_map(|(name, value)| [name, value]) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Some(XattrSet { names: xattrs.keys().cloned().collect(), digest: digest.finalize().into() })
    }
}

/// What a file needs to run, read while it was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// An ELF file.
    Elf(Box<ElfFacts>),
    /// A script: what follows `#!` on its first line, at most 255 bytes.
    Script {
        /// The interpreter and its argument, as they are written.
        interpreter: Vec<u8>,
    },
}

/// What an ELF file says about the machine and the libraries that it needs. Strings are bytes as they stand there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ElfFacts {
    /// `e_machine`.
    pub machine: u16,
    /// 32 or 64.
    pub class: u8,
    /// Whether it is a shared object or program with a dynamic section.
    pub dynamic: bool,
    /// `PT_INTERP`.
    pub interpreter: Option<Vec<u8>>,
    /// `DT_SONAME`.
    pub soname: Option<Vec<u8>>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<Vec<u8>>,
    /// `DT_RPATH`.
    pub rpath: Option<Vec<u8>>,
    /// `DT_RUNPATH`.
    pub runpath: Option<Vec<u8>>,
    /// Version names that it needs of other libraries, `(library, version)`, such as `(libc.so.6, GLIBC_2.34)`.
    pub needs_versions: Vec<(Vec<u8>, Vec<u8>)>,
    /// Version names that it defines itself.
    pub defines_versions: Vec<Vec<u8>>,
}

/// 88 bytes an entry, so that a million of them fit in the memory that a check may use.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    path: Span,
    target: Span,
    content: [u8; 32],
    size: u64,
    mtime: Time,
    uid: u32,
    gid: u32,
    group: u32,
    xattrs: u32,
    facts: u32,
    mode: u16,
    kind: Kind,
    has_content: bool,
    late: bool,
}

/// A piece of the arena of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Span {
    start: u32,
    length: u16,
}

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
        self.records.binary_search_by(|record| compare_paths(span(&self.names, record.path), path))
    }

    fn view<'a>(&'a self, record: &'a Record) -> EntryView<'a> {
        EntryView {
            path: span(&self.names, record.path),
            kind: record.kind,
            mode: record.mode,
            uid: record.uid,
            gid: record.gid,
            size: record.size,
            mtime: record.mtime,
            content: record.has_content.then_some(&record.content),
            target: (record.kind == Kind::Symlink).then(|| span(&self.names, record.target)),
            xattrs: self.xattrs.get(record.xattrs as usize),
            group: (record.group != NONE).then_some(record.group),
            late: record.late,
            facts: self.facts.get(record.facts as usize),
        }
    }
}

fn span(names: &[u8], span: Span) -> &[u8] {
    let start = span.start as usize;
    names.get(start..start + usize::from(span.length)).unwrap_or_default()
}

/// Collects the entries of a layer in the order of its archive, and judges them as one layer at the end
/// (design: collisions, section 3).
#[derive(Debug, Default)]
pub struct IndexBuilder {
    root: Option<Record>,
    whiteouts: Vec<LayerPath>,
    names: Vec<u8>,
    /// In the order of the archive: the place in this list is the sequence number.
    records: Vec<Record>,
    /// Sequence number of a hard link and the path of its target.
    links: Vec<(u32, LayerPath)>,
    xattrs: Vec<XattrSet>,
    known_xattrs: HashMap<XattrSet, u32>,
    facts: Vec<Facts>,
}

impl IndexBuilder {
    /// Adds an entry; `content` is the SHA-256 of a file's content.
    ///
    /// # Errors
    /// `LIMIT_NAMES`: the names of the layer need more than 4 GiB.
    pub fn push(&mut self, entry: &Entry, content: Option<[u8; 32]>, facts: Option<Facts>) -> Result<()> {
        let record = Record {
            path: self.name(entry.path.as_bytes())?,
            target: match &entry.body {
                Body::Symlink { target } => self.name(target)?,
                _ => Span::default(),
            },
            content: content.unwrap_or_default(),
            has_content: content.is_some(),
            size: match entry.body {
                Body::File { size } => size,
                _ => 0,
            },
            mtime: entry.mtime,
            uid: entry.uid,
            gid: entry.gid,
            group: NONE,
            xattrs: self.xattr_set(&entry.xattrs),
            facts: facts.map_or(NONE, |facts| {
                self.facts.push(facts);
                self.facts.len() as u32 - 1
            }),
            mode: if matches!(entry.body, Body::Symlink { .. }) { 0 } else { entry.mode & 0o7777 },
            kind: kind(&entry.body),
            late: false,
        };
        if entry.path.is_root() {
            if self.root.replace(record).is_some() {
                return Err(Error::refused("TAR_DUPLICATE", "the root has two entries"));
            }
            return Ok(());
        }
        if let Body::HardLink { target } = &entry.body {
            self.links.push((self.records.len() as u32, target.clone()));
        }
        self.records.push(record);
        Ok(())
    }

    /// Adds a whiteout, as it is spelled (`dir/.wh.name`); only for a base.
    pub fn push_whiteout(&mut self, path: LayerPath) {
        self.whiteouts.push(path);
    }

    fn name(&mut self, name: &[u8]) -> Result<Span> {
        let too_long = || Error::refused("LIMIT_NAMES", "the names in this layer need more than 4 GiB");
        let start = u32::try_from(self.names.len()).map_err(|_| too_long())?;
        let length = u16::try_from(name.len()).map_err(|_| too_long())?;
        self.names.extend_from_slice(name);
        Ok(Span { start, length })
    }

    fn xattr_set(&mut self, xattrs: &Xattrs) -> u32 {
        let Some(set) = XattrSet::of(xattrs) else { return NONE };
        let next = self.xattrs.len() as u32;
        *self.known_xattrs.entry(set).or_insert_with_key(|set| {
            self.xattrs.push(set.clone());
            next
        })
    }

    /// Sorts the entries and judges them as one layer.
    ///
    /// # Errors
    /// Refused are: a path twice (`TAR_DUPLICATE`; image-spec `layer.md`: MUST NOT), an entry below one that is not a
    /// directory (`TAR_THROUGH_SYMLINK`, `TAR_PARENT_NOT_DIR`), a hard link whose target is not an earlier entry
    /// (`TAR_HARDLINK_TARGET`) or has other metadata (`TAR_HARDLINK_META`).
    pub fn finish(mut self, digest: Digest, diff_id: DiffId) -> Result<LayerIndex> {
        let mut order: Vec<u32> = (0..self.records.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| compare_paths(self.path(a), self.path(b)).then(a.cmp(&b)));
        self.judge_places(&order)?;
        self.join_links(&order)?;
        self.whiteouts.sort();
        let mut records = Vec::with_capacity(order.len());
        records.extend(order.iter().filter_map(|&i| self.records.get(i as usize).cloned()));
        drop(self.records);
        let IndexBuilder { root, whiteouts, names, xattrs, facts, .. } = IndexBuilder { records: Vec::new(), ..self };
        Ok(LayerIndex { digest, diff_id, root, whiteouts, names, records, xattrs, facts })
    }

    fn path(&self, sequence: u32) -> &[u8] {
        self.records.get(sequence as usize).map_or(&[], |record| span(&self.names, record.path))
    }

    /// Duplicates and non-directories with something below them are neighbours in the order; marks late directories.
    fn judge_places(&mut self, order: &[u32]) -> Result<()> {
        let mut above: Vec<u32> = Vec::new();
        let mut late = Vec::new();
        for pair in order.windows(2) {
            let [before, this] = *pair else { continue };
            above.push(before);
            let path = self.path(this);
            while above.last().is_some_and(|&top| !is_below(path, self.path(top))) {
                above.pop();
            }
            let Some(&parent) = above.last() else { continue };
            if self.path(parent) == path {
                return Err(Error::refused("TAR_DUPLICATE", "the layer has this path twice").at(&layer_path(path)));
            }
            match self.records.get(parent as usize).map(|record| record.kind) {
                Some(Kind::Directory) => {}
                found => {
                    let reason =
                        if found == Some(Kind::Symlink) { "TAR_THROUGH_SYMLINK" } else { "TAR_PARENT_NOT_DIR" };
                    let text = format!("lies below {}, which is not a directory", layer_path(self.path(parent)));
                    return Err(Error::refused(reason, text).at(&layer_path(path)));
                }
            }
            // Every directory above it is late if it came after this entry.
            late.extend(above.iter().rev().take_while(|&&top| top > this).copied());
        }
        for sequence in late {
            if let Some(record) = self.records.get_mut(sequence as usize) {
                record.late = true;
            }
        }
        Ok(())
    }

    /// Gives every hard link the facts of its target, and all names of one inode the same group.
    fn join_links(&mut self, order: &[u32]) -> Result<()> {
        let links = std::mem::take(&mut self.links);
        for (sequence, target) in &links {
            let path = layer_path(self.path(*sequence));
            let refuse =
                |reason, text: &str| Error::refused(reason, format!("hard link to {target}: {text}")).at(&path);
            let place = order.binary_search_by(|&i| compare_paths(self.path(i), target.as_bytes()));
            let found = place.ok().and_then(|place| order.get(place)).copied().filter(|&found| found < *sequence);
            let Some(found) = found else {
                return Err(refuse("TAR_HARDLINK_TARGET", "the layer has no such entry before it"));
            };
            let group = match self.records.get(found as usize) {
                Some(record) if record.kind == Kind::Directory => {
                    return Err(refuse("TAR_HARDLINK_TARGET", "is a directory"));
                }
                Some(record) if record.group == NONE => found,
                Some(record) => record.group,
                None => continue,
            };
            let Some(target_record) = self.records.get_mut(found as usize) else { continue };
            target_record.group = group;
            let original = target_record.clone();
            let Some(link) = self.records.get_mut(*sequence as usize) else { continue };
            let same_mode = original.kind == Kind::Symlink || link.mode == original.mode;
            let same_xattrs = link.xattrs == NONE || link.xattrs == original.xattrs;
            if !same_mode || !same_xattrs || (link.uid, link.gid) != (original.uid, original.gid) {
                return Err(refuse("TAR_HARDLINK_META", "has another mode, owner or other xattrs than its target"));
            }
            *link = Record { path: link.path, ..original };
        }
        self.number_groups(order);
        Ok(())
    }

    /// Numbers the groups from 0 in order of path, so that an index does not depend on the order of the archive.
    fn number_groups(&mut self, order: &[u32]) {
        let mut numbers = HashMap::new();
        for &sequence in order {
            let Some(record) = self.records.get_mut(sequence as usize) else { continue };
            if record.group != NONE {
                let next = numbers.len() as u32;
                record.group = *numbers.entry(record.group).or_insert(next);
            }
        }
    }
}

/// A hard link is a file until its target is known.
fn kind(body: &Body) -> Kind {
    match body {
        Body::Directory => Kind::Directory,
        Body::File { .. } | Body::HardLink { .. } => Kind::File,
        Body::Symlink { .. } => Kind::Symlink,
        Body::Fifo => Kind::Fifo,
        Body::CharDevice => Kind::CharDevice,
        Body::BlockDevice => Kind::BlockDevice,
    }
}

/// Whether a path is another or lies below it.
fn is_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn layer_path(bytes: &[u8]) -> LayerPath {
    LayerPath::parse(bytes).unwrap_or_default()
}
