//! Manifests as a registry sees them: bytes that are never rewritten, and what they name.

use super::reply::{Code, Halt};
use oci_merge_image::{Descriptor, Digest, Document, Form, Index, Manifest, MediaType, parse_strict};
use serde_json::{Map, Value};

/// A manifest or index, byte for byte as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The Content-Type that it came with.
    pub media_type: String,
    /// The digest by which it was pushed: SHA-256 unless somebody asked for SHA-512.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a manifest names, and what must therefore be there before it.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) blobs: Vec<Digest>,
    pub(super) manifests: Vec<Digest>,
}

impl Kept {
    /// What this manifest names; it is refused if it is not what its media type says.
    pub(super) fn named(&self) -> Result<Named, Halt> {
        let refuse = |e: oci_merge_image::Error| Code::ManifestInvalid.reply(e.to_string());
        let media_type = MediaType::from(self.media_type.as_str());
        match Form::of(&media_type) {
            Form::Manifest => {
                let document: Document<Manifest> = Document::parse(self.bytes.clone()).map_err(refuse)?;
                let Manifest { config, layers, .. } = document.value().clone();
                // Layers that may not be distributed stay where they are (image-spec layer.md).
                let stays = |d: &Descriptor| matches!(Form::of(&d.media_type), Form::Foreign(_));
                let blobs = [config].into_iter().chain(layers).filter(|d| !stays(d)).map(|d| d.digest).collect();
                Ok(Named { blobs, manifests: Vec::new() })
            }
            Form::Index => {
                let document: Document<Index> = Document::parse(self.bytes.clone()).map_err(refuse)?;
                let manifests = document.value().manifests.iter().map(|d| d.digest.clone()).collect();
                Ok(Named { blobs: Vec::new(), manifests })
            }
            // A vendor's manifest: any JSON object.
            _ => parse_strict(&self.bytes).map(|_| Named::default()).map_err(|e| refuse(e).into()),
        }
    }

    /// The media type in the document itself.
    pub(super) fn own_media_type(&self) -> Option<String> {
        Some(self.object()?.get("mediaType")?.as_str()?.to_owned())
    }

    /// What this manifest is attached to.
    pub(super) fn subject(&self) -> Option<Digest> {
        self.object()?.get("subject")?.get("digest")?.as_str()?.parse().ok()
    }

    /// Its descriptor as the referrers API lists it, if `subject` is what it is attached to.
    pub(super) fn as_referrer_of(&self, subject: &Digest) -> Option<Descriptor> {
        if self.subject().as_ref() != Some(subject) {
            return None;
        }
        let object = self.object()?;
        let media_type = MediaType::from(self.media_type.as_str());
        let mut descriptor = Descriptor::new(media_type, self.digest.clone(), self.bytes.len() as u64);
        // distribution-spec, Listing Referrers: an image manifest without an artifactType has its config's media type.
        let artifact_type = object.get("artifactType").or_else(|| object.get("config")?.get("mediaType"));
        if let Some(artifact_type) = artifact_type {
            descriptor.rest.insert("artifactType".into(), artifact_type.clone());
        }
        if let Some(Value::Object(annotations)) = object.get("annotations") {
            let text = annotations.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
            descriptor.annotations = text.collect();
        }
        Some(descriptor)
    }

    fn object(&self) -> Option<Map<String, Value>> {
        parse_strict(&self.bytes).ok()
    }
}
