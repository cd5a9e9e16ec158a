//! What an image is: digests, descriptors, documents, paths, and the one function that stacks layers.
//!
//! Nothing here touches a file, a socket, a thread, the clock or the environment: every item is a value or a
//! function of its arguments. The other crates of oci-merge stand on this one.
//!
//! | to hold | there is |
//! |---|---|
//! | an identifier | [`Digest`], [`DiffId`], [`ChainId`]: three types, because the field confuses them |
//! | a JSON document and its exact bytes | [`Document`] of a [`Manifest`], an [`Index`] or a [`Config`] |
//! | a path inside a layer | [`LayerPath`], [`Prefix`]: bytes, relative, unable to leave the root |
//! | the name of an image | [`Reference`] |
//! | what joins it all | [`stack()`] |

mod config;
mod descriptor;
mod digest;
mod document;
mod env;
mod error;
mod grammar;
mod index;
mod json;
mod manifest;
mod media_type;
mod path;
mod platform;
mod reference;
mod shown;
mod stack;

pub use config::{Config, History};
pub use descriptor::Descriptor;
pub use digest::{Algorithm, ChainId, DiffId, Digest};
pub use document::{Document, MAX_DOCUMENT_BYTES};
pub use env::{DEFAULT_PATH, join_path, merge_env};
pub use error::{Error, ErrorKind, Result};
pub use index::Index;
pub use json::{parse_strict, to_canonical};
pub use manifest::Manifest;
pub use media_type::{Compression, Form, MediaType};
pub use path::{LayerPath, PathError, Prefix, compare_paths};
pub use platform::Platform;
pub use reference::Reference;
pub use shown::{Shown, shown};
pub use stack::{Addition, Base, BaseImage, Edits, Stacked, stack};
