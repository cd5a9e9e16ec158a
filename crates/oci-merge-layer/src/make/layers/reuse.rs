//! Whether layers of an image can be used byte for byte, or why not.

use super::super::recipe::{Input, Recipe, Source, Times};
use super::super::report::{Listed, Unmatched};
use super::super::verdict;
use super::cut::{Cut, Fate};
use super::{between, through};
use crate::whiteout::Whiteout;
use crate::{Error, ErrorKind, Kind, LayerIndex, Note, Reason, Result};
use oci_merge_image::LayerPath;

/// What can be used of layers of an image as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reuse {
    /// The layers that hold something of what is taken, the lowest first.
    pub layers: Vec<usize>,
    /// Why they have to be written as one new layer; none: their blobs are the layers.
    pub reasons: Vec<Note>,
    /// What the other layers hold.
    pub outside: Listed,
    /// What the recipe chooses by, and chooses nothing.
    pub unmatched: Unmatched,
}

/// Looks whether the blobs of a recipe's one source, layers of an image, can be used byte for byte.
///
/// They can if every layer that has something of what is taken would pass as a layer by itself, and if no two of them
/// say different things of one path. Times are not looked at: the layers of an image are finished work.
///
/// # Errors
/// The recipe contradicts itself, or its one source is something else; a layer writes through a symlink of a lower one.
pub fn reuse(recipe: &Recipe) -> Result<Reuse> {
    recipe.check()?;
    let [source @ Source { input: Input::Layers(layers), .. }] = &*recipe.sources else {
        return Err(Error::new(ErrorKind::Source, "only layers of an image can be used byte for byte as several"));
    };
    let cut = Cut::new(recipe, source)?;
    through::judge(layers, &cut)?;
    let as_it_is = Recipe { times: Times::Keep, ..recipe.clone() };
    let mut reuse =
        Reuse { layers: Vec::new(), reasons: Vec::new(), outside: Listed::default(), unmatched: Unmatched::default() };
    for (number, index) in layers.indexes.iter().enumerate() {
        match look(&cut, index)? {
            Looked::Elsewhere(files) => reuse.outside.append(files),
            Looked::Here(reasons) => {
                let has_reasons = !reasons.is_empty();
                reuse.reasons.extend(reasons);
                if !has_reasons {
                    reuse.reasons.extend(verdict::of_entries(&as_it_is, source, index));
                }
                reuse.layers.push(number);
            }
        }
    }
    let (unmatched, of_all) = cut.unmatched();
    reuse.unmatched = Unmatched { exclude: [of_all, unmatched.exclude].concat(), ..unmatched };
    if reuse.reasons.is_empty() {
        reuse.reasons.extend(between::note(&cut, layers, &reuse.layers)?);
    }
    Ok(reuse)
}

/// What a layer is to what is taken.
enum Looked {
    /// Nothing; these are its files.
    Elsewhere(Listed),
    /// It has something of it, and this keeps it from being used.
    Here(Vec<Note>),
}

fn look(cut: &Cut<'_>, index: &LayerIndex) -> Result<Looked> {
    let (mut files, mut is_here) = (Listed::default(), false);
    let (mut deleted, mut left_out, mut devices) = (Tally::default(), Tally::default(), Tally::default());
    // Directories above the entry that are left out themselves, until something in them is taken.
    let mut above: Vec<LayerPath> = Vec::new();
    for entry in index.entries() {
        let Ok(path) = LayerPath::parse(entry.path) else { continue };
        while let Some(directory) = above.pop_if(|directory| !path.is_within(directory)) {
            left_out.add(&directory);
        }
        let is_directory = entry.kind == Kind::Directory;
        match cut.fate(&path, is_directory)? {
            Fate::Taken(_) => {
                is_here = true;
                above.clear();
                if matches!(entry.kind, Kind::CharDevice | Kind::BlockDevice) {
                    devices.add(&path);
                }
            }
            Fate::LeftOut if is_directory && cut.may_lead(&path) => above.push(path),
            Fate::LeftOut if !is_directory && cut.may_lead(&path) => {
                is_here |= cut.decides(&path)?;
                left_out.add(&path);
            }
            Fate::Outside | Fate::LeftOut if !is_directory => {
                is_here |= cut.decides(&path)?;
                files.add(&path);
            }
            Fate::Outside | Fate::LeftOut | Fate::Nothing => {}
        }
    }
    above.iter().for_each(|directory| left_out.add(directory));
    for whiteout in index.whiteouts().iter().filter_map(Whiteout::of) {
        is_here |= cut.decides(whiteout.path())?;
        deleted.add(whiteout.path());
    }
    if !is_here {
        return Ok(Looked::Elsewhere(files));
    }
    let elsewhere = Note { reason: Reason("LANDING"), path: None, text: "its content goes elsewhere".into() };
    let tallies = [
        devices.into_note("TAR_DEVICE", "a device", "devices"),
        deleted.into_note("TAR_WHITEOUT", "deleted, which no layer may do", "deleted, which no layer may do"),
        left_out.into_note("FILTER", "left out by `paths` or `exclude`", "left out by `paths` or `exclude`"),
    ];
    let notes = index.notes().iter().cloned().chain(tallies.into_iter().flatten());
    Ok(Looked::Here(notes.chain(cut.moves().then_some(elsewhere)).collect()))
}

/// How many there are, and the first of them.
#[derive(Default)]
struct Tally {
    count: u64,
    first: Option<LayerPath>,
}

impl Tally {
    fn add(&mut self, path: &LayerPath) {
        self.count += 1;
        self.first.get_or_insert_with(|| path.clone());
    }

    fn into_note(self, reason: &'static str, one: &str, many: &str) -> Option<Note> {
        let text = match self.count {
            0 => return None,
            1 => format!("is {one}"),
            count => format!("and {} more are {many}", count - 1),
        };
        Some(Note { reason: Reason(reason), path: self.first, text })
    }
}
