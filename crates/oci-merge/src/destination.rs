//! Where an image goes: the values of `-o`, `--push` and `--load`.

use crate::{Error, Result};
use std::path::PathBuf;
use std::str::FromStr;

/// One place that an image is to be written to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// An OCI layout in a directory.
    Layout(PathBuf),
    /// An OCI layout in a tar archive; `-` is the standard output.
    OciArchive(PathBuf),
    /// An archive that every `docker load` takes.
    DockerArchive(PathBuf),
    /// The registry that the image's references name.
    Registry,
    /// The image store of docker or podman on this machine.
    Engine,
    /// One layer's tarball as a file, its index beside it with `.index` at the end of its name.
    Layer(PathBuf),
    /// Nowhere: everything is made and checked.
    Nothing,
}

/// The default: `type=oci,dest=./image`.
impl Default for Destination {
    fn default() -> Destination {
        Destination::Layout(PathBuf::from("./image"))
    }
}

impl FromStr for Destination {
    type Err = Error;

    /// Reads `type=oci|docker|registry|layer|none[,dest=PATH]`, in buildx's spelling; a `dest` that ends in `.tar` makes
    /// `type=oci` an archive, and `type=docker` without one loads into the engine.
    fn from_str(text: &str) -> Result<Destination> {
        let refuse = |why: String| Error::usage(format!("-o {text}: {why}"));
        let (mut kind, mut dest) = (None, None);
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("type", value)) => kind = Some(value),
                Some(("dest", value)) if !value.is_empty() => dest = Some(PathBuf::from(value)),
                _ => return Err(refuse(format!("expected type=TYPE or dest=PATH, found `{part}`"))),
            }
        }
        let is_tar = dest.as_ref().is_some_and(|d| d.extension().is_some_and(|e| e == "tar") || d.as_os_str() == "-");
        match (kind, dest) {
            (Some("oci"), Some(dest)) if is_tar => Ok(Destination::OciArchive(dest)),
            (Some("oci"), Some(dest)) => Ok(Destination::Layout(dest)),
            (Some("oci"), None) => Ok(Destination::default()),
            (Some("docker"), Some(dest)) => Ok(Destination::DockerArchive(dest)),
            (Some("docker"), None) => Ok(Destination::Engine),
            (Some("layer"), Some(dest)) => Ok(Destination::Layer(dest)),
            (Some("layer"), None) => Err(refuse("which file? say dest=FILE".into())),
            (Some("registry"), None) => Ok(Destination::Registry),
            (Some("none"), None) => Ok(Destination::Nothing),
            (Some(kind @ ("registry" | "none")), Some(_)) => Err(refuse(format!("type={kind} takes no dest"))),
            (Some(other), _) => {
                Err(refuse(format!("unknown type `{other}`; known: oci, docker, registry, layer, none")))
            }
            (None, _) => Err(refuse("which type? oci, docker, registry, layer or none".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buildx_spelling_is_understood() {
        let cases = [
            ("type=oci", Destination::Layout("./image".into())),
            ("type=oci,dest=out", Destination::Layout("out".into())),
            ("dest=out.tar,type=oci", Destination::OciArchive("out.tar".into())),
            ("type=docker,dest=out.tar", Destination::DockerArchive("out.tar".into())),
            ("type=docker", Destination::Engine),
            ("type=registry", Destination::Registry),
            ("type=layer,dest=p.tar.gz", Destination::Layer("p.tar.gz".into())),
            ("type=none", Destination::Nothing),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Destination>().unwrap(), expected, "{text}");
        }
        for bad in ["", "oci", "type=tar", "type=layer", "type=none,dest=x", "dest=x", "type=oci,dest="] {
            assert!(bad.parse::<Destination>().is_err(), "{bad}");
        }
    }
}
