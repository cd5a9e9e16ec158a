//! Layers that an earlier run made, and whose blobs are wanted and gone: they are made again.

use crate::build::Assembled;
use crate::{Error, layers};
use oci_merge_image::Descriptor;
use oci_merge_store::{Content, Error as StoreError, ErrorKind, Result, Store, Verified};
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};

/// The remembered layers of an image as a store behind the local one: whoever asks it for a blob gets one that has just been
/// made.
pub(crate) struct Again<'a> {
    image: &'a Assembled,
    /// One at a time; each takes all threads there are.
    turn: Mutex<()>,
}

impl Again<'_> {
    pub(crate) fn new(image: &Assembled) -> Again<'_> {
        Again { image, turn: Mutex::default() }
    }

    fn knows(&self, blob: &Descriptor) -> bool {
        self.image.layers.iter().any(|layer| layer.is_remembered && layer.descriptor.digest == blob.digest)
    }

    /// Makes a layer into the local store.
    fn make(&self, blob: &Descriptor) -> Result<()> {
        let Assembled { spec, run, base, local, layers, .. } = self.image;
        let _mine = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(layer) = layers.iter().find(|layer| layer.is_remembered && layer.descriptor.digest == blob.digest)
        else {
            return Err(self.lacks(&blob.digest.to_string()));
        };
        let run = run.remaking();
        match layers::make_one(spec, base, local, &run, &layer.name) {
            Ok(made) if made.iter().any(|made| made.descriptor.digest == blob.digest) => Ok(()),
            Ok(_) => {
                let text = format!("{} came out otherwise: its sources have changed since the run began", blob.digest);
                Err(StoreError::new(ErrorKind::Mismatch, self.name(), text).about(&blob.digest))
            }
            Err(Error::Store { source, .. } | Error::SourceChanged { source, .. }) => Err(source),
            Err(Error::Cancelled) => Err(StoreError::new(ErrorKind::Cancelled, self.name(), "stopped")),
            Err(error) => {
                let text = format!("{} is not in the local store, and cannot be made again: {error}", blob.digest);
                Err(StoreError::new(ErrorKind::NotFound, self.name(), text).about(&blob.digest))
            }
        }
    }

    fn lacks(&self, what: &str) -> StoreError {
        StoreError::new(ErrorKind::NotFound, self.name(), format!("{what} is not there"))
    }

    fn refuse(&self) -> StoreError {
        StoreError::new(ErrorKind::Policy, self.name(), "layers that are made again are only read")
    }
}

impl Store for Again<'_> {
    fn name(&self) -> String {
        "the layers of earlier runs".into()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        Err(self.lacks(reference))
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.knows(descriptor))
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        self.make(descriptor)?;
        self.image.local.layout().fetch(descriptor)
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        self.knows(descriptor).then(|| Box::new(Wanted { again: self, blob: descriptor.clone() }) as Box<dyn Content>)
    }

    fn push(&self, _: &Descriptor, _: &dyn Content) -> Result<()> {
        Err(self.refuse())
    }

    fn tag(&self, _: &Descriptor, _: &str) -> Result<()> {
        Err(self.refuse())
    }
}

/// A blob that is made when it is opened.
struct Wanted<'a> {
    again: &'a Again<'a>,
    blob: Descriptor,
}

impl Content for Wanted<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let layout = self.again.image.local.layout();
        if !layout.exists(&self.blob)? {
            self.again.make(&self.blob)?;
        }
        Ok(Box::new(layout.fetch(&self.blob)?))
    }
}
