//! Images as sources: what of an image becomes layers of another, byte for byte or anew, and what moves for it.

mod hostile; // what is refused, by layer and image
mod merging; // images among the inputs of `merge` and `check`
mod mounts; // what moves between repositories
mod trees; // which layers, which files

use oci_merge::spec::Spec;
use oci_merge::{Assembled, Builder, Built, Digest, Error, Settings};
use oci_merge_store::server::{Options, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// A tar: `d opt/x`, `f opt/x/a =text`, `l opt/x/b ->a`.
pub(crate) fn tar(lines: &[&str]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for line in lines {
        let mut words = line.splitn(3, ' ');
        let (kind, path, rest) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or(""));
        let mut header = tar::Header::new_ustar();
        header.set_mtime(1000);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mode(if kind == "d" { 0o755 } else { 0o644 });
        let content = rest.strip_prefix('=').unwrap_or("");
        header.set_size(content.len() as u64);
        header.set_entry_type(match kind {
            "d" => tar::EntryType::Directory,
            "l" => tar::EntryType::Symlink,
            _ => tar::EntryType::Regular,
        });
        if let Some(target) = rest.strip_prefix("->") {
            header.set_link_name(target).unwrap();
        }
        // The crate refuses the names that are wanted here.
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_device_major(0).unwrap();
        header.set_device_minor(0).unwrap();
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// An image: its config, its layers' blobs, its manifest.
pub(crate) struct Image {
    pub(crate) config: Vec<u8>,
    pub(crate) blobs: Vec<Vec<u8>>,
    pub(crate) manifest: Vec<u8>,
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Image {
    /// An image for amd64 with layers of these lines.
    pub(crate) fn of(layers: &[&[&str]]) -> Image {
        Image::with(layers, "amd64", json!({}))
    }

    pub(crate) fn with(layers: &[&[&str]], architecture: &str, execution: Value) -> Image {
        let tars: Vec<Vec<u8>> = layers.iter().map(|lines| tar(lines)).collect();
        let diff_ids: Vec<Digest> = tars.iter().map(|tar| Digest::of(tar)).collect();
        Image::made(tars.iter().map(|tar| gzip(tar)).collect(), &diff_ids, architecture, execution)
    }

    pub(crate) fn made(blobs: Vec<Vec<u8>>, diff_ids: &[Digest], architecture: &str, execution: Value) -> Image {
        let config = json!({
            "architecture": architecture, "os": "linux", "config": execution,
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = config.to_string().into_bytes();
        let layer = |blob: &Vec<u8>| descriptor("application/vnd.oci.image.layer.v1.tar+gzip", blob);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": descriptor("application/vnd.oci.image.config.v1+json", &config),
            "layers": blobs.iter().map(layer).collect::<Vec<_>>(),
        });
        Image { config, blobs, manifest: manifest.to_string().into_bytes() }
    }

    pub(crate) fn digests(&self) -> Vec<Digest> {
        self.blobs.iter().map(|blob| Digest::of(blob)).collect()
    }

    /// Puts it into a registry under the tag `1`.
    pub(crate) fn stock(&self, server: &Server, repository: &str) {
        self.put(server, repository, Some("1"));
    }

    fn put(&self, server: &Server, repository: &str, tag: Option<&str>) {
        for blob in self.blobs.iter().chain([&self.config]) {
            server.put_blob(repository, blob).unwrap();
        }
        server.put_manifest(repository, tag, MANIFEST, &self.manifest).unwrap();
    }

    /// Writes it as an OCI layout, named by an index of these images and platforms if there are any.
    pub(crate) fn write(&self, directory: &Path, beside: &[(&Image, Value)]) {
        let blobs = directory.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        let write = |bytes: &[u8]| std::fs::write(blobs.join(Digest::of(bytes).hex()), bytes).unwrap();
        let root = match beside {
            [] => descriptor(MANIFEST, &self.manifest),
            some => {
                let index = index(some);
                write(&index);
                descriptor(INDEX, &index)
            }
        };
        for image in beside.iter().map(|(image, _)| *image).chain([self]) {
            image.blobs.iter().chain([&image.config, &image.manifest]).for_each(|bytes| write(bytes));
        }
        std::fs::write(directory.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [root] });
        std::fs::write(directory.join("index.json"), index.to_string()).unwrap();
    }

    /// Writes it as `docker save` does.
    pub(crate) fn save(&self, file: &Path) {
        let mut tar = tar::Builder::new(std::fs::File::create(file).unwrap());
        let mut put = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            tar.append_data(&mut header, name, bytes).unwrap();
        };
        let mut layers = Vec::new();
        for blob in &self.blobs {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&blob[..]).read_to_end(&mut plain).unwrap();
            let name = format!("{}/layer.tar", Digest::of(&plain).hex());
            put(&name, &plain);
            layers.push(name);
        }
        let config = format!("{}.json", Digest::of(&self.config).hex());
        put(&config, &self.config);
        let list = json!([{ "Config": config, "RepoTags": ["tool:1"], "Layers": layers }]);
        put("manifest.json", list.to_string().as_bytes());
        tar.finish().unwrap();
    }
}

