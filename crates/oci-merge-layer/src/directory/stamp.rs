//! What tells one state of a file from another.

use crate::Time;
use rustix::fd::AsFd;
use rustix::fs::{AtFlags, FileType, Stat, fstat, statat};
use rustix::io::Errno;
use std::ffi::CStr;

/// Who a file is and when it last changed. A change that leaves all of this alone cannot be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    raw_mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(crate) size: u64,
    modified: (i64, u64),
    /// On a file system that keeps it itself nobody can set this one: it tells of a file that was written and then given its old time again.
    changed: (i64, u64),
}

impl Stamp {
    /// Of a name in a directory, which may be a symlink; and how many names the file has.
    #[allow(clippy::useless_conversion, reason = "a u32 on aarch64")]
    pub(super) fn of(directory: impl AsFd, name: &CStr) -> Result<(Stamp, u64), Errno> {
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((Stamp::from(&stat), stat.st_nlink.into()))
    }

    /// Of an open file.
    pub(crate) fn of_open(file: impl AsFd) -> Result<Stamp, Errno> {
        fstat(file).map(|stat| Stamp::from(&stat))
    }

    pub(super) fn kind(&self) -> FileType {
        FileType::from_raw_mode(self.raw_mode)
    }

    /// Permission bits, 07777.
    pub(super) fn mode(&self) -> u16 {
        (self.raw_mode & 0o7777) as u16
    }

    /// The time of modification in whole seconds.
    pub(super) fn mtime(&self) -> Time {
        Time { seconds: self.modified.0, nanos: 0 }
    }

    /// When anything about it changed last, by the clock of its file system.
    pub(crate) fn changed(&self) -> Time {
        Time { seconds: self.changed.0, nanos: u32::try_from(self.changed.1).unwrap_or_default() }
    }

    /// Everything but the device, for a fingerprint.
    pub(crate) fn numbers(&self) -> [u64; 9] {
        let Stamp { device: _, inode, raw_mode, uid, gid, size, modified, changed } = *self;
        let (mode, uid, gid) = (u64::from(raw_mode), u64::from(uid), u64::from(gid));
        [inode, mode, uid, gid, size, modified.0.cast_unsigned(), modified.1, changed.0.cast_unsigned(), changed.1]
    }

    /// Whether both lie on one file system.
    pub(super) fn is_beside(&self, other: &Stamp) -> bool {
        self.device == other.device
    }

    /// What all names of one file share.
    pub(super) fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }
}

#[expect(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the types differ from machine to machine")]
impl From<&Stat> for Stamp {
    fn from(stat: &Stat) -> Stamp {
        Stamp {
            device: stat.st_dev.into(),
            inode: stat.st_ino.into(),
            raw_mode: stat.st_mode.into(),
            uid: stat.st_uid,
            gid: stat.st_gid,
            size: stat.st_size as u64,
            modified: (stat.st_mtime.into(), stat.st_mtime_nsec as u64),
            changed: (stat.st_ctime.into(), stat.st_ctime_nsec as u64),
        }
    }
}
