//! The one form of tar that we write: ustar (POSIX.1-1988), with PAX records (POSIX.1-2001) only for what ustar
//! cannot say.
//!
//! Every reader that we know of agrees about it: [`scan`](crate::scan), Go's archive/tar, GNU tar, Python's tarfile,
//! Rust's tar, libarchive. An entry always becomes the same bytes.

mod header;
mod pax;
#[cfg(test)]
mod tests;

use crate::{Body, Entry, Error, ErrorKind, Result};
use std::io::Write;

const BLOCK: u64 = 512;
const ZEROS: [u8; 1024] = [0; 1024];

/// Writes a tar: for each entry [`begin`](TarWriter::begin), then the content of a file in any number of pieces.
pub(crate) struct TarWriter<W> {
    out: W,
    /// Bytes of content that the entry still lacks.
    left: u64,
    /// Zero bytes that must follow the content.
    padding: usize,
    written: u64,
}

impl<W: Write> TarWriter<W> {
    pub(crate) fn new(out: W) -> TarWriter<W> {
        TarWriter { out, left: 0, padding: 0, written: 0 }
    }

    /// How many bytes were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// What the archive is written to. Between the last piece of a content and the next entry it has all that belongs to
    /// the entries so far.
    pub(crate) fn output(&mut self) -> &mut W {
        &mut self.out
    }

    /// Writes the header of an entry.
    pub(crate) fn begin(&mut self, entry: &Entry) -> Result<()> {
        self.check_complete()?;
        let records = pax::records(entry)?;
        if !records.is_empty() {
            self.put(header::of_records(records.len() as u64).as_bytes())?;
            self.put(&records)?;
            self.pad(records.len() as u64)?;
        }
        self.put(header::of(entry).as_bytes())?;
        if let Body::File { size } = entry.body {
            self.left = size;
            self.padding = padding(size);
        }
        Ok(())
    }

    /// Writes the next bytes of a file.
    pub(crate) fn content(&mut self, bytes: &[u8]) -> Result<()> {
        self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| wrong_length("more"))?;
        self.put(bytes)?;
        if self.left == 0 {
            let padding = std::mem::take(&mut self.padding);
            self.put(ZEROS.get(..padding).unwrap_or_default())?;
        }
        Ok(())
    }

    /// Writes the end of the archive, and gives the writer back.
    pub(crate) fn finish(mut self) -> Result<W> {
        self.check_complete()?;
        self.put(&ZEROS)?;
        Ok(self.out)
    }

    fn check_complete(&self) -> Result<()> {
        if self.left > 0 { Err(wrong_length("less")) } else { Ok(()) }
    }

    fn pad(&mut self, length: u64) -> Result<()> {
        self.put(ZEROS.get(..padding(length)).unwrap_or_default())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| Error::io("the layer cannot be written", error))?;
        self.written += bytes.len() as u64;
        Ok(())
    }
}

/// How many bytes a content of this length lacks to fill its last block.
fn padding(length: u64) -> usize {
    (length.next_multiple_of(BLOCK) - length) as usize
}

/// A source that gives a file of another length than it said has changed while it was read.
fn wrong_length(found: &str) -> Error {
    Error::new(ErrorKind::Changed, format!("a file has {found} bytes than its size said"))
}
