//! Where images are kept: a registry, an OCI layout, memory; and copying between them.
//!
//! A [`Store`] is five verbs over a descriptor, and everything that moves content is one function, `copy`.

mod content;
mod error;
mod store;

pub use content::Content;
pub use error::{Error, ErrorKind, Result};
pub use store::{Store, Verified};
