//! One member of a zip: what the central directory says, and whether the header before the content agrees.

use super::directory::read_at;
use super::fields::{Fields, corrupt, extra_fields};
use super::gap;
use crate::{Error, Result, Time};
use oci_merge_image::shown;
use std::io::{Read, Seek};

/// What the central directory says of a member.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: Box<[u8]>,
    pub(super) method: u16,
    pub(super) crc: u32,
    /// Bytes in the zip.
    pub(super) packed: u64,
    /// Bytes of content.
    pub(super) size: u64,
    /// Where the header before the content stands.
    pub(super) offset: u64,
    /// Where the next one does, or the directory.
    pub(super) next: u64,
    /// `st_mode`, if a Unix wrote it; 0 if not.
    pub(super) mode: u32,
    pub(super) mtime: Time,
    flags: u16,
}

/// Bytes of a header before a content, without name and extra fields.
const LOCAL: usize = 30;
/// Flags: the sizes follow the content; the name is UTF-8.
const SIZES_FOLLOW: u16 = 8;
const UTF_8: u16 = 0x800;
/// Flags of three kinds of encryption.
const ENCRYPTED: u16 = 1 | 0x40 | 0x2000;
/// Ids of extra fields: large sizes, times, and a name in UTF-8.
const LARGE: u16 = 1;
const TIMES: u16 = 0x5455;
const UNICODE_NAME: u16 = 0x7075;

impl Member {
    /// Reads the next record of the central directory.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Member> {
        if fields.bytes(4)? != b"PK\x01\x02" {
            return Err(corrupt("its directory holds something else"));
        }
        let made_by = fields.u16()?;
        let _needed = fields.u16()?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        let (time, date) = (fields.u16()?, fields.u16()?);
        let crc = fields.u32()?;
        let (packed, size) = (fields.u32()?, fields.u32()?);
        let lengths = (fields.u16()?, fields.u16()?, fields.u16()?);
        let disk = fields.u16()?;
        let _internal = fields.u16()?;
        let attributes = fields.u32()?;
        let offset = fields.u32()?;
        let name = fields.bytes(lengths.0.into())?;
        let extra = fields.bytes(lengths.1.into())?;
        fields.bytes(lengths.2.into())?;

        let is_unix = matches!(made_by >> 8, 3 | 19);
        judge_name(name, flags, extra)?;
        let large = Large::read(extra, [size, packed, offset])?;
        let [size, packed, offset] = large.0;
        if disk != 0 {
            return Err(Error::refused("ZIP_SPANNED", "the zip is one of several parts"));
        }
        if flags & ENCRYPTED != 0 || method == 99 {
            return Err(about(name, "ZIP_ENCRYPTED", "it is encrypted"));
        }
        if !matches!(method, 0 | 8) {
            let text = format!("it is packed by method {method}; only 0 (stored) and 8 (deflate) are read");
            return Err(about(name, "UNSUPPORTED_COMPRESSION", &text));
        }
        if method == 0 && packed != size {
            return Err(about(name, "ZIP_MISMATCH", "it is stored as it is, and has two sizes"));
        }
        let mode = if is_unix { attributes >> 16 } else { 0 };
        let mtime = unix_time(extra).unwrap_or_else(|| dos_time(date, time));
        Ok(Member { name: name.into(), method, crc, packed, size, offset, next: offset, mode, mtime, flags })
    }

    /// The least offset at which the next member can begin.
    pub(super) fn least_end(&self) -> u64 {
        self.offset.saturating_add((LOCAL + self.name.len()) as u64).saturating_add(self.packed)
    }

    /// Where the content stands; a refusal if what stands around it says something else than the directory.
    pub(super) fn content_at<R: Read + Seek>(&self, input: &mut R) -> Result<u64> {
        let mismatch = |what: &str| {
            let text = format!("its {what} in the directory is not that of the header before its content");
            Err(about(&self.name, "ZIP_MISMATCH", &text))
        };
        let header = read_at(input, self.offset, LOCAL)?;
        let rest = header.strip_prefix(b"PK\x03\x04").ok_or_else(|| corrupt("a member without its header"))?;
        let mut fields = Fields(rest);
        let _needed = fields.u16()?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        let _time = fields.u32()?;
        let (crc, packed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let lengths = (fields.u16()?, fields.u16()?);
        let names = read_at(input, self.offset + LOCAL as u64, usize::from(lengths.0) + usize::from(lengths.1))?;
        let (name, extra) = names.split_at_checked(lengths.0.into()).unwrap_or_default();
        if *name != *self.name || is_renamed(name, extra) {
            return mismatch("name");
        }
        if method != self.method || (flags ^ self.flags) & (SIZES_FOLLOW | UTF_8 | ENCRYPTED) != 0 {
            return mismatch("way of packing");
        }
        let content = self.offset + (LOCAL + names.len()) as u64;
        let [size, packed, _] = Large::read(extra, [size, packed, 0])?.0;
        let left_open = |here: u64| flags & SIZES_FOLLOW != 0 && here == 0;
        let pairs = [(crc.into(), self.crc.into()), (packed, self.packed), (size, self.size)];
        if !pairs.into_iter().all(|(here, there): (u64, u64)| here == there || left_open(here)) {
            return mismatch("size or checksum");
        }
        let mut end = content + self.packed;
        if flags & SIZES_FOLLOW != 0 {
            let Some(length) = self.sizes_that_follow(input, end)? else {
                return mismatch("size or checksum after the content");
            };
            end += length;
        }
        gap::judge(input, end, self.next)?;
        Ok(content)
    }

    /// Bytes of the record after the content, of which there are four forms, if it says the same.
    fn sizes_that_follow<R: Read + Seek>(&self, input: &mut R, at: u64) -> Result<Option<u64>> {
        // The end of the zip is 22 bytes long itself, so there are always so many.
        let record = read_at(input, at, 24)?;
        let crc = self.crc.to_le_bytes();
        let large = [&crc[..], &self.packed.to_le_bytes(), &self.size.to_le_bytes()].concat();
        let mut forms = vec![large];
        if let (Ok(packed), Ok(size)) = (u32::try_from(self.packed), u32::try_from(self.size)) {
            forms.push([crc, packed.to_le_bytes(), size.to_le_bytes()].concat());
        }
        let signed = forms.iter().map(|form| [b"PK\x07\x08", &form[..]].concat());
        let found =
            signed.chain(forms.iter().cloned()).filter(|form| record.starts_with(form)).map(|form| form.len() as u64);
        // Of a member without content the shorter forms begin the longer ones; what is left is zeros.
        Ok(found.min())
    }
}

