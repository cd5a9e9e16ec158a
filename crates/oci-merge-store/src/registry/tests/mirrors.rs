//! Mirrors: read from, each against a real TLS server, and never written to.

use super::tls::{manifest, path, serve_to};
use super::trust::{proxy, through};
use super::*;
use crate::ErrorKind;
use crate::network::{Proxies, Tls};
use crate::registry::{RegistriesConf, open_to_read};
use std::io::{Read, Write};
use std::net::TcpListener;

/// What comes of reading a repository of a registry that nobody runs, and what was told meanwhile.
fn resolve(conf: &str) -> (Result<Descriptor>, String) {
    resolve_through(Proxies::default(), conf)
}

fn resolve_through(proxies: Proxies, conf: &str) -> (Result<Descriptor>, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("registries.conf");
    std::fs::write(&file, conf).unwrap();
    let client = Client::new(Credentials::none());
    let settings = Settings {
        tls: Some(Tls::rustls_0_23(rustls_graviola::default_provider())),
        ca_files: vec![path("ca.crt")],
        proxies,
        registries: RegistriesConf::files(vec![file], Vec::new()),
        ..client.network.settings().clone()
    };
    let store = open_to_read(&Network::new(settings), &"127.0.0.1:1/team/a".parse().unwrap()).unwrap();
    assert_eq!(store.name(), "127.0.0.1:1/team/a");
    let resolved = store.resolve("one");
    // A place that failed is not asked again.
    let _ = store.resolve("one");
    (resolved, client.heard())
}

#[test]
fn a_mirror_is_read_from_first_and_the_registry_itself_last() {
    let (good, heard) = serve_to(None, "good", manifest);
    let (expired, unheard) = serve_to(None, "expired", manifest);
    let entry = "[[registry]]\nlocation = \"127.0.0.1:1/team\"\n[[registry.mirror]]\n";
    let (found, _) = resolve(&format!("{entry}location = \"{good}/copies\""));
    found.unwrap();
    assert!(heard.lock().unwrap()[0].starts_with("GET /v2/copies/a/manifests/one "), "{heard:?}");

    let (error, told) = resolve(&format!("{entry}location = \"{expired}\""));
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Network);
    assert!(unheard.lock().unwrap().is_empty());
    assert_eq!(told.matches(&format!("GET https://{expired}/")).count(), 1, "it is not asked again: {told}");
    assert_eq!(told.matches("Warning").count(), 2, "one for the mirror, one for the registry itself: {told}");
    assert_eq!(told.matches("GET https://127.0.0.1:1/").count(), 2, "once each time: {told}");

    let (found, _) = resolve(&format!("{entry}location = \"{expired}\"\n[[registry.mirror]]\nlocation = \"{good}\""));
    found.unwrap();
    let (found, _) = resolve(&format!("{entry}location = \"{expired}\"\ninsecure = true"));
    found.unwrap();
    assert_eq!(unheard.lock().unwrap().len(), 2, "both times, once its certificate does not count");
}

#[test]
fn an_insecure_mirror_that_speaks_https_is_not_asked_in_the_clear() {
    for status in [401, 404, 500] {
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let (mirror, heard) = serve_to(None, "expired", |_| answer.clone());
        let (found, told) = resolve(&format!(
            "[[registry]]\nlocation = \"127.0.0.1:1/team\"\n[[registry.mirror]]\nlocation = \"{mirror}\"\ninsecure = true"
        ));
        assert!(found.is_err() && !heard.lock().unwrap().is_empty(), "{status}");
        assert!(!told.contains(&format!("http://{mirror}/")), "{status}: {told}");
    }
}

#[test]
fn an_insecure_mirror_that_speaks_no_https_is_asked_in_the_clear() {
    let entry = "[[registry]]\nlocation = \"127.0.0.1:1/team\"\n[[registry.mirror]]\ninsecure = true\nlocation = ";
    let (_, told) = resolve(&format!("{entry}\"127.0.0.2:1\""));
    assert!(told.contains("http://127.0.0.2:1/"), "nothing listens: {told}");

    // The registry of this crate serves no names but this machine's, and those are asked in the clear anyway.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(manifest(address).as_bytes());
        }
    });
    let (proxy, _) = proxy(address, 200);
    let proxies = ["HTTPS_PROXY", "HTTP_PROXY"].map(|name| (name, proxy.to_string()));
    let (found, told) = resolve_through(through(&proxies), &format!("{entry}\"mirror.test\""));
    found.unwrap();
    assert_eq!(told.matches("GET https://mirror.test/").count(), 1, "it is remembered: {told}");
    assert_eq!(told.matches("GET http://mirror.test/").count(), 2, "{told}");
}
