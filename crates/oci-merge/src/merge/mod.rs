//! `merge`, and `check` without a spec: a spec made of the names of files and images alone, where every name, prefix and
//! PATH is inferred from the inputs.

mod found;
mod image;
mod name;

use crate::spec::{BaseSource, LayerSpec, SourceSpec, Spec};
use crate::{Error, Result, Settings};
use found::{look_into_archive, look_into_directory};
use image::Images;
use name::{is_layer_name, name_of};
use oci_merge_image::{LayerPath, Prefix, shown};
use std::path::Path;
use std::str::FromStr;

/// One input of `merge`: `INPUT`, `NAME=INPUT`, or `NAME=INPUT:/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeInput {
    /// The name of the layer, if it was given.
    pub name: Option<String>,
    /// A directory or an archive; or an image: a transport such as `oci:DIR`, or a reference with a tag or digest.
    pub input: String,
    /// The directory that the layer owns, if it was given.
    pub prefix: Option<Prefix>,
}

impl FromStr for MergeInput {
    type Err = Error;

    fn from_str(text: &str) -> Result<MergeInput> {
        let (name, rest) = match text.split_once('=') {
            Some((name, rest)) if is_layer_name(name) => (Some(name.to_owned()), rest),
            _ => (None, text),
        };
        // The path in `oci:/DIR` is no prefix.
        let is_transport = |word: &str| TRANSPORTS.iter().any(|transport| transport.split(':').next() == Some(word));
        let (input, prefix) = match rest.rsplit_once(":/").filter(|(before, _)| !is_transport(before)) {
            Some((input, prefix)) => {
                let prefix = format!("/{prefix}").parse().map_err(|e| Error::image(text, e))?;
                (input, Some(prefix))
            }
            None => (rest, None),
        };
        if input.is_empty() {
            return Err(Error::usage(format!("{}: expected INPUT, NAME=INPUT or NAME=INPUT:/prefix", shown(text))));
        }
        Ok(MergeInput { name, input: input.to_owned(), prefix })
    }
}

/// The spec of an image made of inputs on a base: each input's name is that of its file or directory without version
/// and extension, its prefix the component after `/opt` that all its files share, else `/opt/NAME`; a `bin` directory
/// under the prefix joins PATH.
///
/// An image's name is the last component of its repository, and its prefix the one directory of `/opt` that it adds files
/// to. What it adds to PATH under its prefix joins PATH, and variables that the base does not have, or has otherwise, are
/// set. For that its layers are looked at, through the local store of the settings.
///
/// # Errors
/// An input cannot be read, two have one name, or the files of one lie under several directories of `/opt`.
pub fn merge(base: BaseSource, inputs: &[MergeInput], directory: &Path, settings: &Settings) -> Result<Spec> {
    let mut layers: Vec<LayerSpec> = Vec::new();
    let mut images = Images::new(&base, directory, settings);
    for input in inputs {
        let layer = match is_image(&input.input, directory) {
            true => images.infer(input)?,
            false => infer(input, directory, settings)?,
        };
        if let Some(twin) = layers.iter().find(|other| other.name == layer.name) {
            return Err(Error::usage(format!(
                "two inputs would be called {}; name one of them: {}2={}",
                twin.name,
                twin.name,
                shown(&input.input)
            )));
        }
        layers.push(layer);
    }
    Ok(Spec::without_file(base, directory, layers))
}

/// The spec of a check of inputs with each other, and with the base: the first image among them that has neither a name
/// nor a prefix. `scratch`, a transport such as `oci:DIR`, and a reference with a tag or digest are images.
///
/// # Errors
/// Those of [`merge`].
pub fn check_inputs(inputs: &[String], directory: &Path, settings: &Settings) -> Result<Spec> {
    let base = inputs.iter().position(|input| is_image(input, directory));
    let others = inputs.iter().enumerate().filter(|(place, _)| Some(*place) != base);
    let others = others.map(|(_, input)| input.parse()).collect::<Result<Vec<MergeInput>>>()?;
    let image = base.and_then(|place| inputs.get(place));
    let base = image.map_or(Ok(BaseSource::Scratch), |image| {
        image.parse().map_err(|e| Error::image(&shown(image).to_string(), e))
    })?;
    let mut spec = merge(base, &others, directory, settings)?;
    if image.is_none() {
        // Nobody said what the layers will lie on, so nobody can say what is missing there.
        spec.policy = OF_THE_BASE.map(|key| (key.to_owned(), "allow".to_owned())).to_vec();
    }
    Ok(spec)
}

