//! What a run is told beside the spec. The library reads no environment and no clock: the binary fills this in.

use crate::{CancelToken, Event, Observer};
use oci_merge_image::Platform;
use oci_merge_layer::Limits;
use oci_merge_store::network::{self, Network, Watcher};
use std::num::NonZero;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

/// How a run works. The default keeps nothing between runs, uses no credentials, and tells nobody.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The directory of the local store; `None`: a temporary one for each run.
    pub store: Option<PathBuf>,
    /// Layers at a time and threads that compress; `None`: the number of processors.
    pub jobs: Option<NonZero<usize>>,
    /// `SOURCE_DATE_EPOCH`: seconds since 1970.
    pub epoch: Option<i64>,
    /// The platform; `None`: the spec's, the base's only one, or this machine's.
    pub platform: Option<Platform>,
    /// Upper bounds for what is read.
    pub limits: Limits,
    /// How registries and servers are spoken to. Its watcher and its flag to stop are those of the run.
    pub network: network::Settings,
    /// Who is told what happens.
    pub observer: Observer,
    /// What stops the run.
    pub cancel: CancelToken,
}

impl Settings {
    /// Layers at a time, and threads that compress.
    pub(crate) fn jobs(&self) -> NonZero<usize> {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN)
    }
}

/// The settings of one run, and the connections and tokens that all of it shares.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    settings: Settings,
    pub(crate) network: Network,
}

impl Run {
    pub(crate) fn new(settings: Settings) -> Run {
        let (observer, cancel) = (settings.observer.clone(), settings.cancel.clone());
        let network = Network::new(network::Settings {
            watcher: Watcher::new(move |event| observer.tell(Event::from(event))),
            cancelled: Some(Arc::new(move || cancel.is_cancelled())),
            ..settings.network.clone()
        });
        Run { settings, network }
    }
}

impl Deref for Run {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}
