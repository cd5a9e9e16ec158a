//! What an archive is, by its first bytes.

use super::zstd::is_zstd;
use crate::{Error, Result};
use oci_merge_image::Compression;
use std::io::{self, Read};

/// The form of an archive, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// A tar, not compressed.
    Tar,
    /// A tar in gzip (RFC 1952).
    Gzip,
    /// A tar in zstd (RFC 8878).
    Zstd,
    /// A tar in xz.
    Xz,
    /// A tar in bzip2.
    Bzip2,
    /// A zip.
    Zip,
    /// A Debian package: the tar `data.tar` in it, in whatever it is compressed with.
    Deb,
}

/// How many bytes it takes to tell: the magic of a tar stands in the middle of its first header.
pub(super) const START: usize = 512;

impl Container {
    /// The form of an archive that begins with some bytes, 512 if it has so many. What is none of the others may be
    /// a tar: the scanner knows.
    ///
    /// # Errors
    /// `UNSUPPORTED_COMPRESSION`: a form that is known, and not supported.
    pub fn of(start: &[u8]) -> Result<Container> {
        const OTHERS: [(&[u8], &str); 7] = [
            (b"\x04\x22\x4d\x18", "lz4"),
            (b"\x1f\x9d", "compress (.Z)"),
            (b"LZIP\x01", "lzip"),
            (b"]\0\0", "lzma"),
            (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
            (b"Rar!\x1a\x07", "RAR"),
            (b"\xed\xab\xee\xdb", "an RPM package"),
        ];
        // Runtimes look for gzip and zstd first, and take all else for a tar.
        if start.starts_with(b"\x1f\x8b") {
            return Ok(Container::Gzip);
        }
        if is_zstd(start) {
            return Ok(Container::Zstd);
        }
        if start.get(257..262) == Some(b"ustar") {
            return Ok(Container::Tar);
        }
        for (magic, container) in [
            (&b"\xfd7zXZ\0"[..], Container::Xz),
            (b"BZh", Container::Bzip2),
            (b"PK\x03\x04", Container::Zip),
            (b"PK\x05\x06", Container::Zip),
            (b"!<arch>\n", Container::Deb),
        ] {
            if start.starts_with(magic) {
                return Ok(container);
            }
        }
        match OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
            Some((_, name)) => Err(unsupported(&format!("is {name}, which is not read"))),
            None => Ok(Container::Tar),
        }
    }

    /// The program that makes a plain tar of it; `None` if it is none that is compressed.
    pub fn unpacker(self) -> Option<&'static str> {
        match self {
            Container::Gzip => Some("gunzip"),
            Container::Zstd => Some("unzstd"),
            Container::Xz => Some("unxz"),
            Container::Bzip2 => Some("bunzip2"),
            Container::Tar | Container::Zip | Container::Deb => None,
        }
    }

    /// How a layer of this form is compressed; `None` for a form that no layer may have.
    pub fn compression(self) -> Option<Compression> {
        match self {
            Container::Tar => Some(Compression::None),
            Container::Gzip => Some(Compression::Gzip),
            Container::Zstd => Some(Compression::Zstd),
            Container::Xz | Container::Bzip2 | Container::Zip | Container::Deb => None,
        }
    }
}

/// Reads the first bytes: 512, or all if there are fewer.
pub(crate) fn read_start(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(START);
    input.by_ref().take(START as u64).read_to_end(&mut start)?;
    Ok(start)
}

pub(super) fn unsupported(text: &str) -> Error {
    Error::refused("UNSUPPORTED_COMPRESSION", format!("the archive {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_tar_is_no_magic() {
        let mut header = vec![0; START];
        header[..4].copy_from_slice(b"BZh9");
        assert_eq!(Container::of(&header).unwrap(), Container::Bzip2);
        header[257..262].copy_from_slice(b"ustar");
        assert_eq!(Container::of(&header).unwrap(), Container::Tar);
        assert_eq!(Container::of(b"").unwrap(), Container::Tar);
        let error = Container::of(b"\x04\x22\x4d\x18....").unwrap_err();
        assert_eq!(error.to_string(), "the archive is lz4, which is not read [UNSUPPORTED_COMPRESSION]");
    }
}
