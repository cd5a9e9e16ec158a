//! The layers of a run: gathered, packed or passed through, several at a time.

use crate::event::{How, Phase};
use crate::gather::gather;
use crate::local::Local;
use crate::open::OpenBase;
use crate::settings::Run;
use crate::spec::{Ancestors, LayerSpec, Output, Owner, Spec, Timestamps};
use crate::{Error, Event, Result, workers};
use oci_merge_image::{Compression, Descriptor, DiffId, Prefix};
use oci_merge_layer::compressor::{Compressor, Level, Pool};

use oci_merge_layer::{ErrorKind as LayerKind, LayerIndex};
use std::fs::File;

/// A layer whose blob lies in the local store.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) prefix: Prefix,
    pub(crate) owns: Vec<String>,
    /// Absolute directories for PATH.
    pub(crate) path: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) descriptor: Descriptor,
    pub(crate) diff_id: DiffId,
    pub(crate) index: LayerIndex,
    pub(crate) how: How,
    pub(crate) notes: Vec<String>,
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
    base_indexes: &[LayerIndex],
    local: &Local,
    run: &Run,
) -> Result<(Vec<Ready>, Vec<Refusal>)> {
    let compressor = compressor(&spec.output)?;
    let pool = Pool::new(run.jobs()).map_err(|e| Error::Layer { layer: "the compressor".into(), source: e })?;
    let bench = Bench { spec, base, base_indexes, local, run, pool: &pool, compressor };
    let outcomes = workers::for_each(&spec.layers, run.jobs(), |layer| bench.make(layer));
    let (mut ready, mut refused) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(layer) => ready.push(layer),
            Err(Error::Layer { layer, source: error }) if matches!(error.kind(), LayerKind::Refused(_)) => {
                refused.push(Refusal { layer, error });
            }
            Err(e) => return Err(e),
        }
    }
    Ok((ready, refused))
}

/// What all layers of a run share while they are made.
struct Bench<'a> {
    spec: &'a Spec,
    base: &'a OpenBase,
    base_indexes: &'a [LayerIndex],
    local: &'a Local,
    run: &'a Run,
    pool: &'a Pool,
    compressor: Compressor,
}

impl Bench<'_> {
    fn make(&self, layer: &LayerSpec) -> Result<Ready> {
        todo!()
    }
}
fn compressor(output: &Output) -> Result<Compressor> { todo!() }
