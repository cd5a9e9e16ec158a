//! A stream as a reader.

use super::worker::Worker;
use bytes::{Buf, Bytes};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use std::io::{self, Read};

type Stream = BoxStream<'static, io::Result<Bytes>>;

/// Reads a stream, a piece at a time; each is waited for on the client's own thread.
pub(super) struct Incoming {
    worker: Worker,
    /// `None` after its end.
    stream: Option<Stream>,
    piece: Bytes,
}

impl Incoming {
    pub(super) fn new(worker: Worker, stream: Stream) -> Incoming {
        Incoming { worker, stream: Some(stream), piece: Bytes::new() }
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(mut stream) = self.stream.take() else { return Ok(0) };
            let next = self.worker.run(async move {
                let piece = stream.next().await;
                (stream, piece)
            });
            let Some((stream, piece)) = next else { return Err(io::Error::other("the client panicked")) };
            let Some(piece) = piece else { return Ok(0) };
            self.piece = piece?;
            self.stream = Some(stream);
        }
        let count = self.piece.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), self.piece.get(..count)) {
            to.copy_from_slice(from);
        }
        self.piece.advance(count);
        Ok(count)
    }
}
