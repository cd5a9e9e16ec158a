//! What is unusual, and read alike by everybody: accepted, without a note.

use super::tar::{Header, Tar, record};
use super::{index, judge_all, kept, scan};
use crate::{Body, Kind, Time};
use oci_merge_image::LayerPath;

#[test]
fn unusual_archives_are_accepted() {
    let one = |header: Header| Tar::new().header(&header).end();
    judge_all(
        &kept(),
        &[
            ("no entries", "ok", Tar::new().end()),
            ("a lot of zeros", "ok", Tar::new().raw([0; 100_000]).0),
            ("zeros that are no whole block", "ok", Tar::new().raw([0; 1100]).0),
            ("v7", "ok", Tar::new().entry(Header::file("a").v7(), "hello").end()),
            ("formats by turns", "ok", {
                Tar::new().file("a", "").header(&Header::file("b").gnu()).header(&Header::file("c").v7()).end()
            }),
            ("base-256", "ok", one(Header::file("a").with(108, [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]))),
            ("spaces before digits", "ok", one(Header::file("a").with(100, "   644 \0"))),
            ("12 digits", "ok", one(Header::file("a").with(124, "000000000000"))),
            ("blank device numbers", "ok", one(Header::file("a").with(329, [0; 16]))),
            ("type bits in the mode", "ok", one(Header::file("a").with(100, "0100644\0"))),
            ("not UTF-8", "ok", one(Header::file("").with(0, b"caf\xe9"))),
            ("a component of 255 bytes", "ok", Tar::new().pax(&[("path", &"c".repeat(255))]).file("a", "").end()),
            ("a path of 4095 bytes", "ok", {
                Tar::new().pax(&[("path", &("c/".repeat(2047) + "c"))]).file("a", "").end()
            }),
            ("a newline", "ok", one(Header::file("a\nb"))),
            ("two files that differ in a space", "ok", Tar::new().file("a", "").file("a ", "").end()),
            ("the root", "ok", Tar::new().dir("./").end()),
            ("a FIFO", "ok", one(Header::new(b'6', "a"))),
            ("setuid", "ok", one(Header::file("a").with(100, "0004755\0"))),
            ("a symlink to anywhere", "ok", one(Header::symlink("a", "../../../../etc/passwd"))),
            ("a long name without its NUL", "ok", Tar::new().long(b'L', "b").file("a", "").end()),
            ("an empty PAX header", "ok", Tar::new().pax(&[]).file("a", "").end()),
            ("unknown keys", "ok", Tar::new().pax(&[("V.a", "b"), ("comment", "")]).file("a", "").end()),
            ("a PAX size that is the header's", "ok", Tar::new().pax(&[("size", "5")]).file("a", "hello").end()),
            ("almost a whiteout", "ok", Tar::new().file(".wh", "").file("a.wh.b", "").file(".whx", "").end()),
            ("a link to a link to a symlink", "ok", {
                let link = |name: &str, target: &str| Header::hard_link(name, target);
                Tar::new().header(&Header::symlink("c", "x")).header(&link("b", "./c")).header(&link("a", "/b")).end()
            }),
            ("a directory after what is in it", "ok", Tar::new().file("a/b", "").dir("a").end()),
        ],
    );
}

#[test]
fn the_size_of_a_file_over_8_gib_stands_in_pax_alone() {
    let tar = Tar::new().pax(&[("size", "8589934592")]).header(&Header::file("a")).end();
    let mut scanner = crate::Scanner::new(&tar[..], &kept());
    let Some(crate::Item::Entry(entry)) = scanner.next().unwrap() else { panic!() };
    assert_eq!(entry.body, Body::File { size: 8_589_934_592 });
}

#[test]
fn extensions_say_what_the_entry_is() {
    let body = [
        record("path", "größe/b".as_bytes()),
        record("mtime", b"-5.25"),
        record("uid", b"3000000000"),
        record("SCHILY.xattr.user.a", b"x\n22 linkpath=/etc/evil\0=y"),
    ];
    let (entries, notes) =
        scan(&Tar::new().pax_body(body.concat()).file("a", "hello").file("c", "").end(), &kept()).unwrap();
    let (entry, content) = &entries[0];
    assert_eq!(entry.path, LayerPath::parse("größe/b".as_bytes()).unwrap());
    assert_eq!((entry.uid, entry.gid, entry.mode), (3_000_000_000, 0, 0o644));
    assert_eq!(entry.mtime, Time { seconds: -6, nanos: 750_000_000 });
    assert_eq!(entry.xattrs.get(&b"user.a"[..]).unwrap(), b"x\n22 linkpath=/etc/evil\0=y");
    assert_eq!(content, b"hello");
    // What was said about one entry is not said about the next.
    assert_eq!(entries[1].0.path.to_string(), "/c");
    assert!(entries[1].0.xattrs.is_empty());
    assert_eq!(notes, []);

    let (name, target) = ("n".repeat(150) + "/x", "t".repeat(4095));
    let tar = Tar::new().long(b'K', target.clone() + "\0").long(b'L', name.clone() + "\0");
    let (entries, _) = scan(&tar.header(&Header::symlink("a", "b").gnu()).end(), &kept()).unwrap();
    assert_eq!(entries[0].0.path.as_bytes(), name.as_bytes());
    assert_eq!(entries[0].0.body, Body::Symlink { target: target.into_bytes() });
}

#[test]
fn the_prefix_of_a_header_is_that_of_its_format() {
    let long = Header::file("name").with(345, "some/prefix");
    let (entries, _) = scan(&Tar::new().header(&long).end(), &kept()).unwrap();
    assert_eq!(entries[0].0.path.to_string(), "/some/prefix/name");
}

#[test]
fn before_posix_a_slash_made_a_directory() {
    // As `bsdtar --format=v7tar .` writes it, the root first.
    let tar = Tar::new()
        .header(&Header::new(0, "./").v7())
        .header(&Header::new(0, "a/").v7())
        .entry(Header::new(0, "a/b").v7(), "hello")
        .end();
    let index = index(&tar, &kept()).unwrap();
    let kinds: Vec<_> = index.entries().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Directory, Kind::File]);
    assert_eq!(index.root().map(|root| root.kind), Some(Kind::Directory));
}

#[test]
fn content_that_is_not_read_is_passed_over() {
    let tar = Tar::new().file("a", &"x".repeat(100_000)).file("b", "").end();
    let mut scanner = crate::Scanner::new(&tar[..], &kept());
    let mut names = Vec::new();
    while let Some(crate::Item::Entry(entry)) = scanner.next().unwrap() {
        names.push(entry.path.to_string());
    }
    assert_eq!(names, ["/a", "/b"]);
}
