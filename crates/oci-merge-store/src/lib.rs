//! Where images are kept: a registry, an OCI layout, memory; and copying between them.
//!
//! A [`Store`] is five verbs over a descriptor, and everything that moves content is one function, [`copy::copy`].
//!
//! | place | is |
//! |---|---|
//! | a directory that is an OCI image layout | [`Layout`]; the local store is one |
//! | memory | [`Memory`] |
//! | several of them, read as one | [`Overlay`] |

mod content;
#[cfg(any(test, feature = "server"))]
pub mod contract;
pub mod copy;
mod digester;
mod directory;
mod error;
pub mod layout;
mod memory;
mod overlay;
mod pour;
mod section;
mod sniff;
mod store;
mod temporary;
mod verified;

pub use content::Content;
pub use error::{Error, ErrorKind, MANIFEST_BLOB_UNKNOWN, Result, Side};
pub use layout::Layout;
pub use memory::Memory;
pub use overlay::Overlay;
pub use store::Store;
pub use verified::Verified;
