//! `push`: an image that was built earlier goes to a registry as it is, all of its platforms included.

use crate::names::by_repository;
use crate::open::open_store;
use crate::result::Written;
use crate::settings::{Run, Settings};
use crate::spec::BaseSource;
use crate::{Error, Event, Result};
use oci_merge_image::Reference;
use oci_merge_store::copy::{CopyOptions, copy};
use oci_merge_store::registry::Registry;
use std::path::Path;

/// Copies an image to registries, under every reference.
///
/// # Errors
/// There is no such image, or a registry does not take it.
pub fn push(source: &BaseSource, directory: &Path, to: &[Reference], settings: &Settings) -> Result<Vec<Written>> {
    let run = Run::new(settings.clone());
    let image = open_store(source, directory, &run)?;
    let mut written = Vec::new();
    for (reference, tags) in by_repository(to) {
        let failed = |e| Error::store(&reference.name(), e);
        let registry = Registry::open(&run.network, &reference).map_err(failed)?;
        let cancel = Some(run.cancel.flag());
        let options = CopyOptions { tags: tags.clone(), cancel, ..CopyOptions::default() };
        copy(&*image.store, &registry, &image.root, &options, &|_| {}).map_err(failed)?;
        for tag in tags {
            let place = format!("{}:{tag}", reference.name());
            let digest = image.root.digest.clone();
            run.observer.tell(Event::ImageWritten { reference: place.clone(), digest: digest.clone() });
            written.push(Written { answer: format!("{place}@{digest}"), reference: place, pushed: true });
        }
    }
    Ok(written)
}
