use crate::archive::tests::{layer, verdict};
use crate::archive::{Archive, Container, Entries};
use crate::{Body, Limits, Rules};
use crc32fast::hash;
use std::io::{Cursor, Read, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// One member as both of its headers have it; what is changed in a test can be changed in each.
#[derive(Clone)]
struct Member {
    name: Vec<u8>,
    content: Vec<u8>,
    /// Versions, flags, method: of both headers.
    made_by: u16,
    flags: u16,
    method: u16,
    /// Checksum and sizes, local and central.
    sizes: [[u32; 3]; 2],
    local_name: Vec<u8>,
    local_method: u16,
    extra: [Vec<u8>; 2],
    mode: u32,
    after: Vec<u8>,
}

fn member(name: &str, content: &[u8]) -> Member {
    let sizes = [hash(content), content.len() as u32, content.len() as u32];
    Member {
        name: name.into(),
        content: content.to_vec(),
        made_by: 0x031e,
        flags: 0,
        method: 0,
        sizes: [sizes; 2],
        local_name: name.into(),
        local_method: 0,
        extra: [Vec::new(), Vec::new()],
        mode: 0,
        after: Vec::new(),
    }
}

/// A zip of members; `change` may change the record at its end.
fn archive_with(members: &[Member], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for m in members {
        let offset = bytes.len() as u32;
        let words = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let longs = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        bytes.extend(b"PK\x03\x04");
        bytes.extend(words(&[20, m.flags, m.local_method, 0, 0x5c81]));
        bytes.extend(longs(&m.sizes[0]));
        bytes.extend(words(&[m.local_name.len() as u16, m.extra[0].len() as u16]));
        bytes.extend([&m.local_name[..], &m.extra[0], &m.content, &m.after].concat());
        directory.extend(b"PK\x01\x02");
        directory.extend(words(&[m.made_by, 20, m.flags, m.method, 0, 0x5c81]));
        directory.extend(longs(&m.sizes[1]));
        directory.extend(words(&[m.name.len() as u16, m.extra[1].len() as u16, 0, 0, 0]));
        directory.extend(longs(&[m.mode << 16, offset]));
        directory.extend([&m.name[..], &m.extra[1]].concat());
    }
    let offset = bytes.len() as u32;
    bytes.extend(&directory);
    let count = (members.len() as u16).to_le_bytes();
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend([count, count].concat());
    end.extend([(directory.len() as u32).to_le_bytes(), offset.to_le_bytes()].concat());
    end.extend([0, 0]);
    change(&mut end);
    bytes.extend(end);
    bytes
}

fn archive(members: &[Member]) -> Vec<u8> {
    archive_with(members, |_| ())
}

#[test]
fn members_are_read_with_their_modes_links_and_times() {
    let time = [&[0x55, 0x54, 5, 0, 1][..], &1_700_000_000u32.to_le_bytes()].concat();
    let zip = archive(&[
        // As `bsdtar --format zip .` begins.
        Member { mode: 0o040_755, ..member("./", b"") },
        Member { mode: 0o040_750, ..member("opt/", b"") },
        Member { mode: 0o100_755, extra: [Vec::new(), time], ..member("opt/a", b"hello") },
        Member { mode: 0o120_777, ..member("opt/l", b"../a") },
        Member { made_by: 20, mode: 0o100_600, ..member("plain", b"") },
    ]);
    let mut archive = Archive::open(Cursor::new(zip), &layer()).unwrap();
    assert_eq!(archive.container(), Container::Zip);
    let mut found = Vec::new();
    while let Some(entry) = archive.next().unwrap() {
        let mut content = String::new();
        archive.content().unwrap().read_to_string(&mut content).unwrap();
        found.push((entry.path.to_string(), entry.body, entry.mode, entry.mtime.seconds, content));
    }
    // The date in the headers is 2026-04-01, of which the hour is not said.
    let dos = 1_775_001_600;
    let entry = |path: &str, body, mode, mtime, content: &str| (path.to_owned(), body, mode, mtime, content.to_owned());
    assert_eq!(
        found,
        [
            entry("/", Body::Directory, 0o755, dos, ""),
            entry("/opt", Body::Directory, 0o750, dos, ""),
            entry("/opt/a", Body::File { size: 5 }, 0o755, 1_700_000_000, "hello"),
            entry("/opt/l", Body::Symlink { target: b"../a".to_vec() }, 0o777, dos, ""),
            entry("/plain", Body::File { size: 0 }, 0o644, dos, ""),
        ]
    );
}

#[test]
fn what_the_zip_crate_writes_is_read() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    let text = "all work and no play ".repeat(10_000);
    writer.add_directory("d/", options.unix_permissions(0o700)).unwrap();
    writer.start_file("d/deflated", options.compression_method(CompressionMethod::Deflated)).unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    let large = options.large_file(true).compression_method(CompressionMethod::Stored);
    writer.start_file("größe", large.unix_permissions(0o755)).unwrap();
    writer.write_all(b"hello").unwrap();
    writer.add_symlink("link", "größe", options).unwrap();
    let zip = writer.finish().unwrap().into_inner();
    let mut archive = Archive::open(Cursor::new(zip), &layer()).unwrap();
    let mut found = Vec::new();
    while let Some(entry) = archive.next().unwrap() {
        let mut content = String::new();
        archive.content().unwrap().read_to_string(&mut content).unwrap();
        found.push((entry.path.to_string(), entry.mode, content));
    }
    let expected =
        [("/d", 0o700, ""), ("/d/deflated", 0o644, &text[..]), ("/größe", 0o755, "hello"), ("/link", 0o777, "")];
    assert_eq!(found, expected.map(|(path, mode, content)| (path.to_owned(), mode, content.to_owned())));
}

