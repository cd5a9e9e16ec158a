//! What is read of a base: what Go reads, with a note where other readers do not.
//!
//! Each archive was listed with Go 1.19's `archive/tar`; what it gave is expected here.

use super::scan;
use super::tar::{Header, Tar};
use crate::{Body, Entry, Item, Limits, Rules, Scanner};

fn base() -> Rules {
    Rules::base(Limits::default())
}

/// The paths, and how many bytes a file has; and the reasons of the notes.
fn list(tar: &[u8]) -> (Vec<String>, Vec<&'static str>) {
    let (entries, notes) = scan(tar, &base()).unwrap();
    let show = |(entry, _): &(Entry, Vec<u8>)| match &entry.body {
        Body::File { size } => format!("{} {size}", entry.path),
        Body::Symlink { target } => format!("{} -> {}", entry.path, String::from_utf8_lossy(target)),
        body => format!("{} {body:?}", entry.path),
    };
    let mut reasons: Vec<_> = notes.iter().map(|note| note.reason.0).collect();
    reasons.dedup();
    (entries.iter().map(show).collect(), reasons)
}

#[track_caller]
fn expect(tar: &[u8], entries: &[&str], reasons: &[&str]) {
    let (found, noted) = list(tar);
    assert_eq!((found, noted), (entries.iter().map(ToString::to_string).collect(), reasons.to_vec()));
}

#[test]
fn what_readers_disagree_about_is_noted_and_read_as_go_reads_it() {
    // A size on a link: no content.
    expect(
        &Tar::new().header(&Header::symlink("l", "t").size(512)).file("b", "").end(),
        &["/l -> t", "/b 0"],
        &["TAR_SIZE_ON_LINK"],
    );
    // The size in PAX counts.
    let tar = Tar::new().pax(&[("size", "3")]).header(&Header::file("a").size(1024)).blocks("abc").file("b", "").end();
    expect(&tar, &["/a 3", "/b 0"], &["TAR_PAX_SIZE"]);
    // The last of two headers, and of two records.
    let tar = Tar::new().pax(&[("path", "x")]).pax(&[("path", "y"), ("path", "z")]).file("a", "").end();
    expect(&tar, &["/z 0"], &["TAR_PAX_TWICE", "TAR_PAX_DUPLICATE_KEY"]);
    let tar = Tar::new().pax(&[("path", "x")]).pax(&[("mtime", "5")]).file("a", "").end();
    expect(&tar, &["/a 0"], &["TAR_PAX_TWICE"]);
    // GNU's name counts before that of PAX, whichever comes first.
    let tar = Tar::new().long(b'L', "gnu\0").pax(&[("path", "pax")]).file("a", "").end();
    expect(&tar, &["/gnu 0"], &["TAR_MIXED_EXTENSIONS"]);
    // It ends at its first NUL.
    expect(&Tar::new().long(b'L', "a\0b\0").file("c", "").end(), &["/a 0"], &["TAR_GNU_NUL"]);
    // An empty record says nothing.
    expect(&Tar::new().pax(&[("path", "")]).file("a", "").end(), &["/a 0"], &["TAR_PAX_VALUE"]);
    // A global header makes an extension before it be forgotten, and says nothing itself.
    let global = Tar::new().pax(&[("path", "x")]).entry(Header::new(b'g', "g"), "10 path=y\n").file("a", "").end();
    expect(&global, &["/a 0"], &["TAR_PAX_GLOBAL"]);
    // A prefix in a GNU header that cannot be two times.
    expect(&Tar::new().header(&Header::file("b").gnu().with(345, "a")).end(), &["/a/b 0"], &["TAR_FORMAT"]);
    // The prefix of star is shorter.
    let star = Header::file("b").with(345, "a".repeat(131)).with(476, "00000000000\0").with(488, "00000000000\0");
    let star = Tar::new().header(&star.with(508, "tar\0")).end();
    expect(&star, &[&format!("/{}/b 0", "a".repeat(131))], &["TAR_FORMAT"]);
    // An extension in a format that does not have it.
    let tar = Tar::new().entry(Header::new(b'x', "p").gnu(), "10 path=x\n").file("a", "").end();
    expect(&tar, &["/x 0"], &["TAR_FORMAT"]);
    // Blank, and odd, numbers.
    let tar = Tar::new().header(&Header::file("a").with(124, [0; 12]).with(100, "644\0 64\0")).end();
    expect(&tar, &["/a 0"], &["TAR_NUMBER"]);
    // A name that ends in a slash.
    expect(&Tar::new().file("a/", "abc").file("b", "").end(), &["/a 3", "/b 0"], &["TAR_FILE_TRAILING_SLASH"]);
    expect(
        &Tar::new().header(&Header::new(0, "a/").size(512)).file("b", "").end(),
        &["/a Directory", "/b 0"],
        &["TAR_FILE_TRAILING_SLASH"],
    );
    // A way up, taken lexically as containerd takes it.
    expect(&Tar::new().file("../a/../b", "").end(), &["/b 0"], &["TAR_PATH_DOTDOT"]);
    // A device that overlayfs takes for a whiteout.
    expect(&Tar::new().header(&Header::new(b'3', "a")).end(), &["/a CharDevice"], &["TAR_DEVICE"]);
    expect(&Tar::new().header(&Header::new(b'4', "a")).end(), &["/a BlockDevice"], &[]);
    expect(&Tar::new().header(&Header::new(b'3', "a").with(337, "0000001\0")).end(), &["/a CharDevice"], &[]);
    // What no runtime makes a file of.
    expect(&Tar::new().entry(Header::new(b'Z', "z"), "zzz").file("b", "").end(), &["/b 0"], &["TAR_TYPEFLAG"]);
    // Ends.
    expect(&[], &[], &["TAR_TRUNCATED"]);
    expect(&Tar::new().file("a", "").0, &["/a 0"], &["TAR_TRUNCATED"]);
    expect(&Tar::new().file("a", "").raw([0; 1024]).file("b", "").end(), &["/a 0"], &["TAR_DATA_AFTER_EOF"]);
    expect(&Tar::new().pax(&[("path", "b")]).end(), &[], &["TAR_DANGLING_EXTENSION"]);
}

