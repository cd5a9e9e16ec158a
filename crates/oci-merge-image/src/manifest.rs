//! The manifest of one image (image-spec `manifest.md`).

use crate::{Descriptor, Error, ErrorKind, Form, MediaType, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields of a manifest that we read. It is a view: the document's bytes are what is kept and sent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Manifest {
    /// Its own media type, if it says so.
    #[serde(rename = "mediaType")]
    pub media_type: Option<MediaType>,
    /// The type of an artifact; `None` for an image.
    #[serde(rename = "artifactType")]
    pub artifact_type: Option<String>,
    /// The config.
    pub config: Descriptor,
    /// The layers, the base's lowest first.
    pub layers: Vec<Descriptor>,
    /// What this manifest is attached to.
    pub subject: Option<Descriptor>,
    /// Facts about the image.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

impl TryFrom<Map<String, Value>> for Manifest {
    type Error = Error;

    fn try_from(map: Map<String, Value>) -> Result<Manifest> {
        let refuse = |reason, text: String| Err(Error::new(ErrorKind::Document, reason, text));
        if map.contains_key("manifests") {
            // CVE-2021-41190: one document that is a manifest to one reader and an index to another.
            return refuse("MANIFEST_AMBIGUOUS", "the manifest has a field `manifests`, as an index has".into());
        }
        match map.get("schemaVersion").and_then(Value::as_u64) {
            Some(2) => {}
            found => {
                return refuse(
                    "MANIFEST_SCHEMA_VERSION",
                    format!("expected a manifest of schemaVersion 2, found {found:?}"),
                );
            }
        }
        let manifest: Manifest = serde_json::from_value(Value::Object(map))
            .map_err(|e| Error::new(ErrorKind::Document, "MANIFEST_FIELD", format!("not a manifest: {e}")))?;
        if let Some(media_type) = &manifest.media_type
            && Form::of(media_type) != Form::Manifest
        {
            return refuse("MANIFEST_TYPE", format!("expected the media type of a manifest, found {media_type}"));
        }
        Ok(manifest)
    }
}
