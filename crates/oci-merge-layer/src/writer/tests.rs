//! What is written, as other programs write and read it.

use super::TarWriter;
use crate::scan::{Item, Scanner};
use crate::{Body, Entry, Limits, Rules, Time, Xattrs};
use oci_merge_image::LayerPath;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::io::Read;

fn path(path: impl AsRef<[u8]>) -> LayerPath {
    LayerPath::parse(path.as_ref()).unwrap()
}

fn entry(at: impl AsRef<[u8]>, body: Body) -> Entry {
    let mtime = Time { seconds: 1_700_000_000, nanos: 0 };
    Entry { path: path(at), body, mode: 0o755, uid: 0, gid: 0, mtime, xattrs: Xattrs::new() }
}

fn write(entries: &[(Entry, Vec<u8>)]) -> Vec<u8> {
    let mut writer = TarWriter::new(Vec::new());
    for (entry, content) in entries {
        writer.begin(entry).unwrap();
        content.chunks(7).for_each(|piece| writer.content(piece).unwrap());
    }
    let tar = writer.finish().unwrap();
    assert_eq!(tar.len() % 512, 0);
    tar
}

#[test]
fn a_header_is_what_python_writes() {
    // python3: t = tarfile.TarInfo('opt/' + 'd' * 120 + '/python3'); t.size = 5; t.mode = 0o4755; t.uid = 2097151
    // t.mtime = 1700000000; b = t.tobuf(tarfile.USTAR_FORMAT)
    // hashlib.sha256(b[:148] + b[156:329] + b[345:]).hexdigest()
    // Left out are the checksum (6 or 7 digits) and the device numbers (blank or 0), where programs differ.
    let mut file = entry(format!("opt/{}/python3", "d".repeat(120)), Body::File { size: 5 });
    (file.mode, file.uid) = (0o4755, 2_097_151);
    let tar = write(&[(file, b"12345".to_vec())]);
    let found: String = Sha256::digest([&tar[..148], &tar[156..329], &tar[345..512]].concat())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(found, "d4522f75e83377d5af51e18052084e92ef416019ecc31671c6f715f83197bdec");
    assert_eq!(tar.len(), 512 + 512 + 1024, "header, content, two blocks of zeros");
}

#[test]
fn records_are_written_only_where_ustar_cannot_say_it() {
    let plain = |entry: Entry| write(&[(entry, vec![])]).len() == 512 + 1024;
    let file = |name: String| entry(name, Body::File { size: 0 });
    let (x100, x155) = ("x".repeat(100), "y".repeat(155));
    assert!(plain(file(x100.clone())));
    assert!(!plain(file("x".repeat(101))), "there is no / to cut at");
    assert!(plain(file(format!("{x155}/{x100}"))));
    assert!(!plain(file(format!("{x155}/{x100}x"))));
    assert!(!plain(file(format!("{x155}y/{x100}"))));
    let directory = |name: String| entry(name, Body::Directory);
    assert!(plain(directory("x".repeat(99))), "99 and the /");
    assert!(!plain(directory(x100.clone())));
    assert!(plain(directory(format!("{x155}/{}", "x".repeat(99)))));
    assert!(!plain(directory(format!("{x155}/{x100}"))));
    let symlink = |length| entry("a", Body::Symlink { target: vec![b't'; length] });
    assert!(plain(symlink(100)));
    assert!(!plain(symlink(101)));
    assert!(plain(Entry { uid: 0o777_7777, gid: 0o777_7777, ..symlink(1) }));
    assert!(!plain(Entry { uid: 0o1000_0000, ..symlink(1) }));
    assert!(!plain(Entry { gid: 0o1000_0000, ..symlink(1) }));
    let time = |seconds, nanos| Entry { mtime: Time { seconds, nanos }, ..symlink(1) };
    assert!(plain(time(0, 0)));
    assert!(plain(time(0o777_7777_7777, 0)));
    assert!(!plain(time(0o100_000_000_000, 0)));
    assert!(!plain(time(-1, 0)));
    assert!(!plain(time(1, 1)));
}

#[test]
fn a_size_beyond_8_gib_stands_in_a_record_and_nowhere_else() {
    let mut writer = TarWriter::new(Vec::new());
    writer.begin(&entry("big", Body::File { size: 8 << 30 })).unwrap();
    let written = String::from_utf8_lossy(&writer.out).into_owned();
    assert!(written.contains("19 size=8589934592\n"), "{written:?}");
    // The last header's size field (offset 124, 12 bytes).
    assert_eq!(&writer.out[1024 + 124..1024 + 136], b"00000000000\0");
}

#[test]
fn a_file_of_another_length_than_it_said_is_noticed() {
    let mut writer = TarWriter::new(Vec::new());
    writer.begin(&entry("a", Body::File { size: 3 })).unwrap();
    writer.content(b"12").unwrap();
    assert!(writer.begin(&entry("b", Body::Fifo)).is_err());
    writer.content(b"3").unwrap();
    assert!(writer.content(b"4").is_err());
}

#[test]
fn an_attribute_that_no_reader_would_see_is_refused() {
    for (name, value) in [("user.a=b", "x"), ("user.a", ""), ("", "x")] {
        let xattrs = [(name.into(), value.into())].into();
        let error = TarWriter::new(Vec::new()).begin(&Entry { xattrs, ..entry("a", Body::Fifo) }).unwrap_err();
        assert_eq!(error.reason().unwrap().0, "TAR_XATTR");
    }
}

