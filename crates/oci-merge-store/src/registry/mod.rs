//! A repository of a registry as a [`Store`] (OCI distribution-spec 1.1).
//!
//! ```no_run
//! use oci_merge_store::Store;
//! use oci_merge_store::network::{Network, Settings};
//! use oci_merge_store::registry::{Credentials, Registry};
//!
//! let settings = Settings { credentials: Credentials::from_environment(), ..Settings::default() };
//! let network = Network::new(settings);
//! let reference = "127.0.0.1:5000/babylon:full".parse()?;
//! let registry = Registry::open(&network, &reference)?;
//! println!("{}", registry.resolve(&reference.wanted())?.digest);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod blob;
mod challenge;
mod checkup;
mod credentials;
mod feed;
mod hint;
mod host;
mod kept;
mod manifest;
mod mirrors;
mod mount;
mod realm;
mod referrers;
mod refusal;
mod scope;
mod session;
mod tags;
mod token;
mod upload;

pub use checkup::{Checkup, CheckupFinding, CheckupState};
pub use credentials::{Credential, Credentials, Environment, Looked, Secret};
pub(crate) use host::Hosts;
pub use mirrors::{RegistriesConf, open_to_read};
pub use refusal::Refusal;

use crate::network::{Network, Url};
use crate::verified::Verified;
use crate::{Content, Error, ErrorKind, Expected, Result, Store};
use host::Host;
use kept::Kept;
use manifest::{Place, is_manifest};
use oci_merge_image::{Descriptor, Digest, Reference};
use session::Session;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// A repository of a registry. Cloning it is cheap; all repositories of a registry that were opened with one
/// [`Network`] share connections and tokens.
#[derive(Clone)]
pub struct Registry {
    network: Network,
    host: Arc<Host>,
    reference: Reference,
    repository: String,
    kept: Arc<Kept>,
    /// Sessions that were offered in the place of mounts.
    sessions: Arc<Mutex<HashMap<Digest, Vec<Session>>>>,
}

impl Registry {
    /// The repository of a reference; its tag and digest are of no account. Nothing is sent yet.
    ///
    /// # Errors
    /// The registry's name is no host name.
    pub fn open(network: &Network, reference: &Reference) -> Result<Registry> {
        Ok(Registry {
            network: network.clone(),
            host: network.hosts().get(reference.registry(), network)?,
            reference: reference.clone(),
            repository: reference.repository().to_owned(),
            kept: Arc::default(),
            sessions: Arc::default(),
        })
    }

    fn url(&self, path: &str) -> Result<Url> {
        self.host.url(&format!("{}/{path}", self.repository))
    }

    fn policy(&self, text: String) -> Error {
        Error::new(ErrorKind::Policy, self.reference.name(), text)
    }
}

impl Store for Registry {
    fn name(&self) -> String {
        self.reference.name()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.resolve_manifest(reference)
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        self.is_there(descriptor)
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        if is_manifest(&descriptor.media_type) { self.fetch_manifest(descriptor) } else { self.fetch_blob(descriptor) }
    }

    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        if !is_manifest(&descriptor.media_type) {
            return self.upload(descriptor, content);
        }
        let bytes = self.read_manifest(descriptor, content)?;
        self.enter_manifest(descriptor, &bytes, &Place::digest(descriptor)).map(drop)
    }

    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()> {
        self.reference.with_tag(tag).map_err(|e| self.policy(e.to_string()))?;
        let bytes = self.manifest_bytes(descriptor)?;
        self.put_manifest(descriptor, &bytes, &Place::tag(tag)).map(drop)
    }

    // distribution-spec, Pushing Manifests: a registry takes a manifest only with what it names.
    fn holds(&self, root: &Descriptor) -> Result<Option<bool>> {
        self.is_there(root).map(Some)
    }

    fn is_tagged(&self, descriptor: &Descriptor, tag: &str) -> Result<bool> {
        self.stands_for(tag, descriptor)
    }

    fn push_as(
        &self,
        descriptor: &Descriptor,
        content: &dyn Content,
        tags: &[String],
        expected: Option<&Expected>,
    ) -> Result<bool> {
        for tag in tags {
            self.reference.with_tag(tag).map_err(|e| self.policy(e.to_string()))?;
        }
        let bytes = self.read_manifest(descriptor, content)?;
        match expected {
            Some(expected) => tags.iter().try_for_each(|tag| self.move_tag(descriptor, &bytes, tag, expected))?,
            None => self.put_tags(descriptor, &bytes, tags)?,
        }
        Ok(true)
    }

    fn referrers(&self, subject: &Descriptor, artifact_type: &str) -> Result<Vec<Descriptor>> {
        self.attached_to(&subject.digest, artifact_type)
    }

    fn mount(&self, descriptor: &Descriptor, from: &str) -> Result<bool> {
        self.mount_blob(descriptor, from)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.reference.name()).finish()
    }
}

#[cfg(all(test, feature = "faults"))]
mod tests;
