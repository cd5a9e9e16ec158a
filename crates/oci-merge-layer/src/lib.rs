//! How a tarball becomes a layer, and when two layers disturb each other.
//!
//! | module | what it is |
//! |---|---|
//! | [`entry`] | one entry of a layer, as readers hand it to writers |
//! | [`index`] | the path index: all entries of a layer, sorted, without their contents |
//!
//! Everything here is CPU work on bytes that somebody else hands in. Nothing opens a socket, reads the clock or the
//! environment.

pub mod entry;
pub mod index;

mod error;

pub use entry::{Body, Entry, Kind, Time, Xattrs};
pub use error::{Error, ErrorKind, Reason, Result};
pub use index::{EntryView, IndexBuilder, LayerIndex};
