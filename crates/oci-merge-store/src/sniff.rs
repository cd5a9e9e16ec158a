//! What bytes are, by looking at them.

use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Form, MediaType, parse_strict};

/// The media type of a manifest or index: the one that it names, or that of the fields it has.
pub(crate) fn document_type(place: &str, bytes: &[u8]) -> Result<MediaType> {
    let map = parse_strict(bytes).map_err(|e| Error::document(place, "a manifest", e))?;
    if let Some(named) = map.get("mediaType").and_then(|named| named.as_str()) {
        let named = MediaType::from(named);
        if matches!(Form::of(&named), Form::Manifest | Form::Index) {
            return Ok(named);
        }
    } else if map.contains_key("manifests") {
        return Ok(MediaType::ImageIndex);
    } else if map.contains_key("config") {
        return Ok(MediaType::ImageManifest);
    }
    Err(Error::new(ErrorKind::Document, place, "it is neither a manifest nor an index").because("MANIFEST_TYPE"))
}
