//! What an image among the inputs brings: a layer with its files, and of its config what belongs to them.

use super::MergeInput;
use super::found::Found;
use super::name::name_of;
use crate::from::{FromImage, Reading, Turns, Wanted, variables};
use crate::local::Local;
use crate::open::{OpenBase, open_base, open_image};
use crate::settings::{Run, Settings};
use crate::spec::{BaseSource, FromSpec, LayerSpec};
use crate::{Error, Result};
use oci_merge_image::{Base, LayerPath, shown};
use oci_merge_layer::check::BaseView;
use oci_merge_layer::{Kind, LayerIndex};
use std::path::Path;

/// The images among the inputs; the base is opened for the first of them.
pub(super) struct Images<'a> {
    base: &'a BaseSource,
    directory: &'a Path,
    run: Run,
    opened: Option<(OpenBase, Local)>,
    turns: Turns,
}

impl<'a> Images<'a> {
    pub(super) fn new(base: &'a BaseSource, directory: &'a Path, settings: &Settings) -> Images<'a> {
        Images { base, directory, run: Run::new(settings.clone()), opened: None, turns: Turns::default() }
    }

    /// The layer that an image becomes.
    pub(super) fn infer(&mut self, input: &MergeInput) -> Result<LayerSpec> {
        let source: BaseSource = input.input.parse().map_err(|e| Error::image(&shown(&input.input).to_string(), e))?;
        let name = match (&input.name, &source) {
            (Some(name), _) => name.clone(),
            (None, BaseSource::Scratch) => return Err(Error::usage("scratch has no files; it can be the base only")),
            (None, BaseSource::Layout { directory, .. }) => name_of(directory)?,
            (None, BaseSource::OciArchive(file) | BaseSource::DockerArchive(file)) => name_of(file)?,
            (None, BaseSource::Registry(reference)) => name_of(Path::new(reference.repository()))?,
        };
        if self.opened.is_none() {
            let base = open_base(self.base, self.directory, self.run.platform.as_ref(), &self.run)?;
            self.opened = Some((base, Local::open(&self.run)?));
        }
        let Images { directory, run, turns, opened: Some((base, local)), .. } = self else {
            return Err(Error::usage("the base is not open"));
        };
        run.pins.see_image(&source, Some(&base.platform), false, run);
        let reading = Reading { directory, base, local, turns, wanted: Wanted::Here, run };
        let image = FromImage::read(&name, &source, &reading)?;
        let config = match image.config {
            Some(config) => config,
            None => open_image(&source, directory, Some(&base.platform), run)?.image.config,
        };
        let indexes: Vec<&LayerIndex> = image.indexes.iter().map(|index| &**index).collect();
        let found = look_into(&indexes);
        let prefix = match &input.prefix {
            Some(prefix) => prefix.clone(),
            None => found.one_of_opt(&name, &input.input)?,
        };
        let below = match &base.ground {
            Base::Image(base) => Some(base.config.value()),
            Base::Scratch(_) => None,
        };
        let (mut path, mut env) = (Vec::new(), Vec::new());
        for (variable, value) in variables(config.value(), below) {
            match variable {
                "PATH" => path.extend(value.split(':').filter_map(|entry| under(entry, prefix.path()))),
                _ => env.push((variable.to_owned(), value.to_owned())),
            }
        }
        let bin = prefix.path().join(&LayerPath::parse(b"bin").unwrap_or_default()).unwrap_or_default();
        if found.directories.contains(&bin) && !path.contains(&bin.to_string()) {
            path.push(bin.to_string());
        }
        let from = Some(FromSpec::of_image(source));
        Ok(LayerSpec { path, env, from, ..LayerSpec::without_file(name, prefix) })
    }
}

/// What the tree shows that layers of an image leave.
fn look_into(indexes: &[&LayerIndex]) -> Found {
    let mut found = Found::new(false);
    for entry in BaseView::new(indexes).tree_entries() {
        if let Ok(path) = LayerPath::parse(entry.path) {
            found.see(&path, entry.kind == Kind::Directory);
        }
    }
    found
}

/// An entry of PATH that lies under a directory, as it is written into a PATH.
fn under(entry: &str, directory: &LayerPath) -> Option<String> {
    let path = LayerPath::parse(entry.as_bytes()).ok()?;
    (entry.starts_with('/') && path.is_within(directory)).then(|| path.to_string())
}
