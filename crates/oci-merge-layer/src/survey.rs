//! One pass over a layer's blob that yields everything that is ever asked about it.

use crate::archive::{Container, Unpacked, read_start};
use crate::facts::FactsReader;
use crate::{Body, Error, IndexBuilder, Item, LayerIndex, Result, Rules, Scanner};
use oci_merge_image::{Algorithm, Compression, DiffId, Digest};
use sha2::{Digest as _, Sha256};
use std::io::{self, Cursor, Read};

/// How much of a file is looked at at once.
const PIECE: usize = 128 << 10;

/// What one pass over a blob tells. The digest, the diff_id and the notes are those of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Bytes of the blob.
    pub size: u64,
    /// How its tar is compressed.
    pub compression: Compression,
    /// Bytes of the tar.
    pub tar_size: u64,
    /// All entries, bound to the blob's digest and diff_id.
    pub index: LayerIndex,
}

/// Reads a layer's blob (a tar, plain or in gzip or zstd) from its first byte to its last.
///
/// ```
/// use oci_merge_layer::{Limits, Rules, survey};
/// // Two blocks of zeros are an archive without entries.
/// let survey = survey(&[0; 1024][..], &Rules::kept(Limits::default())).unwrap();
/// assert_eq!(survey.size, 1024);
/// assert!(survey.index.is_empty());
/// // printf '%1024s' | tr ' ' '\0' | sha256sum
/// let digest = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
/// assert_eq!(survey.index.digest().to_string(), digest);
/// assert_eq!(survey.index.diff_id().to_string(), digest);
/// ```
///
/// # Errors
/// The blob is refused (see [`scan`](crate::scan)), or is no archive that a layer may be (`UNSUPPORTED_COMPRESSION`);
/// a limit is exceeded; the input fails.
pub fn survey(mut input: impl Read, rules: &Rules) -> Result<Survey> {
    read(&mut input, None, rules)
}

/// The same for a blob with a known digest, which is not digested again: `input` has to fail at its end unless its bytes
/// are those of the digest, as all readers of a store do.
///
/// # Errors
/// Those of [`survey`].
pub fn survey_verified(mut input: impl Read, digest: &Digest, rules: &Rules) -> Result<Survey> {
    // An index names blobs by SHA-256.
    let known = (digest.algorithm() == Algorithm::Sha256).then_some(digest);
    read(&mut input, known, rules)
}

/// One copy of the machine for all inputs.
fn read(input: &mut dyn Read, known: Option<&Digest>, rules: &Rules) -> Result<Survey> {
    let mut blob = Digested { is_digested: known.is_none(), ..Digested::new(input) };
    let start = read_start(&mut blob)?;
    let container = Container::of(&start)?;
    let unsupported = || {
        let text = "a layer is a tar, plain or in gzip or zstd; this archive is none of them";
        Error::refused("UNSUPPORTED_COMPRESSION", text)
    };
    let compression = container.compression().ok_or_else(unsupported)?;
    let tar = Unpacked::new(container, Cursor::new(start).chain(&mut blob), rules)?;
    // Of a tar that is not compressed, the digest is the diff_id.
    let is_plain = container == Container::Tar;
    let mut scanner = Scanner::new(Digested { is_digested: !is_plain, ..Digested::new(tar) }, rules);
    let mut builder = IndexBuilder::new(rules);
    read_entries(&mut scanner, &mut builder)?;

    let (tar, notes) = scanner.into_parts();
    builder.push_notes(tar.input.notes())?;
    builder.push_notes(&notes)?;
    let tar_size = tar.size;
    let diff = tar.finish();
    if known.is_some() {
        // Only at its end does the input say whether it is what it should be.
        io::copy(&mut blob, &mut io::sink())?;
    }
    let size = blob.size;
    let digest = known.cloned().unwrap_or_else(|| blob.finish());
    let diff_id = DiffId(if is_plain { digest.clone() } else { diff });
    let index = builder.finish(digest, diff_id)?;
    Ok(Survey { size, compression, tar_size, index })
}

fn read_entries<R: Read>(scanner: &mut Scanner<R>, builder: &mut IndexBuilder) -> Result<()> {
    let mut facts = FactsReader::default();
    let mut piece = vec![0; PIECE];
    while let Some(item) = scanner.next()? {
        match item {
            Item::Entry(entry) => {
                let (mut content, mut found) = (None, None);
                if let Body::File { size } = entry.body {
                    facts.begin(&entry.path, size);
                    content = Some(read_content(scanner.content(), &mut facts, &mut piece)?);
                    found = facts.finish();
                }
                builder.push(&entry, content, found)?;
            }
            Item::Whiteout(path) => builder.push_whiteout(path)?,
        }
    }
    Ok(())
}

fn read_content(mut content: impl Read, facts: &mut FactsReader, piece: &mut [u8]) -> Result<[u8; 32]> {
    let mut digest = Sha256::new();
    loop {
        let length = content.read(piece)?;
        let bytes = piece.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(digest.finalize().into());
        }
        digest.update(bytes);
        facts.feed(bytes);
    }
}

/// What is read, counted and digested.
struct Digested<R> {
    input: R,
    size: u64,
    is_digested: bool,
    digest: Sha256,
}

