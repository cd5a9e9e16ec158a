//! From spec to manifest: gather, pack, check, stack; and then push.

use crate::assemble::assemble;
use crate::base_index::BaseIndexes;
use crate::from::Wanted;
use crate::groups::{self, Limit};
use crate::layers::{self, Ready};
use crate::local::Local;
use crate::names::Names;
use crate::open::OpenBase;
use crate::result::{Built, BuiltBase, BuiltLayer, Checked, Sent};
use crate::settings::Run;
use crate::spec::Spec;
use crate::{Destination, Error, Event, Remake, Result, Settings, judge, on_path, seek, workers, write};
use oci_merge_image::{Platform, Stacked, shown};
use std::collections::HashSet;
use std::thread;

/// How many layers an image may have: what docker's classic store can mount.
pub const MAX_LAYERS: usize = 125;

/// A run that is described and not yet started.
#[derive(Debug, Clone)]
pub struct Builder {
    spec: Spec,
    settings: Settings,
    only: Vec<String>,
    names: Vec<String>,
    pushed: bool,
}

/// An image that was made and checked, and lies in the local store.
pub struct Assembled {
    pub(crate) spec: Spec,
    pub(crate) run: Run,
    pub(crate) names: Vec<String>,
    pub(crate) base: OpenBase,
    pub(crate) local: Local,
    pub(crate) layers: Vec<Ready>,
    pub(crate) stacked: Stacked,
    pub(crate) checked: Checked,
}

impl Builder {
    /// A run of a spec.
    pub fn new(spec: Spec) -> Builder {
        Builder { spec, settings: Settings::default(), only: Vec::new(), names: Vec::new(), pushed: false }
    }

    /// How the run works.
    pub fn settings(mut self, settings: Settings) -> Builder {
        self.settings = settings;
        self
    }

    /// Only these layers of the spec; none: all of them.
    pub fn only(mut self, layers: impl IntoIterator<Item = impl Into<String>>) -> Builder {
        self.only = layers.into_iter().map(Into::into).collect();
        self
    }

    /// The references that the image is to have; none: the project's repository, or the tag `full` alone.
    pub fn names(mut self, references: impl IntoIterator<Item = impl Into<String>>) -> Builder {
        self.names = references.into_iter().map(Into::into).collect();
        self
    }

    /// Says that the image will be pushed under its names. What the images say that are there of their layers is
    /// believed: whoever can write there can write anything there (see [`indexes`](crate::manual::indexes)).
    pub fn pushed(mut self) -> Builder {
        self.pushed = true;
        self
    }

    /// Makes the layers and checks them against each other and the base; writes nothing but the local store. The
    /// project's own repository is believed as by [`pushed`](Builder::pushed).
    ///
    /// # Errors
    /// [`Error::Findings`] if the answer is no; else whatever kept a layer from being made.
    pub fn check(self) -> Result<Checked> {
        let image = Builder { names: Vec::new(), pushed: true, ..self }.stacked(false)?;
        image.local.make_room(&image.run);
        Ok(image.checked)
    }

    /// Makes the layers, checks them, and stacks them on the base.
    ///
    /// # Errors
    /// As [`check`](Builder::check); and layers that cannot be stacked.
    pub fn assemble(self) -> Result<Assembled> {
        self.stacked(true)
    }

