//! Brings the sources of a layer onto this machine: a path is looked at, a URL is downloaded and verified.

use crate::event::Phase;
use crate::local::{ANY_BYTES, Local};
use crate::settings::Run;
use crate::spec::{LayerSpec, Place, SourceSpec, Spec};
use crate::{Error, Event, Result};
use oci_merge_image::{Descriptor, Digest, MediaType, Platform, shown};
use oci_merge_store::ErrorKind as StoreKind;
use oci_merge_store::download::download;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A source that is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gathered {
    /// Its file or directory.
    pub(crate) path: PathBuf,
    /// Whether it is a directory.
    pub(crate) is_directory: bool,
}

/// Gathers one source of a layer for a platform.
pub(crate) fn gather(
    spec: &Spec,
    layer: &LayerSpec,
    source: &SourceSpec,
    platform: &Platform,
    local: &Local,
    run: &Run,
) -> Result<Gathered> {
    match source.place_for(platform) {
        Place::Path(path) => look_at(spec, layer, source, path),
        Place::Pinned { path, sha256 } => {
            let there = look_at(spec, layer, source, path)?;
            Ok(Gathered { path: verify(layer, &there.path, &sha256, local)?, is_directory: false })
        }
        Place::Url { url, sha256 } => {
            let path = fetch(layer, &url, sha256.as_ref(), local, run)?;
            Ok(Gathered { path, is_directory: false })
        }
    }
}

fn look_at(spec: &Spec, layer: &LayerSpec, source: &SourceSpec, written: PathBuf) -> Result<Gathered> {
    let path = spec.directory.join(&written);
    match std::fs::metadata(&path) {
        Ok(metadata) => Ok(Gathered { is_directory: metadata.is_dir(), path }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let written = shown(written.as_os_str().as_encoded_bytes()).to_string();
            Err(Error::Source {
                layer: layer.name.clone(),
                place: spec.place(&source.span),
                text: format!("its source {written} does not exist"),
            })
        }
        Err(e) => Err(Error::disk(path, "cannot be read", e)),
    }
}

/// Takes a file into the local store if it is the one that the spec means.
fn verify(layer: &LayerSpec, path: &Path, sha256: &Digest, local: &Local) -> Result<PathBuf> {
    let unreadable = |e| Error::disk(path, "cannot be read", e);
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let blob = Descriptor::new(MediaType::from(ANY_BYTES), sha256.clone(), size);
    let named = format!("{}: {}", layer.name, shown(path.as_os_str().as_encoded_bytes()));
    local.layout().adopt(&file, &blob).map_err(|e| changed(&named, e))?;
    Ok(local.layout().blob_path(sha256))
}

fn changed(what: &str, error: oci_merge_store::Error) -> Error {
    match error.kind() {
        StoreKind::Mismatch => Error::SourceChanged { what: what.into(), source: error },
        _ => Error::store(what, error),
    }
}

/// Downloads into the local store, where a second run finds it by its digest.
fn fetch(layer: &LayerSpec, url: &str, sha256: Option<&Digest>, local: &Local, run: &Run) -> Result<PathBuf> {
    let failed = |e| changed(&layer.name, e);
    if let Some(path) = sha256.and_then(|digest| local.verified_blob(digest)) {
        return Ok(path);
    }
    let observe = |done: u64, total: Option<u64>| {
        let layer = layer.name.clone();
        run.observer.tell(Event::LayerProgress { layer, phase: Phase::Fetch, done, total });
    };
    let mut file = local.temporary_file()?;
    let downloaded = download(&run.network, url, sha256, &mut file, &observe).map_err(failed)?;
    let blob = Descriptor::new(MediaType::from(ANY_BYTES), downloaded.digest.clone(), downloaded.size);
    local.layout().adopt(&file, &blob).map_err(failed)?;
    Ok(local.layout().blob_path(&downloaded.digest))
}
