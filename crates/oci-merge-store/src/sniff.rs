//! What bytes are, by looking at them.

use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Compression, Form, MediaType, parse_strict};

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

/// Whether the first bytes of a layer contradict what its media type says of the compression.
pub(crate) fn contradicts(media_type: &MediaType, start: &[u8]) -> bool {
    let Form::Layer(said) = Form::of(media_type) else { return false };
    said != compression(start)
}

/// The media type of a layer by its first 512 bytes; `None` for what is neither a tar nor one in gzip or zstd.
pub(crate) fn layer_type(start: &[u8]) -> Option<MediaType> {
    match compression(start) {
        Compression::Gzip => Some(MediaType::ImageLayerGzip),
        Compression::Zstd => Some(MediaType::ImageLayerZstd),
        Compression::None => {
            let block: &[u8; 512] = start.first_chunk()?;
            let header = tar::Header::from_byte_slice(block);
            let sum: u32 =
                block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { (*b).into() }).sum();
            let is_end = block.iter().all(|b| *b == 0);
            (is_end || header.cksum().is_ok_and(|stored| stored == sum)).then_some(MediaType::ImageLayer)
        }
    }
}

fn compression(start: &[u8]) -> Compression {
    match start {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        // RFC 8878: a frame, or a skippable one before it.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_told_apart_by_their_first_bytes() {
        let mut header = tar::Header::new_old();
        header.set_path("v7").unwrap();
        header.set_size(0);
        header.set_cksum();
        let mut wrong = *header.as_bytes();
        wrong[0] ^= 1;
        let cases: [(&[u8], Option<MediaType>); 9] = [
            (header.as_bytes(), Some(MediaType::ImageLayer)),
            (&wrong, None),
            (&[0; 512], Some(MediaType::ImageLayer)),
            (&[0; 511], None),
            (&[0x1f, 0x8b, 8], Some(MediaType::ImageLayerGzip)),
            (&[0x28, 0xb5, 0x2f, 0xfd], Some(MediaType::ImageLayerZstd)),
            (&[0x5e, 0x2a, 0x4d, 0x18], Some(MediaType::ImageLayerZstd)),
            (b"BZh91AY&SY", None),
            (b"", None),
        ];
        for (start, expected) in cases {
            assert_eq!(layer_type(start), expected, "{:?}", &start[..start.len().min(8)]);
        }
    }

    #[test]
    fn documents_say_what_they_are() {
        let of = |text: &str| document_type("t", text.as_bytes()).map(|m| m.to_string()).map_err(|e| e.reason());
        let docker = "application/vnd.docker.distribution.manifest.v2+json";
        assert_eq!(of(&format!(r#"{{"mediaType":"{docker}"}}"#)).unwrap(), docker);
        assert_eq!(of(r#"{"manifests":[]}"#).unwrap(), MediaType::ImageIndex.to_string());
        assert_eq!(of(r#"{"config":{},"layers":[]}"#).unwrap(), MediaType::ImageManifest.to_string());
        assert_eq!(of(r#"{"architecture":"amd64"}"#).unwrap_err(), Some("MANIFEST_TYPE"));
        assert_eq!(of(r#"{"mediaType":"text/plain","config":{}}"#).unwrap_err(), Some("MANIFEST_TYPE"));
        assert_eq!(of("tar").unwrap_err(), Some("JSON_SYNTAX"));
    }
}
