//! The config of an image (image-spec `config.md`).

use crate::{DiffId, Error, ErrorKind, Platform, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A config: the fields that we read, and the whole object they came from.
///
/// Edits are made on [`object`](Config::object), so that `Healthcheck`, `OnBuild`, `Shell` and vendors' keys survive.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What machine the image is for.
    pub platform: Platform,
    /// The diff_ids of the layers, the lowest first.
    pub diff_ids: Vec<DiffId>,
    /// What was done to make each layer.
    pub history: Vec<History>,
    /// The environment, `NAME=VALUE`.
    pub env: Vec<String>,
    /// The labels, in the order of the document.
    pub labels: Map<String, Value>,
    /// RFC 3339 time at which the image was made, as it was written.
    pub created: Option<String>,
    /// All of it.
    pub object: Map<String, Value>,
}

/// One line of an image's history.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct History {
    /// Whether this line made no layer.
    #[serde(default)]
    pub empty_layer: bool,
    /// RFC 3339 time.
    pub created: Option<String>,
    /// The command.
    pub created_by: Option<String>,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(flatten)]
    platform: Platform,
    rootfs: RootFs,
    #[serde(default)]
    history: Option<Vec<History>>,
    #[serde(default)]
    config: Option<Execution>,
    created: Option<String>,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: String,
    diff_ids: Vec<DiffId>,
}

#[derive(Default, Deserialize)]
struct Execution {
    #[serde(rename = "Env")]
    env: Option<Vec<String>>,
    #[serde(rename = "Labels")]
    labels: Option<Map<String, Value>>,
}

impl TryFrom<Map<String, Value>> for Config {
    type Error = Error;

    fn try_from(object: Map<String, Value>) -> Result<Config> {
        let refuse = |text: String| Error::new(ErrorKind::Document, "CONFIG_SHAPE", format!("not a config: {text}"));
        let fields: Fields =
            serde_json::from_value(Value::Object(object.clone())).map_err(|e| refuse(e.to_string()))?;
        if fields.rootfs.kind != "layers" {
            return Err(refuse(format!("expected rootfs.type layers, found {}", crate::shown(&fields.rootfs.kind))));
        }
        let execution = fields.config.unwrap_or_default();
        let env = execution.env.unwrap_or_default();
        if let Some(bad) = env.iter().find(|e| e.contains(['\n', '\0']) || e.starts_with('=')) {
            return Err(Error::new(
                ErrorKind::Document,
                "CONFIG_ENV",
                format!("{} in the config's Env cannot be a variable", crate::shown(bad)),
            ));
        }
        // `flatten` hands the whole object to the platform's `rest`; only what belongs to a platform stays there.
        let mut platform = fields.platform;
        platform.rest.retain(|key, _| key.starts_with("os."));
        Ok(Config {
            platform,
            diff_ids: fields.rootfs.diff_ids,
            history: fields.history.unwrap_or_default(),
            env,
            labels: execution.labels.unwrap_or_default(),
            created: fields.created,
            object,
        })
    }
}
