//! Reading what should be small, and no more of it than that.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// All bytes of a reader.
///
/// # Errors
/// `InvalidData` if there are more than `limit`.
pub(crate) fn read_all(reader: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// All bytes of a file.
///
/// # Errors
/// It cannot be read, or `InvalidData` if it has more than `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_all(File::open(path)?, limit)
}
