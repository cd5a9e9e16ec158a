//! The HTTP client itself: connections, their pool, TLS. Each kind of agent is made when it is first needed, so that
//! plain HTTP needs neither a TLS provider nor a certificate.

use super::address::{Lookup, Seen};
use super::failure::Failure;
use super::roots;
use super::settings::Settings;
use crate::ErrorKind;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    pub(super) tls: bool,
    /// Certificates are checked.
    pub(super) verified: bool,
    /// Only to public addresses.
    pub(super) public_only: bool,
}

/// The agents, made when they are needed.
pub(super) struct Agents {
    made: Mutex<BTreeMap<Need, Agent>>,
    roots: OnceLock<Arc<Vec<Certificate<'static>>>>,
    seen: Arc<Seen>,
}

impl Agents {
    pub(super) fn new() -> Agents {
        Agents { made: Mutex::default(), roots: OnceLock::new(), seen: Arc::default() }
    }

    /// What is known of the addresses of hosts.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }

    pub(super) fn get(&self, need: Need, settings: &Settings) -> Result<Agent, Failure> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = made.get(&need) {
            return Ok(agent.clone());
        }
        let agent = self.make(need, settings)?;
        made.insert(need, agent.clone());
        Ok(agent)
    }

    fn make(&self, need: Need, settings: &Settings) -> Result<Agent, Failure> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .user_agent(USER_AGENT)
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_per_read(Some(settings.progress_timeout))
            .timeout_per_write(Some(settings.progress_timeout))
            .max_idle_connections(4 * IDLE_PER_HOST)
            .max_idle_connections_per_host(IDLE_PER_HOST);
        if need.tls {
            config = config.tls_config(self.tls(need.verified, settings)?);
        }
        let lookup =
            Lookup { inner: DefaultResolver::default(), public_only: need.public_only, seen: Arc::clone(&self.seen) };
        Ok(Agent::with_parts(config.build(), Dialler(DefaultConnector::new()), lookup))
    }

    fn tls(&self, verified: bool, settings: &Settings) -> Result<TlsConfig, Failure> {
        let Some(tls) = &settings.tls else {
            return Err(Failure::fatal(ErrorKind::Policy, "https needs a TLS provider, and none was given"));
        };
        let config = TlsConfig::builder().unversioned_rustls_crypto_provider(tls.provider());
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
        Ok(config.root_certs(RootCerts::Specific(Arc::clone(roots))).build())
    }
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
