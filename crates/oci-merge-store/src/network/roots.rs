//! Whose certificates are trusted.

use super::bounded;
use super::failure::Failure;
use crate::ErrorKind;
use crate::directory::shown_path;
use std::path::{Path, PathBuf};
use ureq::tls::{Certificate, PemItem, parse_pem};

/// The largest file of certificates that is read, in bytes.
pub(super) const MAX_CA_FILE: u64 = 4 << 20;

/// The authorities of the system, or Mozilla's where the system has none (an image made from scratch), and those of
/// the given files. The system's are found as OpenSSL finds them, `SSL_CERT_FILE` and `SSL_CERT_DIR` included.
pub(super) fn load(ca_files: &[PathBuf]) -> Result<Vec<Certificate<'static>>, Failure> {
    let system = rustls_native_certs::load_native_certs().certs;
    let mut roots: Vec<_> = system.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    if roots.is_empty() {
        roots =
            webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    }
    for file in ca_files {
        roots.extend(read_certificates(file)?);
    }
    Ok(roots)
}

/// The certificates of a PEM file, at least one.
pub(super) fn read_certificates(file: &Path) -> Result<Vec<Certificate<'static>>, Failure> {
    let refuse =
        |why: String| Failure::fatal(ErrorKind::Policy, format!("the certificates in {}: {why}", shown_path(file)));
    let pem = bounded::read_file(file, MAX_CA_FILE).map_err(|e| refuse(e.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        match item.map_err(|e| refuse(e.to_string()))? {
            PemItem::Certificate(certificate) => found.push(certificate),
            _ => continue,
        }
    }
    if found.is_empty() { Err(refuse("no certificate in PEM form".into())) } else { Ok(found) }
}
