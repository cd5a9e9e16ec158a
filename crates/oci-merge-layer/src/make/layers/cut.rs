//! What is taken of an image, and to where.

use super::super::choice::Choice;
use super::super::globs::Globs;
use super::super::recipe::{Recipe, Source};
use super::super::report::Unmatched;
use super::super::route::is_table_of_contents;
use super::super::xattrs::is_kept;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{LayerPath, shown};
use std::cell::Cell;

/// What is taken of an image, and to where.
pub(super) struct Cut<'a> {
    pub(super) recipe: &'a Recipe,
    source: &'a Source,
    taken: Taken,
    choice: Choice,
}

/// Where what is taken of layers lands, and which of its attributes are needed.
pub(super) trait Lands {
    /// Where a path lands; `None` if it is not taken.
    ///
    /// # Errors
    /// In the new image it would be longer than a path can be.
    fn lands(&self, path: &LayerPath, is_directory: bool) -> Result<Option<LayerPath>>;

    /// Whether an extended attribute is needed with its value.
    fn needs(&self, attribute: &[u8]) -> bool;
}

/// What is looked at.
enum Taken {
    /// Everything that matches, or everything; it stays where it is.
    InPlace,
    /// The content of these paths, which lands in a directory; and whether anything was found there.
    Moved(Vec<(LayerPath, Cell<bool>)>, LayerPath),
}

/// What becomes of a path of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken to this path of the new image.
    Taken(LayerPath),
    /// The recipe says that it is left out.
    LeftOut,
    /// The layer owns nothing there.
    Outside,
    /// It says nothing: the table of contents of an eStargz layer.
    Nothing,
}

impl<'a> Cut<'a> {
    pub(super) fn new(recipe: &'a Recipe, source: &'a Source) -> Result<Cut<'a>> {
        let (taken, include) = match &source.to {
            Some(to) if !to.is_root() => {
                let paths = source.include.iter().map(|path| literal(path)).collect::<Result<Vec<_>>>()?;
                let paths = if paths.is_empty() { vec![LayerPath::root()] } else { paths };
                let paths = paths.into_iter().map(|path| (path, Cell::new(false))).collect();
                (Taken::Moved(paths, to.clone()), Globs::new(&[])?)
            }
            _ => (Taken::InPlace, Globs::new(&source.include)?),
        };
        Ok(Cut { recipe, source, taken, choice: Choice::new(recipe, source, include)? })
    }

    /// What of the source has matched nothing of what was looked at; and what of the recipe has not.
    pub(super) fn unmatched(&self) -> (Unmatched, Vec<String>) {
        let (mut unmatched, of_all) = self.choice.unmatched();
        if let Taken::Moved(paths, _) = &self.taken {
            let of_paths = self.source.include.iter().zip(paths);
            unmatched.include.extend(of_paths.filter(|(_, (_, found))| !found.get()).map(|(path, _)| path.clone()));
        }
        (unmatched, of_all)
    }

    /// Whether what is taken goes elsewhere.
    pub(super) fn moves(&self) -> bool {
        matches!(self.taken, Taken::Moved(..))
    }

    /// What becomes of a path.
    ///
    /// # Errors
    /// In the new image it would be longer than a path can be.
    pub(super) fn fate(&self, path: &LayerPath, is_directory: bool) -> Result<Fate> {
        if is_table_of_contents(path) {
            return Ok(Fate::Nothing);
        }
        let Some(lands) = self.path(path, is_directory)? else { return Ok(Fate::LeftOut) };
        if !self.recipe.covers(&lands) {
            return Ok(Fate::Outside);
        }
        Ok(if self.excludes(&lands) { Fate::LeftOut } else { Fate::Taken(lands) })
    }

    fn excludes(&self, lands: &LayerPath) -> bool {
        self.choice.excludes(lands, self.recipe.prefix.path())
    }

    /// Where a path lands if it is looked at.
    ///
    /// # Errors
    /// As [`fate`](Cut::fate).
    pub(super) fn path(&self, path: &LayerPath, is_directory: bool) -> Result<Option<LayerPath>> {
        match &self.taken {
            Taken::InPlace => {
                let globs = &self.choice.include;
                let is_taken = globs.is_empty() || globs.cover(path, self.recipe.prefix.path());
                Ok(is_taken.then(|| path.clone()))
            }
            Taken::Moved(paths, to) => {
                let find = |(taken, found): &(LayerPath, Cell<bool>)| {
                    rest(path, taken, is_directory).inspect(|_| found.set(true))
                };
                let Some(rest) = paths.iter().find_map(find) else { return Ok(None) };
                let joined = to.join(&rest).map_err(|why| Error::refused(why.reason(), format!("{to} {why}")).at(path));
                joined.map(Some)
            }
        }
    }

    /// Whether a directory that is not taken itself is one of the layer, should something in it be taken.
    pub(super) fn may_lead(&self, path: &LayerPath) -> bool {
        !self.moves() && self.recipe.covers(path)
    }

    /// Whether something else than a directory here, or its deletion, may change what is taken: what lies here or
    /// below, be it there or not.
    pub(super) fn decides(&self, path: &LayerPath) -> Result<bool> {
        match &self.taken {
            Taken::InPlace if is_table_of_contents(path) || self.excludes(path) => Ok(false),
            Taken::InPlace => {
                let (globs, prefix) = (&self.choice.include, self.recipe.prefix.path());
                let may_belong =
                    prefix.is_within(path) || path.is_within(prefix) || self.recipe.owns.may_lie_below(path);
                Ok(may_belong && (globs.is_empty() || globs.may_lie_below(path, prefix)))
            }
            Taken::Moved(paths, _) => {
                let is_above = paths.iter().any(|(taken, _)| taken.is_within(path));
                Ok(is_above || matches!(self.fate(path, false)?, Fate::Taken(_)))
            }
        }
    }
}

impl Lands for Cut<'_> {
    fn lands(&self, path: &LayerPath, is_directory: bool) -> Result<Option<LayerPath>> {
        Ok(match self.fate(path, is_directory)? {
            Fate::Taken(lands) => Some(lands),
            _ => None,
        })
    }

    /// The packer drops the others, and counts them.
    fn needs(&self, attribute: &[u8]) -> bool {
        is_kept(attribute)
    }
}

/// A path below another; of a file its name, for a file lands *in* a directory.
fn rest(path: &LayerPath, taken: &LayerPath, is_directory: bool) -> Option<LayerPath> {
    match path.strip_prefix(taken)? {
        itself if itself.is_root() && !is_directory => LayerPath::parse(path.name()?).ok(),
        below => Some(below),
    }
}

/// A path that is moved is written out: of several matches, the contents would land on each other.
fn literal(path: &str) -> Result<LayerPath> {
    let refuse = |why: &str| Err(Error::new(ErrorKind::Source, format!("{} {why}", shown(path))));
    if path.contains(['*', '?', '[', '{']) {
        return refuse("is a glob; with `to`, paths are written out");
    }
    LayerPath::parse(path.as_bytes()).or_else(|why| refuse(&why.to_string()))
}
