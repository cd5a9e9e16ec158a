//! The library in a handful of lines: an image on a base, layer by layer.

use crate::spec::{BaseSource, FromSpec, LayerSpec, SourceSpec, Spec};
use crate::{Assembled, Builder, Error, Result, Settings};
use oci_merge_image::{Edits, Prefix};
use std::path::{Path, PathBuf};

/// An image that is described and not yet made.
///
/// ```no_run
/// use oci_merge::{Image, Layer};
///
/// fn main() -> oci_merge::Result<()> {
///     let image = Image::on("ubuntu:22.04")
///         .layer(Layer::archive("python", "out/python.tar.gz").prefix("/opt/python").path("bin"))
///         .layer(Layer::archive("rust", "out/rust.tar.zst").prefix("/opt/rust").path("cargo/bin"))
///         .layer(Layer::directory("node", "out/node").prefix("/opt/node").path("bin"))
///         .assemble()?; // Err(Error::Findings(_)) if two of them clash
///     println!("{}", image.push("ghcr.io/jon/babylon:full")?); // ghcr.io/jon/babylon:full@sha256:…
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Image {
    base: String,
    layers: Vec<Layer>,
    config: Edits,
    settings: Settings,
}

impl Image {
    /// An image on a base: a reference, `scratch`, `oci:DIR[:TAG]`, `oci-archive:FILE` or `docker-archive:FILE`.
    pub fn on(base: impl Into<String>) -> Image {
        Image { base: base.into(), layers: Vec::new(), config: Edits::default(), settings: Settings::default() }
    }

    /// Puts a layer on top.
    pub fn layer(mut self, layer: Layer) -> Image {
        self.layers.push(layer);
        self
    }

    /// What the image's config says that neither the base nor a layer says.
    pub fn config(mut self, config: Edits) -> Image {
        self.config = config;
        self
    }

    /// How the run works: store, credentials, progress, cancellation.
    pub fn settings(mut self, settings: Settings) -> Image {
        self.settings = settings;
        self
    }

    /// Makes the layers, checks them and stacks them; nothing is written outside the local store.
    ///
    /// # Errors
    /// [`Error::Findings`] if layers clash with each other or the base; else whatever kept a layer from being made.
    pub fn assemble(self) -> Result<Assembled> {
        let source: BaseSource = self.base.parse().map_err(|e| Error::image("base", e))?;
        let layers = self.layers.into_iter().map(Layer::into_spec).collect::<Result<_>>()?;
        let spec = Spec { config: self.config, ..Spec::without_file(source, Path::new("."), layers) };
        Builder::new(spec).settings(self.settings).assemble()
    }
}

/// A layer that is described and not yet made.
#[derive(Debug, Clone)]
pub struct Layer {
    name: String,
    version: Option<String>,
    prefix: Option<String>,
    path: Vec<String>,
    env: Vec<(String, String)>,
    strip: usize,
    files: Files,
}

/// Where the files of a layer come from.
#[derive(Debug, Clone)]
enum Files {
    /// A directory or an archive.
    Place(PathBuf),
    /// An image, as it was named.
    Image(String),
}

impl Layer {
    /// The content of a directory.
    pub fn directory(name: impl Into<String>, directory: impl Into<PathBuf>) -> Layer {
        Layer::of(name, Files::Place(directory.into()))
    }

    /// The content of an archive in any form that vendors ship.
    pub fn archive(name: impl Into<String>, file: impl Into<PathBuf>) -> Layer {
        Layer::of(name, Files::Place(file.into()))
    }

    /// What an image has under the prefix: a reference, `oci:DIR[:TAG]`, `oci-archive:FILE` or `docker-archive:FILE`. Its
    /// layers are used byte for byte where they can be, without those that it shares with the base; its environment
    /// is not taken.
    pub fn image(name: impl Into<String>, image: impl Into<String>) -> Layer {
        Layer::of(name, Files::Image(image.into()))
    }

    fn of(name: impl Into<String>, files: Files) -> Layer {
        Layer { name: name.into(), version: None, prefix: None, path: Vec::new(), env: Vec::new(), strip: 0, files }
    }

    /// The directory that the layer owns; `/opt/NAME` if it is not said.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Layer {
        self.prefix = Some(prefix.into());
        self
    }

    /// Puts a directory in front of PATH; a relative one lies under the prefix.
    pub fn path(mut self, directory: impl Into<String>) -> Layer {
        self.path.push(directory.into());
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Layer {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The version, for annotations and tables.
    pub fn version(mut self, version: impl Into<String>) -> Layer {
        self.version = Some(version.into());
        self
    }

    /// Takes leading components off the names in an archive.
    pub fn strip(mut self, components: usize) -> Layer {
        self.strip = components;
        self
    }

    fn into_spec(self) -> Result<LayerSpec> {
        let prefix = self.prefix.unwrap_or_else(|| format!("/opt/{}", self.name));
        let prefix: Prefix = prefix.parse().map_err(|e| Error::image(&self.name, e))?;
        let absolute = |directory: String| match directory.strip_prefix('/') {
            Some(_) => directory,
            None => format!("{prefix}/{directory}"),
        };
        let (sources, from) = match self.files {
            Files::Place(path) => (vec![SourceSpec { strip: self.strip, ..SourceSpec::of_path(path) }], None),
            Files::Image(image) if self.strip == 0 => {
                let image = image.parse().map_err(|e| Error::image(&self.name, e))?;
                (Vec::new(), Some(FromSpec::of_image(image)))
            }
            Files::Image(_) => return Err(Error::usage(format!("{}: `strip` is for archives", self.name))),
        };
        let path = self.path.into_iter().map(absolute).collect();
        let layer = LayerSpec::without_file(self.name, prefix.clone());
        Ok(LayerSpec { version: self.version, path, env: self.env, sources, from, ..layer })
    }
}
