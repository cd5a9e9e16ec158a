//! Files and directories in the making: under a temporary name until they are finished, gone if they never are.
//!
//! Whoever makes one holds a lock on it. The kernel gives the lock back when its holder dies, so what can be locked has
//! no living owner: this holds where process numbers say nothing, between containers that share a directory.

use crate::directory::{Directory, shown_path, step};
use crate::{Error, Result};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file that has no lasting name yet.
#[derive(Debug)]
pub(crate) struct TemporaryFile {
    directory: Arc<Directory>,
    name: OsString,
    file: File,
    kept: bool,
}

impl TemporaryFile {
    /// Makes `PREFIXpid-n` in a directory; `None` if the directory itself has been removed.
    pub(crate) fn create(directory: &Arc<Directory>, prefix: &OsStr) -> Result<Option<TemporaryFile>> {
        loop {
            let name = next_name(prefix);
            let failed = |doing, e| Error::disk(shown_path(&directory.path().join(&name)), doing, e);
            let file = match directory.create_new(&name) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(failed("making the file", e)),
            };
            step();
            file.lock().map_err(|e| failed("locking", e))?;
            // Between the two steps it looked like one without an owner.
            if directory.still_names(&name, &file)? {
                return Ok(Some(TemporaryFile { directory: Arc::clone(directory), name, file, kept: false }));
            }
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The path under which it lies for now.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    /// Gives the finished file its name. It is on the disk before it has the name, and the name lasts.
    pub(crate) fn keep(self, directory: &Directory, name: &OsStr) -> Result<()> {
        let failed = |e| Error::disk(shown_path(&directory.path().join(name)), "syncing", e);
        step();
        self.file.sync_data().map_err(failed)?;
        self.keep_for_now(directory, name)?;
        directory.sync()
    }

    /// Gives the finished file its name. A crash of the machine may take it, or leave something else in its place: only
    /// for what its readers can tell from that, and do without.
    pub(crate) fn keep_for_now(mut self, directory: &Directory, name: &OsStr) -> Result<()> {
        let failed = |e| Error::disk(shown_path(&directory.path().join(name)), "giving it its name", e);
        self.directory.rename(&self.name, directory, name).map_err(failed)?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.kept {
            // It has no owner from now on; the next one who writes here removes it.
            let _ = self.directory.unlink(&self.name);
        }
    }
}

/// A directory that has no lasting name yet.
#[derive(Debug)]
pub(crate) struct TemporaryDirectory {
    parent: Directory,
    name: OsString,
    lock: File,
    kept: bool,
}

impl TemporaryDirectory {
    /// Makes `PREFIXpid-n` in a directory.
    pub(crate) fn create(parent: Directory, prefix: &OsStr) -> Result<TemporaryDirectory> {
        loop {
            let name = next_name(prefix);
            let path = parent.path().join(&name);
            let failed = |doing, e| Error::disk(shown_path(&path), doing, e);
            step();
            match std::fs::create_dir(&path) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                other => other.map_err(|e| failed("making the directory", e))?,
            }
            let lock = match File::open(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(|e| failed("opening", e))?,
            };
            step();
            // NFS lets nobody lock exclusively what cannot be opened for writing, as a directory cannot.
            lock.lock_shared().map_err(|e| failed("locking", e))?;
            if parent.still_names(&name, &lock)? {
                return Ok(TemporaryDirectory { parent, name, lock, kept: false });
            }
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.parent.path().join(&self.name)
    }

    /// Gives the finished directory its name, unless there is something by that name already: then `false`, and it
    /// stays temporary. An empty directory counts as nothing.
    pub(crate) fn keep(&mut self, name: &OsStr) -> Result<bool> {
        let failed = |e| Error::disk(shown_path(&self.parent.path().join(name)), "giving it its name", e);
        self.lock.sync_all().map_err(failed)?;
        match self.parent.rename(&self.name, &self.parent, name) {
            Ok(()) => self.kept = true,
            Err(e) if matches!(e.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
                return Ok(false);
            }
            Err(e) => return Err(failed(e)),
        }
        self.parent.sync()?;
        Ok(true)
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_dir_all(self.path());
        }
    }
}

/// Removes what owners that are dead left in a directory.
pub(crate) fn sweep(directory: &Directory, prefix: &OsStr) -> Result<()> {
    for name in directory.names()?.iter().filter(|name| is_temporary(name, prefix)) {
        let path = directory.path().join(name);
        // Whatever cannot be opened, locked or removed belongs to somebody else, or is gone.
        let Ok(facts) = std::fs::symlink_metadata(&path) else { continue };
        if !facts.is_dir() && !facts.is_file() {
            continue;
        }
        let Ok(open) = File::options().read(true).write(facts.is_file()).open(&path) else { continue };
        if open.try_lock().is_ok() && directory.still_names(name, &open)? {
            let _ = if facts.is_dir() { std::fs::remove_dir_all(&path) } else { directory.unlink(name) };
        }
    }
    Ok(())
}

/// What the temporary neighbours of a file or directory begin with.
pub(crate) fn beside(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".oci-merge-");
    prefix
}

/// Process number and a number of its own: unlikely to be taken, and the maker goes on to the next if it is.
fn next_name(prefix: &OsStr) -> OsString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut name = prefix.to_owned();
    name.push(format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
    name
}

fn is_temporary(name: &OsStr, prefix: &OsStr) -> bool {
    let Some(rest) = name.as_bytes().strip_prefix(prefix.as_bytes()) else { return false };
    let mut numbers = rest.splitn(2, |b| *b == b'-');
    let number = |part: Option<&[u8]>| part.is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit));
    number(numbers.next()) && number(numbers.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_no_owner_is_swept() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Arc::new(Directory::open(temp.path()).unwrap());
        let living = TemporaryFile::create(&dir, OsStr::new("")).unwrap().unwrap();
        let building = TemporaryDirectory::create(Directory::open(temp.path()).unwrap(), OsStr::new("")).unwrap();
        // What a killed process leaves behind: files that nobody has open.
        std::fs::write(temp.path().join("1-7"), "torn").unwrap();
        std::fs::create_dir(temp.path().join("1-8")).unwrap();
        std::fs::write(temp.path().join("1-8/blob"), "torn").unwrap();
        // What is none of ours.
        for name in ["1-x", "-1", "12", "x1-2"] {
            std::fs::write(temp.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink("12", temp.path().join("1-9")).unwrap();
        sweep(&dir, OsStr::new("")).unwrap();
        let mut expected: Vec<OsString> = ["1-x", "-1", "12", "x1-2", "1-9"].map(OsString::from).to_vec();
        expected.extend([living.name.clone(), building.name.clone()]);
        expected.sort();
        assert_eq!(dir.names().unwrap(), expected);
        drop((living, building));
        assert_eq!(dir.names().unwrap().len(), 5);
    }

    #[test]
    fn nobody_sweeps_a_file_from_under_its_maker() {
        let temp = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let dir = Arc::new(Directory::open(temp.path()).unwrap());
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        sweep(&dir, OsStr::new("")).unwrap();
                    }
                });
            }
            let lost = (0..20_000)
                .filter(|_| {
                    let made = TemporaryFile::create(&dir, OsStr::new("")).unwrap().unwrap();
                    !dir.still_names(&made.name, made.file()).unwrap()
                })
                .count();
            done.store(true, Ordering::Relaxed);
            assert_eq!(lost, 0);
        });
    }
}
