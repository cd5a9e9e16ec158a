//! HTTP as everything here needs it: blocking, bounded, retried, and with our own rules on whom to trust.
//!
//! A [`Network`] holds what requests share: connections, tokens, and what was learnt of each registry. Cloning it is
//! cheap, and clones share; make one for a run.
//!
//! What binds every request: redirects are followed here and not by the HTTP library, at most five of them and never
//! from https to http; `Authorization` goes to the registry's own scheme, host and port only; nothing is read without
//! a limit; a peer that is silent for [`Settings::progress_timeout`] is given up; what may pass is tried six times,
//! with jitter, and as late as `Retry-After` says.

mod address;
mod agent;
mod bounded;
mod clock;
mod event;
mod failure;
mod headers;
mod host_certs;
pub(crate) mod http_date;
mod pace;
mod proxy;
mod redirect;
mod request;
mod retry;
mod roots;
mod send;
mod settings;
mod url;

pub use clock::{Clock, SystemClock};
pub use event::{Event, Exchange, Watcher};
pub use proxy::Proxies;
pub use settings::{Settings, Tls};

pub(crate) use address::{is_private_by_name, is_this_machine, literal};
pub(crate) use bounded::{read_all, read_file};
#[cfg(test)]
pub(crate) use clock::tests::StillClock;
pub(crate) use failure::{Failure, Heard, NoHttps};
pub(crate) use pace::Incoming;
pub(crate) use redirect::{Clear, follow, follow_within_origin, location};
pub(crate) use request::{Request, Response};
pub(crate) use retry::{Attempts, is_transient, retry_after};
pub(crate) use url::{Url, decode, encode};

use crate::registry::Hosts;
use std::fmt;
use std::sync::Arc;

/// The network, as the [`Settings`] say that it is to be used.
#[derive(Clone)]
pub struct Network(Arc<Shared>);

struct Shared {
    settings: Settings,
    agents: agent::Agents,
    hosts: Hosts,
}

impl Network {
    /// Makes nothing yet: no connection, no TLS, no file is read before the first request needs it.
    pub fn new(settings: Settings) -> Network {
        Network(Arc::new(Shared { settings, agents: agent::Agents::new(), hosts: Hosts::default() }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The registries that were spoken to.
    pub(crate) fn hosts(&self) -> &Hosts {
        &self.0.hosts
    }

    /// Whether a host is public, as far as it is known.
    pub(crate) fn is_public(&self, host: &str) -> bool {
        self.0.agents.seen().is_public(host)
    }

    /// Whether the caller wants to stop.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.settings().cancelled.as_ref().is_some_and(|cancelled| cancelled())
    }

    /// Whether a URL's host is in a list of hosts with or without ports.
    pub(crate) fn is_named(list: &[String], url: &Url) -> bool {
        list.iter().any(|name| name.eq_ignore_ascii_case(url.host()) || name.eq_ignore_ascii_case(&url.host_and_port()))
    }

    pub(crate) fn tell(&self, event: Event) {
        self.settings().watcher.tell(&event);
    }
}

impl Default for Network {
    fn default() -> Network {
        Network::new(Settings::default())
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Network").field(self.settings()).finish()
    }
}
