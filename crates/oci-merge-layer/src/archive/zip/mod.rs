//! Zips: what the central directory says, where the headers before the contents agree.
//!
//! Some readers of zips go by the directory at the end, some by the headers in between, and they can be made to see
//! different files. So both are read, and a zip where they differ is refused; as are zips with two ends, members that
//! share bytes or that the directory does not know, names that readers take for different paths (with a backslash, or not
//! ASCII and not said to be UTF-8), and whatever is encrypted.
//!
//! A zip made on Unix holds modes and symbolic links; another one gives 0644 and 0755. Owners are not taken from a
//! zip: everything belongs to 0:0. Times without a zone are taken for those of Greenwich.

mod content;
mod directory;
mod fields;
mod gap;
mod member;
#[cfg(test)]
mod tests;

use super::Entries;
use crate::scan::is_marked;
use crate::{Body, Entry, Error, Note, Result, Rules, Xattrs};
use content::Content;
pub(crate) use directory::ends_as_zip;
use member::{Member, about};
use oci_merge_image::LayerPath;
use std::io::{Read, Seek, SeekFrom};

/// Longest link target, in bytes (Linux `PATH_MAX` less its NUL).
const MAX_TARGET: u64 = 4095;

/// A zip, open for reading from its first member to its last.
pub(super) struct Zip<R> {
    input: R,
    members: std::vec::IntoIter<Member>,
    /// The member that was given last, and where its content stands; nothing if it has none.
    current: Option<(Member, u64)>,
}

impl<R: Read + Seek> Zip<R> {
    pub(super) fn open(mut input: R, rules: &Rules) -> Result<Zip<R>> {
        let members = directory::read(&mut input, &rules.limits)?.into_iter();
        Ok(Zip { input, members, current: None })
    }

    fn entry(&mut self, member: Member) -> Result<Entry> {
        let path = LayerPath::parse(&member.name).map_err(|error| about(&member.name, error.reason(), "its name"))?;
        let refuse = |reason, text: &str| Error::refused(reason, text).at(&path);
        let is_directory = member.name.ends_with(b"/");
        if path.is_root() && !is_directory {
            return Err(about(&member.name, "ZIP_NAME", "not a name of a file"));
        }
        if is_marked(&path) {
            return Err(refuse("TAR_WHITEOUT", "a whiteout: it would hide what other layers bring"));
        }
        let content_at = member.content_at(&mut self.input).map_err(|error| error.at(&path))?;
        let body = match (member.mode & 0o170_000, is_directory) {
            (0 | 0o040_000, true) if member.size == 0 => Body::Directory,
            (0 | 0o100_000, false) => Body::File { size: member.size },
            (0o120_000, false) => Body::Symlink { target: self.target(&member, content_at, &path)? },
            (0o010_000, false) if member.size == 0 => Body::Fifo,
            (_, true) | (0o040_000, _) => {
                return Err(refuse("ZIP_TYPE", "a directory with content, or without a slash at the end of its name"));
            }
            (kind, _) => return Err(refuse("ZIP_TYPE", &format!("not a kind of file for a layer ({kind:o})"))),
        };
        let mode = match member.mode & 0o7777 {
            0 if is_directory => 0o755,
            0 => 0o644,
            mode => mode as u16,
        };
        let mtime = member.mtime;
        self.current = matches!(body, Body::File { .. }).then_some((member, content_at));
        Ok(Entry { path, body, mode, uid: 0, gid: 0, mtime, xattrs: Xattrs::new() })
    }

    /// The content of a symbolic link is its target.
    fn target(&mut self, member: &Member, content_at: u64, path: &LayerPath) -> Result<Vec<u8>> {
        let mut target = Vec::new();
        if member.size <= MAX_TARGET {
            self.input.seek(SeekFrom::Start(content_at)).map_err(Error::from)?;
            Content::new(&mut self.input, member)
                .read_to_end(&mut target)
                .map_err(|error| Error::from(error).at(path))?;
        }
        if target.is_empty() || target.contains(&0) {
            let text = format!("expected a target of 1 to {MAX_TARGET} bytes without a NUL, found {}", member.size);
            return Err(Error::refused("TAR_LINK_TARGET", text).at(path));
        }
        Ok(target)
    }
}

impl<R: Read + Seek> Entries for Zip<R> {
    fn next(&mut self) -> Result<Option<Entry>> {
        self.current = None;
        self.members.next().map(|member| self.entry(member)).transpose()
    }

    fn content(&mut self) -> Result<Box<dyn Read + '_>> {
        let Some((member, content_at)) = &self.current else { return Ok(Box::new(std::io::empty())) };
        self.input.seek(SeekFrom::Start(*content_at)).map_err(Error::from)?;
        Ok(Box::new(Content::new(&mut self.input, member)))
    }

    fn notes(&self) -> &[Note] {
        &[]
    }
}
