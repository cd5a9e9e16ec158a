//! What a local store holds, when it was last used, and making room in it.

use super::facts::FACTS;
use super::lease::{self, Moment};
use super::lock::Lock;
use super::quarantine::QUARANTINE;
use super::{BLOBS, Layout};
use crate::directory::{Directory, shown_path};
use crate::{Error, ErrorKind, Result};
use std::ffi::OsString;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A file of a local store.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it is.
    pub kind: KeptKind,
    /// Its bytes.
    pub size: u64,
    directory: Arc<Directory>,
    name: OsString,
    is_directory: bool,
    used: Moment,
}

/// What a file of a local store is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptKind {
    /// A blob: a layer, or something that was downloaded.
    Blob,
    /// What was learnt of a blob, by the word under which it is kept.
    Fact(String),
    /// A blob that was not what its name says.
    Damaged,
}

/// What is removed from a local store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Everything.
    All,
    /// What was not used for so long.
    Unused(Duration),
    /// What was used the longest ago, until what is left has no more bytes than this.
    DownTo(u64),
}

impl Kept {
    /// When it was last used, by the clock of the file system.
    pub fn used(&self) -> SystemTime {
        let (seconds, nanos) = self.used;
        UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0)) + Duration::from_nanos(nanos)
    }

    fn remove(&self) -> Result<()> {
        let path = self.directory.path().join(&self.name);
        let removed = match self.is_directory {
            true => std::fs::remove_dir_all(&path),
            false => self.directory.unlink(&self.name),
        };
        match removed {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::disk(shown_path(&path), "removing", e)),
            _ => Ok(()),
        }
    }
}

impl Layout {
    /// What a local store holds, what was used the longest ago first.
    ///
    /// # Errors
    /// The disk fails.
    pub fn kept(&self) -> Result<Vec<Kept>> {
        let mut kept = Vec::new();
        if let Some(blobs) = self.root().inside(BLOBS)? {
            for algorithm in ["sha256", "sha512"] {
                list(blobs.inside(algorithm)?, &mut kept, |_| KeptKind::Blob)?;
            }
        }
        list(self.root().inside(FACTS)?, &mut kept, |name| {
            KeptKind::Fact(name.rsplit_once('.').map_or("", |(_, kind)| kind).to_owned())
        })?;
        list(self.root().inside(QUARANTINE)?, &mut kept, |_| KeptKind::Damaged)?;
        // Of what was used at once, the larger goes first: it makes more room.
        kept.sort_by(|a, b| (a.used, b.size, &a.name).cmp(&(b.used, a.size, &b.name)));
        Ok(kept)
    }

    /// Makes room in a local store, and says what was removed. What anybody has used since the first of those who are at
    /// work began stays, so that nobody loses what they rely on.
    ///
    /// # Errors
    /// The directory holds images that have names, so that it is no local store; or the disk fails.
    pub fn remove(&self, what: Removal) -> Result<Vec<Kept>> {
        if matches!(what, Removal::DownTo(most) if total(&self.kept()?) <= most) {
            return Ok(Vec::new());
        }
        if !self.manifests()?.is_empty() {
            let text = "it holds images that have names, and is no local store; nothing was removed";
            return Err(Error::new(ErrorKind::Policy, self.place(), text));
        }
        let since = match what {
            Removal::Unused(time) => Some(self.moment()?.checked_sub(time).unwrap_or(UNIX_EPOCH)),
            _ => None,
        };
        let _lock = Lock::take(self.root())?;
        let at_work = lease::oldest(self.root())?;
        let kept = self.kept()?;
        let mut left = total(&kept);
        let mut removed = Vec::new();
        for file in kept {
            let goes = match what {
                Removal::All => true,
                Removal::Unused(_) => since.is_some_and(|since| file.used() < since),
                Removal::DownTo(most) => left > most,
            };
            if goes && at_work.is_none_or(|began| file.used < began) {
                file.remove()?;
                left -= file.size;
                removed.push(file);
            }
        }
        Ok(removed)
    }
}

fn total(kept: &[Kept]) -> u64 {
    kept.iter().map(|file| file.size).sum()
}

