//! The index of the manifests of one image, one a platform (image-spec `image-index.md`).

use crate::{Descriptor, Error, ErrorKind, Form, MediaType, Platform, Result, shown};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most entries of an index that are read.
const MAX_ENTRIES: usize = 1024;

/// The fields of an index that we read. It is a view: the document's bytes are what is kept and sent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Index {
    /// Its own media type, if it says so.
    #[serde(rename = "mediaType")]
    pub media_type: Option<MediaType>,
    /// The manifests.
    pub manifests: Vec<Descriptor>,
    /// Facts about the index.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

impl Index {
    /// The platforms of the images in this index; attestations (`unknown/unknown`) are left out.
    pub fn platforms(&self) -> Vec<&Platform> {
        self.manifests.iter().filter_map(|d| d.platform.as_ref()).filter(|p| p.os != "unknown").collect()
    }

    /// The first manifest for a platform (image-spec: an implementation SHOULD use the first that matches).
    pub fn find(&self, platform: &Platform) -> Option<&Descriptor> {
        self.manifests.iter().find(|d| d.platform.as_ref().is_some_and(|p| platform.matches(p)))
    }
}

impl TryFrom<Map<String, Value>> for Index {
    type Error = Error;

    fn try_from(map: Map<String, Value>) -> Result<Index> {
        let refuse = |reason, text: String| Err(Error::new(ErrorKind::Document, reason, text));
        if let Some(field) = ["layers", "config", "fsLayers"].into_iter().find(|f| map.contains_key(*f)) {
            return refuse("MANIFEST_AMBIGUOUS", format!("the index has a field `{field}`, as a manifest has"));
        }
        match map.get("schemaVersion").and_then(Value::as_u64) {
            Some(2) => {}
            found => {
                return refuse(
                    "MANIFEST_SCHEMA_VERSION",
                    format!("expected an index of schemaVersion 2, found {found:?}"),
                );
            }
        }
        let index: Index = serde_json::from_value(Value::Object(map)).map_err(|e| {
            Error::new(ErrorKind::Document, "INDEX_FIELD", format!("not an index: {}", shown(&e.to_string())))
        })?;
        if index.manifests.len() > MAX_ENTRIES {
            return refuse(
                "LIMIT_INDEX_ENTRIES",
                format!("an index of {} manifests; at most {MAX_ENTRIES} are read", index.manifests.len()),
            );
        }
        match &index.media_type {
            Some(media_type) if Form::of(media_type) != Form::Index => refuse(
                "MANIFEST_TYPE",
                format!("expected the media type of an index, found {}", shown(media_type.as_ref())),
            ),
            _ => Ok(index),
        }
    }
}
