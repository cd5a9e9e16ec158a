//! An image as it is named on the command line: `./image` and `image.tar` are files, the rest is as in `base.image`.

use oci_merge::spec::BaseSource;
use oci_merge::{Error, Result};
use std::path::Path;

/// Reads the name of an image. Something that is there under that very name is meant first.
pub(crate) fn image(text: &str) -> Result<BaseSource> {
    let path = Path::new(text);
    let is_path = text.starts_with(['.', '/']) || path.exists();
    match (is_path, path.is_file()) {
        (true, true) => Ok(BaseSource::OciArchive(path.into())),
        (true, false) => format!("oci:{text}").parse().map_err(|e: oci_merge_image::Error| Error::Usage(e.to_string())),
        (false, _) => text.parse().map_err(|e: oci_merge_image::Error| Error::Usage(e.to_string())),
    }
}
