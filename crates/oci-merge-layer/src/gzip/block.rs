//! One block: a stretch of the tar, deflated by itself, so that its bytes depend on nothing but the tar.
//!
//! What zlib-rs writes depends on more than its input (measured with 0.6.8): after `reset` its tables still hold
//! the block before; at some levels the size of each call's input and output shows. So a block has a fixed size, a
//! fresh compressor, the whole input in one call, and an output buffer of one length.

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress, Status};
use std::io;

/// Bytes of the tar in every block but the last.
pub(super) const BLOCK: usize = 1 << 20;
/// How far back deflate can refer (RFC 1951, section 3.2.5): so much of the block before is its dictionary.
const WINDOW: usize = 32 << 10;
/// Deflate adds 5 bytes to every 64 KiB at worst; this is far beyond it, and never filled.
const OUTPUT: usize = BLOCK + BLOCK / 8 + (1 << 10);

/// The memory of one block, used again and again.
pub(super) struct Block {
    /// The tar's bytes.
    pub(super) input: Vec<u8>,
    /// The last bytes of the block before; empty for the first.
    pub(super) before: Vec<u8>,
    /// Always of one length, for what zlib-rs writes depends on it.
    output: Box<[u8]>,
    written: usize,
    /// Of the input.
    pub(super) crc: Hasher,
}

impl Block {
    /// Memory for a block.
    pub(super) fn new() -> Block {
        Block {
            input: Vec::with_capacity(BLOCK),
            before: Vec::with_capacity(WINDOW),
            output: vec![0; OUTPUT].into(),
            written: 0,
            crc: Hasher::new(),
        }
    }

    /// Forgets its content.
    pub(super) fn clear(&mut self) {
        self.input.clear();
        self.before.clear();
        self.written = 0;
        self.crc.reset();
    }

    /// What the next block may refer to.
    pub(super) fn window(&self) -> &[u8] {
        self.input.get(self.input.len().saturating_sub(WINDOW)..).unwrap_or_default()
    }

    /// The compressed bytes.
    pub(super) fn output(&self) -> &[u8] {
        self.output.get(..self.written).unwrap_or_default()
    }

    /// Deflates the input, up to a byte boundary; the `last` block ends the stream.
    pub(super) fn deflate(&mut self, level: u32, last: bool) -> io::Result<()> {
        self.crc.update(&self.input);
        let mut deflate = Compress::new_with_window_bits(Compression::new(level), false, 15);
        if !self.before.is_empty() {
            deflate.set_dictionary(&self.before).map_err(io::Error::other)?;
        }
        let (flush, expected) =
            if last { (FlushCompress::Finish, Status::StreamEnd) } else { (FlushCompress::Sync, Status::Ok) };
        let status = deflate.compress(&self.input, &mut self.output, flush).map_err(io::Error::other)?;
        self.written = deflate.total_out() as usize;
        if status != expected || deflate.total_in() != self.input.len() as u64 || self.written >= OUTPUT {
            return Err(io::Error::other("the compressor did not take a whole block"));
        }
        Ok(())
    }
}
