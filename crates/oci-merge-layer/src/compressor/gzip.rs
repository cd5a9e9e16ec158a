//! gzip (RFC 1952): one member made of blocks that were deflated (RFC 1951) apart.
//!
//! What zlib-rs writes depends on more than its input (measured with 0.6.8): after a `reset` its tables still know
//! the block before, and at some levels the size of the pieces of input and output shows. So each block has a fresh
//! compressor, which gets the whole input in one call and an output buffer of one fixed length.

use super::Level;
use flate2::{Compress, Compression, FlushCompress, Status};
use std::io;

/// How far back deflate can refer (RFC 1951, section 2): so much of the block before is a block's dictionary.
pub(super) const WINDOW: usize = 32 << 10;

/// A member without name, time or system (RFC 1952, section 2.3): all three would tell layers apart that are equal.
pub(crate) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// What ends a member: the CRC-32 and the length modulo 2^32 of what was compressed.
pub(crate) fn trailer(crc: u32, length: u64) -> [u8; 8] {
    (u64::from(crc) | length << 32).to_le_bytes()
}

/// Deflates a block up to a byte boundary, so that the next can follow. Returns how many bytes it wrote.
pub(crate) fn deflate(level: Level, before: &[u8], input: &[u8], output: &mut [u8], last: bool) -> io::Result<usize> {
    let mut compress = Compress::new_with_window_bits(Compression::new(level.number().into()), false, 15);
    if !before.is_empty() {
        compress.set_dictionary(before).map_err(io::Error::other)?;
    }
    let (flush, expected) =
        if last { (FlushCompress::Finish, Status::StreamEnd) } else { (FlushCompress::Sync, Status::Ok) };
    let status = compress.compress(input, output, flush).map_err(io::Error::other)?;
    let written = compress.total_out() as usize;
    if status != expected || compress.total_in() != input.len() as u64 || written >= output.len() {
        return Err(io::Error::other("zlib-rs did not take a whole block"));
    }
    Ok(written)
}