#[test]
fn what_go_cannot_read_is_no_base() {
    for (what, tar) in [
        ("checksum", Tar::new().file("a", "").header(&Header::file("b").checksum("0000000\0")).end()),
        ("letters for a number", Tar::new().header(&Header::file("a").with(100, "00006x4\0")).end()),
        ("a negative size", Tar::new().header(&Header::file("a").with(124, [0xff; 12])).end()),
        ("a malformed record", Tar::new().pax_body("5 ab\n").file("a", "").end()),
        ("a NUL in a PAX path", Tar::new().pax(&[("path", "a\0b")]).file("a", "").end()),
        ("a lone block of zeros", Tar::new().file("a", "").raw([0; 512]).file("b", "").end()),
        ("cut in a content", Tar::new().file("a", "abc").0[..513].to_vec()),
    ] {
        assert!(scan(&tar, &base()).is_err(), "{what}");
    }
}

#[test]
fn devices_and_whiteouts_are_what_a_base_may_have() {
    let tar = Tar::new()
        .header(&Header::new(b'3', "dev/null"))
        .header(&Header::new(b'4', "dev/sda"))
        .file("etc/.wh.passwd", "")
        .file("opt/.wh..wh..opq", "")
        .file(".wh..wh..opq", "")
        // AUFS kept things for itself at the root.
        .dir(".wh..wh.plnk/")
        .file(".wh..wh.plnk/1.2", "x")
        .end();
    let rules = base();
    let mut scanner = Scanner::new(&tar[..], &rules);
    let mut found = Vec::new();
    while let Some(item) = scanner.next().unwrap() {
        found.push(match item {
            Item::Entry(entry) => format!("{} {:?}", entry.path, entry.body),
            Item::Whiteout(path) => format!("whiteout {path}"),
        });
    }
    assert_eq!(
        found,
        [
            "/dev/null CharDevice",
            "/dev/sda BlockDevice",
            "whiteout /etc/.wh.passwd",
            "whiteout /opt/.wh..wh..opq",
            "whiteout /.wh..wh..opq"
        ]
    );
    let nothing = scan(&Tar::new().file("a/.wh.", "").end(), &base()).unwrap_err();
    assert_eq!(nothing.reason().unwrap().0, "TAR_WHITEOUT");
}
