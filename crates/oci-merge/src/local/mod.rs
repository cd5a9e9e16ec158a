//! The local store: an OCI layout of every layer that was made or fetched, what was learnt of each, and what it was made
//! from.

mod blocks;
mod indexes;
mod layers;

pub(crate) use blocks::Lineage;
pub(crate) use indexes::IndexBlob;

use crate::settings::Run;
use crate::{Error, Event, Result};
use oci_merge_image::{Descriptor, Digest, MediaType, shown};
use oci_merge_layer::Time;
use oci_merge_store::Layout;
use oci_merge_store::layout::Removal;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

/// The media type of content that is kept for its bytes alone (RFC 2046).
pub(crate) const ANY_BYTES: &str = "application/octet-stream";

/// The local store of one run: kept between runs where the settings name a directory, else temporary.
#[derive(Clone)]
pub(crate) struct Local {
    layout: Arc<Layout>,
    path: PathBuf,
    /// The index of each layer of this run.
    indexes: Arc<Mutex<BTreeMap<Digest, IndexBlob>>>,
    temporary: Option<Arc<tempfile::TempDir>>,
}

impl Local {
    pub(crate) fn open(run: &Run) -> Result<Local> {
        let failed = |e| Error::store("the local store", e);
        if let Some(directory) = &run.store {
            match Layout::open_store(directory) {
                Ok(layout) if layout.is_writable() => {
                    let (layout, path) = (Arc::new(layout), directory.clone());
                    return Ok(Local { layout, path, indexes: Arc::default(), temporary: None });
                }
                Err(e) if !is_forbidden(&e) => return Err(failed(e)),
                Ok(_) | Err(_) => {
                    let path = shown(directory.as_os_str().as_encoded_bytes());
                    let text = format!("the local store {path} cannot be written to: this run remembers nothing");
                    run.observer.tell(Event::Warning { text });
                }
            }
        }
        let made = tempfile::Builder::new().prefix("oci-merge-").tempdir();
        let temporary = made.map_err(|e| Error::disk(std::env::temp_dir(), "no directory can be made there", e))?;
        let layout = Arc::new(Layout::open_or_create(temporary.path()).map_err(failed)?);
        let path = temporary.path().to_owned();
        Ok(Local { layout, path, indexes: Arc::default(), temporary: Some(Arc::new(temporary)) })
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Makes room if this run has kept anything: the store may have a limit. What this run and others at work use stays.
    pub(crate) fn make_room(&self, run: &Run) {
        if self.temporary.is_none()
            && self.layout.has_grown()
            && let Err(e) = self.layout.remove(Removal::DownTo(run.store_limit()))
        {
            run.observer.tell(Event::Warning { text: format!("no room was made in the local store: {e}") });
        }
    }

    /// A file without a name, on the disk of the store; gone with the handle.
    pub(crate) fn temporary_file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.path).map_err(|e| Error::disk(&self.path, "no file can be made there", e))
    }

    /// Whether a blob is here, and its bytes are still those of its digest.
    pub(crate) fn has_blob(&self, digest: &Digest) -> bool {
        let Ok(there) = std::fs::symlink_metadata(self.layout.blob_path(digest)) else { return false };
        let blob = Descriptor::new(MediaType::from(ANY_BYTES), digest.clone(), there.len());
        self.layout.verify(&blob).is_ok()
    }

    /// The moment that it is, by the clock of the store's file system; `None` if its disk does not say.
    pub(crate) fn moment(&self) -> Option<Time> {
        let since = self.layout.moment().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Time { seconds: i64::try_from(since.as_secs()).ok()?, nanos: since.subsec_nanos() })
    }
}

/// Whether the disk, or whoever a directory belongs to, does not let us write there.
fn is_forbidden(error: &oci_merge_store::Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|e| matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem))
}