    /// The same; `named` if the manifest is to name the indexes of the layers, which nobody needs of an image that is
    /// not written.
    fn stacked(mut self, named: bool) -> Result<Assembled> {
        let run = Run::new(self.settings.clone());
        let (spec, run) = (&mut self.spec, &run);
        if let Remake::Layers(names) = &run.remake {
            known(spec, names)?;
        }
        select(spec, &self.only)?;
        let platform = wanted_platform(spec, run)?;
        let names = Names::of(spec, &self.names)?;
        run.pins.own(if self.pushed { names.references() } else { &[] }, platform.as_ref());
        let base = seek::base(spec, platform.as_ref(), run)?;
        run.pins.see_image(&spec.base.source, platform.as_ref(), false, run);
        let not_for_platform = keep_those_for(spec, &base.platform)?;
        let limit = Limit::of(spec, &base);
        limit.allows(spec.layers.len())?;
        seek::sources(spec, &base.platform, run)?;
        run.pins.see_sources(spec, &base, run);
        run.observer.tell(Event::RunStart {
            tool: env!("CARGO_PKG_VERSION"),
            image: image_name(spec),
            platform: base.platform.to_string(),
            layers: spec.layers.iter().map(|l| l.name.clone()).collect(),
        });
        let local = Local::open(run)?;
        let base_indexes = BaseIndexes::new(&base, &local, run);
        let wanted = match (named, self.pushed) {
            (false, _) => Wanted::Nowhere,
            (true, true) => Wanted::Registries(names.references()),
            (true, false) => Wanted::Here,
        };
        let made = thread::scope(|scope| {
            scope.spawn(|| base_indexes.get());
            layers::make_all(spec, &base, &base_indexes, wanted, &local, run)
        });
        // The base is below all layers: what is wrong with it is told first.
        let (base_indexes, (mut layers, refused)) = (base_indexes.finish()?, made?);
        // An image that files are taken from may have brought several.
        let plan = limit.plan(&layers, run)?;
        let checked = judge::judge(spec, &base, &base_indexes, &layers, refused, &local, run)?;
        let checked = Checked { not_for_platform, ..checked };
        on_path::tell_missing(spec, &base_indexes, &mut layers, run);
        if named {
            let _: Vec<()> = workers::for_each(&layers, run.jobs(), |layer| local.remember_new(&layer.index));
        }
        let layers = if named { groups::join_all(layers, &plan, spec, &base, &local, run)? } else { layers };
        let stacked = assemble(&base, &layers, &spec.config, &local, run.epoch)?;
        let run = run.clone();
        let Builder { spec, names, .. } = self;
        Ok(Assembled { spec, run, names, base, local, layers, stacked, checked })
    }
}

impl Assembled {
    /// Writes the image to every destination, and says where it is now.
    ///
    /// # Errors
    /// A destination cannot be written; what was written before stays.
    pub fn write(&self, destinations: &[Destination]) -> Result<Built> {
        let built = write::write(self, destinations)?;
        self.local.make_room(&self.run);
        Ok(built)
    }

    /// Pushes the image to a registry under a reference.
    ///
    /// # Errors
    /// The reference cannot be read, or the registry does not take the image.
    pub fn push(mut self, reference: &str) -> Result<String> {
        self.names = vec![reference.to_owned()];
        let built = self.write(&[Destination::Registry])?;
        Ok(built.written.into_iter().next().map(|w| w.answer).unwrap_or_default())
    }

    /// What was made, before it was written anywhere.
    pub fn built(&self) -> Built {
        let base = self.base.image.as_ref();
        let manifest = &self.stacked.manifest;
        let config = self.stacked.config.value();
        Built {
            image: image_name(&self.spec),
            platform: self.base.platform.to_string(),
            manifest_digest: manifest.digest().clone(),
            manifest_size: manifest.bytes().len() as u64,
            config_digest: self.stacked.config.digest().clone(),
            base: BuiltBase {
                name: self.base.name().to_owned(),
                digest: base.map(|open| open.descriptor.digest.clone()),
                size: base.map_or(0, |open| open.image.manifest.value().layers.iter().map(|l| l.size).sum()),
                layers: base.map_or(0, |open| open.image.manifest.value().layers.len()),
                transfer: None,
                bytes_sent: 0,
            },
            layers: self.layers.iter().map(built_layer).collect(),
            path: config.env.iter().find_map(|e| e.strip_prefix("PATH=")).unwrap_or_default().to_owned(),
            check: self.checked.clone(),
            written: Vec::new(),
            sent: Sent::default(),
        }
    }
}

