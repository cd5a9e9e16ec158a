//! An image that files are taken from: opened for the platform of the run, without the layers that it shares with the
//! base, and with an index of each of the others.

use super::keeping::{Keeping, Wanted};
use super::turns::Turns;
use crate::local::Local;
use crate::open::{OpenBase, OpenImage, OpenManifest, open_manifest};
use crate::pins::FarLayer;
use crate::settings::Run;
use crate::spec::BaseSource;
use crate::{Error, Result, base_index, workers};
use oci_merge_image::{Config, Descriptor, DiffId, Document, Form, Reference};
use oci_merge_layer::{LayerIndex, Rules, survey_verified};
use oci_merge_store::{Error as StoreError, Store};
use std::path::Path;
use std::sync::Arc;

/// An image that files are taken from.
pub(crate) struct FromImage {
    /// As it is named.
    pub(crate) name: String,
    /// Its reference, if it lies in a registry.
    pub(crate) reference: Option<Reference>,
    /// Where its blobs are.
    pub(crate) store: Arc<dyn Store>,
    /// `None` if nothing of it had to be known.
    pub(crate) config: Option<Document<Config>>,
    /// How many layers it shares with the base, from the bottom.
    pub(crate) common: usize,
    /// The others, in the media types of OCI, the lowest first.
    pub(crate) layers: Vec<Descriptor>,
    /// Their indexes.
    pub(crate) indexes: Vec<Arc<LayerIndex>>,
}

/// What an image is read with.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// Where paths start.
    pub(crate) directory: &'a Path,
    pub(crate) base: &'a OpenBase,
    pub(crate) local: &'a Local,
    pub(crate) turns: &'a Turns,
    pub(crate) wanted: Wanted<'a>,
    pub(crate) run: &'a Run,
}

impl FromImage {
    /// Opens an image and reads the indexes of its layers for a layer with a name.
    ///
    /// # Errors
    /// There is no such image, or none for the platform of the base; what it says of itself is wrong; one of its layers
    /// is refused, or it has none above the base's.
    pub(crate) fn read(layer: &str, image: &BaseSource, with: &Reading<'_>) -> Result<FromImage> {
        let platform = Some(&with.base.platform);
        let opened = open_manifest(image, with.directory, platform, with.run);
        let open = opened.map_err(|error| match error {
            // An archive that readers disagree about.
            Error::Layer { layer: place, source } => {
                Error::Layer { layer: layer.to_owned(), source: source.in_place(&place) }
            }
            other => other,
        })?;
        let name = open.name.clone();
        let through = |passing: bool| -> Arc<dyn Store> {
            match &open.reference {
                None => open.store.clone(),
                Some(_) => Arc::new(Keeping {
                    far: open.store.clone(),
                    local: with.local.clone(),
                    layer: layer.to_owned(),
                    observer: with.run.observer.clone(),
                    passing,
                }),
            }
        };
        let store = through(false);
        let passing = through(open.reference.as_ref().is_some_and(|reference| with.wanted.leaves(reference)));
        if let Some(image) = FromImage::believed(&open, &store, with) {
            return Ok(image);
        }
        let open = open.with_config(platform)?;
        // What is told of a layer of it begins with the layer that it is for.
        let open = OpenImage { name: format!("{layer}: {name}"), store: passing, ..open };
        let pairs = base_index::pairs(&open)?;
        let common = common(with.base, &pairs);
        let left = pairs.get(common..).unwrap_or_default();
        if left.is_empty() {
            let (base, count) = (with.base.name(), pairs.len());
            return Err(Error::usage(format!(
                "{name} adds nothing to {base}: all of its {count} layers are the base's"
            )));
        }
        let layers = left.iter().map(|(blob, _)| as_oci(&name, blob)).collect::<Result<_>>()?;
        let index = |(blob, diff_id): &(&Descriptor, &DiffId)| {
            with.turns.take(&blob.digest, || index(layer, &name, &open, blob, diff_id, with)).map(Arc::new)
        };
        let indexes = workers::for_each(left, with.run.jobs(), index).into_iter().collect::<Result<_>>()?;
        let (reference, config) = (open.reference.clone(), Some(open.image.config.clone()));
        Ok(FromImage { name, reference, store, config, common, layers, indexes })
    }

