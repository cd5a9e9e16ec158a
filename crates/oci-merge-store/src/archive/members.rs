//! What is in an archive and where: a table of names, so that no name ever leads to the disk.

use super::MANIFEST;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{LayerPath, shown};
use std::collections::BTreeMap;

/// The most members of an archive: an image has a few dozen.
const MAX_MEMBERS: usize = 10_000;

/// The most links that are followed to a file, as docker's own archives need one.
const MAX_HOPS: usize = 8;

/// The files and symbolic links of an archive by name. Directories are left out.
#[derive(Debug, Default)]
pub struct Members(BTreeMap<LayerPath, Member>);

/// One member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// A file: where its content begins in the archive, and how long that is. A hard link is the file that it names.
    File {
        /// The first byte.
        offset: u64,
        /// How many bytes.
        size: u64,
    },
    /// A symbolic link and its target.
    Symlink(Vec<u8>),
}

impl Members {
    /// An empty table.
    pub fn new() -> Members {
        Members::default()
    }

    /// Adds a member.
    ///
    /// # Errors
    /// There is one of that name already, for of two readers each might take another one; or there are 10,000.
    pub fn insert(&mut self, path: LayerPath, member: Member) -> Result<()> {
        let refuse = |reason, text: String| Err(Error::new(ErrorKind::Document, "the archive", text).because(reason));
        if self.0.contains_key(&path) {
            return refuse("TAR_DUPLICATE", format!("{path} is there twice"));
        }
        if self.0.len() == MAX_MEMBERS {
            return refuse("LIMIT_ARCHIVE_MEMBERS", format!("more than {MAX_MEMBERS} members"));
        }
        self.0.insert(path, member);
        Ok(())
    }

    /// A member by its plain name, links not followed.
    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        self.0.get(&LayerPath::parse(name.as_bytes()).ok()?)
    }

    /// The file that a document of the archive names, through links if it must be: its path, offset and size.
    pub(super) fn find(&self, place: &str, name: &str) -> Result<(LayerPath, u64, u64)> {
        let refuse = |reason, text: String| Error::new(ErrorKind::Document, place, text).because(reason);
        let absent =
            || refuse("ARCHIVE_MEMBER", format!("{MANIFEST} names {}, which is not in the archive", shown(name)));
        let mut path = LayerPath::parse(name.as_bytes()).map_err(|_| absent())?;
        for _ in 0..=MAX_HOPS {
            match self.0.get(&path) {
                Some(Member::File { offset, size }) => return Ok((path, *offset, *size)),
                Some(Member::Symlink(target)) => {
                    let next = follow(&path, target).filter(|next| self.0.contains_key(next));
                    path = next.ok_or_else(|| {
                        let text = format!("{path} is a link to {}, which is not in the archive", shown(target));
                        refuse("ARCHIVE_LINK", text)
                    })?;
                }
                None => return Err(absent()),
            }
        }
        Err(refuse("ARCHIVE_LINK", format!("{} leads through more than {MAX_HOPS} links", shown(name))))
    }
}

/// Where a link leads; `None` if that is outside of the archive.
fn follow(link: &LayerPath, target: &[u8]) -> Option<LayerPath> {
    if target.starts_with(b"/") {
        return None;
    }
    let parent = link.parent()?;
    let mut components: Vec<&[u8]> = parent.components().collect();
    for component in target.split(|b| *b == b'/') {
        match component {
            b"" | b"." => {}
            b".." => {
                components.pop()?;
            }
            name => components.push(name),
        }
    }
    LayerPath::parse(&components.join(&b'/')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> LayerPath {
        LayerPath::parse(name.as_bytes()).unwrap()
    }

    fn members(links: &[(&str, &str)]) -> Members {
        let mut members = Members::new();
        members.insert(path("real/layer.tar"), Member::File { offset: 512, size: 7 }).unwrap();
        for (name, target) in links {
            members.insert(path(name), Member::Symlink(target.as_bytes().to_vec())).unwrap();
        }
        members
    }

    #[test]
    fn links_are_followed_inside_of_the_archive_only() {
        let found = |target: &str| members(&[("l/layer.tar", target)]).find("t", "l/layer.tar");
        for good in ["../real/layer.tar", ".././real//layer.tar", "../l/../real/layer.tar"] {
            assert_eq!(found(good).unwrap(), (path("real/layer.tar"), 512, 7), "{good}");
        }
        for bad in
            ["/etc/passwd", "/real/layer.tar", "../../real/layer.tar", "../nothing", "layer.tar", "", "real/layer.tar"]
        {
            assert_eq!(found(bad).unwrap_err().reason(), Some("ARCHIVE_LINK"), "{bad}");
        }
    }

    #[test]
    fn an_absolute_link_is_one_to_the_host() {
        let error = members(&[("layer.tar", "/real/layer.tar")]).find("t", "layer.tar").unwrap_err();
        assert_eq!(error.reason(), Some("ARCHIVE_LINK"));
    }

    #[test]
    fn a_chain_of_links_ends() {
        let chain = |length: usize| {
            let links: Vec<_> = (0..length)
                .map(|n| (format!("{n}"), if n == 0 { "real/layer.tar".into() } else { format!("{}", n - 1) }))
                .collect();
            let links: Vec<_> = links.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            members(&links).find("t", &format!("{}", length - 1)).map_err(|e| e.reason())
        };
        assert!(chain(8).is_ok());
        assert_eq!(chain(9).unwrap_err(), Some("ARCHIVE_LINK"));
        let circle = members(&[("a", "b"), ("b", "a")]);
        assert_eq!(circle.find("t", "a").unwrap_err().reason(), Some("ARCHIVE_LINK"));
    }

    #[test]
    fn names_that_are_not_there_are_refused() {
        for bad in ["../../etc/passwd", "../real/layer.tar", "etc/passwd", "real", "", "a\0b"] {
            assert_eq!(members(&[]).find("t", bad).unwrap_err().reason(), Some("ARCHIVE_MEMBER"), "{bad:?}");
        }
    }

    #[test]
    fn one_name_is_one_member_and_there_are_not_too_many() {
        let mut members = members(&[]);
        let twice = members.insert(path("./real//layer.tar"), Member::Symlink(b"x".to_vec())).unwrap_err();
        assert_eq!(twice.reason(), Some("TAR_DUPLICATE"));
        for n in 1..MAX_MEMBERS {
            members.insert(path(&n.to_string()), Member::File { offset: 0, size: 0 }).unwrap();
        }
        let more = members.insert(path("more"), Member::File { offset: 0, size: 0 }).unwrap_err();
        assert_eq!(more.reason(), Some("LIMIT_ARCHIVE_MEMBERS"));
    }
}
