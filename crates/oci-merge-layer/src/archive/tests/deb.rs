//! Debian packages.

use super::{Archive, Container, Entries, gzip, hello, layer, unhex, verdict};
use std::io::Cursor;

/// A member of an ar archive.
fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 1_700_000_000, 0, 0, 100_644, content.len());
    let padding: &[u8] = if content.len() % 2 == 1 { b"\n" } else { b"" };
    [header.as_bytes(), content, padding].concat()
}

fn package(members: &[(&str, &[u8])]) -> Vec<u8> {
    let members = members.iter().flat_map(|(name, content)| member(name, content)).collect::<Vec<u8>>();
    [b"!<arch>\n", &members[..]].concat()
}

const VERSION: (&str, &[u8]) = ("debian-binary", b"2.0\n");
const CONTROL: (&str, &[u8]) = ("control.tar.xz", b"odd");

#[test]
fn the_data_of_a_package_is_read_in_whatever_it_is_compressed_with() {
    for (name, data) in [
        ("data.tar", hello()),
        ("data.tar.gz", gzip::member(&hello())),
        ("data.tar.xz", unhex(super::XZ)),
        ("data.tar.zst", unhex(super::ZSTD)),
        ("data.tar.bz2", unhex(super::BZIP2)),
        // ar(1) of GNU ends names with a slash; and what it is compressed with is told by its bytes.
        ("data.tar.lzma/", unhex(super::XZ)),
    ] {
        let package = package(&[VERSION, CONTROL, (name, &data)]);
        let mut archive = Archive::open(Cursor::new(package), &layer()).unwrap();
        assert_eq!(archive.container(), Container::Deb);
        assert_eq!(archive.next().unwrap().unwrap().path.to_string(), "/hello", "{name}");
        assert_eq!(archive.next().unwrap(), None, "{name}");
    }
}

#[test]
fn what_is_no_package_is_refused() {
    let data = ("data.tar", &hello()[..]);
    let good = package(&[VERSION, CONTROL, data]);
    let header = member("data.tar", b"x");
    for (what, expected, bytes) in [
        ("another archive of ar", "DEB_CORRUPT", package(&[("a.o", b"2.0\n")])),
        ("another version", "DEB_CORRUPT", package(&[("debian-binary", b"3.0\n"), data])),
        ("no data", "DEB_TRUNCATED", package(&[VERSION, CONTROL])),
        ("data that is a zip", "UNSUPPORTED_COMPRESSION", package(&[VERSION, ("data.tar", b"PK\x03\x04")])),
        ("data that is a package", "UNSUPPORTED_COMPRESSION", package(&[VERSION, ("data.tar", &good)])),
        ("a size that is none", "DEB_CORRUPT", {
            let broken = String::from_utf8(header.clone()).unwrap().replace("1         `", "-1        `");
            [&package(&[VERSION])[..], broken.as_bytes()].concat()
        }),
        ("a header without its end", "DEB_CORRUPT", {
            [&package(&[VERSION])[..], &String::from_utf8(header).unwrap().replace('`', "'").into_bytes()].concat()
        }),
    ] {
        assert_eq!(verdict(&bytes, &layer()), expected, "{what}");
    }
    let start = good.len() - hello().len();
    for length in [9, 30, 67, 70, 75, 130, start - 1, start + 511, start + 100_000] {
        assert_eq!(verdict(&good[..length], &layer()), "DEB_TRUNCATED", "{length}");
    }
}
