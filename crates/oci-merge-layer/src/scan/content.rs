//! The content of one file, with the zeros of a sparse one.

use super::Scanner;
use super::State;
use super::blocks::padding;
use super::sparse::{Map, Run};
use crate::{Error, Result};
use std::io::{self, Read};

/// What is left of the content of an entry.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// Bytes that the archive holds of it.
    stored: u64,
    /// Bytes that fill its last block.
    padding: u64,
    /// Where the stored bytes stand, if the file is sparse.
    map: Option<Map>,
}

impl Rest {
    /// A content of so many bytes in the archive.
    pub(super) fn new(stored: u64) -> Rest {
        Rest { stored, padding: padding(stored), map: None }
    }

    /// The same, expanded.
    pub(super) fn sparse(stored: u64, map: Map) -> Rest {
        Rest { map: Some(map), ..Rest::new(stored) }
    }
}

impl<R: Read> Scanner<R> {
    /// The content of the file that [`next`](Scanner::next) gave last; empty for anything else. Sparse files are
    /// expanded. An error in it carries a [`crate::Error`], which `Error::from` takes out again.
    pub fn content(&mut self) -> Content<'_, R> {
        Content { scanner: self }
    }

    /// Passes over what is left of the last content.
    pub(super) fn skip_rest(&mut self) -> Result<()> {
        let left = self.rest.stored + self.rest.padding;
        self.rest = Rest::default();
        if self.blocks.skip(left)? { Ok(()) } else { Err(truncated()) }
    }

    fn read_content(&mut self, out: &mut [u8]) -> Result<usize> {
        let run = match &self.rest.map {
            Some(map) => map.next().unwrap_or(Run::Stored(0)),
            None => Run::Stored(self.rest.stored),
        };
        let (Run::Zeros(count) | Run::Stored(count)) = run;
        let length = out.len().min(usize::try_from(count).unwrap_or(usize::MAX));
        let out = out.get_mut(..length).unwrap_or_default();
        if out.is_empty() {
            return Ok(0);
        }
        let taken = match run {
            Run::Zeros(_) => {
                out.fill(0);
                length
            }
            Run::Stored(_) => {
                let taken = self.blocks.read(out)?;
                if taken == 0 {
                    return Err(truncated());
                }
                self.rest.stored = self.rest.stored.saturating_sub(taken as u64);
                taken
            }
        };
        if let Some(map) = &mut self.rest.map {
            map.advance(taken as u64);
        }
        Ok(taken)
    }
}

/// The content of one file; made by [`Scanner::content`].
#[derive(Debug)]
pub struct Content<'a, R> {
    scanner: &'a mut Scanner<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.scanner.state == State::Failed {
            return Err(truncated().into());
        }
        self.scanner.read_content(out).map_err(|error| self.scanner.fail(error).into())
    }
}

fn truncated() -> Error {
    Error::refused("TAR_TRUNCATED", "the archive ends within the content of this entry")
}
