//! Sparse files: which pieces of a file an archive holds, and the zeros between them.
//!
//! There are four forms: a map in old GNU headers (type `S`), and three of PAX records (0.0 repeats keys, 0.1 has a
//! list, 1.0 has the map before the content). All are expanded, and none is ever passed through, for runtimes do not
//! take them.

use super::blocks::{BLOCK, is_zero};
use super::header::Header;
use super::number::{self, Number};
use crate::{Error, Limits, Result};
use oci_merge_image::shown;

/// A piece of content: where it stands in the file, and how long it is.
type Piece = (u64, u64);

/// The pieces of a sparse file that the archive holds, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Map {
    pieces: std::collections::VecDeque<Piece>,
    /// Where in the file the next byte stands.
    position: u64,
    /// Bytes of the file.
    size: u64,
}

/// What comes next in a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// So many zeros.
    Zeros(u64),
    /// So many bytes of the archive.
    Stored(u64),
}

impl Map {
    /// A map that says the same to every reader, of a file whose pieces have so many bytes in all.
    fn new(pieces: Vec<Piece>, size: u64, stored: u64) -> Result<Map> {
        let mut end = 0u64;
        let mut sum = 0u64;
        for &(start, length) in &pieces {
            // GNU tar begins each piece at a new block, others do not.
            if !sum.is_multiple_of(BLOCK as u64) && length > 0 {
                return Err(refuse("a piece that is not a whole number of blocks, before another"));
            }
            let after = start.checked_add(length).filter(|&after| start >= end && after <= size);
            end = after.ok_or_else(|| refuse("pieces that overlap, or lie beyond the end"))?;
            sum += length;
        }
        if sum != stored {
            return Err(refuse(&format!("pieces of {sum} bytes in all, though the archive holds {stored}")));
        }
        Ok(Map { pieces: pieces.into_iter().filter(|&(_, length)| length > 0).collect(), position: 0, size })
    }

    /// Bytes of the expanded file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// What comes next; `None` at the end of the file.
    pub(super) fn next(&self) -> Option<Run> {
        match self.pieces.front() {
            Some(&(start, length)) if start <= self.position => Some(Run::Stored(start + length - self.position)),
            Some(&(start, _)) => Some(Run::Zeros(start - self.position)),
            None => Some(Run::Zeros(self.size - self.position)).filter(|_| self.position < self.size),
        }
    }

    /// So many bytes of what comes next were taken.
    pub(super) fn advance(&mut self, count: u64) {
        self.position += count;
        if self.pieces.front().is_some_and(|&(start, length)| start + length <= self.position) {
            self.pieces.pop_front();
        }
    }

    /// The map of an old GNU header, for which `block` gives the blocks that follow.
    pub(super) fn old_gnu(
        header: &Header,
        limits: &Limits,
        mut block: impl FnMut() -> Result<[u8; BLOCK]>,
    ) -> Result<Map> {
        if !is_zero(header.field(369, 17)) || !is_zero(header.field(495, 17)) {
            return Err(refuse("a header with other things between its numbers"));
        }
        let mut pieces = Vec::new();
        let mut more = table(header.field(386, 96), header.field(482, 1), &mut pieces, limits)?;
        while more {
            let block = block()?;
            let (entries, flag) = block.split_at(504);
            more = table(entries, flag.get(..1).unwrap_or_default(), &mut pieces, limits)?;
        }
        Map::new(pieces, field(header.field(483, 12))?, header.size)
    }

    /// The map that stands before the content in form 1.0, for which `block` gives the blocks; and how many bytes of
    /// the content it takes.
    pub(super) fn leading(
        size: u64,
        stored: u64,
        limits: &Limits,
        mut block: impl FnMut() -> Result<[u8; BLOCK]>,
    ) -> Result<(Map, u64)> {
        let mut taken = 0;
        let mut bytes: std::vec::IntoIter<u8> = Vec::new().into_iter();
        let mut number = || {
            let mut digits = Vec::with_capacity(20);
            loop {
                match bytes.next() {
                    Some(b'\n') => return decimal(&digits).map(|number| (number, taken)),
                    Some(byte) if digits.len() < 20 => digits.push(byte),
                    Some(_) => return Err(refuse("a number of more than 20 digits")),
                    None if stored - taken >= BLOCK as u64 => {
                        taken += BLOCK as u64;
                        bytes = block()?.to_vec().into_iter();
                    }
                    None => return Err(refuse("a map that is longer than the content")),
                }
            }
        };
        let (count, mut taken) = number()?;
        let mut pieces = Vec::new();
        for _ in 0..count {
            let (start, _) = number()?;
            let (length, so_far) = number()?;
            push(&mut pieces, (start, length), limits)?;
            taken = so_far;
        }
        Ok((Map::new(pieces, size, stored - taken)?, taken))
    }
}

/// What the `GNU.sparse.*` keys of a PAX header say.
#[derive(Debug, Default)]
pub(super) struct SparseKeys {
    any: bool,
    pub(super) name: Option<Vec<u8>>,
    size: Option<u64>,
    version: (Option<u64>, Option<u64>),
    count: Option<u64>,
    pieces: Option<Vec<Piece>>,
    /// The last offset, until its length follows.
    offset: Option<u64>,
}

