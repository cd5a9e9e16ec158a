//! `[layer.NAME]`: one tool's files.

use super::{SourceSpec, Span};
use oci_merge_image::{Platform, Prefix};

/// `[layer.NAME]`.
#[derive(Debug, Clone)]
pub struct LayerSpec {
    /// The name in the table's header.
    pub name: String,
    /// What `{version}` stands for.
    pub version: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The directory that it owns.
    pub prefix: Prefix,
    /// Further paths or globs that it may write, from the root of the image.
    pub owns: Vec<String>,
    /// Globs of what is left out; with a leading `/` from the root of the image, else from the prefix.
    pub exclude: Vec<String>,
    /// Absolute directories to put in front of PATH.
    pub path: Vec<String>,
    /// Variables, their placeholders filled in, in the order of the file.
    pub env: Vec<(String, String)>,
    /// The platforms it is for; empty: all of the project's.
    pub platforms: Vec<Platform>,
    /// Where its files come from; at least one.
    pub sources: Vec<SourceSpec>,
    /// How the directories above what it owns are written.
    pub ancestors: Ancestors,
    /// Its header, `[layer.NAME]`.
    pub span: Span,
}

/// How a layer writes the directories above its prefix (design: collisions, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ancestors {
    /// As entries of their own, 0755 0:0; those of `owns` as the base has them.
    #[default]
    Emit,
    /// As entries of their own, with the attributes that the base gives them.
    Base,
    /// Not at all.
    Omit,
}
