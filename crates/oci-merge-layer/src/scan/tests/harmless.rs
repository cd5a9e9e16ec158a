//! What is odd, and means the same to every reader: a note, or a refusal where the bytes are kept.

use super::tar::{Header, Tar};
use super::{judge_all, kept, layer, scan};
use crate::Body;

/// The name of each case, its reason, and the archive.
fn cases() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let one = |header: Header| Tar::new().header(&header).end();
    let global = |body: &str| Tar::new().entry(Header::new(b'g', "g"), body).file("a", "hello").end();
    let pax = |records: &[(&str, &str)]| Tar::new().pax(records).file("a", "").end();
    vec![
        ("an attribute that only files and directories have", "TAR_XATTR", {
            Tar::new().pax(&[("SCHILY.xattr.user.b", "c")]).header(&Header::symlink("a", "b")).end()
        }),
        ("an attribute that containerd leaves out", "TAR_XATTR", pax(&[("SCHILY.xattr.trusted.b", "c")])),
        ("an attribute of no namespace", "TAR_XATTR", pax(&[("SCHILY.xattr.b.c", "d")])),
        ("an attribute of the system that is no list", "TAR_XATTR", pax(&[("SCHILY.xattr.system.b", "c")])),
        ("an attribute that is a namespace", "TAR_XATTR", pax(&[("SCHILY.xattr.user.", "c")])),
        ("an attribute without a namespace", "TAR_XATTR", pax(&[("SCHILY.xattr.user", "c")])),
        ("an attribute with a name that is too long", "TAR_XATTR", {
            pax(&[(&format!("SCHILY.xattr.user.{}", "b".repeat(251)), "c")])
        }),
        ("an attribute with a value that is too long", "TAR_XATTR", {
            pax(&[("SCHILY.xattr.user.b", &"c".repeat((64 << 10) + 1))])
        }),
        ("a name of a file without its capabilities", "TAR_HARDLINK_META", {
            let capability = [("SCHILY.xattr.security.capability", "ccccccccccccccccccc1")];
            Tar::new().pax(&capability).file("a", "").header(&Header::hard_link("b", "a")).end()
        }),
        ("a hard link to a file, as if to a directory", "TAR_HARDLINK_TARGET", {
            Tar::new().file("a", "").header(&Header::hard_link("b", "a/")).end()
        }),
        ("a hard link to what would be in a file", "TAR_HARDLINK_TARGET", {
            Tar::new().file("a", "").header(&Header::hard_link("b", "./a/.")).end()
        }),
        ("a capability that is none", "TAR_XATTR", pax(&[("SCHILY.xattr.security.capability", "c")])),
        ("blank owners, as cargo writes them", "TAR_NUMBER", {
            one(Header::file("a").gnu().with(108, [0; 16]).with(329, [0; 16]))
        }),
        ("a blank mode", "TAR_NUMBER", one(Header::file("a").with(100, "       \0"))),
        ("a blank time in an extension", "TAR_NUMBER", {
            Tar::new().entry(Header::new(b'x', "p").with(136, [0; 12]), "").file("a", "").end()
        }),
        ("a comment for all, as git writes it", "TAR_PAX_GLOBAL", global("13 comment=x\n")),
        ("a vendor's key for all", "TAR_PAX_GLOBAL", global("8 V.a=b\n")),
        ("the label of a volume in PAX", "TAR_PAX_GLOBAL", global("22 GNU.volume.label=x\n")),
        ("equal directories", "TAR_DUPLICATE", Tar::new().dir("a").dir("./a/").file("a/b", "").end()),
        ("equal roots", "TAR_DUPLICATE", Tar::new().dir("./").dir("/").end()),
        ("a contiguous file", "TAR_TYPEFLAG", Tar::new().entry(Header::new(b'7', "a"), "hello").end()),
        ("the label of a volume", "TAR_TYPEFLAG", Tar::new().header(&Header::new(b'V', "l").gnu()).file("a", "").end()),
        ("an access and a change time", "TAR_FORMAT", {
            one(Header::file("a").gnu().with(345, "14524770400\0").with(357, "14524770400\0"))
        }),
        ("an access time alone", "TAR_FORMAT", one(Header::file("a").gnu().with(345, "14524770400 "))),
        ("no version, and no prefix", "TAR_FORMAT", one(Header::file("a").with(263, "\0\0"))),
        ("device numbers before POSIX, as GNU tar writes them", "TAR_FORMAT", {
            one(Header::file("a").v7().with(329, "0000000\x000000000\x00"))
        }),
        ("one block of zeros at the end", "TAR_TRUNCATED", Tar::new().file("a", "").raw([0; 512]).0),
        ("a time before 1901 that PAX corrects, as bsdtar writes it", "TAR_MTIME", {
            let header = Header::file("a").with(136, b"\xff\xff\xff\xff\xff\xff\xff\xed0\x08\x80 ");
            Tar::new().pax(&[("mtime", "-315619200")]).header(&header).end()
        }),
    ]
}

#[test]
fn an_oddity_is_noted() {
    let noted: Vec<_> = cases().into_iter().map(|(what, reason, tar)| (what, format!("ok {reason}"), tar)).collect();
    let noted: Vec<_> = noted.iter().map(|(what, reason, tar)| (*what, reason.as_str(), tar.clone())).collect();
    judge_all(&layer(), &noted);
}

#[test]
fn where_bytes_are_kept_an_oddity_is_refused() {
    judge_all(&kept(), &cases());
}

#[test]
fn a_note_names_the_entry_that_it_is_about() {
    let blank = Header::file("b").with(108, [0; 8]);
    let tar =
        Tar::new().entry(Header::new(b'g', "g"), "13 comment=x\n").file("a", "").header(&blank).file("c", "").end();
    let (_, notes) = scan(&tar, &layer()).unwrap();
    let found: Vec<_> = notes.iter().map(|n| (n.reason.0, n.path.as_ref().map(ToString::to_string))).collect();
    assert_eq!(found, [("TAR_PAX_GLOBAL", None), ("TAR_NUMBER", Some("/b".to_owned()))]);
}

#[test]
fn what_is_odd_is_read_as_everybody_reads_it() {
    let blank = Header::file("a").with(100, [0; 8]).with(108, [0; 16]).with(136, [0; 12]);
    let (entries, _) = scan(&Tar::new().entry(blank, "hello").end(), &layer()).unwrap();
    let (entry, content) = &entries[0];
    assert_eq!((entry.mode, entry.uid, entry.gid, entry.mtime.seconds), (0, 0, 0, 0));
    assert_eq!(content, b"hello");

    let (entries, _) = scan(&Tar::new().entry(Header::new(b'7', "a"), "hello").end(), &layer()).unwrap();
    assert_eq!(entries[0].0.body, Body::File { size: 5 });
}
