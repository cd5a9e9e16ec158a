//! Layers of an image as a source: what they leave when they are unpacked one after the other, cut to what is taken
//! (design: collisions, section 12).
//!
//! Everything is decided on their indexes. Only then are the blobs read, once each, and only those that something is
//! taken of; directories come first, because a higher layer may say what a directory is that a lower one fills.

mod between;
mod cut;
mod join;
mod links;
mod reuse;
mod stream;
mod through;
mod tree;

pub use join::join;
pub use reuse::{Reuse, reuse};

use super::links::Links;
use super::pack::{Packer, Reading};
use super::parents::Parents;
use super::recipe::{Recipe, Source};
use super::route::Route;
use super::{directory_entry, in_source};
use crate::{Entry, Error, LayerIndex, Result};
use cut::Cut;
use oci_merge_image::{LayerPath, compare_paths};
use std::cmp::Ordering;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stream::Stream;
use tree::Tree;

/// Opens the blob of the layer with a number, at its first byte.
type Open = dyn Fn(usize) -> io::Result<Box<dyn Read + Send>> + Send + Sync;

/// Layers of an image, the lowest first.
#[derive(Clone)]
pub struct Layers {
    name: PathBuf,
    indexes: Vec<Arc<LayerIndex>>,
    open: Arc<Open>,
}

impl Layers {
    /// Layers with these indexes. `open` opens the blob of the one with a number, from 0; it has to be verified while
    /// it is read. `name` is what messages call the image.
    ///
    /// Of a layer with whiteouts or devices, and of one with [notes](LayerIndex::notes), the index is one that was read
    /// by [`Rules::source`](crate::Rules::source).
    pub fn new(
        name: &str,
        indexes: Vec<Arc<LayerIndex>>,
        open: impl Fn(usize) -> io::Result<Box<dyn Read + Send>> + Send + Sync + 'static,
    ) -> Layers {
        Layers { name: name.into(), indexes, open: Arc::new(open) }
    }

    /// What messages call the image.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    fn indexes(&self) -> Vec<&LayerIndex> {
        self.indexes.iter().map(|index| &**index).collect()
    }

    /// The path of an entry, by layer and place.
    fn path(&self, at: &(usize, usize)) -> &[u8] {
        self.indexes.get(at.0).and_then(|index| index.get(at.1)).map_or(&[], |entry| entry.path)
    }

    /// How the path of an entry compares with another path.
    fn order(&self, at: &(usize, usize), path: &[u8]) -> Ordering {
        compare_paths(self.path(at), path)
    }

    /// An error, which says in which layer it arose.
    fn in_layer(&self, number: usize, error: Error) -> Error {
        match self.indexes.get(number) {
            Some(index) => error.in_place(&format!("{}, layer {}", self.name.display(), index.digest().short())),
            None => error,
        }
    }
}

impl fmt::Debug for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digests: Vec<_> = self.indexes.iter().map(|index| index.digest()).collect();
        f.debug_struct("Layers").field("name", &self.name).field("layers", &digests).finish_non_exhaustive()
    }
}

/// Writes what is taken of layers of an image.
pub(super) fn pack<W: Write>(
    packer: &mut Packer<'_, W>,
    recipe: &Recipe,
    source: &Source,
    layers: &Layers,
) -> Result<()> {
    let cut = Cut::new(recipe, source)?;
    let mut tree = Tree::of(layers, &cut).map_err(|error| in_source(error, source))?;
    let report = packer.report();
    report.outside.append(std::mem::take(&mut tree.outside));
    report.filtered.append(std::mem::take(&mut tree.left_out));
    report.deletions.append(std::mem::take(&mut tree.deletions));
    // The stream has the paths of the image already.
    let here = Source { include: Vec::new(), exclude: Vec::new(), ..source.clone() };
    let route = Route::new(recipe, &here, LayerPath::root())?;
    let mut stream = Stream::new(layers, &cut, &tree, &recipe.limits)?;
    let (parents, links) = (Parents::default(), Links::Directory);
    let reading = Reading { source, route: &route, root: root(recipe, layers, &cut, &tree), parents, links };
    let left = packer.add(reading, &mut stream)?;
    packer.end(source, left, cut.unmatched())
}

/// The prefix directory; if the layers have none, one with the newest time of all that is taken.
fn root(recipe: &Recipe, layers: &Layers, cut: &Cut<'_>, tree: &Tree) -> Entry {
    let prefix = tree.directories.iter().find_map(|&(layer, place)| {
        let entry = layers.indexes.get(layer)?.get(place)?;
        let path = LayerPath::parse(entry.path).ok()?;
        (cut.path(&path, true).ok()?.as_ref() == Some(recipe.prefix.path())).then_some(entry)
    });
    let root = directory_entry(LayerPath::root(), tree.newest);
    prefix.map_or(root.clone(), |found| Entry { uid: found.uid, gid: found.gid, mtime: found.mtime, ..root })
}
