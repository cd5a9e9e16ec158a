//! What `docker save` writes, as OCI: `manifest.json` names a config and layers, and a manifest is made of them.

use super::MANIFEST;
use super::read::Archive;
use crate::digester::Digester;
use crate::layout::is_same;
use crate::pour::{Spilt, pour};
use crate::sniff::layer_type;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{
    Algorithm, Config, Descriptor, DiffId, Digest, Document, LayerPath, MAX_DOCUMENT_BYTES, Manifest, MediaType,
    parse_strict, shown,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The images that an archive lists.
pub(super) struct Saved {
    entries: Vec<Entry>,
    made: Mutex<Made>,
}

/// One image of `manifest.json`.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "Config")]
    config: String,
    #[serde(rename = "RepoTags")]
    tags: Option<Vec<String>>,
    #[serde(rename = "Layers")]
    layers: Vec<String>,
}

/// What is known by digest, once an image has been resolved.
#[derive(Default)]
struct Made {
    manifests: BTreeMap<usize, Descriptor>,
    documents: BTreeMap<Digest, Arc<[u8]>>,
    layers: BTreeMap<Digest, (u64, u64)>,
    /// Layers that were read, by where they lie: images share them.
    read: BTreeMap<u64, Descriptor>,
}

impl Saved {
    /// Reads `manifest.json`.
    pub(super) fn read(archive: &Archive) -> Result<Saved> {
        let refuse = |text: String| {
            Error::new(ErrorKind::Document, &*archive.place, format!("{MANIFEST}: {text}")).because("ARCHIVE_MANIFEST")
        };
        // It is a list; as the only field of an object it meets the same rules as every other document.
        let list = archive.small(MANIFEST, MAX_DOCUMENT_BYTES)?;
        let object = [br#"{"images":"#, &list[..], b"}"].concat();
        let mut object = parse_strict(&object).map_err(|e| Error::document(&archive.place, MANIFEST, e))?;
        let images = object.remove("images").filter(|_| object.is_empty());
        let images = images.ok_or_else(|| refuse("expected a list of images".into()))?;
        let entries: Vec<Entry> = serde_json::from_value(images).map_err(|e| refuse(e.to_string()))?;
        Ok(Saved { entries, made: Mutex::default() })
    }

    /// The manifest of an image by one of its names, by digest, or of the only image.
    pub(super) fn resolve(&self, archive: &Archive, reference: &str) -> Result<Descriptor> {
        if let Ok(digest) = reference.parse::<Digest>() {
            for place in 0..self.entries.len() {
                let manifest = self.manifest(archive, place)?;
                if manifest.digest == digest {
                    return Ok(manifest);
                }
            }
            return Err(Error::not_found(&archive.place, reference));
        }
        let has_name = |entry: &Entry| reference.is_empty() || entry.names().any(|name| is_same(name, reference));
        let mut found = (0..self.entries.len()).filter(|place| self.entries.get(*place).is_some_and(has_name));
        match (found.next(), found.next()) {
            (Some(place), None) => self.manifest(archive, place),
            (Some(_), Some(_)) => {
                let text = format!("expected one image, found {}; say which", self.names());
                Err(Error::new(ErrorKind::Document, &*archive.place, text).because("ARCHIVE_AMBIGUOUS"))
            }
            (None, _) => {
                let what = if reference.is_empty() { "an image".into() } else { shown(reference).to_string() };
                let text = format!("there is no {what}; there is {}", self.names());
                Err(Error::new(ErrorKind::NotFound, &*archive.place, text))
            }
        }
    }

    /// The bytes of a config, or of a manifest that was made.
    pub(super) fn document(&self, digest: &Digest) -> Option<Arc<[u8]>> {
        self.made().documents.get(digest).cloned()
    }

    /// Where a layer lies: offset and size.
    pub(super) fn layer(&self, digest: &Digest) -> Option<(u64, u64)> {
        self.made().layers.get(digest).copied()
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn names(&self) -> String {
        let names = |entry: &Entry| match entry.names().next() {
            Some(_) => entry.names().map(|name| shown(name).to_string()).collect::<Vec<_>>().join(" = "),
            None => "one without a name".into(),
        };
        match &self.entries[..] {
            [] => "nothing".into(),
            some => some.iter().take(20).map(names).collect::<Vec<_>>().join(", "),
        }
    }

    fn manifest(&self, archive: &Archive, place: usize) -> Result<Descriptor> {
        let mut made = self.made();
        if let Some(known) = made.manifests.get(&place) {
            return Ok(known.clone());
        }
        let Some(entry) = self.entries.get(place) else { return Err(Error::not_found(&archive.place, "an image")) };
        let manifest = made.manifest(archive, entry)?;
        made.manifests.insert(place, manifest.clone());
        Ok(manifest)
    }
}

impl Entry {
    fn names(&self) -> impl Iterator<Item = &String> {
        self.tags.iter().flatten()
    }
}

impl Made {
    fn manifest(&mut self, archive: &Archive, entry: &Entry) -> Result<Descriptor> {
        let config = self.config(archive, &entry.config)?;
        let diff_ids = &config.value().diff_ids;
        if entry.layers.len() != diff_ids.len() {
            let (layers, diff_ids) = (entry.layers.len(), diff_ids.len());
            let text = format!("{MANIFEST} has {layers} layers, the config {diff_ids} diff_ids");
            return Err(Error::new(ErrorKind::Document, &*archive.place, text).because("CONFIG_DIFF_IDS"));
        }
        let layers = entry.layers.iter().zip(diff_ids).map(|(name, diff_id)| self.layer(archive, name, diff_id));
        let layers: Vec<Descriptor> = layers.collect::<Result<_>>()?;
        let manifest = Map::from_iter([
            ("schemaVersion".to_owned(), Value::from(2)),
            ("mediaType".to_owned(), json!(MediaType::ImageManifest)),
            ("config".to_owned(), json!(config.descriptor(MediaType::ImageConfig))),
            ("layers".to_owned(), json!(layers)),
        ]);
        let manifest = Document::<Manifest>::write(manifest);
        let manifest = manifest.map_err(|e| Error::document(&archive.place, "the manifest made of it", e))?;
        self.documents.insert(config.digest().clone(), config.bytes().into());
        self.documents.insert(manifest.digest().clone(), manifest.bytes().into());
        Ok(manifest.descriptor(MediaType::ImageManifest))
    }

    fn config(&self, archive: &Archive, name: &str) -> Result<Document<Config>> {
        let (path, offset, size) = archive.members.find(&archive.place, name)?;
        if size > MAX_DOCUMENT_BYTES {
            let text = format!("{path} has {size} bytes; at most {MAX_DOCUMENT_BYTES} are read");
            return Err(Error::new(ErrorKind::Document, &*archive.place, text).because("LIMIT_DOCUMENT_BYTES"));
        }
        let config = Document::<Config>::parse(archive.bytes(offset, size)?);
        let config = config.map_err(|e| Error::document(&archive.place, &format!("the config {path}"), e))?;
        check_claims(archive, name, &path, &[config.digest()])?;
        Ok(config)
    }

    /// Describes a layer. Its digest is that of the bytes in the archive, compressed or not.
    fn layer(&mut self, archive: &Archive, name: &str, diff_id: &DiffId) -> Result<Descriptor> {
        let (path, offset, size) = archive.members.find(&archive.place, name)?;
        let layer = match self.read.get(&offset) {
            Some(known) => known.clone(),
            None => {
                let layer = read_layer(archive, &path, offset, size)?;
                self.read.insert(offset, layer.clone());
                self.layers.insert(layer.digest.clone(), (offset, size));
                layer
            }
        };
        if layer.media_type == MediaType::ImageLayer && layer.digest != diff_id.0 {
            let text = format!("the layer {path}: the config expects {diff_id}, found {}", layer.digest);
            let error = Error::new(ErrorKind::Mismatch, &*archive.place, text);
            return Err(error.because("CONFIG_DIFF_IDS").about(&layer.digest));
        }
        // Some name a compressed layer after its diff_id; whether it has that is seen when it is read as a layer.
        check_claims(archive, name, &path, &[&layer.digest, &diff_id.0])?;
        Ok(layer)
    }
}

fn read_layer(archive: &Archive, path: &LayerPath, offset: u64, size: u64) -> Result<Descriptor> {
    let start = archive.bytes(offset, size.min(512))?;
    let Some(media_type) = layer_type(&start) else {
        let text = format!("the layer {path} is no tar, neither plain nor as gzip or zstd");
        return Err(Error::new(ErrorKind::Document, &*archive.place, text).because("LAYER_MEDIA_TYPE"));
    };
    let mut digester = Digester::new(Algorithm::Sha256);
    let found = match pour(&mut archive.section(offset, size), &mut digester) {
        Ok(found) => found,
        Err(Spilt::Reading(e) | Spilt::Writing(e)) => return Err(Error::read(&archive.place, e)),
    };
    if found != size {
        return Err(archive.cut());
    }
    Ok(Descriptor::new(media_type, digester.finish(), size))
}

/// A file that is named after a digest must have it, under the name that is listed and under the one it is found by.
fn check_claims(archive: &Archive, name: &str, path: &LayerPath, has: &[&Digest]) -> Result<()> {
    for claimed in [claim(name.as_bytes()), claim(path.as_bytes())].into_iter().flatten() {
        if !has.contains(&&claimed) {
            let found = has.first().map_or(String::new(), |digest| digest.to_string());
            let text = format!("{} is named after {claimed}, but has {found}", shown(name));
            let error = Error::new(ErrorKind::Mismatch, &*archive.place, text);
            return Err(error.because("DIGEST_MISMATCH").about(&claimed));
        }
    }
    Ok(())
}

/// The digest that a file name promises: `HEX.json`, `HEX.tar`, `HEX.tar.gz`, `sha256:HEX`, `blobs/sha256/HEX`.
/// `HEX/layer.tar` promises nothing: there HEX is an identifier of docker's first image format.
fn claim(path: &[u8]) -> Option<Digest> {
    let name = std::str::from_utf8(path).ok()?.rsplit('/').next()?;
    let name = name.strip_prefix("sha256:").unwrap_or(name);
    let stem = [".json", ".tar", ".tar.gz", ".tgz"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    format!("sha256:{stem}").parse().ok()
}
