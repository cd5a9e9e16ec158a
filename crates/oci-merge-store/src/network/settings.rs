//! How the network is used. The library reads no environment: whoever runs it fills this in.

use super::{Clock, Proxies, SystemClock, Watcher};
use crate::registry::{Credentials, RegistriesConf};
use rustls::crypto::CryptoProvider;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How the network is used. The default speaks plain HTTP to this machine only, has no credentials and tells nobody.
///
/// ```
/// use oci_merge_store::network::{Network, Settings};
/// let settings = Settings { plain_http: vec!["registry.lan:5000".into()], ..Settings::default() };
/// let network = Network::new(settings);
/// ```
#[derive(Clone)]
pub struct Settings {
    /// What TLS is made with. Without it there is no https, and nothing of TLS is ever set up.
    pub tls: Option<Tls>,
    /// Files of certificate authorities (PEM) that are trusted beside those of the system.
    pub ca_files: Vec<PathBuf>,
    /// Directories with certificates for single hosts, `HOST:PORT/*.crt` that are trusted and `*.cert` with `*.key` that
    /// are shown (containers-certs.d(5)).
    pub certs_dirs: Vec<PathBuf>,
    /// Through which proxies hosts are reached.
    pub proxies: Proxies,
    /// Where registries are read from, if not where their names say: `registries.conf`.
    pub registries: RegistriesConf,
    /// Who we are to registries.
    pub credentials: Credentials,
    /// Hosts (`host` or `host:port`) that are spoken to in plain HTTP; this machine need not be named.
    pub plain_http: Vec<String>,
    /// Hosts (`host` or `host:port`) whose certificates are not checked.
    pub insecure: Vec<String>,
    /// Hosts that may issue tokens for a registry of another domain.
    pub auth_realms: Vec<String>,
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Duration,
    /// How long a peer may neither take nor send a byte. For the whole head of an answer it may take twice as long.
    pub progress_timeout: Duration,
    /// Who is told what happens.
    pub watcher: Watcher,
    /// Time and chance.
    pub clock: Arc<dyn Clock>,
    /// Whether the caller wants to stop; asked before each request, in every wait, and with each block of bytes.
    pub cancelled: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            tls: None,
            ca_files: Vec::new(),
            certs_dirs: Vec::new(),
            proxies: Proxies::default(),
            registries: RegistriesConf::default(),
            credentials: Credentials::default(),
            plain_http: Vec::new(),
            insecure: Vec::new(),
            auth_realms: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            progress_timeout: Duration::from_secs(60),
            watcher: Watcher::default(),
            clock: Arc::new(SystemClock),
            cancelled: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("tls", &self.tls)
            .field("ca_files", &self.ca_files)
            .field("certs_dirs", &self.certs_dirs)
            .field("proxies", &self.proxies)
            .field("registries", &self.registries)
            .field("credentials", &self.credentials)
            .field("plain_http", &self.plain_http)
            .field("insecure", &self.insecure)
            .field("auth_realms", &self.auth_realms)
            .field("connect_timeout", &self.connect_timeout)
            .field("progress_timeout", &self.progress_timeout)
            .finish_non_exhaustive()
    }
}

/// The cryptography of TLS. This library brings none of its own.
#[derive(Clone)]
pub struct Tls(Arc<CryptoProvider>);

impl Tls {
    /// A provider for rustls 0.23, such as `rustls_graviola::default_provider()`.
    pub fn rustls_0_23(provider: impl Into<Arc<CryptoProvider>>) -> Tls {
        Tls(provider.into())
    }

    pub(crate) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
