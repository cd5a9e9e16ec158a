//! bzip2: every stream.

use super::input::Input;
use crate::Error;
use bzip2::read::MultiBzDecoder;
use std::io::{self, Read};

/// Decompresses bzip2.
pub(crate) struct Bunzip2<R>(MultiBzDecoder<Input<R>>);

impl<R: Read> Bunzip2<R> {
    pub(super) fn new(source: R) -> Bunzip2<R> {
        Bunzip2(MultiBzDecoder::new(Input::new(source)))
    }
}

impl<R: Read> Read for Bunzip2<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(|error| {
            let input = self.0.get_mut();
            match input.failure() {
                Some(failure) => failure,
                None if input.ended() => {
                    Error::refused("BZIP2_TRUNCATED", "the bzip2 stream ends before its last block").into()
                }
                None => Error::refused("BZIP2_CORRUPT", format!("the bzip2 stream is damaged: {error}")).into(),
            }
        })
    }
}
