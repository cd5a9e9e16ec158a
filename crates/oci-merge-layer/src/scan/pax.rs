//! PAX headers: what they say of the entry that follows.

use super::header::TIMES;
use super::records::{Record, Records};
use super::sparse::SparseKeys;
use crate::judge::Judge;
use crate::{Error, Limits, Result, Time, Xattrs};
use oci_merge_image::shown;

/// What a PAX header (type `x`) says. Unknown keys are nothing to us, as they are to Go.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) linkpath: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u64>,
    pub(super) gid: Option<u64>,
    pub(super) mtime: Option<Time>,
    pub(super) xattrs: Xattrs,
    pub(super) sparse: SparseKeys,
}

impl Pax {
    /// Reads the body of an `x` header.
    pub(super) fn read(body: &[u8], limits: &Limits, judge: &mut Judge) -> Result<Pax> {
        let mut pax = Pax::default();
        let mut seen = Seen::default();
        let mut records = Records::new(body);
        while let Some((key, value)) = records.next(judge)? {
            if key.starts_with(b"GNU.sparse.") {
                if pax.sparse.is_empty() {
                    judge.harmless("TAR_SPARSE", || "a sparse file".into())?;
                }
                // Its first form repeats keys, one pair for each piece.
                if pax.sparse.set(key, value, limits)? {
                    continue;
                }
            }
            if !seen.insert(key) {
                judge.ambiguous("TAR_PAX_DUPLICATE_KEY", || format!("the PAX header has {} twice", shown(key)))?;
            }
            pax.set((key, value), limits, judge)?;
        }
        Ok(pax)
    }

    fn set(&mut self, (key, value): Record<'_>, limits: &Limits, judge: &mut Judge) -> Result<()> {
        if judge.is_base() && value.is_empty() && !key.starts_with(b"SCHILY.xattr.") {
            // Go goes on with what the header says.
            return judge.ambiguous("TAR_PAX_VALUE", || format!("the PAX record {} is empty", shown(key)));
        }
        match key {
            b"path" => self.path = Some(not_empty(key, value)?),
            b"linkpath" => self.linkpath = Some(not_empty(key, value)?),
            b"size" => self.size = Some(decimal(key, value, judge)?),
            b"uid" => self.uid = Some(decimal(key, value, judge)?),
            b"gid" => self.gid = Some(decimal(key, value, judge)?),
            b"mtime" => self.mtime = Some(time(key, value)?),
            b"atime" | b"ctime" => drop(time(key, value)?),
            b"hdrcharset" if !matches!(value, b"BINARY" | b"ISO-IR 10646 2000 UTF-8") => {
                judge.ambiguous("TAR_PAX_VALUE", || format!("names in the charset {}", shown(value)))?;
            }
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.set_xattr(name, value, limits, judge)?;
                }
            }
        }
        Ok(())
    }

    fn set_xattr(&mut self, name: &[u8], value: &[u8], limits: &Limits, judge: &mut Judge) -> Result<()> {
        const OVERLAY: [&[u8]; 3] = [b"trusted.overlay.", b"user.overlay.", b"user.fuseoverlayfs."];
        if name.is_empty() {
            return judge.ambiguous("TAR_XATTR", || "an extended attribute without a name".into());
        }
        if OVERLAY.iter().any(|overlay| name.starts_with(overlay)) {
            let text = || format!("the attribute {} tells an overlay file system to hide other layers", shown(name));
            judge.ambiguous("TAR_XATTR_OVERLAY", text)?;
        }
        if name.starts_with(b"system.posix_acl_") && judge.is_layer() {
            let text = "an access control list: what is made below it depends on the order of layers".to_owned();
            return Err(Error::refused("TAR_XATTR", format!("{} is {text}", shown(name))));
        }
        self.xattrs.insert(name.to_vec(), value.to_vec());
        if self.xattrs.len() as u64 > limits.xattrs {
            let text = format!("more than {} extended attributes (limit xattrs)", limits.xattrs);
            return Err(Error::refused("LIMIT_XATTRS", text));
        }
        Ok(())
    }
}

/// A global header (type `g`) means nothing to Docker and containerd, and everything to GNU tar and Python. It is
/// harmless if nobody would do anything with its keys.
pub(super) fn judge_global(body: &[u8], judge: &mut Judge) -> Result<()> {
    let mut records = Records::new(body);
    while let Some((key, _)) = records.next(judge)? {
        let vendor = key.iter().position(|&byte| byte == b'.').and_then(|dot| key.get(..dot));
        let harmless = match vendor {
            // The label that GNU tar gives to a volume, and keys that some reader takes for attributes.
            Some(b"GNU") => key == b"GNU.volume.label",
            Some(b"SCHILY" | b"LIBARCHIVE" | b"RHT") => false,
            Some(vendor) => !vendor.is_empty(),
            None => key == b"comment",
        };
        if !harmless {
            judge.ambiguous("TAR_PAX_GLOBAL", || {
                format!("a global header sets {}: some readers apply it to every entry, some to none", shown(key))
            })?;
        }
    }
    Ok(())
}

/// The keys of one header. There are few, as a rule; a hostile header may have a hundred thousand.
#[derive(Default)]
struct Seen<'a> {
    few: Vec<&'a [u8]>,
    many: std::collections::HashSet<&'a [u8]>,
}

