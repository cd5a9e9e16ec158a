//! `[base]`: what the layers are put on.

use super::Span;
use oci_merge_image::Reference;
use std::path::PathBuf;

/// `[base]`.
#[derive(Debug, Clone)]
pub struct BaseSpec {
    /// What it is.
    pub source: BaseSource,
    /// Where it is said.
    pub span: Span,
}

/// Where a base comes from, in skopeo's transport words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseSource {
    /// `scratch`: nothing at all.
    Scratch,
    /// `oci:DIR[:TAG]`: an OCI layout in a directory.
    Layout {
        /// The directory.
        directory: PathBuf,
        /// The image in it; `None`: the only one.
        tag: Option<String>,
    },
    /// `oci-archive:FILE`: an OCI layout in a tar archive.
    OciArchive(PathBuf),
    /// `docker-archive:FILE`: what `docker save` writes.
    DockerArchive(PathBuf),
    /// Anything else: an image in a registry.
    Registry(Reference),
}
