//! Reading through mirrors. Nothing is ever pushed to one: `Registry::open` knows of none.

mod conf;

pub use conf::RegistriesConf;

use super::Registry;
use crate::network::{Event, Network, NoHttps, Settings};
use crate::{Content, Error, ErrorKind, Result, Store, Verified};
use conf::Endpoint;
use oci_merge_image::{Descriptor, Reference};
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Opens a repository to read from it, where `registries.conf` says that it is read from: mirrors first, then its own
/// location.
///
/// # Errors
/// `registries.conf` blocks it or cannot be understood, or a registry's name is no host name.
pub fn open_to_read(network: &Network, reference: &Reference) -> Result<Arc<dyn Store>> {
    let Some(endpoints) = network.settings().registries.endpoints(reference)? else {
        return Ok(Arc::new(Registry::open(network, reference)?));
    };
    let places = endpoints.iter().map(|endpoint| Place::open(network, endpoint)).collect::<Result<_>>()?;
    Ok(Arc::new(Mirrored { name: reference.name(), network: network.clone(), places }))
}

/// One repository in several places, the last of which is its own.
struct Mirrored {
    name: String,
    network: Network,
    places: Vec<Place>,
}

struct Place {
    registry: Registry,
    /// The same in plain HTTP, where that is allowed.
    in_clear: Option<Registry>,
    /// Whether nobody there speaks https, so that only plain HTTP is left.
    no_https: AtomicBool,
    /// Whether it could not be reached or read, and is not asked again.
    failed: AtomicBool,
}

impl Place {
    /// An insecure endpoint is asked without a look at its certificate, and may be asked in plain HTTP.
    fn open(network: &Network, endpoint: &Endpoint) -> Result<Place> {
        let name = endpoint.reference.registry();
        let changed = |change: fn(&mut Settings) -> &mut Vec<String>| {
            let mut settings = network.settings().clone();
            change(&mut settings).push(name.to_owned());
            Registry::open(&Network::new(settings), &endpoint.reference)
        };
        let (registry, in_clear) = match endpoint.insecure {
            false => (Registry::open(network, &endpoint.reference)?, None),
            true => (changed(|settings| &mut settings.insecure)?, Some(changed(|settings| &mut settings.plain_http)?)),
        };
        Ok(Place { registry, in_clear, no_https: AtomicBool::new(false), failed: AtomicBool::new(false) })
    }

    /// Asks in https, and in plain HTTP only where nobody speaks https: any other answer is one.
    fn ask<T>(&self, ask: impl Fn(&Registry) -> Result<T>) -> Result<T> {
        let Some(in_clear) = &self.in_clear else { return ask(&self.registry) };
        if !self.no_https.load(Ordering::Relaxed) {
            match ask(&self.registry) {
                Err(e) if e.source().is_some_and(|source| source.is::<NoHttps>()) => {
                    self.no_https.store(true, Ordering::Relaxed);
                }
                answer => return answer,
            }
        }
        ask(in_clear)
    }
}

impl Mirrored {
    /// The first answer; what went wrong at the last place, if there is none. Each place is asked once, and the last
    /// one even if it failed before.
    fn first<T>(&self, ask: impl Fn(&Registry) -> Result<T>) -> Result<T> {
        let mut last = None;
        let mirrors = self.places.split_last().map_or(&[][..], |(_, mirrors)| mirrors);
        let usable = mirrors.iter().filter(|place| !place.failed.load(Ordering::Relaxed));
        for place in usable.chain(self.places.last()) {
            match place.ask(&ask) {
                Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e),
                Err(e) => {
                    if e.kind() != ErrorKind::NotFound && !place.failed.swap(true, Ordering::Relaxed) {
                        self.network.tell(Event::Warning(format!("{}, for {}: {e}", place.registry.name(), self.name)));
                    }
                    last = Some(e);
                }
                answer => return answer,
            }
        }
        Err(last.unwrap_or_else(|| Error::not_found(&self.name, "a place to read it from")))
    }

    fn refuse(&self) -> Error {
        Error::new(ErrorKind::Policy, &self.name, "it was opened to be read; mirrors are not written to")
    }
}

impl Store for Mirrored {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.first(|registry| registry.resolve(reference))
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        self.first(|registry| registry.exists(descriptor))
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        self.first(|registry| registry.fetch(descriptor))
    }

    fn referrers(&self, subject: &Descriptor, artifact_type: &str) -> Result<Vec<Descriptor>> {
        self.first(|registry| registry.referrers(subject, artifact_type))
    }

    fn push(&self, _descriptor: &Descriptor, _content: &dyn Content) -> Result<()> {
        Err(self.refuse())
    }

    fn tag(&self, _descriptor: &Descriptor, _tag: &str) -> Result<()> {
        Err(self.refuse())
    }
}
