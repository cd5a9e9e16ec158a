//! Base + layers + edits → manifest and config. Pure: the same arguments give the same bytes.

mod execution;
mod ground;

use crate::{Config, Descriptor, DiffId, Digest, Document, Error, ErrorKind, Manifest, MediaType, Platform, Result};
use ground::Ground;
use serde_json::{Map, json};
use std::collections::BTreeMap;

/// What the layers are put on.
#[derive(Debug, Clone)]
pub enum Base {
    /// Nothing at all (`FROM scratch`), for a platform.
    Scratch(Platform),
    /// An image.
    Image(Box<BaseImage>),
}

/// The image that the layers are put on. Its name and digest become annotations
/// (image-spec `annotations.md`, `org.opencontainers.image.base.*`).
#[derive(Debug, Clone)]
pub struct BaseImage {
    /// Its manifest.
    pub manifest: Document<Manifest>,
    /// Its config.
    pub config: Document<Config>,
    /// Its fully qualified reference; `None` for an image that lies on a disk.
    pub name: Option<String>,
    /// What the reference resolved to: perhaps an index.
    pub digest: Digest,
}

/// A layer to be put on top.
#[derive(Debug, Clone)]
pub struct Addition {
    /// Its name in the spec; becomes `created_by` in the history.
    pub name: String,
    /// The blob, with the annotations that it is to carry in the manifest.
    pub descriptor: Descriptor,
    /// The digest of its tar.
    pub diff_id: DiffId,
    /// Absolute directories to put in front of PATH.
    pub path: Vec<String>,
    /// Variables to set.
    pub env: Vec<(String, String)>,
}

/// What the image's config says that neither the base nor a layer says. `None` means: as the base has it.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    /// Variables; PATH is refused here, for it is made of the layers' `path`.
    pub env: Vec<(String, String)>,
    /// `User`.
    pub user: Option<String>,
    /// `WorkingDir`.
    pub workdir: Option<String>,
    /// `Cmd`.
    pub cmd: Option<Vec<String>>,
    /// `Entrypoint`; setting it clears an inherited `Cmd`, as a Dockerfile does.
    pub entrypoint: Option<Vec<String>>,
    /// `StopSignal`.
    pub stop_signal: Option<String>,
    /// `ExposedPorts`, added to the base's.
    pub exposed_ports: Vec<String>,
    /// `Volumes`, added to the base's.
    pub volumes: Vec<String>,
    /// Labels; also written as annotations of the manifest.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest only.
    pub annotations: BTreeMap<String, String>,
    /// Annotations that the descriptors of layers are to carry besides their own, those of the base included.
    pub of_layers: BTreeMap<Digest, BTreeMap<String, String>>,
}

/// What came out: two documents, ready to be pushed.
#[derive(Debug, Clone)]
pub struct Stacked {
    /// The manifest.
    pub manifest: Document<Manifest>,
    /// The config.
    pub config: Document<Config>,
}

/// Stacks layers on a base, the first addition lowest.
///
/// `created` is an RFC 3339 time. The base's layers and history stay as they are, but for history lines that it lacks;
/// Docker media types in its descriptors become the OCI ones, for the blobs are the same.
///
/// # Errors
/// [`ErrorKind::Stack`]: the base's layers and diff_ids differ in number, it has a layer of unknown media type,
/// a variable cannot be set, or `env` names PATH.
pub fn stack(base: &Base, additions: &[Addition], edits: &Edits, created: &str) -> Result<Stacked> {
    let ground = Ground::of(base)?;
    let config = Document::<Config>::write(execution::config(&ground, additions, edits, created)?)?;
    let mut layers = ground.layers;
    layers.extend(additions.iter().map(|a| a.descriptor.clone()));
    for layer in &mut layers {
        layer.annotations.extend(edits.of_layers.get(&layer.digest).cloned().unwrap_or_default());
    }
    let mut annotations = ground.annotations;
    annotations.extend(edits.labels.clone());
    annotations.extend(edits.annotations.clone());
    let mut manifest = Map::new();
    manifest.insert("schemaVersion".into(), 2.into());
    manifest.insert("mediaType".into(), json!(MediaType::ImageManifest));
    manifest.insert("config".into(), json!(config.descriptor(MediaType::ImageConfig)));
    manifest.insert("layers".into(), json!(layers));
    if !annotations.is_empty() {
        manifest.insert("annotations".into(), json!(annotations));
    }
    Ok(Stacked { manifest: Document::write(manifest)?, config })
}

fn refuse<T>(reason: &'static str, text: String) -> Result<T> {
    Err(Error::new(ErrorKind::Stack, reason, text))
}

#[cfg(test)]
mod tests;