fn list(directory: Option<Directory>, kept: &mut Vec<Kept>, kind: impl Fn(&str) -> KeptKind) -> Result<()> {
    let Some(directory) = directory.map(Arc::new) else { return Ok(()) };
    for name in directory.names()? {
        // Somebody else may be making room as well.
        let Some(stat) = directory.look(&name)? else { continue };
        kept.push(Kept {
            kind: kind(&name.to_string_lossy()),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            is_directory: rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir(),
            used: lease::moment(&stat),
            directory: Arc::clone(&directory),
            name,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use oci_merge_image::{Descriptor, Digest, MediaType};
    use std::path::Path;

    fn put(store: &Layout, text: &str) -> Descriptor {
        let blob = Descriptor::of(MediaType::ImageLayer, text.as_bytes());
        store.push(&blob, &text.as_bytes().to_vec()).unwrap();
        blob
    }

    /// Sets when a blob was last used, in seconds since 1970.
    fn age(root: &Path, blob: &Descriptor, seconds: u64) {
        let file = std::fs::File::open(root.join("blobs/sha256").join(blob.digest.hex())).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    /// A store with blobs of 1, 2 and 3 bytes, the first of which was used the longest ago.
    fn store(root: &Path) -> [Descriptor; 3] {
        let store = Layout::open_store(root).unwrap();
        let blobs = ["1", "22", "333"].map(|text| put(&store, text));
        (1..).zip(&blobs).for_each(|(n, blob)| age(root, blob, n * 1000));
        blobs
    }

    fn there(root: &Path, blobs: &[Descriptor]) -> Vec<bool> {
        blobs.iter().map(|blob| root.join("blobs/sha256").join(blob.digest.hex()).exists()).collect()
    }

    #[test]
    fn what_was_used_the_longest_ago_goes_first() {
        let temp = tempfile::tempdir().unwrap();
        let blobs = store(temp.path());
        let store = Layout::open_store(temp.path()).unwrap();
        let sizes = |kept: Vec<Kept>| kept.iter().map(|file| file.size).collect::<Vec<_>>();
        assert_eq!(sizes(store.kept().unwrap()), [1, 2, 3]);
        assert_eq!(store.remove(Removal::DownTo(6)).unwrap().len(), 0);
        assert_eq!(sizes(store.remove(Removal::DownTo(5)).unwrap()), [1]);
        assert_eq!(sizes(store.remove(Removal::DownTo(2)).unwrap()), [2, 3]);
        assert_eq!(there(temp.path(), &blobs), [false; 3]);
    }

    #[test]
    fn what_was_not_used_for_so_long_goes() {
        let temp = tempfile::tempdir().unwrap();
        let blobs = store(temp.path());
        let store = Layout::open_store(temp.path()).unwrap();
        let now = store.moment().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let removed = store.remove(Removal::Unused(now - Duration::from_secs(2500))).unwrap();
        assert_eq!(removed.len(), 2);
        assert_eq!(there(temp.path(), &blobs), [false, false, true]);
    }

    #[test]
    fn what_somebody_at_work_has_looked_at_or_written_stays_till_they_are_done() {
        let temp = tempfile::tempdir().unwrap();
        let blobs = store(temp.path());
        let other = Layout::open_store(temp.path()).unwrap();
        let at_work = Layout::open_store(temp.path()).unwrap();
        assert!(at_work.exists(&blobs[1]).unwrap());
        let written = put(&at_work, "4444");
        at_work.put_facts(&blobs[0].digest, "index", b"x").unwrap();
        assert_eq!(other.remove(Removal::All).unwrap().len(), 2);
        assert_eq!(there(temp.path(), &blobs), [false, true, false]);
        assert!(at_work.fetch(&written).is_ok() && at_work.facts(&blobs[0].digest, "index").is_some());
        drop((at_work, other));
        std::thread::sleep(Duration::from_millis(30));
        // Somebody who was killed holds nothing.
        std::fs::write(temp.path().join("users/1-7"), "").unwrap();
        let other = Layout::open_store(temp.path()).unwrap();
        assert_eq!(other.remove(Removal::All).unwrap().len(), 3);
        assert!(other.kept().unwrap().is_empty());
        assert_eq!(std::fs::read_dir(temp.path().join("users")).unwrap().count(), 1);
    }

    #[test]
    fn facts_and_damage_are_part_of_it() {
        let temp = tempfile::tempdir().unwrap();
        let blobs = store(temp.path());
        let store = Layout::open_store(temp.path()).unwrap();
        store.put_facts(&blobs[0].digest, "index", b"x").unwrap();
        // One that is a directory is removed as well.
        std::fs::create_dir_all(temp.path().join(format!("blobs/sha256/{}/x", Digest::of(b"x").hex()))).unwrap();
        store.quarantine(&Descriptor::of(MediaType::ImageLayer, b"x")).unwrap();
        std::fs::write(temp.path().join("blobs/sha256").join(blobs[1].digest.hex()), "23").unwrap();
        store.quarantine(&blobs[1]).unwrap();
        drop(store);
        // What was used in the moment in which somebody began to work may be used by them.
        std::thread::sleep(Duration::from_millis(30));
        let store = Layout::open_store(temp.path()).unwrap();
        let mut kinds: Vec<KeptKind> = store.remove(Removal::All).unwrap().into_iter().map(|file| file.kind).collect();
        kinds.sort();
        let (blob, damaged) = (KeptKind::Blob, KeptKind::Damaged);
        assert_eq!(kinds, [blob.clone(), blob, KeptKind::Fact("index".into()), damaged.clone(), damaged]);
        assert!(store.kept().unwrap().is_empty());
    }

    #[test]
    fn a_layout_with_images_is_no_store() {
        let temp = tempfile::tempdir().unwrap();
        let blobs = store(temp.path());
        let store = Layout::open_store(temp.path()).unwrap();
        store.tag(&blobs[0], "full").unwrap();
        let error = store.remove(Removal::All).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Policy);
        assert_eq!(there(temp.path(), &blobs), [true; 3]);
    }

    #[test]
    fn nobody_loses_what_they_have_seen_however_often_room_is_made() {
        let temp = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    Layout::open_store(temp.path()).unwrap().remove(Removal::All).unwrap();
                }
            });
            let workers: Vec<_> = (0..4)
                .map(|worker| {
                    let root = temp.path();
                    scope.spawn(move || {
                        for round in 0..100 {
                            let store = Layout::open_store(root).unwrap();
                            let text = format!("{}", (worker + round) % 3);
                            let blob = Descriptor::of(MediaType::ImageLayer, text.as_bytes());
                            if !store.exists(&blob).unwrap() {
                                put(&store, &text);
                            }
                            for _ in 0..3 {
                                let read = store.fetch(&blob).and_then(|content| content.read_document(9));
                                assert_eq!(read.unwrap(), text.as_bytes());
                            }
                        }
                    })
                })
                .collect();
            let ended: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(ended.iter().all(|ended| ended.is_ok()));
        });
    }
}
