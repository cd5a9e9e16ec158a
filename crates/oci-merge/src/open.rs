//! Opens an image wherever it lies: a registry, an OCI layout, an archive. Documents only; no layer is read.

use crate::settings::Run;
use crate::spec::BaseSource;
use crate::{Error, Result, archive};
use oci_merge_image::{
    Base, BaseImage, Config, Descriptor, Document, Form, Index, MAX_DOCUMENT_BYTES, Manifest, Platform, Reference,
};
use oci_merge_store::registry::Registry;
use oci_merge_store::{Error as StoreError, ErrorKind as StoreKind, Layout, Store};
use std::path::Path;
use std::sync::Arc;

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
            let registry = Registry::open(&run.network, reference).map_err(failed)?;
            (Arc::new(registry), Some(reference.wanted()), Some(reference.clone()))
        }
    };
    let root = store.resolve(wanted.as_deref().unwrap_or_default()).map_err(failed)?;
    Ok(Opened { name, reference, store, root })
}

/// Opens an image for a platform; `None`: its only one, or this machine's.
pub(crate) fn open_image(
    source: &BaseSource,
    directory: &Path,
    platform: Option<&Platform>,
    run: &Run,
) -> Result<OpenImage> {
    let Opened { name: what, reference, store, root } = open_store(source, directory, run)?;
    let descriptor = match Form::of(&root.media_type) {
        Form::Index => choose(&what, &*store, &root, platform)?,
        _ => root.clone(),
    };
    let manifest: Document<Manifest> = read(&what, &*store, &descriptor)?;
    let config: Document<Config> = read(&what, &*store, &manifest.value().config)?;
    if let Some(wanted) = platform
        && !wanted.matches(&config.value().platform)
    {
        let found = &config.value().platform;
        return Err(Error::usage(format!("{what} is for {found}, and an image for {wanted} was asked for")));
    }
    let name = reference.as_ref().map(|r| r.to_string());
    let image = BaseImage { manifest, config, name, digest: root.digest };
    Ok(OpenImage { name: what, reference, store, descriptor, image })
}

/// Reads a document and checks it against its descriptor.
fn read<T: TryFrom<serde_json::Map<String, serde_json::Value>, Error = oci_merge_image::Error>>(
    what: &str,
    store: &dyn Store,
    descriptor: &Descriptor,
) -> Result<Document<T>> {
    let bytes = store.fetch(descriptor).and_then(|content| content.read_document(MAX_DOCUMENT_BYTES));
    let bytes = bytes.map_err(|e| Error::store(what, e))?;
    Document::parse(bytes).map_err(|e| {
        let text = format!("{}: {e} [{}]", descriptor.digest, e.reason());
        Error::store(what, StoreError::new(StoreKind::Document, store.name(), text).caused_by(e))
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
