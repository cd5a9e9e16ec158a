//! PAX records: what the header of an entry cannot say.

use super::header;
use crate::{Body, Entry, Error, Result, Time};

/// The records of an entry, one after the other; empty if ustar says it all.
pub(super) fn records(entry: &Entry) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let name = header::name(entry);
    if header::split(&name).is_none() {
        push(&mut out, b"path", &name);
    }
    let target = header::target(entry);
    if !header::target_fits(target) {
        push(&mut out, b"linkpath", target);
    }
    if let Body::File { size } = entry.body
        && header::long(size).is_none()
    {
        push(&mut out, b"size", size.to_string().as_bytes());
    }
    for (key, id) in [("uid", entry.uid), ("gid", entry.gid)] {
        if header::id(id).is_none() {
            push(&mut out, key.as_bytes(), id.to_string().as_bytes());
        }
    }
    if entry.mtime.nanos != 0 || header::seconds(entry.mtime.seconds).is_none() {
        push(&mut out, b"mtime", decimal(entry.mtime).as_bytes());
    }
    for (name, value) in &entry.xattrs {
        // A reader takes what follows the first `=` for the value, and an empty value for a record that is undone.
        if name.is_empty() || name.contains(&b'=') || name.contains(&0) || value.is_empty() {
            let text = format!("the extended attribute {} cannot be written", oci_merge_image::shown(name));
            return Err(Error::refused("TAR_XATTR", text).at(&entry.path));
        }
        push(&mut out, &[b"SCHILY.xattr.", &name[..]].concat(), value);
    }
    Ok(out)
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn push(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let others = key.len() + value.len() + " =\n".len();
    let mut length = others + digits(others);
    if digits(length) > digits(others) {
        length += 1;
    }
    out.extend(length.to_string().as_bytes());
    out.push(b' ');
    out.extend(key);
    out.push(b'=');
    out.extend(value);
    out.push(b'\n');
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// A time as a decimal number of seconds.
fn decimal(time: Time) -> String {
    // -1.5 is 2 seconds before 1970, and half a second after that.
    let (sign, seconds, nanos) = match (time.seconds, time.nanos) {
        (seconds @ ..0, 0) => ("-", seconds.unsigned_abs(), 0),
        (seconds @ ..0, nanos) => ("-", seconds.unsigned_abs() - 1, 1_000_000_000 - nanos),
        (seconds, nanos) => ("", seconds.unsigned_abs(), nanos),
    };
    let text = format!("{sign}{seconds}.{nanos:09}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_record_counts_itself() {
        let record = |value: usize| {
            let mut out = Vec::new();
            push(&mut out, b"k", &vec![b'v'; value]);
            let stated: usize = std::str::from_utf8(&out).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(stated, out.len(), "{value}");
            stated
        };
        // From one digit to two at 9 | 11 (there is no record of 10 bytes), and again at 99 | 101, 999 | 1001.
        assert_eq!(
            [record(4), record(5), record(93), record(94), record(991), record(992)],
            [9, 11, 99, 101, 998, 999]
        );
        (0..2000).for_each(|value| {
            record(value);
        });
    }

    #[test]
    fn times_are_decimal_numbers() {
        let time = |seconds, nanos| decimal(Time { seconds, nanos });
        assert_eq!(time(1, 0), "1");
        assert_eq!(time(1, 500_000_000), "1.5");
        assert_eq!(time(0, 1), "0.000000001");
        assert_eq!(time(100, 0), "100");
        assert_eq!(time(-1, 0), "-1");
        assert_eq!(time(-2, 500_000_000), "-1.5");
        assert_eq!(time(-1, 500_000_000), "-0.5");
        assert_eq!(time(-1, 999_999_999), "-0.000000001");
        assert_eq!(time(i64::MIN, 1), "-9223372036854775807.999999999");
    }
}
