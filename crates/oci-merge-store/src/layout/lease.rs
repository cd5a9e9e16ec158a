//! Who is at work in a local store: a locked file for each, so that nothing is removed from under the living.
//!
//! What somebody uses is marked with the time of that use, later than the lease was taken. So whatever was last used before
//! the oldest lease was taken is used by nobody. All of this goes by one clock, that of the file system.

use crate::Result;
use crate::directory::Directory;
use crate::temporary::{TemporaryFile, sweep};
use std::ffi::OsStr;
use std::sync::Arc;

pub(super) const USERS: &str = "users";

/// A point in time by the clock of the file system, in seconds and nanoseconds since 1970.
pub(super) type Moment = (i64, u64);

/// Says that somebody is at work, until it is dropped or its process dies.
#[derive(Debug)]
pub(super) struct Lease {
    _file: TemporaryFile,
}

impl Lease {
    pub(super) fn take(root: &Directory) -> Result<Lease> {
        loop {
            let users = Arc::new(root.make(USERS)?);
            if let Some(file) = TemporaryFile::create(&users, OsStr::new(""))? {
                return Ok(Lease { _file: file });
            }
        }
    }
}

/// When the first of those who are at work began; `None` if nobody is. What the dead left is removed.
pub(super) fn oldest(root: &Directory) -> Result<Option<Moment>> {
    let Some(users) = root.inside(USERS)? else { return Ok(None) };
    sweep(&users, OsStr::new(""))?;
    let mut oldest: Option<Moment> = None;
    for name in users.names()? {
        let Some(stat) = users.look(&name)? else { continue };
        let began = moment(&stat);
        oldest = Some(oldest.map_or(began, |known| known.min(began)));
    }
    Ok(oldest)
}

/// When a file was written, or last marked as used.
#[expect(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the types differ from machine to machine")]
pub(super) fn moment(stat: &rustix::fs::Stat) -> Moment {
    (stat.st_mtime.into(), stat.st_mtime_nsec as u64)
}
