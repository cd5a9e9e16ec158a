//! A second opinion: what the `tar` crate reads of archives that are accepted, and what it writes.

use super::tar::{Header, Tar};
use super::{kept, scan};
use crate::Body;
use ::tar::{Archive, Builder, EntryType, Header as TarHeader};
use proptest::prelude::*;
use std::io::Read;

/// What both readers know of an entry.
type Seen = (Vec<u8>, u8, u32, u64, u64, u64, Vec<u8>, Vec<u8>);

fn seen_by_tar(bytes: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    for entry in Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        let (mode, mtime) = (header.mode().unwrap() & 0o7777, header.mtime().unwrap());
        let (uid, gid) = (header.uid().unwrap(), header.gid().unwrap());
        let kind = header.entry_type().as_byte();
        let link = entry.link_name_bytes().map(|link| link.into_owned()).unwrap_or_default();
        let path = entry.path_bytes().strip_suffix(b"/").unwrap_or(&entry.path_bytes()).to_vec();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        all.push((path, kind, mode, uid, gid, mtime, link, content));
    }
    all
}

fn seen_by_us(bytes: &[u8]) -> Vec<Seen> {
    let see = |(entry, content): (crate::Entry, Vec<u8>)| {
        let (kind, link) = match entry.body {
            Body::File { .. } => (b'0', Vec::new()),
            Body::HardLink { target } => (b'1', target.as_bytes().to_vec()),
            Body::Symlink { target } => (b'2', target),
            Body::Directory => (b'5', Vec::new()),
            Body::Fifo => (b'6', Vec::new()),
            Body::CharDevice | Body::BlockDevice => unreachable!(),
        };
        let path = entry.path.as_bytes().to_vec();
        let mtime = u64::try_from(entry.mtime.seconds).unwrap();
        (path, kind, entry.mode.into(), entry.uid.into(), entry.gid.into(), mtime, link, content)
    };
    scan(bytes, &kept()).unwrap().0.into_iter().map(see).collect()
}

/// One entry: its name, kind, mode, owner, time, and content or target.
fn entries() -> impl Strategy<Value = Vec<(String, u8, u32, u64, u64, Vec<u8>)>> {
    let name = prop_oneof!["[a-zäß ]{1,20}", "[a-z]{90,200}", "([a-z]{1,40}/){1,8}[a-z]{1,100}"];
    let kind = prop_oneof![Just(b'0'), Just(b'1'), Just(b'2'), Just(b'5'), Just(b'6')];
    let owner = prop_oneof![0..8u64, 2_000_000..4_000_000u64, Just(0xffff_fffe)];
    let content = proptest::collection::vec(any::<u8>(), 0..1600);
    proptest::collection::vec((name, kind, 0..0o10000u32, owner, 0..1u64 << 34, content), 0..8)
}

proptest! {
    #[test]
    fn what_the_tar_crate_writes_is_what_we_read(entries in entries()) {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, mode, owner, mtime, content) in &entries {
            let mut header = TarHeader::new_gnu();
            header.set_entry_type(EntryType::new(*kind));
            header.set_mode(*mode);
            header.set_uid(*owner);
            header.set_gid(owner / 2);
            header.set_mtime(*mtime);
            header.set_device_major(0).unwrap();
            header.set_device_minor(0).unwrap();
            let is_link = matches!(kind, b'1' | b'2');
            header.set_size(if *kind == b'0' { content.len() as u64 } else { 0 });
            if is_link {
                builder.append_link(&mut header, name, format!("t{name}")).unwrap();
            } else {
                let content = if *kind == b'0' { &content[..] } else { &[] };
                builder.append_data(&mut header, name, content).unwrap();
            }
        }
        let bytes = builder.into_inner().unwrap();
        prop_assert_eq!(seen_by_us(&bytes), seen_by_tar(&bytes));
    }
}

#[test]
fn what_we_accept_the_tar_crate_reads_alike() {
    let tar = Tar::new()
        .dir("opt/")
        .entry(Header::file("opt/a").v7(), "hello")
        .entry(Header::file("opt/b").gnu().with(108, [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe]), "x".repeat(513))
        // Not with a newline in a value: the crate goes by lines there, and reads what is not said.
        .pax(&[("path", "opt/größe"), ("V.key", "x=y")])
        .file("c", "named by PAX")
        .pax(&[("linkpath", &"t".repeat(300))])
        .header(&Header::symlink("opt/d", ""))
        .long(b'L', "opt/".to_owned() + &"l".repeat(200) + "\0")
        .entry(Header::file("e").gnu(), "named by GNU")
        .long(b'K', "opt/a\0")
        .header(&Header::hard_link("opt/f", "").gnu())
        .header(&Header::file("g").with(345, "opt/prefix"))
        .header(&Header::new(b'6', "opt/h"))
        .end();
    assert_eq!(seen_by_us(&tar), seen_by_tar(&tar));
    assert_eq!(seen_by_us(&tar).len(), 9);
}
