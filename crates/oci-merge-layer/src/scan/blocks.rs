//! The bytes of a tar, 512 at a time.

use crate::{Error, Result};
use std::io::{self, Read};

/// Bytes of a block: a header, or the unit that contents are padded to.
pub(super) const BLOCK: usize = 512;

/// How much is asked of the input at once.
const BUFFER: usize = 256 << 10;

/// The input of a scanner, buffered, counted and limited.
#[derive(Debug)]
pub(super) struct Blocks<R> {
    input: R,
    buffer: Box<[u8]>,
    /// What of the buffer is filled and not yet taken.
    start: usize,
    end: usize,
    /// Bytes that were read from the input.
    read: u64,
    /// Bytes that may be read from the input.
    limit: u64,
}

impl<R: Read> Blocks<R> {
    pub(super) fn new(input: R, limit: u64) -> Blocks<R> {
        Blocks { input, buffer: vec![0; BUFFER].into(), start: 0, end: 0, read: 0, limit }
    }

    pub(super) fn input(&self) -> &R {
        &self.input
    }

    pub(super) fn into_input(self) -> R {
        self.input
    }

    /// Where in the archive the next byte stands.
    pub(super) fn position(&self) -> u64 {
        self.read - (self.end - self.start) as u64
    }

    /// The next block: shorter, or empty, at the end of the input.
    pub(super) fn block(&mut self) -> Result<&[u8]> {
        while self.end - self.start < BLOCK && self.fill()? {}
        let length = (self.end - self.start).min(BLOCK);
        let from = self.start;
        self.start += length;
        Ok(self.buffer.get(from..from + length).unwrap_or_default())
    }

    /// Reads into `out`; 0 only at the end of the input, or if `out` is empty.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if self.start == self.end {
            if out.len() >= BUFFER {
                return self.take(|input| input.read(out));
            }
            self.fill()?;
        }
        let ready = self.buffer.get(self.start..self.end).unwrap_or_default();
        let length = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..length), ready.get(..length)) {
            out.copy_from_slice(ready);
        }
        self.start += length;
        Ok(length)
    }

    /// Appends so many bytes to `out`; fewer at the end of the input.
    pub(super) fn append(&mut self, mut count: u64, out: &mut Vec<u8>) -> Result<()> {
        while count > 0 && self.ready()? {
            let ready = self.buffer.get(self.start..self.end).unwrap_or_default();
            let length = ready.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            out.extend_from_slice(ready.get(..length).unwrap_or_default());
            self.start += length;
            count -= length as u64;
        }
        Ok(())
    }

    /// Passes over so many bytes; whether there were so many.
    pub(super) fn skip(&mut self, mut count: u64) -> Result<bool> {
        while count > 0 && self.ready()? {
            let length = (self.end - self.start).min(usize::try_from(count).unwrap_or(usize::MAX));
            self.start += length;
            count -= length as u64;
        }
        Ok(count == 0)
    }

    /// Reads to the end of the input; whether there were only zeros.
    pub(super) fn drain(&mut self) -> Result<bool> {
        let mut zeros = true;
        while self.ready()? {
            zeros &= is_zero(self.buffer.get(self.start..self.end).unwrap_or_default());
            self.start = self.end;
        }
        Ok(zeros)
    }

    /// Whether there is any byte left, which then is in the buffer.
    fn ready(&mut self) -> Result<bool> {
        if self.start < self.end { Ok(true) } else { self.fill() }
    }

    /// Reads once into the free part of the buffer, after moving what is left to its front; false at the end.
    fn fill(&mut self) -> Result<bool> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let mut buffer = std::mem::take(&mut self.buffer);
        let free = buffer.get_mut(self.end..).unwrap_or_default();
        let result = self.take(|input| input.read(free));
        self.buffer = buffer;
        let length = result?;
        self.end += length;
        Ok(length > 0)
    }

    /// One read of the input, counted.
    fn take(&mut self, mut read: impl FnMut(&mut R) -> io::Result<usize>) -> Result<usize> {
        let length = loop {
            match read(&mut self.input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => break result?,
            }
        };
        self.read += length as u64;
        if self.read > self.limit {
            let text = format!("the uncompressed archive has more than {} bytes (limit layer-bytes)", self.limit);
            return Err(Error::refused("LIMIT_LAYER_BYTES", text));
        }
        Ok(length)
    }
}

/// Whether there are only zeros.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
}

/// How many bytes follow a content of some length to fill its last block.
pub(super) fn padding(length: u64) -> u64 {
    length.wrapping_neg() % BLOCK as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, and is interrupted before each.
    struct Dribble<'a>(&'a [u8], bool);

    impl Read for Dribble<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let out = &mut out[..1];
            self.0.read(out)
        }
    }

    #[test]
    fn blocks_are_whole_however_the_input_comes() {
        let bytes: Vec<u8> = (0..1300u32).map(|i| (i % 251) as u8).collect();
        let mut blocks = Blocks::new(Dribble(&bytes, false), 2000);
        assert_eq!(blocks.block().unwrap(), &bytes[..512]);
        assert_eq!(blocks.position(), 512);
        assert!(blocks.skip(100).unwrap());
        let mut piece = Vec::new();
        blocks.append(100, &mut piece).unwrap();
        assert_eq!(piece, &bytes[612..712]);
        assert_eq!(blocks.block().unwrap(), &bytes[712..1224]);
        assert_eq!(blocks.block().unwrap(), &bytes[1224..]);
        assert_eq!(blocks.block().unwrap(), &[] as &[u8]);
        assert_eq!(blocks.position(), 1300);
    }

    #[test]
    fn the_limit_is_the_last_byte_that_is_taken() {
        let read = |limit| Blocks::new(&[0u8; 1000][..], limit).drain();
        assert!(read(1000).unwrap());
        assert_eq!(read(999).unwrap_err().reason().unwrap().0, "LIMIT_LAYER_BYTES");
    }

    #[test]
    fn contents_fill_whole_blocks() {
        assert_eq!([0, 1, 511, 512, 513, u64::MAX].map(padding), [0, 511, 1, 0, 511, 1]);
    }
}
