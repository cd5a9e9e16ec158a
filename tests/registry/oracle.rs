//! A second opinion: what we push oci-client pulls and verifies, and back.

use super::*;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use oci_merge_store::server::{Auth, Realm};
use std::sync::Once;

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// oci-client wants a provider for TLS even where there is none.
fn provider() {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _ = rustls_graviola::default_provider().install_default();
    });
}

/// Runs what oci-client does, which is asynchronous.
fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub(super) fn theirs() -> Client {
    provider();
    Client::new(ClientConfig { protocol: ClientProtocol::Http, ..ClientConfig::default() })
}

pub(super) fn who() -> RegistryAuth {
    RegistryAuth::Basic("jon".into(), "hunter2".into())
}

/// A registry for each way of showing who one is.
pub(super) fn stages() -> Vec<Stage> {
    let bearer = |realm| Auth::Bearer { login: login(), ttl: Duration::from_secs(300), realm };
    let auths = [Auth::None, Auth::Basic(login()), bearer(Realm::Registry), bearer(Realm::OtherPort)];
    let stage = |auth| Stage::with(Options { auth, ..Options::default() }, |address| settings(address, "hunter2"), &[]);
    auths.into_iter().map(stage).collect()
}

#[test]
fn what_we_push_they_pull() {
    for stage in stages() {
        let image = Image::usual();
        stage.push("team/demo", &image).unwrap();
        let reference: Reference = format!("{}/team/demo:v1", stage.server.address()).parse().unwrap();
        let pulled = run(async { theirs().pull(&reference, &who(), vec![LAYER]).await }).unwrap();
        assert_eq!(pulled.digest, Some(image.root.digest.to_string()));
        assert!(pulled.config.data[..] == image.blobs[0]);
        // They come in the order of completion.
        let mut layers: Vec<Vec<u8>> = pulled.layers.into_iter().map(|layer| layer.data.into()).collect();
        layers.sort_by_key(|layer| std::cmp::Reverse(layer.len()));
        assert!(layers == image.blobs[1..]);
    }
}

#[test]
fn what_they_push_we_pull() {
    for stage in stages() {
        let image = Image::usual();
        let layer = |blob: &Vec<u8>| ImageLayer::new(blob.clone(), LAYER.into(), None);
        let layers: Vec<_> = image.blobs[1..].iter().map(layer).collect();
        let config = Config::new(image.blobs[0].clone(), CONFIG.into(), None);
        let reference: Reference = format!("{}/team/demo:v1", stage.server.address()).parse().unwrap();
        run(async { theirs().push(&reference, &layers, config, &who(), None).await }).unwrap();
        assert_eq!(stage.server.violations(), []);
        let store = stage.pull("team/demo").unwrap();
        for blob in &image.blobs {
            assert!(store.exists(&Descriptor::of(MediaType::ImageLayer, blob)).unwrap());
        }
        let ours = store.resolve("v1").unwrap().digest;
        assert_eq!(stage.server.tags("team/demo")["v1"], ours);
        let said = run(async { theirs().fetch_manifest_digest(&reference, &who()).await }).unwrap();
        assert_eq!(said, ours.to_string());
    }
}
