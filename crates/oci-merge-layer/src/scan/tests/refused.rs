//! What two readers read differently, and what no layer may hold: refused, whether its bytes are kept or not.

use super::tar::{Header, Tar};
use super::{judge_all, kept, layer};

/// What is expected of both ways of reading.
fn both(cases: &[(&str, &str, Vec<u8>)]) {
    judge_all(&kept(), cases);
    judge_all(&layer(), cases);
}

fn one(header: Header) -> Vec<u8> {
    Tar::new().header(&header).end()
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    Tar::new().pax(records).file("a", "hello").end()
}

fn pax_body(body: &str) -> Vec<u8> {
    Tar::new().pax_body(body).file("a", "hello").end()
}

#[test]
fn numbers() {
    let size = |field: &str| one(Header::file("a").with(124, field));
    let base_256 = |size: u64| [&[0x80, 0, 0, 0][..], &size.to_be_bytes()].concat();
    both(&[
        ("letters", "TAR_NUMBER", size("0000000012x\0")),
        ("minus", "TAR_NUMBER", size("-0000000001\0")),
        ("newline", "TAR_NUMBER", one(Header::file("a").with(100, "0000644\n"))),
        ("NUL first", "TAR_NUMBER", one(Header::file("a").with(100, "\x00000644\x00"))),
        ("digits after a NUL", "TAR_NUMBER", one(Header::file("a").with(100, "644\0 64\0"))),
        ("blank size", "TAR_NUMBER", size(&"\0".repeat(12))),
        ("negative size", "TAR_NUMBER", one(Header::file("a").with(124, [0xff; 12]))),
        ("size over 2^62", "TAR_NUMBER", one(Header::file("a").with(124, base_256((1 << 62) + 1)))),
        ("mode of 17 bits", "TAR_NUMBER", one(Header::file("a").with(100, "0400000\0"))),
        ("uid 2^32 - 1", "TAR_NUMBER", one(Header::file("a").with(108, [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]))),
        ("letters in the uid of an extension", "TAR_NUMBER", {
            let carrier = Header::new(b'x', "p").with(108, "x000000\0");
            Tar::new().entry(carrier, "").file("a", "").end()
        }),
        ("letters in a device number", "TAR_NUMBER", one(Header::file("a").with(329, "00000x0\0"))),
        ("time before 1901", "TAR_MTIME", {
            one(Header::file("a").with(136, b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff"))
        }),
        ("time after 2514", "TAR_MTIME", one(Header::file("a").with(136, "200000000000"))),
        ("mode of a symlink on a file", "TAR_MODE", one(Header::file("a").with(100, "0120777\0"))),
    ]);
}

#[test]
fn formats() {
    both(&[
        ("noise", "NOT_A_TAR", vec![b'x'; 2048]),
        ("a short file", "NOT_A_TAR", b"hello".to_vec()),
        ("checksum", "TAR_CHECKSUM", Tar::new().file("a", "").header(&Header::file("b").checksum("0000000\0")).end()),
        // Old Suns added up signed bytes, and Go takes that as well.
        ("signed checksum", "TAR_CHECKSUM", {
            let header = Header::file("caf\u{e9}");
            let unsigned = Tar::new().header(&header).0[..512].iter().map(|&byte| i32::from(byte as i8)).sum::<i32>();
            let field = Tar::new().header(&header).0[148..156].iter().map(|&byte| i32::from(byte)).sum::<i32>();
            let signed = format!("{:06o}\0 ", unsigned - field + 256);
            Tar::new().file("first", "").header(&header.checksum(&signed)).end()
        }),
        ("star", "TAR_FORMAT", one(Header::file("a").with(508, "tar\0"))),
        ("something after the prefix", "TAR_FORMAT", one(Header::file("a").with(510, "x"))),
        ("another magic", "TAR_FORMAT", one(Header::file("a").with(257, "USTAR\x0000"))),
        ("no version, and a prefix", "TAR_FORMAT", one(Header::file("a").with(263, "\0\0").with(345, "p"))),
        ("a prefix in a GNU header", "TAR_FORMAT", one(Header::file("a").gnu().with(345, "opt/t/hidden"))),
        ("offset in a GNU header", "TAR_FORMAT", one(Header::file("a").gnu().with(369, "00000000001\0"))),
        ("x in a GNU header", "TAR_FORMAT", Tar::new().entry(Header::new(b'x', "p").gnu(), "").file("a", "").end()),
        ("x in a v7 header", "TAR_FORMAT", Tar::new().entry(Header::new(b'x', "p").v7(), "").file("a", "").end()),
        ("L in a POSIX header", "TAR_FORMAT", Tar::new().entry(Header::new(b'L', "p"), "long\0").file("a", "").end()),
        ("something after a PAX body", "TAR_FORMAT", {
            Tar::new().header(&Header::new(b'x', "p").size(7)).blocks("7 a=bc\nhidden").file("a", "").end()
        }),
        ("multi-volume", "TAR_TYPEFLAG", one(Header::new(b'M', "a"))),
        ("Solaris' PAX", "TAR_TYPEFLAG", one(Header::new(b'X', "a"))),
        ("a label with content", "TAR_TYPEFLAG", Tar::new().entry(Header::new(b'V', "l").gnu(), "x").end()),
    ]);
}

#[test]
fn pax_headers() {
    both(&[
        ("two paths", "TAR_PAX_DUPLICATE_KEY", pax(&[("path", "b"), ("path", "c")])),
        ("an unknown key twice", "TAR_PAX_DUPLICATE_KEY", pax(&[("V.a", "b"), ("V.a", "b")])),
        ("two headers", "TAR_PAX_TWICE", Tar::new().pax(&[]).pax(&[("path", "b")]).file("a", "").end()),
        ("no newline", "TAR_PAX_SYNTAX", pax_body("9 path=bcd")),
        ("no '='", "TAR_PAX_SYNTAX", pax_body("7 path\n")),
        ("a leading zero", "TAR_PAX_SYNTAX", pax_body("010 path=b\n")),
        ("NULs after the last", "TAR_PAX_SYNTAX", pax_body("10 path=b\n\0\0")),
        ("no key", "TAR_PAX_SYNTAX", pax_body("5 =b\n")),
        ("NUL in a path", "TAR_PAX_NUL", pax(&[("path", "b\0c")])),
        ("NUL in a key", "TAR_PAX_NUL", pax(&[("V.\0", "b")])),
        ("an empty path", "TAR_PAX_VALUE", pax(&[("path", "")])),
        ("an empty linkpath", "TAR_PAX_VALUE", pax(&[("linkpath", "")])),
        ("an empty size", "TAR_PAX_VALUE", pax(&[("size", "")])),
        ("a size with a space", "TAR_PAX_VALUE", pax(&[("size", " 5")])),
        ("a size with a sign", "TAR_PAX_VALUE", pax(&[("size", "+5")])),
        ("a size with a zero first", "TAR_PAX_VALUE", pax(&[("size", "05")])),
        ("a size of 2^63", "TAR_PAX_VALUE", pax(&[("size", "9223372036854775808")])),
        ("a uid of 2^32 - 1", "TAR_PAX_VALUE", pax(&[("uid", "4294967295")])),
        ("a gid in hexadecimal", "TAR_PAX_VALUE", pax(&[("gid", "0x5")])),
        ("a charset", "TAR_PAX_VALUE", pax(&[("hdrcharset", "UTF-16")])),
        ("a time that is none", "TAR_MTIME", pax(&[("mtime", "nan")])),
        ("an access time that is none", "TAR_MTIME", pax(&[("atime", "")])),
        ("a time after 2514", "TAR_MTIME", pax(&[("mtime", "17179869184")])),
        ("a size that is not the header's", "TAR_PAX_SIZE", pax(&[("size", "4")])),
        ("a size where the header says 0", "TAR_PAX_SIZE", {
            Tar::new().pax(&[("size", "5")]).header(&Header::file("a")).blocks("hello").end()
        }),
        ("a size on a link", "TAR_SIZE_ON_LINK", {
            Tar::new().file("b", "").pax(&[("size", "512")]).header(&Header::hard_link("a", "b")).end()
        }),
        ("an attribute without a name", "TAR_XATTR", pax(&[("SCHILY.xattr.", "b")])),
        ("an access control list", "TAR_XATTR", pax(&[("SCHILY.xattr.system.posix_acl_default", "b")])),
        ("overlay", "TAR_XATTR_OVERLAY", pax(&[("SCHILY.xattr.trusted.overlay.opaque", "y")])),
        ("overlay of a user", "TAR_XATTR_OVERLAY", pax(&[("SCHILY.xattr.user.overlay.whiteout", "y")])),
        ("fuse-overlayfs", "TAR_XATTR_OVERLAY", pax(&[("SCHILY.xattr.user.fuseoverlayfs.opaque", "y")])),
        ("nothing follows", "TAR_DANGLING_EXTENSION", Tar::new().pax(&[("path", "b")]).end()),
        ("a name of a sparse file without a map", "TAR_SPARSE", pax(&[("GNU.sparse.name", "b")])),
    ]);
}

#[test]
fn global_headers() {
    let global = |body: &str| Tar::new().entry(Header::new(b'g', "pax_global_header"), body);
    judge_all(
        &layer(),
        &[
            ("a path", "TAR_PAX_GLOBAL", global("10 path=b\n").file("a", "").end()),
            ("an attribute", "TAR_PAX_GLOBAL", global("24 SCHILY.xattr.user.a=\n").file("a", "").end()),
            ("after an x", "TAR_PAX_GLOBAL", {
                let g = Header::new(b'g', "g");
                Tar::new().pax(&[("path", "b")]).entry(g, "").file("a", "").end()
            }),
        ],
    );
}

#[test]
fn gnu_headers() {
    both(&[
        ("PAX, then a long name", "TAR_MIXED_EXTENSIONS", {
            Tar::new().pax(&[("path", "b")]).long(b'L', "c\0").file("a", "").end()
        }),
        ("a long name, then PAX", "TAR_MIXED_EXTENSIONS", {
            Tar::new().long(b'L', "c\0").pax(&[("path", "b")]).file("a", "").end()
        }),
        ("two names", "TAR_GNU_TWICE", Tar::new().long(b'L', "b\0").long(b'L', "c\0").file("a", "").end()),
        ("two targets", "TAR_GNU_TWICE", Tar::new().long(b'K', "b\0").long(b'K', "c\0").file("a", "").end()),
        ("a NUL inside", "TAR_GNU_NUL", Tar::new().long(b'L', "b\0c\0").file("a", "").end()),
        ("two NULs at the end", "TAR_GNU_NUL", Tar::new().long(b'L', "b\0\0").file("a", "").end()),
        ("nothing follows", "TAR_DANGLING_EXTENSION", Tar::new().long(b'L', "b\0").end()),
        ("something after the body", "TAR_FORMAT", {
            let carrier = Header::new(b'L', "p").gnu().size(1);
            Tar::new().header(&carrier).blocks("b/hidden").file("a", "").end()
        }),
    ]);
}

#[test]
fn names_and_kinds() {
    both(&[
        ("a way up", "TAR_PATH_DOTDOT", Tar::new().file("opt/../etc", "").end()),
        ("a way up that stays inside", "TAR_PATH_DOTDOT", Tar::new().file("opt/a/../b", "").end()),
        ("a way up in a link", "TAR_PATH_DOTDOT", Tar::new().header(&Header::hard_link("a", "../b")).end()),
        ("no name", "TAR_PATH_EMPTY", Tar::new().file("", "").end()),
        ("a slash after a file", "TAR_FILE_TRAILING_SLASH", Tar::new().file("a/", "").end()),
        ("a slash after a symlink", "TAR_FILE_TRAILING_SLASH", one(Header::symlink("a/", "b"))),
        ("a slash after a file of type NUL", "TAR_FILE_TRAILING_SLASH", one(Header::new(0, "a/"))),
        ("a slash in the header's own name alone", "TAR_FILE_TRAILING_SLASH", {
            Tar::new().pax(&[("path", "d")]).header(&Header::new(0, "d/").v7()).end()
        }),
        ("a slash in the longer name alone", "TAR_FILE_TRAILING_SLASH", {
            Tar::new().long(b'L', "d/\0").header(&Header::new(0, "d").v7()).end()
        }),
        ("a component of 256 bytes", "TAR_NAME_TOO_LONG", {
            Tar::new().pax(&[("path", &"c".repeat(256))]).file("a", "").end()
        }),
        ("a path of 4096 bytes", "TAR_NAME_TOO_LONG", {
            Tar::new().pax(&[("path", &("c/".repeat(2047) + "cc"))]).file("a", "").end()
        }),
        ("the root a file", "TAR_ROOT_NOT_DIR", Tar::new().file("./", "").end()),
        ("the root a link", "TAR_ROOT_NOT_DIR", one(Header::symlink(".", "b"))),
        ("a character device", "TAR_DEVICE", one(Header::new(b'3', "a"))),
        ("a block device", "TAR_DEVICE", one(Header::new(b'4', "a"))),
        ("a whiteout", "TAR_WHITEOUT", Tar::new().file("opt/.wh.a", "").end()),
        ("an opaque directory", "TAR_WHITEOUT", Tar::new().file("opt/.wh..wh..opq", "").end()),
        ("below a whiteout", "TAR_WHITEOUT", Tar::new().file(".wh.a/b", "").end()),
        ("no target", "TAR_LINK_TARGET", one(Header::symlink("a", ""))),
        ("a target of 4096 bytes", "TAR_LINK_TARGET", {
            Tar::new().pax(&[("linkpath", &"t".repeat(4096))]).header(&Header::symlink("a", "")).end()
        }),
        ("a symlink with a size", "TAR_SIZE_ON_LINK", one(Header::symlink("a", "b").size(512))),
        ("a directory with a size", "TAR_SIZE_ON_LINK", one(Header::dir("a").size(1536))),
    ]);
}

#[test]
fn entries_that_do_not_go_together() {
    let link = |name: &str, target: &str| Header::hard_link(name, target);
    both(&[
        ("a file twice", "TAR_DUPLICATE", Tar::new().file("a", "x").file("./a", "x").end()),
        ("a file and a directory", "TAR_DUPLICATE", Tar::new().dir("a").file("a", "").end()),
        ("two directories that differ", "TAR_DUPLICATE", {
            Tar::new().dir("a").header(&Header::dir("a").with(100, "0000700\0")).end()
        }),
        ("two roots that differ", "TAR_DUPLICATE", {
            Tar::new().dir("./").header(&Header::dir("./").with(108, "0000001\0")).end()
        }),
        ("below a symlink", "TAR_THROUGH_SYMLINK", Tar::new().header(&Header::symlink("a", "b")).file("a/c", "").end()),
        ("a symlink above what is there", "TAR_THROUGH_SYMLINK", {
            Tar::new().file("a/b/c", "").header(&Header::symlink("a", "b")).end()
        }),
        ("below a file", "TAR_PARENT_NOT_DIR", Tar::new().file("a", "").file("a/b/c", "").end()),
        ("a link to nothing", "TAR_HARDLINK_TARGET", Tar::new().header(&link("a", "b")).end()),
        ("a link to what comes later", "TAR_HARDLINK_TARGET", Tar::new().header(&link("a", "b")).file("b", "").end()),
        ("a link to itself", "TAR_HARDLINK_TARGET", Tar::new().header(&link("a", "a")).end()),
        ("a link to a directory", "TAR_HARDLINK_TARGET", Tar::new().dir("b").header(&link("a", "b")).end()),
        ("a link to the root", "TAR_HARDLINK_TARGET", Tar::new().dir("./").header(&link("a", "/")).end()),
        ("a link without a target", "TAR_HARDLINK_TARGET", Tar::new().header(&link("a", "")).end()),
        ("a link with another mode", "TAR_HARDLINK_META", {
            Tar::new().file("b", "").header(&link("a", "b").with(100, "0004755\0")).end()
        }),
        ("a link with another owner, to a symlink", "TAR_HARDLINK_META", {
            let link = link("a", "b").with(108, "0000001\0");
            Tar::new().header(&Header::symlink("b", "c")).header(&link).end()
        }),
        ("a link with attributes", "TAR_HARDLINK_META", {
            Tar::new().file("b", "").pax(&[("SCHILY.xattr.user.a", "b")]).header(&link("a", "b")).end()
        }),
    ]);
}

#[test]
fn ends() {
    let tar = Tar::new().file("a", "hello");
    both(&[
        ("nothing at all", "TAR_TRUNCATED", Vec::new()),
        ("no end", "TAR_TRUNCATED", tar.0.clone()),
        ("cut in a header", "TAR_TRUNCATED", tar.clone().raw([1; 100]).0),
        ("cut in a content", "TAR_TRUNCATED", tar.0[..514].to_vec()),
        ("cut in a padding", "TAR_TRUNCATED", tar.0[..1000].to_vec()),
        ("cut in an extension", "TAR_TRUNCATED", Tar::new().pax(&[("path", "b")]).0[..520].to_vec()),
        ("cut in the end", "TAR_TRUNCATED", tar.clone().raw([0; 1000]).0),
        ("a lone block of zeros", "TAR_DATA_AFTER_EOF", tar.clone().raw([0; 512]).file("b", "").end()),
        ("another archive", "TAR_DATA_AFTER_EOF", tar.clone().raw([0; 1024]).file("b", "").end()),
        ("one byte after many zeros", "TAR_DATA_AFTER_EOF", tar.clone().raw([0; 500_000]).raw("x").0),
    ]);
}
