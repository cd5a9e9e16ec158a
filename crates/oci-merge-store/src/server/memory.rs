//! Content in memory: for tests. A repository has only the blobs that were pushed to it or mounted into it.

use super::kept::Kept;
use super::lock;
use super::route::Wanted;
use super::shelf::{Scratch, Seekable, Shelf};
use crate::digester::Digester;
use crate::{Error, Result};
use oci_merge_image::{Descriptor, Digest};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::{Arc, Mutex};

const PLACE: &str = "memory";

/// A shelf in memory.
#[derive(Default)]
pub(super) struct MemoryShelf(Mutex<State>);

#[derive(Default)]
struct State {
    bytes: BTreeMap<Digest, Arc<[u8]>>,
    repositories: BTreeMap<String, Repository>,
}

#[derive(Default)]
struct Repository {
    blobs: BTreeSet<Digest>,
    manifests: BTreeMap<Digest, Kept>,
    tags: BTreeMap<String, Digest>,
}

impl State {
    fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories.entry(name.to_owned()).or_default()
    }
}

impl Shelf for MemoryShelf {
    fn blob(&self, repository: &str, digest: &Digest) -> Result<Option<(u64, Box<dyn Seekable>)>> {
        let state = lock(&self.0);
        let has = state.repositories.get(repository).is_some_and(|r| r.blobs.contains(digest));
        let bytes = state.bytes.get(digest).filter(|_| has).cloned();
        Ok(bytes.map(|bytes| (bytes.len() as u64, Box::new(Cursor::new(bytes)) as Box<dyn Seekable>)))
    }

    fn scratch(&self) -> Result<Scratch> {
        Ok(Scratch::Memory(Vec::new()))
    }

    fn keep(&self, repository: &str, digest: &Digest, scratch: Scratch) -> Result<()> {
        let bytes = match scratch {
            Scratch::Memory(bytes) => bytes,
            Scratch::Staged(staged) => std::fs::read(staged.path()).map_err(|e| Error::disk(PLACE, "reading", e))?,
        };
        let mut digester = Digester::new(digest.algorithm());
        digester.update(&bytes);
        let found = digester.finish();
        if found != *digest {
            return Err(Error::mismatch(PLACE, digest, &found));
        }
        let mut state = lock(&self.0);
        state.bytes.entry(digest.clone()).or_insert_with(|| bytes.into());
        state.repository(repository).blobs.insert(digest.clone());
        Ok(())
    }

    fn mount(&self, repository: &str, from: Option<&str>, digest: &Digest) -> Result<bool> {
        let mut state = lock(&self.0);
        let has = |(name, r): (&String, &Repository)| from.is_none_or(|from| from == name) && r.blobs.contains(digest);
        let there = state.repositories.iter().any(has);
        if there {
            state.repository(repository).blobs.insert(digest.clone());
        }
        Ok(there)
    }

    fn manifest(&self, repository: &str, wanted: &Wanted) -> Result<Option<Kept>> {
        let state = lock(&self.0);
        let Some(repository) = state.repositories.get(repository) else { return Ok(None) };
        let digest = match wanted {
            Wanted::Digest(digest) => Some(digest),
            Wanted::Tag(tag) => repository.tags.get(tag),
        };
        Ok(digest.and_then(|digest| repository.manifests.get(digest)).cloned())
    }

    fn keep_manifest(&self, repository: &str, tag: Option<&str>, manifest: &Kept) -> Result<()> {
        let mut state = lock(&self.0);
        let repository = state.repository(repository);
        repository.manifests.insert(manifest.digest.clone(), manifest.clone());
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), manifest.digest.clone());
        }
        Ok(())
    }

    fn forget(&self, repository: &str, wanted: &Wanted) -> Result<bool> {
        let mut state = lock(&self.0);
        let Some(repository) = state.repositories.get_mut(repository) else { return Ok(false) };
        Ok(match wanted {
            Wanted::Tag(tag) => repository.tags.remove(tag).is_some(),
            Wanted::Digest(digest) => {
                repository.tags.retain(|_, tagged| tagged != digest);
                repository.manifests.remove(digest).is_some()
            }
        })
    }

    fn tags(&self, repository: &str) -> Result<Option<BTreeMap<String, Digest>>> {
        Ok(lock(&self.0).repositories.get(repository).map(|r| r.tags.clone()))
    }

    fn images(&self) -> Result<Vec<String>> {
        let state = lock(&self.0);
        let tags =
            state.repositories.iter().flat_map(|(name, r)| r.tags.keys().map(move |tag| format!("{name}:{tag}")));
        Ok(tags.collect())
    }

    fn referrers(&self, repository: &str, subject: &Digest) -> Result<Vec<Descriptor>> {
        let state = lock(&self.0);
        let manifests = state.repositories.get(repository).into_iter().flat_map(|r| r.manifests.values());
        Ok(manifests.filter_map(|manifest| manifest.as_referrer_of(subject)).collect())
    }
}
