//! Each blob once: whoever comes second waits for what the first one learns of it.

use oci_merge_image::Digest;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Blobs that are read, or were.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<BTreeMap<Digest, Arc<Mutex<()>>>>);

impl Turns {
    /// Does something with a blob while nobody else does.
    pub(super) fn take<T>(&self, digest: &Digest, work: impl FnOnce() -> T) -> T {
        let turn = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(digest.clone()).or_default().clone();
        let _mine = turn.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }
}
