//! `merge`: a spec made of file names alone, where every name, prefix and PATH is inferred from the inputs.

use crate::spec::{Ancestors, BaseSource, BaseSpec, LayerSpec, Output, Owner, Place, Project, SourceSpec, Span, Spec};
use crate::{Error, Result, Settings};
use oci_merge_image::{Edits, LayerPath, Prefix, shown};
use oci_merge_layer::{Archive, Body, Entries, Rules};
use std::collections::BTreeMap;
use std::fs::File;
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
    Ok(Spec {
        file: String::new(),
        directory: directory.to_owned(),
        project: Project::default(),
        base: BaseSpec { source: base, span: Span::default() },
        config: Edits::default(),
        layers,
        allow: Vec::new(),
        policy: Vec::new(),
        max_layers: crate::MAX_LAYERS,
        output: Output::default(),
    })
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
        sources: vec![SourceSpec {
            place: Place::Path(place),
            arch: BTreeMap::new(),
            strip: 0,
            include: Vec::new(),
            to: None,
            owner: Owner::Root,
            keep: false,
            span: Span::default(),
        }],
        ancestors: Ancestors::Emit,
        span: Span::default(),
    })
}

/// What the names of an input show.
struct Found {
    is_directory: bool,
    /// Whether anything lies outside `/opt`.
    outside: bool,
    /// The components after `/opt` that are in use, sorted, at most two of them.
    tools: Vec<LayerPath>,
    /// `bin`, `opt/*/bin`: what PATH may want.
    directories: Vec<LayerPath>,
}

impl Found {
    fn new(is_directory: bool) -> Found {
        Found { is_directory, outside: false, tools: Vec::new(), directories: Vec::new() }
    }

    fn see(&mut self, path: &LayerPath, is_directory: bool) {
        let components: Vec<&[u8]> = path.components().collect();
        match components[..] {
            [b"opt"] if is_directory => {}
            [b"opt", tool, ..] => {
                let tool = LayerPath::parse(&[b"opt/", tool].concat()).unwrap_or_default();
                if self.tools.len() < 2 && !self.tools.contains(&tool) {
                    self.tools.push(tool);
                }
            }
            _ => self.outside |= !path.is_root(),
        }
        if is_directory && path.name() == Some(b"bin") && components.len() <= 3 {
            self.directories.push(path.clone());
        }
    }

    /// The one directory of `/opt` that everything lies in, if everything does.
    fn under_opt(&self, name: &str) -> Result<Option<Prefix>> {
        match &self.tools[..] {
            [] => Ok(None),
            _ if self.outside => Ok(None),
            [tool] => tool.to_string().parse().map(Some).map_err(|e| Error::image(name, e)),
            [one, other, ..] => Err(Error::usage(format!(
                "{name}: its files lie in {one} and in {other}; say which directory the layer owns: {name}=INPUT:/prefix"
            ))),
        }
    }

    /// A directory's content lands in the prefix, so the tree in it that *is* the prefix is what is packed.
    fn place(&self, input: &Path, prefix: &Prefix) -> PathBuf {
        if !self.is_directory {
            return input.to_owned();
        }
        let inside: Vec<&std::ffi::OsStr> =
            prefix.path().components().map(std::os::unix::ffi::OsStrExt::from_bytes).collect();
        input.join(inside.iter().collect::<PathBuf>())
    }
}

fn look_into_directory(path: &Path) -> Result<Found> {
    let mut found = Found::new(true);
    let names = |directory: &Path| -> Result<Vec<(Vec<u8>, bool)>> {
        let failed = |e| Error::disk(directory, "cannot be read", e);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_directory = entry.file_type().map_err(failed)?.is_dir();
            names.push((entry.file_name().into_encoded_bytes(), is_directory));
        }
        Ok(names)
    };
    let see = |found: &mut Found, below: &[u8], name: &[u8], is_directory| {
        if let Ok(path) = LayerPath::parse(&[below, name].concat()) {
            found.see(&path, is_directory);
        }
    };
    for (name, is_directory) in names(path)? {
        see(&mut found, b"", &name, is_directory);
        if name == b"opt" && is_directory {
            for (tool, is_directory) in names(&path.join("opt"))? {
                see(&mut found, b"opt/", &tool, is_directory);
                let bin = [b"opt/".as_slice(), &tool].concat();
                let tool = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(&tool);
                if path.join("opt").join(tool).join("bin").is_dir() {
                    see(&mut found, &bin, b"/bin", true);
                }
            }
        }
    }
    Ok(found)
}

fn look_into_archive(name: &str, path: &Path, settings: &Settings) -> Result<Found> {
    let failed = |e| Error::Layer { layer: name.into(), source: e };
    let file = File::open(path).map_err(|e| Error::disk(path, "cannot be read", e))?;
    let mut archive = Archive::open(file, &Rules::layer(settings.limits.clone())).map_err(failed)?;
    let mut found = Found::new(false);
    while let Some(entry) = archive.next().map_err(failed)? {
        found.see(&entry.path, matches!(entry.body, Body::Directory));
        // An archive need not have entries for its directories.
        for ancestor in entry.path.ancestors().filter(|a| a.name() == Some(b"bin")) {
            if !found.directories.contains(&ancestor) {
                found.see(&ancestor, true);
            }
        }
    }
    Ok(found)
}

/// The last component of a path without version and extension, as the name of a layer.
fn name_of(path: &Path) -> Result<String> {
    const EXTENSIONS: [&str; 15] = [
        ".gz", ".xz", ".bz2", ".zst", ".tar", ".tgz", ".txz", ".tbz2", ".tbz", ".tzst", ".zip", ".deb", ".whl", ".jar",
        ".crate",
    ];
    let file = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut stem = file.as_str();
    while let Some(shorter) = EXTENSIONS.iter().find_map(|e| stem.strip_suffix(e)) {
        stem = shorter;
    }
    let version = stem.match_indices(['-', '_']).map(|(at, _)| at).find(|&at| {
        let after = stem.get(at + 1..).unwrap_or_default();
        after.strip_prefix('v').unwrap_or(after).starts_with(|c: char| c.is_ascii_digit())
    });
    let stem = stem.get(..version.unwrap_or(stem.len())).unwrap_or_default();
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let name = name.trim_matches('-').to_owned();
    if is_layer_name(&name) {
        return Ok(name);
    }
    let path = shown(path.as_os_str().as_encoded_bytes()).to_string();
    Err(Error::usage(format!("{path} does not make a name for a layer; give it one: NAME={path}")))
}

fn is_layer_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_file_names() {
        let cases = [
            ("out/python.tar.zst", "python"),
            ("node-v22.11.0-linux-x64.tar.xz", "node"),
            ("ripgrep_14.1.1-1_amd64.deb", "ripgrep"),
            ("./rust-std-1.83.0.tgz", "rust-std"),
            ("JDK.zip", "jdk"),
            ("./node", "node"),
            ("python3.11-minimal_3.11.2_amd64.deb", "python3-11-minimal"),
        ];
        for (path, name) in cases {
            assert_eq!(name_of(Path::new(path)).unwrap(), name, "{path}");
        }
        assert!(name_of(Path::new("/")).is_err());
        assert!(name_of(Path::new("---")).is_err());
    }

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
