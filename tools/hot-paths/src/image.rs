//! An image in memory.

use oci_merge_image::{Descriptor, MediaType};
use oci_merge_store::{Memory, Store};

/// An image of these layers, and its manifest.
pub fn image(layers: &[Vec<u8>]) -> (Memory, Descriptor) {
    let store = Memory::new();
    let push = |media_type: MediaType, bytes: &Vec<u8>| {
        let descriptor = Descriptor::of(media_type, bytes);
        store.push(&descriptor, bytes).unwrap();
        descriptor
    };
    let layers: Vec<Descriptor> = layers.iter().map(|layer| push(MediaType::ImageLayer, layer)).collect();
    let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.digest).collect();
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": diff_ids }
    });
    let config = push(MediaType::ImageConfig, &config.to_string().into_bytes());
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MediaType::ImageManifest, "config": config, "layers": layers
    });
    let root = push(MediaType::ImageManifest, &manifest.to_string().into_bytes());
    (store, root)
}
