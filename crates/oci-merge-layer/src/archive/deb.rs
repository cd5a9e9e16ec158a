//! Debian packages: the tar that is to be unpacked, out of an ar archive (deb(5)).

use crate::{Error, Result};
use std::io::{self, Read};

/// Members before `data.tar`: the version, the control archive, and what may stand between.
const MAX_MEMBERS: usize = 16;

/// The member `data.tar`, whatever it is compressed with.
pub(super) struct DataTar<R> {
    input: R,
    left: u64,
}

impl<R: Read> DataTar<R> {
    /// Finds the member in a package that is open at its beginning.
    pub(super) fn find(mut input: R) -> Result<DataTar<R>> {
        take::<8>(&mut input)?;
        for number in 0..MAX_MEMBERS {
            let header: [u8; 60] = take(&mut input)?;
            let (name, rest) = header.split_at(16);
            let name = name.trim_ascii_end();
            let name = name.strip_suffix(b"/").unwrap_or(name);
            let size = rest.get(32..42).and_then(decimal).filter(|_| header.ends_with(b"`\n"));
            let size = size.ok_or_else(|| corrupt("a member without a proper header"))?;
            if name.starts_with(b"data.tar") {
                return Ok(DataTar { input, left: size });
            }
            if number == 0 && (name != b"debian-binary" || size > 16) {
                return Err(corrupt("it is an ar archive, and not a Debian package of version 2"));
            }
            let mut content = input.by_ref().take(size + size % 2);
            let mut version = [0; 2];
            if number == 0 && (content.read_exact(&mut version).is_err() || version != *b"2.") {
                return Err(corrupt("it is not of version 2"));
            }
            if io::copy(&mut content, &mut io::sink()).is_err() || content.limit() > 0 {
                return Err(truncated());
            }
        }
        Err(corrupt("it has no data.tar"))
    }
}

impl<R: Read> Read for DataTar<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let Some(out) = out.get_mut(..most).filter(|out| !out.is_empty()) else { return Ok(0) };
        let given = self.input.read(out)?;
        if given == 0 {
            return Err(truncated().into());
        }
        self.left -= given as u64;
        Ok(given)
    }
}

fn take<const N: usize>(input: &mut impl Read) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => truncated(),
        _ => error.into(),
    })?;
    Ok(bytes)
}

fn decimal(field: &[u8]) -> Option<u64> {
    std::str::from_utf8(field.trim_ascii_end()).ok().filter(|text| !text.starts_with('+'))?.parse().ok()
}

fn corrupt(what: &str) -> Error {
    Error::refused("DEB_CORRUPT", format!("the Debian package is damaged: {what}"))
}

fn truncated() -> Error {
    Error::refused("DEB_TRUNCATED", "the Debian package ends within a member")
}
