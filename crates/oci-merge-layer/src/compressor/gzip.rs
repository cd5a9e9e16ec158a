//! gzip (RFC 1952): one member made of blocks that were deflated (RFC 1951) apart.
//!
//! What zlib-rs writes depends on more than its input (measured with 0.6.8): after a `reset` its tables still know
//! the block before, and at some levels the size of the pieces of input and output shows. So each block has a fresh
//! compressor, which gets the whole input in one call and an output buffer of one fixed length.

use super::Level;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
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

/// Whether these bytes are a block that inflates to this input, and nothing else.
pub(super) fn inflates_to(bytes: &[u8], before: &[u8], input: &[u8], last: bool) -> bool {
    let mut decompress = Decompress::new(false);
    if !before.is_empty() && decompress.set_dictionary(before).is_err() {
        return false;
    }
    let mut piece = vec![0; WINDOW];
    loop {
        let (read, made) = (decompress.total_in() as usize, decompress.total_out() as usize);
        let Ok(status) =
            decompress.decompress(bytes.get(read..).unwrap_or_default(), &mut piece, FlushDecompress::None)
        else {
            return false;
        };
        let length = decompress.total_out() as usize - made;
        if input.get(made..made + length) != piece.get(..length) {
            return false;
        }
        let is_stuck = length == 0 && decompress.total_in() as usize == read;
        if status == Status::StreamEnd || is_stuck {
            let is_whole = decompress.total_in() == bytes.len() as u64 && made + length == input.len();
            return is_whole && last == (status == Status::StreamEnd);
        }
    }
}
