//! What a layer may write besides its prefix.

use crate::pattern::without_dots;
use crate::stem::Stem;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use oci_merge_image::{LayerPath, PathError, shown};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The paths that a layer owns besides its prefix, each with whatever lies below it. One with `*`, `?` or `[` is a glob,
/// in which `*` does not match `/` and `**` does.
///
/// ```
/// use oci_merge_image::LayerPath;
/// use oci_merge_layer::check::Owns;
/// let owns = Owns::new(["/etc/profile.d/clojure.sh", "/usr/local/bin/*"]).unwrap();
/// let covers = |path: &str| owns.covers(&LayerPath::parse(path.as_bytes()).unwrap());
/// assert!(covers("/usr/local/bin/clj") && covers("/etc/profile.d/clojure.sh"));
/// assert!(!covers("/etc/profile.d") && !covers("/usr/local/lib/clj"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Owns {
    patterns: Vec<String>,
    paths: Vec<LayerPath>,
    globs: GlobSet,
    stems: Vec<Stem>,
}

/// Why something cannot be owned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnsError {
    /// It is not a path of a layer.
    #[error("{} {why}", shown(pattern))]
    Path {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        why: PathError,
    },
    /// It is not a glob.
    #[error("{} is not a glob: {why}", shown(pattern))]
    Glob {
        /// As it was given.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Owns {
    /// Compiles a list of paths and globs, each from the root with or without a leading `/`.
    ///
    /// # Errors
    /// One is neither a path nor a glob.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Owns, OwnsError> {
        let patterns: Vec<String> = patterns.into_iter().map(|pattern| pattern.as_ref().to_owned()).collect();
        let (mut paths, mut stems, mut globs) = (Vec::new(), Vec::new(), GlobSetBuilder::new());
        for pattern in &patterns {
            let parse = |text: &str| {
                LayerPath::parse(text.as_bytes()).map_err(|why| OwnsError::Path { pattern: pattern.into(), why })
            };
            if !pattern.contains(['*', '?', '[']) {
                paths.push(parse(pattern)?);
                continue;
            }
            let refuse = |e: globset::Error| OwnsError::Glob { pattern: pattern.into(), why: e.kind().to_string() };
            let relative = without_dots(pattern.trim_start_matches('/'));
            globs.add(GlobBuilder::new(relative).literal_separator(true).build().map_err(refuse)?);
            stems.push(Stem::of(relative).map_err(|why| OwnsError::Path { pattern: pattern.into(), why })?);
        }
        let globs = globs.build().map_err(|e| OwnsError::Glob { pattern: String::new(), why: e.to_string() })?;
        Ok(Owns { patterns, paths, globs, stems })
    }

    /// The list, as it was given.
    pub(crate) fn patterns(&self) -> &[String] {
        &self.patterns
    }

    /// Whether a path is owned: itself, or with a directory above it.
    pub fn covers(&self, path: &LayerPath) -> bool {
        self.covers_bytes(path.as_bytes())
    }

    pub(super) fn covers_bytes(&self, path: &[u8]) -> bool {
        self.paths.iter().any(|owned| is_within(path, owned)) || self.glob_covers(path)
    }

    /// Whether a path is owned by a glob.
    pub(super) fn glob_covers(&self, path: &[u8]) -> bool {
        let matches = |path: &[u8]| self.globs.is_match(Path::new(OsStr::from_bytes(path)));
        let above = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').filter_map(|(end, _)| path.get(..end));
        !self.globs.is_empty() && (matches(path) || above.into_iter().any(matches))
    }

    /// Whether a directory leads to something that is, or may be, owned.
    pub(crate) fn lies_below(&self, directory: &[u8]) -> bool {
        self.paths
            .iter()
            .chain(self.stems.iter().map(Stem::literal))
            .any(|owned| owned.as_bytes() == directory || super::merge::is_under(owned.as_bytes(), directory))
    }

    /// Whether something that is owned may lie at a path or below it.
    pub(crate) fn may_lie_below(&self, path: &LayerPath) -> bool {
        self.covers(path)
            || self.paths.iter().any(|owned| owned.is_within(path))
            || self.stems.iter().any(|stem| stem.may_lie_below(path))
    }

    /// The paths that are not globs.
    pub(super) fn paths(&self) -> &[LayerPath] {
        &self.paths
    }
}

fn is_within(path: &[u8], above: &LayerPath) -> bool {
    path == above.as_bytes() || super::merge::is_under(path, above.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_lies_below_its_matches() {
        let owns = Owns::new(["/etc/ssl/", "usr/local/bin/*", "/var/**/cache", "/o[xy]", "/lit{a,b}"]).unwrap();
        let covers = |path: &[u8]| owns.covers(&LayerPath::parse(path).unwrap());
        for path in [
            &b"etc/ssl"[..],
            b"etc/ssl/a/b",
            b"usr/local/bin/x",
            b"usr/local/bin/x/y",
            b"var/a/b/cache/c",
            b"ox/a",
            b"lit{a,b}",
            b"usr/local/bin/\xff",
        ] {
            assert!(covers(path), "{}", shown(path));
        }
        for path in [&b"etc/ssl2"[..], b"etc", b"usr/local/bin", b"usr/local", b"var/a", b"oz", b"lita", b""] {
            assert!(!covers(path), "{}", shown(path));
        }
        for path in [&b"usr"[..], b"usr/local/bin", b"var", b"etc", b"etc/ssl"] {
            assert!(owns.lies_below(path), "{}", shown(path));
        }
        assert!(!owns.lies_below(b"var/a") && !owns.lies_below(b"opt"));
        assert!(!Owns::default().covers(&LayerPath::root()));
    }

    #[test]
    fn what_is_no_pattern_is_told_as_it_was_given() {
        let told = |pattern: &str| Owns::new([pattern]).unwrap_err().to_string();
        assert_eq!(told("/etc/../x"), "/etc/../x has a '..' component");
        assert!(told("/etc/[x").starts_with("/etc/[x is not a glob: "), "{}", told("/etc/[x"));
    }
}
