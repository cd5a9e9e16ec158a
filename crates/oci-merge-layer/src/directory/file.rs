//! One file, opened once, and its content.

use super::level::Levels;
use super::stamp::Stamp;
use crate::{Error, ErrorKind, Result};
use rustix::fs::{Mode, OFlags, openat};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{self, Read};

/// A regular file that is open.
pub(super) struct OpenFile {
    file: File,
    name: CString,
    stamp: Stamp,
    /// Bytes that are still to come.
    left: u64,
    /// Whether it was looked at once more after the last byte.
    is_checked: bool,
}

impl OpenFile {
    /// Opens a file, which has to be what it was a moment ago.
    pub(super) fn open(levels: &Levels, name: &CStr, stamp: Stamp) -> Result<OpenFile> {
        // If a FIFO has taken its place, this neither waits for somebody to write nor lets the stamps agree.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = openat(levels.fd(), name, flags, Mode::empty()).map_err(|errno| levels.failed(name, errno))?;
        if Stamp::of_open(&fd).map_err(|errno| levels.failed(name, errno))? != stamp {
            return Err(levels.changed(name));
        }
        Ok(OpenFile { file: fd.into(), name: name.to_owned(), stamp, left: stamp.size, is_checked: false })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Its content; an error if that is longer or shorter than it was said to be, or if anything has changed when
    /// the last byte was read.
    pub(super) fn content<'a>(&'a mut self, levels: &'a Levels) -> Content<'a> {
        Content { file: self, levels }
    }
}

/// The content of a file.
pub(super) struct Content<'a> {
    file: &'a mut OpenFile,
    levels: &'a Levels,
}

impl Content<'_> {
    fn check_unchanged(&mut self) -> Result<()> {
        let name = &self.file.name;
        let more = self.file.file.read(&mut [0]).map_err(|error| self.unreadable(error))?;
        // By its name, so that a file that was replaced is noticed as well as one that was written to.
        let (now, _) = Stamp::of(self.levels.fd(), name).map_err(|errno| self.levels.failed(name, errno))?;
        if now != self.file.stamp {
            return Err(self.levels.changed(name));
        }
        if more > 0 {
            return Err(self.wrong_length("more"));
        }
        Ok(())
    }

    /// Nothing about the file has changed, and yet: so are those of /proc.
    fn wrong_length(&self, which: &str) -> Error {
        let text = format!("holds {which} than the {} bytes that it is said to have", self.file.stamp.size);
        Error::new(ErrorKind::Changed, text).in_file(self.levels.host_path(&self.file.name))
    }

    fn unreadable(&self, error: io::Error) -> Error {
        Error::io("cannot be read", error).in_file(self.levels.host_path(&self.file.name))
    }
}

impl Read for Content<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.file.left).unwrap_or(usize::MAX);
        let length = out.len().min(left);
        let read = match out.get_mut(..length) {
            Some(room) if length > 0 => match self.file.file.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                result => result.map_err(|error| self.unreadable(error))?,
            },
            _ => 0,
        };
        if length > 0 && read == 0 {
            // Shorter than it was, or than it ever said.
            self.check_unchanged()?;
            return Err(self.wrong_length("less").into());
        }
        self.file.left -= read as u64;
        if self.file.left == 0 && !std::mem::replace(&mut self.file.is_checked, true) {
            self.check_unchanged()?;
        }
        Ok(read)
    }
}
