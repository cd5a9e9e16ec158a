//! What a layer was compressed to before: blocks that are the same again are taken over instead of compressed again.
//!
//! This saves time and decides about nothing. A compressor makes the same of the same block, and one that is taken over is
//! unpacked and compared first: a table that lies, or a blob that the disk changed, costs the time that it would have saved.

#[cfg(test)]
mod tests;

use super::{Compressor, gzip};
use oci_merge_image::Digest;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Which blocks a blob was compressed to, in their order: about 200 bytes, as JSON, for each MiB of the tar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// [`Compressor::version`]: others make other bytes.
    version: String,
    rows: Vec<Row>,
}

/// A block, and what it was compressed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    of: Key,
    output: Sum,
}

/// What a block is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Key {
    input: Sum,
    /// The digest of what the block may refer to.
    before: Digest,
    /// The last block of a stream ends otherwise.
    is_last: bool,
}

/// What tells bytes from others, if nobody means to deceive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Sum {
    crc: u32,
    length: u32,
}

impl Blocks {
    /// Of a stream that begins.
    pub(super) fn new(compressor: Compressor) -> Blocks {
        Blocks { version: compressor.version(), rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether there are none: what was compressed otherwise than by gzip is not kept track of.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Key {
    /// Of a block with this CRC-32.
    pub(super) fn new(crc: u32, before: &[u8], input: &[u8], is_last: bool) -> Key {
        Key { input: Sum { crc, length: input.len() as u32 }, before: Digest::of(before), is_last }
    }

    /// The block was compressed to this.
    pub(super) fn row(self, output: &[u8]) -> Row {
        Row { of: self, output: Sum::of(output) }
    }
}

impl Sum {
    fn of(bytes: &[u8]) -> Sum {
        Sum { crc: crc32fast::hash(bytes), length: bytes.len() as u32 }
    }
}

/// A blob that was compressed before, to take blocks over from.
#[derive(Clone)]
pub struct Earlier(Arc<Known>);

struct Known {
    version: String,
    blob: File,
    /// The offset and the sum of what each block was compressed to.
    places: HashMap<Key, (u64, Sum)>,
}

impl Earlier {
    /// A blob, and the blocks that it was made of.
    pub fn new(blob: File, blocks: Blocks) -> Earlier {
        let Blocks { version, rows } = blocks;
        let mut offset = gzip::HEADER.len() as u64;
        let place = |Row { of, output }| {
            let place = (offset, output);
            offset = offset.saturating_add(output.length.into());
            (of, place)
        };
        Earlier(Arc::new(Known { version, blob, places: rows.into_iter().map(place).collect() }))
    }

    /// Whether this compressor makes the same of the same block.
    pub(super) fn is_of(&self, compressor: Compressor) -> bool {
        self.0.version == compressor.version()
    }

    /// Puts what a block was compressed to at the start of `output`, and says how many bytes that are; `None` if the blob
    /// does not have it.
    pub(super) fn take(&self, block: &Key, before: &[u8], input: &[u8], output: &mut [u8]) -> Option<usize> {
        let (offset, sum) = self.0.places.get(block)?;
        let bytes = output.get_mut(..sum.length as usize)?;
        self.0.blob.read_exact_at(bytes, *offset).ok()?;
        (Sum::of(bytes) == *sum && gzip::inflates_to(bytes, before, input, block.is_last)).then_some(bytes.len())
    }
}

impl fmt::Debug for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Earlier").field("blocks", &self.0.places.len()).finish_non_exhaustive()
    }
}
