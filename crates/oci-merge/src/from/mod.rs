//! An image as a source (design: collisions, section 12): its layers above those that it shares with the base, byte for
//! byte where they are layers as ours have to be, else what they leave as one new layer.

mod config;
mod image;
mod keeping;
mod turns;

pub(crate) use config::variables;
pub(crate) use image::{FromImage, Reading};
pub(crate) use keeping::Wanted;
pub(crate) use turns::Turns;

use crate::event::How;
use crate::layers::{Bench, Making, Ready, failed, place};
use crate::notes::{self, Told, why_repacked};
use crate::spec::{FromSpec, LayerSpec, Spec};
use crate::{Error, Result};
use oci_merge_image::Reference;
use oci_merge_layer::make::{self, Input, Layers, Owner, Source, reuse};
use oci_merge_layer::{ErrorKind as LayerKind, Note};
use oci_merge_store::Store;
use std::io::{self, Read};
use std::sync::Arc;

/// Where the blob of a layer lies that is used as it is.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) store: Arc<dyn Store>,
    /// The image, if it lies in a registry.
    pub(crate) reference: Option<Reference>,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.store.name())
    }
}

/// Makes the layer, or the layers, that come from an image; the lowest first.
pub(crate) fn make(bench: &Bench<'_>, layer: &LayerSpec, from: &FromSpec) -> Result<Vec<Ready>> {
    // What is chosen from, or lands elsewhere, is packed anew: then all bytes are read twice, once from afar.
    let is_whole = from.paths.is_empty() && from.to.is_none();
    let reading = bench.reading(if is_whole { bench.wanted } else { Wanted::Here });
    let image = FromImage::read(&layer.name, &from.image, &reading).map_err(|e| placed(bench.spec, layer, from, e))?;
    let recipe = bench.recipe(layer, vec![source(bench, &image, layer, from)?])?;
    let found = reuse(&recipe).map_err(|e| placed(bench.spec, layer, from, failed(&layer.name, e)))?;
    let not_taken = match &image.config {
        Some(config) => config::not_taken(config, &bench.base.ground, layer),
        None => Some("believed by its index; nothing of its config was read or taken".to_owned()),
    };
    if found.layers.is_empty() || !found.reasons.is_empty() {
        let made = bench.obtain(layer, &recipe).map_err(|e| placed(bench.spec, layer, from, e))?;
        return packed(bench, layer, &image, made, found.reasons, not_taken).map(|layer| vec![layer]);
    }
    drop(recipe);
    kept(bench, layer, image, &found, not_taken)
}

/// The layers of an image as a source of the packer.
fn source(bench: &Bench<'_>, image: &FromImage, layer: &LayerSpec, from: &FromSpec) -> Result<Source> {
    let fingerprint = bench.fingerprint(&image.layers);
    let (store, blobs) = (image.store.clone(), image.layers.clone());
    let open = move |number: usize| -> io::Result<Box<dyn Read + Send>> {
        let blob = blobs.get(number).ok_or_else(|| io::Error::other("there is no such layer"))?;
        Ok(Box::new(store.fetch(blob)?))
    };
    let layers = Layers::new(&image.name, image.indexes.clone(), open);
    let to = from.to.as_deref().map(|to| place(layer, to)).transpose()?;
    let include = from.paths.clone();
    Ok(Source { include, to, owner: Owner::Keep, fingerprint, ..Source::new(Input::Layers(layers)) })
}

/// An error that the spec is to blame for, with the place in it.
pub(crate) fn placed(spec: &Spec, layer: &LayerSpec, from: &FromSpec, error: Error) -> Error {
    let text = match error {
        Error::Usage(text) => text,
        Error::Layer { source, .. } if source.kind() == LayerKind::Source => source.to_string(),
        other => return other,
    };
    Error::Source { layer: layer.name.clone(), place: spec.place(&from.span), text }
}

/// What the layers of an image leave, as one new layer.
fn packed(
    bench: &Bench<'_>,
    layer: &LayerSpec,
    image: &FromImage,
    made: Making,
    reasons: Vec<Note>,
    not_taken: Option<String>,
) -> Result<Ready> {
    let which = match (image.common + 1, image.common + image.layers.len()) {
        (first, last) if first == last => format!("layer {last}"),
        (first, last) => format!("layers {first} to {last}"),
    };
    let Making { descriptor, index, how, mut told, is_remembered } = made;
    let mut notes = vec![format!("one new layer, made of {which} of {}", image.name)];
    notes.extend(not_taken);
    notes.extend(why_repacked(&reasons));
    told.notes.splice(0..0, notes);
    Ok(Ready { is_remembered, ..bench.ready(layer, descriptor, index, how, told, None)? })
}

/// The layers of an image as they are.
fn kept(
    bench: &Bench<'_>,
    layer: &LayerSpec,
    image: FromImage,
    found: &make::Reuse,
    not_taken: Option<String>,
) -> Result<Vec<Ready>> {
    let (outside, unmatched) = (found.outside.clone(), found.unmatched.clone());
    let report = make::Report { outside, unmatched, ..make::Report::default() };
    let origin = Origin { store: image.store.clone(), reference: image.reference.clone() };
    let mut ready: Vec<Ready> = Vec::with_capacity(found.layers.len());
    for (number, (blob, index)) in image.layers.into_iter().zip(image.indexes).enumerate() {
        if !found.layers.contains(&number) {
            continue;
        }
        let index = Arc::unwrap_or_clone(index);
        let mut told = Told::default();
        if ready.is_empty() {
            told = notes::told(&report, "paths", &index);
            told.notes.splice(0..0, not_taken.clone());
        }
        told.notes.insert(0, format!("layer {} of {}, byte for byte", image.common + number + 1, image.name));
        let mut made = bench.ready(layer, blob, index, How::Kept, told, Some(origin.clone()))?;
        if !ready.is_empty() {
            // Said once, by the lowest.
            (made.path, made.env) = (Vec::new(), Vec::new());
        }
        ready.push(made);
    }
    Ok(ready)
}
