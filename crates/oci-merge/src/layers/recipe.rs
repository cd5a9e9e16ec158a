//! How a layer of a spec is made, as a recipe.

use super::Bench;
use crate::base_index::BaseIndexes;
use crate::gather::seek;
use crate::spec::{Ancestors, LayerSpec, Output, Owner, Spec, Timestamps};
use crate::tree::Tree;
use crate::{Error, Result};
use oci_merge_image::{Compression, LayerPath};
use oci_merge_layer::Kind;
use oci_merge_layer::check::Owns;
use oci_merge_layer::compressor::Compressor;
use oci_merge_layer::make::{self, Attributes, Recipe, Source, Times};
use std::collections::BTreeMap;

impl Bench<'_> {
    /// What a layer is packed with besides its prefix: what it owns, and what it is agreed that it replaces.
    fn may_write(&self, layer: &LayerSpec) -> Result<Owns> {
        let agreed = self.spec.allow.iter().filter(|allow| allow.layers.contains(&layer.name));
        let paths = layer.owns.iter().chain(&layer.overrides).chain(agreed.flat_map(|allow| &allow.paths));
        owns(layer, paths)
    }

    /// The sources of a layer, as they will be when they are gathered.
    pub(super) fn sources(&self, layer: &LayerSpec) -> Result<Vec<Source>> {
        let seek = |source| {
            let sought = seek(self.spec, layer, source, &self.base.platform, self.local)?;
            let to = source.to.as_deref().map(|to| place(layer, to)).transpose()?;
            let input = match sought.is_directory {
                true => make::Input::Directory(sought.path),
                false => make::Input::Archive(sought.path),
            };
            Ok(Source {
                strip: source.strip,
                include: source.include.clone(),
                to,
                owner: match source.owner {
                    Owner::Root => make::Owner::Root,
                    Owner::Keep => make::Owner::Keep,
                    Owner::Ids(uid, gid) => make::Owner::Ids(uid, gid),
                },
                keep: source.keep,
                fingerprint: sought.fingerprint,
                known_as: sought.known_as,
                ..Source::new(input)
            })
        };
        layer.sources.iter().map(seek).collect()
    }

    /// How a layer is made of sources.
    pub(crate) fn recipe(&self, layer: &LayerSpec, sources: Vec<Source>) -> Result<Recipe> {
        Ok(Recipe {
            prefix: layer.prefix.clone(),
            owns: self.may_write(layer)?,
            sources,
            exclude: layer.exclude.clone(),
            ancestors: match layer.ancestors {
                Ancestors::Emit => make::Ancestors::Emit,
                Ancestors::Base => make::Ancestors::Base,
                Ancestors::Omit => make::Ancestors::Omit,
            },
            base: self.directories.clone(),
            times: match (self.spec.output.timestamps, self.run.epoch) {
                (Timestamps::Epoch, Some(epoch)) => Times::Set(epoch),
                (Timestamps::Epoch, None) => {
                    return Err(Error::usage("output.timestamps = \"epoch\" needs SOURCE_DATE_EPOCH to be set"));
                }
                (Timestamps::Clamp, Some(epoch)) => Times::Clamp(epoch),
                (Timestamps::Clamp, None) | (Timestamps::Keep, _) => Times::Keep,
            },
            compressor: self.compressor,
            limits: self.run.limits.clone(),
        })
    }
}

/// Patterns of paths that a layer may write.
pub(super) fn owns<'p>(layer: &LayerSpec, paths: impl IntoIterator<Item = &'p String>) -> Result<Owns> {
    Owns::new(paths).map_err(|e| Error::usage(format!("{}: owns: {e}", layer.name)))
}

/// `to = "/"` is the root, `to = "/opt/x/y"` a path of the image, `to = "y"` a directory under the prefix.
pub(crate) fn place(layer: &LayerSpec, to: &str) -> Result<LayerPath> {
    let path = LayerPath::parse(to.as_bytes()).map_err(|e| Error::usage(format!("{}: to = {to:?} {e}", layer.name)))?;
    if to.starts_with('/') {
        return Ok(path);
    }
    layer.prefix.path().join(&path).map_err(|e| Error::usage(format!("{}: to = {to:?} {e}", layer.name)))
}

/// How layers that we write are compressed.
pub(crate) fn compressor(output: &Output) -> Result<Compressor> {
    match output.compression {
        Compression::None => Ok(Compressor::None),
        Compression::Gzip => Ok(Compressor::Gzip(output.level)),
        #[cfg(feature = "zstd")]
        Compression::Zstd => Ok(Compressor::Zstd),
        #[cfg(not(feature = "zstd"))]
        Compression::Zstd => {
            Err(Error::usage("this oci-merge was built without zstd; build it with --features zstd, or use gzip"))
        }
    }
}

/// The directories of the base's tree, from which layers that write outside their prefix take attributes over.
pub(super) fn directories(base_indexes: &BaseIndexes<'_>, spec: &Spec) -> Result<BTreeMap<LayerPath, Attributes>> {
    let mut tree = Tree::default();
    let beside = |l: &LayerSpec| !l.owns.is_empty() || !l.overrides.is_empty() || l.ancestors == Ancestors::Base;
    if !spec.allow.is_empty() || spec.layers.iter().any(beside) {
        for index in base_indexes.get().ok_or(Error::Cancelled)? {
            tree.apply(index, |_, entry| {
                let attributes = Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid };
                (entry.kind == Kind::Directory).then_some(attributes)
            });
        }
    }
    Ok(tree.into_paths())
}
