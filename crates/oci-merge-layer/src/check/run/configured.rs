//! The directories that `/etc/ld.so.conf` and what it includes name, as ldconfig reads them (glibc's `elf/ldconfig.c`).
//!
//! An index has the texts of such files where they usually lie. Of others it is only known that they are there.

use super::tree::Tree;
use super::walker::{End, ROOT, Walker, joined};
use super::world::text_or_empty;
use crate::check::merge::Place;
use globset::GlobBuilder;
use std::collections::BTreeSet;

/// How many files may be included, and how many directories they may name.
const MOST_FILES: usize = 1000;
const MOST_DIRECTORIES: usize = 1000;

/// What the configuration says.
#[derive(Default)]
pub(super) struct Configured {
    only_base: bool,
    /// The files that were read: they may include each other.
    seen: BTreeSet<Place>,
    pub(super) directories: Vec<Vec<u8>>,
    /// Whether there is more of it, which names directories that nobody knows.
    pub(super) is_partial: bool,
}

impl Configured {
    /// Of the image, or of its base alone.
    pub(super) fn of(walker: &mut Walker<'_, '_>, only_base: bool) -> Configured {
        let mut configured = Configured { only_base, ..Configured::default() };
        configured.read(walker, b"etc/ld.so.conf");
        configured
    }

    fn read(&mut self, walker: &mut Walker<'_, '_>, path: &[u8]) {
        let End::Entry(place) = walker.follow(ROOT, path) else { return };
        if self.only_base && Tree::layer_of(place).is_some() || self.seen.contains(&place) {
            return;
        }
        self.is_partial |= self.seen.len() >= MOST_FILES;
        if self.is_partial {
            return;
        }
        self.seen.insert(place);
        let Some(text) = text_or_empty(walker.tree, place) else {
            self.is_partial = true;
            return;
        };
        for line in text.split(|&b| b == b'\n') {
            let line = line.split(|&b| b == b'#').next().unwrap_or_default().trim_ascii();
            let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
            match words.clone().next() {
                Some(b"include") => words.skip(1).for_each(|pattern| self.include(walker, path, pattern)),
                Some(b"hwcap") | None => {}
                Some(_) => {
                    let paths = words.by_ref().flat_map(|word| word.split(|&b| b == b':' || b == b','));
                    let paths = paths.map(|path| path.split(|&b| b == b'=').next().unwrap_or_default());
                    self.directories.extend(paths.filter(|p| p.starts_with(b"/")).map(<[u8]>::to_vec));
                    self.is_partial |= self.directories.len() > MOST_DIRECTORIES;
                    self.directories.truncate(MOST_DIRECTORIES);
                }
            }
        }
    }

    /// Reads the files that match a pattern, which is relative to the directory of the file that includes them.
    fn include(&mut self, walker: &mut Walker<'_, '_>, by: &[u8], pattern: &[u8]) {
        let above = by.iter().rposition(|&b| b == b'/').and_then(|at| by.get(..at)).unwrap_or_default();
        let pattern = if pattern.starts_with(b"/") { pattern.to_vec() } else { joined(above, pattern) };
        match matching(walker, &pattern) {
            Some(paths) => paths.iter().for_each(|path| self.read(walker, path)),
            None => self.is_partial = true,
        }
    }
}

/// The paths that match a pattern (glob(3)), in their order as bytes; `None` if it is not understood, or they are too many.
fn matching(walker: &mut Walker<'_, '_>, pattern: &[u8]) -> Option<BTreeSet<Vec<u8>>> {
    let mut paths = BTreeSet::from([Vec::new()]);
    for part in pattern.split(|&b| b == b'/').filter(|part| !part.is_empty()) {
        if !part.iter().any(|b| b"*?[\\".contains(b)) {
            paths = paths.iter().map(|path| joined(path, part)).collect();
            continue;
        }
        // What another program calls a pattern as well, and glob(3) does not, or otherwise.
        if part.iter().any(|b| b"{}".contains(b)) || part.windows(2).any(|w| matches!(w, b"[:" | b"[." | b"[=")) {
            return None;
        }
        let glob = GlobBuilder::new(std::str::from_utf8(part).ok()?).build().ok()?.compile_matcher();
        let is_match = |name: &[u8]| {
            let is_shown = !name.starts_with(b".") || part.starts_with(b".");
            is_shown && std::str::from_utf8(name).is_ok_and(|name| glob.is_match(name))
        };
        let mut found = BTreeSet::new();
        for path in paths {
            let Some(directory) = walker.directory(ROOT, &path) else { continue };
            let children = walker.children(directory, MOST_FILES);
            found.extend(children.filter(|child| is_match(child.name)).map(|child| joined(&path, child.name)));
        }
        if found.len() > MOST_FILES {
            return None;
        }
        paths = found;
    }
    Some(paths)
}
