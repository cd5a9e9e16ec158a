//! A repository whose blobs stay in the local store once they were fetched.

use crate::local::Local;
use crate::{Event, Observer, event};
use oci_merge_image::Descriptor;
use oci_merge_store::{Content, Error, ErrorKind, Result, Store, Verified};
use std::io::{self, Read};
use std::sync::Arc;

/// Reads from a repository through the local store: whoever looks at a blob twice, or packs what is in it, or sends it
/// elsewhere, fetches it once.
pub(super) struct Keeping {
    pub(super) far: Arc<dyn Store>,
    pub(super) local: Local,
    pub(super) layer: String,
    pub(super) observer: Observer,
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
        match layout.verify(descriptor) {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::NotFound => layout.push(descriptor, &Far { keeping: self, descriptor })?,
            Err(e) if e.kind() == ErrorKind::Mismatch => {
                layout.quarantine(&descriptor.digest)?;
                layout.push(descriptor, &Far { keeping: self, descriptor })?;
            }
            Err(e) => return Err(e),
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
        Ok(Box::new(Told { content: self.keeping.far.fetch(self.descriptor)?, of: self, done: 0 }))
    }
}

/// Tells how far it is.
struct Told<'a> {
    content: Verified,
    of: &'a Far<'a>,
    done: u64,
}

impl Read for Told<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.content.read(out)?;
        self.done += length as u64;
        let (layer, total) = (self.of.keeping.layer.clone(), Some(self.of.descriptor.size));
        let progress = Event::LayerProgress { layer, phase: event::Phase::Fetch, done: self.done, total };
        self.of.keeping.observer.tell(progress);
        Ok(length)
    }
}
