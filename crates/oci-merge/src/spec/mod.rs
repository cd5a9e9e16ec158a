//! The spec file `oci-merge.toml`: as it is written, and as it is meant.
//!
//! A [`Spec`] that exists is whole: every key is known, every word is one of those allowed, every path, reference and
//! glob has been read. What a key may be is in the JSON schema beside this module, and a test holds the two together.

mod base;
mod config;
mod document;
mod error;
mod json;
mod keys;
mod layer;
mod output;
mod placeholder;
mod policy;
mod project;
mod source;
mod table;
mod toml;

pub use base::{BaseSource, BaseSpec, NotABase};
pub use error::{SpecError, SpecErrors};
pub use layer::{Ancestors, LayerSpec};
pub use output::{Output, Timestamps};
pub use project::Project;
pub use source::{Owner, Place, SourceSpec};

use document::Flaw;
use error::{DUPLICATE_KEY, MISSING_KEY, SYNTAX};
use oci_merge_image::Edits;
use std::ops::Range;
use std::path::{Path, PathBuf};
use table::{Faults, Table};

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

/// The JSON schema (draft-07) of the spec file.
pub const SCHEMA: &str = include_str!("oci-merge.schema.json");

impl Spec {
    /// Reads a spec: TOML, or JSON of the same form if the text begins with `{`. `file` is its name in messages, and
    /// relative paths in it start at `directory`.
    ///
    /// ```
    /// use oci_merge::Spec;
    /// let text = r#"
    ///     schema = 1
    ///     base = { image = "scratch" }
    ///     [layer.node]
    ///     prefx = "/opt/node"
    ///     source = { path = "out/node" }
    /// "#;
    /// let errors = Spec::parse("oci-merge.toml", ".".as_ref(), text).unwrap_err();
    /// assert_eq!(
    ///     errors.to_string(),
    ///     "oci-merge.toml:5:5: error[OM0101]: unknown key `prefx` in [layer.node]; did you mean `prefix`?"
    /// );
    /// ```
    ///
    /// # Errors
    /// All that is wrong with the text, not the first thing only. Whether the files and images that it names exist,
    /// and whether its layers get on with each other, is seen later.
    pub fn parse(file: &str, directory: &Path, text: &str) -> Result<Spec, SpecErrors> {
        let (node, flaws) = document::read(text);
        let faults = Faults::new(text);
        for flaw in &flaws {
            match flaw {
                Flaw::Syntax(what, at) => faults.add(SYNTAX, at, what.clone()),
                Flaw::Twice(at) => {
                    let key = text.get(at.clone()).unwrap_or_default();
                    faults.add(DUPLICATE_KEY, at, format!("{} is there twice", oci_merge_image::shown(key)));
                }
            }
        }
        if flaws.iter().any(|flaw| matches!(flaw, Flaw::Syntax(..))) {
            return Err(SpecErrors::new(file, text, faults.into_errors()));
        }
        let spec = Table::open(&faults, &node, "the spec", &keys::TOP)
            .and_then(|top| read(file, directory, &top));
        let mut errors = faults.into_errors();
        if !flaws.is_empty() {
            // Of two tables of one name the tree holds one; what the other had would seem to be missing.
            errors.retain(|error| error.code != MISSING_KEY);
        }
        match spec {
            Some(spec) if errors.is_empty() => Ok(spec),
            _ => Err(SpecErrors::new(file, text, errors)),
        }
    }
}

fn read(file: &str, directory: &Path, top: &Table<'_>) -> Option<Spec> {
    if !top.has("schema") {
        top.missing("schema", "add `schema = 1` as the first line");
    }
    top.integer("schema", 1..=1);
    let mut config = config::read(top);
    let project = project::read(top, &mut config);
    let layers = layer::read(top);
    let (policy, max_layers) = policy::read(top);
    let output = output::read(top);
    let base = base::read(top)?;
    Some(Spec {
        file: file.into(),
        directory: directory.into(),
        project,
        base,
        config,
        layers,
        policy,
        max_layers,
        output,
    })
}
