//! The path indexes of an image's layers as an artifact that is attached to the image, for others to find
//! (image-spec `manifest.md`, Guidelines for Artifact Usage).

use crate::local::Local;
use crate::pins::OF_LAYER;
use crate::{Error, Result};
use oci_merge_image::{Descriptor, Digest, Document, Manifest, MediaType};
use oci_merge_layer::index::MEDIA_TYPE;
use oci_merge_store::{Memory, Store};
use serde_json::{Map, json};

/// The config of an artifact that has none (image-spec `manifest.md`, Guidance for an Empty Descriptor).
const EMPTY: &[u8] = b"{}";

/// Puts an artifact into a store: the indexes of those layers of an image that no registry has yet. `None` if there are
/// no such layers.
pub(crate) fn attach(
    subject: &Descriptor,
    layers: &[Descriptor],
    local: &Local,
    store: &Memory,
) -> Result<Option<Descriptor>> {
    let failed = |e| Error::store("the path indexes", e);
    let mut indexes = Vec::new();
    for layer in layers {
        let Some(index) = local.index_blob(&layer.digest).filter(|index| index.published.is_none()) else { continue };
        let mut descriptor = index.descriptor;
        let bytes = local.index_bytes(&layer.digest).filter(|bytes| Digest::of(bytes) == descriptor.digest);
        let Some(bytes) = bytes else { continue };
        store.push(&descriptor, &bytes).map_err(failed)?;
        descriptor.annotations.insert(OF_LAYER.into(), layer.digest.to_string());
        if !indexes.contains(&descriptor) {
            indexes.push(descriptor);
        }
    }
    if indexes.is_empty() {
        return Ok(None);
    }
    let empty = Descriptor::of(MediaType::EmptyJSON, EMPTY);
    store.push(&empty, &EMPTY).map_err(failed)?;
    let mut manifest = Map::new();
    manifest.insert("schemaVersion".into(), 2.into());
    manifest.insert("mediaType".into(), json!(MediaType::ImageManifest));
    manifest.insert("artifactType".into(), json!(MEDIA_TYPE));
    manifest.insert("config".into(), json!(empty));
    manifest.insert("layers".into(), json!(indexes));
    manifest.insert("subject".into(), json!(subject));
    let manifest = Document::<Manifest>::write(manifest).map_err(|e| Error::image("the path indexes", e))?;
    let descriptor = manifest.descriptor(MediaType::ImageManifest);
    store.push(&descriptor, &manifest.bytes().to_vec()).map_err(failed)?;
    Ok(Some(descriptor))
}
