//! Sparse files in their four forms; maps that readers would expand differently.

use super::tar::{Header, Tar};
use super::{judge_all, kept, layer, scan, verdict};
use crate::Body;

/// Two pieces of one block each, in a file of 3,000 bytes that ends in a hole.
const STARTS: [usize; 2] = [0, 1024];
const SIZE: usize = 3000;

fn stored() -> Vec<u8> {
    [[b'a'; 512], [b'b'; 512]].concat()
}

fn expanded() -> Vec<u8> {
    let mut file = vec![0; SIZE];
    file[STARTS[0]..][..512].fill(b'a');
    file[STARTS[1]..][..512].fill(b'b');
    file
}

fn octal(number: usize) -> String {
    format!("{number:011o}\0")
}

/// A table of old GNU's: offsets and lengths.
fn table(pieces: &[(usize, usize)]) -> String {
    pieces.iter().map(|&(start, length)| octal(start) + &octal(length)).collect()
}

fn old_gnu(pieces: &[(usize, usize)]) -> Header {
    Header::new(b'S', "a").gnu().with(386, table(pieces)).with(483, octal(SIZE))
}

fn keys(extra: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    [&[("GNU.sparse.name", "a")], extra].concat()
}

/// The same file in each form.
fn forms() -> Vec<(&'static str, Vec<u8>)> {
    let in_content = "3\n0\n512\n1024\n512\n3000\n0\n";
    vec![
        ("old GNU", Tar::new().entry(old_gnu(&[(0, 512), (1024, 512), (3000, 0)]), stored()).end()),
        ("old GNU, with a second table", {
            let header = old_gnu(&[(0, 512), (512, 0), (513, 0), (514, 0)]).with(482, [1]).size(1024);
            let second = table(&[(1024, 512), (3000, 0)]);
            Tar::new().header(&header).blocks(second).blocks(stored()).end()
        }),
        ("PAX 0.0", {
            let pairs = [("offset", "0"), ("numbytes", "512"), ("offset", "1024"), ("numbytes", "512")];
            let pairs = pairs.map(|(key, value)| (format!("GNU.sparse.{key}"), value));
            let mut records = vec![("GNU.sparse.size", "3000"), ("GNU.sparse.numblocks", "2")];
            records.extend(pairs.iter().map(|(key, value)| (key.as_str(), *value)));
            Tar::new().pax(&records).entry(Header::file("a"), stored()).end()
        }),
        ("PAX 0.1", {
            let records = [("size", "3000"), ("numblocks", "3"), ("map", "0,512,1024,512,3000,0")];
            let records = records.map(|(key, value)| (format!("GNU.sparse.{key}"), value));
            let records: Vec<_> = records.iter().map(|(key, value)| (key.as_str(), *value)).collect();
            Tar::new().pax(&records).entry(Header::file("a"), stored()).end()
        }),
        ("PAX 1.0", {
            let records =
                keys(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "3000")]);
            let content = Tar::new().blocks(in_content).raw(stored()).0;
            Tar::new().pax(&records).entry(Header::file("GNUSparseFile.1/a"), content).end()
        }),
    ]
}

#[test]
fn every_form_is_expanded() {
    for (form, tar) in forms() {
        let (entries, notes) = scan(&tar, &layer()).unwrap();
        let [(entry, content)] = &entries[..] else { panic!("{form}") };
        assert_eq!(entry.path.to_string(), "/a", "{form}");
        assert_eq!(entry.body, Body::File { size: SIZE as u64 }, "{form}");
        assert!(*content == expanded(), "{form}");
        assert_eq!(notes.iter().map(|note| note.reason.0).collect::<Vec<_>>(), ["TAR_SPARSE"], "{form}");
        assert_eq!(verdict(&tar, &kept()), "TAR_SPARSE", "{form}");
    }
}

#[test]
fn a_sparse_file_that_is_passed_over_leaves_the_next_entry_in_its_place() {
    for (form, mut tar) in forms() {
        tar.truncate(tar.len() - 1024);
        let tar = Tar(tar).file("next", "").end();
        let rules = layer();
        let mut scanner = crate::Scanner::new(&tar[..], &rules);
        scanner.next().unwrap();
        let Some(crate::Item::Entry(next)) = scanner.next().unwrap() else { panic!("{form}") };
        assert_eq!(next.path.to_string(), "/next", "{form}");
    }
}

