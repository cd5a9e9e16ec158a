//! What the names in an input show: which directory is its own, and whether there are programs in it.

use crate::{Error, Result, Settings};
use oci_merge_image::{LayerPath, Prefix, shown};
use oci_merge_layer::{Archive, Body, Entries, Rules};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What the names of an input show.
pub(super) struct Found {
    is_directory: bool,
    /// Whether anything lies outside `/opt`.
    outside: bool,
    /// The components after `/opt` that are in use, sorted, at most two of them.
    tools: Vec<LayerPath>,
    /// `bin`, `opt/*/bin`: what PATH may want.
    pub(super) directories: Vec<LayerPath>,
}

impl Found {
    pub(super) fn new(is_directory: bool) -> Found {
        Found { is_directory, outside: false, tools: Vec::new(), directories: Vec::new() }
    }

    pub(super) fn see(&mut self, path: &LayerPath, is_directory: bool) {
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
    pub(super) fn under_opt(&self, name: &str) -> Result<Option<Prefix>> {
        match &self.tools[..] {
            [] => Ok(None),
            _ if self.outside => Ok(None),
            [tool] => tool.to_string().parse().map(Some).map_err(|e| Error::image(name, e)),
            [one, other, ..] => Err(Error::usage(format!(
                "{name}: its files lie in {one} and in {other}; say which directory the layer owns: {name}=INPUT:/prefix"
            ))),
        }
    }

    /// The one directory of `/opt` that anything lies in, whatever lies elsewhere.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub(super) fn one_of_opt(&self, name: &str, input: &str) -> Result<Prefix> {
        let say = format!("say which directory the layer owns: {name}={}:/prefix", shown(input));
        match &self.tools[..] {
            [tool] => tool.to_string().parse().map_err(|e| Error::image(name, e)),
            [] => Err(Error::usage(format!("{name}: {} adds nothing under /opt; {say}", shown(input)))),
            [one, other, ..] => Err(Error::usage(format!("{name}: its files lie in {one} and in {other}; {say}"))),
        }
    }

    /// A directory's content lands in the prefix, so the tree in it that *is* the prefix is what is packed.
    pub(super) fn place(&self, input: &Path, prefix: &Prefix) -> PathBuf {
        if !self.is_directory {
            return input.to_owned();
        }
        let inside: Vec<&std::ffi::OsStr> = prefix.path().components().map(OsStrExt::from_bytes).collect();
        input.join(inside.iter().collect::<PathBuf>())
    }
}

pub(super) fn look_into_directory(path: &Path) -> Result<Found> {
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
                let tool = <std::ffi::OsStr as OsStrExt>::from_bytes(&tool);
                if path.join("opt").join(tool).join("bin").is_dir() {
                    see(&mut found, &bin, b"/bin", true);
                }
            }
        }
    }
    Ok(found)
}

pub(super) fn look_into_archive(name: &str, path: &Path, settings: &Settings) -> Result<Found> {
    let failed = |e| Error::Layer { layer: name.into(), source: e };
    let unreadable = |e| Error::disk(path, "cannot be read", e);
    // Before it is opened: a FIFO would wait for somebody to write.
    if !path.metadata().map_err(unreadable)?.is_file() {
        let path = shown(path.as_os_str().as_encoded_bytes());
        return Err(Error::usage(format!("{name}: {path} is neither a directory nor a file")));
    }
    let file = File::open(path).map_err(unreadable)?;
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
