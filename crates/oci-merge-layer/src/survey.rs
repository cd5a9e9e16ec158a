//! One pass over a layer's blob that yields everything that is ever asked about it.

use crate::{LayerIndex, Result, Rules};
use oci_merge_image::Compression;
use std::io::Read;

/// What one pass over a blob tells. The digest, the diff_id and the notes are those of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Bytes of the blob.
    pub size: u64,
    /// How its tar is compressed.
    pub compression: Compression,
    /// Bytes of the tar.
    pub tar_size: u64,
    /// All entries, bound to the blob's digest and diff_id.
    pub index: LayerIndex,
}

/// Is shown the bytes of one file after the other, and says what each needs to run.
pub trait FactsReader {
    /// A file of so many bytes begins.
    fn begin(&mut self, size: u64);
    /// Its next bytes.
    fn feed(&mut self, bytes: &[u8]);
    /// It ended: what is known of it.
    fn finish(&mut self) -> Option<crate::index::Facts>;
}

/// Reads a layer's blob (a tar, plain or in gzip or zstd) from its first byte to its last.
///
/// # Errors
/// The blob is refused, or the input fails.
pub fn survey(_input: impl Read, _rules: &Rules) -> Result<Survey> {
    todo!()
}
