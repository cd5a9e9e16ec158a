//! The reasons for which an archive is refused.

use std::fmt;

/// A reason in capitals, such as `TAR_PAX_SIZE`: stable, and the detail of a finding (design: collisions, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub &'static str);

impl Reason {
    /// The reasons that reading an archive can give.
    pub const ALL: [Reason; 68] = [
        Reason("BZIP2_CORRUPT"),
        Reason("BZIP2_TRUNCATED"),
        Reason("DEB_CORRUPT"),
        Reason("DEB_TRUNCATED"),
        Reason("GZ_CORRUPT"),
        Reason("GZ_HEADER_CRC"),
        Reason("GZ_TRAILING"),
        Reason("GZ_TRUNCATED"),
        Reason("LIMIT_ENTRIES"),
        Reason("LIMIT_EXTENSION_BYTES"),
        Reason("LIMIT_LAYER_BYTES"),
        Reason("LIMIT_NAMES"),
        Reason("LIMIT_SPARSE_PIECES"),
        Reason("LIMIT_XATTRS"),
        Reason("LIMIT_XZ_DICTIONARY"),
        Reason("LIMIT_ZSTD_WINDOW"),
        Reason("NOT_A_TAR"),
        Reason("TAR_CHECKSUM"),
        Reason("TAR_DANGLING_EXTENSION"),
        Reason("TAR_DATA_AFTER_EOF"),
        Reason("TAR_DEVICE"),
        Reason("TAR_DUPLICATE"),
        Reason("TAR_FILE_TRAILING_SLASH"),
        Reason("TAR_FORMAT"),
        Reason("TAR_GNU_NUL"),
        Reason("TAR_GNU_TWICE"),
        Reason("TAR_HARDLINK_META"),
        Reason("TAR_HARDLINK_TARGET"),
        Reason("TAR_LINK_TARGET"),
        Reason("TAR_MIXED_EXTENSIONS"),
        Reason("TAR_MODE"),
        Reason("TAR_MTIME"),
        Reason("TAR_NAME_TOO_LONG"),
        Reason("TAR_NUMBER"),
        Reason("TAR_PARENT_NOT_DIR"),
        Reason("TAR_PATH_DOTDOT"),
        Reason("TAR_PATH_EMPTY"),
        Reason("TAR_PAX_DUPLICATE_KEY"),
        Reason("TAR_PAX_GLOBAL"),
        Reason("TAR_PAX_NUL"),
        Reason("TAR_PAX_SIZE"),
        Reason("TAR_PAX_SYNTAX"),
        Reason("TAR_PAX_TWICE"),
        Reason("TAR_PAX_VALUE"),
        Reason("TAR_ROOT_NOT_DIR"),
        Reason("TAR_SIZE_ON_LINK"),
        Reason("TAR_SPARSE"),
        Reason("TAR_THROUGH_SYMLINK"),
        Reason("TAR_TRUNCATED"),
        Reason("TAR_TYPEFLAG"),
        Reason("TAR_WHITEOUT"),
        Reason("TAR_XATTR"),
        Reason("TAR_XATTR_OVERLAY"),
        Reason("UNSUPPORTED_COMPRESSION"),
        Reason("XZ_CORRUPT"),
        Reason("XZ_TRUNCATED"),
        Reason("ZIP_CORRUPT"),
        Reason("ZIP_ENCRYPTED"),
        Reason("ZIP_HIDDEN"),
        Reason("ZIP_MISMATCH"),
        Reason("ZIP_NAME"),
        Reason("ZIP_OVERLAP"),
        Reason("ZIP_SPANNED"),
        Reason("ZIP_TRUNCATED"),
        Reason("ZIP_TYPE"),
        Reason("ZSTD_CORRUPT"),
        Reason("ZSTD_TRAILING"),
        Reason("ZSTD_TRUNCATED"),
    ];

    /// The reason of a name; `None` if reading an archive never gives it.
    pub fn known(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.0 == name)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::PathError;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, into);
            } else {
                into.push(path);
            }
        }
    }

    /// The words in capitals that stand in quotes, and begin like a reason.
    fn words(text: &str) -> impl Iterator<Item = &str> {
        let is_word = |word: &&str| word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let starts = ["BZIP2_", "DEB_", "GZ_", "LIMIT_", "TAR_", "XZ_", "ZIP_", "ZSTD_"];
        text.split(['"', ' ']).filter(is_word).filter(move |word| starts.iter().any(|start| word.starts_with(start)))
    }

    #[test]
    fn every_reason_is_given_somewhere_and_tested_somewhere() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let (mut given, mut tested) = (String::new(), String::new());
        for file in files.iter().filter(|file| !file.ends_with("src/reason.rs")) {
            let text = fs::read_to_string(file).unwrap();
            let (product, tests) = text.split_once("#[cfg(test)]\nmod tests {").unwrap_or((&text, ""));
            let is_test = file.components().any(|part| part.as_os_str() == "tests") || file.ends_with("tests.rs");
            if is_test { &mut tested } else { &mut given }.push_str(product);
            tested.push_str(tests);
        }
        let quoted = |reason: Reason| format!("\"{reason}\"");
        for reason in Reason::ALL {
            let is_of_paths = [PathError::TooLong, PathError::DotDot].iter().any(|error| error.reason() == reason.0);
            assert!(is_of_paths || given.contains(&quoted(reason)), "{reason} is never given");
            assert!(tested.split(['"', ' ']).any(|word| word == reason.0), "{reason} is not tested");
        }
        let unknown: Vec<&str> = words(&given).filter(|word| Reason::known(word).is_none()).collect();
        assert!(unknown.is_empty(), "not in the list: {unknown:?}");
    }
}
