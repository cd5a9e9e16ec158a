//! What an image says of the indexes of its layers: in its manifest, and in what is attached to it.

use crate::assemble::{INDEX, INDEX_SIZE};
use crate::open::OpenManifest;
use oci_merge_image::{Descriptor, Digest, Document, MAX_DOCUMENT_BYTES, Manifest, MediaType};
use oci_merge_layer::index::MEDIA_TYPE;

/// How many artifacts of an image are looked into.
const MAX_ARTIFACTS: usize = 8;

/// The annotation of an attached index: the digest of the layer that it is of.
pub(crate) const OF_LAYER: &str = "dev.oci-merge.index.layer";

/// The index that a layer's descriptor names.
pub(super) fn pinned(layer: &Descriptor) -> Option<(Digest, Descriptor)> {
    let digest = layer.annotations.get(INDEX)?.parse().ok()?;
    let size = layer.annotations.get(INDEX_SIZE)?.parse().ok()?;
    Some((layer.digest.clone(), Descriptor::new(MediaType::from(MEDIA_TYPE), digest, size)))
}

/// The indexes of its layers that are attached to an image.
pub(super) fn attached(image: &OpenManifest) -> Vec<(Digest, Descriptor)> {
    let artifacts = image.store.referrers(&image.descriptor, MEDIA_TYPE).unwrap_or_default();
    let read = |artifact: &Descriptor| {
        let bytes = image.store.fetch(artifact).and_then(|content| content.read_document(MAX_DOCUMENT_BYTES)).ok()?;
        let manifest = Document::<Manifest>::parse(bytes).ok()?.value().clone();
        // A list may say anything; what it is about stands in the artifact.
        let subject = manifest.subject.as_ref().map(|subject| &subject.digest);
        (subject == Some(&image.descriptor.digest)).then_some(manifest.layers)
    };
    let layers = &image.manifest.value().layers;
    let of_layer = |index: Descriptor| {
        let of: Digest = index.annotations.get(OF_LAYER)?.parse().ok()?;
        let is_ours = layers.iter().any(|layer| layer.digest == of) && index.media_type.as_ref() == MEDIA_TYPE;
        is_ours.then_some((of, index))
    };
    artifacts.iter().take(MAX_ARTIFACTS).filter_map(read).flatten().filter_map(of_layer).collect()
}
