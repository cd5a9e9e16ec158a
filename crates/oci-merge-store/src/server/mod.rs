//! A registry on loopback (distribution-spec 1.1): for trying things without one, and for tests.
//!
//! It keeps content in memory or in an OCI layout, asks for credentials if it is told to, and writes down what was
//! asked of it, so that a test can see whether blobs came before manifests, tags came last, and no credential went
//! astray. It has a thread a connection, listens on loopback only, and ends with its [`Server`].
//!
//! ```
//! use oci_merge_store::server::{Options, Server};
//! let server = Server::start(Options::default()).unwrap();
//! let blob = server.put_blob("demo", b"hello").unwrap();
//! assert_eq!(server.blob("demo", &blob).as_deref(), Some(&b"hello"[..]));
//! assert!(server.address().ip().is_loopback());
//! ```

mod blobs;
mod body;
mod connection;
#[cfg(feature = "faults")]
pub mod faults;
mod guard;
mod kept;
mod layout;
mod ledger;
mod listener;
mod lists;
mod manifests;
mod memory;
mod registry;
mod reply;
mod request;
mod route;
mod shelf;
mod uploads;

#[cfg(test)]
mod tests;

pub use guard::{Auth, Login, Realm};
pub use kept::Kept;
pub use ledger::{Authorization, Desk, Request, TagMove, Violation};

use crate::Result;
use crate::archive::ArchiveStore;
use layout::LayoutShelf;
use listener::Listener;
use memory::MemoryShelf;
use oci_merge_image::Digest;
use registry::Registry;
use route::Wanted;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a server keeps its content.
#[derive(Debug, Clone)]
pub enum Storage {
    /// In memory, for tests: blobs of at most 256 MiB, each visible in its repositories only.
    Memory,
    /// In an OCI image layout, which is made if there is none and the server takes pushes.
    ///
    /// A layout has no repositories: its blobs and its plain tags are in all of them, whatever their names, so that
    /// `docker pull 127.0.0.1:5000/demo:full` finds the tag `full`. A tag that is a whole reference, such as
    /// `ghcr.io/jon/babylon:full`, is in the repository `jon/babylon` only; a tag that is pushed becomes
    /// `REPOSITORY:TAG`.
    Directory(PathBuf),
    /// In an archive of an OCI image layout, named as in a directory. It takes no pushes.
    Archive(Arc<ArchiveStore>),
}

/// What a server is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 is any free one. Other than loopback addresses are refused.
    pub address: SocketAddr,
    /// Where it keeps its content.
    pub storage: Storage,
    /// Whether it takes pushes.
    pub writable: bool,
    /// How clients show who they are.
    pub auth: Auth,
    /// Whether it has the referrers API, which distribution-spec 1.0 did not.
    pub referrers: bool,
}

impl Default for Options {
    /// A writable registry in memory on any free port of 127.0.0.1, open to all.
    fn default() -> Options {
        Options {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            storage: Storage::Memory,
            writable: true,
            auth: Auth::None,
            referrers: true,
        }
    }
}

/// A running registry. When it is dropped, its connections are cut and its threads have ended.
pub struct Server {
    registry: Arc<Registry>,
    listener: Listener,
    _token: Option<Listener>,
    #[cfg(feature = "faults")]
    cdn: Mutex<Option<Listener>>,
}

