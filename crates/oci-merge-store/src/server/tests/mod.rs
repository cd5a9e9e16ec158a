//! The server as a client sees it, through a client that has nothing in common with it but the socket.

mod auth;
#[cfg(feature = "faults")]
mod faults;
mod hostile;
mod layout;
mod pull;
mod push;

use super::{Auth, Options, Server};
use oci_merge_image::Digest;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// SHA-256 of `hello`, by sha256sum.
const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
/// SHA-512 of `hello`, by sha512sum.
const HELLO_512: &str = "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043";

fn server() -> Server {
    Server::start(Options::default()).unwrap()
}

fn server_with(auth: Auth) -> Server {
    Server::start(Options { auth, ..Options::default() }).unwrap()
}

struct Answer {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    /// Whether the body ended as its framing had announced.
    whole: bool,
}

impl Answer {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    fn location(&self) -> &str {
        self.field("location").expect("a Location")
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The error code of the specification in the body.
    fn code(&self) -> String {
        self.json()["errors"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// A connection that is kept.
struct Client(BufReader<TcpStream>);

impl Client {
    fn new(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(BufReader::new(stream))
    }

    fn ask(&mut self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
        if !body.is_empty() || method == "POST" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.send(&[head.as_bytes(), b"\r\n", body].concat())?;
        self.answer(method)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    fn answer(&mut self, method: &str) -> io::Result<Answer> {
        let status = self.line()?;
        let status = status.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            fields.push((name.to_owned(), value.to_owned()));
        }
        let mut answer = Answer { status, fields, body: Vec::new(), whole: true };
        if method == "HEAD" || status < 200 || status == 204 {
            return Ok(answer);
        }
        if answer.field("transfer-encoding") == Some("chunked") {
            loop {
                let size = u64::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
                self.0.by_ref().take(size).read_to_end(&mut answer.body)?;
                self.line()?;
                if size == 0 {
                    return Ok(answer);
                }
            }
        }
        let length = answer.field("content-length").map(|l| l.parse::<u64>().unwrap());
        let read = self.0.by_ref().take(length.unwrap_or(u64::MAX)).read_to_end(&mut answer.body);
        answer.whole = read.is_ok() && length.is_none_or(|length| length == answer.body.len() as u64);
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches("\r\n").to_owned())
    }
}

/// One request on a connection of its own.
fn ask(server: &Server, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Answer {
    try_ask(server, method, target, fields, body).unwrap()
}

fn try_ask(server: &Server, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    Client::new(server.address()).ask(method, target, fields, body)
}

fn get(server: &Server, target: &str) -> Answer {
    ask(server, "GET", target, &[], b"")
}

/// A manifest whose config is the blob `{}` and whose layers are these.
fn manifest(server: &Server, repository: &str, layers: &[&[u8]]) -> Vec<u8> {
    server.put_blob(repository, b"{}").unwrap();
    for layer in layers {
        server.put_blob(repository, layer).unwrap();
    }
    manifest_of(layers)
}

fn manifest_of(layers: &[&[u8]]) -> Vec<u8> {
    let descriptor = |media_type: &str, bytes: &[u8]| serde_json::json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() });
    let layers: Vec<_> = layers.iter().map(|l| descriptor("application/vnd.oci.image.layer.v1.tar+gzip", l)).collect();
    let config = descriptor("application/vnd.oci.image.config.v1+json", b"{}");
    // Spaces that no writer of ours makes: the bytes must come back as they are.
    let value = serde_json::json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
    serde_json::to_vec_pretty(&value).unwrap()
}
