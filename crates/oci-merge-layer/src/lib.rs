//! How a tarball becomes a layer, and when two layers disturb each other.
//!
//! | module | what it is |
//! |---|---|
//! | [`entry`] | one entry of a layer, as readers hand it to writers |
//! | [`scan`] | the strict tar reader |
//! | [`archive`] | archives of every form, and the stream of entries that they and directories are |
//! | [`index`] | the path index: all entries of a layer, sorted, without their contents |
//! | [`survey`](mod@survey) | one pass over a layer's blob that yields its index |
//! | [`make`](mod@make) | from a recipe to a layer: landing, pass-through, packing |
//! | [`compressor`] | the threads that compress, to the same bytes on any number of them |
//! | [`facts`] | what programs need, read while their content passes by |
//! | [`check`](mod@check) | whether layers can be stacked in any order |
//!
//! Everything here is CPU work on bytes that somebody else hands in. Nothing opens a socket, reads the clock or the
//! environment.

pub mod archive;
pub mod check;
pub mod compressor;
pub mod entry;
pub mod facts;
pub mod index;
pub mod make;
pub mod scan;
pub mod survey;

mod directory;
mod error;
mod fingerprint;
mod judge;
mod limits;
mod note;
mod pattern;
mod reason;
mod recall;
mod stem;
mod whiteout;
mod writer;

pub use archive::{Archive, Container, Entries};
pub use entry::{Body, Entry, Kind, Time, Xattrs};
pub use error::{Error, ErrorKind, Result};
pub use fingerprint::Fingerprint;
pub use index::{EntryView, IndexBuilder, LayerIndex};
pub use limits::Limits;
pub use note::Note;
pub use pattern::{Pattern, PatternError};
pub use reason::Reason;
pub use recall::recall;
pub use scan::{Content, Item, Role, Rules, Scanner};
pub use survey::{Survey, survey, survey_verified};
