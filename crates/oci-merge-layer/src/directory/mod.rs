//! A directory of the host as a stream of entries: sorted by bytes, symlinks as they are, every file opened once.
//!
//! Somebody may change the directory while it is read, by accident or on purpose. Names are opened one component at
//! a time and never through a symlink, so nothing outside the directory is read. Whatever is not the same after it
//! was read as it was before stops the walk, so no layer holds a mixture of two states. What is no regular file is
//! not opened, so nothing can block.

mod file;
mod file_system;
mod level;
mod stamp;
#[cfg(test)]
mod tests;
mod xattrs;

use crate::fingerprint::{Fingerprint, Print};
use crate::{Body, Entries, Entry, Error, ErrorKind, Note, Result};
use file::OpenFile;
pub(crate) use file_system::FileSystem;
use level::Levels;
use oci_merge_image::LayerPath;
use rustix::fs::{FileType, readlinkat};
pub(crate) use stamp::Stamp;
use std::collections::HashMap;
use std::ffi::CStr;
use std::io::{self, Read};
use std::path::Path;
use xattrs::XattrReader;

/// The entries of a directory, the directory itself (the root of them all) first. Paths are relative to it.
///
/// - Times are whole seconds: nobody compares the rest, and every entry that has any needs a PAX header.
/// - The names of one file are hard links to the first of them that is wanted.
/// - Extended attributes are those of files and directories; Linux allows `user.*` on nothing else.
pub(crate) struct Directory<'a> {
    levels: Levels,
    wanted: Box<dyn Fn(&LayerPath, bool) -> bool + 'a>,
    begun: bool,
    file: Option<OpenFile>,
    /// The first wanted name of each file that has several, and what it was then.
    names: HashMap<(u64, u64), (LayerPath, Stamp)>,
    xattrs: XattrReader,
    print: Print,
}

/// A wanted name, as it was when it came.
struct Seen {
    path: LayerPath,
    stamp: Stamp,
    /// The first name of the file, if this is another one.
    first: Option<LayerPath>,
}

