//! From a recipe to a layer: where its files land, whether an archive stays as it is, and if not, packing it.
//!
//! A directory is read once. An archive is read once for what it holds; only if its bytes cannot be the layer's is it
//! read a second time, and written in its own order with parents first (design: collisions, section 2).

mod archive;
mod bytecode;
mod choice;
mod globs;
mod landing;
mod layers;
mod left;
mod links;
mod output;
mod pack;
mod parents;
mod recipe;
mod report;
mod route;
mod seen;
#[cfg(test)]
mod tests;
mod verdict;
mod watch;
mod xattrs;

pub use layers::{Layers, Reuse, join, reuse};
pub use recipe::{Ancestors, Attributes, Input, Owner, Recipe, Source, Times};
pub use report::{Listed, Report, Unmatched};
pub use seen::{fingerprint, version};
pub use watch::{Progress, Step, Watch};
pub(crate) use xattrs::{CAPABILITY, is_kept, is_possible};

use crate::compressor::{Blocks, Earlier, Pool};
use crate::directory::Directory;
use crate::{Body, Entries, Entry, Error, Fingerprint, Kind, LayerIndex, Result, Time, Xattrs};
use archive::Looked;
use left::Left;
use links::Links;
use oci_merge_image::{Descriptor, Form, LayerPath, MediaType};
use output::{Output, Written};
use pack::{Packer, Reading};
use parents::Parents;
use route::{Place, Route};
use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;

/// A layer that is finished.
#[derive(Debug)]
pub struct Made<W> {
    /// The media type, digest and size of its blob.
    pub descriptor: Descriptor,
    /// What is in it, and its diff_id.
    pub index: LayerIndex,
    /// Where its blob is.
    pub blob: Blob<W>,
    /// What a person should know of it.
    pub report: Report,
    /// What [`fingerprint`] says of the recipe and its sources as they were when they were read.
    pub fingerprint: Option<Fingerprint>,
    /// Which blocks the blob was compressed to, if it was packed: the next [`make`] of something alike takes them over.
    pub blocks: Option<Blocks>,
}

/// Where the blob of a layer is.
#[derive(Debug)]
pub enum Blob<W> {
    /// It is the one archive of the recipe, byte for byte.
    Kept,
    /// It was written here.
    Packed(W),
}

/// Makes a layer.
///
/// This runs on the calling thread, which may wait for its sources, for `blob`, and for the threads of the pool. Many
/// layers can be made at once with one pool. `blob` is called when it is known that there is something to write;
/// what was written to it means nothing if this fails. What is compressed in `earlier` already is not compressed again,
/// which shows nowhere in the result.
///
/// # Errors
/// [`ErrorKind::Source`](crate::ErrorKind::Source): the recipe contradicts itself, or its sources do not fit together.
/// [`ErrorKind::Refused`](crate::ErrorKind::Refused): an archive that readers disagree about, or that has to be kept
/// and cannot. Others: a file that cannot be read, that changed, or that no layer can hold; the blob cannot be
/// written; the caller asked to stop.
pub fn make<W: Write>(
    recipe: &Recipe,
    pool: &Pool,
    watch: &Watch<'_>,
    earlier: Option<Earlier>,
    blob: impl FnOnce() -> io::Result<W>,
) -> Result<Made<W>> {
    recipe.check()?;
    let mut looked = None;
    if let [source @ Source { input: Input::Archive(_), .. }] = &*recipe.sources {
        let archive = Looked::at(recipe, source, watch)?;
        if archive.reasons().is_empty() {
            let fingerprint = seen::joined(recipe, vec![Some(archive.fingerprint())]);
            return Ok(Made { fingerprint, ..keep(recipe, archive) });
        }
        looked = Some(archive);
    }
    let blob = blob().map_err(|error| Error::io("the layer cannot be written", error))?;
    let mut packer = Packer::new(recipe, Output::new(pool, recipe.compressor, &recipe.limits, watch, earlier, blob)?);
    let mut fingerprints = Vec::new();
    for source in &recipe.sources {
        fingerprints.push(match (&source.input, looked.take()) {
            (Input::Directory(path), _) => Some(pack_directory(&mut packer, recipe, source, path)?),
            (Input::Archive(_), looked) => {
                let archive = looked.map_or_else(|| Looked::at(recipe, source, watch), Ok)?;
                archive.pack(&mut packer)?;
                Some(archive.fingerprint())
            }
            (Input::Layers(input), _) => {
                layers::pack(&mut packer, recipe, source, input)?;
                source.fingerprint.clone()
            }
        });
    }
    let (Written { descriptor, index, blob, blocks }, report) = packer.finish()?;
    let fingerprint = seen::joined(recipe, fingerprints);
    Ok(Made { descriptor, index, blob: Blob::Packed(blob), report, fingerprint, blocks: Some(blocks) })
}

