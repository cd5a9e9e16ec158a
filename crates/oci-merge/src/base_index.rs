//! The base as the check sees it: an index of each of its layers, read once and remembered.

use crate::local::Local;
use crate::open::{OpenBase, OpenImage};
use crate::settings::Run;
use crate::{Error, Event, Result, event, workers};
use oci_merge_image::{Descriptor, DiffId};
use oci_merge_layer::{LayerIndex, Rules, survey};
use oci_merge_store::{Error as StoreError, ErrorKind as StoreKind};

/// The indexes of the base's layers, the lowest first.
///
/// A layer that the local store knows is not fetched at all; any other is streamed once, and nothing of it is kept
/// but its index.
pub(crate) fn index_base(base: &OpenBase, local: &Local, run: &Run) -> Result<Vec<LayerIndex>> {
    let Some(open) = &base.image else { return Ok(Vec::new()) };
    let (manifest, config) = (open.image.manifest.value(), open.image.config.value());
    if manifest.layers.len() != config.diff_ids.len() {
        let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids.len());
        let text = format!("its manifest has {layers} layers, its config {diff_ids} diff_ids");
        return Err(Error::store(&open.name, StoreError::new(StoreKind::Document, open.store.name(), text)));
    }
    let pairs: Vec<_> = manifest.layers.iter().zip(&config.diff_ids).collect();
    let indexes =
        workers::for_each(&pairs, run.jobs(), |(layer, diff_id)| index_layer(open, layer, diff_id, local, run));
    let indexes: Vec<LayerIndex> = indexes.into_iter().collect::<Result<_>>()?;
    run.observer.tell(Event::LayerReady {
        layer: "base".into(),
        version: None,
        prefix: "/".into(),
        how: event::How::Base,
        size: manifest.layers.iter().map(|l| l.size).sum(),
        paths: indexes.iter().map(|i| i.len() as u64).sum(),
        digest: open.descriptor.digest.clone(),
        notes: Vec::new(),
    });
    Ok(indexes)
}

/// The index of one layer of an image that is read and not judged.
pub(crate) fn index_layer(
    open: &OpenImage,
    layer: &Descriptor,
    diff_id: &DiffId,
    local: &Local,
    run: &Run,
) -> Result<LayerIndex> {
    if let Some(index) = local.index(layer, diff_id) {
        return Ok(index);
    }
    if run.cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let content = open.store.fetch(layer).map_err(|e| Error::store(&open.name, e))?;
    let rules = Rules::base(run.limits.clone());
    let survey = survey(content, &rules).map_err(|e| unreadable(open, layer, e))?;
    if survey.index.diff_id() != diff_id {
        let text = format!("the tar of layer {}: expected {diff_id}, found {}", layer.digest, survey.index.diff_id());
        return Err(Error::store(&open.name, StoreError::new(StoreKind::Mismatch, open.store.name(), text)));
    }
    local.remember(&survey.index);
    Ok(survey.index)
}

/// A layer of the base that cannot be read: wrong bytes from its store, or an archive that nobody can read.
fn unreadable(open: &OpenImage, layer: &Descriptor, error: oci_merge_layer::Error) -> Error {
    match StoreError::carried_by(error) {
        Ok(ours) => Error::store(&open.name, ours),
        Err(theirs) => {
            Error::Layer { layer: format!("base {}, layer {}", open.name, layer.digest.short()), source: theirs }
        }
    }
}
