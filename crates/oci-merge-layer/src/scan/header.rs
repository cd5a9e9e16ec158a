//! One header block: its checksum, its format, its numbers.
//!
//! Every number of every header is read, those of extension headers too: Go reads them all and fails on the first
//! bad one, while others never look.

use super::blocks::{BLOCK, is_zero};
use super::number::{self, Number};
use crate::judge::Judge;
use crate::{Error, Result};
use oci_merge_image::shown;
use std::ops::RangeInclusive;

/// Which of the formats a header is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Before POSIX: no magic, nothing after the link name.
    V7,
    /// POSIX, which PAX builds on: a prefix to the name.
    Ustar,
    /// Old GNU.
    Gnu,
    /// Jörg Schilling's star: a shorter prefix than POSIX's. Only of a base.
    Star,
}

/// A header block that was read.
pub(super) struct Header {
    block: [u8; BLOCK],
    pub(super) format: Format,
    pub(super) typeflag: u8,
    pub(super) size: u64,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// Seconds since 1970; any, for PAX may say something else.
    pub(super) mtime: i64,
    /// Major and minor number, of a device.
    pub(super) device: (i64, i64),
}

/// Times that a file system can hold: from 1901 to 2514.
pub(super) const TIMES: RangeInclusive<i64> = -(1 << 31)..=(1 << 34) - 1;
/// Owners: 2^32 - 1 means "leave it" to chown(2).
pub(super) const IDS: RangeInclusive<i64> = 0..=0xffff_fffe;

impl Header {
    /// Reads a block that is not all zeros; `first` if it is the first of the archive.
    pub(super) fn read(block: [u8; BLOCK], first: bool, judge: &mut Judge) -> Result<Header> {
        checksum(&block, first, judge)?;
        let mut header = Header {
            block,
            format: Format::V7,
            typeflag: 0,
            size: 0,
            mode: 0,
            uid: 0,
            gid: 0,
            mtime: 0,
            device: (0, 0),
        };
        header.typeflag = header.byte(156);
        header.format = header.format(judge)?;
        if header.typeflag == b'S' {
            judge.harmless("TAR_SPARSE", || "a sparse file".into())?;
        }
        header.size = header.size(judge)?;
        header.mode = header.number("mode", 100, 8, 0..=0o177_777, judge)? as u32;
        header.uid = header.number("uid", 108, 8, IDS, judge)? as u32;
        header.gid = header.number("gid", 116, 8, IDS, judge)? as u32;
        header.mtime = header.number("mtime", 136, 12, i64::MIN..=i64::MAX, judge)?;
        if header.format != Format::V7 || !is_zero(header.field(329, 16)) {
            header.device.0 = header.number("device number", 329, 8, 0..=1 << 31, judge)?;
            header.device.1 = header.number("device number", 337, 8, 0..=1 << 31, judge)?;
        }
        Ok(header)
    }

    /// Whether the name in it, be it cut or not, ends in a slash.
    pub(super) fn name_ends_in_slash(&self) -> bool {
        self.text(0, 100).ends_with(b"/")
    }

    /// The name as this header spells it.
    pub(super) fn name(&self, out: &mut Vec<u8>) {
        out.clear();
        let prefix = match self.format {
            Format::Ustar => self.text(345, 155),
            Format::Star => self.text(345, 131),
            Format::Gnu => self.gnu_prefix(),
            Format::V7 => &[],
        };
        if !prefix.is_empty() {
            out.extend_from_slice(prefix);
            out.push(b'/');
        }
        out.extend_from_slice(self.text(0, 100));
    }

    /// The link target as this header spells it.
    pub(super) fn link(&self) -> &[u8] {
        self.text(157, 100)
    }

    /// The bytes of a field.
    pub(super) fn field(&self, start: usize, length: usize) -> &[u8] {
        self.block.get(start..start + length).unwrap_or_default()
    }

    fn byte(&self, place: usize) -> u8 {
        self.block.get(place).copied().unwrap_or_default()
    }

    /// A field up to its first NUL.
    fn text(&self, start: usize, length: usize) -> &[u8] {
        self.field(start, length).split(|&byte| byte == 0).next().unwrap_or_default()
    }

    fn format(&self, judge: &mut Judge) -> Result<Format> {
        match self.field(257, 8) {
            b"ustar\x0000" => {
                if self.field(508, 4) == b"tar\0" {
                    judge
                        .ambiguous("TAR_FORMAT", || "a star header: readers disagree how long its prefix is".into())?;
                    return Ok(Format::Star);
                }
                self.is_unused(500, judge)?;
                Ok(Format::Ustar)
            }
            b"ustar  \0" => {
                // A sparse file has its map there, see `sparse`.
                if self.typeflag != b'S' && !is_zero(self.field(345, 167)) {
                    self.judge_gnu_times(judge)?;
                }
                Ok(Format::Gnu)
            }
            _ if is_zero(self.field(257, 255)) => Ok(Format::V7),
            magic => {
                let text = || format!("expected the magic of a tar header, found \"{}\"", shown(magic));
                // Without a prefix, all that depends on the version is whether the header is called ustar. GNU tar's
                // own v7 headers have device numbers.
                let is_bare = is_zero(self.field(345, 167)) && !self.extends();
                let is_gnu_v7 = is_zero(magic) && is_zero(self.field(265, 64));
                if is_bare && (magic == b"ustar\0\0\0" || is_gnu_v7) {
                    judge.harmless("TAR_FORMAT", text)?;
                } else {
                    judge.ambiguous("TAR_FORMAT", text)?;
                }
                Ok(if is_zero(magic) { Format::V7 } else { Format::Ustar })
            }
        }
    }

