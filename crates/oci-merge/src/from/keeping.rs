//! A repository whose blobs stay in the local store once they were fetched, if they will be wanted again.

use crate::event::Phase;
use crate::local::Local;
use crate::{Event, Observer};
use oci_merge_image::{Descriptor, Reference};
use oci_merge_store::{Content, Error, ErrorKind, Result, Store, Verified};
use std::io::{self, Read};
use std::sync::Arc;

/// Where the bytes of layers are wanted that lie in a registry and may be used as they are.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Nowhere: nothing is written.
    Nowhere,
    /// In these repositories.
    Registries(&'a [Reference]),
    /// On this machine.
    Here,
}

impl Wanted<'_> {
    /// Whether the bytes of a repository need not be kept: nobody wants them, or the registry moves them itself.
    pub(super) fn leaves(self, repository: &Reference) -> bool {
        match self {
            Wanted::Nowhere => true,
            Wanted::Registries(targets) => targets.iter().all(|target| target.registry() == repository.registry()),
            Wanted::Here => false,
        }
    }
}

/// Reads from a repository through the local store: whoever looks at a blob twice, or packs what is in it, or sends it
/// elsewhere, fetches it once.
pub(super) struct Keeping {
    pub(super) far: Arc<dyn Store>,
    pub(super) local: Local,
    pub(super) layer: String,
    pub(super) observer: Observer,
    /// Whether what is not in the local store passes by and is not kept.
    pub(super) passing: bool,
}

impl Store for Keeping {
    fn name(&self) -> String {
        self.far.name()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.far.resolve(reference)
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.local.layout().exists(descriptor)? || self.far.exists(descriptor)?)
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        let layout = self.local.layout();
        if self.passing && !layout.exists(descriptor)? {
            return self.stream(descriptor);
        }
        layout.quarantine(descriptor)?;
        if !layout.exists(descriptor)? {
            layout.push(descriptor, &Far { keeping: self, descriptor })?;
        }
        layout.fetch(descriptor)
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        self.local.layout().content(descriptor)
    }

    fn referrers(&self, subject: &Descriptor, artifact_type: &str) -> Result<Vec<Descriptor>> {
        self.far.referrers(subject, artifact_type)
    }

    fn push(&self, _: &Descriptor, _: &dyn Content) -> Result<()> {
        Err(self.refuse())
    }

    fn tag(&self, _: &Descriptor, _: &str) -> Result<()> {
        Err(self.refuse())
    }
}

impl Keeping {
    /// Reads a blob from the repository, and tells how far it is.
    fn stream(&self, descriptor: &Descriptor) -> Result<Verified> {
        let (observer, layer, total) = (self.observer.clone(), self.layer.clone(), Some(descriptor.size));
        let tell = move |done| {
            observer.tell(Event::LayerProgress { layer: layer.clone(), phase: Phase::Fetch, done, total });
        };
        Ok(self.far.fetch(descriptor)?.watched(tell))
    }

    fn refuse(&self) -> Error {
        Error::new(ErrorKind::Policy, self.name(), "an image that files are taken from is only read")
    }
}

/// A blob of the repository, on its way into the local store.
struct Far<'a> {
    keeping: &'a Keeping,
    descriptor: &'a Descriptor,
}

impl Content for Far<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.keeping.stream(self.descriptor)?))
    }
}
