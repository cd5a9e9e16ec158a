//! What the descriptor of a joined layer says of those in it.

use crate::result::JoinedLayer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The annotation: a JSON array of [`Member`]s, the lowest first.
pub(crate) const JOINED: &str = "dev.oci-merge.joined";

/// A layer that is in an image as part of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Member {
    /// Its name in the spec.
    pub name: String,
    /// Its version in the spec.
    pub version: Option<String>,
    /// Its prefix.
    pub prefix: String,
    /// Where else it has files: prefixes of others in the same layer, and `/` for what is in none of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// What the annotation says of layers that were joined.
pub(crate) fn annotation(joined: &[JoinedLayer]) -> String {
    let member = |layer: &JoinedLayer| {
        let JoinedLayer { name, version, prefix, also, .. } = layer.clone();
        Member { name, version, prefix, also }
    };
    serde_json::to_string(&joined.iter().map(member).collect::<Vec<_>>()).unwrap_or_default()
}

/// The layers that one was joined of, as its annotations say; none if they do not.
pub(crate) fn members(annotations: &BTreeMap<String, String>) -> Vec<Member> {
    annotations.get(JOINED).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
