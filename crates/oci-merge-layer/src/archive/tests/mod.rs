//! Compressed archives. What other programs compressed stands here as they wrote it.

mod deb;
pub(crate) mod gzip;
mod zstd;

use super::{Archive, Container, Entries, Unpacked};
use crate::scan::tests::tar::Tar;
use crate::{Limits, Reason, Result, Rules};
use std::io::{Cursor, Read};

/// The reason for which an archive is refused, or `ok` and the reasons of its notes.
pub(super) fn verdict(bytes: &[u8], rules: &Rules) -> String {
    let read = || -> Result<Vec<Reason>> {
        let mut archive = Archive::open(Cursor::new(bytes.to_vec()), rules)?;
        while archive.next()?.is_some() {
            std::io::copy(&mut archive.content()?, &mut std::io::sink())?;
        }
        Ok(archive.notes().iter().map(|note| note.reason).collect())
    };
    match read() {
        Ok(reasons) => reasons.iter().fold("ok".to_owned(), |all, reason| format!("{all} {reason}")),
        Err(error) => error.reason().map_or_else(|| format!("{error:?}"), |reason| reason.0.to_owned()),
    }
}

pub(super) fn layer() -> Rules {
    Rules::layer(Limits::default())
}

/// A tar with one file, and more zeros at its end than a buffer holds.
pub(super) fn hello() -> Vec<u8> {
    Tar::new().file("hello", "hello").raw([0; 300_000]).end()
}

fn unhex(digits: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(digit).collect()
}

/// `printf hello > hello; tar --format=ustar --owner=0 --group=0 --mtime=@1700000000 --mode=0644 -b2 -cf h.tar hello`,
/// and what programs of Debian 12 made of it.
const XZ: &str = "fd377a585a0000016922de36020021011c00000010cf58cce007ff00505d00341949ee8dd7f8b83fc93732dec8d58031345066\
    7ec6e89d18d680f4073c2cf634476669044d8c553c0f99434ca18c30d0c674ec20f152df54dfdcd39a7fe448f82bc457f27e864b830149ba9b79\
    5f200057dbb6fb0001688010000000e7be0dc63e300d8b020000000001595a";
/// `xz -9 --lzma2=dict=256MiB`.
const XZ_LARGE: &str = "fd377a585a000004e6d6b44602002101200000000988a576e007ff00505d00341949ee8dd7f8b83fc93732dec8d580313450\
    667ec6e89d18d680f4073c2cf634476669044d8c553c0f99434ca18c30d0c674ec20f152df54dfdcd39a7fe448f82bc457f27e864b830149ba9b\
    795f20001e6d7fde7bf3039c00016c8010000000f1fc9c5db1c467fb020000000004595a";
const BZIP2: &str = "425a6839314159265359ce6d3c87000039fb90c900004040007780000862449e00040000082000542549ea7a8c8347ea869a\
    7a8248a7940d34034163ac21fe4480a228c5aeab497b24e86547034c5c16f356427e70c67ad1d3e6b29d198561a3d2e1d962fd287223694bf177\
    245385090ce6d3c870";
/// `zstd -19`.
const ZSTD: &str = "28b52ffd60000755020042430a10a0ab03b43e3afdaf4fead85cff6f97016429a9a72a6c350ef8176e7e27a441f428663bfe\
    991032270b00f7810f030406244701f8cd30540380f003401a80997b0218ce4ea008";
/// `zstd --check`, from a pipe.
const ZSTD_CHECKED: &str = "28b52ffd0458e50200640368656c6c6f00303030303634343030303030303500313435323437373034303000303\
    1323130300020307573746172003030726f6f740d0099811fc20091028526053003d67430140e20019c2521036ac64c03a05bb9f64ea008364\
    29408";
/// `zstd --check --ultra -22 --long=31`, from a pipe.
const ZSTD_LONG: &str = "28b52ffd04a855020042430a10a0ab03b43e3afdaf4fead85cff6f97016429a9a72a6c350ef8176e7e27a441f428663b\
    fe991032270b00f7810f030406244701f8cd30540380f003401a80997b0218ce4ea00836429408";

#[test]
fn what_other_programs_compressed_is_read() {
    for (container, digits) in
        [(Container::Xz, XZ), (Container::Bzip2, BZIP2), (Container::Zstd, ZSTD), (Container::Zstd, ZSTD_CHECKED)]
    {
        let mut archive = Archive::open(Cursor::new(unhex(digits)), &layer()).unwrap();
        assert_eq!(archive.container(), container);
        let entry = archive.next().unwrap().unwrap();
        assert_eq!((entry.path.to_string().as_str(), entry.mtime.seconds), ("/hello", 1_700_000_000));
        let mut content = String::new();
        archive.content().unwrap().read_to_string(&mut content).unwrap();
        assert_eq!(content, "hello");
        assert_eq!(archive.next().unwrap(), None);
    }
}