    /// Whether it says something of the next header.
    fn extends(&self) -> bool {
        matches!(self.typeflag, b'x' | b'g' | b'L' | b'K')
    }

    /// A GNU header may hold two more times; the rest belongs to sparse files and to archives of several volumes.
    fn judge_gnu_times(&self, judge: &mut Judge) -> Result<()> {
        let text = |found: &[u8]| format!("a GNU header with \"{}\" where others have a prefix", shown(found));
        let is_time = |time: &[u8]| is_zero(time) || matches!(number::read(time), Number::Is(_));
        if is_time(self.field(345, 12)) && is_time(self.field(357, 12)) && is_zero(self.field(369, 143)) {
            judge.harmless("TAR_FORMAT", || text(self.text(345, 24)))
        } else {
            judge.ambiguous("TAR_FORMAT", || text(self.text(345, 155)))
        }
    }

    /// What Go takes for a prefix, because its own writer once wrote one there: text that cannot be two times.
    fn gnu_prefix(&self) -> &[u8] {
        let is_time = |time: &[u8]| {
            time.first() == Some(&0)
                || number::read(time) != Number::Malformed
                || number::read_as_go(time) != Number::Malformed
        };
        let prefix = self.text(345, 155);
        if is_time(self.field(345, 12)) && is_time(self.field(357, 12)) || !prefix.is_ascii() { &[] } else { prefix }
    }

    fn is_unused(&self, start: usize, judge: &mut Judge) -> Result<()> {
        let rest = self.field(start, BLOCK - start);
        if is_zero(rest) {
            return Ok(());
        }
        judge.ambiguous("TAR_FORMAT", || format!("expected zeros at the end of the header, found \"{}\"", shown(rest)))
    }

    /// The one number that nobody may guess: a blank size is 0 for some and an error for others.
    fn size(&self, judge: &mut Judge) -> Result<u64> {
        let field = self.field(124, 12);
        let size = match number::read(field) {
            Number::Is(size) => size,
            Number::Blank => {
                let text = || "the size is blank".into();
                // That of a volume's label always is, and no content follows one.
                let is_label = self.typeflag == b'V';
                if is_label {
                    judge.harmless("TAR_NUMBER", text)?
                } else {
                    judge.ambiguous("TAR_NUMBER", text)?
                }
                0
            }
            Number::Malformed => lenient("size", field, judge)?,
        };
        u64::try_from(size).ok().filter(|&size| size <= 1 << 62).ok_or_else(|| {
            Error::refused("TAR_NUMBER", format!("expected a size from 0 to 2^62, found {}", show_field(field)))
        })
    }

    /// A number in its range. Blank is 0; only for device numbers is that what everybody writes.
    fn number(
        &self,
        what: &str,
        start: usize,
        length: usize,
        range: RangeInclusive<i64>,
        judge: &mut Judge,
    ) -> Result<i64> {
        let field = self.field(start, length);
        let value = match number::read(field) {
            Number::Is(value) => value,
            Number::Blank => {
                if start < 329 {
                    judge.harmless("TAR_NUMBER", || format!("the {what} is blank"))?;
                }
                0
            }
            Number::Malformed => lenient(what, field, judge)?,
        };
        if range.contains(&value) {
            return Ok(value);
        }
        judge.ambiguous("TAR_NUMBER", || {
            format!("expected a {what} from {} to {}, found {value}", range.start(), range.end())
        })?;
        Ok(value.clamp(*range.start(), *range.end()))
    }
}

/// What Go makes of a field that not all readers understand; a refusal if even Go does not.
fn lenient(what: &str, field: &[u8], judge: &mut Judge) -> Result<i64> {
    let text = || format!("expected a number for the {what}, found {}", show_field(field));
    match number::read_as_go(field) {
        Number::Is(value) => judge.ambiguous("TAR_NUMBER", text).map(|()| value),
        Number::Blank | Number::Malformed => Err(Error::refused("TAR_NUMBER", text())),
    }
}

fn show_field(field: &[u8]) -> String {
    format!("\"{}\"", shown(field))
}

/// The sum of all bytes, those of the checksum itself taken for spaces; unsigned, though Go takes a signed one too.
fn checksum(block: &[u8; BLOCK], first: bool, judge: &mut Judge) -> Result<()> {
    let (before, rest) = block.split_at(148);
    let (field, after) = rest.split_at(8);
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    let expected = i64::from(sum(before) + sum(after) + 8 * u32::from(b' '));
    let found = number::read(field);
    if found == Number::Is(expected) && field.first().is_some_and(|first| first & 0x80 == 0) {
        return Ok(());
    }
    if judge.is_base() {
        let signed = |bytes: &[u8]| bytes.iter().map(|&byte| i64::from(byte as i8)).sum::<i64>();
        let value = number::read_as_go(field);
        if value == Number::Is(expected) || value == Number::Is(signed(before) + signed(after) + 256) {
            return judge
                .ambiguous("TAR_CHECKSUM", || "the header has a checksum that only some readers accept".into());
        }
    }
    if first {
        let start = block.get(..32).unwrap_or_default();
        return Err(Error::refused("NOT_A_TAR", format!("expected a tar, found \"{}\"…", shown(start))));
    }
    let found = show_field(field);
    Err(Error::refused("TAR_CHECKSUM", format!("expected the header's checksum {expected:o} (octal), found {found}")))
}
