//! Several finished layers as one that unpacks to the same tree.

use super::super::Watch;
use super::super::output::{Output, Written};
use super::Layers;
use super::cut::Lands;
use super::stream::Stream;
use super::tree::Tree;
use crate::check::BaseView;
use crate::compressor::{Compressor, Pool};
use crate::{Body, Entries, Entry, EntryView, Error, ErrorKind, Kind, LayerIndex, Limits, Result, Xattrs};
use oci_merge_image::{Descriptor, LayerPath};
use std::io::{self, Write};

/// Joins layers that lie on one another, the lowest first, into one. Unpacked, it gives the same tree as they do, whatever
/// lies below and above, if they are layers as [`check`](crate::check::check) accepts them side by side: of each path, the
/// uppermost layer's entry. Nothing is added: a directory without an entry stays without one.
///
/// This runs on the calling thread, and needs memory for the indexes and the compressor only. Which threads there are
/// and how the blobs of the layers are compressed shows nowhere in the result.
///
/// # Errors
/// [`ErrorKind::Source`](crate::ErrorKind::Source): a layer deletes something, or has extended attributes on the root.
/// Others: a blob cannot be read, or holds something else than its index says; the new one cannot be written; the caller
/// asked to stop.
pub fn join<W: Write>(
    layers: &Layers,
    compressor: Compressor,
    limits: &Limits,
    pool: &Pool,
    watch: &Watch<'_>,
    blob: W,
) -> Result<(Descriptor, LayerIndex, W)> {
    let mut out = Output::new(pool, compressor, limits, watch, None, blob)?;
    if let Some(root) = root(layers)? {
        out.put(&root)?;
    }
    let tree = union(layers);
    let mut entries = Stream::new(layers, &Unmoved, &tree, limits)?;
    while let Some(entry) = entries.next()? {
        if !matches!(entry.body, Body::File { .. }) {
            out.put(&entry)?;
            continue;
        }
        let mut content = entries.content()?;
        let read = |piece: &mut [u8]| loop {
            match content.read(piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(Error::from),
            }
        };
        out.put_file(&entry, read, |_| ())?;
    }
    let Written { descriptor, index, blob, .. } = out.finish()?;
    Ok((descriptor, index, blob))
}

/// Everything stays where it is, and as it is.
struct Unmoved;

impl Lands for Unmoved {
    fn lands(&self, path: &LayerPath, _: bool) -> Result<Option<LayerPath>> {
        Ok(Some(path.clone()))
    }

    fn needs(&self, _: &[u8]) -> bool {
        true
    }
}

/// Of each path, the uppermost layer's entry.
fn union(layers: &Layers) -> Tree {
    let indexes = layers.indexes();
    let taken = indexes.iter().map(|index| vec![false; index.len()]).collect();
    let mut tree = Tree { taken, ..Tree::default() };
    for at in BaseView::new(&indexes).tree() {
        let is_directory = |entry: EntryView<'_>| entry.kind == Kind::Directory;
        if indexes.get(at.0).and_then(|index| index.get(at.1)).is_some_and(is_directory) {
            tree.directories.push(at);
        } else if let Some(taken) = tree.taken.get_mut(at.0).and_then(|layer| layer.get_mut(at.1)) {
            *taken = true;
        }
    }
    tree
}

/// The uppermost layer's entry for the root, if any has one.
fn root(layers: &Layers) -> Result<Option<Entry>> {
    let mut uppermost = None;
    for (number, index) in layers.indexes.iter().enumerate() {
        let refuse = |text: &str| Err(layers.in_layer(number, Error::new(ErrorKind::Source, text)));
        if !index.whiteouts().is_empty() {
            return refuse("it deletes what lies below it, and cannot be joined with another layer");
        }
        let Some(root) = index.root() else { continue };
        if root.xattrs.is_some() {
            return refuse("its root has extended attributes, and it cannot be joined with another layer");
        }
        uppermost = Some(Entry {
            path: LayerPath::root(),
            body: Body::Directory,
            mode: root.mode,
            uid: root.uid,
            gid: root.gid,
            mtime: root.mtime,
            xattrs: Xattrs::new(),
        });
    }
    Ok(uppermost)
}
