//! What was learnt of a blob, kept beside it: a shortcut and never the truth. It may be gone at any time.

use super::{Layout, read_small};
use crate::Result;
use oci_merge_image::Digest;
use std::ffi::OsStr;

pub(super) const FACTS: &str = "facts";

/// The most bytes of one fact.
const MAX_BYTES: u64 = 64 << 20;

impl Layout {
    /// What was put here about a blob under this kind. `None` if nothing was, if it can no longer be read, or if the
    /// disk changed it: a line with its digest stands before it.
    pub fn facts(&self, digest: &Digest, kind: &str) -> Option<Vec<u8>> {
        let directory = self.root().inside(FACTS).ok()??;
        let file = {
            let _guard = self.guard();
            let (file, _) = directory.file(&file_name(digest, kind)).ok()??;
            self.mark_used(&file);
            file
        };
        let mut bytes = read_small(&directory, &file_name(digest, kind), file, MAX_BYTES).ok()?;
        let end = bytes.iter().position(|b| *b == b'\n')?;
        let content = bytes.split_off(end + 1);
        let promised: Digest = std::str::from_utf8(bytes.get(..end)?).ok()?.parse().ok()?;
        (Digest::of(&content) == promised).then_some(content)
    }

    /// Keeps something about a blob under a kind: a word of ours, such as `index`.
    ///
    /// # Errors
    /// The disk fails; the caller may go on without.
    pub fn put_facts(&self, digest: &Digest, kind: &str, content: &[u8]) -> Result<()> {
        let mut bytes = format!("{}\n", Digest::of(content)).into_bytes();
        bytes.extend_from_slice(content);
        self.wrote();
        let _guard = self.guard();
        let (directory, name) = (self.root().make(FACTS)?, file_name(digest, kind));
        // Not synced: a thousand layers are a thousand waits for the disk, and the digest tells what a crash has left.
        self.write_temporary(&directory, &name, &bytes)?.keep_for_now(&directory, OsStr::new(&name))
    }
}

fn file_name(digest: &Digest, kind: &str) -> String {
    debug_assert!(kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{kind:?} is no kind");
    format!("{}.{kind}", digest.hex())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_or_not_at_all() {
        let temp = tempfile::tempdir().unwrap();
        let layout = Layout::open_or_create(temp.path()).unwrap();
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        layout.put_facts(&a, "index", b"first").unwrap();
        layout.put_facts(&a, "index", b"sec\nond").unwrap();
        layout.put_facts(&a, "other", b"").unwrap();
        assert_eq!(layout.facts(&a, "index").unwrap(), b"sec\nond");
        assert_eq!(layout.facts(&a, "other").unwrap(), b"");
        assert_eq!(layout.facts(&b, "index"), None);

        let path = temp.path().join("facts").join(format!("{}.index", a.hex()));
        let whole = std::fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for torn in [&flipped[..], &whole[..whole.len() - 1], b"", b"\n", b"sha256:12\nx"] {
            std::fs::write(&path, torn).unwrap();
            assert_eq!(layout.facts(&a, "index"), None);
        }
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert_eq!(layout.facts(&a, "index"), None);
        layout.put_facts(&a, "index", b"again").unwrap();
        assert_eq!(layout.facts(&a, "index").unwrap(), b"again");
    }
}
