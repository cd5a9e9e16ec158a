//! Which paths are taken and which are left out.

use crate::stem::Stem;
use crate::{Error, ErrorKind, Pattern, Result};
use globset::{Candidate, GlobSet, GlobSetBuilder};
use oci_merge_image::LayerPath;
use std::cell::Cell;

/// Some globs: with a leading `/` for paths of the image, else for paths relative to the prefix.
#[derive(Debug)]
pub(super) struct Globs {
    rooted: Set,
    relative: Set,
    /// For each, whether it is rooted.
    stems: Vec<(bool, Stem)>,
    /// As they were written.
    written: Vec<String>,
}

/// Globs that are held against the same paths.
#[derive(Debug)]
struct Set {
    globs: GlobSet,
    /// Of each, its place in the list as it was written, and whether it has matched.
    matched: Vec<(usize, Cell<bool>)>,
    /// How many have not.
    idle: Cell<usize>,
}

impl Globs {
    /// Compiles globs.
    pub(super) fn new(globs: &[String]) -> Result<Globs> {
        let refuse = |why: &dyn std::fmt::Display| Error::new(ErrorKind::Source, why.to_string());
        let (mut rooted, mut relative) = (Vec::new(), Vec::new());
        let mut stems = Vec::new();
        for (place, text) in globs.iter().enumerate() {
            let pattern = Pattern::parse(text).map_err(|why| refuse(&why))?;
            stems.extend(Stem::of(pattern.relative()).ok().map(|stem| (pattern.is_rooted(), stem)));
            if pattern.is_rooted() { &mut rooted } else { &mut relative }.push((place, pattern));
        }
        let set = |patterns| Set::new(patterns).map_err(|why| refuse(&why));
        Ok(Globs { rooted: set(rooted)?, relative: set(relative)?, stems, written: globs.to_vec() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Whether a path of the image matches, or a directory above it. What matches is remembered.
    pub(super) fn cover(&self, path: &LayerPath, prefix: &LayerPath) -> bool {
        let by_root = self.rooted.match_above(path.as_bytes());
        let relative = path.strip_prefix(prefix);
        relative.is_some_and(|relative| self.relative.match_above(relative.as_bytes())) || by_root
    }

    /// Those that have matched none of the paths that were looked at so far.
    pub(super) fn unmatched(&self) -> Vec<String> {
        let idle =
            |set: &Set| set.matched.iter().filter(|(_, matched)| !matched.get()).map(|(place, _)| *place).collect();
        let mut places: Vec<usize> =
            [&self.rooted, &self.relative].into_iter().flat_map(|set| -> Vec<usize> { idle(set) }).collect();
        places.sort_unstable();
        places.into_iter().filter_map(|place| self.written.get(place).cloned()).collect()
    }

    /// Whether something that is covered may lie at a path of the image or below it.
    pub(super) fn may_lie_below(&self, path: &LayerPath, prefix: &LayerPath) -> bool {
        let relative = path.strip_prefix(prefix);
        let is_below = |(is_rooted, stem): &(bool, Stem)| match &relative {
            _ if *is_rooted => stem.may_lie_below(path),
            Some(relative) => stem.may_lie_below(relative),
            None => prefix.is_within(path),
        };
        let is_covered = self.rooted.is_match_above(path.as_bytes())
            || relative.as_ref().is_some_and(|relative| self.relative.is_match_above(relative.as_bytes()));
        is_covered || self.stems.iter().any(is_below)
    }
}

impl Set {
    fn new(patterns: Vec<(usize, Pattern<'_>)>) -> std::result::Result<Set, globset::Error> {
        let (mut globs, mut matched) = (GlobSetBuilder::new(), Vec::new());
        for (place, pattern) in patterns {
            globs.add(pattern.into_glob());
            matched.push((place, Cell::new(false)));
        }
        Ok(Set { globs: globs.build()?, idle: Cell::new(matched.len()), matched })
    }

    fn is_match_above(&self, path: &[u8]) -> bool {
        !self.globs.is_empty() && above(path).any(|part| self.globs.is_match_candidate(&Candidate::from_bytes(part)))
    }

    /// The same, and remembers which ones match. Once all have, there is nothing to remember.
    fn match_above(&self, path: &[u8]) -> bool {
        let is_match = self.is_match_above(path);
        if is_match && self.idle.get() > 0 {
            for place in above(path).flat_map(|part| self.globs.matches_candidate(&Candidate::from_bytes(part))) {
                if self.matched.get(place).is_some_and(|(_, matched)| !matched.replace(true)) {
                    self.idle.set(self.idle.get().saturating_sub(1));
                }
            }
        }
        is_match
    }
}

/// The directories above a path from the uppermost on, and the path; nothing for the root.
fn above(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
    ends.chain([path.len()]).filter(|end| *end > 0).filter_map(|end| path.get(..end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::shown;

    #[test]
    fn a_glob_that_matched_nothing_is_known() {
        let prefix = LayerPath::parse(b"opt/x").unwrap();
        let written = ["a", "/etc/**", "./b", "a/*.o", "/opt/x/c", "none"].map(str::to_owned);
        let globs = Globs::new(&written).unwrap();
        let look = |path: &str| globs.cover(&LayerPath::parse(path.as_bytes()).unwrap(), &prefix);
        assert_eq!(globs.unmatched(), written);
        assert!(look("opt/x/b/1") && !look("opt/x/d"));
        assert_eq!(globs.unmatched(), ["a", "/etc/**", "a/*.o", "/opt/x/c", "none"]);
        // Several may match one path, each at another level.
        assert!(look("opt/x/a/1.o") && look("opt/x/c"));
        assert_eq!(globs.unmatched(), ["/etc/**", "none"]);
        // What may be there is not what is there.
        assert!(globs.may_lie_below(&LayerPath::parse(b"etc/a").unwrap(), &prefix));
        assert_eq!(globs.unmatched(), ["/etc/**", "none"]);
        assert!(look("etc/a") && look("opt/x/none"));
        assert!(globs.unmatched().is_empty());
    }

    #[test]
    fn a_glob_covers_what_lies_below_its_matches() {
        let path = |path: &[u8]| LayerPath::parse(path).unwrap();
        let prefix = path(b"opt/python");
        let covers = |glob: &str, at: &[u8]| Globs::new(&[glob.to_owned()]).unwrap().cover(&path(at), &prefix);
        for (glob, at) in [
            ("bin", &b"opt/python/bin"[..]),
            ("bin/", b"opt/python/bin"),
            ("./bin", b"opt/python/bin/python3"),
            ("/./etc/a", b"etc/a"),
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
