//! Opens an image wherever it lies: a registry, an OCI layout, an archive. Documents only; no layer is read.

use crate::settings::Run;
use crate::spec::BaseSource;
use crate::{Error, Result, archive};
use oci_merge_image::{
    Base, BaseImage, Config, Descriptor, Digest, Document, Form, Index, MAX_DOCUMENT_BYTES, Manifest, Platform,
    Reference,
};
use oci_merge_store::copy::children;
use oci_merge_store::registry::open_to_read;
use oci_merge_store::{Error as StoreError, ErrorKind as StoreKind, Layout, Store};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// An image whose documents have been read and agree with each other.
#[derive(Clone)]
pub(crate) struct OpenImage {
    /// As messages call it.
    pub(crate) name: String,
    /// Its reference, if it lies in a registry.
    pub(crate) reference: Option<Reference>,
    /// Where its blobs are.
    pub(crate) store: Arc<dyn Store>,
    /// The descriptor of its manifest.
    pub(crate) descriptor: Descriptor,
    /// Its documents.
    pub(crate) image: BaseImage,
}

/// The base of a run: an image, or nothing.
#[derive(Clone)]
pub(crate) struct OpenBase {
    /// What the layers are stacked on.
    pub(crate) ground: Base,
    /// The image, unless it is `scratch`.
    pub(crate) image: Option<OpenImage>,
    /// What machine the result is for.
    pub(crate) platform: Platform,
}

impl OpenBase {
    /// As the spec names it.
    pub(crate) fn name(&self) -> &str {
        self.image.as_ref().map_or("scratch", |image| &image.name)
    }
}

/// Opens the base of a spec for a platform.
pub(crate) fn open_base(
    source: &BaseSource,
    directory: &Path,
    platform: Option<&Platform>,
    run: &Run,
) -> Result<OpenBase> {
    if *source == BaseSource::Scratch {
        let platform = platform.cloned().unwrap_or_else(local_platform);
        return Ok(OpenBase { ground: Base::Scratch(platform.clone()), image: None, platform });
    }
    let image = open_image(source, directory, platform, run)?;
    let platform = image.image.config.value().platform.clone();
    Ok(OpenBase { ground: Base::Image(Box::new(image.image.clone())), image: Some(image), platform })
}

/// A store, and what a reference stands for in it: a manifest, or an index of several.
pub(crate) struct Opened {
    /// As messages call it.
    pub(crate) name: String,
    /// Its reference, if it lies in a registry.
    pub(crate) reference: Option<Reference>,
    /// Where its blobs are.
    pub(crate) store: Arc<dyn Store>,
    /// What the reference stands for.
    pub(crate) root: Descriptor,
}

/// Opens the store that an image lies in, and finds it there.
pub(crate) fn open_store(source: &BaseSource, directory: &Path, run: &Run) -> Result<Opened> {
    let name = source.to_string();
    let failed = |e| Error::store(&name, e);
    let (store, wanted, reference): (Arc<dyn Store>, Option<String>, _) = match source {
        BaseSource::Scratch => return Err(Error::usage("scratch is not an image that can be opened")),
        BaseSource::Layout { directory: layout, tag } => {
            (Arc::new(Layout::open(&directory.join(layout)).map_err(failed)?), tag.clone(), None)
        }
        BaseSource::OciArchive(file) | BaseSource::DockerArchive(file) => {
            (Arc::new(archive::open(&name, &directory.join(file), run)?), None, None)
        }
        BaseSource::Registry(reference) => {
            let registry = open_to_read(&run.network, reference).map_err(failed)?;
            (registry, Some(reference.wanted()), Some(reference.clone()))
        }
    };
    let root = store.resolve(wanted.as_deref().unwrap_or_default()).map_err(failed)?;
    Ok(Opened { name, reference, store, root })
}

/// Opens an image for a platform; `None`: its only one, or this machine's. An image in a registry is asked for once in
/// a run, so all parts of a run see the same one though its tag may move.
pub(crate) fn open_image(
    source: &BaseSource,
    directory: &Path,
    platform: Option<&Platform>,
    run: &Run,
) -> Result<OpenImage> {
    open_manifest(source, directory, platform, run)?.with_config(platform)
}

/// The same as far as its manifest.
pub(crate) fn open_manifest(
    source: &BaseSource,
    directory: &Path,
    platform: Option<&Platform>,
    run: &Run,
) -> Result<OpenManifest> {
    let BaseSource::Registry(reference) = source else { return open_anew(source, directory, platform, run) };
    let key = (reference.to_string(), platform.map(Platform::to_string));
    if let Some(opened) = run.opened.get(&key) {
        return Ok(opened);
    }
    let opened = open_anew(source, directory, platform, run)?;
    run.opened.put(key, &opened);
    Ok(opened)
}

/// The images of a run that lie in registries, by reference and platform.
#[derive(Clone, Default)]
pub(crate) struct OpenedImages(Arc<Mutex<BTreeMap<OpenedKey, OpenManifest>>>);

type OpenedKey = (String, Option<String>);

impl OpenedImages {
    fn get(&self, key: &OpenedKey) -> Option<OpenManifest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn put(&self, key: OpenedKey, image: &OpenManifest) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, image.clone());
    }
}

