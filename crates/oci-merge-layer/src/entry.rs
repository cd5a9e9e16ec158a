//! One entry of a layer, as it is handed from a reader to a writer.

use oci_merge_image::LayerPath;
use std::collections::BTreeMap;

/// What an entry is. Hard links have the kind of what they link to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A character device; only a base may hold one.
    CharDevice,
    /// A block device; only a base may hold one.
    BlockDevice,
}

/// A time of modification: seconds since 1970 and the nanoseconds after that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z; may be negative.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

/// Extended attributes, by name.
pub type Xattrs = BTreeMap<Vec<u8>, Vec<u8>>;

/// One entry, without the content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies; the root for an entry `./`.
    pub path: LayerPath,
    /// What it is, and what only its kind has.
    pub body: Body,
    /// Permission bits, 07777.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of modification.
    pub mtime: Time,
    /// Extended attributes.
    pub xattrs: Xattrs,
}

/// What an entry is, and what only its kind has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// A directory.
    Directory,
    /// A regular file of so many bytes.
    File {
        /// Bytes of content.
        size: u64,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points, as it is written.
        target: Vec<u8>,
    },
    /// Another name for an earlier entry of the same layer that is not a directory.
    HardLink {
        /// The earlier entry's path.
        target: LayerPath,
    },
    /// A named pipe.
    Fifo,
    /// A character device; only a base may hold one.
    CharDevice,
    /// A block device; only a base may hold one.
    BlockDevice,
}
