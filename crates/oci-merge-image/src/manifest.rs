//! The manifest of one image (image-spec `manifest.md`).

use crate::descriptor::flaw;
use crate::{Descriptor, Error, ErrorKind, Form, MediaType, Result, shown};
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

/// The reason for which what should be a manifest is none.
fn flaw_of(map: &Value) -> &'static str {
    let (Some(config), Some(layers)) = (map.get("config"), map.get("layers").and_then(Value::as_array)) else {
        return "MANIFEST_SHAPE";
    };
    std::iter::once(config).chain(layers).find_map(flaw).unwrap_or("MANIFEST_FIELD")
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
        let map = Value::Object(map);
        let manifest = Manifest::deserialize(&map).map_err(|e| {
            Error::new(ErrorKind::Document, flaw_of(&map), format!("not a manifest: {}", shown(&e.to_string())))
        })?;
        if let Some(media_type) = &manifest.media_type
            && Form::of(media_type) != Form::Manifest
        {
            return refuse(
                "MANIFEST_TYPE",
                format!("expected the media type of a manifest, found {}", shown(media_type.as_ref())),
            );
        }
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_no_manifest_says_why() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let part = |digest: &str, size: Value| json!({ "mediaType": "x", "digest": digest, "size": size });
        let good = || part(&digest, json!(2));
        let manifest = |config: Value, layer: Value| json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
        for (value, reason) in [
            (json!({ "schemaVersion": 2, "layers": [] }), "MANIFEST_SHAPE"),
            (json!({ "schemaVersion": 2, "config": good() }), "MANIFEST_SHAPE"),
            (manifest(good(), part("sha256:../../etc/passwd", json!(2))), "DIGEST_SYNTAX"),
            (manifest(part("sha256:abcd", json!(2)), good()), "DIGEST_SYNTAX"),
            // 2^64 is no number of bytes.
            (manifest(good(), part(&digest, json!(18_446_744_073_709_551_616.0))), "DESCRIPTOR_SIZE"),
            (manifest(good(), part(&digest, json!(-1))), "DESCRIPTOR_SIZE"),
            (manifest(good(), json!({ "digest": digest, "size": 2 })), "MANIFEST_FIELD"),
        ] {
            let map = value.as_object().unwrap().clone();
            assert_eq!(Manifest::try_from(map).unwrap_err().reason(), reason, "{value}");
        }
    }
}
