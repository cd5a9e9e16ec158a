//! Certificates for single hosts, and proxies: each against a real TLS server.

use super::tls::{manifest, path, resolve, serve_to};
use super::*;
use crate::ErrorKind;
use crate::network::Proxies;
use crate::registry::Environment;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A `certs.d` with files for a host, each a copy of one beside these tests.
fn certs_d(host: &str, files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(host)).unwrap();
    for (name, of) in files {
        std::fs::copy(path(of), directory.path().join(host).join(name)).unwrap();
    }
    directory
}

#[test]
fn an_authority_of_certs_d_is_trusted_for_its_host_only() {
    let (address, heard) = serve_to(None, "good", manifest);
    let ours = certs_d(&address.to_string(), &[("ours.crt", "ca.crt"), ("README", "README.md")]);
    resolve(&address.to_string(), |settings| settings.certs_dirs = vec![ours.path().into()]).unwrap();
    assert_eq!(heard.lock().unwrap().len(), 1);
    for host in [format!("localhost:{}", address.port()), "127.0.0.1".into(), "127.0.0.1:1".into()] {
        let others = certs_d(&host, &[("ours.crt", "ca.crt")]);
        let error = resolve(&address.to_string(), |settings| settings.certs_dirs = vec![others.path().into()]);
        assert!(error.unwrap_err().to_string().contains("nobody who is trusted here"), "{host}");
    }
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn a_certificate_of_certs_d_is_shown_to_its_host() {
    let (address, heard) = serve_to(Some("ca.crt"), "good", manifest);
    let host = address.to_string();
    let with = |directory: &tempfile::TempDir| {
        resolve(&host, |settings| {
            settings.ca_files = vec![path("ca.crt")];
            settings.certs_dirs = vec![directory.path().into()];
        })
    };
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(with(&nothing).unwrap_err().kind(), ErrorKind::Network);
    assert!(heard.lock().unwrap().is_empty(), "nobody gets in without one");
    with(&certs_d(&host, &[("jon.cert", "good.crt"), ("jon.key", "good.key")])).unwrap();
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn files_of_certs_d_that_cannot_be_used_are_named() {
    let (address, heard) = serve_to(None, "good", manifest);
    let host = address.to_string();
    for (files, name, why) in [
        (&[("a.crt", "README.md")][..], "a.crt", "no certificate"),
        (&[("a.cert", "good.crt")], "a.cert", "a.key is not there"),
        (&[("a.key", "good.key")], "a.key", "no .cert of the same name"),
        (&[("a.cert", "good.crt"), ("a.key", "README.md")], "a.key", "no private key"),
    ] {
        let directory = certs_d(&host, files);
        let error = resolve(&host, |settings| settings.certs_dirs = vec![directory.path().into()]).unwrap_err();
        let text = error.to_string();
        assert!(error.kind() == ErrorKind::Policy && text.contains(name) && text.contains(why), "{text}");
    }
    assert!(heard.lock().unwrap().is_empty());
}

/// A proxy that knows one tunnel (RFC 9110 section 9.3.6), whatever the name asked for, and the heads of what it was
/// asked. With a status other than 200 it refuses.
pub(super) fn proxy(to: SocketAddr, status: u16) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, heard) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let book = Arc::clone(&heard);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut client = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while client.read_line(&mut head).unwrap_or(0) > 2 {}
            book.lock().unwrap().push(head);
            let mut client = client.into_inner();
            client.write_all(format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes()).unwrap();
            if status != 200 {
                continue;
            }
            let mut server = TcpStream::connect(to).unwrap();
            let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || io::copy(&mut from_client, &mut to_server));
            let _ = io::copy(&mut server, &mut client);
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
    });
    (address, heard)
}

pub(super) fn through(variables: &[(&str, String)]) -> Proxies {
    Proxies::of(&Environment::of(variables.iter().map(|(name, value)| (*name, value))))
}

#[test]
fn a_proxy_leads_to_a_name_that_only_it_knows() {
    let (server, heard) = serve_to(None, "other", manifest);
    let (proxy, asked) = proxy(server, 200);
    resolve("other.test", |settings| {
        settings.ca_files = vec![path("ca.crt")];
        settings.proxies = through(&[("HTTPS_PROXY", format!("http://jon:{PASSWORD}@{proxy}"))]);
    })
    .unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked[0].starts_with("CONNECT other.test:443 HTTP/1.1\r\n"), "{asked:?}");
    // printf jon:hunter2-secret | base64
    assert!(asked[0].contains("Proxy-Authorization: Basic am9uOmh1bnRlcjItc2VjcmV0\r\n"), "{asked:?}");
    let heard = heard.lock().unwrap();
    assert!(heard.len() == 1 && !heard[0].to_lowercase().contains("proxy-authorization"), "{heard:?}");
}

#[test]
fn a_proxy_that_refuses_is_named_and_its_password_is_not() {
    let (server, heard) = serve_to(None, "other", manifest);
    for (status, requests) in [(407, 1), (503, 6)] {
        let (proxy, asked) = proxy(server, status);
        let error = resolve("other.test", |settings| {
            settings.proxies = through(&[("https_proxy", format!("http://jon:{PASSWORD}@{proxy}"))]);
        });
        let error = error.unwrap_err();
        assert_eq!((error.kind(), asked.lock().unwrap().len()), (ErrorKind::Network, requests), "{error}");
        assert!(
            error
                .to_string()
                .contains(&format!("the proxy does not lead to other.test:443: proxy server responded {status}")),
            "{error}"
        );
        no_secret_in(&error.to_string());
    }
    assert!(heard.lock().unwrap().is_empty());
}

#[test]
fn this_machine_is_not_asked_for_through_a_proxy() {
    let (server, _) = serve_to(None, "good", manifest);
    let (proxy, asked) = proxy(server, 200);
    resolve(&server.to_string(), |settings| {
        settings.ca_files = vec![path("ca.crt")];
        settings.proxies = through(&[("HTTPS_PROXY", proxy.to_string())]);
    })
    .unwrap();
    assert!(asked.lock().unwrap().is_empty());
}
