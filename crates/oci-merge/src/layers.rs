//! The layers of a run: gathered, packed or passed through, several at a time.

use crate::base_index::BaseIndexes;
use crate::event::{How, Phase};
use crate::from::{self, Origin, Reading, Turns, Wanted};
use crate::gather::{gather, seek};
use crate::local::{Lineage, Local};
use crate::notes::{Told, told};
use crate::open::{OpenBase, open_manifest};
use crate::result::JoinedLayer;
use crate::settings::Run;
use crate::spec::{Ancestors, BaseSource, LayerSpec, Output, Owner, Place, SourceSpec, Spec, Timestamps};
use crate::tree::Tree;
use crate::{Error, Event, Result, workers};
use oci_merge_image::{Compression, Descriptor, DiffId, Digest, LayerPath, Prefix};
use oci_merge_layer::check::{Layer, Owns};
use oci_merge_layer::compressor::{Compressor, Pool};
use oci_merge_layer::make::{self, Attributes, Blob, Progress, Recipe, Source, Times, Watch, make};
use oci_merge_layer::{ErrorKind as LayerKind, Fingerprint, Kind, LayerIndex};
use std::collections::BTreeMap;
use std::fs::File;
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

/// A layer that was written into the local store, now or in an earlier run.
pub(crate) struct Making {
    pub(crate) descriptor: Descriptor,
    pub(crate) index: LayerIndex,
    pub(crate) how: How,
    /// What a person should know of how it came about.
    pub(crate) told: Told,
    pub(crate) is_remembered: bool,
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

    /// A layer that the local store remembers; else it is made.
    pub(crate) fn obtain(&self, layer: &LayerSpec, recipe: &Recipe) -> Result<Making> {
        if self.may_remember(layer) {
            // What cannot be looked at is told by those who read it.
            let fingerprint = make::fingerprint(recipe).ok().flatten();
            if let Some(known) = fingerprint.and_then(|fingerprint| self.local.layer(&fingerprint)) {
                return Ok(known);
            }
        }
        for source in &layer.sources {
            gather(self.spec, layer, source, &self.base.platform, self.local, self.run)?;
        }
        self.pack(layer, recipe)
    }

    /// Whether what earlier runs made of a layer counts.
    fn may_remember(&self, layer: &LayerSpec) -> bool {
        !self.run.deep && !self.run.remake.includes(&layer.name)
    }

    /// Makes a layer into the local store, and remembers what it was made from.
    fn pack(&self, layer: &LayerSpec, recipe: &Recipe) -> Result<Making> {
        let moment = self.local.moment();
        let progress = |progress: Progress| self.tell(layer, progress);
        let watch = Watch { progress: &progress, cancelled: self.run.cancel.flag() };
        let store = |e| Error::store(&layer.name, e);
        let blob = || self.local.layout().stage().map_err(std::io::Error::other);
        let lineage = Lineage::new(&self.spec.directory, &layer.name, &self.base.platform.to_string());
        let earlier = if self.may_remember(layer) { self.local.earlier(&lineage) } else { None };
        let made = make(recipe, self.pool, &watch, earlier, blob).map_err(|e| self.failed(layer, e))?;
        let how = match made.blob {
            Blob::Packed(staged) => {
                staged.commit(&made.descriptor).map_err(store)?;
                How::Packed
            }
            Blob::Kept => {
                for source in &recipe.sources {
                    let path = source.input.path();
                    let file = File::open(path).map_err(|e| Error::disk(path, "cannot be read", e))?;
                    self.local.layout().adopt(&file, &made.descriptor).map_err(store)?;
                }
                How::Kept
            }
        };
        if let Some(blocks) = made.blocks {
            self.local.remember_blocks(&lineage, &made.descriptor, blocks);
        }
        let include = if layer.from.is_some() { "paths" } else { "include" };
        let told = told(&made.report, include, &made.index);
        let making = Making { descriptor: made.descriptor, index: made.index, how, told, is_remembered: false };
        if let (Some(fingerprint), Some(moment)) = (made.fingerprint, moment) {
            self.local.remember_layer(&fingerprint, moment, &making);
        }
        Ok(making)
    }

    /// What an image that files are taken from is read with.
    pub(crate) fn reading<'b>(&'b self, wanted: Wanted<'b>) -> Reading<'b> {
        let Bench { spec, base, local, run, turns, .. } = self;
        Reading { directory: &spec.directory, base, local, turns, wanted, run }
    }

    /// What tells layers of an image from others: their blobs, and what is known of these.
    pub(crate) fn fingerprint(&self, layers: &[Descriptor]) -> Option<Fingerprint> {
        let known =
            |layer: &Descriptor| Some([layer.digest.clone(), self.local.index_blob(&layer.digest)?.descriptor.digest]);
        let digests: Vec<Digest> =
            layers.iter().map(known).collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
        Some(Fingerprint::of_digests(&digests))
    }

    /// What a layer is packed with besides its prefix: what it owns, and what it is agreed that it replaces.
    fn may_write(&self, layer: &LayerSpec) -> Result<Owns> {
        let agreed = self.spec.allow.iter().filter(|allow| allow.layers.contains(&layer.name));
        let paths = layer.owns.iter().chain(&layer.overrides).chain(agreed.flat_map(|allow| &allow.paths));
        owns(layer, paths)
    }

