//! The body of a request, read from its connection as the handler asks for it.

use super::request::{Framing, Request};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;

/// The longest line of chunk framing, extensions included.
const MAX_CHUNK_LINE: u64 = 4 << 10;

/// What of a request's body has not been read yet.
pub(super) struct Body<'a> {
    connection: &'a mut BufReader<TcpStream>,
    left: Left,
    awaits_continue: bool,
    count: u64,
    #[cfg(feature = "faults")]
    cut_after: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Bytes(u64),
    /// Bytes of the present chunk; more chunks follow.
    Chunk(u64),
    Nothing,
}

impl<'a> Body<'a> {
    pub(super) fn new(request: &Request, connection: &'a mut BufReader<TcpStream>) -> Body<'a> {
        let left = match request.framing {
            Framing::Length(0) => Left::Nothing,
            Framing::Length(length) => Left::Bytes(length),
            Framing::Chunked => Left::Chunk(0),
        };
        Body {
            connection,
            left,
            awaits_continue: request.field("expect").is_some_and(|e| e.eq_ignore_ascii_case("100-continue")),
            count: 0,
            #[cfg(feature = "faults")]
            cut_after: None,
        }
    }

    /// How many bytes have been read.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Whether all of it has been read.
    pub(super) fn is_over(&self) -> bool {
        self.left == Left::Nothing
    }

    /// Whether the peer may never send it, because it waits for a word that was not said.
    pub(super) fn is_withheld(&self) -> bool {
        self.awaits_continue && !self.is_over()
    }

    /// Whether more than so many bytes are known to follow.
    pub(super) fn is_longer_than(&self, bytes: u64) -> bool {
        matches!(self.left, Left::Bytes(left) if left > bytes)
    }

    /// Where the answer goes.
    pub(super) fn connection(&mut self) -> &mut TcpStream {
        self.connection.get_mut()
    }

    /// Reads all of a small body; `None` if it is larger than `limit` bytes.
    pub(super) fn read_all(&mut self, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.by_ref().take(limit + 1).read_to_end(&mut bytes)?;
        Ok((bytes.len() as u64 <= limit).then_some(bytes))
    }

    /// Breaks the connection after so many bytes.
    #[cfg(feature = "faults")]
    pub(super) fn cut_after(&mut self, bytes: u64) {
        self.cut_after = Some(bytes);
    }

    #[cfg(feature = "faults")]
    fn before_cut(&self, room: u64) -> io::Result<u64> {
        match self.cut_after.map(|end| room.min(end.saturating_sub(self.count))) {
            Some(0) => Err(ErrorKind::ConnectionAborted.into()),
            Some(room) => Ok(room),
            None => Ok(room),
        }
    }

    /// Reads the line before a chunk, or the lines after the last one.
    fn next_chunk(&mut self, first: bool) -> io::Result<()> {
        if !first && self.line()? != b"" {
            return Err(ErrorKind::InvalidData.into());
        }
        let line = self.line()?;
        let digits = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
        let size = Some(digits).filter(|d| !d.is_empty() && d.iter().all(u8::is_ascii_hexdigit));
        let size = size.and_then(|d| u64::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok());
        match size.ok_or(ErrorKind::InvalidData)? {
            0 => {
                // Trailer fields: at most as many lines as a head may have.
                for _ in 0..128 {
                    if self.line()?.is_empty() {
                        self.left = Left::Nothing;
                        return Ok(());
                    }
                }
                Err(ErrorKind::InvalidData.into())
            }
            size => {
                self.left = Left::Chunk(size);
                Ok(())
            }
        }
    }

    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.connection.by_ref().take(MAX_CHUNK_LINE).read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\n") {
            Some(line) => Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec()),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.is_over() {
            return Ok(0);
        }
        if std::mem::take(&mut self.awaits_continue) {
            self.connection.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        if self.left == Left::Chunk(0) {
            self.next_chunk(self.count == 0)?;
        }
        let room = match self.left {
            Left::Bytes(left) | Left::Chunk(left) => left,
            Left::Nothing => return Ok(0),
        };
        #[cfg(feature = "faults")]
        let room = self.before_cut(room)?;
        let most = usize::try_from(room).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.connection.read(buffer.get_mut(..most).unwrap_or_default())?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.count += count as u64;
        self.left = match self.left {
            Left::Bytes(left) if left == count as u64 => Left::Nothing,
            Left::Bytes(left) => Left::Bytes(left - count as u64),
            Left::Chunk(left) => Left::Chunk(left - count as u64),
            Left::Nothing => Left::Nothing,
        };
        Ok(count)
    }
}