#[test]
fn a_hole_of_a_whole_file_is_zeros() {
    let tar = Tar::new().header(&old_gnu(&[(3000, 0)])).end();
    assert!(scan(&tar, &layer()).unwrap().0[0].1 == vec![0; SIZE]);
}

#[test]
fn maps_that_readers_expand_differently_are_refused() {
    let old = |pieces: &[(usize, usize)]| Tar::new().entry(old_gnu(pieces), stored()).end();
    let listed = |records: &[(&'static str, &'static str)]| {
        Tar::new().pax(&keys(records)).entry(Header::file("a"), stored()).end()
    };
    let (size, two) = (("GNU.sparse.size", "3000"), ("GNU.sparse.numblocks", "2"));
    let map = ("GNU.sparse.map", "0,512,1024,512");
    let leading = |map: &str| {
        let records = keys(&[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "3000")]);
        Tar::new().pax(&records).entry(Header::file("a"), Tar::new().blocks(map).raw(stored()).0).end()
    };
    judge_all(
        &layer(),
        &[
            ("pieces that overlap", "TAR_SPARSE", old(&[(0, 512), (511, 512)])),
            ("pieces out of order", "TAR_SPARSE", old(&[(1024, 512), (0, 512)])),
            ("beyond the end", "TAR_SPARSE", old(&[(0, 512), (2999, 512)])),
            ("less than is stored", "TAR_SPARSE", old(&[(0, 512)])),
            ("more than is stored", "TAR_SPARSE", old(&[(0, 512), (512, 512), (1024, 512)])),
            ("a piece that ends within a block", "TAR_SPARSE", old(&[(0, 500), (1024, 524)])),
            ("a piece after the end of the table", "TAR_SPARSE", {
                let header = old_gnu(&[(0, 512)]).with(386 + 48, table(&[(1024, 512)]));
                Tar::new().entry(header, stored()).end()
            }),
            ("another table after the end", "TAR_SPARSE", {
                let header = old_gnu(&[(0, 512)]).with(482, [1]).size(1024);
                Tar::new().header(&header).blocks(table(&[(1024, 512)])).blocks(stored()).end()
            }),
            ("text for a number", "TAR_SPARSE", Tar::new().entry(old_gnu(&[]).with(386, "x"), "").end()),
            ("no header of GNU", "TAR_SPARSE", Tar::new().entry(Header::new(b'S', "a"), "").end()),
            ("no map", "TAR_SPARSE", listed(&[size])),
            ("no size", "TAR_SPARSE", listed(&[two, map])),
            ("another number of pieces", "TAR_SPARSE", listed(&[size, ("GNU.sparse.numblocks", "3"), map])),
            ("half a pair", "TAR_SPARSE", listed(&[size, two, ("GNU.sparse.map", "0,512,1024")])),
            ("a sign", "TAR_SPARSE", listed(&[size, two, ("GNU.sparse.map", "+0,512,1024,512")])),
            ("another version", "TAR_SPARSE", listed(&[size, two, map, ("GNU.sparse.major", "2")])),
            ("an unknown key", "TAR_SPARSE", listed(&[size, two, map, ("GNU.sparse.x", "")])),
            ("two maps", "TAR_SPARSE", {
                listed(&[size, two, map, ("GNU.sparse.offset", "0"), ("GNU.sparse.numbytes", "1024")])
            }),
            ("a directory", "TAR_SPARSE", Tar::new().pax(&keys(&[size, two, map])).dir("a").end()),
            ("a map in the content that never ends", "TAR_SPARSE", leading("1000\n0\n512\n")),
            ("a map in the content with letters", "TAR_SPARSE", leading("2\n0\n512\nx\n512\n")),
            ("a map in the content with a long number", "TAR_SPARSE", leading("000000000000000000002\n")),
            ("a map that is cut", "TAR_TRUNCATED", {
                Tar::new().header(&old_gnu(&[(0, 1), (1, 1), (2, 1), (3, 1)]).with(482, [1])).0
            }),
        ],
    );
}
