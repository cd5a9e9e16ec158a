//! The reasons for which an archive is refused.

use std::fmt;

/// A reason in capitals, such as `TAR_PAX_SIZE`: stable, and the detail of a finding (design: collisions, section 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub &'static str);

impl Reason {
    /// The reasons that reading an archive can give.
    pub const ALL: [Reason; 67] = [
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
