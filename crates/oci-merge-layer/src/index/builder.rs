//! From the entries of an archive, in its order, to the index of one layer.
//!
//! The rules for a single layer (design: collisions, section 3) are judged at the end, on the sorted list: there all
//! entries that can disturb each other are neighbours, so that a million entries need neither a map of paths nor a
//! tree of directories.

use super::arena::{Arena, no_room};
use super::{DROPPED, Facts, HAS_CONTENT, LayerIndex, MAX_TEXTS, NONE, Record, XattrSet};
use crate::judge::Judge;
use crate::{Body, Entry, Kind, Note, Result, Rules};
use oci_merge_image::{DiffId, Digest, LayerPath, compare_paths};

/// Collects the entries of a layer in the order of its archive, and judges them as one layer at the end.
///
/// The default is that of [`Rules::kept`]: nothing is tolerated, which is right for an archive that we wrote.
#[derive(Debug)]
pub struct IndexBuilder {
    judge: Judge,
    pub(super) arena: Arena,
    root: Option<Record>,
    whiteouts: Vec<LayerPath>,
    /// In the order of the archive: the place in this list is the sequence number.
    pub(super) records: Vec<Record>,
    /// Sequence number of a hard link and the path of its target.
    pub(super) links: Vec<(u32, LayerPath)>,
}

impl Default for IndexBuilder {
    fn default() -> IndexBuilder {
        IndexBuilder::new(&Rules::kept(crate::Limits::default()))
    }
}

impl IndexBuilder {
    /// An empty index of a layer that is judged by some rules.
    pub fn new(rules: &Rules) -> IndexBuilder {
        IndexBuilder {
            judge: Judge::new(rules),
            arena: Arena::new(rules.limits.name_bytes),
            root: None,
            whiteouts: Vec::new(),
            records: Vec::new(),
            links: Vec::new(),
        }
    }

    /// Adds an entry; `content` is the SHA-256 of a file's content.
    ///
    /// # Errors
    /// `LIMIT_NAMES`: the names of the layer need more memory than an index may use. `TAR_DUPLICATE`: a second entry
    /// for the root.
    pub fn push(&mut self, entry: &Entry, content: Option<[u8; 32]>, facts: Option<Facts>) -> Result<()> {
        let target = match &entry.body {
            Body::Symlink { target } => target.as_slice(),
            _ => &[],
        };
        let (path, path_length) = self.arena.name(entry.path.as_bytes())?;
        let (target, target_length) = self.arena.name(target)?;
        let record = Record {
            path,
            path_length,
            target,
            target_length,
            content: content.unwrap_or_default(),
            size: match entry.body {
                Body::File { size } => size,
                _ => 0,
            },
            seconds: entry.mtime.seconds,
            nanos: entry.mtime.nanos,
            uid: entry.uid,
            gid: entry.gid,
            group: NONE,
            xattrs: self.arena.xattrs(XattrSet::of(&entry.xattrs))?,
            facts: self.arena.facts(facts)?,
            mode: if matches!(entry.body, Body::Symlink { .. }) { 0 } else { entry.mode & 0o7777 },
            kind: kind(&entry.body),
            flags: if content.is_some() { HAS_CONTENT } else { 0 },
        };
        if entry.path.is_root() {
            return self.set_root(record);
        }
        let sequence = u32::try_from(self.records.len()).ok().filter(|&n| n != NONE).ok_or_else(no_room)?;
        if let Body::HardLink { target } = &entry.body {
            self.arena.spend(size_of::<(u32, LayerPath)>() + target.as_bytes().len())?;
            self.links.push((sequence, target.clone()));
        }
        self.records.push(record);
        Ok(())
    }

    /// Adds a whiteout, as it is spelled (`dir/.wh.name`); only for a base.
    ///
    /// # Errors
    /// `LIMIT_NAMES`, as [`push`](IndexBuilder::push).
    pub fn push_whiteout(&mut self, path: LayerPath) -> Result<()> {
        self.arena.spend(size_of::<LayerPath>() + path.as_bytes().len())?;
        self.whiteouts.push(path);
        Ok(())
    }

