//! The layers of a run: gathered, packed or passed through, several at a time.

mod making;
mod recipe;

pub(crate) use making::{Making, failed};
pub(crate) use recipe::{compressor, place};

use crate::base_index::BaseIndexes;
use crate::event::How;
use crate::from::{self, Origin, Reading, Turns, Wanted};
use crate::local::Local;
use crate::notes::Told;
use crate::open::{OpenBase, open_manifest};
use crate::result::JoinedLayer;
use crate::settings::Run;
use crate::spec::{BaseSource, LayerSpec, Place, SourceSpec, Spec};
use crate::{Error, Event, Result, workers};
use oci_merge_image::{Descriptor, DiffId, LayerPath, Prefix};
use oci_merge_layer::check::{Layer, Owns};
use oci_merge_layer::compressor::{Compressor, Pool};
use oci_merge_layer::make::Attributes;
use oci_merge_layer::{ErrorKind as LayerKind, LayerIndex};
use recipe::{directories, owns};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A layer whose blob lies in the local store.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) prefix: Prefix,
    pub(crate) owns: Owns,
    /// Absolute directories for PATH.
    pub(crate) path: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) descriptor: Descriptor,
    pub(crate) diff_id: DiffId,
    pub(crate) index: Arc<LayerIndex>,
    pub(crate) how: How,
    /// What a person should know of it, warnings first.
    pub(crate) notes: Vec<String>,
    /// Where its blob lies, if it is one of an image: perhaps not in the local store.
    pub(crate) origin: Option<Origin>,
    /// Whether an earlier run made it: its blob may be gone, and can be made again.
    pub(crate) is_remembered: bool,
    /// What it was joined of, the lowest first; nothing if it was not.
    pub(crate) joined: Vec<JoinedLayer>,
}

impl Ready {
    /// As the check sees it.
    pub(crate) fn as_layer(&self) -> Layer<'_> {
        Layer { name: &self.name, index: &self.index, prefix: &self.prefix, owns: &self.owns }
    }
}

/// A layer that no runtime could be trusted with: a finding, like any other.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) layer: String,
    pub(crate) error: oci_merge_layer::Error,
}

/// Makes all layers of a spec. Refused archives come back beside those that are ready, so that one run tells them all;
/// any other error is that of the first layer in the order of the spec.
pub(crate) fn make_all(
    spec: &Spec,
    base: &OpenBase,
    base_indexes: &BaseIndexes<'_>,
    wanted: Wanted<'_>,
    local: &Local,
    run: &Run,
) -> Result<(Vec<Ready>, Vec<Refusal>)> {
    let pool = pool(run)?;
    let bench = Bench::new(spec, base, base_indexes, wanted, local, run, &pool)?;
    let outcomes =
        workers::heaviest_first(&spec.layers, run.jobs(), |layer| weight(layer, &bench), |layer| bench.make(layer));
    let (mut ready, mut refused) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(layers) => ready.extend(layers),
            Err(Error::Layer { layer, source: error }) if matches!(error.kind(), LayerKind::Refused(_)) => {
                refused.push(Refusal { layer, error });
            }
            Err(e) => return Err(e),
        }
    }
    Ok((ready, refused))
}

/// Makes what one table of the spec stands for.
pub(crate) fn make_one(spec: &Spec, base: &OpenBase, local: &Local, run: &Run, name: &str) -> Result<Vec<Ready>> {
    let (pool, base_indexes) = (pool(run)?, BaseIndexes::new(base, local, run));
    let bench = Bench::new(spec, base, &base_indexes, Wanted::Here, local, run, &pool)?;
    spec.layers.iter().find(|layer| layer.name == name).map_or(Ok(Vec::new()), |layer| bench.make(layer))
}

/// The threads that compress.
pub(crate) fn pool(run: &Run) -> Result<Pool> {
    Pool::new(run.jobs()).map_err(|e| Error::Layer { layer: "the compressor".into(), source: e })
}

