//! One file from a server or from this machine, verified.

mod file;
mod http;

use crate::network::{Network, Url};
use crate::{Error, ErrorKind, Result};
use oci_merge_image::Digest;
use std::fs::File;
use std::io::{self, Seek};

/// The most that is downloaded, in bytes: the largest layer that is read.
const MAX_DOWNLOAD: u64 = 64 << 30;

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    /// The digest of the bytes, which is the expected one.
    pub digest: Digest,
    /// How many bytes there are.
    pub size: u64,
}

/// Downloads an `https`, `http` or `file` address into a file, which it makes empty first, and again if anything goes
/// wrong: nothing unverified is left in it. A broken connection is gone on with where it broke, if the server can say
/// that its file is still the same, and otherwise from the beginning.
///
/// Plain HTTP is as good as https here, for the bytes are verified; a redirect from https to http is still refused.
///
/// `observe` is told the bytes so far, and in all if that is known; it must not block.
///
/// # Errors
/// [`ErrorKind::Mismatch`] with the expected and the found digest. [`ErrorKind::Policy`] if no digest is expected:
/// the text says which one the file has, to be pasted. [`ErrorKind::NotFound`], [`ErrorKind::Denied`],
/// [`ErrorKind::Network`] and [`ErrorKind::Disk`] as everywhere.
pub fn download(
    network: &Network,
    url: &str,
    sha256: Option<&Digest>,
    into: &mut File,
    observe: &dyn Fn(u64, Option<u64>),
) -> Result<Downloaded> {
    let done = match url.get(..5) {
        Some(scheme) if scheme.eq_ignore_ascii_case("file:") => file::copy(url, sha256, into, observe),
        _ => http::get(network, url, sha256, into, observe),
    };
    let done = done.and_then(|(place, downloaded)| match sha256 {
        Some(expected) if *expected != downloaded.digest => Err(Error::mismatch(&place, expected, &downloaded.digest)),
        Some(_) => Ok(downloaded),
        None => Err(unpinned(&place, &downloaded)),
    });
    if done.is_err() {
        // The first error is the one to tell of.
        let _ = empty(into);
    }
    done
}

fn unpinned(place: &str, downloaded: &Downloaded) -> Error {
    let Downloaded { digest, size } = downloaded;
    let text = format!(
        "no digest is expected of it; if its {size} bytes are the right ones, add  sha256 = \"{}\"",
        digest.hex()
    );
    Error::new(ErrorKind::Policy, place, text).because("URL_WITHOUT_DIGEST").about(digest)
}

fn empty(into: &mut File) -> io::Result<()> {
    into.set_len(0)?;
    into.rewind()
}

/// How messages name a URL: without the values of parameters that may give access, and without a login.
///
/// ```
/// use oci_merge_store::download::name_of;
/// assert_eq!(name_of("https://example.org/t.tar.gz?token=x"), "https://example.org/t.tar.gz?token=…");
/// assert_eq!(name_of("https://jon:secret@example.org/t.tar.gz"), "a URL");
/// ```
pub fn name_of(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => url.redacted(),
        Err(_) if url.starts_with("file:") => url.to_owned(),
        Err(_) => "a URL".to_owned(),
    }
}

/// An error of the file that is written.
fn unwritable(place: &str, error: io::Error) -> Error {
    Error::disk(place, "what was downloaded cannot be written", error)
}

#[cfg(test)]
mod tests;
