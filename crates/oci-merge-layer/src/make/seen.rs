//! What a layer is made from, told apart without reading it.

use super::recipe::{Ancestors, Input, Owner, Recipe, Source, Times};
use super::route::Route;
use super::{directory_landing, open_directory};
use crate::Result;
use crate::compressor::Compressor;
use crate::directory::{FileSystem, Stamp};
use crate::fingerprint::{Fingerprint, Print};
use crate::index::READER_VERSION;
use rustix::fs::{FileType, stat};
use std::fs::File;

/// The version of the packer: higher whenever a recipe and its sources yield other bytes, or other things are told of
/// them, than before.
const PACKER_VERSION: u64 = 4;

/// What decides about bytes besides recipes and sources: the versions of all that takes part.
pub fn version(compressor: Compressor) -> String {
    let (ours, compressor) = (env!("CARGO_PKG_VERSION"), compressor.version());
    format!("{ours}, packer {PACKER_VERSION}, reader {READER_VERSION}, {compressor}")
}

/// What tells a recipe and the state of its sources from others, without reading these: the layer is the same whenever
/// this is. `None` for layers of an image, unless their [`Source::fingerprint`] is known.
///
/// # Errors
/// A source cannot be looked at, or [`make`](super::make) would refuse it.
pub fn fingerprint(recipe: &Recipe) -> Result<Option<Fingerprint>> {
    recipe.check()?;
    let sources = recipe.sources.iter().map(|source| of_source(recipe, source)).collect::<Result<Vec<_>>>()?;
    Ok(joined(recipe, sources))
}

/// The fingerprint of a recipe with sources that were looked at, or read.
pub(super) fn joined(recipe: &Recipe, sources: Vec<Option<Fingerprint>>) -> Option<Fingerprint> {
    let sources: Vec<Fingerprint> = sources.into_iter().collect::<Option<_>>()?;
    Some(Fingerprint::join(std::iter::once(&of_recipe(recipe)).chain(&sources)))
}

fn of_source(recipe: &Recipe, source: &Source) -> Result<Option<Fingerprint>> {
    if source.fingerprint.is_some() {
        return Ok(source.fingerprint.clone());
    }
    Ok(match &source.input {
        Input::Directory(path) => {
            let route = Route::new(recipe, source, directory_landing(recipe, source))?;
            Some(open_directory(path, &route, |_, _, _| {})?.look()?)
        }
        Input::Archive(path) => {
            let unreadable = |error| super::archive::unreadable(error, source);
            let stat = stat(path).map_err(|errno| unreadable(errno.into()))?;
            // Not opened before that is known: a FIFO would wait for somebody to write.
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Ok(None);
            }
            let file = File::open(path).map_err(unreadable)?;
            let system = FileSystem::of(&file).map_err(|errno| unreadable(errno.into()))?;
            Some(of_archive(&Stamp::from(&stat), system))
        }
        Input::Layers(_) => None,
    })
}

/// The fingerprint of an archive's file.
pub(super) fn of_archive(stamp: &Stamp, system: FileSystem) -> Fingerprint {
    let mut print = Print::default();
    print.system(system);
    print.stamp(stamp);
    print.finish()
}

/// What of a recipe decides about the bytes of the layer and about what is told of it. No field is left out, so that
/// whoever adds one has to think of this.
fn of_recipe(recipe: &Recipe) -> Fingerprint {
    let Recipe { prefix, owns, sources, exclude, ancestors, base, times, compressor, limits } = recipe;
    let mut print = Print::default();
    print.text(&version(*compressor));
    print.bytes(prefix.path().as_bytes());
    texts(&mut print, owns.patterns());
    texts(&mut print, exclude);
    // The base matters to those only who take something over from it.
    let takes_over = match ancestors {
        Ancestors::Emit => !owns.patterns().is_empty(),
        Ancestors::Base => true,
        Ancestors::Omit => false,
    };
    print.number(*ancestors as u64);
    let taken_over = base.iter().filter(|_| takes_over);
    print.number(taken_over.clone().count() as u64);
    for (path, attributes) in taken_over {
        print.bytes(path.as_bytes());
        print.text(&attributes.to_string());
    }
    print.text(&match times {
        Times::Keep => "keep".to_owned(),
        Times::Clamp(seconds) => format!("clamp {seconds}"),
        Times::Set(seconds) => format!("set {seconds}"),
    });
    // What is refused under other limits is not known to be good.
    print.text(&format!("{limits:?}"));
    print.number(sources.len() as u64);
    sources.iter().for_each(|source| add_source(&mut print, source));
    print.finish()
}

fn add_source(print: &mut Print, source: &Source) {
    // Where it lies plays no part, and what tells its states apart is not the recipe's.
    let Source { input, strip, include, exclude, to, owner, keep, fingerprint: _, known_as: _ } = source;
    print.number(match input {
        Input::Directory(_) => 0,
        Input::Archive(_) => 1,
        Input::Layers(_) => 2,
    });
    print.number(*strip as u64);
    texts(print, include);
    texts(print, exclude);
    print.number(to.is_some().into());
    print.bytes(to.as_ref().map_or(b"", |to| to.as_bytes()));
    print.text(&match owner {
        Owner::Root => "root".to_owned(),
        Owner::Keep => "keep".to_owned(),
        Owner::Ids(uid, gid) => format!("{uid}:{gid}"),
    });
    print.number((*keep).into());
}

fn texts(print: &mut Print, texts: &[String]) {
    print.number(texts.len() as u64);
    texts.iter().for_each(|text| print.text(text));
}
