//! The records of a PAX header: `length key=value\n`, where the length counts itself.

use crate::judge::Judge;
use crate::{Error, Result};
use oci_merge_image::shown;

/// The records of a PAX header's body, in order.
pub(super) struct Records<'a> {
    rest: &'a [u8],
}

/// A key and its value.
pub(super) type Record<'a> = (&'a [u8], &'a [u8]);

impl<'a> Records<'a> {
    pub(super) fn new(body: &'a [u8]) -> Records<'a> {
        Records { rest: body }
    }

    /// The next record; values may hold newlines, for the length rules.
    pub(super) fn next(&mut self, judge: &mut Judge) -> Result<Option<Record<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let refuse = |why: &str| {
            let start = self.rest.get(..32).unwrap_or(self.rest);
            Error::refused("TAR_PAX_SYNTAX", format!("a PAX record {why}: \"{}\"…", shown(start)))
        };
        let (length, digits) = length(self.rest, judge).ok_or_else(|| refuse("does not begin with its length"))?;
        let record = self.rest.get(digits + 1..length).ok_or_else(|| refuse("is longer than its header, or empty"))?;
        let record = record.strip_suffix(b"\n").ok_or_else(|| refuse("does not end with a newline at its length"))?;
        let equals = record.iter().position(|&byte| byte == b'=').ok_or_else(|| refuse("has no '='"))?;
        let (key, value) = record.split_at(equals);
        if key.is_empty() {
            return Err(refuse("has an empty key"));
        }
        let value = value.get(1..).unwrap_or_default();
        let is_text = matches!(key, b"path" | b"linkpath" | b"uname" | b"gname");
        if key.contains(&0) || is_text && value.contains(&0) {
            return Err(Error::refused("TAR_PAX_NUL", format!("the PAX record {} holds a NUL", shown(key))));
        }
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(Some((key, value)))
    }
}

/// The length that a record begins with, and how many digits it has.
fn length(rest: &[u8], judge: &mut Judge) -> Option<(usize, usize)> {
    let digits = rest.iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let number = rest.get(..digits)?;
    let well_formed = (1..=10).contains(&digits) && number.first() != Some(&b'0') && rest.get(digits) == Some(&b' ');
    if well_formed {
        let length = number.iter().fold(0u64, |value, &digit| 10 * value + u64::from(digit - b'0'));
        return Some((usize::try_from(length).ok()?, digits));
    }
    // Go takes leading zeros and a plus sign as well.
    let space = rest.iter().take(32).position(|&byte| byte == b' ').filter(|_| judge.is_base())?;
    let length = std::str::from_utf8(rest.get(..space)?).ok()?.parse().ok()?;
    judge.ambiguous("TAR_PAX_SYNTAX", || "the length of a PAX record has a sign or a leading zero".into()).ok()?;
    Some((length, space))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Rules};

    fn read(body: &[u8], rules: &Rules) -> std::result::Result<Vec<(Vec<u8>, Vec<u8>)>, &'static str> {
        let (mut records, mut judge, mut all) = (Records::new(body), Judge::new(rules), Vec::new());
        loop {
            match records.next(&mut judge) {
                Ok(Some((key, value))) => all.push((key.to_vec(), value.to_vec())),
                Ok(None) => return Ok(all),
                Err(error) => return Err(error.reason().unwrap().0),
            }
        }
    }

    #[test]
    fn records_go_by_length_and_not_by_newline() {
        let hidden = b"47 SCHILY.xattr.user.a=x\n22 linkpath=/etc/evil\n8 a=b=\n\n";
        let records = read(hidden, &Rules::kept(Limits::default())).unwrap();
        assert_eq!(records[0], (b"SCHILY.xattr.user.a".to_vec(), b"x\n22 linkpath=/etc/evil".to_vec()));
        assert_eq!(records[1], (b"a".to_vec(), b"b=\n".to_vec()));
    }

    #[test]
    fn a_malformed_record_is_refused() {
        for body in [
            &b"6 a=bc"[..], // no newline
            b"06 a=b\n",    // leading zero
            b"+6 a=b\n",
            b" 6 a=b\n",
            b"6a=bc\n",
            b"5 =b\n", // empty key
            b"5 ab\n",
            b"2 ",
            b"99 a=b\n",
            b"0 a=b\n",
            b"6 a=b\n\0\0",
            b"18446744073709551615 a=b\n",
            b"6",
        ] {
            assert_eq!(read(body, &Rules::layer(Limits::default())), Err("TAR_PAX_SYNTAX"), "{}", shown(body));
        }
        assert_eq!(read(b"11 path=\0\0\n", &Rules::layer(Limits::default())), Err("TAR_PAX_NUL"));
        assert_eq!(read(b"7 a\0=b\n", &Rules::layer(Limits::default())), Err("TAR_PAX_NUL"));
        assert_eq!(read(b"6 a=\0\n", &Rules::layer(Limits::default())).unwrap().len(), 1);
    }

    #[test]
    fn go_takes_a_sign_and_zeros() {
        let expected = Ok(vec![(b"a".to_vec(), b"b".to_vec())]);
        assert_eq!(read(b"007 a=b\n", &Rules::base(Limits::default())).map(|r| r.len()), Err("TAR_PAX_SYNTAX"));
        assert_eq!(read(b"008 a=b\n", &Rules::base(Limits::default())), expected);
        assert_eq!(read(b"+7 a=b\n", &Rules::base(Limits::default())), expected);
    }
}
