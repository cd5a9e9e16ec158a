//! What points to content: media type, digest and size (image-spec `descriptor.md`).

use crate::{Digest, MediaType, Platform};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A pointer to content (image-spec `descriptor.md`). Fields that are not named here are kept in `rest`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Descriptor {
    /// What the content is.
    #[serde(rename = "mediaType")]
    pub media_type: MediaType,
    /// What its bytes must digest to.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// Facts about the content; sorted, so that our bytes are always the same.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What machine an entry of an index is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// Every other field, `urls`, `data` and `artifactType` included.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The reason for which what should be a descriptor is none; `None` if it is nothing of these.
pub(crate) fn flaw(value: &Value) -> Option<&'static str> {
    let digest = value.get("digest").and_then(Value::as_str);
    if digest.is_some_and(|digest| digest.parse::<Digest>().is_err()) {
        return Some("DIGEST_SYNTAX");
    }
    value.get("size").is_some_and(|size| size.as_u64().is_none()).then_some("DESCRIPTOR_SIZE")
}

impl Descriptor {
    /// A descriptor without annotations or platform.
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Descriptor {
        Descriptor { media_type, digest, size, annotations: BTreeMap::new(), platform: None, rest: Map::new() }
    }

    /// The descriptor of some bytes in memory: a document, never a layer.
    pub fn of(media_type: MediaType, bytes: &[u8]) -> Descriptor {
        Descriptor::new(media_type, Digest::of(bytes), bytes.len() as u64)
    }
}
