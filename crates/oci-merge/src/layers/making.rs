//! Making a layer into the local store, unless an earlier run did.

use super::Bench;
use crate::event::{How, Phase};
use crate::gather::gather;
use crate::local::Lineage;
use crate::notes::{Told, told};
use crate::spec::LayerSpec;
use crate::{Error, Event, Result};
use oci_merge_image::{Descriptor, Digest};
use oci_merge_layer::make::{self, Blob, Progress, Recipe, Watch, make};
use oci_merge_layer::{ErrorKind as LayerKind, Fingerprint, LayerIndex};
use std::fs::File;

/// A layer that was written into the local store, now or in an earlier run.
pub(crate) struct Making {
    pub(crate) descriptor: Descriptor,
    pub(crate) index: LayerIndex,
    pub(crate) how: How,
    /// What a person should know of how it came about.
    pub(crate) told: Told,
    pub(crate) is_remembered: bool,
}

impl Bench<'_> {
    /// A layer that the local store remembers; else it is made.
    pub(crate) fn obtain(&self, layer: &LayerSpec, recipe: &Recipe) -> Result<Making> {
        if self.may_remember(layer) {
            // What cannot be looked at is told by those who read it.
            let fingerprint = make::fingerprint(recipe).ok().flatten();
            if let Some(known) = fingerprint.and_then(|fingerprint| self.local.layer(&fingerprint)) {
                return Ok(known);
            }
        }
        for source in &layer.sources {
            gather(self.spec, layer, source, &self.base.platform, self.local, self.run)?;
        }
        self.pack(layer, recipe)
    }

    /// Whether what earlier runs made of a layer counts.
    fn may_remember(&self, layer: &LayerSpec) -> bool {
        !self.run.deep && !self.run.remake.includes(&layer.name)
    }

    /// Makes a layer into the local store, and remembers what it was made from.
    fn pack(&self, layer: &LayerSpec, recipe: &Recipe) -> Result<Making> {
        let moment = self.local.moment();
        let progress = |progress: Progress| self.tell(layer, progress);
        let watch = Watch { progress: &progress, cancelled: self.run.cancel.flag() };
        let store = |e| Error::store(&layer.name, e);
        let blob = || self.local.layout().stage().map_err(std::io::Error::other);
        let lineage = Lineage::new(&self.spec.directory, &layer.name, &self.base.platform.to_string());
        let earlier = if self.may_remember(layer) { self.local.earlier(&lineage) } else { None };
        let made = make(recipe, self.pool, &watch, earlier, blob).map_err(|e| failed(&layer.name, e))?;
        let how = match made.blob {
            Blob::Packed(staged) => {
                staged.commit(&made.descriptor).map_err(store)?;
                How::Packed
            }
            Blob::Kept => {
                for source in &recipe.sources {
                    let path = source.input.path();
                    let file = File::open(path).map_err(|e| Error::disk(path, "cannot be read", e))?;
                    self.local.layout().adopt(&file, &made.descriptor).map_err(store)?;
                }
                How::Kept
            }
        };
        if let Some(blocks) = made.blocks {
            self.local.remember_blocks(&lineage, &made.descriptor, blocks);
        }
        let include = if layer.from.is_some() { "paths" } else { "include" };
        let told = told(&made.report, include, &made.index);
        let making = Making { descriptor: made.descriptor, index: made.index, how, told, is_remembered: false };
        if let (Some(fingerprint), Some(moment)) = (made.fingerprint, moment) {
            self.local.remember_layer(&fingerprint, moment, &making);
        }
        Ok(making)
    }

    /// What tells layers of an image from others: their blobs, and what is known of these.
    pub(crate) fn fingerprint(&self, layers: &[Descriptor]) -> Option<Fingerprint> {
        let known =
            |layer: &Descriptor| Some([layer.digest.clone(), self.local.index_blob(&layer.digest)?.descriptor.digest]);
        let digests: Vec<Digest> =
            layers.iter().map(known).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        Some(Fingerprint::of_digests(&digests))
    }

    fn tell(&self, layer: &LayerSpec, progress: Progress) {
        let layer = layer.name.clone();
        self.run.observer.tell(Event::LayerProgress { layer, phase: Phase::Pack, done: progress.bytes, total: None });
    }
}

/// An error of the packer: its own, or one of the store that it wrote to.
pub(crate) fn failed(layer: &str, error: oci_merge_layer::Error) -> Error {
    match oci_merge_store::Error::carried_by(error) {
        Ok(ours) => Error::store(layer, ours),
        Err(error) if error.kind() == LayerKind::Cancelled => Error::Cancelled,
        Err(source) => Error::Layer { layer: layer.to_owned(), source },
    }
}
