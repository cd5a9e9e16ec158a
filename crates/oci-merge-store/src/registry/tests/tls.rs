//! TLS: whose certificates are taken, and that nothing ever falls back to the clear because of one that is not.

use super::*;
use crate::ErrorKind;
use crate::network::Tls;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

pub(super) fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/registry/tests/tls")).join(name)
}

/// A TLS server that answers every request in the same way, and the heads of what it was asked.
fn serve(certificate: &str, answer: impl Fn(SocketAddr) -> String) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    serve_to(None, certificate, answer)
}

/// The same for clients that show a certificate of this authority only.
pub(super) fn serve_to(
    clients: Option<&str>,
    certificate: &str,
    answer: impl Fn(SocketAddr) -> String,
) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let chain = CertificateDer::from_pem_file(path(&format!("{certificate}.crt"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(path(&format!("{certificate}.key"))).unwrap();
    let provider = Arc::new(rustls_graviola::default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(path(authority)).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let config = Arc::new(config.with_single_cert(vec![chain], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answer, heard) = (answer(address), Arc::new(Mutex::new(Vec::new())));
    let book = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, stream.unwrap()));
            let mut head = String::new();
            while stream.read_line(&mut head).unwrap_or(0) > 2 {}
            if !head.is_empty() {
                book.lock().unwrap().push(head);
                let _ = stream.get_mut().write_all(answer.as_bytes());
                stream.get_mut().conn.send_close_notify();
                let _ = stream.get_mut().flush();
            }
        }
    });
    (address, heard)
}

pub(super) fn manifest(_: SocketAddr) -> String {
    let body = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

pub(super) fn resolve(name: &str, change: impl FnOnce(&mut Settings)) -> Result<Descriptor> {
    let mut settings = Settings {
        tls: Some(Tls::rustls_0_23(rustls_graviola::default_provider())),
        clock: Arc::new(StillClock::new(0.0)),
        ..Settings::default()
    };
    change(&mut settings);
    Registry::open(&Network::new(settings), &format!("{name}/a").parse().unwrap()).unwrap().resolve("one")
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let (address, heard) = serve("good", manifest);
    for name in [format!("localhost:{}", address.port()), address.to_string()] {
        resolve(&name, |settings| settings.ca_files = vec![path("ca.crt")]).unwrap();
    }
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[test]
fn a_certificate_that_is_not_trusted_ends_the_matter() {
    let rows = [
        ("good", false, "nobody who is trusted here"),
        ("other", true, "for another name"),
        ("expired", true, "expired"),
    ];
    for (certificate, named, why) in rows {
        let (address, heard) = serve(certificate, manifest);
        let error = resolve(&address.to_string(), |settings| {
            if named {
                settings.ca_files = vec![path("ca.crt")];
            }
        });
        let error = error.unwrap_err();
        assert!(error.kind() == ErrorKind::Network && error.to_string().contains(why), "{certificate}: {error}");
        assert!(heard.lock().unwrap().is_empty(), "{certificate}");
    }
}

#[test]
fn an_insecure_host_is_one_that_was_named() {
    let (address, heard) = serve("expired", manifest);
    resolve(&address.to_string(), |settings| settings.insecure = vec![address.to_string()]).unwrap();
    resolve(&address.to_string(), |settings| settings.insecure = vec!["127.0.0.1".into()]).unwrap();
    assert!(resolve(&address.to_string(), |settings| settings.insecure = vec!["127.0.0.1:1".into()]).is_err());
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[test]
fn this_machine_is_asked_in_tls_first_and_in_the_clear_if_it_knows_none() {
    let server = server(Auth::Basic(login()));
    let client = Client::of(&server);
    let mut settings = client.network.settings().clone();
    settings.tls = Some(Tls::rustls_0_23(rustls_graviola::default_provider()));
    let network = Network::new(settings);
    let registry = Registry::open(&network, &format!("{}/a", server.address()).parse().unwrap()).unwrap();
    Image::new("clear").push(&registry, "full").unwrap();
    let in_tls = client.heard().matches("https://").count();
    assert_eq!(in_tls, 1, "{}", client.heard());
    // Another repository of the same registry knows.
    let other = Registry::open(&network, &format!("{}/b", server.address()).parse().unwrap()).unwrap();
    assert_eq!(other.resolve("one").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(client.heard().matches("https://").count(), 1);
}

#[test]
fn a_request_that_was_made_up_for_tls_is_repeated_in_the_clear_once_that_is_given_up() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    let mut settings = client.network.settings().clone();
    settings.tls = Some(Tls::rustls_0_23(rustls_graviola::default_provider()));
    let registry =
        Registry::open(&Network::new(settings), &format!("{}/a", server.address()).parse().unwrap()).unwrap();
    server.misbehave("do=status:503,on=GET,times=2".parse().unwrap()).unwrap();
    assert_eq!(registry.resolve("one").unwrap_err().kind(), ErrorKind::NotFound, "{}", client.heard());
    assert_eq!(client.heard().matches("https://").count(), 1, "{}", client.heard());
    assert_eq!(server.requests().len(), 3, "{}", client.heard());
}

#[test]
fn a_redirect_out_of_tls_is_not_followed() {
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = plain.local_addr().unwrap();
    let (address, _) = serve("good", |_| {
        format!("HTTP/1.1 307 X\r\nLocation: http://{target}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let error = resolve(&address.to_string(), |settings| settings.ca_files = vec![path("ca.crt")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Policy, "{error}");
    plain.set_nonblocking(true).unwrap();
    assert_eq!(plain.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody came");
}

#[test]
fn authorities_that_cannot_be_read_are_named() {
    let (address, heard) = serve("good", manifest);
    for (file, why) in [("no-such.crt", "no-such.crt"), ("good.key", "no certificate"), ("README.md", "no certificate")]
    {
        let error = resolve(&address.to_string(), |settings| settings.ca_files = vec![path(file)]).unwrap_err();
        assert!(error.kind() == ErrorKind::Policy && error.to_string().contains(why), "{error}");
    }
    assert!(heard.lock().unwrap().is_empty());
}
