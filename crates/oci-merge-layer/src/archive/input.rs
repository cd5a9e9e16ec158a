//! Compressed bytes on their way into a decompressor: buffered, and watched for their end.

use std::io::{self, BufRead, BufReader, Read};

/// How much is asked of the source at once.
const BUFFER: usize = 64 << 10;

/// A buffered source that remembers whether it ended or failed, for a decompressor tells neither apart from damage.
pub(super) struct Input<R> {
    source: BufReader<R>,
    ended: bool,
    failed: Option<io::Error>,
}

impl<R: Read> Input<R> {
    pub(super) fn new(source: R) -> Input<R> {
        Input { source: BufReader::with_capacity(BUFFER, source), ended: false, failed: None }
    }

    /// What is buffered, after reading if nothing is; empty at the end only.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.source.fill_buf() {
                Ok([]) => {
                    self.ended = true;
                    return Ok(&[]);
                }
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A second borrow, for the first may be returned from the loop.
        Ok(self.source.buffer())
    }

    /// So many of the buffered bytes were used.
    pub(super) fn consume(&mut self, count: usize) {
        self.source.consume(count);
    }

    /// Fills `out`; fewer bytes at the end only.
    pub(super) fn gather(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut taken = 0;
        while let Some(rest) = out.get_mut(taken..).filter(|rest| !rest.is_empty()) {
            let ready = self.fill()?;
            let length = ready.len().min(rest.len());
            if length == 0 {
                break;
            }
            rest.iter_mut().zip(ready).for_each(|(to, from)| *to = *from);
            self.consume(length);
            taken += length;
        }
        Ok(taken)
    }

    /// Passes over so many bytes; whether there were so many.
    pub(super) fn skip(&mut self, mut count: u64) -> io::Result<bool> {
        while count > 0 {
            let ready = self.fill()?.len();
            if ready == 0 {
                return Ok(false);
            }
            let length = ready.min(usize::try_from(count).unwrap_or(usize::MAX));
            self.consume(length);
            count -= length as u64;
        }
        Ok(true)
    }

    /// Whether the end of the source was met.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The error of the source itself, if it was that which a decompressor failed of.
    pub(super) fn failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.source.read(out) {
            Ok(0) if !out.is_empty() => {
                self.ended = true;
                Ok(0)
            }
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
            result => result,
        }
    }
}
