//! Which file system files lie on, and whether its times tell of every change.

use rustix::fd::AsFd;
use rustix::fs::{fstatfs, fstatvfs};
use rustix::io::Errno;

/// Those that write down themselves, by the clock of this machine, when a file changed last: ext, XFS, Btrfs, F2FS, ZFS,
/// tmpfs and overlays. Elsewhere that time is what somebody put into an image (SquashFS, ISO 9660), what a server says, by
/// its own clock, or that of the content, which anybody can set.
const TRUSTED: [u64; 7] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, 0x2fc1_2fc1, 0x0102_1994, 0x794c_7630];

/// A file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileSystem {
    /// What tells it from others, on other machines too: of most it is made when they are.
    pub(crate) id: u64,
    /// Whether a file cannot change without the time of its last change.
    pub(crate) is_trusted: bool,
}

impl FileSystem {
    /// That of an open file or directory.
    #[allow(clippy::unnecessary_cast, reason = "the type differs from machine to machine")]
    pub(crate) fn of(file: impl AsFd) -> Result<FileSystem, Errno> {
        let kind = fstatfs(&file)?.f_type as u64;
        Ok(FileSystem { id: fstatvfs(&file)?.f_fsid, is_trusted: TRUSTED.contains(&kind) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn what_the_kernel_makes_up_is_not_trusted() {
        assert!(!FileSystem::of(File::open("/proc/self/stat").unwrap()).unwrap().is_trusted);
        let [one, other] =
            ["/proc/self/stat", "/proc/version"].map(|name| FileSystem::of(File::open(name).unwrap()).unwrap());
        assert_eq!(one, other);
    }
}
