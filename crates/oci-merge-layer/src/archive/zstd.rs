//! zstd (RFC 8878): every frame to its end, and nothing else.
//!
//! The walk from frame to frame, and what a frame's header may ask for, are ours; the decoder never sees a header
//! that was not judged. It knows formats older than the RFC, which no container runtime does.

use super::input::Input;
use crate::{Error, Rules};
use std::io::{self, Read};
use structured_zstd::decoding::errors::FrameDecoderError;
use structured_zstd::decoding::{BlockDecodingStrategy, ContentChecksum, FrameDecoder, MAX_DECODER_WINDOW_SIZE};

const MAGIC: u32 = 0xfd2f_b528;
/// Of a skippable frame: 16 magic numbers.
const SKIPPABLE: u32 = 0x184d_2a50;

/// Decompresses zstd.
pub(crate) struct Unzstd<R> {
    input: Input<R>,
    decoder: Box<FrameDecoder>,
    window: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    Frame,
    Ended,
}

/// Whether these are the first bytes of a frame, skippable ones included.
pub(super) fn is_zstd(start: &[u8]) -> bool {
    start.first_chunk().is_some_and(|magic| {
        let magic = u32::from_le_bytes(*magic);
        magic == MAGIC || magic & !15 == SKIPPABLE
    })
}

impl<R: Read> Unzstd<R> {
    pub(super) fn new(source: R, rules: &Rules) -> Unzstd<R> {
        // What a frame may ask for is judged here, before the decoder sees its header.
        let mut decoder = Box::new(FrameDecoder::new());
        let _: Result<(), _> = decoder.set_max_window_size(MAX_DECODER_WINDOW_SIZE);
        decoder.set_content_checksum(ContentChecksum::Verify);
        Unzstd { input: Input::new(source), decoder, window: rules.limits.window_bytes, state: State::Between }
    }

    /// Begins the next frame; false if there is none.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let mut magic = [0; 4];
            match self.input.gather(&mut magic)? {
                0 => return Ok(false),
                4 => {}
                _ => return Err(trailing().into()),
            }
            match u32::from_le_bytes(magic) {
                MAGIC => break,
                skippable if skippable & !15 == SKIPPABLE => {
                    let mut length = [0; 4];
                    if self.input.gather(&mut length)? < 4 || !self.input.skip(u32::from_le_bytes(length).into())? {
                        return Err(truncated().into());
                    }
                }
                _ => return Err(trailing().into()),
            }
        }
        let header = self.header()?;
        self.decoder.reset(&header[..]).map_err(|error| self.refuse(error))?;
        Ok(true)
    }

    /// The header of a frame, magic included; judged.
    fn header(&mut self) -> io::Result<Vec<u8>> {
        let mut header = MAGIC.to_le_bytes().to_vec();
        let descriptor = self.header_bytes(1, &mut header)?;
        if descriptor & 8 != 0 {
            return Err(corrupt("a reserved bit is set").into());
        }
        if descriptor & 3 != 0 {
            return Err(corrupt("it needs a dictionary").into());
        }
        let is_single = descriptor & 0x20 != 0;
        let mut window = 0;
        if !is_single {
            let byte = self.header_bytes(1, &mut header)?;
            let base = 1u64 << (10 + (byte >> 3));
            window = base + (base >> 3) * (byte & 7);
        }
        let size = match descriptor >> 6 {
            0 => usize::from(is_single),
            1 => 2,
            2 => 4,
            _ => 8,
        };
        let size = self.header_bytes(size, &mut header)?;
        // A frame that is one segment has to be kept whole.
        let window = if is_single { size } else { window };
        if window > self.window {
            let limit = self.window;
            let text = format!("a zstd frame needs a window of {window} bytes, more than {limit} (limit window-bytes)");
            return Err(Error::refused("LIMIT_ZSTD_WINDOW", text).into());
        }
        Ok(header)
    }

    /// Up to eight bytes of a header, as a number.
    fn header_bytes(&mut self, count: usize, header: &mut Vec<u8>) -> io::Result<u64> {
        let mut number = [0; 8];
        let bytes = number.get_mut(..count).unwrap_or_default();
        if self.input.gather(bytes)? < count {
            return Err(truncated().into());
        }
        header.extend_from_slice(bytes);
        Ok(u64::from_le_bytes(number))
    }

    /// What a failure of the decoder means.
    fn refuse(&mut self, error: FrameDecoderError) -> io::Error {
        match self.input.failure() {
            Some(failure) => failure,
            None if self.input.ended() => truncated().into(),
            None => corrupt(&error.to_string()).into(),
        }
    }
}

impl<R: Read> Read for Unzstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            match self.state {
                State::Ended => return Ok(0),
                State::Between => self.state = if self.begin()? { State::Frame } else { State::Ended },
                State::Frame => {
                    let given = self.decoder.read(out)?;
                    if given > 0 {
                        return Ok(given);
                    }
                    if self.decoder.is_finished() {
                        let verified =
                            self.decoder.verify_content_size().and_then(|()| self.decoder.verify_content_checksum());
                        verified.map_err(|error| corrupt(&error.to_string()))?;
                        self.state = State::Between;
                    } else {
                        let decoded = self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1));
                        decoded.map_err(|error| self.refuse(error))?;
                    }
                }
            }
        }
    }
}

fn corrupt(text: &str) -> Error {
    Error::refused("ZSTD_CORRUPT", format!("a zstd frame is damaged: {text}"))
}

fn truncated() -> Error {
    Error::refused("ZSTD_TRUNCATED", "the zstd stream ends within a frame")
}

fn trailing() -> Error {
    Error::refused("ZSTD_TRAILING", "something other than another frame follows a zstd frame")
}
