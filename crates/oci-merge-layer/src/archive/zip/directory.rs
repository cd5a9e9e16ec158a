//! The central directory of a zip: which members there are.

use super::fields::{Fields, corrupt};
use super::gap;
use super::member::Member;
use crate::{Error, Limits, Result};
use std::io::{Read, Seek, SeekFrom};

/// Bytes of the record that ends a zip, without its comment.
const END: usize = 22;
/// Bytes of the record before it that says where the larger one is.
const LOCATOR: usize = 20;
/// Bytes of the larger record, for members or sizes that do not fit into the other.
const END_64: usize = 56;

/// Where the central directory stands, and how many members it has.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    offset: u64,
    size: u64,
    members: u64,
}

/// Reads the central directory: its members, in its order.
pub(super) fn read<R: Read + Seek>(input: &mut R, limits: &Limits) -> Result<Vec<Member>> {
    let place = find(input)?;
    if place.members > limits.entries {
        let text = format!("the zip has {} members, more than {} (limit entries)", place.members, limits.entries);
        return Err(Error::refused("LIMIT_ENTRIES", text));
    }
    if place.size > limits.name_bytes {
        let text = format!("a directory of {} bytes, more than {} (limit name-bytes)", place.size, limits.name_bytes);
        return Err(Error::refused("LIMIT_NAMES", text));
    }
    let bytes = read_at(input, place.offset, place.size as usize)?;
    let mut fields = Fields(&bytes);
    let mut members = Vec::new();
    let mut total = 0u64;
    for _ in 0..place.members {
        let member = Member::read(&mut fields)?;
        total = total.saturating_add(member.size);
        members.push(member);
    }
    if !fields.0.is_empty() {
        return Err(corrupt("its directory has more members than it says"));
    }
    if total > limits.layer_bytes {
        let text = format!("the zip holds {total} bytes, more than {} (limit layer-bytes)", limits.layer_bytes);
        return Err(Error::refused("LIMIT_LAYER_BYTES", text));
    }
    let first = set_ends(&mut members, place.offset)?;
    gap::judge(input, 0, first)?;
    Ok(members)
}

/// Tells each member where the next one begins, or the directory does; and gives the first of these places. No byte of the
/// zip belongs to two members: that is how a small one becomes a bomb.
fn set_ends(members: &mut [Member], end: u64) -> Result<u64> {
    let mut in_order: Vec<&mut Member> = members.iter_mut().collect();
    in_order.sort_unstable_by_key(|member| std::cmp::Reverse(member.offset));
    in_order.into_iter().try_fold(end, |next, member| {
        if member.least_end() > next {
            return Err(Error::refused("ZIP_OVERLAP", "two members of the zip share bytes"));
        }
        member.next = next;
        Ok(member.offset)
    })
}

/// Finds the directory from the record at the very end of the zip.
fn find<R: Read + Seek>(input: &mut R) -> Result<Place> {
    let (bytes, tail_at) = tail(input)?;
    let mut ends = ends(&bytes);
    let truncated = || Error::refused("ZIP_TRUNCATED", "the zip does not end with the record that ends one");
    let at = ends.next().ok_or_else(truncated)?;
    if ends.next().is_some() {
        return Err(Error::refused("ZIP_MISMATCH", "the zip has two ends: readers disagree which of them counts"));
    }
    let record_at = tail_at + at as u64;
    let mut fields = Fields(bytes.get(at + 4..).unwrap_or_default());
    let disks = (fields.u16()?, fields.u16()?);
    let (here, members) = (fields.u16()?, fields.u16()?);
    let (size, offset) = (fields.u32()?, fields.u32()?);
    let is_large = members == u16::MAX || size == u32::MAX || offset == u32::MAX;
    let (place, end) = match large(input, record_at)? {
        Some((place, end)) => {
            let agrees = |small: u64, most: u64, large: u64| small == most || small == large;
            if !agrees(members.into(), u16::MAX.into(), place.members)
                || !agrees(size.into(), u32::MAX.into(), place.size)
                || !agrees(offset.into(), u32::MAX.into(), place.offset)
            {
                return Err(Error::refused(
                    "ZIP_MISMATCH",
                    "the two records at the end of the zip contradict each other",
                ));
            }
            (place, end)
        }
        None if is_large => return Err(corrupt("the record for large zips is missing")),
        None => (Place { offset: offset.into(), size: size.into(), members: members.into() }, record_at),
    };
    if disks != (0, 0) || here != members {
        return Err(Error::refused("ZIP_SPANNED", "the zip is one of several parts"));
    }
    if place.offset.checked_add(place.size) != Some(end) {
        return Err(corrupt("its directory does not end where its last record begins"));
    }
    Ok(place)
}