impl Server {
    /// Starts a registry; it can be reached when this returns.
    ///
    /// # Errors
    /// The address is not on loopback or taken, or the directory is not an OCI layout that can be read.
    pub fn start(options: Options) -> Result<Server> {
        let shelf: Box<dyn shelf::Shelf> = match &options.storage {
            Storage::Memory => Box::new(MemoryShelf::default()),
            Storage::Directory(path) => Box::new(LayoutShelf::open(path, options.writable)?),
            Storage::Archive(archive) => Box::new(LayoutShelf::of_archive(archive, options.writable)?),
        };
        let registry = Arc::new(Registry::new(&options, shelf));
        let listener = listen(&registry, Desk::Registry, options.address)?;
        let service = match &options.auth {
            Auth::Bearer { realm: Realm::OtherPort, .. } => Some(options.address.ip()),
            Auth::Bearer { realm: Realm::OtherHost, .. } => Some(IpAddr::from([127, 0, 0, 3])),
            _ => None,
        };
        let token = service.map(|ip| listen(&registry, Desk::Token, (ip, 0).into())).transpose()?;
        let realm = match &options.auth {
            Auth::Bearer { realm: Realm::Url(url), .. } => url.clone(),
            _ => format!("http://{}/token", token.as_ref().unwrap_or(&listener).address()),
        };
        registry.guard.send_to(realm);
        Ok(Server {
            registry,
            listener,
            _token: token,
            #[cfg(feature = "faults")]
            cdn: Mutex::default(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The requests so far, in the order in which they came; of very many the last 100 000.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.registry.ledger).requests()
    }

    /// What no good client does, and some client did.
    pub fn violations(&self) -> Vec<Violation> {
        lock(&self.registry.ledger).violations()
    }

    /// The requests that carried a credential to where it has no business.
    pub fn leaks(&self) -> Vec<Request> {
        lock(&self.registry.ledger).leaks()
    }

    /// Each time that a tag was set to something else, or removed.
    pub fn tag_moves(&self) -> Vec<TagMove> {
        lock(&self.registry.ledger).moves()
    }

    /// The tags of a repository; none for one that is not there or cannot be read.
    pub fn tags(&self, repository: &str) -> BTreeMap<String, Digest> {
        self.registry.shelf.tags(repository).ok().flatten().unwrap_or_default()
    }

    /// The images that have a tag, as `REPOSITORY:TAG`, sorted. One that is in every repository is told with the
    /// repository `image`.
    ///
    /// # Errors
    /// The storage cannot be read.
    pub fn images(&self) -> Result<Vec<String>> {
        self.registry.shelf.images()
    }

    /// A manifest by its tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Kept> {
        let wanted = match reference.parse() {
            Ok(digest) => Wanted::Digest(digest),
            Err(_) => Wanted::Tag(reference.to_owned()),
        };
        self.registry.shelf.manifest(repository, &wanted).ok().flatten()
    }

    /// The bytes of a blob, all of them.
    pub fn blob(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        let (_, mut bytes) = self.registry.shelf.blob(repository, digest).ok().flatten()?;
        let mut all = Vec::new();
        bytes.read_to_end(&mut all).ok()?;
        Some(all)
    }

    /// Lets something go wrong from now on.
    ///
    /// # Errors
    /// The other host of a redirection, 127.0.0.2, cannot be had.
    #[cfg(feature = "faults")]
    pub fn misbehave(&self, fault: faults::Fault) -> Result<()> {
        let mut cdn = lock(&self.cdn);
        if cdn.is_none() {
            let listener = listen(&self.registry, Desk::Cdn, ([127, 0, 0, 2], 0).into())?;
            *lock(&self.registry.plan.addresses) = Some((self.address(), listener.address()));
            *cdn = Some(listener);
        }
        self.registry.plan.add(fault);
        Ok(())
    }

    /// Lets nothing go wrong from now on.
    #[cfg(feature = "faults")]
    pub fn behave(&self) {
        self.registry.plan.clear();
    }

    /// How often each fault has happened, in the order in which they were given.
    #[cfg(feature = "faults")]
    pub fn faults_fired(&self) -> Vec<u32> {
        self.registry.plan.fired()
    }

    /// Puts a blob into a repository without a request.
    ///
    /// # Errors
    /// The storage cannot be written.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        let mut scratch = self.registry.shelf.scratch()?;
        scratch.write_all(bytes).map_err(|e| crate::Error::disk(repository, "writing a blob", e))?;
        self.registry.shelf.keep(repository, &digest, scratch)?;
        Ok(digest)
    }

    /// Puts a manifest into a repository without a request, under a tag or without one; nothing is checked.
    ///
    /// # Errors
    /// The storage cannot be written.
    pub fn put_manifest(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) -> Result<Digest> {
        let kept = Kept { media_type: media_type.to_owned(), digest: Digest::of(bytes), bytes: bytes.to_vec() };
        self.registry.shelf.keep_manifest(repository, tag, &kept)?;
        Ok(kept.digest)
    }
}

#[cfg(feature = "faults")]
impl Drop for Server {
    fn drop(&mut self) {
        // Threads that sleep for a fault must wake up before their listener waits for them.
        self.registry.plan.stop();
    }
}

fn listen(registry: &Arc<Registry>, desk: Desk, address: SocketAddr) -> Result<Listener> {
    let registry = Arc::clone(registry);
    Listener::start(address, move |stream| connection::converse(&registry, desk, registry.next_connection(), stream))
}

/// Locks; what a thread that panicked has left is still whole, since every change here is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
