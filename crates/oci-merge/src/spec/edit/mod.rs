//! Changes to a spec that commands make: what they do not change stays as it was written, byte for byte.
//!
//! A change is made in the text, not in the spec that was read from it. The result is read again before anybody gets it.

mod allow;
mod array;
mod file;
mod splice;

use super::{LayerSpec, Spec};
use crate::{Error, Result};
use array::add;
use oci_merge_image::shown;
use oci_merge_layer::Pattern;
use splice::edited;
use std::path::Path;

/// The text of a spec, and where it came from.
#[derive(Debug, Clone)]
pub struct SpecText<'a> {
    /// Its name in messages.
    pub file: &'a str,
    /// Where relative paths in it start.
    pub directory: &'a Path,
    /// The text.
    pub text: &'a str,
}

/// What a command makes of a spec.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// What was changed, a line each, with its place; empty if the spec said so before.
    pub changes: Vec<String>,
}

impl SpecText<'_> {
    /// Layers leave out patterns: first the names of layers, then the patterns.
    ///
    /// ```
    /// use oci_merge::spec::SpecText;
    /// let text = "schema = 1\nbase.image = \"scratch\"\n[layer.a] # mine\nprefix = \"/opt/a\"\nsource.path = \"a\"\n";
    /// let spec = SpecText { file: "oci-merge.toml", directory: ".".as_ref(), text };
    /// let edited = spec.exclude(&["a", "/root/.profile"])?;
    /// assert_eq!(edited.text, format!("{text}exclude = [\"/root/.profile\"]\n"));
    /// assert_eq!(edited.changes, ["oci-merge.toml:6: a leaves out /root/.profile"]);
    /// # Ok::<(), oci_merge::Error>(())
    /// ```
    ///
    /// # Errors
    /// There is no such layer, or a pattern is none; the spec is not one, or is JSON.
    pub fn exclude<S: AsRef<str>>(&self, words: &[S]) -> Result<Edited> {
        let spec = self.read()?;
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let is_pattern = |word: &&str| word.contains(['/', '*', '?', '[']);
        let at = words.iter().position(is_pattern).unwrap_or(words.len());
        let (names, patterns) = words.split_at(at);
        let layers = names.iter().map(|name| self.layer(&spec, name)).collect::<Result<Vec<_>>>()?;
        if layers.is_empty() || patterns.is_empty() {
            return Err(Error::usage(
                "which layers, and what of them? oci-merge exclude LAYER... PATTERN...; a pattern has a `/` or a `*` in it",
            ));
        }
        self.add_to("exclude", &layers, patterns, "leaves out")
    }

    /// A layer owns paths outside its prefix.
    ///
    /// # Errors
    /// There is no such layer, or a path is not absolute; the spec is not one, or is JSON.
    pub fn own<S: AsRef<str>>(&self, layer: &str, paths: &[S]) -> Result<Edited> {
        let spec = self.read()?;
        let layer = self.layer(&spec, layer)?;
        let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        absolute(&paths)?;
        self.add_to("owns", &[layer], &paths, "owns")
    }

    /// Adds to a list of each layer what it does not have yet.
    fn add_to(&self, key: &str, layers: &[&LayerSpec], words: &[&str], verb: &str) -> Result<Edited> {
        let mut edit = Edited { text: self.text.to_owned(), changes: Vec::new() };
        for layer in layers {
            let there = if key == "owns" { &layer.owns } else { &layer.exclude };
            let mut fresh: Vec<&str> =
                words.iter().copied().filter(|word| !there.iter().any(|t| is_same(t, word))).collect();
            fresh.dedup();
            if fresh.is_empty() {
                continue;
            }
            let (text, line) = edited(&edit.text, &mut |document| {
                let tables = document.get_mut("layer").and_then(|item| item.as_table_like_mut());
                add(tables?.get_mut(&layer.name)?, key, &fresh)
            })
            .ok_or_else(|| self.cannot())?;
            let what = fresh.iter().map(|word| shown(word).to_string()).collect::<Vec<_>>().join(", ");
            edit.changes.push(format!("{}:{line}: {} {verb} {what}", shown(self.file), layer.name));
            edit.text = text;
        }
        self.whole(edit)
    }

    /// The spec as it is, which must be one.
    fn read(&self) -> Result<Spec> {
        if self.text.trim_start().starts_with('{') {
            let name = shown(self.file);
            return Err(Error::usage(format!("{name} is JSON, which a program wrote; only TOML is edited")));
        }
        Ok(Spec::parse(self.file, self.directory, self.text)?)
    }

    /// The edit, if what came out is a spec.
    fn whole(&self, edit: Edited) -> Result<Edited> {
        match Spec::parse(self.file, self.directory, &edit.text) {
            Ok(_) => Ok(edit),
            // The places would be those of a text that nobody has.
            Err(errors) => {
                let first = errors.errors().first().map(|error| error.message.clone());
                Err(Error::usage(first.unwrap_or_default()))
            }
        }
    }

    fn layer<'s>(&self, spec: &'s Spec, name: &str) -> Result<&'s LayerSpec> {
        spec.layers.iter().find(|layer| layer.name == name).ok_or_else(|| {
            let known: Vec<&str> = spec.layers.iter().map(|layer| layer.name.as_str()).collect();
            let near = super::keys::nearest(name, known.iter().copied());
            let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let (name, file, known) = (shown(name), shown(self.file), known.join(", "));
            Error::usage(format!("{file} has no layer {name}, but {known}{near}"))
        })
    }

    fn cannot(&self) -> Error {
        Error::usage(format!(
            "{} is written in a way that cannot be edited without changing the rest",
            shown(self.file)
        ))
    }
}

/// Whether two patterns mean the same, however they begin and end.
fn is_same(one: &str, other: &str) -> bool {
    let meant = |text| Pattern::parse(text).ok().map(|pattern| (pattern.is_rooted(), pattern.relative()));
    one == other || meant(one).is_some_and(|one| meant(other) == Some(one))
}

fn absolute(paths: &[&str]) -> Result<()> {
    match paths.iter().find(|path| !path.starts_with('/')) {
        Some(path) => {
            let path = shown(path);
            Err(Error::usage(format!(
                "{path} is not a path of the image, which begins with `/`; did you mean /{path}?"
            )))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
