//! The directory that is being read, and those above it.

use super::stamp::Stamp;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::LayerPath;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Dir, Mode, OFlags, openat};
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::vec;

/// So many directories are kept open, however deep they lie in each other.
const OPEN: usize = 16;

/// The directories from the root down to the one that is being read.
pub(super) struct Levels {
    root: PathBuf,
    top: Level,
    /// Without a descriptor if it had to be closed; the first, the root, never is.
    above: Vec<(Listing, Option<OwnedFd>)>,
}

/// A directory that is open.
struct Level {
    fd: OwnedFd,
    listing: Listing,
}

/// What was found in a directory.
struct Listing {
    path: LayerPath,
    stamp: Stamp,
    /// Those that are still to come, sorted.
    names: vec::IntoIter<CString>,
}

impl Levels {
    /// Opens the root.
    pub(super) fn open(root: &Path) -> Result<Levels> {
        let io = |errno: Errno| Error::io("cannot be read", errno.into()).in_file(root);
        let fd = openat(rustix::fs::CWD, root, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(io)?;
        let stamp = Stamp::of_open(&fd).map_err(io)?;
        let listing = Listing { path: LayerPath::root(), stamp, names: names(&fd).map_err(io)? };
        Ok(Levels { root: root.to_owned(), top: Level { fd, listing }, above: Vec::new() })
    }

    /// The directory that is being read.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.top.fd.as_fd()
    }

    /// What it was when it was opened.
    pub(super) fn stamp(&self) -> Stamp {
        self.top.listing.stamp
    }

    /// The next name in it; leaves it after the last. `None` after the last of the root.
    ///
    /// # Errors
    /// A directory is not what it was when it was opened.
    pub(super) fn next_name(&mut self) -> Result<Option<CString>> {
        loop {
            if let Some(name) = self.top.listing.names.next() {
                return Ok(Some(name));
            }
            let now = Stamp::of_open(&self.top.fd).map_err(|errno| self.failed(c"", errno))?;
            if now != self.top.listing.stamp {
                return Err(self.changed(c""));
            }
            match self.above.pop() {
                Some((listing, Some(fd))) => self.top = Level { fd, listing },
                Some((listing, None)) => self.top = Level { fd: self.reopen(&listing)?, listing },
                None => return Ok(None),
            }
        }
    }

    /// Enters a directory, which has to be what it was a moment ago.
    pub(super) fn enter(&mut self, name: &CStr, stamp: Stamp) -> Result<()> {
        let path = self.path_of(name)?;
        let fd = open_directory(self.fd(), name).map_err(|errno| self.failed(name, errno))?;
        if Stamp::of_open(&fd).map_err(|errno| self.failed(name, errno))? != stamp {
            return Err(self.changed(name));
        }
        let names = names(&fd).map_err(|errno| self.failed(name, errno))?;
        let level = Level { fd, listing: Listing { path, stamp, names } };
        let Level { fd, listing } = std::mem::replace(&mut self.top, level);
        self.above.push((listing, Some(fd)));
        if let Some(place @ 1..) = self.above.len().checked_sub(OPEN)
            && let Some((_, fd)) = self.above.get_mut(place)
        {
            *fd = None;
        }
        Ok(())
    }

    /// The path of a name, relative to the root; the empty name is the directory itself.
    pub(super) fn path_of(&self, name: &CStr) -> Result<LayerPath> {
        let path = &self.top.listing.path;
        let joined = LayerPath::parse(name.to_bytes()).and_then(|name| path.join(&name));
        joined.map_err(|why| Error::refused(why.reason(), why.to_string()).in_file(self.host_path(name)))
    }

    /// Where a name lies on the host.
    pub(super) fn host_path(&self, name: &CStr) -> PathBuf {
        let mut path = self.root.clone();
        for part in [self.top.listing.path.as_bytes(), name.to_bytes()] {
            if !part.is_empty() {
                path.push(OsStr::from_bytes(part));
            }
        }
        path
    }

    /// An operation on a name has failed: because it was replaced in the meantime, or for a reason of the host.
    pub(super) fn failed(&self, name: &CStr, errno: Errno) -> Error {
        match errno {
            Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::STALE | Errno::NXIO => self.changed(name),
            errno => Error::io("cannot be read", io::Error::from(errno)).in_file(self.host_path(name)),
        }
    }

    /// A name is not what it was.
    pub(super) fn changed(&self, name: &CStr) -> Error {
        let text = "changed while it was read; pack a directory that nobody writes to";
        Error::new(ErrorKind::Changed, text).in_file(self.host_path(name))
    }

    /// Opens a directory again that had been closed: from the root, one component after the other.
    fn reopen(&self, listing: &Listing) -> Result<OwnedFd> {
        let lost = |errno| match errno {
            None => Error::new(ErrorKind::Changed, "changed while what lies in it was read"),
            Some(errno) => Error::io("cannot be opened again", io::Error::from(errno)),
        };
        let at = |error: Error| error.in_file(self.root.join(OsStr::from_bytes(listing.path.as_bytes())));
        let mut fd = match self.above.first() {
            Some((_, Some(root))) => {
                root.try_clone().map_err(|error| at(Error::io("cannot be opened again", error)))?
            }
            _ => return Err(at(lost(None))),
        };
        for name in listing.path.components() {
            let name = CString::new(name).map_err(|_| at(lost(None)))?;
            fd = open_directory(&fd, &name).map_err(|errno| at(lost(Some(errno))))?;
        }
        if Stamp::of_open(&fd).map_err(|errno| at(lost(Some(errno))))? != listing.stamp {
            return Err(at(lost(None)));
        }
        Ok(fd)
    }
}

/// Opens a directory by one name, which may not be a symlink.
fn open_directory(parent: impl AsFd, name: &CStr) -> rustix::io::Result<OwnedFd> {
    openat(parent, name, OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

/// The names in a directory, sorted by bytes.
fn names(fd: impl AsFd) -> rustix::io::Result<vec::IntoIter<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)? {
        let name = entry?.file_name().to_owned();
        if !matches!(name.as_bytes(), b"." | b"..") {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names.into_iter())
}
