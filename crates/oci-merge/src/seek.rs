//! What a spec names on this machine is looked for before anything is made, so that one run tells all that is not there.

use crate::from;
use crate::gather::look_at;
use crate::open::{OpenBase, local_platform, open_base, open_manifest};
use crate::settings::Run;
use crate::spec::{BaseSource, LayerSpec, Place, SourceSpec, Spec};
use crate::{Error, Result};
use oci_merge_image::Platform;
use std::path::Path;

/// Opens the base. If it should lie on this machine and does not, what layers are made of is looked for as well.
pub(crate) fn base(spec: &Spec, platform: Option<&Platform>, run: &Run) -> Result<OpenBase> {
    open_base(&spec.base.source, &spec.directory, platform, run).map_err(|error| {
        if !is_missing(&spec.base.source, &spec.directory) {
            return error;
        }
        // The platform would be the base's.
        let platform = platform.cloned().unwrap_or_else(local_platform);
        let of_layers = spec.layers.iter().filter(|layer| layer.is_for(&platform));
        Error::several([error].into_iter().chain(of_layers.flat_map(|layer| missing(spec, layer, &platform, run))))
    })
}

/// Looks for what the layers are made of.
///
/// # Errors
/// All that is not there, or cannot be what a layer is made of, in the order of the spec.
pub(crate) fn sources(spec: &Spec, platform: &Platform, run: &Run) -> Result<()> {
    let errors: Vec<Error> = spec.layers.iter().flat_map(|layer| missing(spec, layer, platform, run)).collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::several(errors)) }
}

fn missing(spec: &Spec, layer: &LayerSpec, platform: &Platform, run: &Run) -> Vec<Error> {
    let of_source = |source: &SourceSpec| match source.place_for(platform) {
        Place::Path(_) | Place::Pinned { .. } => look_at(spec, layer, source, platform).err(),
        Place::Url { .. } => None,
    };
    let image = layer.from.iter().filter(|from| is_missing(&from.image, &spec.directory));
    let of_image = image.filter_map(|from| {
        let error = open_manifest(&from.image, &spec.directory, Some(platform), run).err()?;
        Some(from::placed(spec, layer, from, error))
    });
    layer.sources.iter().filter_map(of_source).chain(of_image).collect()
}

/// Whether an image should lie on this machine, and nothing does.
fn is_missing(image: &BaseSource, directory: &Path) -> bool {
    match image {
        BaseSource::Layout { directory: path, .. } | BaseSource::OciArchive(path) | BaseSource::DockerArchive(path) => {
            !directory.join(path).exists()
        }
        BaseSource::Scratch | BaseSource::Registry(_) => false,
    }
}
