//! A store in memory: for documents that were just made, and for tests.

use crate::{Content, Error, ErrorKind, Result, Store, Verified};
use oci_merge_image::{Descriptor, Digest};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Arc, PoisonError, RwLock};

/// Content by digest, and tags. It holds whatever it is given: meant for documents, which are small.
#[derive(Debug, Default)]
pub struct Memory {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    content: BTreeMap<Digest, (Descriptor, Arc<[u8]>)>,
    tags: BTreeMap<String, Descriptor>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Memory {
        Memory::default()
    }

    fn bytes(&self, descriptor: &Descriptor) -> Option<Arc<[u8]>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.content.get(&descriptor.digest).map(|(_, bytes)| Arc::clone(bytes))
    }
}

impl Store for Memory {
    fn name(&self) -> String {
        "memory".into()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let found = match reference.parse::<Digest>() {
            Ok(digest) => kept.content.get(&digest).map(|(descriptor, _)| descriptor),
            Err(_) => kept.tags.get(reference),
        };
        found.cloned().ok_or_else(|| Error::not_found("memory", reference))
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.bytes(descriptor).is_some_and(|bytes| bytes.len() as u64 == descriptor.size))
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        let digest = &descriptor.digest;
        match self.bytes(descriptor) {
            Some(bytes) => Ok(Verified::new(descriptor, "memory", io::Cursor::new(bytes))),
            None => Err(Error::not_found("memory", &digest.to_string()).because("BLOB_NOT_FOUND").about(digest)),
        }
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        self.bytes(descriptor).map(|bytes| Box::new(Shared(bytes)) as Box<dyn Content>)
    }

    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        let failed = |e| Error::carried_by(e).unwrap_or_else(|e| Error::disk("memory", "reading the content", e));
        let mut reader = crate::verified::Checked::new(descriptor, "memory", content.open().map_err(failed)?);
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(failed)?;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.content.insert(descriptor.digest.clone(), (descriptor.clone(), bytes.into()));
        Ok(())
    }

    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()> {
        if tag.is_empty() {
            return Err(Error::new(ErrorKind::Policy, "memory", "a tag cannot be empty"));
        }
        if !self.exists(descriptor)? {
            return Err(Error::not_found("memory", &descriptor.digest.to_string()).about(&descriptor.digest));
        }
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.tags.insert(tag.to_owned(), descriptor.clone());
        Ok(())
    }
}

struct Shared(Arc<[u8]>);

impl Content for Shared {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(&*self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_a_store() {
        crate::contract::contract(&Memory::new());
    }
}
