//! What an image says besides its files: told, and not taken.

use crate::spec::LayerSpec;
use oci_merge_image::{Base, Config, Document, shown};
use serde_json::Value;

/// The keys of a config that say how a container runs (image-spec `config.md`), without Env.
const KEYS: [&str; 10] = [
    "User",
    "Entrypoint",
    "Cmd",
    "WorkingDir",
    "Volumes",
    "ExposedPorts",
    "StopSignal",
    "Healthcheck",
    "Shell",
    "OnBuild",
];

/// How many names are listed.
const NAMES: usize = 12;

/// What the image says that the base does not, and that the layer does not take over; `None` if there is nothing.
pub(super) fn not_taken(image: &Document<Config>, base: &Base, layer: &LayerSpec) -> Option<String> {
    let below = match base {
        Base::Image(base) => Some(base.config.value()),
        Base::Scratch(_) => None,
    };
    let said = |config: &Config, key: &str| -> Option<Value> {
        config.object.get("config")?.get(key).filter(|value| !is_empty(value)).cloned()
    };
    let image = image.value();
    let is_new = |key: &&str| said(image, key).is_some_and(|value| below.and_then(|b| said(b, key)) != Some(value));
    let mut parts: Vec<String> = Vec::new();
    let variables = variables(image, below).into_iter().filter(|(name, value)| !is_taken(name, value, layer));
    parts.extend(listed("Env", variables.map(|(name, _)| name.to_owned()).collect()));
    parts.extend(KEYS.iter().filter(|key| is_new(key)).map(|key| (*key).to_owned()));
    let labels = image.labels.iter().filter(|(name, value)| below.is_none_or(|b| b.labels.get(*name) != Some(value)));
    parts.extend(listed("Labels", labels.map(|(name, _)| name.clone()).collect()));
    (!parts.is_empty()).then(|| format!("not taken from its config: {}", parts.join("; ")))
}

/// The variables that an image sets and the base does not, or sets to something else.
pub(crate) fn variables<'a>(image: &'a Config, base: Option<&Config>) -> Vec<(&'a str, &'a str)> {
    let is_new = |variable: &&String| base.is_none_or(|base| !base.env.contains(variable));
    image.env.iter().filter(is_new).filter_map(|variable| variable.split_once('=')).collect()
}

fn is_taken(name: &str, value: &str, layer: &LayerSpec) -> bool {
    if name == "PATH" {
        // What is the base's, or a system's, is there anyway.
        let known = oci_merge_image::DEFAULT_PATH;
        return value.split(':').all(|d| layer.path.iter().any(|p| p == d) || known.split(':').any(|k| k == d));
    }
    layer.env.iter().any(|(known, said)| (known.as_str(), said.as_str()) == (name, value))
}

fn listed(what: &str, names: Vec<String>) -> Option<String> {
    let first: Vec<String> = names.iter().take(NAMES).map(|name| shown(name).to_string()).collect();
    let more = if names.len() > NAMES { format!(" and {} more", names.len() - NAMES) } else { String::new() };
    (!names.is_empty()).then(|| format!("{what} {}{more}", first.join(", ")))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}