/// A name that every reader takes for the same path of the same file.
fn judge_name(name: &[u8], flags: u16, extra: &[u8]) -> Result<()> {
    let why = if name.is_empty() {
        "it is empty"
    } else if name.contains(&0) {
        "it holds a NUL"
    } else if name.starts_with(b"/") {
        "it begins at the root"
    } else if name.contains(&b'\\') {
        // libarchive takes it for a slash whoever made the zip, Info-ZIP unless a Unix did, busybox never.
        "it has a backslash, which is a separator for some readers"
    } else if flags & UTF_8 != 0 && std::str::from_utf8(name).is_err() {
        "it is not UTF-8, though the zip says so"
    } else if is_renamed(name, extra) {
        "the zip has another one for it, in UTF-8"
    } else if flags & UTF_8 == 0 && !name.is_ascii() && !is_confirmed(name, extra) {
        "it is not ASCII, and the zip does not say that it is UTF-8, so some readers take it for code page 437"
    } else {
        return Ok(());
    };
    Err(about(name, "ZIP_NAME", &format!("not a name that readers agree about: {why}")))
}

/// Whether the zip has another name in UTF-8 (APPNOTE 4.6.9): some readers go by it, some do not know it.
fn is_renamed(name: &[u8], extra: &[u8]) -> bool {
    extra_fields(extra).any(|(id, value)| id == UNICODE_NAME && value.get(5..) != Some(name))
}

/// Whether the zip has the same name once more, as UTF-8, in a field that counts: of version 1, with the name's checksum.
fn is_confirmed(name: &[u8], extra: &[u8]) -> bool {
    let field = [&[1], &crc32fast::hash(name).to_le_bytes()[..], name].concat();
    std::str::from_utf8(name).is_ok() && extra_fields(extra).any(|(id, value)| id == UNICODE_NAME && value == field)
}

/// Sizes and offsets, those taken from the extra field that do not fit into 32 bits.
struct Large([u64; 3]);

impl Large {
    fn read(extra: &[u8], small: [u32; 3]) -> Result<Large> {
        let mut found = extra_fields(extra).filter(|&(id, _)| id == LARGE).map(|(_, value)| Fields(value));
        let mut fields = found.next();
        if found.next().is_some() {
            return Err(corrupt("a member has two records for large sizes"));
        }
        let mut all = [0; 3];
        for (large, small) in all.iter_mut().zip(small) {
            *large = match &mut fields {
                Some(fields) if small == u32::MAX => fields.u64()?,
                _ => small.into(),
            };
        }
        Ok(Large(all))
    }
}

/// The time of modification in the extra field that Unix writes.
fn unix_time(extra: &[u8]) -> Option<Time> {
    let (_, value) = extra_fields(extra).find(|&(id, _)| id == TIMES)?;
    let mut fields = Fields(value);
    let has_mtime = fields.bytes(1).ok()?.first()? & 1 != 0;
    let seconds = fields.u32().ok().filter(|_| has_mtime)?;
    Some(Time { seconds: i64::from(seconds as i32), nanos: 0 })
}

/// The time of modification as DOS has it: of a clock on some wall, which is taken for that of Greenwich.
fn dos_time(date: u16, time: u16) -> Time {
    let (year, month, day) = (i64::from(date >> 9) + 1980, i64::from(date >> 5 & 15), i64::from(date & 31));
    // Days since 1970 of the proleptic Gregorian calendar, with years that begin in March.
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
    let (hours, minutes, seconds) = (i64::from(time >> 11), i64::from(time >> 5 & 63), i64::from(time & 31) * 2);
    Time { seconds: days * 86_400 + hours * 3600 + minutes * 60 + seconds, nanos: 0 }
}

/// A refusal of one member.
pub(super) fn about(name: &[u8], reason: &'static str, text: &str) -> Error {
    Error::refused(reason, format!("the member \"{}\" of the zip: {text}", shown(name.get(..256).unwrap_or(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dos_times_are_those_of_a_calendar() {
        // date -u -d '…' +%s
        for (date, time, expected) in [
            (1 << 5 | 1, 0, 315_532_800),                                     // 1980-01-01
            (20 << 9 | 2 << 5 | 29, 12 << 11 | 34 << 5 | 28, 951_827_696),    // 2000-02-29 12:34:56
            (44 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29, 1_735_689_598), // 2024-12-31 23:59:58
            (127 << 9 | 3 << 5 | 1, 0, 4_328_380_800),                        // 2107-03-01
        ] {
            assert_eq!(dos_time(date, time).seconds, expected);
        }
    }
}