#[test]
fn what_follows_a_content_says_the_same_in_all_its_forms() {
    let content = b"hello";
    let (crc, size) = (hash(content).to_le_bytes(), 5u32.to_le_bytes());
    let large = [&5u64.to_le_bytes()[..], &5u64.to_le_bytes()].concat();
    let streamed = |after: Vec<u8>, local: [u32; 3]| {
        let m = member("a", content);
        archive(&[Member { flags: 8, sizes: [local, m.sizes[1]], after, ..m }])
    };
    let small = [crc, size, size].concat();
    let signature = b"PK\x07\x08";
    for after in [
        small.clone(),
        [&signature[..], &small].concat(),
        [&crc[..], &large].concat(),
        [&signature[..], &crc, &large].concat(),
    ] {
        assert_eq!(verdict(&streamed(after.clone(), [0; 3]), &layer()), "ok");
        // libarchive says the size first, and only then the checksum.
        assert_eq!(verdict(&streamed(after, [0, 5, 5]), &layer()), "ok");
    }
    assert_eq!(verdict(&streamed(Vec::new(), [0; 3]), &layer()), "ZIP_MISMATCH");
    assert_eq!(verdict(&streamed([crc, size, 6u32.to_le_bytes()].concat(), [0; 3]), &layer()), "ZIP_MISMATCH");
    assert_eq!(verdict(&streamed(small, [1, 5, 5]), &layer()), "ZIP_MISMATCH");
}