/// What all layers of a run share while they are made.
pub(crate) struct Bench<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) base: &'a OpenBase,
    base_indexes: &'a BaseIndexes<'a>,
    local: &'a Local,
    run: &'a Run,
    pool: &'a Pool,
    compressor: Compressor,
    directories: BTreeMap<LayerPath, Attributes>,
    turns: Turns,
    pub(crate) wanted: Wanted<'a>,
}

/// How long a layer takes, roughly: whoever takes longest begins first, so that none is left alone at the end. What is
/// not known before it is read (a directory, a download) may be anything.
fn weight(layer: &LayerSpec, bench: &Bench<'_>) -> u64 {
    if let Some(from) = &layer.from {
        let platform = Some(&bench.base.platform);
        let BaseSource::Registry(_) = &from.image else { return u64::MAX };
        let open = open_manifest(&from.image, &bench.spec.directory, platform, bench.run);
        return open.map_or(0, |image| image.manifest.value().layers.iter().map(|layer| layer.size).sum());
    }
    let size = |source: &SourceSpec| match source.place_for(&bench.base.platform) {
        Place::Path(path) | Place::Pinned { path, .. } => {
            let metadata = std::fs::metadata(bench.spec.directory.join(path));
            metadata.ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len())
        }
        Place::Url { .. } => None,
    };
    layer.sources.iter().map(size).sum::<Option<u64>>().unwrap_or(u64::MAX)
}

impl<'a> Bench<'a> {
    fn new(
        spec: &'a Spec,
        base: &'a OpenBase,
        base_indexes: &'a BaseIndexes<'a>,
        wanted: Wanted<'a>,
        local: &'a Local,
        run: &'a Run,
        pool: &'a Pool,
    ) -> Result<Bench<'a>> {
        let (compressor, directories) = (compressor(&spec.output)?, directories(base_indexes, spec)?);
        let turns = Turns::default();
        Ok(Bench { spec, base, base_indexes, local, run, pool, compressor, directories, turns, wanted })
    }

    /// The layer, or the layers, that a table of the spec stands for; the lowest first.
    fn make(&self, layer: &LayerSpec) -> Result<Vec<Ready>> {
        if self.run.cancel.is_cancelled() || self.base_indexes.have_failed() {
            return Err(Error::Cancelled);
        }
        if let Some(image) = &layer.from {
            return from::make(self, layer, image);
        }
        let recipe = self.recipe(layer, self.sources(layer)?)?;
        let Making { descriptor, index, how, told, is_remembered } = self.obtain(layer, &recipe)?;
        Ok(vec![Ready { is_remembered, ..self.ready(layer, descriptor, index, how, told, None)? }])
    }

    /// What an image that files are taken from is read with.
    pub(crate) fn reading<'b>(&'b self, wanted: Wanted<'b>) -> Reading<'b> {
        let Bench { spec, base, local, run, turns, .. } = self;
        Reading { directory: &spec.directory, base, local, turns, wanted, run }
    }

    /// A layer whose blob is in the local store, or where it came from.
    pub(crate) fn ready(
        &self,
        layer: &LayerSpec,
        descriptor: Descriptor,
        index: LayerIndex,
        how: How,
        told: Told,
        origin: Option<Origin>,
    ) -> Result<Ready> {
        let Told { warnings, notes } = told;
        for warning in &warnings {
            self.run.observer.tell(Event::Warning { text: format!("{}: {warning}", layer.name) });
        }
        self.run.observer.tell(Event::LayerReady {
            layer: layer.name.clone(),
            version: layer.version.clone(),
            prefix: layer.prefix.to_string(),
            how,
            size: descriptor.size,
            paths: index.len() as u64,
            digest: descriptor.digest.clone(),
            notes: notes.clone(),
        });
        Ok(Ready {
            name: layer.name.clone(),
            version: layer.version.clone(),
            prefix: layer.prefix.clone(),
            owns: owns(layer, &layer.owns)?,
            path: layer.path.clone(),
            env: layer.env.clone(),
            diff_id: index.diff_id().clone(),
            descriptor,
            index: Arc::new(index),
            how,
            notes: [warnings, notes].concat(),
            origin,
            is_remembered: false,
            joined: Vec::new(),
        })
    }
}
