//! What a run is told beside the spec. The library reads no environment and no clock: the binary fills this in.

use crate::{CancelToken, Observer};
use oci_merge_image::Platform;
use oci_merge_layer::Limits;
use oci_merge_store::registry;
use std::path::PathBuf;

/// How a run works. The default keeps nothing between runs, uses no credentials, and tells nobody.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The directory of the local store; `None`: a temporary one for each run.
    pub store: Option<PathBuf>,
    /// Layers at a time and threads that compress; `None`: the number of processors.
    pub jobs: Option<usize>,
    /// `SOURCE_DATE_EPOCH`: seconds since 1970.
    pub epoch: Option<i64>,
    /// The platform; `None`: the spec's, the base's only one, or this machine's.
    pub platform: Option<Platform>,
    /// Upper bounds for what is read.
    pub limits: Limits,
    /// How registries are spoken to.
    pub registry: registry::Settings,
    /// Who is told what happens.
    pub observer: Observer,
    /// What stops the run.
    pub cancel: CancelToken,
}

impl Settings {
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(1).max(1)
    }
}
