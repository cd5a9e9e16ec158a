//! Several stores as one source.

use crate::{Content, Error, ErrorKind, Result, Store, Verified};
use oci_merge_image::Descriptor;

/// Reads from the first store that has what is wanted: new documents in memory, layers in the local store, the rest in
/// the base's repository.
///
/// It is only read. What to write where is never a matter of order, so a push or a tag goes to one of its stores by
/// name, and is refused here.
pub struct Overlay<'a> {
    stores: Vec<&'a dyn Store>,
}

impl<'a> Overlay<'a> {
    /// The stores, the one to ask first in front.
    pub fn new(stores: impl IntoIterator<Item = &'a dyn Store>) -> Overlay<'a> {
        Overlay { stores: stores.into_iter().collect() }
    }

    /// The first answer that is not "there is none".
    fn first<T>(&self, what: &str, ask: impl Fn(&dyn Store) -> Result<T>) -> Result<T> {
        for store in &self.stores {
            match ask(*store) {
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                answer => return answer,
            }
        }
        Err(Error::not_found(&self.name(), what))
    }

    fn refuse(&self) -> Error {
        Error::new(ErrorKind::Policy, self.name(), "several stores at once are only read; write to one of them")
    }
}

impl Store for Overlay<'_> {
    fn name(&self) -> String {
        self.stores.iter().map(|store| store.name()).collect::<Vec<_>>().join(" or ")
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.first(reference, |store| store.resolve(reference))
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        for store in &self.stores {
            if store.exists(descriptor)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        self.first(&descriptor.digest.to_string(), |store| store.fetch(descriptor))
            .map_err(|e| e.about(&descriptor.digest))
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        self.stores.iter().find_map(|store| store.content(descriptor))
    }

    fn push(&self, _descriptor: &Descriptor, _content: &dyn Content) -> Result<()> {
        Err(self.refuse())
    }

    fn tag(&self, _descriptor: &Descriptor, _tag: &str) -> Result<()> {
        Err(self.refuse())
    }
}
