//! The 512 bytes before an entry. What does not fit into a field is left at 0 or cut off, and stands in a PAX record.

use crate::{Body, Entry};
use tar::{EntryType, Header};

/// Bytes of the fields for names.
const NAME: usize = 100;
const PREFIX: usize = 155;
/// The largest number of 7 and of 11 octal digits.
const MAX_ID: u32 = 0o777_7777;
const MAX_LONG: u64 = 0o777_7777_7777;
/// The entry that carries PAX records has this name, as Python's has: readers of before 2001 make a file of it.
const CARRIER: &[u8] = b"././@PaxHeader";

/// The header of an entry.
pub(super) fn of(entry: &Entry) -> Header {
    let (kind, size) = match &entry.body {
        Body::Directory => (EntryType::Directory, 0),
        Body::File { size } => (EntryType::Regular, *size),
        Body::Symlink { .. } => (EntryType::Symlink, 0),
        Body::HardLink { .. } => (EntryType::Link, 0),
        Body::Fifo => (EntryType::Fifo, 0),
        Body::CharDevice => (EntryType::Char, 0),
        Body::BlockDevice => (EntryType::Block, 0),
    };
    // The mode of a symlink means nothing; this is what Linux says of every one.
    let mode = if kind == EntryType::Symlink { 0o777 } else { entry.mode & 0o7777 };
    let mut header = empty(kind, mode.into(), size);
    header.set_uid(id(entry.uid).unwrap_or(0));
    header.set_gid(id(entry.gid).unwrap_or(0));
    header.set_mtime(seconds(entry.mtime.seconds).unwrap_or(0));
    let name = name(entry);
    let (prefix, rest) = split(&name).unwrap_or((&[], &name));
    if let Some(ustar) = header.as_ustar_mut() {
        fill(&mut ustar.prefix, prefix);
        fill(&mut ustar.name, rest);
        fill(&mut ustar.linkname, target(entry));
    }
    header.set_cksum();
    header
}

/// The header of the entry that carries PAX records of so many bytes for the next.
pub(super) fn of_records(size: u64) -> Header {
    let mut header = empty(EntryType::XHeader, 0o644, size);
    if let Some(ustar) = header.as_ustar_mut() {
        fill(&mut ustar.name, CARRIER);
    }
    header.set_cksum();
    header
}

/// The name as it is written: a directory's ends with `/`, for those who only know the tar of Version 7.
pub(super) fn name(entry: &Entry) -> Vec<u8> {
    let mut name = entry.path.as_bytes().to_vec();
    match entry.body {
        Body::Directory if name.is_empty() => name.extend(b"./"),
        Body::Directory => name.push(b'/'),
        _ => {}
    }
    name
}

/// Where a link points.
pub(super) fn target(entry: &Entry) -> &[u8] {
    match &entry.body {
        Body::Symlink { target } => target,
        Body::HardLink { target } => target.as_bytes(),
        _ => &[],
    }
}

/// Whether a target fits into its field.
pub(super) fn target_fits(target: &[u8]) -> bool {
    target.len() <= NAME
}

/// The two fields of a name, the `/` between them left out; `None` if it does not fit.
pub(super) fn split(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= NAME {
        return Some((&[], name));
    }
    // The `/` at the end of a directory's name is none that could be left out.
    let inside = name.get(..name.len() - 1)?;
    let cut = inside.get(..inside.len().min(PREFIX + 1))?.iter().rposition(|&b| b == b'/')?;
    let (prefix, rest) = (name.get(..cut)?, name.get(cut + 1..)?);
    (rest.len() <= NAME).then_some((prefix, rest))
}

/// An owner or a group as the field holds it.
pub(super) fn id(id: u32) -> Option<u64> {
    (id <= MAX_ID).then_some(id.into())
}

/// A size or a time as the field holds it.
pub(super) fn long(number: u64) -> Option<u64> {
    (number <= MAX_LONG).then_some(number)
}

/// A time as the field holds it.
pub(super) fn seconds(time: i64) -> Option<u64> {
    u64::try_from(time).ok().and_then(long)
}

fn empty(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(long(size).unwrap_or(0));
    header.set_mtime(0);
    if let Some(ustar) = header.as_ustar_mut() {
        ustar.set_device_major(0);
        ustar.set_device_minor(0);
    }
    header
}

fn fill(field: &mut [u8], value: &[u8]) {
    field.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
}
