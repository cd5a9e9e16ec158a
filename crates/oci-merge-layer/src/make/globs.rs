//! Which paths are taken and which are left out.

use crate::stem::Stem;
use crate::{Error, ErrorKind, Result};
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use oci_merge_image::{LayerPath, shown};

/// Some globs: with a leading `/` for paths of the image, else for paths relative to the prefix.
#[derive(Debug)]
pub(super) struct Globs {
    rooted: GlobSet,
    relative: GlobSet,
    /// For each, whether it is rooted.
    stems: Vec<(bool, Stem)>,
}

impl Globs {
    /// Compiles globs.
    pub(super) fn new(globs: &[String]) -> Result<Globs> {
        let (mut rooted, mut relative) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let wrong = |glob: &str, why: &globset::Error| {
            Error::new(ErrorKind::Source, format!("{} is not a glob: {}", shown(glob), why.kind()))
        };
        let mut stems = Vec::new();
        for glob in globs {
            let (set, pattern) = match glob.strip_prefix('/') {
                Some(pattern) => (&mut rooted, pattern),
                None => (&mut relative, &**glob),
            };
            let pattern = pattern.trim_end_matches('/');
            stems.extend(Stem::of(pattern).ok().map(|stem| (glob.starts_with('/'), stem)));
            set.add(GlobBuilder::new(pattern).literal_separator(true).build().map_err(|why| wrong(glob, &why))?);
        }
        let build = |set: GlobSetBuilder| set.build().map_err(|why| wrong("the list", &why));
        Ok(Globs { rooted: build(rooted)?, relative: build(relative)?, stems })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rooted.is_empty() && self.relative.is_empty()
    }

    /// Whether a path of the image matches, or a directory above it.
    pub(super) fn cover(&self, path: &LayerPath, prefix: &LayerPath) -> bool {
        let relative = path.strip_prefix(prefix);
        any_above(&self.rooted, path.as_bytes())
            || relative.is_some_and(|relative| any_above(&self.relative, relative.as_bytes()))
    }

    /// Whether something that is covered may lie at a path of the image or below it.
    pub(super) fn may_lie_below(&self, path: &LayerPath, prefix: &LayerPath) -> bool {
        let relative = path.strip_prefix(prefix);
        let is_below = |(is_rooted, stem): &(bool, Stem)| match &relative {
            _ if *is_rooted => stem.may_lie_below(path),
            Some(relative) => stem.may_lie_below(relative),
            None => prefix.is_within(path),
        };
        self.cover(path, prefix) || self.stems.iter().any(is_below)
    }
}

fn any_above(globs: &GlobSet, path: &[u8]) -> bool {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
    let mut parts = ends.chain([path.len()]).filter_map(|end| path.get(..end));
    !globs.is_empty() && !path.is_empty() && parts.any(|part| globs.is_match_candidate(&Candidate::from_bytes(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_covers_what_lies_below_its_matches() {
        let path = |path: &[u8]| LayerPath::parse(path).unwrap();
        let prefix = path(b"opt/python");
        let covers = |glob: &str, at: &[u8]| Globs::new(&[glob.to_owned()]).unwrap().cover(&path(at), &prefix);
        for (glob, at) in [
            ("bin", &b"opt/python/bin"[..]),
            ("bin/", b"opt/python/bin"),
            ("bin", b"opt/python/bin/python3"),
            ("*", b"opt/python/bin/python3"),
            ("**/__pycache__", b"opt/python/lib/a/__pycache__/x.pyc"),
            ("**/__pycache__/**", b"opt/python/__pycache__/x.pyc"),
            ("lib/*.so.[0-9]", b"opt/python/lib/liba.so.1"),
            ("{bin,lib}/x", b"opt/python/lib/x"),
            ("/opt/python/bin", b"opt/python/bin/python3"),
            ("/etc/**", b"etc/a/b"),
            ("b\u{ff}", "opt/python/b\u{ff}".as_bytes()),
            ("b*", b"opt/python/b\xff"),
        ] {
            assert!(covers(glob, at), "{glob} {}", shown(at));
        }
        for (glob, at) in [
            ("bin", &b"opt/python/lib/bin"[..]),
            ("bin", b"opt/python/binary"),
            ("bin", b"bin"),
            ("*.pyc", b"opt/python/lib/x.pyc"),
            ("**/__pycache__/**", b"opt/python/__pycache__"),
            ("/bin", b"opt/python/bin"),
            ("opt/python/bin", b"opt/python/bin"),
            ("**", b"etc/x"),
            ("**", b"opt/python"),
        ] {
            assert!(!covers(glob, at), "{glob} {}", shown(at));
        }
        let error = Globs::new(&["a[".to_owned()]).unwrap_err().to_string();
        assert!(error.starts_with("a[ is not a glob: "), "{error}");
    }
}
