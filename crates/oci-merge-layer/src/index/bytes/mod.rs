//! The canonical bytes of a path index (media type [`MEDIA_TYPE`]).
//!
//! gzip of lines, each a JSON object with sorted keys and without spaces: a head, the entries in order of path, then
//! the whiteouts of a base. What has its usual value is left out: owner 0, no xattrs, no facts. Names are text where
//! they are UTF-8 and `{"hex":…}` where they are not. There is one form only: reading refuses any other, by writing
//! what it read again.
//!
//! ```text
//! {"diff_id":"sha256:…","digest":"sha256:…","entries":2,"reader":3,"whiteouts":0}
//! {"kind":"directory","mode":"0755","mtime":0,"path":"opt"}
//! {"content":"2cf2…","kind":"file","mode":"0644","mtime":0,"path":"opt/greeting","size":5}
//! ```

mod line;
#[cfg(test)]
mod tests;
mod text;

use super::arena::Arena;
use super::{HAS_CONTENT, LATE, LayerIndex, MAX_TEXTS, NONE, Record};
use crate::archive::{Container, Unpacked};
use crate::compressor::Level;
use crate::compressor::gzip;
use crate::{Error, ErrorKind, Kind, Limits, Result, Rules};
use crc32fast::Hasher;
use line::{Head, Line, WhiteoutLine};
use oci_merge_image::{LayerPath, compare_paths};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cmp::Ordering;
use std::io::{BufRead, BufReader, Read};

/// The media type of the bytes of a path index.
pub const MEDIA_TYPE: &str = "application/vnd.oci-merge.index.v1";

/// The version of the reader: higher whenever it accepts other archives, or says something else about one.
pub const READER_VERSION: u32 = 3;

/// Bytes that are compressed at once; and room for what comes of them, always the same, for zlib-rs depends on it.
const BLOCK: usize = 1 << 20;
const OUTPUT: usize = BLOCK + BLOCK / 8 + (1 << 10);
/// Longest line, in bytes. The facts of one file may be long.
const MAX_LINE: u64 = 64 << 20;

impl LayerIndex {
    /// The canonical bytes: the same for every archive with the same entries, digest and diff_id.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut lines = Lines::default();
        lines.write(&Head::of(self));
        self.entries().for_each(|entry| lines.write(&Line::of(entry)));
        self.whiteouts.iter().for_each(|path| lines.write(&WhiteoutLine::of(path)));
        lines.finish()
    }

    /// Reads canonical bytes, as strictly as an archive: they may come from anybody.
    ///
    /// Memory is that of the [default limits](Limits). What it says about the layer is believed: whether to believe
    /// it is for the caller to know.
    ///
    /// # Errors
    /// The bytes are not canonical, say what no reader would say, or come from another version of the reader
    /// ([`READER_VERSION`]).
    pub fn from_bytes(bytes: &[u8]) -> Result<LayerIndex> {
        let rules = Rules::kept(Limits::default());
        if !bytes.starts_with(&gzip::HEADER) {
            return Err(refuse(0, "does not begin like one"));
        }
        let unpacked = Unpacked::new(Container::Gzip, bytes, &rules)?;
        let mut reader = Reader { lines: BufReader::new(unpacked), line: Vec::new(), number: 0 };
        let head: Head = reader.read()?;
        if head.reader != READER_VERSION {
            return Err(refuse(
                1,
                &format!("comes from version {} of the reader, this is {READER_VERSION}", head.reader),
            ));
        }
        if head.entries > rules.limits.entries || head.whiteouts > rules.limits.entries {
            return Err(refuse(1, "has more entries than a layer may have"));
        }
        let mut arena = Arena::new(rules.limits.name_bytes);
        let notes = head.notes()?;
        let root = match head.root {
            Some(line) if line.path.is_empty() && line.is_directory() => Some(line.into_record(&mut arena)?),
            None => None,
            Some(_) => return Err(refuse(1, "has a root that is none")),
        };
        let mut records: Vec<Record> = Vec::new();
        let mut groups = Groups::default();
        let mut texts = 0;
        for _ in 0..head.entries {
            let line: Line = reader.read()?;
            line.judge(notes.is_empty()).map_err(|why| refuse(reader.number, why))?;
            if let Some(before) = records.last()
                && compare_paths(before.path(&arena.names), &line.path) != Ordering::Less
            {
                return Err(refuse(reader.number, "is not in order of path"));
            }
            texts += line.text_length();
            if texts > MAX_TEXTS {
                return Err(refuse(reader.number, "keeps more text than an index may"));
            }
            let record = line.into_record(&mut arena)?;
            groups.join(&record, notes.is_empty()).map_err(|why| refuse(reader.number, why))?;
            records.push(record);
        }
        if notes.is_empty() && !has_only_directories_above(&records, &arena) {
            return Err(refuse(0, "has entries below what is not a directory"));
        }
        let mut whiteouts: Vec<LayerPath> = Vec::new();
        for _ in 0..head.whiteouts {
            let line: WhiteoutLine = reader.read()?;
            let path = line.into_path().map_err(|why| refuse(reader.number, why))?;
            arena.spend(size_of::<LayerPath>() + path.as_bytes().len())?;
            if whiteouts.last().is_some_and(|before| before > &path) {
                return Err(refuse(reader.number, "is not in order of path"));
            }
            whiteouts.push(path);
        }
        groups.finish().map_err(|why| refuse(0, why))?;
        reader.finish()?;
        let (digest, diff_id) = (head.digest, head.diff_id);
        Ok(LayerIndex { digest, diff_id, root, whiteouts, notes, records, arena: arena.close() })
    }
}

