//! Brings the sources of a layer onto this machine: a path is looked at, a URL is downloaded and verified. Where they will
//! be is known before, so that a layer that is remembered needs neither.

use crate::event::Phase;
use crate::local::{ANY_BYTES, Local};
use crate::settings::Run;
use crate::spec::{LayerSpec, Place, SourceSpec, Spec};
use crate::{Error, Event, Result};
use oci_merge_image::{Descriptor, Digest, MediaType, Platform, shown};
use oci_merge_layer::Fingerprint;
use oci_merge_store::ErrorKind as StoreKind;
use oci_merge_store::download::{download, name_of};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A source, and where it is once it was gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sought {
    /// Its file or directory.
    pub(crate) path: PathBuf,
    /// Whether it is a directory.
    pub(crate) is_directory: bool,
    /// What tells it from others, if that is known better than by looking at it.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// What messages call it, if it is in the local store.
    pub(crate) known_as: Option<PathBuf>,
}

/// Looks for one source of a layer for a platform; no file is read and nothing is downloaded.
pub(crate) fn seek(
    spec: &Spec,
    layer: &LayerSpec,
    source: &SourceSpec,
    platform: &Platform,
    local: &Local,
) -> Result<Sought> {
    let in_store = |sha256: &Digest, fingerprint, known_as| Sought {
        path: local.layout().blob_path(sha256),
        is_directory: false,
        fingerprint: Some(fingerprint),
        known_as: Some(known_as),
    };
    match source.place_for(platform) {
        Place::Path(_) => {
            let (path, is_directory) = look_at(spec, layer, source, platform)?;
            Ok(Sought { path, is_directory, fingerprint: None, known_as: None })
        }
        Place::Pinned { sha256, .. } => {
            let (path, _) = look_at(spec, layer, source, platform)?;
            let fingerprint = Fingerprint::of_file(&path, &sha256);
            let fingerprint = fingerprint.map_err(|source| Error::Layer { layer: layer.name.clone(), source })?;
            Ok(in_store(&sha256, fingerprint, path))
        }
        Place::Url { url, sha256: Some(sha256) } => {
            Ok(in_store(&sha256, Fingerprint::of_digests([&sha256]), name_of(&url).into()))
        }
        // Its download fails, and says which digest is missing.
        Place::Url { url, sha256: None } => {
            Ok(Sought { path: url.into(), is_directory: false, fingerprint: None, known_as: None })
        }
    }
}

/// Brings one source of a layer to where it was looked for.
pub(crate) fn gather(
    spec: &Spec,
    layer: &LayerSpec,
    source: &SourceSpec,
    platform: &Platform,
    local: &Local,
    run: &Run,
) -> Result<()> {
    match source.place_for(platform) {
        Place::Path(_) => Ok(()),
        Place::Pinned { path, sha256 } => verify(spec, layer, &path, &sha256, local),
        Place::Url { url, sha256 } => fetch(layer, &url, sha256.as_ref(), local, run),
    }
}

/// Where a source on this machine is, and whether it is a directory.
///
/// # Errors
/// It is not there, or is what no layer is made of.
pub(crate) fn look_at(
    spec: &Spec,
    layer: &LayerSpec,
    source: &SourceSpec,
    platform: &Platform,
) -> Result<(PathBuf, bool)> {
    let (written, is_pinned) = match source.place_for(platform) {
        Place::Path(path) => (path, false),
        Place::Pinned { path, .. } => (path, true),
        Place::Url { url, .. } => (url.into(), false),
    };
    let path = spec.directory.join(&written);
    let written = shown(written.as_os_str().as_encoded_bytes()).to_string();
    let refuse = |what: String| {
        let text = format!("its source {written} {what}");
        Err(Error::Source { layer: layer.name.clone(), place: spec.place(&source.span), text })
    };
    match std::fs::metadata(&path) {
        Ok(metadata) if !metadata.is_dir() => Ok((path, false)),
        Ok(_) if is_pinned => refuse("is a directory, and `sha256` is for archives".into()),
        Ok(_) if source.is_whole() && is_layout(&path) => refuse(format!(
            "is an image, an OCI layout; its files are those of its layers: say oci:{written}, in a spec \
             from = {{ image = \"oci:{written}\" }} in place of `source`"
        )),
        Ok(_) => Ok((path, true)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => refuse("does not exist".into()),
        Err(e) => Err(Error::disk(path, "cannot be read", e)),
    }
}

/// Whether a directory says of itself that it is an OCI layout (image-spec `image-layout.md`).
fn is_layout(directory: &Path) -> bool {
    ["oci-layout", "index.json"].iter().all(|name| directory.join(name).is_file())
}

/// Takes a file into the local store if it is the one that the spec means.
fn verify(spec: &Spec, layer: &LayerSpec, written: &Path, sha256: &Digest, local: &Local) -> Result<()> {
    let path = spec.directory.join(written);
    let unreadable = |e| Error::disk(&path, "cannot be read", e);
    let file = File::open(&path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    let blob = Descriptor::new(MediaType::from(ANY_BYTES), sha256.clone(), size);
    let named = shown(written.as_os_str().as_encoded_bytes()).to_string();
    local.layout().adopt(&file, &blob).map_err(|e| match e.kind() {
        // It is the file that is wrong, and not the store that did not take it.
        StoreKind::Mismatch => changed(&layer.name, e.in_place(named)),
        _ => changed(&format!("{}: {named}", layer.name), e),
    })
}

fn changed(what: &str, error: oci_merge_store::Error) -> Error {
    match error.kind() {
        StoreKind::Mismatch => Error::SourceChanged { what: what.into(), source: error },
        _ => Error::store(what, error),
    }
}

/// Downloads into the local store, where a second run finds it by its digest.
fn fetch(layer: &LayerSpec, url: &str, sha256: Option<&Digest>, local: &Local, run: &Run) -> Result<()> {
    let failed = |e| changed(&layer.name, e);
    if sha256.is_some_and(|digest| local.has_blob(digest)) {
        return Ok(());
    }
    let observe = |done: u64, total: Option<u64>| {
        let layer = layer.name.clone();
        run.observer.tell(Event::LayerProgress { layer, phase: Phase::Fetch, done, total });
    };
    let mut file = local.temporary_file()?;
    let downloaded = download(&run.network, url, sha256, &mut file, &observe).map_err(failed)?;
    let blob = Descriptor::new(MediaType::from(ANY_BYTES), downloaded.digest.clone(), downloaded.size);
    local.layout().adopt(&file, &blob).map_err(failed)
}
