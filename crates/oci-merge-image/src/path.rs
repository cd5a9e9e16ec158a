//! Paths inside a layer: bytes, relative to the root, normalised, and unable to leave it.

use crate::shown;
use std::cmp::Ordering;
use std::fmt;

/// Longest path, in bytes, that every runtime can unpack (Linux `PATH_MAX` less its NUL).
const MAX_PATH: usize = 4095;
/// Longest component of a path, in bytes (Linux `NAME_MAX`).
const MAX_COMPONENT: usize = 255;

/// Why some bytes are not the path of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A `..` component: where it leads depends on what lies on the disk.
    #[error("has a '..' component")]
    DotDot,
    /// A component of more than 255, or a path of more than 4095 bytes.
    #[error("has a component of more than 255 bytes, or more than 4095 in all")]
    TooLong,
    /// A NUL byte, which no file name can hold.
    #[error("has a NUL byte")]
    Nul,
}

impl PathError {
    /// The reason in capitals that a finding carries (design: collisions, section 2).
    pub fn reason(self) -> &'static str {
        match self {
            PathError::DotDot => "TAR_PATH_DOTDOT",
            PathError::TooLong => "TAR_NAME_TOO_LONG",
            PathError::Nul => "TAR_PAX_NUL",
        }
    }
}

/// The path of an entry of a layer: relative, normalised, without `.` or `..`; empty for the root itself.
///
/// Paths in layers are bytes and never host paths. `./opt/a`, `/opt/a`, `opt//a` and `opt/a/` are one path.
/// Paths order by bytes with `/` as the lowest, so descendants follow their ancestor at once.
///
/// ```
/// use oci_merge_image::LayerPath;
/// let path = LayerPath::parse(b"./opt//python/").unwrap();
/// assert_eq!(path.as_bytes(), b"opt/python");
/// assert!(LayerPath::parse(b"opt/../etc").is_err());
/// assert!(LayerPath::parse(b"a/b").unwrap() < LayerPath::parse(b"a-b").unwrap());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct LayerPath(Box<[u8]>);

impl LayerPath {
    /// Normalises a path as an archive spells it.
    ///
    /// # Errors
    /// A `..` component, a NUL, a component over 255 or a path over 4095 bytes.
    pub fn parse(raw: &[u8]) -> Result<LayerPath, PathError> {
        if raw.contains(&0) {
            return Err(PathError::Nul);
        }
        let mut out = Vec::with_capacity(raw.len());
        for component in raw.split(|&b| b == b'/') {
            match component {
                b"" | b"." => continue,
                b".." => return Err(PathError::DotDot),
                c if c.len() > MAX_COMPONENT => return Err(PathError::TooLong),
                c => {
                    if !out.is_empty() {
                        out.push(b'/');
                    }
                    out.extend_from_slice(c);
                }
            }
        }
        if out.len() > MAX_PATH {
            return Err(PathError::TooLong);
        }
        Ok(LayerPath(out.into()))
    }

    /// The root of the image, the empty path.
    pub fn root() -> LayerPath {
        LayerPath::default()
    }

    /// The bytes, without a leading or trailing `/`; empty for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The components from the root down; none for the root.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|&b| b == b'/').filter(|c| !c.is_empty())
    }

    /// The last component, or `None` for the root.
    pub fn name(&self) -> Option<&[u8]> {
        self.components().next_back()
    }

    /// The directory that this path lies in; `None` for the root.
    pub fn parent(&self) -> Option<LayerPath> {
        if self.is_root() {
            return None;
        }
        let cut = self.0.iter().rposition(|&b| b == b'/').unwrap_or(0);
        Some(LayerPath(self.0.get(..cut).unwrap_or_default().into()))
    }

    /// The proper ancestors below the root, outermost first: `opt`, `opt/python` for `opt/python/bin`.
    pub fn ancestors(&self) -> impl Iterator<Item = LayerPath> + '_ {
        self.0
            .iter()
            .enumerate()
            .filter(|&(_, &b)| b == b'/')
            .filter_map(|(i, _)| self.0.get(..i).map(|p| LayerPath(p.into())))
    }

    /// This path with another below it.
    ///
    /// # Errors
    /// The joined path is longer than 4095 bytes.
    pub fn join(&self, below: &LayerPath) -> Result<LayerPath, PathError> {
        let mut bytes = self.0.to_vec();
        if !bytes.is_empty() && !below.is_root() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(&below.0);
        if bytes.len() > MAX_PATH { Err(PathError::TooLong) } else { Ok(LayerPath(bytes.into())) }
    }

    /// What is left of this path below `above`; `None` if it does not lie there. A path lies below itself.
    pub fn strip_prefix(&self, above: &LayerPath) -> Option<LayerPath> {
        let rest = self.0.strip_prefix(&*above.0)?;
        match rest {
            [] => Some(LayerPath::root()),
            [b'/', rest @ ..] => Some(LayerPath(rest.into())),
            rest if above.is_root() => Some(LayerPath(rest.into())),
            _ => None,
        }
    }

    /// Whether this path is `above` or lies below it.
    pub fn is_within(&self, above: &LayerPath) -> bool {
        self.strip_prefix(above).is_some()
    }
}