/// Whether all that lies below an entry lies below a directory; the records are in order.
fn has_only_directories_above(records: &[Record], arena: &Arena) -> bool {
    records.windows(2).all(|pair| {
        let [before, after] = pair else { return true };
        before.kind == Kind::Directory
            || !after
                .path(&arena.names)
                .strip_prefix(before.path(&arena.names))
                .is_some_and(|rest| rest.starts_with(b"/"))
    })
}

/// Link groups are numbered in the order of their first members, and have two members at least.
#[derive(Default)]
struct Groups {
    /// The first member of each, and how many there are.
    first: Vec<(Record, u32)>,
}

impl Groups {
    /// Takes the next record; `strict` if the archive has no notes, for then the members are one inode.
    fn join(&mut self, record: &Record, strict: bool) -> std::result::Result<(), &'static str> {
        if record.group == NONE {
            return Ok(());
        }
        let known = self.first.len();
        match self.first.get_mut(record.group as usize) {
            Some((first, count)) => {
                *count += 1;
                let inode = |r: &Record| {
                    let has_content = r.flags & HAS_CONTENT;
                    (r.kind, r.mode, r.uid, r.gid, r.size, r.content, has_content, r.seconds, r.nanos, r.xattrs)
                };
                if strict && inode(first) != inode(record) { Err("is a link to an entry that differs") } else { Ok(()) }
            }
            None if record.group as usize == known && record.kind != Kind::Directory => {
                self.first.push((record.clone(), 1));
                Ok(())
            }
            None => Err("has a link group that is not the next"),
        }
    }

    fn finish(&self) -> std::result::Result<(), &'static str> {
        if self.first.iter().all(|&(_, count)| count > 1) { Ok(()) } else { Err("has a link group of one") }
    }
}

/// Lines on their way into gzip.
#[derive(Default)]
struct Lines {
    block: Vec<u8>,
    output: Vec<u8>,
    crc: Hasher,
    length: u64,
}

impl Lines {
    #[expect(clippy::expect_used, reason = "memory takes every byte, and keys are strings")]
    fn write(&mut self, line: &impl Serialize) {
        serde_json::to_writer(&mut self.block, line).expect("a line of an index is JSON");
        self.block.push(b'\n');
        while self.block.len() >= BLOCK {
            let rest = self.block.split_off(BLOCK);
            let block = std::mem::replace(&mut self.block, rest);
            self.compress(&block, false);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let block = std::mem::take(&mut self.block);
        self.compress(&block, true);
        self.output.extend(gzip::trailer(self.crc.finalize(), self.length));
        self.output
    }

    #[expect(clippy::expect_used, reason = "the room for the output is more than deflate ever needs")]
    fn compress(&mut self, block: &[u8], last: bool) {
        if self.output.is_empty() {
            self.output.extend(gzip::HEADER);
        }
        self.crc.update(block);
        self.length += block.len() as u64;
        let mut output = vec![0; OUTPUT];
        let length = gzip::deflate(Level::DEFAULT, &[], block, &mut output, last).expect("deflate takes a block");
        self.output.extend(output.get(..length).unwrap_or_default());
    }
}

/// Lines on their way out of gzip.
struct Reader<R> {
    lines: BufReader<R>,
    line: Vec<u8>,
    number: u64,
}

impl<R: Read> Reader<R> {
    /// The next line, which has to be spelled as it would be written.
    fn read<T: DeserializeOwned + Serialize>(&mut self) -> Result<T> {
        self.number += 1;
        self.line.clear();
        self.lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        let text = self.line.strip_suffix(b"\n").ok_or_else(|| refuse(self.number, "is cut, or too long"))?;
        let value: T =
            serde_json::from_slice(text).map_err(|error| refuse(self.number, &format!("is not one: {error}")))?;
        let again = serde_json::to_vec(&value).unwrap_or_default();
        if again != text {
            return Err(refuse(self.number, "is spelled in another way than the one that there is"));
        }
        Ok(value)
    }

    /// Nothing may follow.
    fn finish(mut self) -> Result<()> {
        let more = self.lines.fill_buf()?;
        if more.is_empty() { Ok(()) } else { Err(refuse(self.number + 1, "follows the last")) }
    }
}

fn refuse(line: u64, why: &str) -> Error {
    let place = if line == 0 { "it".to_owned() } else { format!("line {line}") };
    Error::new(ErrorKind::Index, format!("not a path index: {place} {}", oci_merge_image::shown(why)))
}
