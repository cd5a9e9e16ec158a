//! zstd, frame by frame.

use super::{hello, layer, verdict};
use crate::scan::tests::kept;

/// A frame of raw blocks without a checksum; `size` if the header says one.
fn frame(content: &[u8], size: Option<u64>) -> Vec<u8> {
    let mut bytes = vec![0x28, 0xb5, 0x2f, 0xfd];
    match size {
        // A window of 1 MiB and eight bytes of size, or none.
        Some(size) => {
            bytes.extend([0xc0, 0x50]);
            bytes.extend(size.to_le_bytes());
        }
        None => bytes.extend([0, 0x50]),
    }
    let mut pieces = content.chunks(100_000).peekable();
    while let Some(piece) = pieces.next() {
        let header = (piece.len() as u32) << 3 | u32::from(pieces.peek().is_none());
        bytes.extend(&header.to_le_bytes()[..3]);
        bytes.extend(piece);
    }
    if content.is_empty() {
        bytes.extend([1, 0, 0]);
    }
    bytes
}

fn skippable(content: &[u8]) -> Vec<u8> {
    [&[0x5e, 0x2a, 0x4d, 0x18][..], &(content.len() as u32).to_le_bytes(), content].concat()
}

#[test]
fn every_frame_counts() {
    let tar = hello();
    let (start, end) = tar.split_at(1000);
    let frames = [skippable(b"toc"), frame(start, None), frame(&[], None), frame(end, Some(end.len() as u64))];
    assert_eq!(verdict(&[frames.concat(), skippable(&[0; 100_000])].concat(), &kept()), "ok");
}

#[test]
fn what_is_not_a_whole_stream_is_refused() {
    let tar = hello();
    let good = frame(&tar, Some(tar.len() as u64));
    let changed = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        bytes
    };
    for (what, expected, bytes) in [
        ("a reserved bit", "ZSTD_CORRUPT", changed(4, 0xc8)),
        ("a dictionary", "ZSTD_CORRUPT", changed(4, 0xc1)),
        ("a reserved block type", "ZSTD_CORRUPT", changed(14, 7)),
        ("another size", "ZSTD_CORRUPT", frame(&tar, Some(tar.len() as u64 + 1))),
        ("a window of 2 GiB", "LIMIT_ZSTD_WINDOW", changed(5, 0xa8)),
        ("one segment of 4 GiB", "LIMIT_ZSTD_WINDOW", {
            [&[0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff][..], &good[14..]].concat()
        }),
        ("a trailing byte", "ZSTD_TRAILING", [&good[..], b"x"].concat()),
        ("trailing bytes", "ZSTD_TRAILING", [&good[..], b"xxxxxxxx"].concat()),
        ("a gzip member", "ZSTD_TRAILING", [&good[..], &super::gzip::member(b"x")].concat()),
        // Version 0.7 of the format, which a decoder may know and a runtime does not.
        ("an old format", "ZSTD_TRAILING", [&good[..], b"\x27\xb5\x2f\xfd\0\0\0\0"].concat()),
        ("a skippable frame that is cut", "ZSTD_TRUNCATED", [&good[..], &skippable(b"toc")[..9]].concat()),
        ("half a header", "ZSTD_TRUNCATED", [&good[..], &good[..7]].concat()),
    ] {
        assert_eq!(verdict(&bytes, &layer()), expected, "{what}");
    }
    for length in (5..good.len()).step_by(1009) {
        assert_eq!(verdict(&good[..length], &layer()), "ZSTD_TRUNCATED", "{length}");
    }
}
