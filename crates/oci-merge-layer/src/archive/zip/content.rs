//! The content of a member: stored or deflated, with its length and checksum verified at its end.

use super::member::{Member, about};
use crate::Error;
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, BufRead, BufReader, Read, Take};

/// The content of the member that is being read.
pub(super) struct Content<'a, R> {
    source: BufReader<Take<&'a mut R>>,
    inflate: Option<Decompress>,
    member: Member,
    crc: Hasher,
    given: u64,
    ended: bool,
}

impl<'a, R: Read> Content<'a, R> {
    /// The content of a member, of whose bytes the source stands before the first.
    pub(super) fn new(source: &'a mut R, member: &Member) -> Content<'a, R> {
        Content {
            source: BufReader::with_capacity(64 << 10, source.take(member.packed)),
            inflate: (member.method == 8).then(|| Decompress::new(false)),
            member: member.clone(),
            crc: Hasher::new(),
            given: 0,
            ended: false,
        }
    }

    /// Some bytes of content; 0 only at its end.
    fn unpack(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(inflate) = &mut self.inflate else { return self.source.read(out) };
        loop {
            let ready = self.source.fill_buf()?;
            let at_end = ready.is_empty();
            let (taken, given) = (inflate.total_in(), inflate.total_out());
            let status = inflate
                .decompress(ready, out, FlushDecompress::None)
                .map_err(|error| self.member.damaged(&format!("its deflate stream is damaged ({error})")))?;
            let (taken, given) = ((inflate.total_in() - taken) as usize, (inflate.total_out() - given) as usize);
            self.source.consume(taken);
            if status == Status::StreamEnd {
                // Nothing may follow within the member.
                if !self.source.fill_buf()?.is_empty() {
                    return Err(self.member.damaged("something follows its deflate stream").into());
                }
                self.ended = true;
                return Ok(given);
            }
            if given > 0 {
                return Ok(given);
            }
            if at_end || taken == 0 {
                return Err(self.member.damaged("its deflate stream is cut").into());
            }
        }
    }

    fn verify(&self) -> Result<(), Error> {
        let crc = self.crc.clone().finalize();
        if self.given != self.member.size {
            let text = format!("expected {} bytes of content, found {}", self.member.size, self.given);
            return Err(self.member.damaged(&text));
        }
        if crc != self.member.crc {
            return Err(self
                .member
                .damaged(&format!("expected the checksum {:08x}, found {crc:08x}", self.member.crc)));
        }
        Ok(())
    }
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ended || out.is_empty() {
            return Ok(0);
        }
        let given = self.unpack(out)?;
        self.given += given as u64;
        self.crc.update(out.get(..given).unwrap_or_default());
        // More than was announced is found out before it is given.
        if self.given > self.member.size {
            self.verify()?;
        }
        self.ended |= given == 0;
        if self.ended {
            self.verify()?;
        }
        Ok(given)
    }
}

impl Member {
    fn damaged(&self, text: &str) -> Error {
        about(&self.name, "ZIP_CORRUPT", text)
    }
}
