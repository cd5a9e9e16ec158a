//! The base, in the form that layers are put on.

use super::{Base, BaseImage, refuse};
use crate::{Config, Descriptor, DiffId, Form, Result};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The base, in the form that the rest is put on.
pub(super) struct Ground {
    pub(super) object: Map<String, Value>,
    pub(super) env: Vec<String>,
    pub(super) diff_ids: Vec<DiffId>,
    pub(super) history: Vec<Value>,
    pub(super) layers: Vec<Descriptor>,
    pub(super) annotations: BTreeMap<String, String>,
}

impl Ground {
    pub(super) fn of(base: &Base) -> Result<Ground> {
        match base {
            Base::Scratch(platform) => {
                let mut object = Map::new();
                object.insert("architecture".into(), platform.architecture.clone().into());
                object.insert("os".into(), platform.os.clone().into());
                if let Some(variant) = &platform.variant {
                    object.insert("variant".into(), variant.clone().into());
                }
                Ok(Ground {
                    object,
                    env: Vec::new(),
                    diff_ids: Vec::new(),
                    history: Vec::new(),
                    layers: Vec::new(),
                    annotations: BTreeMap::new(),
                })
            }
            Base::Image(image) => {
                let BaseImage { manifest, config, name, digest } = &**image;
                let (manifest, config) = (manifest.value(), config.value());
                if manifest.layers.len() != config.diff_ids.len() {
                    return refuse(
                        "BASE_DIFF_IDS",
                        format!(
                            "the base's manifest has {} layers, its config {} diff_ids",
                            manifest.layers.len(),
                            config.diff_ids.len()
                        ),
                    );
                }
                let mut annotations =
                    BTreeMap::from([("org.opencontainers.image.base.digest".to_owned(), digest.to_string())]);
                annotations.extend(name.iter().map(|n| ("org.opencontainers.image.base.name".to_owned(), n.clone())));
                Ok(Ground {
                    object: config.object.clone(),
                    env: config.env.clone(),
                    diff_ids: config.diff_ids.clone(),
                    history: whole_history(config),
                    layers: manifest.layers.iter().map(as_oci).collect::<Result<_>>()?,
                    annotations,
                })
            }
        }
    }
}

/// A base layer's descriptor with Docker's media type turned into the OCI one.
fn as_oci(layer: &Descriptor) -> Result<Descriptor> {
    let form = Form::of(&layer.media_type);
    match form.media_type() {
        Some(media_type) if matches!(form, Form::Layer(_) | Form::Foreign(_)) => {
            Ok(Descriptor { media_type, ..layer.clone() })
        }
        _ => refuse(
            "BASE_LAYER_TYPE",
            format!(
                "the base's layer {} has the media type {}, which is not a layer's",
                layer.digest,
                crate::shown(layer.media_type.as_ref())
            ),
        ),
    }
}

/// The base's history with the lines that it lacks, so that lines without `empty_layer` equal its layers
/// (image-spec `config.md`, history).
fn whole_history(config: &Config) -> Vec<Value> {
    let mut lines = match config.object.get("history") {
        Some(Value::Array(lines)) => lines.clone(),
        _ => Vec::new(),
    };
    let told = config.history.iter().filter(|h| !h.empty_layer).count();
    if told > config.diff_ids.len() {
        // A history that tells of more layers than there are cannot be mended line by line.
        lines.clear();
    }
    let told = if lines.is_empty() { 0 } else { told };
    lines.extend(
        (told..config.diff_ids.len())
            .map(|_| json!({ "created_by": "unknown (the base's history has no entry for this layer)" })),
    );
    lines
}
