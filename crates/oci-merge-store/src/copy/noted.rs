//! What the tests of copying stand on: a store that keeps a log, and images of small blobs.

use super::children;
use crate::{Content, Error, ErrorKind, MANIFEST_BLOB_UNKNOWN, Memory, Result, Store, Verified};
use oci_merge_image::{Descriptor, Digest, Form, MediaType};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A store that notes what it is asked, and misbehaves where it is told to.
#[derive(Default)]
pub(super) struct Noted {
    pub(super) inner: Memory,
    pub(super) log: Mutex<Vec<String>>,
    pub(super) mountable: BTreeSet<(Digest, String)>,
    pub(super) refused: BTreeSet<Digest>,
    /// Refused after the attempts to read it.
    pub(super) refused_after_all: BTreeSet<Digest>,
    pub(super) claimed: BTreeSet<Digest>,
    /// Whether it says what it holds, as a registry does.
    pub(super) says: bool,
    pub(super) remote: bool,
    pub(super) attempts: usize,
    pub(super) busy: AtomicUsize,
    pub(super) busiest: AtomicUsize,
}

impl Noted {
    fn note(&self, what: &str, descriptor: &Descriptor) {
        self.log.lock().unwrap().push(format!("{what} {}", name_of(descriptor)));
    }

    pub(super) fn log(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    pub(super) fn count(&self, line: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|l| *l == line).count()
    }
}

/// The first word of a test's blob, or the kind of a document.
pub(super) fn name_of(descriptor: &Descriptor) -> String {
    descriptor.annotations.get("name").cloned().unwrap_or_else(|| format!("{:?}", Form::of(&descriptor.media_type)))
}

impl Store for Noted {
    fn name(&self) -> String {
        "noted".into()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.inner.resolve(reference)
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        self.note("exists", descriptor);
        Ok(self.claimed.contains(&descriptor.digest) || self.inner.exists(descriptor)?)
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        self.note("fetch", descriptor);
        self.inner.fetch(descriptor)
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        if self.remote { None } else { self.inner.content(descriptor) }
    }

    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        self.note("push", descriptor);
        if self.refused.contains(&descriptor.digest) {
            return Err(Error::new(ErrorKind::Denied, "noted", "no"));
        }
        if Form::of(&descriptor.media_type) == Form::Manifest {
            let mut bytes = Vec::new();
            content.open().unwrap().read_to_end(&mut bytes).unwrap();
            for child in children("noted", &descriptor.media_type, &bytes).unwrap() {
                if !self.inner.exists(&child)? && !matches!(Form::of(&child.media_type), Form::Foreign(_)) {
                    return Err(Error::new(ErrorKind::Network, "noted", "blob unknown").because(MANIFEST_BLOB_UNKNOWN));
                }
            }
        }
        let busy = self.busy.fetch_add(1, Ordering::SeqCst) + 1;
        self.busiest.fetch_max(busy, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        for _ in 0..self.attempts {
            // An upload that breaks off and starts over.
            let _ = content.open().and_then(|mut c| c.read(&mut [0; 1]));
        }
        let result = match self.refused_after_all.contains(&descriptor.digest) {
            true => Err(Error::new(ErrorKind::Denied, "noted", "no, after all")),
            false => self.inner.push(descriptor, content),
        };
        self.busy.fetch_sub(1, Ordering::SeqCst);
        result
    }

    fn holds(&self, root: &Descriptor) -> Result<Option<bool>> {
        self.says.then(|| self.inner.exists(root)).transpose()
    }

    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()> {
        self.note(&format!("tag {tag}"), descriptor);
        self.inner.tag(descriptor, tag)
    }

    fn mount(&self, descriptor: &Descriptor, from: &str) -> Result<bool> {
        self.note(&format!("mount {from}"), descriptor);
        if !self.mountable.contains(&(descriptor.digest.clone(), from.to_owned())) {
            return Ok(false);
        }
        self.inner.push(descriptor, &name_of(descriptor).into_bytes()).map(|()| true)
    }
}

pub(super) fn named(media_type: MediaType, bytes: &[u8], name: &str) -> Descriptor {
    let mut descriptor = Descriptor::of(media_type, bytes);
    descriptor.annotations.insert("name".into(), name.into());
    descriptor
}

/// A blob whose content is its name.
pub(super) fn blob(name: &str) -> Descriptor {
    let media_type = if name.starts_with("config") { MediaType::ImageConfig } else { MediaType::ImageLayer };
    named(media_type, name.as_bytes(), name)
}

pub(super) fn put(store: &dyn Store, media_type: MediaType, value: &Value, name: &str) -> Descriptor {
    let bytes = value.to_string().into_bytes();
    let descriptor = named(media_type, &bytes, name);
    store.push(&descriptor, &bytes).unwrap();
    descriptor
}

/// An image of blobs that are put beside it, the config first.
pub(super) fn image(store: &Memory, name: &str, blobs: &[&str]) -> Descriptor {
    let descriptors: Vec<Descriptor> = blobs.iter().map(|name| blob(name)).collect();
    for (name, descriptor) in blobs.iter().zip(&descriptors) {
        store.push(descriptor, &name.as_bytes()).unwrap();
    }
    let (config, layers) = descriptors.split_first().unwrap();
    put(store, MediaType::ImageManifest, &json!({ "schemaVersion": 2, "config": config, "layers": layers }), name)
}