    /// Adds what a reader noted about the archive.
    ///
    /// # Errors
    /// The rules want the bytes kept: the first note is a refusal.
    pub fn push_notes(&mut self, notes: &[Note]) -> Result<()> {
        self.judge.adopt(notes)
    }

    /// Sorts the entries and judges them as one layer.
    ///
    /// # Errors
    /// Refused are: a path twice (`TAR_DUPLICATE`; image-spec `layer.md`: MUST NOT), an entry below one that is not a
    /// directory (`TAR_THROUGH_SYMLINK`, `TAR_PARENT_NOT_DIR`), a hard link whose target is not an earlier entry
    /// (`TAR_HARDLINK_TARGET`) or has other metadata (`TAR_HARDLINK_META`). Where the archive may be written anew,
    /// equal directories are one, with a note. Of a base, all of it is noted: the last entry for a path counts.
    pub fn finish(mut self, digest: Digest, diff_id: DiffId) -> Result<LayerIndex> {
        let mut order: Vec<u32> = (0..self.records.len() as u32).collect();
        // Stable, because archives come in long runs that are sorted already.
        order.sort_by(|&a, &b| compare_paths(self.path(a), self.path(b)));
        self.join_duplicates(&mut order)?;
        self.judge_places(&order)?;
        order.retain(|&sequence| self.record(sequence).flags & DROPPED == 0);
        self.join_links(&order)?;
        self.limit_texts(&order);
        self.number_groups(&order);
        self.whiteouts.sort();
        // Copied: the room that a list has for growing is of use to the next layer, but not in pieces between lists that stay.
        let records = order.iter().map(|&sequence| self.record(sequence).clone()).collect();
        let IndexBuilder { root, whiteouts, judge, arena, .. } = self;
        Ok(LayerIndex { digest, diff_id, root, whiteouts, notes: judge.into_notes(), records, arena: arena.close() })
    }

    /// Keeps texts as long as there is room, in order of path, so that an index does not depend on that of the archive.
    fn limit_texts(&mut self, order: &[u32]) {
        let mut room = MAX_TEXTS;
        for &sequence in order {
            let Some(Facts::Text(text)) = self.arena.facts.get(self.record(sequence).facts as usize) else { continue };
            match room.checked_sub(text.len()) {
                Some(left) => room = left,
                None => self.record_mut(sequence).facts = NONE,
            }
        }
    }

    fn set_root(&mut self, record: Record) -> Result<()> {
        if let Some(before) = self.root.replace(record) {
            let same = self.root.as_ref().is_some_and(|after| same_metadata(&before, after));
            self.odd(same, "TAR_DUPLICATE", &LayerPath::root(), || "the layer has the root twice".into())?;
        }
        Ok(())
    }

    /// Something about an entry that a strict reading refuses.
    pub(super) fn odd(
        &mut self,
        harmless: bool,
        reason: &'static str,
        path: &LayerPath,
        text: impl FnOnce() -> String,
    ) -> Result<()> {
        let judged = if harmless { self.judge.harmless(reason, text) } else { self.judge.ambiguous(reason, text) };
        self.judge.place(Some(path));
        judged.map_err(|error| error.at(path))
    }

    /// The path of the entry with a sequence number.
    pub(super) fn path(&self, sequence: u32) -> &[u8] {
        self.record(sequence).path(&self.arena.names)
    }

    pub(super) fn record(&self, sequence: u32) -> &Record {
        &self.records[sequence as usize]
    }

    pub(super) fn record_mut(&mut self, sequence: u32) -> &mut Record {
        &mut self.records[sequence as usize]
    }
}

/// Whether two directories are one directory: all that counts but the time.
pub(super) fn same_metadata(a: &Record, b: &Record) -> bool {
    let metadata = |r: &Record| (r.kind, r.mode, r.uid, r.gid, r.xattrs);
    metadata(a) == metadata(b)
}

/// A path that is in the arena, for a message.
pub(super) fn layer_path(bytes: &[u8]) -> LayerPath {
    LayerPath::parse(bytes).unwrap_or_default()
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
