//! The registry as a store, against the registry of this crate, well and misbehaving; and against scripted peers.

mod auth;
mod faults;
mod files;
mod hostile;
mod mirrors;
mod referrers;
mod tls;
mod traffic;
mod trust;

use super::{Credential, Credentials, Registry, Secret};
use crate::network::{Event, Network, Settings, StillClock, Watcher};
use crate::server::{Auth, Login, Options, Realm, Server};
use crate::{Result, Store};
use oci_merge_image::{Descriptor, Document, MAX_DOCUMENT_BYTES, Manifest, MediaType};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What no output may hold; in base64 with the user it is `am9uOmh1bnRlcjItc2VjcmV0`.
const PASSWORD: &str = "hunter2-secret";

/// A client whose waits take no time, and everything that it said.
struct Client {
    network: Network,
    clock: Arc<StillClock>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Client {
    fn new(credentials: Credentials) -> Client {
        let clock = Arc::new(StillClock::new(0.5));
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        let watcher = Watcher::new(move |event| {
            let line = match event {
                Event::Request(exchange) => exchange.to_string(),
                other => format!("{other:?}"),
            };
            ears.lock().unwrap().push(line);
        });
        let settings = Settings {
            credentials,
            watcher,
            clock: clock.clone(),
            auth_realms: vec!["127.0.0.3".into()],
            progress_timeout: Duration::from_secs(20),
            ..Settings::default()
        };
        Client { network: Network::new(settings), clock, heard }
    }

    /// One that knows the password.
    fn of(server: &Server) -> Client {
        let login = Credential::Password { username: "jon".into(), password: Secret::new(PASSWORD) };
        Client::new(Credentials::given(&server.address().to_string(), login))
    }

    fn open(&self, server: &Server, repository: &str) -> Registry {
        let reference = format!("{}/{repository}", server.address()).parse().unwrap();
        Registry::open(&self.network, &reference).unwrap()
    }

    /// Everything that was told, one event a line.
    fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }
}

fn login() -> Login {
    Login { user: "jon".into(), password: PASSWORD.into() }
}

fn bearer(realm: Realm) -> Auth {
    Auth::Bearer { login: login(), ttl: Duration::from_secs(300), realm }
}

fn server(auth: Auth) -> Server {
    Server::start(Options { auth, ..Options::default() }).unwrap()
}

/// Three layers and a config, none of them alike, and the manifest that names them.
struct Image {
    blobs: Vec<(Descriptor, Vec<u8>)>,
    manifest: (Descriptor, Vec<u8>),
}

impl Image {
    fn new(name: &str) -> Image {
        let layer = |n: u8| -> Vec<u8> {
            let seed = name.bytes().chain([n]).collect::<Vec<_>>();
            (0..300_000_u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 ^ seed[i as usize % seed.len()])
                .collect()
        };
        let mut blobs: Vec<(Descriptor, Vec<u8>)> = (0..3)
            .map(|n| {
                let bytes = layer(n);
                (Descriptor::of(MediaType::ImageLayerGzip, &bytes), bytes)
            })
            .collect();
        let config = format!(r#"{{"architecture":"amd64","os":"linux","name":"{name}","rootfs":{{}}}}"#).into_bytes();
        let config = (Descriptor::of(MediaType::ImageConfig, &config), config);
        let layers: Vec<&Descriptor> = blobs.iter().map(|(descriptor, _)| descriptor).collect();
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": MediaType::ImageManifest.to_string(),
            "config": config.0,
            "layers": layers,
        });
        let manifest = manifest.to_string().into_bytes();
        blobs.push(config);
        Image { blobs, manifest: (Descriptor::of(MediaType::ImageManifest, &manifest), manifest) }
    }

    /// As a copy does it: blobs that are not there, the manifest, the tag.
    fn push(&self, to: &Registry, tag: &str) -> Result<()> {
        for (descriptor, bytes) in &self.blobs {
            if !to.exists(descriptor)? {
                to.push(descriptor, bytes)?;
            }
        }
        to.push(&self.manifest.0, &self.manifest.1)?;
        to.tag(&self.manifest.0, tag)
    }
}

/// Reads a whole image and leaves the bytes to those who verify them.
fn pull(from: &Registry, tag: &str) -> Result<()> {
    let descriptor = from.resolve(tag)?;
    let bytes = from.fetch(&descriptor)?.read_document(MAX_DOCUMENT_BYTES)?;
    let manifest: Document<Manifest> = Document::parse(bytes).unwrap();
    let manifest = manifest.value();
    for blob in manifest.layers.iter().chain([&manifest.config]) {
        io::copy(&mut from.fetch(blob)?, &mut io::sink()).map_err(|e| crate::Error::read("a test", e))?;
    }
    Ok(())
}

fn no_secret_in(text: &str) {
    for secret in [PASSWORD, "am9uOmh1bnRlcjItc2VjcmV0", "Bearer ", "Basic "] {
        assert!(!text.contains(secret), "{secret} in: {text}");
    }
}
