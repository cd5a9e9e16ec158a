//! The local store: an OCI layout of every layer that was made or fetched, and what was learnt of each.

use crate::settings::Run;
use crate::{Error, Result};
use oci_merge_image::{Descriptor, DiffId, Digest, MediaType};
use oci_merge_layer::LayerIndex;
use oci_merge_layer::index::MEDIA_TYPE;
use oci_merge_store::{Layout, Store};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The name under which a path index is kept beside its blob.
const INDEX: &str = "index";

/// The media type of content that is kept for its bytes alone (RFC 2046).
pub(crate) const ANY_BYTES: &str = "application/octet-stream";

/// The local store of one run: kept between runs where the settings name a directory, else temporary.
#[derive(Clone)]
pub(crate) struct Local {
    layout: Arc<Layout>,
    path: PathBuf,
    /// The index of each layer of this run.
    indexes: Arc<Mutex<BTreeMap<Digest, IndexBlob>>>,
    _temporary: Option<Arc<tempfile::TempDir>>,
}

/// The path index of a layer, as a manifest names it.
#[derive(Clone)]
pub(crate) struct IndexBlob {
    pub(crate) descriptor: Descriptor,
    /// The bytes, where a registry has them already, and they are not kept here.
    pub(crate) published: Option<Arc<[u8]>>,
}

impl Local {
    pub(crate) fn open(run: &Run) -> Result<Local> {
        let failed = |e| Error::store("the local store", e);
        if let Some(directory) = &run.store {
            let layout = Arc::new(Layout::open_or_create(directory).map_err(failed)?);
            return Ok(Local { layout, path: directory.clone(), indexes: Arc::default(), _temporary: None });
        }
        let temporary = tempfile::Builder::new().prefix("oci-merge-").tempdir();
        let temporary =
            temporary.map_err(|e| Error::disk(std::env::temp_dir(), "no directory can be made there", e))?;
        let layout = Arc::new(Layout::open_or_create(temporary.path()).map_err(failed)?);
        let path = temporary.path().to_owned();
        Ok(Local { layout, path, indexes: Arc::default(), _temporary: Some(Arc::new(temporary)) })
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// A file without a name, on the disk of the store; gone with the handle.
    pub(crate) fn temporary_file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.path).map_err(|e| Error::disk(&self.path, "no file can be made there", e))
    }

    /// The file of a blob that is here, if its bytes are still those of its digest.
    pub(crate) fn verified_blob(&self, digest: &Digest) -> Option<PathBuf> {
        let path = self.layout.blob_path(digest);
        let size = std::fs::symlink_metadata(&path).ok().filter(|m| m.is_file())?.len();
        let blob = Descriptor::new(MediaType::from(ANY_BYTES), digest.clone(), size);
        let mut content = self.layout.fetch(&blob).ok()?;
        std::io::copy(&mut content, &mut std::io::sink()).ok().map(|_| path)
    }

    /// The index of a layer that was read before, if it belongs to this very blob and tar.
    pub(crate) fn index(&self, layer: &Descriptor, diff_id: &DiffId) -> Option<LayerIndex> {
        let bytes = self.layout.facts(&layer.digest, INDEX)?;
        let index = LayerIndex::from_bytes(&bytes).ok()?;
        if *index.digest() != layer.digest || index.diff_id() != diff_id {
            return None;
        }
        self.note(&index, &bytes, None);
        Some(index)
    }

    /// Keeps the index of a layer that was read. Losing it costs a reading, so a full disk is not an error here.
    pub(crate) fn remember(&self, index: &LayerIndex) {
        let bytes = index.to_bytes();
        let _ = self.layout.put_facts(index.digest(), INDEX, &bytes);
        self.note(index, &bytes, None);
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

    fn note(&self, index: &LayerIndex, bytes: &[u8], published: Option<Arc<[u8]>>) {
        let blob = IndexBlob { descriptor: Descriptor::of(MediaType::from(MEDIA_TYPE), bytes), published };
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).insert(index.digest().clone(), blob);
    }
}