impl std::fmt::Debug for Assembled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Assembled({})", self.stacked.manifest.digest())
    }
}

fn built_layer(layer: &Ready) -> BuiltLayer {
    BuiltLayer {
        name: layer.name.clone(),
        version: layer.version.clone(),
        prefix: groups::prefix(layer),
        digest: layer.descriptor.digest.clone(),
        diff_id: layer.diff_id.0.clone(),
        size: layer.descriptor.size,
        paths: layer.index.len() as u64,
        how: layer.how,
        notes: layer.notes.clone(),
        transfer: None,
        bytes_sent: 0,
        bytes_sent_again: 0,
        joined: layer.joined.clone(),
    }
}

/// Refuses names that no layer has.
fn known(spec: &Spec, names: &[String]) -> Result<()> {
    let Some(stranger) = names.iter().find(|name| !spec.layers.iter().any(|l| l.name == **name)) else {
        return Ok(());
    };
    let known: Vec<&str> = spec.layers.iter().map(|l| l.name.as_str()).collect();
    Err(Error::usage(format!("there is no layer {}; the spec has {}", shown(stranger), known.join(", "))))
}

/// Keeps the layers that were asked for and those that they need, in their order.
fn select(spec: &mut Spec, only: &[String]) -> Result<()> {
    known(spec, only)?;
    if !only.is_empty() {
        let mut wanted: HashSet<String> = only.iter().cloned().collect();
        // Whatever is needed lies below: from the top down, all who need a layer have been seen before it.
        for layer in spec.layers.iter().rev() {
            if wanted.contains(&layer.name) {
                wanted.extend(layer.needs.iter().map(|needed| needed.layer.clone()));
            }
        }
        spec.layers.retain(|l| wanted.contains(&l.name));
    }
    Ok(())
}

/// Keeps the layers that are for a platform, one at least; gives the names of the others.
fn keep_those_for(spec: &mut Spec, platform: &Platform) -> Result<Vec<String>> {
    let layers = std::mem::take(&mut spec.layers).into_iter();
    let (here, elsewhere): (Vec<_>, Vec<_>) = layers.partition(|layer| layer.is_for(platform));
    for needed in here.iter().flat_map(|layer| &layer.needs) {
        if elsewhere.iter().any(|layer| layer.name == needed.layer) {
            let place = spec.place(&needed.span);
            return Err(Error::usage(format!("{} is needed, and is not for {platform}{place}", needed.layer)));
        }
    }
    spec.layers = here;
    let elsewhere: Vec<String> = elsewhere.into_iter().map(|layer| layer.name).collect();
    if spec.layers.is_empty() && !elsewhere.is_empty() {
        let names = elsewhere.join(", ");
        return Err(Error::usage(format!("no layer is left for {platform}; for other platforms: {names}")));
    }
    Ok(elsewhere)
}

/// The platform of the settings, else the spec's; `None` leaves the choice to the base.
fn wanted_platform(spec: &Spec, run: &Run) -> Result<Option<Platform>> {
    match (&run.platform, &spec.project.platforms[..]) {
        (Some(platform), _) => Ok(Some(platform.clone())),
        (None, []) => Ok(None),
        (None, [only]) => Ok(Some(only.clone())),
        (None, several) => {
            let names: Vec<String> = several.iter().map(|p| p.to_string()).collect();
            Err(Error::usage(format!(
                "the spec lists the platforms {}, and one image for several is not built yet; choose one with --platform",
                names.join(", ")
            )))
        }
    }
}

/// What messages call the image: the project's name, else its repository's last component, else `image`.
pub(crate) fn image_name(spec: &Spec) -> String {
    let of_repository =
        || spec.project.repo.as_ref().and_then(|r| r.repository().rsplit('/').next().map(str::to_owned));
    spec.project.name.clone().or_else(of_repository).unwrap_or_else(|| "image".to_owned())
}
