//! Looking at an image: its layers, its environment, its files.

use crate::assemble::{LAYER, PREFIX, VERSION};
use crate::groups::{self, Member, Origins};
use crate::local::Local;
use crate::open::{OpenImage, open_image};
use crate::settings::{Run, Settings};
use crate::spec::BaseSource;
use crate::tree::Tree;
use crate::{Result, base_index, workers};
use oci_merge_image::{Digest, LayerPath};
use oci_merge_layer::{EntryView, Kind, LayerIndex};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// An image, as its documents describe it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Inspected {
    /// As it was asked for.
    pub reference: String,
    /// What the reference resolved to.
    pub digest: Digest,
    /// The digest of its manifest.
    pub manifest_digest: Digest,
    /// The digest of its config.
    pub config_digest: Digest,
    /// The platform it is for.
    pub platform: String,
    /// Its layers, the lowest first.
    pub layers: Vec<InspectedLayer>,
    /// Its environment, `NAME=VALUE`.
    pub env: Vec<String>,
    /// The annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
}

/// A layer of an image; name, version and prefix are there if oci-merge made it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct InspectedLayer {
    /// Its name in the spec.
    pub name: Option<String>,
    /// Its version in the spec.
    pub version: Option<String>,
    /// Its prefix.
    pub prefix: Option<String>,
    /// Bytes of its blob.
    pub size: u64,
    /// The digest of its blob.
    pub digest: Digest,
    /// The digest of its tar.
    pub diff_id: Option<Digest>,
    /// The layers that it was joined of, the lowest first; none if it was not.
    pub joined: Vec<Member>,
}

/// One path of an image's tree.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Listed {
    /// The path from the root, escaped.
    pub path: String,
    /// `d`, `-`, `l`, `p`, `c` or `b`, as `ls -l` has it.
    pub kind: char,
    /// Permission bits, 07777.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of a file.
    pub size: u64,
    /// Where a symlink points, escaped.
    pub target: Option<String>,
    /// The layer it comes from: its name, or its number from 1 at the bottom. Of a joined layer, the member; `a or b` if
    /// either may be meant; the joined layer itself if more than three may be, or for a directory above what others have.
    pub layer: String,
}

/// Reads the documents of an image.
///
/// # Errors
/// There is no such image, or its documents are not to be trusted.
pub fn inspect(source: &BaseSource, directory: &Path, settings: &Settings) -> Result<Inspected> {
    let run = Run::new(settings.clone());
    let open = open_image(source, directory, run.platform.as_ref(), &run)?;
    let (manifest, config) = (open.image.manifest.value(), open.image.config.value());
    let mut diff_ids = config.diff_ids.iter().map(|d| d.0.clone());
    let layers = manifest.layers.iter().map(|layer| InspectedLayer {
        name: layer.annotations.get(LAYER).cloned(),
        version: layer.annotations.get(VERSION).cloned(),
        prefix: layer.annotations.get(PREFIX).cloned(),
        size: layer.size,
        digest: layer.digest.clone(),
        diff_id: diff_ids.next(),
        joined: groups::members(&layer.annotations),
    });
    Ok(Inspected {
        reference: open.name.clone(),
        digest: open.image.digest.clone(),
        manifest_digest: open.image.manifest.digest().clone(),
        config_digest: open.image.config.digest().clone(),
        platform: config.platform.to_string(),
        layers: layers.collect(),
        env: config.env.clone(),
        annotations: manifest.annotations.clone(),
    })
}

/// Lists the files of an image, whiteouts applied, each with the layer that it comes from; sorted by path.
///
/// # Errors
/// There is no such image, or a layer of it cannot be read.
pub fn list(source: &BaseSource, directory: &Path, settings: &Settings) -> Result<Vec<Listed>> {
    let run = Run::new(settings.clone());
    let open = open_image(source, directory, run.platform.as_ref(), &run)?;
    let local = Local::open(&run)?;
    let (manifest, config) = (open.image.manifest.value(), open.image.config.value());
    let pairs: Vec<_> = manifest.layers.iter().zip(&config.diff_ids).collect();
    let indexes = workers::for_each(&pairs, run.jobs(), |(layer, diff_id)| {
        base_index::index_layer(&open, layer, diff_id, &local, &run)
    });
    let indexes: Vec<LayerIndex> = indexes.into_iter().collect::<Result<_>>()?;
    let mut tree = Tree::default();
    for (number, index) in indexes.iter().enumerate() {
        let layer = layer_name(&open, number);
        let annotations = open.image.manifest.value().layers.get(number).map(|layer| &layer.annotations);
        let origins = Origins::of(annotations.map(groups::members).unwrap_or_default());
        tree.apply(index, |path, entry| Some(listed(path, entry, origins.find(path, entry.kind).unwrap_or(&layer))));
    }
    Ok(tree.into_paths().into_values().collect())
}

fn layer_name(open: &OpenImage, number: usize) -> String {
    let layer = open.image.manifest.value().layers.get(number);
    layer.and_then(|l| l.annotations.get(LAYER)).cloned().unwrap_or_else(|| format!("{}", number + 1))
}

fn listed(path: &LayerPath, entry: &EntryView<'_>, layer: &str) -> Listed {
    Listed {
        path: path.to_string(),
        kind: match entry.kind {
            Kind::Directory => 'd',
            Kind::File => '-',
            Kind::Symlink => 'l',
            Kind::Fifo => 'p',
            Kind::CharDevice => 'c',
            Kind::BlockDevice => 'b',
        },
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        size: entry.size,
        target: entry.target.map(|t| oci_merge_image::shown(t).to_string()),
        layer: layer.to_owned(),
    }
}
