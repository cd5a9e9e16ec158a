//! The client for registries against a registry that keeps a book: order, mounts, credentials, retries, lies.

#[cfg(feature = "tls-graviola")]
mod adapter;
mod auth;
mod faults; // F1 to F50, a row each
#[cfg(feature = "tls-graviola")]
mod oracle;
mod pull;
mod push;
mod real;
mod reuse;

use oci_merge_image::{Descriptor, MediaType};
use oci_merge_store::copy::{CopyOptions, Ledger, copy};
use oci_merge_store::network::{Clock, Network, Settings};
use oci_merge_store::registry::{Credential, Credentials, Registry, Secret};
use oci_merge_store::server::{Login, Options, Server};
use oci_merge_store::{Memory, Result, Store};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// A clock on which waiting takes no time; it remembers how long each wait should have been.
#[derive(Default)]
struct Hasty(Mutex<Vec<Duration>>);

impl Hasty {
    fn waits(&self) -> Vec<Duration> {
        self.0.lock().unwrap().clone()
    }
}

impl Clock for Hasty {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) {
        self.0.lock().unwrap().push(time);
    }

    fn chance(&self) -> f64 {
        0.5
    }
}

/// A registry in memory, a client for it, and the book of both.
struct Stage {
    server: Server,
    network: Network,
    clock: Arc<Hasty>,
}

impl Stage {
    /// With these faults, and nobody asked for a credential.
    fn new(faults: &[&str]) -> Stage {
        Stage::with(Options::default(), |_| Settings::default(), faults)
    }

    /// With a login, and whatever settings fit the registry's address.
    fn with(options: Options, settings: impl FnOnce(SocketAddr) -> Settings, faults: &[&str]) -> Stage {
        let server = Server::start(options).unwrap();
        for fault in faults {
            server.misbehave(fault.parse().unwrap()).unwrap();
        }
        let clock = Arc::new(Hasty::default());
        let network = Network::new(Settings { clock: clock.clone(), ..settings(server.address()) });
        Stage { server, network, clock }
    }

    fn repository(&self, name: &str) -> Registry {
        let reference = format!("{}/{name}", self.server.address()).parse().unwrap();
        Registry::open(&self.network, &reference).unwrap()
    }

    /// Pushes an image under the tag `v1`.
    fn push(&self, name: &str, image: &Image) -> Result<Ledger> {
        let options = CopyOptions { tags: vec!["v1".into()], ..CopyOptions::default() };
        copy(&image.store, &self.repository(name), &image.root, &options, &|_| {})
    }

    /// Pulls the tag `v1`.
    fn pull(&self, name: &str) -> Result<Memory> {
        let (from, to) = (self.repository(name), Memory::new());
        let root = from.resolve("v1")?;
        let options = CopyOptions { tags: vec!["v1".into()], ..CopyOptions::default() };
        copy(&from, &to, &root, &options, &|_| {})?;
        Ok(to)
    }

    /// Puts an image into the registry without a request.
    fn stock(&self, name: &str, image: &Image) {
        for blob in &image.blobs {
            self.server.put_blob(name, blob).unwrap();
        }
        let media_type = image.root.media_type.to_string();
        self.server.put_manifest(name, Some("v1"), &media_type, &image.manifest).unwrap();
    }

    /// How many requests there were with this method and this text in the target.
    fn count(&self, method: &str, part: &str) -> usize {
        self.server.requests().iter().filter(|r| r.method == method && r.target.contains(part)).count()
    }

    /// No good client does what this finds.
    fn assert_clean(&self, what: &str) {
        assert_eq!(self.server.leaks(), [], "{what}");
        assert_eq!(self.server.violations(), [], "{what}");
    }
}

/// An image: its blobs, the config first, and its manifest, also as a store.
struct Image {
    store: Memory,
    blobs: Vec<Vec<u8>>,
    manifest: Vec<u8>,
    root: Descriptor,
}

impl Image {
    /// An image with these layers.
    fn of(layers: &[Vec<u8>]) -> Image {
        let layer = |bytes: &Vec<u8>| Descriptor::of(MediaType::ImageLayer, bytes);
        let layers_of: Vec<Descriptor> = layers.iter().map(layer).collect();
        let diff_ids: Vec<_> = layers_of.iter().map(|layer| &layer.digest).collect();
        let config = serde_json::json!({
            "architecture": "amd64", "os": "linux", "rootfs": { "type": "layers", "diff_ids": diff_ids }
        });
        let config = config.to_string().into_bytes();
        let of_config = Descriptor::of(MediaType::ImageConfig, &config);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MediaType::ImageManifest, "config": of_config, "layers": layers_of
        });
        let manifest = serde_json::to_vec_pretty(&manifest).unwrap();
        let root = Descriptor::of(MediaType::ImageManifest, &manifest);
        let store = Memory::new();
        store.push(&of_config, &config).unwrap();
        for (descriptor, bytes) in layers_of.iter().zip(layers) {
            store.push(descriptor, bytes).unwrap();
        }
        store.push(&root, &manifest).unwrap();
        Image { store, blobs: [config].into_iter().chain(layers.iter().cloned()).collect(), manifest, root }
    }

    /// Four layers, one of them larger than any buffer.
    fn usual() -> Image {
        Image::of(&[pattern(1, 1_000_000), pattern(2, 3_000), pattern(3, 700), pattern(4, 1)])
    }

    /// Whether a store has all of it, byte for byte, under the tag `v1`.
    fn assert_in(&self, store: &dyn Store, what: &str) {
        assert_eq!(store.resolve("v1").unwrap().digest, self.root.digest, "{what}");
        let read = |descriptor: &Descriptor| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut store.fetch(descriptor).unwrap(), &mut bytes).unwrap();
            bytes
        };
        assert!(read(&self.root) == self.manifest, "{what}");
        for blob in &self.blobs {
            assert!(read(&Descriptor::of(MediaType::ImageLayer, blob)) == *blob, "{what}");
        }
    }

    /// Whether the registry has all of it under the tag `v1`, which moved once.
    fn assert_pushed(&self, stage: &Stage, name: &str, what: &str) {
        assert_eq!(stage.server.manifest(name, "v1").map(|m| m.bytes).as_ref(), Some(&self.manifest), "{what}");
        for blob in &self.blobs {
            assert!(stage.server.blob(name, &oci_merge_image::Digest::of(blob)).as_ref() == Some(blob), "{what}");
        }
        assert_eq!(stage.server.tag_moves().len(), 1, "{what}");
        stage.assert_clean(what);
    }
}

/// Bytes that differ for each seed and do not repeat soon (a linear congruential generator, Knuth's MMIX).
fn pattern(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn login() -> Login {
    Login { user: "jon".into(), password: "hunter2".into() }
}

/// Settings with this password for a registry.
fn settings(address: SocketAddr, password: &str) -> Settings {
    let credential = Credential::Password { username: "jon".into(), password: Secret::new(password) };
    Settings { credentials: Credentials::given(&address.to_string(), credential), ..Settings::default() }
}
