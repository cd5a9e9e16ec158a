//! Extended attributes in an index: names, and one digest for all values.

use crate::Xattrs;
use sha2::{Digest as _, Sha256};

/// The extended attributes of an entry: their names, and one digest over names and values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XattrSet {
    /// Sorted names.
    pub names: Vec<Vec<u8>>,
    /// SHA-256 over each name and value in order of name, each preceded by its length as 8 bytes, little-endian.
    pub digest: [u8; 32],
}

impl XattrSet {
    /// The set of some attributes; `None` for none.
    pub fn of(xattrs: &Xattrs) -> Option<XattrSet> {
        if xattrs.is_empty() {
            return None;
        }
        let mut digest = Sha256::new();
        for part in xattrs.iter().flat_map(|(name, value)| [name, value]) {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Some(XattrSet { names: xattrs.keys().cloned().collect(), digest: digest.finalize().into() })
    }

    /// Bytes of memory, roughly: what an index may hold is limited.
    pub(super) fn bytes(&self) -> usize {
        size_of::<XattrSet>() + self.names.iter().map(|name| size_of::<Vec<u8>>() + name.len()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_tells_where_a_name_ends() {
        let set = |pairs: &[(&str, &str)]| {
            XattrSet::of(&pairs.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect()).unwrap()
        };
        assert_ne!(set(&[("user.a", "bc")]).digest, set(&[("user.ab", "c")]).digest);
        // printf '\6\0\0\0\0\0\0\0user.a\1\0\0\0\0\0\0\0b' | sha256sum
        let expected = "sha256:f49f88c406f383b2965d261ea2464e97c6556c83693901c572085c4dd77af8fe";
        let digest = oci_merge_image::Digest::from_sha256(set(&[("user.a", "b")]).digest);
        assert_eq!(digest.to_string(), expected);
    }
}
