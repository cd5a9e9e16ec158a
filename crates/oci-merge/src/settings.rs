//! What a run is told beside the spec. The library reads no environment and no clock: the binary fills this in.

use crate::open::OpenedImages;
use crate::pins::Pins;
use crate::{CancelToken, Event, Observer};
use oci_merge_image::Platform;
use oci_merge_layer::Limits;
use oci_merge_store::Expected;
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
    /// How many bytes the store may have: what was used the longest ago goes first, and nothing that a run at work uses.
    /// `None`: 10 GB.
    pub store_bytes: Option<u64>,
    /// Layers at a time and threads that compress; `None`: the number of processors.
    pub jobs: Option<NonZero<usize>>,
    /// `SOURCE_DATE_EPOCH`: seconds since 1970.
    pub epoch: Option<i64>,
    /// The platform; `None`: the spec's, the base's only one, or this machine's.
    pub platform: Option<Platform>,
    /// Whether to believe the path indexes that the images named by the user bring along, unseen.
    pub trust_index: bool,
    /// Whether to read every layer, whatever is known of it.
    pub deep: bool,
    /// Which layers are made again, whatever the store remembers of them.
    pub remake: Remake,
    /// Whether to fail rather than to send the bytes of a layer to a registry.
    pub no_layer_upload: bool,
    /// Upper bounds for what is read.
    pub limits: Limits,
    /// What tags of a registry must stand for, or they are not moved; `None`: anything.
    pub expected: Option<Expected>,
    /// How registries and servers are spoken to. Its watcher and its flag to stop are those of the run.
    pub network: network::Settings,
    /// Who is told what happens.
    pub observer: Observer,
    /// What stops the run.
    pub cancel: CancelToken,
}

/// Layers that are made again, whatever the store remembers of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Remake {
    /// None.
    #[default]
    Nothing,
    /// All of them.
    Everything,
    /// Those with these names.
    Layers(Vec<String>),
}

impl Remake {
    pub(crate) fn includes(&self, layer: &str) -> bool {
        match self {
            Remake::Nothing => false,
            Remake::Everything => true,
            Remake::Layers(names) => names.iter().any(|name| name == layer),
        }
    }
}

/// How many bytes the local store may have unless the settings say otherwise.
const STORE_BYTES: u64 = 10_000_000_000;

impl Settings {
    /// How many bytes the local store may have.
    pub(crate) fn store_limit(&self) -> u64 {
        self.store_bytes.unwrap_or(STORE_BYTES)
    }

    /// Layers at a time, and threads that compress.
    pub(crate) fn jobs(&self) -> NonZero<usize> {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZero::<usize>::MIN)
    }
}

/// The settings of one run, and what all of it shares: connections, tokens, opened images, pins.
#[derive(Clone)]
pub(crate) struct Run {
    settings: Settings,
    pub(crate) network: Network,
    pub(crate) opened: OpenedImages,
    pub(crate) pins: Pins,
}

impl Run {
    pub(crate) fn new(settings: Settings) -> Run {
        let (observer, cancel) = (settings.observer.clone(), settings.cancel.clone());
        let network = Network::new(network::Settings {
            watcher: Watcher::new(move |event| observer.tell(Event::from(event))),
            cancelled: Some(Arc::new(move || cancel.is_cancelled())),
            ..settings.network.clone()
        });
        Run { settings, network, opened: OpenedImages::default(), pins: Pins::default() }
    }

    /// The same run, in which every layer is made again, and nobody is told of it.
    pub(crate) fn remaking(&self) -> Run {
        let mut run = self.clone();
        run.settings.remake = Remake::Everything;
        run.settings.observer = Observer::default();
        run
    }

    /// How registries and servers are spoken to.
    pub(crate) fn network_settings(&self) -> &network::Settings {
        &self.settings.network
    }
}

impl Deref for Run {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}
