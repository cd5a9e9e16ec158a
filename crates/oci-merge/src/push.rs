//! `push`: an image that was built earlier goes to a registry as it is, all of its platforms included.

use crate::local::Local;
use crate::mounts::Mounts;
use crate::names::by_repository;
use crate::open::{open_manifest, open_store};
use crate::referrer::attach;
use crate::registries::deliver;
use crate::result::Written;
use crate::settings::{Run, Settings};
use crate::spec::BaseSource;
use crate::{Error, Event, Result};
use oci_merge_image::{Descriptor, Reference};
use oci_merge_store::copy::{CopyOptions, copy};
use oci_merge_store::{Memory, Overlay, Store};
use std::path::Path;

/// Copies an image to registries, under every reference.
///
/// # Errors
/// There is no such image, or a registry does not take it.
pub fn push(source: &BaseSource, directory: &Path, to: &[Reference], settings: &Settings) -> Result<Vec<Written>> {
    let run = Run::new(settings.clone());
    let repositories = by_repository(to)?;
    let image = open_store(source, directory, &run)?;
    let documents = Memory::new();
    let indexes = known_indexes(source, directory, &documents, &run)?;
    let from = Overlay::new([&documents as &dyn Store, &*image.store]);
    deliver(&run.network, &repositories, Mounts::default(), |delivery| {
        let options = CopyOptions {
            tags: delivery.tags.to_vec(),
            mount_from: delivery.mount_from,
            companions: indexes.iter().filter(|_| !delivery.is_there).cloned().collect(),
            expected: run.expected.clone(),
            cancel: Some(run.cancel.flag()),
            ..CopyOptions::default()
        };
        let copied = copy(&from, delivery.registry, &image.root, &options, &|_| {});
        copied.map_err(|e| Error::store(&delivery.reference.name(), e))
    })?;
    let mut written = Vec::new();
    for (reference, tags) in repositories {
        for tag in tags {
            let place = format!("{}:{tag}", reference.name());
            let digest = image.root.digest.clone();
            run.observer.tell(Event::ImageWritten { reference: place.clone(), digest: digest.clone() });
            written.push(Written { answer: format!("{place}@{digest}"), reference: place, pushed: true });
        }
    }
    Ok(written)
}

/// The path indexes of the image's layers, as far as the local store knows them: what was built on this machine, all of
/// them. Of an image for several machines, none.
fn known_indexes(source: &BaseSource, directory: &Path, documents: &Memory, run: &Run) -> Result<Option<Descriptor>> {
    let open = open_manifest(source, directory, None, run).and_then(|open| open.with_config(None));
    // What is wrong with the image is told when it is copied.
    let Some(open) = open.ok().filter(|open| open.descriptor.digest == open.image.digest) else { return Ok(None) };
    let (local, layers) = (Local::open(run)?, &open.image.manifest.value().layers);
    for (layer, diff_id) in layers.iter().zip(&open.image.config.value().diff_ids) {
        local.index(layer, diff_id);
    }
    attach(&open.descriptor, layers, &local, documents)
}