/// An index of images, each with its platform.
pub(crate) fn index(images: &[(&Image, Value)]) -> Vec<u8> {
    let entry = |(image, platform): &(&Image, Value)| {
        let mut entry = descriptor(MANIFEST, &image.manifest);
        entry["platform"] = platform.clone();
        entry
    };
    let manifests: Vec<Value> = images.iter().map(entry).collect();
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string().into_bytes()
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() })
}

/// A directory with images in it, a registry, and a local store.
pub(crate) struct Stage {
    pub(crate) root: tempfile::TempDir,
    pub(crate) server: Server,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage { root: tempfile::tempdir().unwrap(), server: Server::start(Options::default()).unwrap() }
    }

    /// The name of an image in the registry.
    pub(crate) fn at(&self, repository: &str) -> String {
        format!("{}/{repository}:1", self.server.address())
    }

    pub(crate) fn settings(&self) -> Settings {
        let platform = Some("linux/amd64".parse().unwrap());
        Settings { store: Some(self.root.path().join("store")), platform, ..Settings::default() }
    }

    /// Builds a spec that ends in these lines; the base is `scratch` if they do not say.
    pub(crate) fn assemble(&self, text: &str) -> Result<Assembled, Error> {
        self.assemble_with(text, self.settings())
    }

    pub(crate) fn assemble_with(&self, text: &str, settings: Settings) -> Result<Assembled, Error> {
        let base = if text.contains("[base]") { "" } else { "[base]\nimage = \"scratch\"\n" };
        let text = format!("schema = 1\n{base}{text}");
        let spec = Spec::parse("oci-merge.toml", self.root.path(), &text)?;
        Builder::new(spec).settings(settings).assemble()
    }

    /// The requests since a number of them: `GET`, `POST` and so on, of blobs of layers with these digests.
    pub(crate) fn requests_for(&self, digests: &[Digest], since: usize) -> Vec<String> {
        let requests = self.server.requests();
        let about = |target: &str| digests.iter().any(|digest| target.contains(&digest.to_string()));
        requests.iter().skip(since).filter(|r| about(&r.target)).map(|r| r.method.clone()).collect()
    }
}

/// Names of the layers and how they came about, the lowest first.
pub(crate) fn told(built: &Built) -> Vec<(String, String)> {
    let how = |layer: &oci_merge::BuiltLayer| serde_json::to_value(layer.how).unwrap().as_str().unwrap().to_owned();
    built.layers.iter().map(|layer| (layer.name.clone(), how(layer))).collect()
}

/// The files of an image that was assembled: each path with the layer that it comes from.
pub(crate) fn files(stage: &Stage, assembled: &Assembled) -> BTreeMap<String, String> {
    let image = stage.root.path().join("written");
    let _ = std::fs::remove_dir_all(&image);
    assembled.write(&[oci_merge::Destination::Layout(image.clone())]).unwrap();
    let source = oci_merge::spec::BaseSource::Layout { directory: image, tag: None };
    let listed = oci_merge::list(&source, stage.root.path(), &stage.settings()).unwrap();
    listed.into_iter().filter(|f| f.kind != 'd').map(|f| (f.path, f.layer)).collect()
}
