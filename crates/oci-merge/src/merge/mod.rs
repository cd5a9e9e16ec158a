//! `merge`, and `check` without a spec: a spec made of file names alone, where every name, prefix and PATH is inferred
//! from the inputs.

mod found;
mod name;

use crate::spec::{Ancestors, BaseSource, LayerSpec, SourceSpec, Span, Spec};
use crate::{Error, Result, Settings};
use found::{look_into_archive, look_into_directory};
use name::{is_layer_name, name_of};
use oci_merge_image::{LayerPath, Prefix, shown};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One input of `merge`: `INPUT`, `NAME=INPUT`, or `NAME=INPUT:/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeInput {
    /// The name of the layer, if it was given.
    pub name: Option<String>,
    /// A directory or an archive.
    pub path: PathBuf,
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
        let (path, prefix) = match rest.rsplit_once(":/") {
            Some((path, prefix)) => {
                let prefix = format!("/{prefix}").parse().map_err(|e| Error::image(text, e))?;
                (path, Some(prefix))
            }
            None => (rest, None),
        };
        if path.is_empty() {
            return Err(Error::usage(format!("{}: expected INPUT, NAME=INPUT or NAME=INPUT:/prefix", shown(text))));
        }
        Ok(MergeInput { name, path: path.into(), prefix })
    }
}

/// The spec of an image made of inputs on a base: each input's name is that of its file or directory without version
/// and extension, its prefix the component after `/opt` that all its files share, else `/opt/NAME`; a `bin` directory
/// under the prefix joins PATH.
///
/// # Errors
/// An input cannot be read, two have one name, or the files of one lie under several directories of `/opt`.
pub fn merge(base: BaseSource, inputs: &[MergeInput], directory: &Path, settings: &Settings) -> Result<Spec> {
    let mut layers: Vec<LayerSpec> = Vec::new();
    for input in inputs {
        let layer = infer(input, directory, settings)?;
        if let Some(twin) = layers.iter().find(|other| other.name == layer.name) {
            return Err(Error::usage(format!(
                "two inputs would be called {}; name one of them: {}2={}",
                twin.name,
                twin.name,
                input.path.display()
            )));
        }
        layers.push(layer);
    }
    Ok(Spec::without_file(base, directory, layers))
}

/// The spec of a check of inputs with each other, and with the base if one of them is an image: `scratch`, a transport such
/// as `oci:DIR`, or a reference with a tag or digest.
///
/// # Errors
/// Those of [`merge`]; and more than one image.
pub fn check_inputs(inputs: &[String], directory: &Path, settings: &Settings) -> Result<Spec> {
    let (images, others): (Vec<&String>, Vec<&String>) = inputs.iter().partition(|input| is_image(input, directory));
    let base = match images[..] {
        [] => BaseSource::Scratch,
        [image] => image.parse().map_err(|e| Error::image(image, e))?,
        [first, second, ..] => {
            let text = "two images, and only one of them can be the base (images as layers are not built yet)";
            return Err(Error::usage(format!("{} and {}: {text}", shown(first), shown(second))));
        }
    };
    let inputs = others.into_iter().map(|input| input.parse()).collect::<Result<Vec<MergeInput>>>()?;
    let mut spec = merge(base, &inputs, directory, settings)?;
    if images.is_empty() {
        // Nobody said what the layers will lie on, so nobody can say what is missing there.
        spec.policy = OF_THE_BASE.map(|key| (key.to_owned(), "allow".to_owned())).to_vec();
    }
    Ok(spec)
}

/// The policies of what a base may have.
const OF_THE_BASE: [&str; 4] = ["missing-library", "missing-interpreter", "dangling-link", "build-prefix"];

/// Whether an input names an image, and not a file of this machine.
fn is_image(input: &str, directory: &Path) -> bool {
    let is_file = || input.starts_with(['.', '/']) || input.contains('=') || directory.join(input).exists();
    let transport = ["oci:", "oci-archive:", "docker-archive:", "docker://"].iter().any(|word| input.starts_with(word));
    input == "scratch" || transport || (input.contains([':', '@']) && !input.contains(":/") && !is_file())
}

fn infer(input: &MergeInput, directory: &Path, settings: &Settings) -> Result<LayerSpec> {
    let path = directory.join(&input.path);
    let name = match &input.name {
        Some(name) => name.clone(),
        None => name_of(&input.path)?,
    };
    let metadata = std::fs::metadata(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::usage(format!(
            "{name}: there is no {} here; an input is a directory or an archive (images as inputs are not built yet)",
            shown(input.path.as_os_str().as_encoded_bytes())
        )),
        _ => Error::disk(&path, "cannot be read", e),
    })?;
    let found =
        if metadata.is_dir() { look_into_directory(&path)? } else { look_into_archive(&name, &path, settings)? };
    let (prefix, place) = match (&input.prefix, found.under_opt(&name)?) {
        (Some(prefix), Some(inside)) if inside == *prefix => (inside, found.place(&input.path, prefix)),
        (Some(prefix), _) => (prefix.clone(), input.path.clone()),
        (None, Some(inside)) => (inside.clone(), found.place(&input.path, &inside)),
        (None, None) => {
            let prefix = format!("/opt/{name}").parse().map_err(|e| Error::image(&name, e))?;
            (prefix, input.path.clone())
        }
    };
    let bin = LayerPath::parse(b"bin").unwrap_or_default();
    let has_bin = found.directories.iter().any(|d| *d == bin || d.strip_prefix(prefix.path()) == Some(bin.clone()));
    Ok(LayerSpec {
        version: None,
        description: None,
        path: if has_bin { vec![format!("{prefix}/bin")] } else { Vec::new() },
        name,
        prefix,
        needs: Vec::new(),
        owns: Vec::new(),
        overrides: Vec::new(),
        exclude: Vec::new(),
        env: Vec::new(),
        platforms: Vec::new(),
        sources: vec![SourceSpec::of_path(place)],
        ancestors: Ancestors::Emit,
        span: Span::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_may_say_name_and_prefix() {
        let parse = |text: &str| text.parse::<MergeInput>().unwrap();
        let input = parse("py=out/a.tgz:/opt/python");
        assert_eq!(input.name.as_deref(), Some("py"));
        assert_eq!(input.path, Path::new("out/a.tgz"));
        assert_eq!(input.prefix.unwrap().to_string(), "/opt/python");
        assert_eq!(parse("a=b.tar").path, Path::new("b.tar"));
        assert_eq!(parse("./x=y.tar").path, Path::new("./x=y.tar"));
        assert!("a=".parse::<MergeInput>().is_err());
        assert!("a=b:/".parse::<MergeInput>().is_err());
    }
}
