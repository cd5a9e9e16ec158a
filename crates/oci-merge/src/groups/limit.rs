//! How many layers an image may have.

use super::{Load, Piece, Plan};
use crate::build::MAX_LAYERS;
use crate::layers::Ready;
use crate::open::OpenBase;
use crate::spec::Spec;
use crate::{Error, Event, How, Result, settings::Run};

/// From so many layers on, a warning tells that there cannot be many more.
const MANY: usize = 100;

/// How many layers there may be, and how many of them the base has.
pub(crate) struct Limit<'a> {
    spec: &'a Spec,
    base: usize,
    most: usize,
}

impl<'a> Limit<'a> {
    pub(crate) fn of(spec: &'a Spec, base: &OpenBase) -> Limit<'a> {
        let base = base.image.as_ref().map_or(0, |open| open.image.manifest.value().layers.len());
        Limit { spec, base, most: spec.max_layers.min(MAX_LAYERS) }
    }

    /// Whether so many layers are too many, whatever becomes of them: told before any of them is made.
    ///
    /// # Errors
    /// They are, and may not be joined; or there is no room for any.
    pub(crate) fn allows(&self, layers: usize) -> Result<()> {
        if self.base + layers <= self.most || self.spec.output.pack && self.base < self.most {
            return Ok(());
        }
        let way_out = match (self.base < self.most, self.base) {
            (true, _) => "with --pack, or `pack = true` in [output], small neighbours are joined",
            (false, 0) => "an image without layers is none",
            (false, _) => "those of the base cannot be joined: take one with fewer",
        };
        Err(self.refuse(layers, way_out))
    }

    /// Which layers are to be joined.
    ///
    /// # Errors
    /// As [`allows`](Limit::allows); or too many of them are to keep their bytes.
    pub(crate) fn plan(&self, layers: &[Ready], run: &Run) -> Result<Plan> {
        self.allows(layers.len())?;
        let count = self.base + layers.len();
        if (MANY..=self.most).contains(&count) {
            let text = format!("{count} layers; an image may have {}", self.most);
            run.observer.tell(Event::Warning { text });
        }
        let is_fixed = |name: &str| {
            let mut of_spec = self.spec.layers.iter().filter(|layer| layer.name == name);
            of_spec.any(|layer| layer.sources.iter().any(|source| source.keep))
        };
        let piece = |layer: &Ready| Piece {
            name: layer.name.clone(),
            size: layer.descriptor.size,
            is_kept: layer.how == How::Kept,
            is_fixed: is_fixed(&layer.name) || layer.index.root().is_some_and(|root| root.xattrs.is_some()),
            load: Load::of(&layer.index),
        };
        let pieces: Vec<Piece> = layers.iter().map(piece).collect();
        Plan::of(&pieces, self.most - self.base, &run.limits).map_err(|fewest| {
            let text = format!(
                "{} are left when they are joined, for those with `keep = true` stay, and what would be more than a \
                 limit allows (--limit)",
                self.base + fewest
            );
            self.refuse(layers.len(), &text)
        })
    }

    fn refuse(&self, layers: usize, way_out: &str) -> Error {
        let Limit { base, most, .. } = self;
        let why = match *most < MAX_LAYERS {
            true => "as max-layers in [policy] says",
            false => "for docker's classic store mounts no more",
        };
        let count = base + layers;
        Error::usage(format!("{count} layers ({base} of them the base's); an image may have {most}, {why}; {way_out}"))
    }
}