impl<'a> Directory<'a> {
    /// Opens a directory. Names that are not `wanted` (told whether they are directories) are left out: such a file
    /// is not opened, such a directory not entered.
    pub(crate) fn open(root: &Path, wanted: impl Fn(&LayerPath, bool) -> bool + 'a) -> Result<Directory<'a>> {
        let levels = Levels::open(root)?;
        let mut print = Print::default();
        let system = FileSystem::of(levels.fd()).map_err(|errno| levels.failed(c"", errno))?;
        print.system(system);
        print.stamp(&levels.stamp());
        Ok(Directory {
            levels,
            wanted: Box::new(wanted),
            begun: false,
            file: None,
            names: HashMap::new(),
            xattrs: XattrReader::new(),
            print,
        })
    }

    /// What tells the directory, as far as it is wanted, from other states of it; no file of it is opened. The same is
    /// told by [`fingerprint`](Directory::fingerprint) after the last entry.
    pub(crate) fn look(mut self) -> Result<Fingerprint> {
        while let Some(name) = self.levels.next_name()? {
            if let Some(Seen { stamp, first: None, .. }) = self.see(&name)?
                && stamp.kind() == FileType::Directory
            {
                self.levels.enter(&name, stamp)?;
            }
        }
        Ok(self.print.finish())
    }

    /// What tells what was read from other states of it.
    pub(crate) fn fingerprint(self) -> Fingerprint {
        self.print.finish()
    }

    fn root(&mut self) -> Result<Entry> {
        let xattrs = self.xattrs.read(self.levels.fd()).map_err(|errno| self.levels.failed(c"", errno))?;
        Ok(Entry { xattrs, ..entry(LayerPath::root(), Body::Directory, &self.levels.stamp()) })
    }

    /// Looks at a name; `None` if it is not wanted.
    fn see(&mut self, name: &CStr) -> Result<Option<Seen>> {
        let path = self.levels.path_of(name)?;
        let (stamp, links) = Stamp::of(self.levels.fd(), name).map_err(|errno| self.levels.failed(name, errno))?;
        let is_directory = stamp.kind() == FileType::Directory;
        if !(self.wanted)(&path, is_directory) {
            return Ok(None);
        }
        if name.to_bytes().starts_with(b".wh.") {
            let text = "a name that begins with .wh. is a whiteout, which removes what other layers brought";
            return Err(Error::refused("TAR_WHITEOUT", text).at(&path).in_file(self.levels.host_path(name)));
        }
        self.print.bytes(path.as_bytes());
        self.print.stamp(&stamp);
        if !stamp.is_beside(&self.levels.stamp()) {
            self.print.never_settles();
        }
        let mut first = None;
        if links > 1 && !is_directory {
            match self.names.get(&stamp.identity()) {
                Some((_, then)) if *then != stamp => return Err(self.levels.changed(name)),
                Some((path, _)) => first = Some(path.clone()),
                None => {
                    self.names.insert(stamp.identity(), (path.clone(), stamp));
                }
            }
        }
        self.print.bytes(first.as_ref().map_or(b"", LayerPath::as_bytes));
        Ok(Some(Seen { path, stamp, first }))
    }

    /// The entry of a name; `None` if it is not wanted.
    fn entry(&mut self, name: &CStr) -> Result<Option<Entry>> {
        match self.see(name)? {
            Some(Seen { path, stamp, first: Some(target) }) => Ok(Some(entry(path, Body::HardLink { target }, &stamp))),
            Some(Seen { path, stamp, first: None }) => self.first_name(name, path, stamp).map(Some),
            None => Ok(None),
        }
    }

    fn first_name(&mut self, name: &CStr, path: LayerPath, stamp: Stamp) -> Result<Entry> {
        let failed = |levels: &Levels, errno| levels.failed(name, errno);
        match stamp.kind() {
            FileType::Directory => {
                self.levels.enter(name, stamp)?;
                let xattrs = self.xattrs.read(self.levels.fd()).map_err(|errno| self.levels.failed(c"", errno))?;
                Ok(Entry { xattrs, ..entry(path, Body::Directory, &stamp) })
            }
            FileType::RegularFile => {
                let file = OpenFile::open(&self.levels, name, stamp)?;
                let xattrs = self.xattrs.read(file.file()).map_err(|errno| failed(&self.levels, errno))?;
                self.file = Some(file);
                Ok(Entry { xattrs, ..entry(path, Body::File { size: stamp.size }, &stamp) })
            }
            FileType::Symlink => {
                let target = readlinkat(self.levels.fd(), name, Vec::new());
                let target = target.map_err(|errno| failed(&self.levels, errno))?.into_bytes();
                Ok(entry(path, Body::Symlink { target }, &stamp))
            }
            FileType::Fifo => Ok(entry(path, Body::Fifo, &stamp)),
            other => {
                let what = match other {
                    FileType::Socket => "a socket",
                    FileType::CharacterDevice | FileType::BlockDevice => "a device",
                    _ => "no file, directory, link or FIFO",
                };
                let text = format!("is {what}, which no layer can hold; remove or exclude it");
                Err(Error::new(ErrorKind::NotPackable, text).in_file(self.levels.host_path(name)))
            }
        }
    }
}

impl Entries for Directory<'_> {
    fn next(&mut self) -> Result<Option<Entry>> {
        self.file = None;
        if !std::mem::replace(&mut self.begun, true) {
            return self.root().map(Some);
        }
        while let Some(name) = self.levels.next_name()? {
            if let Some(entry) = self.entry(&name)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    fn content(&mut self) -> Result<Box<dyn Read + '_>> {
        match &mut self.file {
            Some(file) => Ok(Box::new(file.content(&self.levels))),
            None => Ok(Box::new(io::empty())),
        }
    }

    fn notes(&self) -> &[Note] {
        &[]
    }
}

fn entry(path: LayerPath, body: Body, stamp: &Stamp) -> Entry {
    Entry {
        path,
        body,
        mode: stamp.mode(),
        uid: stamp.uid,
        gid: stamp.gid,
        mtime: stamp.mtime(),
        xattrs: Default::default(),
    }
}
