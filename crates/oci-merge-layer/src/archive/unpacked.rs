//! The tar in a compressed archive.

use super::bzip2::Bunzip2;
use super::container::{Container, unsupported};
use super::gzip::Gunzip;
use super::xz::Unxz;
use super::zstd::Unzstd;
use crate::{Note, Result, Rules};
use std::io::{self, Read};

/// The tar in an archive; of two that are compressed into each other, only the outer one is opened.
pub(crate) enum Unpacked<R: Read> {
    Tar(R),
    Gzip(Box<Gunzip<R>>),
    Zstd(Box<Unzstd<R>>),
    Xz(Box<Unxz<R>>),
    Bzip2(Box<Bunzip2<R>>),
}

impl<R: Read> Unpacked<R> {
    /// The tar in an archive of a form.
    ///
    /// # Errors
    /// `UNSUPPORTED_COMPRESSION`: the form is no compressed tar.
    pub(crate) fn new(container: Container, source: R, rules: &Rules) -> Result<Unpacked<R>> {
        Ok(match container {
            Container::Tar => Unpacked::Tar(source),
            Container::Gzip => Unpacked::Gzip(Box::new(Gunzip::new(source, rules))),
            Container::Zstd => Unpacked::Zstd(Box::new(Unzstd::new(source, rules))),
            Container::Xz => Unpacked::Xz(Box::new(Unxz::new(source, rules))),
            Container::Bzip2 => Unpacked::Bzip2(Box::new(Bunzip2::new(source))),
            Container::Zip => return Err(unsupported("is a zip")),
            Container::Deb => return Err(unsupported("is a Debian package")),
        })
    }

    /// What was odd about the compressed stream so far.
    pub(crate) fn notes(&self) -> &[Note] {
        match self {
            Unpacked::Gzip(gzip) => gzip.notes(),
            _ => &[],
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Tar(source) => source.read(out),
            Unpacked::Gzip(source) => source.read(out),
            Unpacked::Zstd(source) => source.read(out),
            Unpacked::Xz(source) => source.read(out),
            Unpacked::Bzip2(source) => source.read(out),
        }
    }
}
