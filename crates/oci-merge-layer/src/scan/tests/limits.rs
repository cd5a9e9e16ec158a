//! Every limit, at its last value that passes and at the next.

use super::tar::{Header, Tar};
use super::verdict;
use crate::{Limits, Rules};

/// The verdicts within a limit of some value, and of one less.
fn at(tar: &[u8], name: &str, value: u64) -> [String; 2] {
    [value, value - 1].map(|value| {
        let mut limits = Limits::default();
        limits.set(name, value).unwrap();
        let rules = Rules::layer(limits);
        verdict(tar, &rules).split(' ').next().unwrap_or_default().to_owned()
    })
}

#[test]
fn a_limit_is_what_still_passes() {
    let files = Tar::new().file("a", "").file("b", "").dir("./").end();
    assert_eq!(at(&files, "layer-bytes", files.len() as u64), ["ok", "LIMIT_LAYER_BYTES"]);
    assert_eq!(at(&files, "entries", 3), ["ok", "LIMIT_ENTRIES"]);
    assert_eq!(at(&files, "name-bytes", 2), ["ok", "LIMIT_NAMES"]);

    let pax = Tar::new().pax(&[("SCHILY.xattr.user.a", ""), ("SCHILY.xattr.user.b", "")]).file("a", "").end();
    assert_eq!(at(&pax, "xattrs", 2), ["ok", "LIMIT_XATTRS"]);
    // 24 bytes a record: printf '24 SCHILY.xattr.user.a=\n' | wc -c
    assert_eq!(at(&pax, "extension-bytes", 48), ["ok", "LIMIT_EXTENSION_BYTES"]);
    let long = Tar::new().long(b'L', "x".repeat(200)).file("a", "").end();
    assert_eq!(at(&long, "extension-bytes", 200), ["ok", "LIMIT_EXTENSION_BYTES"]);
}

#[test]
fn what_a_sparse_file_expands_to_is_limited() {
    let map = |size: &str| {
        let keys = [("GNU.sparse.size", size), ("GNU.sparse.numblocks", "2"), ("GNU.sparse.map", "0,1,2,0")];
        Tar::new().pax(&keys).file("a", "x").pax(&keys).file("b", "x").end()
    };
    let tar = map("1000000000");
    assert_eq!(at(&tar, "layer-bytes", 2_000_000_000), ["ok", "LIMIT_LAYER_BYTES"]);
    assert_eq!(at(&map("3"), "sparse-pieces", 2), ["ok", "LIMIT_SPARSE_PIECES"]);
}

#[test]
fn a_huge_extension_is_refused_before_it_is_read() {
    let header = Header::new(b'x', "p").size(1 << 30);
    let tar = Tar::new().header(&header).raw([0; 4096]).0;
    assert_eq!(verdict(&tar, &Rules::layer(Limits::default())), "LIMIT_EXTENSION_BYTES");
}
