//! Where images are kept: a registry, an OCI layout, memory; and copying between them.
//!
//! A [`Store`] is five verbs over a descriptor, and everything that moves content is one function, [`copy::copy`].
//!
//! | place | is |
//! |---|---|
//! | a directory that is an OCI image layout | [`Layout`]; the local store is one |
//! | an archive of a layout, or of `docker save` | [`archive::ArchiveStore`] to read, [`archive::write_archive`] to make one |
//! | memory | [`Memory`] |
//! | a repository of a registry | [`registry::Registry`] |
//! | several of them, read as one | [`Overlay`] |
//!
//! With the feature `oci-client`, a repository can be reached through a client of that crate too: `adapter`.
//! With the feature `server` there is a registry on loopback too, for trying things and for tests: `server`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")
)]

#[cfg(feature = "oci-client")]
pub mod adapter;
pub mod archive;
mod content;
#[cfg(any(test, feature = "server"))]
pub mod contract;
pub mod copy;
mod digester;
mod directory;
pub mod download;
mod error;
pub mod layout;
mod memory;
pub mod network;
mod overlay;
mod pour;
pub mod registry;
mod section;
#[cfg(feature = "server")]
pub mod server;
mod sniff;
mod store;
mod tag;
mod temporary;
mod verified;

pub use content::Content;
pub use error::{Error, ErrorKind, MANIFEST_BLOB_UNKNOWN, Result, Side};
pub use layout::Layout;
pub use memory::Memory;
pub use overlay::Overlay;
pub use store::Store;
pub use tag::Expected;
pub use verified::Verified;
