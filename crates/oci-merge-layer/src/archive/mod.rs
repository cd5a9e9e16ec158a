//! Archives of every form, told apart by their first bytes and never by their names.

use crate::scan::{Item, Scanner};
use crate::{Entry, Error, Note, Result, Rules};
use std::io::{Read, Seek};

/// A stream of entries with their contents: an archive of any form, or a directory.
pub trait Entries {
    /// The next entry; skips what is left of the content before.
    ///
    /// # Errors
    /// The source is refused, has changed, or cannot be read.
    fn next(&mut self) -> Result<Option<Entry>>;

    /// The content of the file that `next` gave last; empty for anything else. Exactly as many bytes as the entry
    /// says, or an error. An error in it carries a [`crate::Error`], which `Error::from` takes out again.
    ///
    /// # Errors
    /// The content cannot be opened.
    fn content(&mut self) -> Result<Box<dyn Read + '_>>;

    /// What was odd so far; see [`Note`].
    fn notes(&self) -> &[Note];
}

impl<R: Read> Entries for Scanner<R> {
    fn next(&mut self) -> Result<Option<Entry>> {
        match Scanner::next(self)? {
            Some(Item::Entry(entry)) => Ok(Some(entry)),
            Some(Item::Whiteout(path)) => {
                Err(Error::refused("TAR_WHITEOUT", "a whiteout removes what other layers brought").at(&path))
            }
            None => Ok(None),
        }
    }

    fn content(&mut self) -> Result<Box<dyn Read + '_>> {
        Ok(Box::new(Scanner::content(self)))
    }

    fn notes(&self) -> &[Note] {
        Scanner::notes(self)
    }
}

/// The form of an archive, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// A tar, not compressed.
    Tar,
    /// A tar in gzip (RFC 1952).
    Gzip,
    /// A tar in zstd (RFC 8878).
    Zstd,
    /// A tar in xz.
    Xz,
    /// A tar in bzip2.
    Bzip2,
    /// A zip.
    Zip,
    /// A Debian package: the tar `data.tar` in it, in whatever it is compressed with.
    Deb,
}

/// An archive of any form, open for reading from its first entry to its last.
pub struct Archive {
    container: Container,
    entries: Box<dyn Entries + Send>,
}

impl Archive {
    /// Opens an archive at its beginning.
    ///
    /// # Errors
    /// `NOT_A_TAR`: its first bytes are those of no form that is known; `UNSUPPORTED_COMPRESSION`: they are those of
    /// one that is not supported. Or the input fails.
    pub fn open(_input: impl Read + Seek + Send + 'static, _rules: &Rules) -> Result<Archive> {
        todo!()
    }

    /// The form that was found.
    pub fn container(&self) -> Container {
        self.container
    }
}

impl Entries for Archive {
    fn next(&mut self) -> Result<Option<Entry>> {
        self.entries.next()
    }

    fn content(&mut self) -> Result<Box<dyn Read + '_>> {
        self.entries.content()
    }

    fn notes(&self) -> &[Note] {
        self.entries.notes()
    }
}