impl Ord for LayerPath {
    fn cmp(&self, other: &LayerPath) -> Ordering {
        compare_paths(&self.0, &other.0)
    }
}

impl PartialOrd for LayerPath {
    fn partial_cmp(&self, other: &LayerPath) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares two normalised paths by bytes, with `/` as the lowest byte: the order of a path index.
pub fn compare_paths(a: &[u8], b: &[u8]) -> Ordering {
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    match (a.get(same), b.get(same)) {
        (Some(b'/'), Some(_)) => Ordering::Less,
        (Some(_), Some(b'/')) => Ordering::Greater,
        (x, y) => x.cmp(&y),
    }
}

impl fmt::Display for LayerPath {
    /// Writes the path from the root, escaped for a terminal: `/opt/python`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", shown(&self.0))
    }
}

impl fmt::Debug for LayerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The directory that one layer owns, such as `/opt/python`; never the root.
///
/// ```
/// use oci_merge_image::Prefix;
/// let prefix: Prefix = "/opt/python".parse().unwrap();
/// assert_eq!(prefix.path().as_bytes(), b"opt/python");
/// assert!("/".parse::<Prefix>().is_err());
/// assert!("opt/python".parse::<Prefix>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(LayerPath);

impl Prefix {
    /// The prefix as a path inside the layer.
    pub fn path(&self) -> &LayerPath {
        &self.0
    }
}

impl std::str::FromStr for Prefix {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Prefix, crate::Error> {
        let refuse =
            |why: String| Err(crate::Error::new(crate::ErrorKind::Path, "PREFIX", format!("{} {why}", shown(text))));
        if !text.starts_with('/') {
            return refuse("is not a prefix: it does not begin with '/'".into());
        }
        match LayerPath::parse(text.as_bytes()) {
            Ok(path) if path.is_root() => refuse("is not a prefix: a layer cannot own the whole image".into()),
            Ok(path) => Ok(Prefix(path)),
            Err(why) => refuse(format!("is not a prefix: it {why}")),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(raw: &str) -> LayerPath {
        LayerPath::parse(raw.as_bytes()).unwrap()
    }

    #[test]
    fn spellings_of_one_path_are_one_path() {
        for raw in ["opt/a", "./opt/a", "/opt/a", "opt//a", "opt/./a", "opt/a/", "//opt/a/."] {
            assert_eq!(path(raw).as_bytes(), b"opt/a", "{raw}");
        }
        assert!(path("./").is_root());
    }

    #[test]
    fn what_two_readers_resolve_differently_is_refused() {
        assert_eq!(LayerPath::parse(b"a/../b"), Err(PathError::DotDot));
        assert_eq!(LayerPath::parse(&[b'a'; 256]), Err(PathError::TooLong));
        assert!(LayerPath::parse(&[b'a'; 255]).is_ok());
        assert_eq!(LayerPath::parse(b"a\0b"), Err(PathError::Nul));
    }

    #[test]
    fn ancestors_are_proper_and_outermost_first() {
        let shown: Vec<_> = path("a/b/c").ancestors().map(|p| p.to_string()).collect();
        assert_eq!(shown, ["/a", "/a/b"]);
        assert_eq!(path("a").ancestors().count(), 0);
        assert_eq!(path("a").parent(), Some(LayerPath::root()));
        assert_eq!(LayerPath::root().parent(), None);
    }

    #[test]
    fn a_prefix_ends_at_a_component() {
        assert!(path("opt/python/bin").is_within(&path("opt/python")));
        assert!(!path("opt/python3").is_within(&path("opt/python")));
        assert!(path("opt").is_within(&LayerPath::root()));
    }

    proptest! {
        #[test]
        fn descendants_follow_their_ancestor(a in "[a-c/-]{1,6}", b in "[a-c/-]{1,6}", c in "[a-c/-]{1,6}") {
            let (a, b, c) = (path(&a), path(&b), path(&c));
            let mut sorted = [a, b, c];
            sorted.sort();
            // Whatever lies between an ancestor and one of its descendants is a descendant too.
            if sorted[2].is_within(&sorted[0]) {
                prop_assert!(sorted[1].is_within(&sorted[0]));
            }
        }
    }
}
