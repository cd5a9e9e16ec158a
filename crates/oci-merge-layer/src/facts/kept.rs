//! The pieces of a file that are kept while it passes by.

use object::read::ReadRef;
use std::ops::Range;

/// Some ranges of a file, filled as its bytes come.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// In order, without overlap.
    pieces: Vec<Piece>,
    /// How many bytes of the file have passed.
    position: u64,
}

#[derive(Debug)]
struct Piece {
    range: Range<u64>,
    /// The first bytes of the range.
    bytes: Vec<u8>,
}

impl Kept {
    /// Keeps these ranges, in order and without overlap.
    pub(super) fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Kept {
        let pieces = ranges.into_iter().filter(|range| !range.is_empty());
        Kept { pieces: pieces.map(|range| Piece { range, bytes: Vec::new() }).collect(), position: 0 }
    }

    /// The next bytes of the file.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let end = self.position + bytes.len() as u64;
        for piece in &mut self.pieces {
            let from = piece.range.start.max(self.position);
            let to = piece.range.end.min(end);
            if from < to {
                let part = bytes.get((from - self.position) as usize..(to - self.position) as usize);
                piece.bytes.extend_from_slice(part.unwrap_or_default());
            }
        }
        self.position = end;
    }

    /// What was kept of the first range.
    pub(super) fn start(&self) -> &[u8] {
        self.pieces.first().map_or(&[], |piece| &piece.bytes)
    }

    /// How many bytes the first range still lacks.
    pub(super) fn missing_at_start(&self) -> usize {
        self.pieces.first().map_or(0, |piece| (piece.range.end - piece.range.start) as usize - piece.bytes.len())
    }

    /// The bytes from an offset to the end of the piece that holds them.
    fn from(&self, offset: u64) -> Option<&[u8]> {
        let place = self.pieces.partition_point(|piece| piece.range.start <= offset).checked_sub(1)?;
        let piece = self.pieces.get(place)?;
        piece.bytes.get(usize::try_from(offset - piece.range.start).ok()?..)
    }
}

/// So that an ELF file is read as if it were all there: what was not kept is an error.
impl<'a> ReadRef<'a> for &'a Kept {
    fn len(self) -> Result<u64, ()> {
        Ok(self.position)
    }

    fn read_bytes_at(self, offset: u64, size: u64) -> Result<&'a [u8], ()> {
        let size = usize::try_from(size).map_err(|_| ())?;
        self.from(offset).and_then(|bytes| bytes.get(..size)).ok_or(())
    }

    fn read_bytes_at_until(self, range: Range<u64>, delimiter: u8) -> Result<&'a [u8], ()> {
        let size = usize::try_from(range.end.saturating_sub(range.start)).map_err(|_| ())?;
        let bytes = self.from(range.start).ok_or(())?;
        let bytes = bytes.get(..size).unwrap_or(bytes);
        let end = bytes.iter().position(|&b| b == delimiter).ok_or(())?;
        bytes.get(..end).ok_or(())
    }
}
