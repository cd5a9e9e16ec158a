//! Blobs that are not what their name says, moved out of the way.

use super::Layout;
use super::lock::Lock;
use crate::directory::{Directory, shown_path};
use crate::section::Section;
use crate::{Error, ErrorKind, Result, Verified};
use oci_merge_image::{Descriptor, Digest};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::PathBuf;

pub(super) const QUARANTINE: &str = "quarantine";

impl Layout {
    /// Reads a blob to its end, and if it is not what it should be, moves it to `quarantine/`, whatever it is, so that the
    /// content can be fetched again and somebody can look at what had become of it. Returns where it is now; `None` if there
    /// is nothing, or nothing wrong with it.
    ///
    /// Others may do the same at the same time: what one of them has put into its place meanwhile stays there.
    ///
    /// # Errors
    /// The disk fails.
    pub fn quarantine(&self, blob: &Descriptor) -> Result<Option<PathBuf>> {
        let Some(damaged) = self.damaged(blob)? else { return Ok(None) };
        let _lock = Lock::take(self.root())?;
        let Some(blobs) = self.blobs_of(&blob.digest)? else { return Ok(None) };
        let name = blob.digest.hex();
        let is_there_still = match &damaged {
            Damaged::File(file) => blobs.still_names(OsStr::new(&*name), file)?,
            Damaged::Name => blobs.file(&name).is_err_and(|e| e.kind() == ErrorKind::Mismatch),
        };
        if is_there_still { self.move_aside(&blobs, &blob.digest).map(Some) } else { Ok(None) }
    }

    /// Moves a directory out of the way of a blob: a file cannot be renamed over one.
    pub(super) fn move_directory_aside(&self, blobs: &Directory, digest: &Digest) -> Result<()> {
        let is_directory = || blobs.inside(&digest.hex()).is_ok_and(|directory| directory.is_some());
        if is_directory() {
            let _lock = Lock::take(self.root())?;
            if is_directory() {
                self.move_aside(blobs, digest)?;
            }
        }
        Ok(())
    }

    /// What is wrong with a blob; `None` if nothing is, or if there is none.
    fn damaged(&self, blob: &Descriptor) -> Result<Option<Damaged>> {
        let (file, read) = match self.blob(&blob.digest) {
            Ok(None) => return Ok(None),
            Ok(Some((file, size))) if size == blob.size => {
                let again = file.try_clone().map_err(|e| Error::disk(self.place(), "opening", e))?;
                (file, self.read_to_end(Verified::new(blob, self.place(), Section::whole(again, self.place()))))
            }
            Ok(Some((file, _))) => return Ok(Some(Damaged::File(file))),
            Err(e) if e.kind() == ErrorKind::Mismatch => return Ok(Some(Damaged::Name)),
            Err(e) => return Err(e),
        };
        match read {
            Ok(()) => Ok(None),
            Err(e) if e.kind() == ErrorKind::Mismatch => Ok(Some(Damaged::File(file))),
            Err(e) => Err(e),
        }
    }

    fn move_aside(&self, blobs: &Directory, digest: &Digest) -> Result<PathBuf> {
        let quarantine = self.root().make(QUARANTINE)?;
        let mut number = 0;
        let place = loop {
            let place = OsString::from(format!("{}.{number}", digest.hex()));
            if quarantine.look(&place)?.is_none() {
                break place;
            }
            number += 1;
        };
        let path = quarantine.path().join(&place);
        let moved = blobs.rename(OsStr::new(&*digest.hex()), &quarantine, &place);
        moved.map_err(|e| Error::disk(shown_path(&path), "moving a wrong blob to", e).about(digest))?;
        Ok(path)
    }
}

/// What does not belong under the name of a blob.
enum Damaged {
    /// A file with other bytes.
    File(File),
    /// No file at all.
    Name,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Store;
    use oci_merge_image::MediaType;
    use std::sync::Barrier;

    #[test]
    fn of_many_who_find_the_same_damage_none_moves_what_another_has_mended() {
        let temp = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let store = Layout::open_store(temp.path()).unwrap();
        let blob = Descriptor::of(MediaType::ImageLayer, b"right");
        let path = store.blob_path(&blob.digest);
        store.push(&blob, &b"right".to_vec()).unwrap();
        let damages: [fn(&std::path::Path); 3] = [
            |path| std::fs::write(path, "wrong").unwrap(),
            |path| std::fs::write(path, "").unwrap(),
            |path| std::os::unix::fs::symlink("nowhere", path).unwrap(),
        ];
        for round in 0..150 {
            std::fs::remove_file(&path).unwrap();
            damages[round % 3](&path);
            let all_are_here = Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let store = Layout::open_store(temp.path()).unwrap();
                        all_are_here.wait();
                        store.quarantine(&blob).unwrap();
                        if !store.exists(&blob).unwrap() {
                            store.push(&blob, &b"right".to_vec()).unwrap();
                        }
                        store.verify(&blob).unwrap();
                    });
                }
            });
        }
        assert_eq!(std::fs::read_dir(temp.path().join(QUARANTINE)).unwrap().count(), 150);
    }
}