/// What an image that lies on this machine begins with, in skopeo's words; and `docker://`, for one that does not.
const TRANSPORTS: [&str; 4] = ["oci:", "oci-archive:", "docker-archive:", "docker://"];

/// The policies of what a base may have.
const OF_THE_BASE: [&str; 4] = ["missing-library", "missing-interpreter", "dangling-link", "build-prefix"];

/// Whether an input names an image, and not a file of this machine.
fn is_image(input: &str, directory: &Path) -> bool {
    let is_file = || input.starts_with(['.', '/']) || input.contains('=') || directory.join(input).exists();
    let transport = TRANSPORTS.iter().any(|word| input.starts_with(word));
    input == "scratch" || transport || (input.contains([':', '@']) && !input.contains(":/") && !is_file())
}

fn infer(input: &MergeInput, directory: &Path, settings: &Settings) -> Result<LayerSpec> {
    let given = Path::new(&input.input);
    let path = directory.join(given);
    let name = match &input.name {
        Some(name) => name.clone(),
        None => name_of(given)?,
    };
    let metadata = std::fs::metadata(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::usage(format!(
            "{name}: there is no {} here; an input is a directory, an archive, or an image with its tag or digest",
            shown(&input.input)
        )),
        _ => Error::disk(&path, "cannot be read", e),
    })?;
    let found =
        if metadata.is_dir() { look_into_directory(&path)? } else { look_into_archive(&name, &path, settings)? };
    let (prefix, place) = match (&input.prefix, found.under_opt(&name)?) {
        (Some(prefix), Some(inside)) if inside == *prefix => (inside, found.place(given, prefix)),
        (Some(prefix), _) => (prefix.clone(), given.to_owned()),
        (None, Some(inside)) => (inside.clone(), found.place(given, &inside)),
        (None, None) => {
            let prefix = format!("/opt/{name}").parse().map_err(|e| Error::image(&name, e))?;
            (prefix, given.to_owned())
        }
    };
    let bin = LayerPath::parse(b"bin").unwrap_or_default();
    let has_bin = found.directories.iter().any(|d| *d == bin || d.strip_prefix(prefix.path()) == Some(bin.clone()));
    let path = if has_bin { vec![format!("{prefix}/bin")] } else { Vec::new() };
    let sources = vec![SourceSpec::of_path(place)];
    Ok(LayerSpec { path, sources, ..LayerSpec::without_file(name, prefix) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_may_say_name_and_prefix() {
        let parse = |text: &str| text.parse::<MergeInput>().unwrap();
        let input = parse("py=out/a.tgz:/opt/python");
        assert_eq!(input.name.as_deref(), Some("py"));
        assert_eq!(input.input, "out/a.tgz");
        assert_eq!(input.prefix.unwrap().to_string(), "/opt/python");
        assert_eq!(parse("a=b.tar").input, "b.tar");
        assert_eq!(parse("./x=y.tar").input, "./x=y.tar");
        let of_image = |text: &str| {
            let MergeInput { name, input, prefix } = parse(text);
            (name.unwrap_or_default(), input, prefix.map(|prefix| prefix.to_string()).unwrap_or_default())
        };
        let expected = |name: &str, input: &str, prefix: &str| (name.to_owned(), input.to_owned(), prefix.to_owned());
        assert_eq!(of_image("oci:/images/java:21"), expected("", "oci:/images/java:21", ""));
        assert_eq!(of_image("oci:/images/java:/opt/java"), expected("", "oci:/images/java", "/opt/java"));
        assert_eq!(of_image("j=docker://r.io/java:21"), expected("j", "docker://r.io/java:21", ""));
        assert_eq!(of_image("j=r.io:5000/java:21:/opt/j"), expected("j", "r.io:5000/java:21", "/opt/j"));
        assert!("a=".parse::<MergeInput>().is_err());
        assert!("a=b:/".parse::<MergeInput>().is_err());
    }
}