#[test]
fn several_streams_are_one_archive() {
    let twice = |digits: &str| [unhex(digits), unhex(digits)].concat();
    // The tar ends within the first: what follows is seen, and is not zeros.
    for digits in [XZ, BZIP2, ZSTD, ZSTD_CHECKED] {
        assert_eq!(verdict(&twice(digits), &layer()), "TAR_DATA_AFTER_EOF", "{digits}");
    }
    // xz pads streams to four bytes.
    assert_eq!(verdict(&[unhex(XZ), vec![0; 8]].concat(), &layer()), "ok");
    assert_eq!(verdict(&[unhex(XZ), vec![0; 3]].concat(), &layer()), "XZ_TRUNCATED");
}

#[test]
fn damage_is_found_wherever_it_is() {
    for (digits, truncated) in
        [(XZ, "XZ_TRUNCATED"), (BZIP2, "BZIP2_TRUNCATED"), (ZSTD, "ZSTD_TRUNCATED"), (ZSTD_CHECKED, "ZSTD_TRUNCATED")]
    {
        let good = unhex(digits);
        for length in 8..good.len() {
            assert_eq!(verdict(&good[..length], &layer()), truncated, "{length} bytes of {digits}");
        }
        assert_ne!(verdict(&[good, vec![b'x'; 8]].concat(), &layer()), "ok", "{digits}");
    }
    for (digits, corrupt) in [(XZ, "XZ_CORRUPT"), (BZIP2, "BZIP2_CORRUPT"), (ZSTD_CHECKED, "ZSTD_CORRUPT")] {
        let (good, expected) = (unhex(digits), unpack(&unhex(digits)).unwrap());
        let mut reasons = Vec::new();
        for place in 6..good.len() {
            let mut bytes = good.clone();
            bytes[place] ^= 0x10;
            // Some bits mean nothing, such as how large a window might have been.
            match unpack(&bytes) {
                Ok(tar) => assert!(tar == expected, "byte {place} of {digits}"),
                Err(error) => reasons.push(error.reason().unwrap().0),
            }
        }
        assert!(reasons.contains(&corrupt), "{digits}: {reasons:?}");
    }
}

/// The whole tar in a compressed archive.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut tar = Vec::new();
    Unpacked::new(Container::of(bytes)?, bytes, &layer())?.read_to_end(&mut tar)?;
    Ok(tar)
}

#[test]
fn what_a_decoder_has_to_remember_is_limited() {
    assert_eq!(verdict(&unhex(ZSTD_LONG), &layer()), "LIMIT_ZSTD_WINDOW");
    assert_eq!(verdict(&unhex(XZ_LARGE), &layer()), "LIMIT_XZ_DICTIONARY");
    let more = Rules::layer(Limits { window_bytes: 2 << 30, ..Limits::default() });
    assert_eq!(verdict(&unhex(ZSTD_LONG), &more), "ok");
    assert_eq!(verdict(&unhex(XZ_LARGE), &more), "ok");
}

#[test]
fn what_is_compressed_twice_is_no_tar() {
    let twice = gzip::member(&gzip::member(&hello()));
    assert_eq!(verdict(&twice, &layer()), "NOT_A_TAR");
    assert_eq!(verdict(b"\x04\x22\x4d\x18", &layer()), "UNSUPPORTED_COMPRESSION");
    assert_eq!(verdict(b"<html>", &layer()), "NOT_A_TAR");
}

#[test]
fn uncompressed_bytes_are_limited_in_every_form() {
    let small = Rules::layer(Limits { layer_bytes: 2047, ..Limits::default() });
    for bytes in [unhex(XZ), unhex(BZIP2), unhex(ZSTD), gzip::member(&hello()), hello()] {
        assert_eq!(verdict(&bytes, &small), "LIMIT_LAYER_BYTES");
    }
}

#[test]
fn an_error_of_the_input_is_not_one_of_the_archive() {
    /// Gives some bytes, then fails.
    struct Failing(Cursor<Vec<u8>>);
    impl Read for Failing {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(out)? {
                0 => Err(std::io::Error::other("the cable was cut")),
                length => Ok(length),
            }
        }
    }
    impl std::io::Seek for Failing {
        fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
            self.0.seek(to)
        }
    }
    for mut bytes in [unhex(XZ), unhex(BZIP2), unhex(ZSTD_CHECKED), gzip::member(&hello())] {
        bytes.truncate(bytes.len() / 2);
        // Forms are told by 512 bytes, of which these have fewer: the input fails at once.
        bytes.extend([0; 512]);
        let opened = Archive::open(Failing(Cursor::new(bytes)), &layer());
        let error = opened.and_then(|mut archive| archive.next().map(drop)).err();
        if let Some(error) = error.filter(|error| error.reason().is_none()) {
            assert_eq!(error.to_string(), "cannot be read: the cable was cut");
        }
    }
}
