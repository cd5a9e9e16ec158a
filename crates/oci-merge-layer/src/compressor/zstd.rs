//! zstd (RFC 8878): a frame for each block, decoded again before it counts.

use ruzstd::decoding::StreamingDecoder;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use structured_zstd::encoding::{CompressionLevel, compress_slice_to_vec};

/// Compresses a block to a frame at level 3. Returns how many bytes it wrote.
///
/// The encoder is young, so another implementation has to read the same bytes from the frame; and where it does not
/// know what to do, it panics, so that is an error here.
pub(super) fn frame(input: &[u8], output: &mut [u8]) -> io::Result<usize> {
    let frame = catch_unwind(AssertUnwindSafe(|| compress_slice_to_vec(input, CompressionLevel::Level(3))))
        .map_err(|_| io::Error::other("the zstd encoder failed"))?;
    if !decodes_to(&frame, input)? {
        return Err(io::Error::other("the zstd encoder wrote a frame that does not decode to its input"));
    }
    let room = output.get_mut(..frame.len()).ok_or_else(|| io::Error::other("the zstd encoder wrote too much"))?;
    room.copy_from_slice(&frame);
    Ok(frame.len())
}

/// Whether a frame decodes to these bytes and ends where they end.
fn decodes_to(frame: &[u8], mut expected: &[u8]) -> io::Result<bool> {
    let mut rest = frame;
    let mut decoder = StreamingDecoder::new(&mut rest).map_err(io::Error::other)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match decoder.read(&mut buffer)? {
            0 => break,
            n => match (buffer.get(..n), expected.split_at_checked(n)) {
                (Some(found), Some((next, after))) if found == next => expected = after,
                _ => return Ok(false),
            },
        }
    }
    drop(decoder);
    Ok(expected.is_empty() && rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_decodes_to_something_else_is_noticed() {
        let frame = compress_slice_to_vec(b"the bytes of a block", CompressionLevel::Level(3));
        assert!(decodes_to(&frame, b"the bytes of a block").unwrap());
        assert!(!decodes_to(&frame, b"the bytes of a blocc").unwrap());
        assert!(!decodes_to(&frame, b"the bytes of a block!").unwrap());
        assert!(!decodes_to(&frame, b"the bytes").unwrap());
        assert!(!decodes_to(&[&frame[..], b"x"].concat(), b"the bytes of a block").unwrap());
        assert!(decodes_to(&frame[..frame.len() - 5], b"the bytes of a block").is_err());
    }
}