#[test]
fn what_readers_read_differently_is_refused() {
    let a = || member("a", b"hello");
    let one = |member: Member| archive(&[member]);
    let named = |name: &str| one(member(name, b""));
    let sized = |local: [u32; 3], central: [u32; 3]| one(Member { sizes: [local, central], ..a() });
    let good = a().sizes[0];
    let deflated = |content: &[u8]| {
        let mut m = member("a", content);
        (m.method, m.local_method) = (8, 8);
        m.sizes = [[hash(b"hello"), content.len() as u32, 5]; 2];
        one(m)
    };
    let cases = [
        ("a way up", "TAR_PATH_DOTDOT", named("../a")),
        ("the root", "ZIP_NAME", named("/")),
        ("the root, and no directory", "ZIP_NAME", named(".")),
        ("the root with content", "ZIP_TYPE", one(member("./", b"x"))),
        ("an absolute name", "ZIP_NAME", named("/etc/passwd")),
        ("no name", "ZIP_NAME", named("")),
        ("a NUL", "ZIP_NAME", named("a\0b")),
        ("a backslash from DOS", "ZIP_NAME", one(Member { made_by: 20, ..member("a\\b", b"") })),
        ("a backslash from Unix, which libarchive takes for a slash", "ZIP_NAME", named("a\\b")),
        ("not UTF-8", "ZIP_NAME", {
            let name = b"caf\xe9".to_vec();
            one(Member { flags: 0x800, name: name.clone(), local_name: name, ..a() })
        }),
        ("another name in UTF-8", "ZIP_NAME", {
            one(Member { extra: [Vec::new(), b"\x75\x70\x06\0\x01\0\0\0\0b".to_vec()], ..a() })
        }),
        ("another name in UTF-8 before the content", "ZIP_MISMATCH", {
            one(Member { extra: [unicode_name("b", "a"), Vec::new()], ..a() })
        }),
        ("a name that is not ASCII, and not said to be UTF-8", "ZIP_NAME", named("größe")),
        ("one of which the name in UTF-8 is of an earlier name", "ZIP_NAME", {
            one(Member { extra: [Vec::new(), unicode_name("größe", "grosse")], ..member("größe", b"") })
        }),
        ("a whiteout", "TAR_WHITEOUT", named("opt/.wh.a")),
        ("a long component", "TAR_NAME_TOO_LONG", named(&"c".repeat(256))),
        ("encryption", "ZIP_ENCRYPTED", one(Member { flags: 1, ..a() })),
        ("strong encryption", "ZIP_ENCRYPTED", one(Member { method: 99, local_method: 99, ..a() })),
        ("bzip2", "UNSUPPORTED_COMPRESSION", one(Member { method: 12, local_method: 12, ..a() })),
        ("another name before the content", "ZIP_MISMATCH", one(Member { local_name: b"b".to_vec(), ..a() })),
        ("another method before the content", "ZIP_MISMATCH", one(Member { local_method: 8, ..a() })),
        ("another size before the content", "ZIP_MISMATCH", sized([good[0], 5, 4], good)),
        ("another checksum before the content", "ZIP_MISMATCH", sized([1, 5, 5], good)),
        ("two sizes of what is stored", "ZIP_MISMATCH", sized([good[0], 5, 4], [good[0], 5, 4])),
        ("a wrong checksum", "ZIP_CORRUPT", sized([1, 5, 5], [1, 5, 5])),
        ("a content that is cut", "ZIP_CORRUPT", deflated(&[0x01, 5, 0, 0xfa, 0xff, b'h', b'e'])),
        ("something after the content", "ZIP_CORRUPT", {
            deflated(&[0x01, 5, 0, 0xfa, 0xff, b'h', b'e', b'l', b'l', b'o', b'x'])
        }),
        (
            "more than is announced",
            "ZIP_CORRUPT",
            deflated(&[0x01, 6, 0, 0xf9, 0xff, b'h', b'e', b'l', b'l', b'o', b'x']),
        ),
        ("a directory with content", "ZIP_TYPE", one(member("a/", b"x"))),
        ("a directory without a slash", "ZIP_TYPE", one(Member { mode: 0o040_755, ..member("a", b"") })),
        ("a file with a slash", "ZIP_TYPE", one(Member { mode: 0o100_644, ..member("a/", b"") })),
        ("a socket", "ZIP_TYPE", one(Member { mode: 0o140_644, ..member("a", b"") })),
        ("a link to nothing", "TAR_LINK_TARGET", one(Member { mode: 0o120_777, ..member("a", b"") })),
        ("a link with a NUL", "TAR_LINK_TARGET", one(Member { mode: 0o120_777, ..member("a", b"b\0c") })),
        ("a long link", "TAR_LINK_TARGET", one(Member { mode: 0o120_777, ..member("a", &[b't'; 4096]) })),
    ];
    for (what, expected, zip) in cases {
        assert_eq!(verdict(&zip, &layer()), expected, "{what}");
    }
    // A stored deflate block, as above, without a fault.
    assert_eq!(verdict(&deflated(&[0x01, 5, 0, 0xfa, 0xff, b'h', b'e', b'l', b'l', b'o']), &layer()), "ok");
}

