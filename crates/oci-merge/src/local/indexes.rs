//! The path indexes of layers, each kept beside its blob.

use super::Local;
use oci_merge_image::{Descriptor, DiffId, Digest, MediaType};
use oci_merge_layer::LayerIndex;
use oci_merge_layer::index::MEDIA_TYPE;
use std::sync::{Arc, PoisonError};

/// The name under which a path index is kept.
const INDEX: &str = "index";

/// The path index of a layer, as a manifest names it.
#[derive(Clone)]
pub(crate) struct IndexBlob {
    pub(crate) descriptor: Descriptor,
    /// The bytes, where a registry has them already, and they are not kept here.
    pub(crate) published: Option<Arc<[u8]>>,
}

impl Local {
    /// The index of a layer that was read before, if it belongs to this very blob and tar.
    pub(crate) fn index(&self, layer: &Descriptor, diff_id: &DiffId) -> Option<LayerIndex> {
        self.index_if(&layer.digest, |index, _| index.diff_id() == diff_id)
    }

    /// The index of a layer that was read before, if its bytes have this digest.
    pub(super) fn index_with(&self, layer: &Digest, digest: &Digest) -> Option<LayerIndex> {
        self.index_if(layer, |_, bytes| Digest::of(bytes) == *digest)
    }

    fn index_if(&self, layer: &Digest, is_it: impl FnOnce(&LayerIndex, &[u8]) -> bool) -> Option<LayerIndex> {
        let bytes = self.layout.facts(layer, INDEX)?;
        let index = LayerIndex::from_bytes(&bytes).ok()?;
        if index.digest() != layer || !is_it(&index, &bytes) {
            return None;
        }
        self.note(&index, &bytes, None);
        Some(index)
    }

    /// Keeps the index of a layer that was read, and says what the digest of its bytes is. Losing it costs a reading, so
    /// a full disk is not an error here.
    pub(crate) fn remember(&self, index: &LayerIndex) -> Digest {
        let bytes = index.to_bytes();
        let _ = self.layout.put_facts(index.digest(), INDEX, &bytes);
        self.note(index, &bytes, None)
    }

    /// The same, unless it is known.
    pub(crate) fn remember_new(&self, index: &LayerIndex) {
        if self.index_blob(index.digest()).is_none() {
            self.remember(index);
        }
    }

    /// Takes an index for this run only: it was read by somebody else, who may be believed today.
    pub(crate) fn believe(&self, index: &LayerIndex, bytes: Vec<u8>) {
        let bytes: Arc<[u8]> = bytes.into();
        self.note(index, &bytes, Some(Arc::clone(&bytes)));
    }

    /// The bytes of the index of a layer that was read, unless the disk lost them.
    pub(crate) fn index_bytes(&self, layer: &Digest) -> Option<Vec<u8>> {
        self.layout.facts(layer, INDEX)
    }

    /// The index of a layer of this run.
    pub(crate) fn index_blob(&self, layer: &Digest) -> Option<IndexBlob> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).get(layer).cloned()
    }

    /// The digest of the bytes. What a registry has is not forgotten for what is here.
    fn note(&self, index: &LayerIndex, bytes: &[u8], published: Option<Arc<[u8]>>) -> Digest {
        let blob = IndexBlob { descriptor: Descriptor::of(MediaType::from(MEDIA_TYPE), bytes), published };
        let digest = blob.descriptor.digest.clone();
        let mut known = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let is_published = |there: &IndexBlob| there.published.is_some() && there.descriptor == blob.descriptor;
        if blob.published.is_some() || !known.get(index.digest()).is_some_and(is_published) {
            known.insert(index.digest().clone(), blob);
        }
        digest
    }
}
