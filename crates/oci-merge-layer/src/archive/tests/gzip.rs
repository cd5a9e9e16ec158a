//! gzip, byte by byte.

use super::{hello, layer, verdict};
use crate::archive::gzip::Gunzip;
use crate::scan::tests::kept;
use crc32fast::hash;
use flate2::write::DeflateEncoder;
use flate2::{Compression, read::MultiGzDecoder};
use proptest::prelude::*;
use std::io::{Read, Write};

/// Flags, and what they announce.
pub(super) fn with_header(flags: u8, fields: &[u8], content: &[u8]) -> Vec<u8> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
    deflate.write_all(content).unwrap();
    let mut bytes = vec![0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255];
    bytes.extend(fields);
    bytes.extend(deflate.finish().unwrap());
    bytes.extend(hash(content).to_le_bytes());
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes
}

pub(crate) fn member(content: &[u8]) -> Vec<u8> {
    with_header(0, &[], content)
}

#[test]
fn every_member_counts() {
    let tar = hello();
    let (start, end) = tar.split_at(1000);
    let members = [member(start), member(&[]), member(end), member(&[])].concat();
    assert_eq!(verdict(&members, &kept()), "ok");
    let named = with_header(8 | 16 | 4, b"\x03\0abc../../etc/passwd\0comment\0", &tar);
    assert_eq!(verdict(&named, &kept()), "ok");
}

#[test]
fn a_checksum_of_the_header_is_odd_if_it_is_right() {
    let crc = (hash(&[0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 255]) as u16).to_le_bytes();
    let right = with_header(2, &crc, &hello());
    assert_eq!(verdict(&right, &layer()), "ok GZ_HEADER_CRC");
    assert_eq!(verdict(&right, &kept()), "GZ_HEADER_CRC");
    assert_eq!(verdict(&with_header(2, &[crc[0], !crc[1]], &hello()), &layer()), "GZ_HEADER_CRC");
}

#[test]
fn what_is_not_a_whole_stream_is_refused() {
    let good = member(&hello());
    let changed = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        bytes
    };
    let end = good.len();
    for (what, expected, bytes) in [
        ("another method", "GZ_CORRUPT", changed(2, 7)),
        ("a reserved flag", "GZ_CORRUPT", changed(3, 0x20)),
        ("a reserved block type", "GZ_CORRUPT", changed(10, 7)),
        ("checksum", "GZ_CORRUPT", changed(end - 8, good[end - 8] ^ 1)),
        ("length", "GZ_CORRUPT", changed(end - 1, good[end - 1] ^ 1)),
        ("a name that never ends", "GZ_TRUNCATED", with_header(8, &[b'n'; 100], &[])[..110].to_vec()),
        ("a trailing byte", "GZ_TRAILING", [&good[..], b"\0"].concat()),
        ("trailing zeros", "GZ_TRAILING", [&good[..], &[0; 512]].concat()),
        ("half a magic", "GZ_TRUNCATED", [&good[..], b"\x1f"].concat()),
        ("a header", "GZ_TRUNCATED", [&good[..], &good[..10]].concat()),
        ("a second member that is damaged", "GZ_CORRUPT", {
            let mut bytes = [good.clone(), good.clone()].concat();
            bytes[2 * end - 8] ^= 1;
            bytes
        }),
    ] {
        assert_eq!(verdict(&bytes, &layer()), expected, "{what}");
    }
    for length in 3..end {
        // The tar ends long before the stream does.
        assert_eq!(verdict(&good[..length], &layer()), "GZ_TRUNCATED", "{length}");
    }
}

proptest! {
    /// What is accepted is what another reader makes of it; damage is never passed over.
    #[test]
    fn another_reader_sees_the_same(
        contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..4),
        place in any::<prop::sample::Index>(),
        with in any::<u8>(),
    ) {
        let mut bytes = contents.iter().flat_map(|content| member(content)).collect::<Vec<u8>>();
        *place.get_mut(&mut bytes) = with;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        if Gunzip::new(&bytes[..], &layer()).read_to_end(&mut ours).is_ok() {
            MultiGzDecoder::new(&bytes[..]).read_to_end(&mut theirs).unwrap();
            prop_assert_eq!(&ours, &theirs);
            prop_assert_eq!(ours, contents.concat());
        }
    }
}