/// Readers without these would disagree: `zipfile` of Python reads code page 437, as APPNOTE says, Info-ZIP and Go the bytes.
#[test]
fn a_name_that_is_said_to_be_utf_8_is_read() {
    let field = || unicode_name("größe", "größe");
    for member in [
        Member { flags: 0x800, ..member("größe", b"") },
        Member { extra: [field(), field()], ..member("größe", b"") },
        Member { extra: [Vec::new(), field()], made_by: 20, ..member("größe", b"") },
    ] {
        assert_eq!(verdict(&archive(&[member]), &layer()), "ok");
    }
}

/// The extra field of a name in UTF-8, which counts if the header has the other name (APPNOTE 4.6.9).
fn unicode_name(name: &str, header: &str) -> Vec<u8> {
    let value = [&[1], &hash(header.as_bytes()).to_le_bytes()[..], name.as_bytes()].concat();
    [&0x7075u16.to_le_bytes()[..], &(value.len() as u16).to_le_bytes(), &value].concat()
}

#[test]
fn the_end_of_a_zip_is_where_it_should_be() {
    let members = [member("a", b"hello"), member("b", b"hello")];
    let with = |change: fn(&mut Vec<u8>)| archive_with(&members, change);
    let good = archive(&members);
    for (what, expected, zip) in [
        (
            "a comment",
            "ok",
            with(|end| {
                end[20] = 7;
                end.extend(b"comment");
            }),
        ),
        ("something after the end", "ZIP_TRUNCATED", [&good[..], b"x"].concat()),
        ("no end", "ZIP_TRUNCATED", good[..good.len() - 22].to_vec()),
        (
            "two ends",
            "ZIP_MISMATCH",
            with(|end| {
                end[20] = 22;
                end.extend(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
            }),
        ),
        ("something before the directory", "ZIP_CORRUPT", with(|end| end[16] -= 1)),
        ("more members than it says", "ZIP_CORRUPT", with(|end| (end[8], end[10]) = (1, 1))),
        ("fewer members than it says", "ZIP_CORRUPT", with(|end| (end[8], end[10]) = (3, 3))),
        ("one of several parts", "ZIP_SPANNED", with(|end| end[4] = 1)),
        ("not all members here", "ZIP_SPANNED", with(|end| end[8] = 1)),
        ("sizes for which there is no record", "ZIP_CORRUPT", with(|end| end[8..12].fill(0xff))),
    ] {
        assert_eq!(verdict(&zip, &layer()), expected, "{what}");
    }
}

#[test]
fn members_that_share_bytes_are_a_bomb() {
    let mut zip = archive(&[member("a", b"hello"), member("b", b"hello")]);
    // The second record of the directory points to the first member.
    let second = zip.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    zip[second + 42..second + 46].fill(0);
    assert_eq!(verdict(&zip, &layer()), "ZIP_OVERLAP");
}

/// What the next member's extra field and the space between members may hold. bsdtar on a pipe lists `hidden` in each that is
/// refused with a member, and misses `b` in each with another record; busybox on a pipe sees the first three.
#[test]
fn a_record_between_members_is_seen_by_readers_of_pipes() {
    let hidden = archive(&[member("hidden", b"hello")]);
    let header = hidden.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let (hidden, directory) = hidden.split_at(header);
    let (a, b) = (member("a", b"hello"), member("b", b"hello"));
    let with = |after: &[u8]| archive(&[Member { after: after.to_vec(), ..a.clone() }, b.clone()]);
    for (what, expected, zip) in [
        ("one in the middle", "ZIP_HIDDEN", with(hidden)),
        ("one at the end", "ZIP_HIDDEN", archive(&[a.clone(), Member { after: hidden.to_vec(), ..b.clone() }])),
        ("a whole zip", "ZIP_HIDDEN", with(&[hidden, directory].concat())),
        ("the record of a directory", "ZIP_HIDDEN", with(&directory[..52])),
        ("one behind zeros", "ZIP_HIDDEN", with(&[&[0; 64], hidden].concat())),
        ("one across two pieces", "ZIP_HIDDEN", with(&[&vec![0; (64 << 10) - 2], hidden].concat())),
        ("zeros, as zipalign leaves them", "ok", with(&[0; 3])),
        ("many of them", "ok", with(&vec![0; 200 << 10])),
        ("something else", "ok", with(b"PK\x03\x05 Packed by hand")),
        ("a signature in a content", "ok", archive(&[member("a", hidden)])),
        ("a signature in an extra field", "ok", {
            let field = [&b"\x35\xd9"[..], &(hidden.len() as u16).to_le_bytes(), hidden].concat();
            archive(&[Member { extra: [field, Vec::new()], ..a.clone() }])
        }),
    ] {
        assert_eq!(verdict(&zip, &layer()), expected, "{what}");
    }

    // The first two of three, without their records in the directory: the zip begins with one that nobody knows.
    let mut zip = archive(&[member("hidden", b"hello"), a, b]);
    let [from, to] = [0, 2].map(|n| zip.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x01\x02").nth(n).unwrap().0);
    zip.drain(from..to);
    let end = zip.len() - 22;
    zip[end + 8] = 1;
    zip[end + 10] = 1;
    zip[end + 12..end + 16].copy_from_slice(&((end - from) as u32).to_le_bytes());
    assert_eq!(verdict(&zip, &layer()), "ZIP_HIDDEN");
}

/// The header before the content may say that its extra fields reach into the next member.
#[test]
fn extra_fields_that_reach_into_the_next_member_are_refused() {
    let mut zip = archive(&[member("a", b"hello"), member("b", b"hello")]);
    zip[28] = 4;
    assert_eq!(verdict(&zip, &layer()), "ZIP_OVERLAP");
}

#[test]
fn a_zip_has_limits() {
    let zip = archive(&[member("a", b"hello"), member("b", b"hello")]);
    for (limits, expected) in [
        (Limits { entries: 1, ..Limits::default() }, "LIMIT_ENTRIES"),
        (Limits { layer_bytes: 9, ..Limits::default() }, "LIMIT_LAYER_BYTES"),
        (Limits { name_bytes: 90, ..Limits::default() }, "LIMIT_NAMES"),
        (Limits { entries: 2, layer_bytes: 10, name_bytes: 94, ..Limits::default() }, "ok"),
    ] {
        assert_eq!(verdict(&zip, &Rules::layer(limits)), expected);
    }
}

#[test]
fn a_damaged_zip_is_refused_or_says_the_same() {
    let good = archive(&[member("a", b"hello"), Member { mode: 0o120_777, ..member("l", b"a") }]);
    for length in 4..good.len() {
        assert_ne!(verdict(&good[..length], &layer()), "ok", "{length}");
    }
    for place in 4..good.len() {
        for bit in 0..8 {
            let mut zip = good.clone();
            zip[place] ^= 1 << bit;
            let _ = verdict(&zip, &layer());
        }
    }
}
