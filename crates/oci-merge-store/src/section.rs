//! A part of a file as a reader of its own: many can read one file at once.

use crate::Error;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Reads a part of a file; never moves the file's own position.
pub(crate) struct Section {
    file: Arc<File>,
    place: Arc<str>,
    /// Where the part begins in the file, and how long it is.
    offset: u64,
    length: u64,
    /// How far it was read.
    at: u64,
}

impl Section {
    /// `length` bytes from `offset`, or fewer where the file ends; `place` names the file in errors.
    pub(crate) fn new(file: Arc<File>, place: impl Into<Arc<str>>, offset: u64, length: u64) -> Section {
        Section { file, place: place.into(), offset, length, at: 0 }
    }

    /// All of a file from its beginning, however long it turns out to be.
    pub(crate) fn whole(file: File, place: impl Into<Arc<str>>) -> Section {
        Section::new(Arc::new(file), place, 0, u64::MAX)
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.at);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let space = buffer.get_mut(..most).unwrap_or_default();
        let count = match self.file.read_at(space, self.offset.saturating_add(self.at)) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            other => other.map_err(|e| Error::disk(&*self.place, "reading", e))?,
        };
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }
}

impl Seek for Section {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
