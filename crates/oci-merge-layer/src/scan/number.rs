//! The numbers of a header: octal digits, or base-256 with the first bit set.

/// What a numeric field of a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    /// What every reader takes for this number. Beyond 64 bits, it is the nearest that fits.
    Is(i64),
    /// Only NULs and spaces: 0 for Go and Python, an error for others.
    Blank,
    /// Anything else.
    Malformed,
}

/// Reads a numeric field as all readers do: `[ ]*[0-7]+[ NUL]*`, or base-256 in two's complement.
pub(super) fn read(field: &[u8]) -> Number {
    match field {
        [first, rest @ ..] if first & 0x80 != 0 => Number::Is(base_256(*first, rest)),
        _ => octal(field),
    }
}

/// Reads a numeric field as Go does, which also passes over leading NULs and stops at an inner one.
pub(super) fn read_as_go(field: &[u8]) -> Number {
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let Some(start) = field.iter().position(|byte| !blank(byte)) else { return Number::Blank };
    let rest = field.get(start..).unwrap_or_default();
    let end = rest.iter().rposition(|byte| !blank(byte)).map_or(0, |last| last + 1);
    let trimmed = rest.get(..end).unwrap_or_default();
    octal(trimmed.split(|&byte| byte == 0).next().unwrap_or_default())
}

fn octal(field: &[u8]) -> Number {
    let mut value: i64 = 0;
    let mut digits = false;
    let mut bytes = field.iter().copied().skip_while(|&byte| byte == b' ');
    let mut after = None;
    for byte in &mut bytes {
        match byte {
            // 21 digits fit; a field has 12 at most.
            b'0'..=b'7' => {
                value = value << 3 | i64::from(byte - b'0');
                digits = true;
            }
            other => {
                after = Some(other);
                break;
            }
        }
    }
    if !after.into_iter().chain(bytes).all(|byte| matches!(byte, b' ' | 0)) {
        Number::Malformed
    } else if digits {
        Number::Is(value)
    } else {
        Number::Blank
    }
}

fn base_256(first: u8, rest: &[u8]) -> i64 {
    // The first bit is the mark, the second the sign: shifted up by one, the byte is one of two's complement.
    let start = i64::from((first << 1) as i8 >> 1);
    rest.iter().fold(start, |value, &byte| {
        value.checked_mul(256).map_or(if value < 0 { i64::MIN } else { i64::MAX }, |value| value | i64::from(byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octal_is_what_all_readers_read() {
        for (field, expected) in [
            (&b"0000644\0"[..], Number::Is(0o644)),
            (b"000644 \0", Number::Is(0o644)),
            (b"   644 \0", Number::Is(0o644)),
            (b"777777777777", Number::Is(0o777_777_777_777)),
            (b"644\0\0\0 \0", Number::Is(0o644)),
            (b"\0\0\0\0\0\0\0\0", Number::Blank),
            (b"       \0", Number::Blank),
            (b"00006x4\0", Number::Malformed),
            (b"0000648\0", Number::Malformed),
            (b"-000644\0", Number::Malformed),
            (b"644\0 64\0", Number::Malformed),
            (b"\x00000644\x00", Number::Malformed),
            (b"644\n\0\0\0\0", Number::Malformed),
            (b"\t644\0\0\0\0", Number::Malformed),
        ] {
            assert_eq!(read(field), expected, "{field:?}");
        }
    }

    #[test]
    fn base_256_is_two_s_complement_below_the_mark() {
        // Expected values: Python's int.from_bytes(field, 'big') less the mark, or less 2**n for negative ones.
        for (field, expected) in [
            (&[0x80, 0, 0, 0, 0, 0, 0, 5][..], 5),
            (&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], 256),
            (&[0xff; 12], -1),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xd4], -300),
            (&[0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 0x7fff_ffff_ffff_ffff),
            (&[0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0], i64::MAX),
            (&[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], i64::MAX),
            (&[0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], i64::MIN),
            (&[0xbf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 0x3fff_ffff_ffff_ffff),
            (&[0xc0, 0, 0, 0, 0, 0, 0, 1], -0x3fff_ffff_ffff_ffff),
        ] {
            assert_eq!(read(field), Number::Is(expected), "{field:x?}");
        }
    }

    #[test]
    fn go_takes_more_than_all_readers_do() {
        assert_eq!(read_as_go(b"\0\x30644\0\0\0"), Number::Is(0o644));
        assert_eq!(read_as_go(b"644\0 64\0"), Number::Is(0o644));
        assert_eq!(read_as_go(b"64 4\0\0\0\0"), Number::Malformed);
        assert_eq!(read_as_go(b"12x\0\0\0\0\0"), Number::Malformed);
    }
}
