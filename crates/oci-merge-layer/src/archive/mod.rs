//! Archives of every form, told apart by their first bytes and never by their names.
//!
//! | form | what is read of it |
//! |---|---|
//! | tar, also in gzip or zstd | as the strict [scanner](crate::scan) has it; the forms that a layer may have |
//! | tar in xz or bzip2 | the same, but never used byte for byte |
//! | Debian package | the `data.tar` in it |
//! | zip | its members, where its directory and the headers before the contents agree |
//!
//! Every decompressor reads all members, frames or streams, verifies what checksums there are, and reads its source to
//! the end. What is compressed twice is decompressed once, and then is no tar.

mod bzip2;
mod container;
mod deb;
mod gzip;
mod input;
#[cfg(test)]
pub(crate) mod tests;
mod unpacked;
mod xz;
mod zip;
mod zstd;

pub use container::Container;
pub(crate) use container::read_start;
pub(crate) use unpacked::Unpacked;
pub(crate) use zip::ends_as_zip;

use crate::scan::{Item, Scanner};
use crate::{Entry, Error, Note, Result, Rules};
use deb::DataTar;
use std::fmt;
use std::io::{Cursor, Read, Seek, SeekFrom};
use zip::Zip;

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

/// An archive of any form, open for reading from its first entry to its last.
pub struct Archive {
    container: Container,
    entries: Box<dyn Entries + Send>,
    ends_as_zip: bool,
}

impl Archive {
    /// Opens an archive at its beginning.
    ///
    /// # Errors
    /// `UNSUPPORTED_COMPRESSION`: its first bytes are those of a form that is not supported; a damaged zip or Debian
    /// package; or the input fails. Whether anything else is a tar shows with the first entry.
    pub fn open(mut input: impl Read + Seek + Send + 'static, rules: &Rules) -> Result<Archive> {
        let start = read_start(&mut input)?;
        let container = Container::of(&start)?;
        let ends_as_zip = container == Container::Tar && ends_as_zip(&mut input);
        input.seek(SeekFrom::Start(0))?;
        let entries: Box<dyn Entries + Send> = match container {
            Container::Zip => Box::new(Zip::open(input, rules)?),
            Container::Deb => {
                let mut tar = DataTar::find(input)?;
                let start = read_start(&mut tar)?;
                let container = Container::of(&start)?;
                Box::new(TarEntries::new(container, Cursor::new(start).chain(tar), rules)?)
            }
            container => Box::new(TarEntries::new(container, input, rules)?),
        };
        Ok(Archive { container, entries, ends_as_zip })
    }

    /// The form that was found.
    pub fn container(&self) -> Container {
        self.container
    }
}

/// What is said of an archive that is no tar: it may be a zip all the same, behind a program that unpacks it.
pub(crate) fn or_zip(error: Error, ends_as_zip: impl FnOnce() -> bool) -> Error {
    if error.reason().is_some_and(|reason| reason.0 == "NOT_A_TAR") && ends_as_zip() {
        let text = "is a zip behind something else, such as a program that unpacks it; only plain zips are read";
        return container::unsupported(text);
    }
    error
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("container", &self.container).finish_non_exhaustive()
    }
}

impl Entries for Archive {
    fn next(&mut self) -> Result<Option<Entry>> {
        self.entries.next().map_err(|error| or_zip(error, || self.ends_as_zip))
    }

    fn content(&mut self) -> Result<Box<dyn Read + '_>> {
        self.entries.content()
    }

    fn notes(&self) -> &[Note] {
        self.entries.notes()
    }
}

/// The entries of a tar in whatever it is compressed with, whose oddities count as well.
struct TarEntries<R: Read> {
    scanner: Scanner<Unpacked<R>>,
    /// How many notes of the decompressor were taken over.
    adopted: usize,
}

impl<R: Read> TarEntries<R> {
    fn new(container: Container, source: R, rules: &Rules) -> Result<TarEntries<R>> {
        Ok(TarEntries { scanner: Scanner::new(Unpacked::new(container, source, rules)?, rules), adopted: 0 })
    }
}

impl<R: Read> Entries for TarEntries<R> {
    fn next(&mut self) -> Result<Option<Entry>> {
        let entry = Entries::next(&mut self.scanner)?;
        let fresh = self.scanner.input().notes().get(self.adopted..).unwrap_or_default().to_vec();
        if !fresh.is_empty() {
            self.scanner.adopt(&fresh)?;
            self.adopted += fresh.len();
        }
        Ok(entry)
    }

    fn content(&mut self) -> Result<Box<dyn Read + '_>> {
        Entries::content(&mut self.scanner)
    }

    fn notes(&self) -> &[Note] {
        Entries::notes(&self.scanner)
    }
}