    /// The sources of a layer, as they will be when they are gathered.
    fn sources(&self, layer: &LayerSpec) -> Result<Vec<Source>> {
        let seek = |source| {
            let sought = seek(self.spec, layer, source, &self.base.platform, self.local)?;
            let to = source.to.as_deref().map(|to| place(layer, to)).transpose()?;
            let input = match sought.is_directory {
                true => make::Input::Directory(sought.path),
                false => make::Input::Archive(sought.path),
            };
            Ok(Source {
                strip: source.strip,
                include: source.include.clone(),
                to,
                owner: match source.owner {
                    Owner::Root => make::Owner::Root,
                    Owner::Keep => make::Owner::Keep,
                    Owner::Ids(uid, gid) => make::Owner::Ids(uid, gid),
                },
                keep: source.keep,
                fingerprint: sought.fingerprint,
                known_as: sought.known_as,
                ..Source::new(input)
            })
        };
        layer.sources.iter().map(seek).collect()
    }

    /// How a layer is made of sources.
    pub(crate) fn recipe(&self, layer: &LayerSpec, sources: Vec<Source>) -> Result<Recipe> {
        Ok(Recipe {
            prefix: layer.prefix.clone(),
            owns: self.may_write(layer)?,
            sources,
            exclude: layer.exclude.clone(),
            ancestors: match layer.ancestors {
                Ancestors::Emit => make::Ancestors::Emit,
                Ancestors::Base => make::Ancestors::Base,
                Ancestors::Omit => make::Ancestors::Omit,
            },
            base: self.directories.clone(),
            times: match (self.spec.output.timestamps, self.run.epoch) {
                (Timestamps::Epoch, Some(epoch)) => Times::Set(epoch),
                (Timestamps::Epoch, None) => {
                    return Err(Error::usage("output.timestamps = \"epoch\" needs SOURCE_DATE_EPOCH to be set"));
                }
                (Timestamps::Clamp, Some(epoch)) => Times::Clamp(epoch),
                (Timestamps::Clamp, None) | (Timestamps::Keep, _) => Times::Keep,
            },
            compressor: self.compressor,
            limits: self.run.limits.clone(),
        })
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

    fn tell(&self, layer: &LayerSpec, progress: Progress) {
        let layer = layer.name.clone();
        self.run.observer.tell(Event::LayerProgress { layer, phase: Phase::Pack, done: progress.bytes, total: None });
    }

    /// An error of the packer.
    pub(crate) fn failed(&self, layer: &LayerSpec, error: oci_merge_layer::Error) -> Error {
        failed(&layer.name, error)
    }
}

/// An error of the packer: its own, or one of the store that it wrote to.
pub(crate) fn failed(layer: &str, error: oci_merge_layer::Error) -> Error {
    match oci_merge_store::Error::carried_by(error) {
        Ok(ours) => Error::store(layer, ours),
        Err(error) if error.kind() == LayerKind::Cancelled => Error::Cancelled,
        Err(source) => Error::Layer { layer: layer.to_owned(), source },
    }
}

fn owns<'p>(layer: &LayerSpec, paths: impl IntoIterator<Item = &'p String>) -> Result<Owns> {
    Owns::new(paths).map_err(|e| Error::usage(format!("{}: owns: {e}", layer.name)))
}

/// `to = "/"` is the root, `to = "/opt/x/y"` a path of the image, `to = "y"` a directory under the prefix.
pub(crate) fn place(layer: &LayerSpec, to: &str) -> Result<LayerPath> {
    let path = LayerPath::parse(to.as_bytes()).map_err(|e| Error::usage(format!("{}: to = {to:?} {e}", layer.name)))?;
    if to.starts_with('/') {
        return Ok(path);
    }
    layer.prefix.path().join(&path).map_err(|e| Error::usage(format!("{}: to = {to:?} {e}", layer.name)))
}

/// How layers that we write are compressed.
pub(crate) fn compressor(output: &Output) -> Result<Compressor> {
    match output.compression {
        Compression::None => Ok(Compressor::None),
        Compression::Gzip => Ok(Compressor::Gzip(output.level)),
        #[cfg(feature = "zstd")]
        Compression::Zstd => Ok(Compressor::Zstd),
        #[cfg(not(feature = "zstd"))]
        Compression::Zstd => {
            Err(Error::usage("this oci-merge was built without zstd; build it with --features zstd, or use gzip"))
        }
    }
}

/// The directories of the base's tree, from which layers that write outside their prefix take attributes over.
fn directories(base_indexes: &BaseIndexes<'_>, spec: &Spec) -> Result<BTreeMap<LayerPath, Attributes>> {
    let mut tree = Tree::default();
    let beside = |l: &LayerSpec| !l.owns.is_empty() || !l.overrides.is_empty() || l.ancestors == Ancestors::Base;
    if !spec.allow.is_empty() || spec.layers.iter().any(beside) {
        for index in base_indexes.get().ok_or(Error::Cancelled)? {
            tree.apply(index, |_, entry| {
                let attributes = Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid };
                (entry.kind == Kind::Directory).then_some(attributes)
            });
        }
    }
    Ok(tree.into_paths())
}