/// Which form of sparse file a PAX header is about.
#[derive(Debug)]
pub(super) enum Form {
    /// The header holds the map.
    Listed(Map),
    /// The map comes before the content, of a file of so many bytes.
    Leading(u64),
}

impl SparseKeys {
    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }

    /// Whether there is a map, in the header or before the content.
    pub(super) fn has_map(&self) -> bool {
        self.pieces.is_some() || self.version == (Some(1), Some(0))
    }

    /// Takes a record; whether it is one of those that may be repeated.
    pub(super) fn set(&mut self, key: &[u8], value: &[u8], limits: &Limits) -> Result<bool> {
        self.any = true;
        match key.strip_prefix(b"GNU.sparse.").unwrap_or_default() {
            b"offset" if self.offset.is_none() => self.offset = Some(decimal(value)?),
            b"numbytes" => {
                let offset = self.offset.take().ok_or_else(|| refuse("a length without an offset"))?;
                push(self.pieces.get_or_insert_default(), (offset, decimal(value)?), limits)?;
            }
            once => {
                self.set_once(once, value, limits)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn set_once(&mut self, key: &[u8], value: &[u8], limits: &Limits) -> Result<()> {
        match key {
            b"name" if !value.is_empty() && !value.contains(&0) => self.name = Some(value.to_vec()),
            b"size" | b"realsize" if self.size.is_none() => self.size = Some(decimal(value)?),
            b"major" => self.version.0 = Some(decimal(value)?),
            b"minor" => self.version.1 = Some(decimal(value)?),
            b"numblocks" => self.count = Some(decimal(value)?),
            b"map" if self.pieces.is_none() => {
                let mut numbers = value.split(|&byte| byte == b',');
                let mut pieces = Vec::new();
                while let Some(start) = numbers.next() {
                    let length = numbers.next().ok_or_else(|| refuse("a map with an odd number of numbers"))?;
                    push(&mut pieces, (decimal(start)?, decimal(length)?), limits)?;
                }
                self.pieces = Some(pieces);
            }
            _ => return Err(refuse(&format!("GNU.sparse.{} = \"{}\"", shown(key), shown(value)))),
        }
        Ok(())
    }

    /// The form that they describe together, for a file of which the archive holds so many bytes.
    pub(super) fn form(&mut self, stored: u64) -> Result<Form> {
        let size = self.size.ok_or_else(|| refuse("no size"))?;
        match (self.version, self.pieces.take(), self.count, self.offset) {
            ((Some(1), Some(0)), None, None, None) => Ok(Form::Leading(size)),
            ((None, None) | (Some(0), Some(0 | 1)), Some(pieces), Some(count), None)
                if count == pieces.len() as u64 =>
            {
                Map::new(pieces, size, stored).map(Form::Listed)
            }
            _ => Err(refuse("keys that are those of no known version")),
        }
    }
}

/// Reads the pieces of one table of old GNU's; whether another table follows.
fn table(entries: &[u8], flag: &[u8], pieces: &mut Vec<Piece>, limits: &Limits) -> Result<bool> {
    let mut entries = entries.chunks_exact(24);
    let mut ended = false;
    for entry in &mut entries {
        let (start, length) = entry.split_at(12);
        if is_zero(entry) {
            ended = true;
        } else if ended {
            return Err(refuse("pieces after the end of the map"));
        } else {
            push(pieces, (field(start)?, field(length)?), limits)?;
        }
    }
    match flag {
        [0] => Ok(false),
        [1] if !ended => Ok(true),
        _ => Err(refuse("a map that goes on after its end")),
    }
}

fn push(pieces: &mut Vec<Piece>, piece: Piece, limits: &Limits) -> Result<()> {
    if pieces.len() as u64 >= limits.sparse_pieces {
        let text = format!("a sparse file of more than {} pieces (limit sparse-pieces)", limits.sparse_pieces);
        return Err(Error::refused("LIMIT_SPARSE_PIECES", text));
    }
    pieces.push(piece);
    Ok(())
}

/// A number of an old GNU header.
fn field(field: &[u8]) -> Result<u64> {
    match number::read(field) {
        Number::Is(value) => u64::try_from(value).ok().filter(|&value| value <= 1 << 62),
        Number::Blank | Number::Malformed => None,
    }
    .ok_or_else(|| refuse(&format!("the number \"{}\"", shown(field))))
}

/// A number of a PAX record, or of the map in the content.
fn decimal(digits: &[u8]) -> Result<u64> {
    let well_formed = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| well_formed)
        .and_then(|text| text.parse().ok())
        .filter(|&number| number <= 1 << 62)
        .ok_or_else(|| refuse(&format!("the number \"{}\"", shown(digits))))
}

fn refuse(found: &str) -> Error {
    Error::refused("TAR_SPARSE", format!("a sparse file that readers would expand differently: it has {found}"))
}
