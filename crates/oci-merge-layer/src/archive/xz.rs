//! xz: every stream, with the padding between them.

use super::input::Input;
use crate::{Error, Rules};
use lzma_rust2::XzReader;
use std::io::{self, ErrorKind, Read};

/// Decompresses xz.
pub(crate) struct Unxz<R: Read> {
    decoder: XzReader<Input<R>>,
    limit: u64,
}

impl<R: Read> Unxz<R> {
    pub(super) fn new(source: R, rules: &Rules) -> Unxz<R> {
        let limit = rules.limits.window_bytes;
        // In KiB, and with room for what the decoder needs besides the dictionary.
        let memory = u32::try_from(limit / 1024 + 1024).unwrap_or(u32::MAX);
        Unxz { decoder: XzReader::new_mem_limit(Input::new(source), true, memory), limit }
    }
}

impl<R: Read> Read for Unxz<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(out).map_err(|error| {
            let input = self.decoder.inner_mut();
            let refused = match (input.failure(), error.kind()) {
                (Some(failure), _) => return failure,
                (None, ErrorKind::OutOfMemory) => {
                    let text = format!("an xz block needs a dictionary of more than {} bytes", self.limit);
                    Error::refused("LIMIT_XZ_DICTIONARY", format!("{text} (limit window-bytes)"))
                }
                (None, ErrorKind::Unsupported) => {
                    Error::refused("UNSUPPORTED_COMPRESSION", format!("an xz stream of another kind: {error}"))
                }
                (None, _) if input.ended() => Error::refused("XZ_TRUNCATED", "the xz stream ends before its index"),
                (None, _) => Error::refused("XZ_CORRUPT", format!("the xz stream is damaged: {error}")),
            };
            refused.into()
        })
    }
}
