//! What a layer was compressed to when it was last made: the next time, only what changed is compressed.
//!
//! A shortcut and never the truth, as the other records: [`Earlier`] takes nothing over that it has not unpacked.

use super::Local;
use oci_merge_image::{Descriptor, Digest};
use oci_merge_layer::compressor::{Blocks, Earlier};
use oci_merge_store::Store;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The name under which the blocks of a layer are kept.
const BLOCKS: &str = "blocks";

/// Smaller layers are compressed sooner than their blocks are found.
const LEAST_SIZE: u64 = 1 << 20;

/// What is written of a layer.
#[derive(Serialize, Deserialize)]
struct Record {
    blob: Descriptor,
    blocks: Blocks,
}

/// What stays the same of a layer from run to run: whose spec it is in, and its name.
pub(crate) struct Lineage(Digest);

impl Lineage {
    pub(crate) fn new(directory: &Path, layer: &str, platform: &str) -> Lineage {
        let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        let parts = [directory.as_os_str().as_encoded_bytes(), layer.as_bytes(), platform.as_bytes()];
        Lineage(Digest::of(&parts.join(&0)))
    }
}

impl Local {
    /// What was last made of a layer, if its blob is still here.
    pub(crate) fn earlier(&self, of: &Lineage) -> Option<Earlier> {
        let record: Record = serde_json::from_slice(&self.layout.facts(&of.0, BLOCKS)?).ok()?;
        let blob = self.layout.content(&record.blob)?.file().ok()??;
        Some(Earlier::new(blob, record.blocks))
    }

    /// Keeps which blocks a layer was made of. Losing that costs compressing them, so a full disk is not an error here.
    pub(crate) fn remember_blocks(&self, of: &Lineage, blob: &Descriptor, blocks: Blocks) {
        if blob.size < LEAST_SIZE || blocks.is_empty() {
            return;
        }
        if let Ok(bytes) = serde_json::to_vec(&Record { blob: blob.clone(), blocks }) {
            let _ = self.layout.put_facts(&of.0, BLOCKS, &bytes);
        }
    }
}