/// Reads an archive with the `tar` crate, which reads PAX records and prefixes on its own.
fn read(tar: &[u8]) -> Vec<(Entry, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    let mut found = Vec::new();
    for item in archive.entries().unwrap() {
        let mut item = item.unwrap();
        let (mut seconds, mut nanos) = (item.header().mtime().unwrap() as i64, 0);
        let mut xattrs = Xattrs::new();
        for record in item.pax_extensions().unwrap().into_iter().flatten() {
            let record = record.unwrap();
            if let Some(name) = record.key_bytes().strip_prefix(b"SCHILY.xattr.") {
                xattrs.insert(name.to_vec(), record.value_bytes().to_vec());
            } else if record.key_bytes() == b"mtime" {
                let value: f64 = record.value().unwrap().parse().unwrap();
                seconds = value.floor() as i64;
                nanos = ((value - value.floor()) * 1e9).round() as u32;
            }
        }
        let link = item.link_name_bytes().map(|name| name.into_owned()).unwrap_or_default();
        let header = item.header();
        let body = match header.entry_type() {
            tar::EntryType::Directory => Body::Directory,
            tar::EntryType::Regular => Body::File { size: item.size() },
            tar::EntryType::Symlink => Body::Symlink { target: link },
            tar::EntryType::Link => Body::HardLink { target: path(link) },
            tar::EntryType::Fifo => Body::Fifo,
            other => panic!("{other:?}"),
        };
        let entry = Entry {
            path: path(&*item.path_bytes()),
            body,
            mode: header.mode().unwrap() as u16,
            uid: header.uid().unwrap() as u32,
            gid: header.gid().unwrap() as u32,
            mtime: Time { seconds, nanos },
            xattrs,
        };
        let mut content = Vec::new();
        item.read_to_end(&mut content).unwrap();
        found.push((entry, content));
    }
    found
}

prop_compose! {
    /// Any entry at all, its name made different from all others by a number.
    fn any_entry(number: usize)(
        name in proptest::collection::vec(proptest::collection::vec(prop_oneof![1..=46_u8, 48..=255_u8], 1..120), 1..4),
        kind in 0..5,
        target in proptest::collection::vec(1..=255_u8, 1..300),
        content in proptest::collection::vec(any::<u8>(), 0..1500),
        mode in 0..=0o7777_u16,
        ids in (0..=0o777_7777_u32, 0..=0o777_7777_u32),
        seconds in prop_oneof![-2_147_483_648_i64..17_179_869_183, 1_000_000_000_i64..2_000_000_000],
        nanos in prop_oneof![Just(0_u32), Just(500_000_000)],
        xattrs in proptest::collection::btree_map("user\\.[a-z]{1,9}", proptest::collection::vec(any::<u8>(), 1..99), 0..3),
    ) -> (Entry, Vec<u8>) {
        let mut bytes = format!("{number}_").into_bytes();
        bytes.extend(name.join(&b'/'));
        let path = LayerPath::parse(&bytes).unwrap_or_else(|_| path(number.to_string()));
        let body = match kind {
            0 => Body::Directory,
            1 => Body::File { size: content.len() as u64 },
            2 => Body::Symlink { target },
            3 => Body::HardLink { target: LayerPath::parse(&target).ok().filter(|p| !p.is_root()).unwrap_or(path.clone()) },
            _ => Body::Fifo,
        };
        let content = if kind == 1 { content } else { Vec::new() };
        let mode = if kind == 2 { 0o777 } else { mode };
        let xattrs = xattrs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
        let mut entry = Entry { path, body, mode, uid: ids.0, gid: ids.1, mtime: Time { seconds, nanos }, xattrs };
        entry.xattrs.retain(|name, value| crate::make::is_possible(&entry.body, name, value));
        (entry, content)
    }
}

/// Rust's tar splits PAX records at newlines, and not by their length.
fn without_newlines(entry: Entry) -> Entry {
    let replace = |bytes: &[u8]| bytes.iter().map(|&b| if b == b'\n' { b'_' } else { b }).collect::<Vec<u8>>();
    let body = match &entry.body {
        Body::Symlink { target } => Body::Symlink { target: replace(target) },
        Body::HardLink { target } => Body::HardLink { target: path(replace(target.as_bytes())) },
        body => body.clone(),
    };
    let xattrs = entry.xattrs.iter().map(|(name, value)| (name.clone(), replace(value))).collect();
    Entry { path: path(replace(entry.path.as_bytes())), body, xattrs, ..entry }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn another_reader_reads_what_was_written(entries in (any_entry(0), any_entry(1), any_entry(2))) {
        let entries = [entries.0, entries.1, entries.2].map(|(entry, content)| (without_newlines(entry), content));
        prop_assert_eq!(read(&write(&entries)), entries.to_vec());
    }

    #[test]
    fn the_strict_reader_reads_what_was_written(entries in (any_entry(0), any_entry(1), any_entry(2))) {
        let entries = [entries.0, entries.1, entries.2];
        let tar = write(&entries);
        let mut scanner = Scanner::new(&tar[..], &Rules::kept(Limits::default()));
        for (entry, content) in &entries {
            prop_assert_eq!(scanner.next().unwrap().unwrap(), Item::Entry(entry.clone()));
            let mut found = Vec::new();
            scanner.content().read_to_end(&mut found).unwrap();
            prop_assert_eq!(&found, content);
        }
        prop_assert_eq!(scanner.next().unwrap(), None);
        prop_assert_eq!(scanner.notes(), &[]);
    }
}
