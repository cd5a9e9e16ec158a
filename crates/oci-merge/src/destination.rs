//! Where an image goes: the values of `-o`, `--push` and `--load`.

use crate::spec::BaseSource;
use crate::{Error, Result};
use oci_merge_image::shown;
use std::path::{Path, PathBuf};
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

/// What a `type` may be.
const TYPES: [&str; 5] = ["oci", "docker", "registry", "layer", "none"];

/// The default: `type=oci,dest=./image`.
impl Default for Destination {
    fn default() -> Destination {
        Destination::Layout(PathBuf::from("./image"))
    }
}

impl Destination {
    /// The file or directory, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Destination::Layout(path)
            | Destination::OciArchive(path)
            | Destination::DockerArchive(path)
            | Destination::Layer(path) => Some(path),
            Destination::Registry | Destination::Engine | Destination::Nothing => None,
        }
    }
}

impl FromStr for Destination {
    type Err = Error;

    /// Reads `type=oci|docker|registry|layer|none[,dest=PATH]`, in buildx's spelling; a `dest` that ends in `.tar` makes
    /// `type=oci` an archive, and `type=docker` without one loads into the engine.
    fn from_str(text: &str) -> Result<Destination> {
        let refuse = |why: String| Error::usage(format!("-o {}: {why}", shown(text)));
        let (mut kind, mut dest) = (None, None);
        for part in text.split(',') {
            match part.split_once('=') {
                Some(("type", value)) => kind = Some(value),
                Some(("dest", value)) if !value.is_empty() => dest = Some(PathBuf::from(value)),
                _ => {
                    return Err(refuse(format!(
                        "expected type=TYPE or dest=PATH, found `{}`{}",
                        shown(part),
                        meant(text)
                    )));
                }
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
            (Some(other), _) => Err(refuse(format!("unknown type `{}`; known: {}", shown(other), TYPES.join(", ")))),
            (None, _) => Err(refuse("which type? oci, docker, registry, layer or none".into())),
        }
    }
}

/// What whoever wrote this may have meant: it names a type, a file, or an image, and does not say which.
fn meant(text: &str) -> String {
    let place = |kind: &str, path: &Path| format!("type={kind},dest={}", shown(path.as_os_str().as_encoded_bytes()));
    let meant = match text.parse() {
        _ if text.contains(['=', ',']) => return String::new(),
        _ if TYPES.contains(&text) => format!("type={text}"),
        _ if text.starts_with(['.', '/']) => place("oci", Path::new(text)),
        Ok(BaseSource::Layout { directory, .. }) => place("oci", &directory),
        Ok(BaseSource::OciArchive(file)) => place("oci", &file),
        Ok(BaseSource::DockerArchive(file)) => place("docker", &file),
        Ok(BaseSource::Registry(reference)) if text.contains(['/', ':']) => {
            return format!("; to push the image there: -o type=registry -t {reference}");
        }
        _ => place("oci", Path::new(text)),
    };
    format!("; did you mean -o {meant}?")
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

    #[test]
    fn what_is_not_of_that_form_is_shown_in_it() {
        let cases = [
            ("ghcr.io/x/y:1", "; to push the image there: -o type=registry -t ghcr.io/x/y:1"),
            ("docker://ghcr.io/x/y", "; to push the image there: -o type=registry -t ghcr.io/x/y:latest"),
            ("registry", "; did you mean -o type=registry?"),
            ("./image", "; did you mean -o type=oci,dest=./image?"),
            ("/tmp/i.tar", "; did you mean -o type=oci,dest=/tmp/i.tar?"),
            ("image.tar", "; did you mean -o type=oci,dest=image.tar?"),
            ("oci:out:full", "; did you mean -o type=oci,dest=out?"),
            ("docker-archive:i.tar", "; did you mean -o type=docker,dest=i.tar?"),
            ("type=oci,tag=1", ""),
        ];
        for (text, hint) in cases {
            let error = text.parse::<Destination>().unwrap_err();
            assert_eq!(error.code(), "OM0100");
            let found = text.split(',').next_back().unwrap();
            let expected = format!("-o {text}: expected type=TYPE or dest=PATH, found `{found}`{hint}");
            assert_eq!(error.to_string(), expected);
        }
    }
}
