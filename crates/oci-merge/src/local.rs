//! The local store: an OCI layout of every layer that was made or fetched, and what was learnt of each.

use crate::settings::Run;
use crate::{Error, Result};
use oci_merge_image::{Descriptor, DiffId, Digest, MediaType};
use oci_merge_layer::LayerIndex;
use oci_merge_store::{Layout, Store};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

/// The name under which a path index is kept beside its blob.
const INDEX: &str = "index";

/// The media type of content that is kept for its bytes alone (RFC 2046).
pub(crate) const ANY_BYTES: &str = "application/octet-stream";

/// The local store of one run: kept between runs where the settings name a directory, else temporary.
#[derive(Clone)]
pub(crate) struct Local {
    layout: Arc<Layout>,
    path: PathBuf,
    _temporary: Option<Arc<tempfile::TempDir>>,
}

impl Local {
    pub(crate) fn open(run: &Run) -> Result<Local> {
        let failed = |e| Error::store("the local store", e);
        if let Some(directory) = &run.store {
            let layout = Arc::new(Layout::open_or_create(directory).map_err(failed)?);
            return Ok(Local { layout, path: directory.clone(), _temporary: None });
        }
        let temporary = tempfile::Builder::new().prefix("oci-merge-").tempdir();
        let temporary =
            temporary.map_err(|e| Error::disk(std::env::temp_dir(), "no directory can be made there", e))?;
        let layout = Arc::new(Layout::open_or_create(temporary.path()).map_err(failed)?);
        Ok(Local { layout, path: temporary.path().to_owned(), _temporary: Some(Arc::new(temporary)) })
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
        (*index.digest() == layer.digest && index.diff_id() == diff_id).then_some(index)
    }

    /// Keeps the index of a layer. Losing it costs a reading, so a full disk is not an error here.
    pub(crate) fn remember(&self, index: &LayerIndex) {
        let _ = self.layout.put_facts(index.digest(), INDEX, &index.to_bytes());
    }
}
