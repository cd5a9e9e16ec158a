//! Watching the work on a layer, and stopping it.

use crate::{Error, ErrorKind, Result};
use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

/// Who watches, and who may stop the work. Both are asked between pieces of a few hundred KiB.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Is told how far the work is; it should return at once.
    pub progress: &'a (dyn Fn(Progress) + Sync),
    /// Once it is true, the work ends with [`ErrorKind::Cancelled`].
    pub cancelled: &'a AtomicBool,
}

impl Watch<'_> {
    /// Nobody watches, and nobody stops it.
    pub fn nobody() -> Watch<'static> {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Watch { progress: &|_| {}, cancelled: &NEVER }
    }

    pub(super) fn tell(&self, progress: Progress) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "stopped, as was asked for"));
        }
        (self.progress)(progress);
        Ok(())
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("cancelled", &self.cancelled).finish_non_exhaustive()
    }
}

/// How far the work on a layer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// Bytes that this step has read: of the archive itself while it is surveyed, else of the contents of files.
    pub bytes: u64,
    /// Entries that were written.
    pub entries: u64,
}

/// What is being done for a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// An archive is read for what it holds.
    Survey,
    /// Entries are written.
    Pack,
}

/// A reader that tells how much of it was read.
pub(super) struct Watched<'a, R> {
    input: R,
    watch: &'a Watch<'a>,
    bytes: u64,
}

impl<'a, R: Read> Watched<'a, R> {
    pub(super) fn new(input: R, watch: &'a Watch<'a>) -> Watched<'a, R> {
        Watched { input, watch, bytes: 0 }
    }
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(out)?;
        self.bytes += read as u64;
        self.watch.tell(Progress { step: Step::Survey, bytes: self.bytes, entries: 0 })?;
        Ok(read)
    }
}
