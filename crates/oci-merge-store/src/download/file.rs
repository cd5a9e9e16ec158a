//! `file` addresses (RFC 8089).

use super::{Downloaded, MAX_DOWNLOAD, empty, unwritable};
use crate::digester::Digester;
use crate::network::decode;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Algorithm, Digest, shown};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// How much is read at a time, in bytes.
const BLOCK: usize = 64 << 10;

pub(super) fn copy(
    url: &str,
    sha256: Option<&Digest>,
    into: &mut File,
    observe: &dyn Fn(u64, Option<u64>),
) -> Result<(String, Downloaded)> {
    let place = shown(url).to_string();
    let path = path(url).ok_or_else(|| {
        Error::new(ErrorKind::Policy, &place, "a file address is file:///PATH, with an absolute path on this machine")
    })?;
    let unreadable = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => Error::not_found(&place, "the file"),
        _ => Error::disk(&place, "cannot be read", e),
    };
    // Before it is opened, for opening a pipe waits for somebody to write into it.
    if !std::fs::metadata(&path).map_err(unreadable)?.is_file() {
        return Err(Error::new(ErrorKind::Policy, &place, "not a regular file"));
    }
    let mut from = File::open(path).map_err(unreadable)?;
    let length = from.metadata().map_err(unreadable)?.len();
    empty(into).map_err(|e| unwritable(&place, e))?;
    let mut digester = Digester::new(sha256.map_or(Algorithm::Sha256, Digest::algorithm));
    let (mut size, mut block) = (0, vec![0; BLOCK]);
    loop {
        let count = match from.read(&mut block) {
            Ok(0) => return Ok((place, Downloaded { digest: digester.finish(), size })),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(unreadable(e)),
        };
        let bytes = block.get(..count).unwrap_or_default();
        size += count as u64;
        if size > MAX_DOWNLOAD {
            return Err(Error::new(ErrorKind::Policy, &place, format!("more than {MAX_DOWNLOAD} bytes")));
        }
        into.write_all(bytes).map_err(|e| unwritable(&place, e))?;
        digester.update(bytes);
        observe(size, Some(length));
    }
}

/// The path of `file:///PATH`, `file:/PATH` or `file://localhost/PATH`.
fn path(url: &str) -> Option<PathBuf> {
    let rest = url.get("file:".len()..)?;
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
        None => rest,
    };
    let plain = !path.contains(['?', '#', '\0']) && path.starts_with('/');
    let bytes = decode(path);
    (plain && !bytes.contains(&0)).then(|| PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_addresses_are_those_of_the_rfc() {
        // RFC 8089 section 2 and appendix B; a host other than this one has no files here.
        let cases = [
            ("file:///path/to/file", Some("/path/to/file")),
            ("file:/path/to/file", Some("/path/to/file")),
            ("FILE://localhost/path/to/file", Some("/path/to/file")),
            ("file:///a%20b%2Fc%C3%B6", Some("/a b/c\u{f6}")),
            ("file://host.example.com/path", None),
            ("file:relative", None),
            ("file://", None),
            ("file:///a%00b", None),
            ("file:///a?b", None),
        ];
        for (url, expected) in cases {
            assert_eq!(path(url), expected.map(PathBuf::from), "{url}");
        }
    }
}