/// An image of which the manifest has been read.
#[derive(Clone)]
pub(crate) struct OpenManifest {
    /// As messages call it.
    pub(crate) name: String,
    /// Its reference, if it lies in a registry.
    pub(crate) reference: Option<Reference>,
    /// Where its blobs are.
    pub(crate) store: Arc<dyn Store>,
    /// The descriptor of its manifest.
    pub(crate) descriptor: Descriptor,
    pub(crate) manifest: Document<Manifest>,
    /// What its reference stands for: perhaps an index.
    root: Digest,
    /// Its config, once it was read.
    config: Arc<OnceLock<Document<Config>>>,
}

fn open_anew(source: &BaseSource, directory: &Path, platform: Option<&Platform>, run: &Run) -> Result<OpenManifest> {
    let Opened { name, reference, store, root } = open_store(source, directory, run)?;
    let descriptor = match Form::of(&root.media_type) {
        Form::Index => choose(&name, &*store, &root, platform)?,
        _ => root.clone(),
    };
    if Form::of(&descriptor.media_type) == Form::Index {
        let text = format!("{}: an index in an index, which is not looked into", descriptor.digest);
        let error = StoreError::new(StoreKind::Document, store.name(), text).because("INDEX_DEPTH");
        return Err(Error::store(&name, error));
    }
    let manifest: Document<Manifest> = read(&name, &*store, &descriptor)?;
    is_image(&name, &*store, &descriptor, &manifest)?;
    Ok(OpenManifest { name, reference, store, descriptor, manifest, root: root.digest, config: Arc::default() })
}

impl OpenManifest {
    /// With its config, which must be for the platform.
    pub(crate) fn with_config(self, platform: Option<&Platform>) -> Result<OpenImage> {
        let OpenManifest { name, reference, store, descriptor, manifest, root, config: known } = self;
        let config = match known.get() {
            Some(config) => config.clone(),
            None => {
                let config: Document<Config> = read(&name, &*store, &manifest.value().config)?;
                known.get_or_init(|| config).clone()
            }
        };
        if let Some(wanted) = platform
            && !wanted.matches(&config.value().platform)
        {
            let found = &config.value().platform;
            return Err(Error::usage(format!("{name} is for {found}, and an image for {wanted} was asked for")));
        }
        let in_full = reference.as_ref().map(|r| r.to_string());
        let image = BaseImage { manifest, config, name: in_full, digest: root };
        Ok(OpenImage { name, reference, store, descriptor, image })
    }
}

/// Refuses a manifest that is not an image's.
fn is_image(what: &str, store: &dyn Store, descriptor: &Descriptor, manifest: &Document<Manifest>) -> Result<()> {
    children(&store.name(), &descriptor.media_type, manifest.bytes()).map_err(|e| Error::store(what, e))?;
    let refuse = |part: &Descriptor, expected, reason| {
        let found = oci_merge_image::shown(part.media_type.as_ref());
        let text = format!("{}: expected {expected}, found the media type {found}", part.digest);
        Err(Error::store(what, StoreError::new(StoreKind::Document, store.name(), text).because(reason)))
    };
    let Manifest { config, layers, .. } = manifest.value();
    if Form::of(&config.media_type) != Form::Config {
        return refuse(config, "the config of an image", "NOT_AN_IMAGE");
    }
    let is_layer = |layer: &&Descriptor| matches!(Form::of(&layer.media_type), Form::Layer(_) | Form::Foreign(_));
    match layers.iter().find(|layer| !is_layer(layer)) {
        Some(other) => refuse(other, "a layer", "LAYER_MEDIA_TYPE"),
        None => Ok(()),
    }
}

/// Reads a document and checks it against its descriptor.
fn read<T: TryFrom<serde_json::Map<String, serde_json::Value>, Error = oci_merge_image::Error>>(
    what: &str,
    store: &dyn Store,
    descriptor: &Descriptor,
) -> Result<Document<T>> {
    let read = || store.fetch(descriptor).and_then(|content| content.read_document(MAX_DOCUMENT_BYTES));
    let bytes = match read() {
        // Spoilt on the way, perhaps.
        Err(e) if e.kind() == StoreKind::Mismatch => read(),
        other => other,
    };
    let bytes = bytes.map_err(|e| Error::store(what, e))?;
    Document::parse(bytes).map_err(|e| {
        let (text, reason) = (format!("{}: {e}", descriptor.digest), e.reason());
        Error::store(what, StoreError::new(StoreKind::Document, store.name(), text).because(reason).caused_by(e))
    })
}

/// The manifest of an index for a platform.
fn choose(what: &str, store: &dyn Store, root: &Descriptor, platform: Option<&Platform>) -> Result<Descriptor> {
    let index: Document<Index> = read(what, store, root)?;
    let index = index.value();
    let only = match index.platforms()[..] {
        [only] => Some(only.clone()),
        _ => None,
    };
    let platform = platform.cloned().or(only).unwrap_or_else(local_platform);
    index.find(&platform).cloned().ok_or_else(|| {
        let there: Vec<String> = index.platforms().iter().map(|p| p.to_string()).collect();
        Error::usage(format!("{what} has no image for {platform}; it has {}", there.join(", ")))
    })
}

/// The platform of the machine that this program was compiled for.
pub(crate) fn local_platform() -> Platform {
    Platform::linux(match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    })
}
