//! A directory that is held open. Everything in it is reached by name from here and never through a symbolic link,
//! so nobody who can write to it can make us read or write elsewhere.

use crate::{Error, ErrorKind, Result};
use oci_merge_image::shown;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// An open directory, and the path that it had.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// Opens a directory that the user named; this path may go through links.
    pub(crate) fn open(path: &Path) -> Result<Directory> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(fd) => Ok(Directory { fd, path: path.to_owned() }),
            Err(Errno::NOENT) => Err(Error::not_found(&shown_path(path), "the directory")),
            Err(e) => Err(Error::disk(shown_path(path), "opening", e.into())),
        }
    }

    /// A directory in this one; `None` if there is no such name.
    pub(crate) fn inside(&self, name: &str) -> Result<Option<Directory>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => Ok(Some(Directory { fd, path: self.path.join(name) })),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => Err(self.unfit(name, "a directory")),
            Err(e) => Err(self.failed(name, "opening", e.into())),
        }
    }

    /// A directory in this one, which is made if there is none.
    pub(crate) fn make(&self, name: &str) -> Result<Directory> {
        loop {
            if let Some(there) = self.inside(name)? {
                return Ok(there);
            }
            step();
            match rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o777)) {
                Ok(()) => self.sync()?,
                Err(Errno::EXIST) => {}
                Err(e) => return Err(self.failed(name, "making the directory", e.into())),
            }
        }
    }

    /// A regular file and its size; `None` if there is no such name. A FIFO or device is not waited for.
    pub(crate) fn file(&self, name: &str) -> Result<Option<(File, u64)>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file: File = match rustix::fs::openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NXIO) => return Err(self.unfit(name, "a regular file")),
            Err(e) => return Err(self.failed(name, "opening", e.into())),
        };
        let facts = file.metadata().map_err(|e| self.failed(name, "looking at", e))?;
        if !facts.is_file() {
            return Err(self.unfit(name, "a regular file"));
        }
        Ok(Some((file, facts.len())))
    }

    /// A new file for reading and writing; fails if the name is taken, by a link too.
    pub(crate) fn create_new(&self, name: &OsStr) -> io::Result<File> {
        step();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    /// A file for reading and writing, which is made if there is none.
    pub(crate) fn open_or_create(&self, name: &str) -> Result<File> {
        step();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o666)) {
            Ok(fd) => Ok(fd.into()),
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => Err(self.unfit(name, "a regular file")),
            Err(e) => Err(self.failed(name, "opening", e.into())),
        }
    }

    /// Gives a file or directory another name, here or in another directory of the same filesystem.
    pub(crate) fn rename(&self, name: &OsStr, to: &Directory, new: &OsStr) -> io::Result<()> {
        step();
        Ok(rustix::fs::renameat(&self.fd, name, &to.fd, new)?)
    }

    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        step();
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_empty(&self, name: &str) -> io::Result<()> {
        step();
        Ok(rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)?)
    }

    /// Makes the names in this directory survive a loss of power.
    pub(crate) fn sync(&self) -> Result<()> {
        step();
        rustix::fs::fsync(&self.fd).map_err(|e| Error::disk(shown_path(&self.path), "syncing", e.into()))
    }

    /// The names in this directory, sorted.
    pub(crate) fn names(&self) -> Result<Vec<OsString>> {
        let failed = |e: Errno| Error::disk(shown_path(&self.path), "listing", e.into());
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd).map_err(failed)? {
            let name = OsString::from_vec(entry.map_err(failed)?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// What a name stands for, links not followed; `None` if there is no such name.
    pub(crate) fn look(&self, name: &OsStr) -> Result<Option<Stat>> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::disk(shown_path(&self.path.join(name)), "looking at", e.into())),
        }
    }

    /// Whether a name still stands for an open file.
    pub(crate) fn still_names(&self, name: &OsStr, open: impl AsFd) -> Result<bool> {
        let open = rustix::fs::fstat(open).map_err(|e| self.failed("", "looking at", e.into()))?;
        Ok(self.look(name)?.is_some_and(|s| (s.st_dev, s.st_ino) == (open.st_dev, open.st_ino)))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// An error about a name in this directory.
    pub(crate) fn failed(&self, name: &str, doing: &str, source: io::Error) -> Error {
        Error::disk(shown_path(&self.path.join(name)), doing, source)
    }

    /// A name that stands for something that is not read: what was expected, what was found.
    fn unfit(&self, name: &str, expected: &str) -> Error {
        let found = match self.look(OsStr::new(name)) {
            Ok(Some(stat)) => kind_of(&stat),
            _ => "something that changes",
        };
        let text = format!("expected {expected}, found {found}");
        Error::new(ErrorKind::Mismatch, shown_path(&self.path.join(name)), text).because("LAYOUT_BLOB_NOT_FILE")
    }
}

/// Every change of the disk passes here first: a test can die at each of them.
#[cfg(test)]
pub(crate) use crate::layout::crash::step;
#[cfg(not(test))]
pub(crate) fn step() {}

/// A path as messages have it.
pub(crate) fn shown_path(path: &Path) -> String {
    shown(path.as_os_str().as_bytes()).to_string()
}

fn kind_of(stat: &Stat) -> &'static str {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => "a regular file",
        FileType::Directory => "a directory",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        _ => "a device",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_reached_through_a_link() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path();
        std::fs::create_dir(path.join("real")).unwrap();
        std::fs::write(path.join("real/x"), "x").unwrap();
        std::os::unix::fs::symlink("real", path.join("link")).unwrap();
        std::os::unix::fs::symlink("real/x", path.join("filelink")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path.join("fifo"), FileType::Fifo, 0o600.into(), 0).unwrap();
        let dir = Directory::open(path).unwrap();
        assert!(dir.inside("real").unwrap().unwrap().file("x").unwrap().is_some());
        for (name, found) in [("filelink", "a symbolic link"), ("real", "a directory"), ("fifo", "a FIFO")] {
            let error = dir.file(name).unwrap_err();
            assert_eq!(error.reason(), Some("LAYOUT_BLOB_NOT_FILE"), "{name}");
            assert!(error.to_string().ends_with(&format!("expected a regular file, found {found}")), "{error}");
        }
        assert!(dir.inside("link").unwrap_err().to_string().ends_with("expected a directory, found a symbolic link"));
        assert!(dir.inside("nothing").unwrap().is_none() && dir.file("nothing").unwrap().is_none());
        assert!(dir.open_or_create("filelink").is_err());
        assert!(dir.make("link").is_err());
    }
}