/// The layer that an archive is.
fn keep<W>(recipe: &Recipe, archive: Looked<'_>) -> Made<W> {
    let (survey, landing) = archive.into_layer();
    let media_type = Form::Layer(survey.compression).media_type().unwrap_or(MediaType::ImageLayer);
    let descriptor = Descriptor::new(media_type, survey.index.digest().clone(), survey.size);
    let is_above = |path: &[u8]| LayerPath::parse(path).is_ok_and(|path| recipe.prefix.path().is_within(&path));
    let is_empty = survey.index.entries().all(|entry| entry.kind == Kind::Directory && is_above(entry.path));
    let empty = if is_empty { vec![0] } else { Vec::new() };
    let report = Report { landings: vec![landing], empty, ..Report::default() };
    Made { descriptor, index: survey.index, blob: Blob::Kept, report, fingerprint: None, blocks: None }
}

fn pack_directory<W: Write>(
    packer: &mut Packer<'_, W>,
    recipe: &Recipe,
    source: &Source,
    path: &Path,
) -> Result<Fingerprint> {
    let route = Route::new(recipe, source, directory_landing(recipe, source))?;
    let left = RefCell::new(Left::default());
    let see = |path: &LayerPath, is_directory, place: &Place| left.borrow_mut().see(recipe, path, is_directory, place);
    let mut entries = open_directory(path, &route, see)?;
    let root = entries.next()?.unwrap_or_else(|| directory_entry(LayerPath::root(), Time::default()));
    let reading = Reading { source, route: &route, root, parents: Parents::default(), links: Links::Directory };
    packer.add(reading, &mut entries)?;
    let fingerprint = entries.fingerprint();
    packer.end(source, left.into_inner(), route.choice().unmatched())?;
    Ok(fingerprint)
}

/// Where the content of a directory lands.
fn directory_landing(recipe: &Recipe, source: &Source) -> LayerPath {
    source.to.clone().unwrap_or_else(|| recipe.prefix.path().clone())
}

/// Opens a directory of the host for what a route takes of it. `see` is told what becomes of each name, and whether that is
/// a directory's.
fn open_directory<'a>(
    directory: &Path,
    route: &'a Route<'_>,
    see: impl Fn(&LayerPath, bool, &Place) + 'a,
) -> Result<Directory<'a>> {
    Directory::open(directory, move |path, is_directory| {
        // What is too long for a path of the image is told when it is written.
        let place = route.place(path, is_directory).unwrap_or(Place::Nothing);
        see(path, is_directory, &place);
        !matches!(place, Place::Filtered | Place::TooShort)
    })
}

/// A directory 0755 0:0.
fn directory_entry(path: LayerPath, mtime: Time) -> Entry {
    Entry { path, body: Body::Directory, mode: 0o755, uid: 0, gid: 0, mtime, xattrs: Xattrs::new() }
}

/// The same error, which says which source it is about.
fn in_source(error: Error, source: &Source) -> Error {
    if error.file().is_some() { error } else { error.in_file(source.name()) }
}
