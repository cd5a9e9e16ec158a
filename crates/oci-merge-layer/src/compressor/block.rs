//! One block: a stretch of the tar that is compressed by itself.

use super::earlier::{Earlier, Key, Row};
use super::{Compressor, gzip};
use crc32fast::Hasher;
use std::io;

/// The most bytes of the tar in a block.
pub(super) const BLOCK: usize = 1 << 20;
/// Deflate adds 5 bytes to every 64 KiB at worst, zstd less; this is far beyond either, and never filled.
pub(super) const OUTPUT: usize = BLOCK + BLOCK / 8 + (1 << 10);

/// The memory of one block, used again and again. The default has none.
#[derive(Default)]
pub(super) struct Block {
    /// The tar's bytes.
    pub(super) input: Vec<u8>,
    /// What lies before the input, as far back as it may be referred to.
    pub(super) before: Vec<u8>,
    /// The CRC-32 of the input; gzip's only.
    pub(super) crc: Hasher,
    /// Always of one length, for what zlib-rs writes depends on it.
    output: Box<[u8]>,
    written: usize,
    /// How it is known again; gzip's only.
    pub(super) row: Option<Row>,
}

impl Block {
    pub(super) fn new() -> Block {
        Block {
            input: Vec::with_capacity(BLOCK),
            before: Vec::with_capacity(gzip::WINDOW),
            crc: Hasher::new(),
            output: vec![0; OUTPUT].into(),
            written: 0,
            row: None,
        }
    }

    /// Forgets its content.
    pub(super) fn clear(&mut self) {
        self.input.clear();
        self.before.clear();
        self.crc.reset();
        self.written = 0;
        self.row = None;
    }

    /// Compresses the input, or takes over what it was compressed to before; the `last` block ends the stream.
    pub(super) fn compress(&mut self, compressor: Compressor, earlier: Option<&Earlier>, last: bool) -> io::Result<()> {
        self.written = match compressor {
            Compressor::None => {
                let room = self.output.get_mut(..self.input.len());
                room.ok_or(io::ErrorKind::WriteZero)?.copy_from_slice(&self.input);
                self.input.len()
            }
            Compressor::Gzip(level) => {
                self.crc.update(&self.input);
                let key = Key::new(self.crc.clone().finalize(), &self.before, &self.input, last);
                let taken = earlier.and_then(|e| e.take(&key, &self.before, &self.input, &mut self.output));
                let written = match taken {
                    Some(written) => written,
                    None => gzip::deflate(level, &self.before, &self.input, &mut self.output, last)?,
                };
                self.row = Some(key.row(self.output.get(..written).unwrap_or_default()));
                written
            }
            #[cfg(feature = "zstd")]
            Compressor::Zstd => super::zstd::frame(&self.input, &mut self.output)?,
        };
        Ok(())
    }

    /// The compressed bytes.
    pub(super) fn output(&self) -> &[u8] {
        self.output.get(..self.written).unwrap_or_default()
    }
}
