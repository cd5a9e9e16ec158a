//! The base as the check sees it: an index of each of its layers, read once and remembered.

use crate::local::Local;
use crate::open::{OpenBase, OpenImage};
use crate::pins::FarLayer;
use crate::settings::Run;
use crate::{Error, Event, Result, event, workers};
use oci_merge_image::{Descriptor, DiffId};
use oci_merge_layer::{LayerIndex, Rules, Survey, survey_verified};
use oci_merge_store::{Error as StoreError, ErrorKind as StoreKind};
use std::io;
use std::sync::OnceLock;

/// The indexes of the base's layers, read once: by a thread of its own while layers are made, and at the latest when
/// somebody asks for them.
pub(crate) struct BaseIndexes<'a> {
    base: &'a OpenBase,
    local: &'a Local,
    run: &'a Run,
    read: OnceLock<Result<Vec<LayerIndex>>>,
}

impl<'a> BaseIndexes<'a> {
    pub(crate) fn new(base: &'a OpenBase, local: &'a Local, run: &'a Run) -> BaseIndexes<'a> {
        BaseIndexes { base, local, run, read: OnceLock::new() }
    }

    /// The indexes, the lowest first; `None` if they cannot be read, which is for [`Self::finish`] to say.
    pub(crate) fn get(&self) -> Option<&[LayerIndex]> {
        self.read.get_or_init(|| index_base(self.base, self.local, self.run)).as_deref().ok()
    }

    /// Whether it is known already that they cannot be read.
    pub(crate) fn have_failed(&self) -> bool {
        matches!(self.read.get(), Some(Err(_)))
    }

    pub(crate) fn finish(self) -> Result<Vec<LayerIndex>> {
        self.get();
        self.read.into_inner().unwrap_or_else(|| Ok(Vec::new()))
    }
}

/// The indexes of the base's layers, the lowest first.
///
/// A layer that the local store knows, or whose index may be believed, is not fetched at all; any other is streamed once, and nothing of it is kept
/// but its index.
fn index_base(base: &OpenBase, local: &Local, run: &Run) -> Result<Vec<LayerIndex>> {
    let Some(open) = &base.image else { return Ok(Vec::new()) };
    let manifest = open.image.manifest.value();
    let pairs = pairs(open)?;
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

/// The layers of an image and their diff_ids, the lowest first.
pub(crate) fn pairs(open: &OpenImage) -> Result<Vec<(&Descriptor, &DiffId)>> {
    let (manifest, config) = (open.image.manifest.value(), open.image.config.value());
    if manifest.layers.len() != config.diff_ids.len() {
        let (layers, diff_ids) = (manifest.layers.len(), config.diff_ids.len());
        let text = format!("its manifest has {layers} layers, its config {diff_ids} diff_ids");
        return Err(Error::store(&open.name, StoreError::new(StoreKind::Document, open.store.name(), text)));
    }
    Ok(manifest.layers.iter().zip(&config.diff_ids).collect())
}

/// The index of one layer of an image that is read and not judged.
pub(crate) fn index_layer(
    open: &OpenImage,
    layer: &Descriptor,
    diff_id: &DiffId,
    local: &Local,
    run: &Run,
) -> Result<LayerIndex> {
    let known = || {
        let remembered = local.index(layer, diff_id);
        // What lies on this machine is as soon read.
        let is_far = open.reference.is_some();
        let far = || {
            is_far.then_some(FarLayer {
                store: &open.store,
                layer,
                diff_id: Some(diff_id),
                image: &open.descriptor.digest,
            })
        };
        remembered.or_else(|| run.pins.index(&far()?, local, run))
    };
    if !run.deep
        && let Some(index) = known()
    {
        return Ok(index);
    }
    if run.cancel.is_cancelled() {
        return Err(Error::Cancelled);
    }
    let rules = Rules::base(run.limits.clone());
    let survey = match read(open, layer, &rules) {
        // Spoilt on the way, perhaps.
        Err(Error::Store { source, .. }) if source.kind() == StoreKind::Mismatch => read(open, layer, &rules)?,
        other => other?,
    };
    if survey.index.diff_id() != diff_id {
        let text = format!("the tar of layer {}: expected {diff_id}, found {}", layer.digest, survey.index.diff_id());
        let error = StoreError::new(StoreKind::Mismatch, open.store.name(), text).because("CONFIG_DIFF_IDS");
        return Err(Error::store(&open.name, error));
    }
    local.remember(&survey.index);
    Ok(survey.index)
}

/// Reads a layer as it comes from its store.
fn read(open: &OpenImage, layer: &Descriptor, rules: &Rules) -> Result<Survey> {
    let mut content = open.store.fetch(layer).map_err(|e| Error::store(&open.name, e))?;
    survey_verified(&mut content, &layer.digest, rules).map_err(|e| {
        // Whether it is the archive that is bad, or what came of it, is known at the end of the bytes.
        let rest = io::copy(&mut content, &mut io::sink()).err().and_then(|e| StoreError::carried_by(e).ok());
        match rest {
            Some(ours) if ours.kind() == StoreKind::Mismatch => Error::store(&open.name, ours),
            _ => unreadable(open, layer, e),
        }
    })
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
