//! What is left out of one source, and whether that is all of it.

use super::recipe::{Recipe, Source};
use super::report::Listed;
use super::route::Place;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{LayerPath, shown};

/// What is left out of one source.
#[derive(Default)]
pub(super) struct Left {
    /// Names that had no component left after `strip`.
    pub(super) too_short: Listed,
    /// Names that `include` or `exclude` left out.
    pub(super) filtered: Listed,
    /// Directories that were not taken themselves.
    directories: Listed,
    /// Whether anything was taken, besides the directory that it lands in and those above the prefix.
    is_some_taken: bool,
}

impl Left {
    /// Sees what becomes of a name.
    pub(super) fn see(&mut self, recipe: &Recipe, path: &LayerPath, is_directory: bool, place: &Place) {
        match place {
            // What the source is, and not what it has.
            _ if path.is_root() => {}
            Place::Filtered => self.filtered.add(path),
            Place::TooShort => self.too_short.add(path),
            Place::Taken(lands) if !is_directory || recipe.covers(lands) => {
                self.is_some_taken |= !(is_directory && recipe.prefix.path().is_within(lands));
            }
            Place::Taken(lands) if recipe.prefix.path().is_within(lands) => {}
            Place::Taken(_) | Place::IfNeeded(_) | Place::Nothing if is_directory => self.directories.add(path),
            Place::Taken(_) | Place::IfNeeded(_) | Place::Nothing | Place::Landing => {}
        }
    }

    /// Whether there was nothing that could have been taken.
    ///
    /// # Errors
    /// There was, and nothing was taken: nobody writes down a source for that.
    pub(super) fn is_empty(&self, recipe: &Recipe, source: &Source) -> Result<bool> {
        let Left { too_short, filtered, directories, is_some_taken } = self;
        if *is_some_taken || too_short.count + filtered.count + directories.count == 0 {
            return Ok(!is_some_taken);
        }
        let names = too_short.first.iter().chain(&filtered.first).chain(&directories.first);
        // As the source has them: relative, to be counted for `strip`.
        let names = names.take(3).map(|name| shown(name.as_bytes()).to_string()).collect::<Vec<_>>().join(", ");
        let is_chosen = filtered.count + directories.count > 0;
        let list = |key: &str, globs: &[String]| {
            let globs = globs.iter().map(|glob| format!("\"{}\"", shown(glob))).collect::<Vec<_>>().join(", ");
            (is_chosen && !globs.is_empty()).then(|| format!("{key} = [{globs}]"))
        };
        let keys = [
            (source.strip > 0).then(|| format!("strip = {}", source.strip)),
            list("include", &source.include),
            list("exclude", &[&recipe.exclude[..], &source.exclude].concat()),
        ];
        let keys = keys.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let keys = if keys.is_empty() { keys } else { format!(" with {keys}") };
        let text = format!("has nothing that would land under {}{keys}: it has {names}", recipe.prefix);
        Err(Error::new(ErrorKind::Source, text).in_file(source.name()))
    }
}