/// Whether a file ends as zips do, whatever it begins with.
pub(crate) fn ends_as_zip<R: Read + Seek>(input: &mut R) -> bool {
    tail(input).is_ok_and(|(bytes, _)| ends(&bytes).next().is_some())
}

/// The last bytes of a file, in which the record at the end of a zip begins; and where they stand.
fn tail<R: Read + Seek>(input: &mut R) -> Result<(Vec<u8>, u64)> {
    let length = input.seek(SeekFrom::End(0)).map_err(Error::from)?;
    let tail = (END as u64 + u64::from(u16::MAX)).min(length);
    Ok((read_at(input, length - tail, tail as usize)?, length - tail))
}

/// Where the record at the end of a zip may begin: its comment ends with the file.
fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    (0..bytes.len().saturating_sub(END - 1)).filter(|&at| {
        let record = bytes.get(at..).unwrap_or_default();
        let comment = record.get(20..22).and_then(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes);
        record.starts_with(b"PK\x05\x06") && comment.is_some_and(|comment| END + usize::from(comment) == record.len())
    })
}

/// The record for large zips, if there is one before the record at some offset; and where it begins.
fn large<R: Read + Seek>(input: &mut R, end: u64) -> Result<Option<(Place, u64)>> {
    let Some(locator_at) = end.checked_sub(LOCATOR as u64) else { return Ok(None) };
    let locator = read_at(input, locator_at, LOCATOR)?;
    let Some(rest) = locator.strip_prefix(b"PK\x06\x07") else { return Ok(None) };
    let mut fields = Fields(rest);
    let (disk, at, disks) = (fields.u32()?, fields.u64()?, fields.u32()?);
    if at.checked_add(END_64 as u64) != Some(locator_at) || disk != 0 || disks != 1 {
        return Err(corrupt("the record for large zips is not where it should be"));
    }
    let record = read_at(input, at, END_64)?;
    let rest = record.strip_prefix(b"PK\x06\x06").ok_or_else(|| corrupt("the record for large zips is missing"))?;
    let mut fields = Fields(rest);
    let (length, _versions, disks) = (fields.u64()?, fields.u32()?, fields.u64()?);
    let (here, members) = (fields.u64()?, fields.u64()?);
    let place = Place { members, size: fields.u64()?, offset: fields.u64()? };
    if length != END_64 as u64 - 12 || disks != 0 || here != members {
        return Err(corrupt("the record for large zips is of another kind"));
    }
    Ok(Some((place, at)))
}

/// So many bytes at an offset.
pub(super) fn read_at<R: Read + Seek>(input: &mut R, offset: u64, count: usize) -> Result<Vec<u8>> {
    input.seek(SeekFrom::Start(offset)).map_err(Error::from)?;
    let mut bytes = Vec::new();
    input.take(count as u64).read_to_end(&mut bytes).map_err(Error::from)?;
    if bytes.len() < count {
        return Err(Error::refused("ZIP_TRUNCATED", "the zip ends before its members do"));
    }
    Ok(bytes)
}
