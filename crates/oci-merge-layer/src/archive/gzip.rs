//! gzip (RFC 1952): every member to its end, and nothing after the last.
//!
//! Readers differ in what they overlook: some stop after the first member, some pass over bytes after the last, one
//! refuses header checksums that are right. Here every member counts, its checksum and its length are verified, and
//! the source is read to its end.

use super::input::Input;
use crate::judge::Judge;
use crate::{Error, Note, Rules};
use crc32fast::Hasher;
use flate2::{Decompress, FlushDecompress, Status};
use std::io::{self, Read};

/// Flags of a member's header.
const HEADER_CRC: u8 = 2;
const EXTRA: u8 = 4;
const NAME: u8 = 8;
const COMMENT: u8 = 16;
const RESERVED: u8 = 0xe0;

/// Decompresses gzip.
pub(crate) struct Gunzip<R> {
    input: Input<R>,
    judge: Judge,
    inflate: Decompress,
    crc: Hasher,
    /// Bytes of the member so far, as its trailer counts them: modulo 2^32.
    length: u32,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Member,
    Between,
    Ended,
}

impl<R: Read> Gunzip<R> {
    pub(super) fn new(source: R, rules: &Rules) -> Gunzip<R> {
        Gunzip {
            input: Input::new(source),
            judge: Judge::new(rules),
            inflate: Decompress::new(false),
            crc: Hasher::new(),
            length: 0,
            state: State::First,
        }
    }

    pub(super) fn notes(&self) -> &[Note] {
        self.judge.notes()
    }

    /// Begins the next member; false if there is none.
    fn begin(&mut self) -> io::Result<bool> {
        if self.state == State::Between {
            match self.input.fill()? {
                [] => return Ok(false),
                [0x1f] | [0x1f, 0x8b, ..] => {}
                _ => return Err(trailing().into()),
            }
        }
        let mut header = HeaderBytes { input: &mut self.input, crc: Hasher::new() };
        let fixed: [u8; 10] = header.array()?;
        let flags = match fixed {
            [0x1f, 0x8b, 8, flags, ..] => flags,
            [0x1f, 0x8b, method, ..] => {
                return Err(corrupt(format!("expected compression method 8, found {method}")).into());
            }
            _ => return Err(trailing().into()),
        };
        if flags & RESERVED != 0 {
            return Err(corrupt(format!("a reserved flag is set (flags {flags:#04x})")).into());
        }
        if flags & EXTRA != 0 {
            let length = u16::from_le_bytes(header.array()?);
            (0..length).try_for_each(|_| header.byte().map(drop))?;
        }
        for flag in [NAME, COMMENT] {
            while flags & flag != 0 && header.byte()? != 0 {}
        }
        if flags & HEADER_CRC != 0 {
            let expected = header.crc.clone().finalize() as u16;
            let found = u16::from_le_bytes(header.array()?);
            if found != expected {
                let text = format!("expected the checksum {expected:#06x} of the gzip header, found {found:#06x}");
                return Err(Error::refused("GZ_HEADER_CRC", text).into());
            }
            let text = || "the gzip header has a checksum, which one runtime's reader does not take".into();
            self.judge.harmless("GZ_HEADER_CRC", text)?;
        }
        self.inflate.reset(false);
        self.crc = Hasher::new();
        self.length = 0;
        Ok(true)
    }

    /// Inflates some of the member; `true` at its end.
    fn inflate(&mut self, out: &mut [u8]) -> io::Result<(usize, bool)> {
        let ready = self.input.fill()?;
        let at_end = ready.is_empty();
        let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(ready, out, FlushDecompress::None)
            .map_err(|error| corrupt(format!("the deflate stream is damaged ({error})")))?;
        let taken = (self.inflate.total_in() - taken) as usize;
        let given = (self.inflate.total_out() - given) as usize;
        self.input.consume(taken);
        self.crc.update(out.get(..given).unwrap_or_default());
        self.length = self.length.wrapping_add(given as u32);
        if status == Status::StreamEnd {
            return Ok((given, true));
        }
        match (at_end, taken + given) {
            (true, _) if given == 0 => Err(truncated().into()),
            (false, 0) => Err(corrupt("the deflate stream does not go on".into()).into()),
            _ => Ok((given, false)),
        }
    }

    fn verify_trailer(&mut self) -> io::Result<()> {
        let mut trailer = HeaderBytes { input: &mut self.input, crc: Hasher::new() };
        let (crc, length) = (u32::from_le_bytes(trailer.array()?), u32::from_le_bytes(trailer.array()?));
        let expected = std::mem::take(&mut self.crc).finalize();
        if crc != expected {
            return Err(corrupt(format!("expected the checksum {expected:08x}, found {crc:08x}")).into());
        }
        if length != self.length {
            return Err(corrupt(format!("expected the length {}, found {length}", self.length)).into());
        }
        Ok(())
    }
}

impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Ended => return Ok(0),
                State::First | State::Between => {
                    self.state = if self.begin()? { State::Member } else { State::Ended };
                }
                State::Member => {
                    let (given, ended) = self.inflate(out)?;
                    if ended {
                        self.verify_trailer()?;
                        self.state = State::Between;
                    }
                    if given > 0 {
                        return Ok(given);
                    }
                }
            }
        }
    }
}

/// The bytes of a header or trailer, which may not end early, and their checksum.
struct HeaderBytes<'a, R> {
    input: &'a mut Input<R>,
    crc: Hasher,
}

impl<R: Read> HeaderBytes<'_, R> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        if self.input.gather(&mut bytes)? < N {
            return Err(truncated().into());
        }
        self.crc.update(&bytes);
        Ok(bytes)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }
}

fn corrupt(text: String) -> Error {
    Error::refused("GZ_CORRUPT", format!("the gzip stream is damaged: {text}"))
}

fn truncated() -> Error {
    Error::refused("GZ_TRUNCATED", "the gzip stream ends before its last member does")
}

fn trailing() -> Error {
    let text = "something other than another member follows a gzip member: some readers pass over it, some fail";
    Error::refused("GZ_TRAILING", text)
}
