//! The strict tar reader.

mod rules;

pub use rules::{Role, Rules};

use crate::{Entry, Note, Result};
use oci_merge_image::LayerPath;
use std::io::{self, Read};

/// What a tar holds, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An entry; the content of a file can be read before the next is asked for.
    Entry(Entry),
    /// A whiteout as it is spelled (`dir/.wh.name`); only of a base.
    Whiteout(LayerPath),
}

/// Reads a plain tar.
#[derive(Debug)]
pub struct Scanner<R> {
    input: R,
    notes: Vec<Note>,
}

impl<R: Read> Scanner<R> {
    /// A scanner over the bytes of a tar.
    pub fn new(input: R, _rules: &Rules) -> Scanner<R> {
        Scanner { input, notes: Vec::new() }
    }

    /// The next entry; skips what is left of the content before. `None` only after the end marker was verified and
    /// the input was read to its end.
    ///
    /// # Errors
    /// The archive is refused, a limit is exceeded, or the input fails.
    #[expect(clippy::should_implement_trait, reason = "an iterator could not lend the content in between")]
    pub fn next(&mut self) -> Result<Option<Item>> {
        todo!()
    }

    /// The content of the file that [`next`](Scanner::next) gave last; empty for anything else. Sparse files are
    /// expanded. An error in it carries a [`crate::Error`], which `Error::from` takes out again.
    pub fn content(&mut self) -> Content<'_, R> {
        Content { scanner: self }
    }

    /// What was odd so far.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

/// The content of one file.
#[derive(Debug)]
pub struct Content<'a, R> {
    scanner: &'a mut Scanner<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.scanner.input.read(out)
    }
}
