//! The HTTP client itself: connections, their pool, TLS. Each kind of agent is made when it is first needed, so that
//! plain HTTP needs neither a TLS provider nor a certificate.

use super::address::{Lookup, Seen};
use super::event::Event;
use super::failure::Failure;
use super::host_certs::HostCerts;
use super::settings::Settings;
use super::url::Url;
use super::{Network, roots};
use crate::ErrorKind;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, Transport};
use ureq::{Agent, Error};

/// What oci-merge calls itself.
const USER_AGENT: &str = concat!("oci-merge/", env!("CARGO_PKG_VERSION"));
/// Connections that are kept for the next request, for each host.
const IDLE_PER_HOST: usize = 8;

/// How far a request's connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dial {
    /// It was kept from an earlier request; the peer may have closed it since.
    Kept,
    /// It was being made: its host looked up, connected to, greeted.
    Failed,
    /// It was made for this request.
    Made,
}

thread_local! {
    /// ureq does not tell whether a connection was kept; it resolves and dials on the thread of the request, always in
    /// that order, so the resolver and the dialler can.
    pub(super) static DIAL: Cell<Dial> = const { Cell::new(Dial::Kept) };
}

/// Forgets the last request of this thread.
pub(super) fn before_request() {
    DIAL.set(Dial::Kept);
}

/// How far the connection of this thread's last request had come.
pub(super) fn dial() -> Dial {
    DIAL.get()
}

/// What a connection must be like.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    tls: bool,
    /// Certificates are checked.
    verified: bool,
    /// Only to public addresses.
    public_only: bool,
    /// Through a proxy, which then looks up names.
    proxied: bool,
    /// The one host for which there are certificates of its own.
    host: Option<String>,
}

/// The agents, made when they are needed.
pub(super) struct Agents {
    made: Mutex<BTreeMap<Need, Agent>>,
    roots: OnceLock<Arc<Vec<Certificate<'static>>>>,
    /// What `certs.d` has for the hosts that were spoken to.
    certs: Mutex<BTreeMap<String, Option<HostCerts>>>,
    seen: Arc<Seen>,
}

impl Agents {
    pub(super) fn new() -> Agents {
        Agents { made: Mutex::default(), roots: OnceLock::new(), certs: Mutex::default(), seen: Arc::default() }
    }

    /// What is known of the addresses of hosts.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// The agent for a request to an address; `public_only`: to public addresses only.
    pub(super) fn get(&self, url: &Url, public_only: bool, settings: &Settings) -> Result<Agent, Failure> {
        let proxy = settings.proxies.find(url)?;
        let certs = if url.is_https() { self.certs_for(url, settings)? } else { None };
        let need = Need {
            tls: url.is_https(),
            verified: !Network::is_named(&settings.insecure, url),
            // Whoever looks up a name can see where it leads: with a proxy, that is not us.
            public_only: public_only && proxy.is_none(),
            proxied: proxy.is_some(),
            host: certs.as_ref().map(|_| url.host_and_port()),
        };
        let mut made = lock(&self.made);
        if let Some(agent) = made.get(&need) {
            return Ok(agent.clone());
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(proxy.cloned())
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_per_read(Some(settings.progress_timeout))
            .timeout_per_write(Some(settings.progress_timeout))
            // A head that comes in drops, or after one 1xx after another, is never silent and never ends.
            .timeout_recv_response(Some(settings.progress_timeout.saturating_mul(2)))
            .max_idle_connections(4 * IDLE_PER_HOST)
            .max_idle_connections_per_host(IDLE_PER_HOST);
        if need.tls {
            config = config.tls_config(self.tls(need.verified, certs.as_ref(), settings)?);
        }
        let (public_only, seen) = (need.public_only, Arc::clone(&self.seen));
        let lookup = Lookup { inner: DefaultResolver::default(), public_only, seen };
        let agent = Agent::with_parts(config.build(), Dialler(DefaultConnector::new()), lookup);
        made.insert(need, agent.clone());
        Ok(agent)
    }

    /// What `certs.d` has for a host; looked for once.
    fn certs_for(&self, url: &Url, settings: &Settings) -> Result<Option<HostCerts>, Failure> {
        let mut certs = lock(&self.certs);
        if let Some(known) = certs.get(&url.host_and_port()) {
            return Ok(known.clone());
        }
        let warn = |warning| settings.watcher.tell(&Event::Warning(warning));
        let found = HostCerts::load(&settings.certs_dirs, url, warn)?;
        certs.insert(url.host_and_port(), found.clone());
        Ok(found)
    }

    fn tls(&self, verified: bool, certs: Option<&HostCerts>, settings: &Settings) -> Result<TlsConfig, Failure> {
        let Some(tls) = &settings.tls else {
            return Err(Failure::fatal(ErrorKind::Policy, "https needs a TLS provider, and none was given"));
        };
        let config = TlsConfig::builder().unversioned_rustls_crypto_provider(tls.provider());
        let config = config.client_cert(certs.and_then(|certs| certs.client.clone()));
        if !verified {
            return Ok(config.disable_verification(true).build());
        }
        let roots = match self.roots.get() {
            Some(roots) => roots,
            None => {
                let loaded = Arc::new(roots::load(&settings.ca_files)?);
                self.roots.get_or_init(|| loaded)
            }
        };
        let roots = match certs.map_or(&[][..], |certs| &certs.authorities) {
            [] => Arc::clone(roots),
            more => Arc::new(roots.iter().chain(more).cloned().collect()),
        };
        Ok(config.root_certs(RootCerts::Specific(roots)).build())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// ureq's own way to connect, which writes down how far it came.
#[derive(Debug)]
struct Dialler(DefaultConnector);

impl Connector<()> for Dialler {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<()>) -> Result<Option<Self::Out>, Error> {
        DIAL.set(Dial::Failed);
        let made = self.0.connect(details, chained)?;
        DIAL.set(Dial::Made);
        Ok(made)
    }
}
