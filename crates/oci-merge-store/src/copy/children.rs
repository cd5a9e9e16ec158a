//! What a document points to.

use crate::{Error, ErrorKind, Result};
use base64::Engine as _;
use oci_merge_image::{Descriptor, Digest, Document, Form, Index, Manifest, MediaType, shown};

/// What a manifest or index needs in order to be whole: its config and layers, or its manifests, in the document's
/// order. Content of any other media type needs nothing. A `subject` is what a manifest is *about* and no part of it.
///
/// `place` names the store in errors.
///
/// # Errors
/// [`ErrorKind::Document`]: the bytes are not what the media type says (CVE-2021-41190), or a descriptor has `data`
/// embedded that is not its content (image-spec `descriptor.md`, Embedded Content).
pub fn children(place: &str, media_type: &MediaType, bytes: &[u8]) -> Result<Vec<Descriptor>> {
    let (named, children) = match Form::of(media_type) {
        Form::Manifest => {
            let document = Document::<Manifest>::parse(bytes.to_vec());
            let manifest = document.map_err(|e| Error::document(place, "the manifest", e))?.value().clone();
            (manifest.media_type, std::iter::once(manifest.config).chain(manifest.layers).collect())
        }
        Form::Index => {
            let document = Document::<Index>::parse(bytes.to_vec());
            let index = document.map_err(|e| Error::document(place, "the index", e))?.value().clone();
            (index.media_type, index.manifests)
        }
        _ => (None, Vec::new()),
    };
    if let Some(named) = named
        && named != *media_type
    {
        let (expected, found) = (shown(media_type.as_ref()), shown(named.as_ref()));
        let text = format!("what led here says {expected}, the document itself says {found}");
        return Err(Error::new(ErrorKind::Document, place, text).because("MANIFEST_TYPE"));
    }
    children.iter().try_for_each(|child| check_data(place, child))?;
    Ok(children)
}

/// Embedded content must be the content: another reader may take it instead of fetching.
fn check_data(place: &str, descriptor: &Descriptor) -> Result<()> {
    let Some(data) = descriptor.rest.get("data") else { return Ok(()) };
    let bytes = data.as_str().and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    if bytes.is_some_and(|b| b.len() as u64 == descriptor.size && of(&b, &descriptor.digest) == descriptor.digest) {
        return Ok(());
    }
    let text = format!("the data embedded for {} is not the content of that digest and size", descriptor.digest);
    Err(Error::new(ErrorKind::Document, place, text).because("DESCRIPTOR_DATA").about(&descriptor.digest))
}

fn of(bytes: &[u8], like: &Digest) -> Digest {
    let mut digester = crate::digester::Digester::new(like.algorithm());
    digester.update(bytes);
    digester.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn blob(bytes: &[u8]) -> Value {
        json!(Descriptor::of(MediaType::ImageLayer, bytes))
    }

    #[test]
    fn children_are_what_a_document_needs() {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MediaType::ImageManifest, "subject": blob(b"subject"),
            "config": blob(b"config"), "layers": [blob(b"one"), blob(b"two")]
        })
        .to_string();
        let found = children("t", &MediaType::ImageManifest, manifest.as_bytes()).unwrap();
        let digests: Vec<_> = found.iter().map(|d| d.digest.clone()).collect();
        assert_eq!(digests, [Digest::of(b"config"), Digest::of(b"one"), Digest::of(b"two")]);
        assert_eq!(children("t", &MediaType::ImageLayer, b"anything").unwrap(), []);
        let wrong = children("t", &MediaType::ImageIndex, manifest.as_bytes()).unwrap_err();
        assert_eq!(wrong.reason(), Some("MANIFEST_AMBIGUOUS"));
        let docker = MediaType::from("application/vnd.docker.distribution.manifest.v2+json");
        assert_eq!(children("t", &docker, manifest.as_bytes()).unwrap_err().reason(), Some("MANIFEST_TYPE"));
    }

    #[test]
    fn embedded_data_must_be_the_content() {
        for (data, size, fits) in
            [("Y29uZmln", 6, true), ("Y29uZmlo", 6, false), ("Y29uZmln", 7, false), ("~", 6, false)]
        {
            let mut config = blob(b"config");
            config["data"] = json!(data);
            config["size"] = json!(size);
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [] }).to_string();
            let found = children("t", &MediaType::ImageManifest, manifest.as_bytes());
            match fits {
                true => assert_eq!(found.unwrap().len(), 1),
                false => assert_eq!(found.unwrap_err().reason(), Some("DESCRIPTOR_DATA"), "{data} {size}"),
            }
        }
    }
}