impl<R> Digested<R> {
    fn new(input: R) -> Digested<R> {
        Digested { input, size: 0, is_digested: true, digest: Sha256::new() }
    }

    fn finish(self) -> Digest {
        Digest::from_sha256(self.digest.finalize().into())
    }
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(out)?;
        self.size += length as u64;
        if self.is_digested {
            self.digest.update(out.get(..length).unwrap_or_default());
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::Facts;
    use crate::scan::tests::tar::{Header, Tar};
    use crate::{EntryView, Limits};
    use flate2::Compression as Level;
    use flate2::write::GzEncoder;
    use oci_merge_image::LayerPath;
    use std::io::Write;

    fn kept() -> Rules {
        Rules::kept(Limits::default())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Level::default());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn find<'a>(survey: &'a Survey, path: &str) -> EntryView<'a> {
        survey.index.find(&LayerPath::parse(path.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn one_pass_tells_digests_sizes_entries_and_facts() {
        let tar = Tar::new().file("a", "hello").entry(Header::file("run"), "#!/bin/sh -e\n").raw([0; 1_000_000]).end();
        let blob = gzip(&tar);
        let survey = survey(&blob[..], &kept()).unwrap();
        assert_eq!((survey.size, survey.tar_size), (blob.len() as u64, tar.len() as u64));
        assert_eq!(survey.compression, Compression::Gzip);
        assert_eq!(*survey.index.digest(), Digest::of(&blob));
        assert_eq!(survey.index.diff_id().0, Digest::of(&tar));
        // printf hello | sha256sum
        let hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        assert_eq!(Digest::from_sha256(*find(&survey, "a").content.unwrap()).to_string(), hello);
        assert_eq!(find(&survey, "a").facts, None);
        let script = Facts::Script { interpreter: b"/bin/sh -e".to_vec() };
        assert_eq!(find(&survey, "run").facts, Some(&script));
    }

    #[test]
    fn a_known_digest_is_not_made_again() {
        let tar = Tar::new().file("a", "hello").end();
        for blob in [gzip(&tar), tar] {
            let plainly = survey(&blob[..], &kept()).unwrap();
            assert_eq!(survey_verified(&blob[..], &Digest::of(&blob), &kept()).unwrap(), plainly);
            // Believed, for whoever reads it has made sure; but an index names blobs by SHA-256 only.
            let other = Digest::of(b"other");
            assert_eq!(*survey_verified(&blob[..], &other, &kept()).unwrap().index.digest(), other);
            let long: Digest = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
            assert_eq!(survey_verified(&blob[..], &long, &kept()).unwrap(), plainly);
        }
    }

    #[test]
    fn an_input_that_fails_at_its_end_is_no_layer() {
        struct Wrong;
        impl Read for Wrong {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::InvalidData.into())
            }
        }
        let tar = Tar::new().file("a", "hello").end();
        for blob in [gzip(&tar), tar] {
            let digest = Digest::of(&blob);
            assert!(survey_verified(io::Read::chain(&blob[..], Wrong), &digest, &kept()).is_err());
        }
    }

    #[test]
    fn of_a_plain_tar_the_diff_id_is_the_digest() {
        let tar = Tar::new().file("a", "hello").end();
        let survey = survey(&tar[..], &kept()).unwrap();
        assert_eq!((survey.size, survey.tar_size, survey.compression), (2048, 2048, Compression::None));
        assert_eq!(*survey.index.digest(), Digest::of(&tar));
        assert_eq!(survey.index.diff_id().0, Digest::of(&tar));
    }

    #[test]
    fn a_layer_is_a_tar_plain_or_in_gzip_or_zstd() {
        for blob in [&b"\xfd7zXZ\0\0\0"[..], b"BZh91AY&SY", b"PK\x03\x04", b"!<arch>\n", b"\x04\x22\x4d\x18"] {
            assert_eq!(survey(blob, &kept()).unwrap_err().reason().unwrap().0, "UNSUPPORTED_COMPRESSION");
        }
        assert_eq!(survey(&[][..], &kept()).unwrap_err().reason().unwrap().0, "TAR_TRUNCATED");
    }

    #[test]
    fn notes_on_the_compression_and_on_the_tar_are_notes_on_the_layer() {
        let mut blob = gzip(&Tar::new().dir("a").dir("a").end());
        blob[3] = 2;
        let crc = crc32fast::hash(&blob[..10]) as u16;
        blob.splice(10..10, crc.to_le_bytes());
        let survey = survey(&blob[..], &Rules::layer(Limits::default())).unwrap();
        let reasons: Vec<_> = survey.index.notes().iter().map(|note| note.reason.0).collect();
        assert_eq!(reasons, ["GZ_HEADER_CRC", "TAR_DUPLICATE"]);
    }

    #[test]
    fn a_base_has_whiteouts() {
        let tar = Tar::new().file("etc/.wh.b", "").file("etc/.wh.a", "").file("x", "").end();
        let survey = survey(&tar[..], &Rules::base(Limits::default())).unwrap();
        let whiteouts: Vec<_> = survey.index.whiteouts().iter().map(ToString::to_string).collect();
        assert_eq!(whiteouts, ["/etc/.wh.a", "/etc/.wh.b"]);
        assert_eq!(survey.index.len(), 1);
        assert_eq!(survey.index.notes(), []);
    }
}
