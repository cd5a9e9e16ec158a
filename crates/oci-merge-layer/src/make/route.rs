//! The way of a path from a source to the image.

use super::choice::Choice;
use super::globs::Globs;
use super::recipe::{Input, Recipe, Source};
use crate::{Error, Result};
use oci_merge_image::LayerPath;

/// The way of every path of one source.
pub(super) struct Route<'a> {
    is_archive: bool,
    strip: usize,
    /// Where the source lands: the root of the image, or a directory.
    pub(super) landing: LayerPath,
    prefix: &'a LayerPath,
    choice: Choice,
}

/// What becomes of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// It is taken to this path of the image.
    Taken(LayerPath),
    /// The directory is written if something in it is, at this path of the image.
    IfNeeded(LayerPath),
    /// It is the directory that the source lands in.
    Landing,
    /// `include` or `exclude` leaves it out.
    Filtered,
    /// It has no component left after `strip`.
    TooShort,
    /// It says nothing: a directory that `strip` takes off, or the table of contents of an eStargz layer.
    Nothing,
}

impl<'a> Route<'a> {
    pub(super) fn new(recipe: &'a Recipe, source: &Source, landing: LayerPath) -> Result<Route<'a>> {
        Ok(Route {
            is_archive: !matches!(source.input, Input::Directory(_)),
            strip: source.strip,
            landing,
            prefix: recipe.prefix.path(),
            choice: Choice::new(recipe, source, Globs::new(&source.include)?)?,
        })
    }

    /// Whether it may leave anything out.
    pub(super) fn filters(&self) -> bool {
        let Choice { include, exclude, exclude_of_all } = &self.choice;
        !(include.is_empty() && exclude.is_empty() && exclude_of_all.is_empty())
    }

    /// What it is chosen by.
    pub(super) fn choice(&self) -> &Choice {
        &self.choice
    }

    /// What becomes of a path.
    ///
    /// # Errors
    /// In the image it would be longer than a path can be.
    pub(super) fn place(&self, path: &LayerPath, is_directory: bool) -> Result<Place> {
        if self.is_archive && is_table_of_contents(path) {
            return Ok(Place::Nothing);
        }
        let Some(rest) = strip(path, self.strip) else {
            return Ok(if is_directory { Place::Nothing } else { Place::TooShort });
        };
        if rest.is_root() {
            return Ok(if is_directory { Place::Landing } else { Place::TooShort });
        }
        let joined = self.landing.join(&rest);
        let path = joined.map_err(|why| Error::refused(why.reason(), format!("{} {why}", self.landing)).at(path))?;
        if self.choice.excludes(&path, self.prefix) {
            return Ok(Place::Filtered);
        }
        if self.choice.include.is_empty() || self.choice.include.cover(&path, self.prefix) {
            return Ok(Place::Taken(path));
        }
        Ok(if is_directory { Place::IfNeeded(path) } else { Place::Filtered })
    }

    /// Where an entry is taken to, if it is.
    pub(super) fn taken(&self, path: &LayerPath) -> Result<Option<LayerPath>> {
        Ok(match self.place(path, false)? {
            Place::Taken(path) => Some(path),
            _ => None,
        })
    }
}

/// A path without its leading components; `None` if it has fewer.
pub(super) fn strip(path: &LayerPath, components: usize) -> Option<LayerPath> {
    if components == 0 {
        return Some(path.clone());
    }
    let mut starts = path.as_bytes().iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at + 1);
    let rest = match starts.nth(components - 1) {
        Some(start) => path.as_bytes().get(start..)?,
        None if path.components().count() == components => b"",
        None => return None,
    };
    LayerPath::parse(rest).ok()
}

/// Whether this is what makes a layer an eStargz layer: its table of contents, or a landmark in it.
pub(super) fn is_table_of_contents(path: &LayerPath) -> bool {
    matches!(path.as_bytes(), b"stargz.index.json" | b".prefetch.landmark" | b".no.prefetch.landmark")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_taken_off_from_the_left() {
        let path = |path: &str| LayerPath::parse(path.as_bytes()).unwrap();
        let strip = |from: &str, components| strip(&path(from), components).map(|path| path.to_string());
        assert_eq!(strip("a/b/c", 0).unwrap(), "/a/b/c");
        assert_eq!(strip("a/b/c", 1).unwrap(), "/b/c");
        assert_eq!(strip("a/b/c", 2).unwrap(), "/c");
        assert_eq!(strip("a/b/c", 3).unwrap(), "/");
        assert_eq!(strip("a/b/c", 4), None);
        assert_eq!(strip("", 0).unwrap(), "/");
        assert_eq!(strip("", 1), None);
    }
}
