//! The spec file `oci-merge.toml`: as it is written, and as it is meant.
//!
//! A [`Spec`] that exists is whole: every key is known, every word is one of those allowed, every path, reference and
//! glob has been read. What a key may be is in the JSON schema beside this module, and a test holds the two together.

mod base;
mod layer;
mod output;
mod source;

pub use base::{BaseSource, BaseSpec};
pub use layer::{Ancestors, LayerSpec};
pub use output::{Output, Timestamps};
pub use source::{Owner, Place, SourceSpec};

use oci_merge_image::{Edits, Platform, Reference};
use std::ops::Range;
use std::path::PathBuf;

/// What is to be built.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The name of the file, for messages.
    pub file: String,
    /// Where relative paths in the spec start.
    pub directory: PathBuf,
    /// `[project]`, but for its labels and annotations, which are in [`config`](Spec::config).
    pub project: Project,
    /// `[base]`.
    pub base: BaseSpec,
    /// `[config]`, and the labels and annotations of `[project]`.
    pub config: Edits,
    /// `[layer.NAME]`, in the order of the file.
    pub layers: Vec<LayerSpec>,
    /// `[policy]`: the key of a finding and one of `deny`, `warn`, `allow`; both are words of the schema.
    pub policy: Vec<(String, String)>,
    /// `policy.max-layers`: how many layers the image may have, those of its base included.
    pub max_layers: usize,
    /// `[output]`.
    pub output: Output,
}

/// `[project]`.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// What messages call it.
    pub name: Option<String>,
    /// The repository that the image is pushed to unless the command line says otherwise.
    pub repo: Option<Reference>,
    /// The platforms; empty: the base's only one, or this machine's.
    pub platforms: Vec<Platform>,
}

/// A place in the text of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The line, from 1; 0 for what was not written in a file.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes.
    pub range: Range<usize>,
}