    /// The image by its indexes alone, if one of each layer above the base's is believed and no layer is odd: then
    /// nothing of its config has to be known.
    fn believed(open: &OpenManifest, store: &Arc<dyn Store>, with: &Reading<'_>) -> Option<FromImage> {
        open.reference.as_ref().filter(|_| !with.run.deep)?;
        let below = with.base.image.as_ref().map_or(&[][..], |base| &base.image.manifest.value().layers);
        let all = &open.manifest.value().layers;
        let common = below.iter().zip(all).take_while(|(below, layer)| below.digest == layer.digest).count();
        let left = all.get(common..).filter(|left| !left.is_empty())?;
        let index = |layer: &Descriptor| {
            let index = with.run.pins.index(
                &FarLayer { store, layer, diff_id: None, image: &open.descriptor.digest },
                with.local,
                with.run,
            )?;
            index.notes().is_empty().then(|| Arc::new(index))
        };
        let indexes = left.iter().map(index).collect::<Option<_>>()?;
        let layers = left.iter().map(|layer| as_oci(&open.name, layer).ok()).collect::<Option<_>>()?;
        let (name, reference) = (open.name.clone(), open.reference.clone());
        Some(FromImage { name, reference, store: Arc::clone(store), config: None, common, layers, indexes })
    }
}

/// How many layers an image and the base have in common, from the bottom: equal blobs with equal tars.
fn common(base: &OpenBase, pairs: &[(&Descriptor, &DiffId)]) -> usize {
    let Some(base) = &base.image else { return 0 };
    let below = base.image.manifest.value().layers.iter().zip(&base.image.config.value().diff_ids);
    below
        .zip(pairs)
        .take_while(|((blob, diff_id), of_image)| (&blob.digest, *diff_id) == (&of_image.0.digest, of_image.1))
        .count()
}

/// The index of one layer, by the rules for layers that files are taken from.
fn index(
    layer: &str,
    image: &str,
    open: &OpenImage,
    blob: &Descriptor,
    diff_id: &DiffId,
    with: &Reading<'_>,
) -> Result<LayerIndex> {
    let refused = |error: oci_merge_layer::Error| match StoreError::carried_by(error) {
        Ok(ours) => Error::store(&open.name, ours),
        Err(source) => {
            let source = source.in_place(&format!("{image}, layer {}", blob.digest.short()));
            Error::Layer { layer: layer.to_owned(), source }
        }
    };
    let index = base_index::index_layer(open, blob, diff_id, with.local, with.run).map_err(|error| match error {
        Error::Layer { source, .. } => refused(source),
        other => other,
    })?;
    if index.notes().is_empty() {
        return Ok(index);
    }
    // A base may hold what readers disagree about; what is taken from it may not.
    let content = open.store.fetch(blob).map_err(|e| Error::store(&open.name, e))?;
    Ok(survey_verified(content, &blob.digest, &Rules::source(with.run.limits.clone())).map_err(refused)?.index)
}

/// A layer's descriptor as it is written: with the media type of OCI, for the blob is the same, and without annotations.
fn as_oci(image: &str, blob: &Descriptor) -> Result<Descriptor> {
    let form = Form::of(&blob.media_type);
    match (form, form.media_type()) {
        (Form::Layer(_), Some(media_type)) => Ok(Descriptor::new(media_type, blob.digest.clone(), blob.size)),
        (Form::Foreign(_), _) => Err(Error::usage(format!(
            "{image}: its layer {} may not be distributed, and there is no other place to take it from",
            blob.digest
        ))),
        _ => Err(Error::usage(format!(
            "{image}: its layer {} has the media type {}, which is not a layer's",
            blob.digest,
            oci_merge_image::shown(blob.media_type.as_ref())
        ))),
    }
}
