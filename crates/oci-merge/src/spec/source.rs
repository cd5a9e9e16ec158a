//! `[layer.NAME.source]`: where a layer's files come from.

use super::Span;
use oci_merge_image::{Digest, Platform};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One `source` of a layer.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Where it is; `{arch}` is still in it, see [`place_for`](SourceSpec::place_for).
    pub place: Place,
    /// What `{arch}` becomes, by Go's word for the architecture; one that is not named stands for itself.
    pub arch: BTreeMap<String, String>,
    /// How many leading components are taken off the names in an archive.
    pub strip: usize,
    /// Globs of what is taken; empty: everything.
    pub include: Vec<String>,
    /// Where the files land: `/` for the root of the image, a directory under the prefix or in `owns`.
    pub to: Option<String>,
    /// Whose the files are.
    pub owner: Owner,
    /// Whether the archive's bytes must be used as they are.
    pub keep: bool,
    /// Where it is said: the value of `path` or `url`.
    pub span: Span,
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory or an archive; relative to the spec's directory.
    Path(PathBuf),
    /// An `http`, `https` or `file` URL.
    Url {
        /// The URL.
        url: String,
        /// What its bytes must be; without one the download fails and prints it.
        sha256: Option<Digest>,
    },
}

/// Whose the files of a layer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// 0:0.
    #[default]
    Root,
    /// As the source has them.
    Keep,
    /// This user and this group.
    Ids(u32, u32),
}

impl SourceSpec {
    /// The place for one platform: `{arch}` filled in.
    pub fn place_for(&self, platform: &Platform) -> Place {
        let word = self.arch.get(&platform.architecture).unwrap_or(&platform.architecture);
        let fill = |text: &str| text.replace("{arch}", word);
        match &self.place {
            // Paths come from a text, so nothing is lost in the conversion.
            Place::Path(path) => Place::Path(fill(&path.to_string_lossy()).into()),
            Place::Url { url, sha256 } => Place::Url { url: fill(url), sha256: sha256.clone() },
        }
    }
}
