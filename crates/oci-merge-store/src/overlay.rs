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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layout, Memory};
    use oci_merge_image::MediaType;

    #[test]
    fn the_first_store_that_has_it_answers() {
        let (first, second) = (Memory::new(), Memory::new());
        let blob = |store: &Memory, text: &str| {
            let descriptor = Descriptor::of(MediaType::ImageLayer, text.as_bytes());
            store.push(&descriptor, &text.as_bytes()).unwrap();
            descriptor
        };
        let (a, b) = (blob(&first, "a"), blob(&second, "b"));
        first.tag(&a, "both").unwrap();
        second.tag(&b, "both").unwrap();
        second.tag(&b, "second").unwrap();
        let overlay = Overlay::new([&first as &dyn Store, &second]);
        assert_eq!(overlay.resolve("both").unwrap().digest, a.digest);
        assert_eq!(overlay.resolve("second").unwrap().digest, b.digest);
        for descriptor in [&a, &b] {
            assert!(overlay.exists(descriptor).unwrap());
            assert!(overlay.fetch(descriptor).unwrap().read_document(9).is_ok());
            assert!(overlay.content(descriptor).is_some());
        }
        let absent = Descriptor::of(MediaType::ImageLayer, b"absent");
        assert!(!overlay.exists(&absent).unwrap() && overlay.content(&absent).is_none());
        let error = overlay.fetch(&absent).err().unwrap();
        assert_eq!((error.kind(), error.place()), (ErrorKind::NotFound, "memory or memory"));
        assert_eq!(overlay.resolve("neither").unwrap_err().kind(), ErrorKind::NotFound);
        for refused in [overlay.push(&absent, &&b"absent"[..]), overlay.tag(&a, "x")] {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Policy);
        }
        assert!(!first.exists(&absent).unwrap() && first.resolve("x").is_err());
    }

    #[test]
    fn an_error_is_not_taken_for_absence() {
        let temp = tempfile::tempdir().unwrap();
        let damaged = Layout::open_or_create(temp.path()).unwrap();
        std::fs::write(temp.path().join("index.json"), "not JSON").unwrap();
        let whole = Memory::new();
        let blob = Descriptor::of(MediaType::ImageLayer, b"a");
        whole.push(&blob, &&b"a"[..]).unwrap();
        whole.tag(&blob, "x").unwrap();
        let overlay = Overlay::new([&damaged as &dyn Store, &whole]);
        assert_eq!(overlay.resolve("x").unwrap_err().kind(), ErrorKind::Document);
    }
}
