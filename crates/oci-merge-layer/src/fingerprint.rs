//! What tells one state of files from another without reading them.

use crate::directory::{FileSystem, Stamp};
use crate::{Error, Result, Time};
use oci_merge_image::Digest;
use rustix::fs::stat;
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// Where times of change are whole seconds, some file systems count in twos.
const COARSE: i64 = 2;

/// What tells one state of files from another without reading them: equal fingerprints, equal files.
///
/// It is made of what the kernel says of each file: inode, mode, owner, size, and when it was written and changed, to the
/// nanosecond; and of which file system it lies on. The number of the device is left out, for it is another after a restart.
///
/// Two changes within one tick of the kernel's clock have the same time. So a fingerprint says nothing for certain of
/// files that had only just changed when they were looked at, nor of files on a file system that does not keep the time of
/// their last change itself, nor of those on several: see [`is_settled`](Fingerprint::is_settled).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    digest: Digest,
    latest: Option<Time>,
}

impl Fingerprint {
    /// Of something that is known by its digest, and cannot change.
    pub fn of_digests<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Fingerprint {
        let mut print = Print::default();
        digests.into_iter().for_each(|digest| print.text(&digest.to_string()));
        print.finish()
    }

    /// Of a file by its name, links followed, that is to have a digest.
    ///
    /// # Errors
    /// There is no such file, or it cannot be looked at.
    pub fn of_file(path: &Path, sha256: &Digest) -> Result<Fingerprint> {
        let stamp = Stamp::from(&stat(path).map_err(|e| Error::io("cannot be read", e.into()).in_file(path))?);
        let mut print = Print::default();
        print.text(&sha256.to_string());
        print.stamp(&stamp);
        Ok(print.finish())
    }

    /// The digest of all of it: what is kept under it belongs to files in this state.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Whether the files can be told from what they are after any later change, if they were looked at no sooner than at
    /// a moment by the clock of their file system: git's guard against timestamps that are too young.
    ///
    /// That goes by the time of the last change of each (`ctime`). When a file says that it was written can be set by
    /// anybody to anything, the future included, and says nothing about this.
    pub fn is_settled(&self, moment: Time) -> bool {
        self.latest.is_none_or(|latest| latest < moment)
    }

    /// Of several, in this order.
    pub(crate) fn join<'a>(parts: impl IntoIterator<Item = &'a Fingerprint>) -> Fingerprint {
        let mut print = Print::default();
        for part in parts {
            print.text(&part.digest.to_string());
            print.latest = print.latest.max(part.latest);
        }
        print.finish()
    }
}

/// A fingerprint that is being taken.
#[derive(Default)]
pub(crate) struct Print {
    digest: Sha256,
    latest: Option<Time>,
}

impl Print {
    pub(crate) fn number(&mut self, number: u64) {
        self.digest.update(number.to_le_bytes());
    }

    /// Bytes, which cannot be taken for others with what follows.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.digest.update(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn stamp(&mut self, stamp: &Stamp) {
        stamp.numbers().into_iter().for_each(|number| self.number(number));
        let changed = stamp.changed();
        let distinct = match changed.nanos {
            0 => Time { seconds: changed.seconds.saturating_add(COARSE), ..changed },
            _ => changed,
        };
        self.latest = self.latest.max(Some(distinct));
    }

    /// Where what follows lies.
    pub(crate) fn system(&mut self, system: FileSystem) {
        self.number(system.id);
        if !system.is_trusted {
            self.never_settles();
        }
    }

    /// What is looked at may change without a trace.
    pub(crate) fn never_settles(&mut self) {
        self.latest = Some(Time { seconds: i64::MAX, nanos: 0 });
    }

    pub(crate) fn finish(self) -> Fingerprint {
        Fingerprint { digest: Digest::from_sha256(self.digest.finalize().into()), latest: self.latest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn time(seconds: i64, nanos: u32) -> Time {
        Time { seconds, nanos }
    }

    #[test]
    fn young_files_are_not_settled_and_old_ones_are() {
        let latest = |seconds, nanos| Fingerprint { digest: Digest::of(b""), latest: Some(time(seconds, nanos)) };
        assert!(latest(10, 5).is_settled(time(10, 6)));
        assert!(!latest(10, 5).is_settled(time(10, 5)));
        assert!(!latest(10, 5).is_settled(time(9, 999)));
        assert!(Fingerprint::of_digests([&Digest::of(b"")]).is_settled(time(0, 0)));
        let joined = Fingerprint::join([&latest(10, 5), &latest(9, 7)]);
        assert!(!joined.is_settled(time(10, 5)) && joined.is_settled(time(10, 6)));
    }

    #[test]
    fn a_file_that_was_written_again_is_another() {
        let temp = tempfile::NamedTempFile::new().unwrap();
        let of = |digest: &Digest| Fingerprint::of_file(temp.path(), digest).unwrap();
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let first = of(&a);
        assert_eq!(first, of(&a));
        assert_ne!(first, of(&b));
        let modified = fs::metadata(temp.path()).unwrap().modified().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(temp.path(), "").unwrap();
        temp.as_file().set_modified(modified).unwrap();
        assert_ne!(first, of(&a), "its size and its time are as they were, and yet");
        assert!(Fingerprint::of_file(Path::new("/nonexistent"), &a).is_err());
    }

    #[test]
    fn nothing_settles_where_times_cannot_be_trusted() {
        for (is_trusted, settles) in [(true, true), (false, false)] {
            let mut print = Print::default();
            print.system(FileSystem { id: 1, is_trusted });
            print.stamp(&Stamp::from(&stat("/").unwrap()));
            assert_eq!(print.finish().is_settled(time(i64::MAX, 0)), settles);
        }
        let of = |id| {
            let mut print = Print::default();
            print.system(FileSystem { id, is_trusted: true });
            print.finish()
        };
        assert_ne!(of(1), of(2), "the same numbers on another file system");
    }

    #[test]
    fn whole_seconds_stand_for_two() {
        let mut print = Print::default();
        let stat = |seconds| {
            let mut stat = stat("/").unwrap();
            (stat.st_ctime, stat.st_ctime_nsec) = (seconds, 0);
            Stamp::from(&stat)
        };
        print.stamp(&stat(100));
        let print = print.finish();
        assert!(!print.is_settled(time(101, 999)) && !print.is_settled(time(102, 0)) && print.is_settled(time(102, 1)));
    }
}
