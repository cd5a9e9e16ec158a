//! A layout that is written to and then left to others.

use super::{BLOBS, Layout};
use crate::directory::{Directory, shown_path};
use crate::temporary::{TemporaryDirectory, beside, sweep};
use crate::{Error, ErrorKind, Result};
use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

/// A layout that is being written; made by [`Layout::output`]. It is used like the layout that it is.
///
/// Where there was nothing, it is built under another name beside the final one, and has that only when it is whole.
/// Dropped before [`finish`](Output::finish), a new layout is gone; an existing one keeps blobs that no name leads to.
#[derive(Debug)]
pub struct Output {
    layout: Layout,
    path: PathBuf,
    building: Option<TemporaryDirectory>,
    finished: bool,
}

impl Output {
    pub(super) fn open(path: &Path) -> Result<Output> {
        let path = path.to_owned();
        match std::fs::metadata(&path) {
            Ok(there) if there.is_dir() => {
                let layout = Layout::open_or_create(&path)?;
                Ok(Output { layout, path, building: None, finished: false })
            }
            Ok(_) => {
                let text = "expected a directory, found a file; name another one, or remove it";
                Err(Error::new(ErrorKind::Policy, shown_path(&path), text).because("LAYOUT_NOT_EMPTY"))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let (parent, name) = split(&path)?;
                std::fs::create_dir_all(&parent)
                    .map_err(|e| Error::disk(shown_path(&parent), "making the directory", e))?;
                let parent = Directory::open(&parent)?;
                sweep(&parent, &beside(&name))?;
                let building = TemporaryDirectory::create(parent, &beside(&name))?;
                let layout = Layout::at(Directory::open(&building.path())?, &path);
                layout.begin()?;
                Ok(Output { layout, path, building: Some(building), finished: false })
            }
            Err(e) => Err(Error::disk(shown_path(&path), "looking at", e)),
        }
    }

    /// Leaves the layout as others expect it, under its final name.
    ///
    /// # Errors
    /// The disk fails, or something else has taken the name meanwhile.
    pub fn finish(mut self) -> Result<Layout> {
        self.finished = true;
        self.layout.tidy()?;
        let Some(mut building) = self.building.take() else { return Ok(self.layout.clone()) };
        let (_, name) = split(&self.path)?;
        if building.keep(&name)? {
            return Layout::open(&self.path);
        }
        // Somebody was faster: a layout of the same name is there now, and this one goes into it.
        let there = Output::open(&self.path)?;
        there.absorb(&self.layout)?;
        there.finish()
    }
}

impl Deref for Output {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        &self.layout
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.finished && self.building.is_none() {
            let _ = self.layout.tidy();
        }
    }
}

impl Layout {
    /// Takes over everything that a layout on the same filesystem holds: blobs first, then names.
    fn absorb(&self, other: &Layout) -> Result<()> {
        let from = other.root().inside(BLOBS)?;
        for algorithm in from.iter().flat_map(|_| ["sha256", "sha512"]) {
            let Some(from) = from.as_ref().map(|d| d.inside(algorithm)).transpose()?.flatten() else { continue };
            let to = self.root().make(BLOBS)?.make(algorithm)?;
            for name in from.names()? {
                let failed = |e| Error::disk(shown_path(&to.path().join(&name)), "giving it its name", e);
                from.rename(&name, &to, &name).map_err(failed)?;
            }
            to.sync()?;
        }
        let entries = other.manifests()?;
        self.change_index(|index| {
            for entry in &entries {
                if let Some(tag) = entry.annotations.get(super::REF_NAME) {
                    index.set(tag, entry);
                }
            }
        })
    }
}

/// The directory in which a path lies, and its name there.
fn split(path: &Path) -> Result<(PathBuf, OsString)> {
    let Some(name) = path.file_name() else {
        let text = "expected the name of a directory that can be made";
        return Err(Error::new(ErrorKind::Policy, shown_path(path), text));
    };
    let parent = path.parent().filter(|parent| parent.as_os_str() != OsStr::new("")).unwrap_or(Path::new("."));
    Ok((parent.to_owned(), name.to_owned()))
}
