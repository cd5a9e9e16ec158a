//! Names from archives and registries, made fit for a terminal and a log.

use std::fmt;

/// A byte string that is displayed escaped; made by [`shown`].
#[derive(Clone, Copy)]
pub struct Shown<'a>(&'a [u8]);

/// Shows bytes from outside to a person: well-formed, printable characters as they are, all else escaped.
///
/// Control characters, bidirectional overrides and bytes that are not UTF-8 never reach the output, so that a name
/// inside an archive cannot attack the reader of a log (CWE-150, "Trojan Source").
///
/// ```
/// use oci_merge_image::shown;
/// assert_eq!(shown("opt/größe".as_bytes()).to_string(), "opt/größe");
/// assert_eq!(shown(b"a\x1b[2Jb\xff").to_string(), "a\\x1b[2Jb\\xff");
/// assert_eq!(shown("a\u{202e}b".as_bytes()).to_string(), "a\\u{202e}b");
/// ```
pub fn shown(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Shown<'_> {
    Shown(bytes.as_ref())
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    c if c.is_ascii_control() => write!(f, "\\x{:02x}", c as u32)?,
                    c if misleads(c) => write!(f, "\\u{{{:x}}}", c as u32)?,
                    c => write!(f, "{c}")?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Whether a character changes how its neighbours look, or cannot be seen at all.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_backslash_cannot_imitate_an_escape() {
        assert_eq!(shown(b"\\x1b").to_string(), "\\\\x1b");
    }

    proptest! {
        #[test]
        fn no_control_character_ever_comes_out(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = shown(&bytes).to_string();
            prop_assert!(text.chars().all(|c| !c.is_control() && !misleads(c)), "{text:?}");
        }
    }
}