impl<'a> Seen<'a> {
    /// Whether it is the first time.
    fn insert(&mut self, key: &'a [u8]) -> bool {
        if self.few.contains(&key) || self.many.contains(key) {
            return false;
        }
        if self.few.len() < 16 {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
        true
    }
}

fn not_empty(key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
    if value.is_empty() { Err(unfit(key, value, "something")) } else { Ok(value.to_vec()) }
}

/// `0`, or digits that do not begin with one; below 2^63.
fn decimal(key: &[u8], value: &[u8], judge: &mut Judge) -> Result<u64> {
    let refuse = || unfit(key, value, "a decimal number below 2^63");
    let text = std::str::from_utf8(value).map_err(|_| refuse())?;
    let well_formed = matches!(value, [b'0'] | [b'1'..=b'9', ..]) && value.iter().all(u8::is_ascii_digit);
    if !well_formed {
        if !judge.is_base() {
            return Err(refuse());
        }
        judge.ambiguous("TAR_PAX_VALUE", || format!("the PAX record {} is \"{}\"", shown(key), shown(value)))?;
    }
    text.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok()).ok_or_else(refuse)
}

/// Decimal seconds with an optional fraction; a negative fraction counts down, as in Go.
fn time(key: &[u8], value: &[u8]) -> Result<Time> {
    let refuse = || {
        let text = format!("expected decimal seconds for the PAX record {}, found \"{}\"", shown(key), shown(value));
        Error::refused("TAR_MTIME", text)
    };
    let (negative, unsigned) = match value {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, value),
    };
    let dot = unsigned.iter().position(|&byte| byte == b'.').unwrap_or(unsigned.len());
    let (whole, fraction) = unsigned.split_at(dot);
    let fraction = fraction.get(1..).unwrap_or_default();
    if !(1..=18).contains(&whole.len()) || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(refuse());
    }
    let number = |digits: &mut dyn Iterator<Item = u8>| digits.fold(0i64, |n, digit| 10 * n + i64::from(digit - b'0'));
    let seconds = number(&mut whole.iter().copied());
    let nanos = number(&mut fraction.iter().copied().chain(std::iter::repeat(b'0')).take(9)) as u32;
    Ok(match (negative, nanos) {
        (false, _) => Time { seconds, nanos },
        (true, 0) => Time { seconds: -seconds, nanos },
        (true, _) => Time { seconds: -seconds - 1, nanos: 1_000_000_000 - nanos },
    })
}

/// Whether a time from a PAX header can be held by a file system: its whole seconds, as they are written.
pub(super) fn is_storable(time: Time) -> bool {
    let written = if time.seconds < 0 && time.nanos > 0 { time.seconds + 1 } else { time.seconds };
    TIMES.contains(&written)
}

fn unfit(key: &[u8], value: &[u8], expected: &str) -> Error {
    let text = format!("expected {expected} for the PAX record {}, found \"{}\"", shown(key), shown(value));
    Error::refused("TAR_PAX_VALUE", text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rules;

    #[test]
    fn times_are_those_of_go() {
        let read = |text: &str| time(b"mtime", text.as_bytes()).ok().map(|time| (time.seconds, time.nanos));
        // Go: parsePAXTime, then Unix() and Nanosecond().
        for (text, expected) in [
            ("0", Some((0, 0))),
            ("1700000000.25", Some((1_700_000_000, 250_000_000))),
            ("1.", Some((1, 0))),
            ("1.1234567899", Some((1, 123_456_789))),
            ("-5", Some((-5, 0))),
            ("-5.25", Some((-6, 750_000_000))),
            ("-0.5", Some((-1, 500_000_000))),
            ("007", Some((7, 0))),
            ("", None),
            ("-", None),
            (".5", None),
            ("+5", None),
            ("nan", None),
            ("1e3", None),
            (" 1", None),
            ("1.5.5", None),
            ("1234567890123456789", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_time_is_stored_if_its_whole_seconds_are() {
        let stored = |text: &str| is_storable(time(b"mtime", text.as_bytes()).unwrap());
        assert!(stored("-2147483648.9") && stored("17179869183.9") && stored("-0.5"));
        assert!(!stored("-2147483649") && !stored("17179869184"));
    }

    #[test]
    fn a_global_header_may_only_hold_what_nobody_uses() {
        let judge = |body: &[u8]| judge_global(body, &mut Judge::new(&Rules::layer(Limits::default())));
        for body in [&b"13 comment=x\n"[..], b"8 V.a=b\n", b"22 GNU.volume.label=x\n", b""] {
            // The length is what `printf … | wc -c` says.
            judge(body).unwrap();
        }
        for body in [&b"10 path=a\n"[..], b"8 uid=0\n", b"24 SCHILY.xattr.user.a=\n", b"8 .a=b1\n"] {
            assert_eq!(judge(body).unwrap_err().reason().unwrap().0, "TAR_PAX_GLOBAL", "{}", shown(body));
        }
    }

    #[test]
    fn the_hundred_thousandth_key_is_still_compared() {
        let mut seen = Seen::default();
        let keys: Vec<Vec<u8>> = (0..100_000).map(|i| format!("k{i}").into_bytes()).collect();
        assert!(keys.iter().all(|key| seen.insert(key)));
        assert!(!keys.iter().any(|key| seen.insert(key)));
    }
}
