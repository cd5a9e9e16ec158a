//! `[base]`: what the layers are put on.

use super::error::REFERENCE;
use super::table::Table;
use super::{Span, keys};
use oci_merge_image::{Reference, shown};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

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

impl FromStr for BaseSource {
    type Err = oci_merge_image::Error;

    fn from_str(text: &str) -> oci_merge_image::Result<BaseSource> {
        let Some((transport, place)) = text.split_once(':') else {
            return if text == "scratch" { Ok(BaseSource::Scratch) } else { registry(text) };
        };
        match (transport, place) {
            (_, "") => registry(text), // which refuses it
            ("oci", place) => Ok(match place.rsplit_once(':') {
                Some((directory, tag)) if !directory.is_empty() && !tag.contains('/') => {
                    BaseSource::Layout { directory: directory.into(), tag: Some(tag.into()) }
                }
                _ => BaseSource::Layout { directory: place.into(), tag: None },
            }),
            ("oci-archive", file) => Ok(BaseSource::OciArchive(file.into())),
            ("docker-archive", file) => Ok(BaseSource::DockerArchive(file.into())),
            ("docker", rest) if rest.starts_with("//") => registry(rest.trim_start_matches('/')),
            _ => registry(text),
        }
    }
}

impl fmt::Display for BaseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |path: &Path| shown(path.as_os_str().as_encoded_bytes()).to_string();
        match self {
            BaseSource::Scratch => f.write_str("scratch"),
            BaseSource::Layout { directory, tag: None } => write!(f, "oci:{}", path(directory)),
            BaseSource::Layout { directory, tag: Some(tag) } => write!(f, "oci:{}:{}", path(directory), shown(tag)),
            BaseSource::OciArchive(file) => write!(f, "oci-archive:{}", path(file)),
            BaseSource::DockerArchive(file) => write!(f, "docker-archive:{}", path(file)),
            BaseSource::Registry(reference) => write!(f, "{reference}"),
        }
    }
}

fn registry(text: &str) -> oci_merge_image::Result<BaseSource> {
    text.parse().map(BaseSource::Registry)
}

/// Reads `[base]`.
pub(super) fn read(top: &Table<'_>) -> Option<BaseSpec> {
    let Some(node) = top.get("base") else {
        top.missing("base", "say what the layers go on: base = { image = \"scratch\" } or an image");
        return None;
    };
    let table = Table::open(top.faults(), node, "[base]", &keys::BASE)?;
    if !table.has("image") {
        table.missing("image", "a reference, `scratch`, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE");
    }
    let written = table.string("image")?;
    Some(BaseSpec { source: table.parse(&written, REFERENCE)?, span: table.faults().span(&written.range) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_are_skopeos() {
        let layout = |directory: &str, tag: Option<&str>| BaseSource::Layout {
            directory: directory.into(),
            tag: tag.map(str::to_owned),
        };
        let cases = [
            ("scratch", BaseSource::Scratch),
            ("oci:base", layout("base", None)),
            ("oci:./a/base:22.04", layout("./a/base", Some("22.04"))),
            ("oci:/a:b/c", layout("/a:b/c", None)),
            ("oci-archive:a.tar", BaseSource::OciArchive("a.tar".into())),
            ("docker-archive:a.tar", BaseSource::DockerArchive("a.tar".into())),
            ("ubuntu:22.04", BaseSource::Registry("docker.io/library/ubuntu:22.04".parse().unwrap())),
            ("docker://ghcr.io/a/b", BaseSource::Registry("ghcr.io/a/b:latest".parse().unwrap())),
            ("127.0.0.1:5000/b", BaseSource::Registry("127.0.0.1:5000/b:latest".parse().unwrap())),
        ];
        for (text, meant) in cases {
            let read: BaseSource = text.parse().unwrap();
            assert_eq!(read, meant, "{text}");
            assert_eq!(read.to_string().parse::<BaseSource>().unwrap(), meant, "{text} survives a round trip");
        }
        for bad in ["", "oci:", "oci-archive:", "Ubuntu:22.04", "a b"] {
            assert!(bad.parse::<BaseSource>().is_err(), "{bad}");
        }
    }
}
