//! The clock of a layout's file system: the one by which the times of files compare.

use super::Layout;
use crate::Result;
use std::time::SystemTime;

impl Layout {
    /// The moment that it is, by the clock of the file system. Clocks of machines that share a directory differ, and the
    /// kernel's for files ticks more slowly than the one that programs read; this is the one that files have.
    ///
    /// # Errors
    /// The disk fails.
    pub fn moment(&self) -> Result<SystemTime> {
        let file = self.temporary()?;
        let modified = file.file().metadata().and_then(|facts| facts.modified());
        modified.map_err(|e| self.root().failed(super::STAGING, "looking at the time of a new file in", e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_is_that_of_files_and_leaves_none_behind() {
        let temp = tempfile::tempdir().unwrap();
        let layout = Layout::open_or_create(&temp.path().join("store")).unwrap();
        let written = |name: &str| {
            std::fs::write(temp.path().join(name), "").unwrap();
            std::fs::metadata(temp.path().join(name)).unwrap().modified().unwrap()
        };
        let before = written("before");
        let moment = layout.moment().unwrap();
        assert!(before <= moment && moment <= written("after"));
        assert_eq!(std::fs::read_dir(temp.path().join("store/tmp")).unwrap().count(), 0);
    }
}
