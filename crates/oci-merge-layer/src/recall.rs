//! Small files of a layer that were seen before, read once more: for a person who wants to see what differs.

use crate::archive::{Container, Unpacked, read_start};
use crate::{Body, Item, Result, Rules, Scanner};
use oci_merge_image::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

/// How much of a tar is gone through at most.
const MAX_TAR: u64 = 1 << 30;

/// The contents of fewer than `small` bytes that have one of these digests, from a layer's blob; it stops at the last of
/// them, and after the first GiB of the tar.
///
/// # Errors
/// The blob cannot be read as a layer; or the input fails.
pub fn recall(
    mut blob: impl Read,
    digests: &BTreeSet<&Digest>,
    small: u64,
    rules: &Rules,
) -> Result<BTreeMap<Digest, Vec<u8>>> {
    let start = read_start(&mut blob)?;
    let tar = Unpacked::new(Container::of(&start)?, Cursor::new(start).chain(blob), rules)?;
    let mut scanner = Scanner::new(tar.take(MAX_TAR), rules);
    let mut found = BTreeMap::new();
    while found.len() < digests.len() {
        // Where the first GiB ends is no end of a tar; what was found till then is good.
        let item = match scanner.next() {
            Ok(item) => item,
            Err(_) if !found.is_empty() => break,
            Err(error) => return Err(error),
        };
        match item {
            Some(Item::Entry(entry)) if matches!(entry.body, Body::File { size } if size < small) => {
                let mut content = Vec::new();
                scanner.content().read_to_end(&mut content)?;
                let digest = Digest::of(&content);
                if digests.contains(&digest) {
                    found.insert(digest, content);
                }
            }
            Some(_) => {}
            None => break,
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;
    use crate::scan::tests::tar::Tar;
    use std::io;

    /// Fails where it is read behind its end.
    struct Cut<'a>(&'a [u8]);

    impl Read for Cut<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.0.read(out)?;
            if length == 0 && !out.is_empty() { Err(io::Error::other("too far")) } else { Ok(length) }
        }
    }

    #[test]
    fn contents_are_found_by_their_digests_under_any_name_and_nothing_is_read_behind_the_last() {
        let tar = Tar::new().file("a/.wh.x", "").file("big", "0123456789").file("b", "two").file("c", "three").end();
        let digests = [Digest::of(b"two"), Digest::of(b"0123456789"), Digest::of(b"nobody has it")];
        let wanted = digests.iter().collect();
        let rules = Rules::base(Limits::default());
        let found = recall(&tar[..], &wanted, 10, &rules).unwrap();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(Digest::of(b"two"), b"two".to_vec())]);

        let only = [&digests[0]].into_iter().collect();
        // Up to the padding of the entry b: four headers, two contents.
        assert_eq!(recall(Cut(&tar[..6 * 512]), &only, 10, &rules).unwrap().len(), 1);
        assert!(recall(Cut(&tar[..3 * 512]), &only, 10, &rules).is_err());
    }
}
