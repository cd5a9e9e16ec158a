//! Base + layers + edits → manifest and config. Pure: the same arguments give the same bytes.

use crate::{
    Config, DEFAULT_PATH, Descriptor, DiffId, Document, Error, ErrorKind, Form, Manifest, MediaType, Platform, Result,
    join_path, merge_env,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the layers are put on.
#[derive(Debug, Clone)]
pub enum Base {
    /// Nothing at all (`FROM scratch`), for a platform.
    Scratch(Platform),
    /// An image, and the name and digest by which it was found; they become annotations
    /// (image-spec `annotations.md`, `org.opencontainers.image.base.*`).
    Image {
        /// Its manifest.
        manifest: Document<Manifest>,
        /// Its config.
        config: Document<Config>,
        /// Its fully qualified reference; `None` for an image that lies on a disk.
        name: Option<String>,
        /// What the reference resolved to: perhaps an index.
        digest: crate::Digest,
    },
}

/// A layer to be put on top.
#[derive(Debug, Clone)]
pub struct Addition {
    /// Its name in the spec; becomes `created_by` in the history.
    pub name: String,
    /// The blob, with the annotations that it is to carry in the manifest.
    pub descriptor: Descriptor,
    /// The digest of its tar.
    pub diff_id: DiffId,
    /// Absolute directories to put in front of PATH.
    pub path: Vec<String>,
    /// Variables to set.
    pub env: Vec<(String, String)>,
}

/// What the image's config says that neither the base nor a layer says. `None` means: as the base has it.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    /// Variables; PATH is refused here, for it is made of the layers' `path`.
    pub env: Vec<(String, String)>,
    /// `User`.
    pub user: Option<String>,
    /// `WorkingDir`.
    pub workdir: Option<String>,
    /// `Cmd`.
    pub cmd: Option<Vec<String>>,
    /// `Entrypoint`; setting it clears an inherited `Cmd`, as a Dockerfile does.
    pub entrypoint: Option<Vec<String>>,
    /// `StopSignal`.
    pub stop_signal: Option<String>,
    /// `ExposedPorts`, added to the base's.
    pub exposed_ports: Vec<String>,
    /// `Volumes`, added to the base's.
    pub volumes: Vec<String>,
    /// Labels; also written as annotations of the manifest.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest only.
    pub annotations: BTreeMap<String, String>,
}

/// What came out: two documents, ready to be pushed.
#[derive(Debug, Clone)]
pub struct Stacked {
    /// The manifest.
    pub manifest: Document<Manifest>,
    /// The config.
    pub config: Document<Config>,
}

/// Stacks layers on a base, the first addition lowest.
///
/// `created` is an RFC 3339 time. The base's layers and history stay as they are, but for history lines that it lacks;
/// Docker media types in its descriptors become the OCI ones, for the blobs are the same.
///
/// # Errors
/// [`ErrorKind::Stack`]: the base's layers and diff_ids differ in number, it has a layer of unknown media type,
/// a variable cannot be set, or `env` names PATH.
pub fn stack(base: &Base, additions: &[Addition], edits: &Edits, created: &str) -> Result<Stacked> {
    let ground = Ground::of(base)?;
    let config = Document::<Config>::write(config(&ground, additions, edits, created)?)?;
    let mut layers = ground.layers;
    layers.extend(additions.iter().map(|a| a.descriptor.clone()));
    let mut annotations = ground.annotations;
    annotations.extend(edits.labels.clone());
    annotations.extend(edits.annotations.clone());
    let mut manifest = Map::new();
    manifest.insert("schemaVersion".into(), 2.into());
    manifest.insert("mediaType".into(), json!(MediaType::ImageManifest));
    manifest.insert("config".into(), json!(config.descriptor(MediaType::ImageConfig)));
    manifest.insert("layers".into(), json!(layers));
    if !annotations.is_empty() {
        manifest.insert("annotations".into(), json!(annotations));
    }
    Ok(Stacked { manifest: Document::write(manifest)?, config })
}

/// The base, in the form that the rest is put on.
struct Ground {
    object: Map<String, Value>,
    env: Vec<String>,
    diff_ids: Vec<DiffId>,
    history: Vec<Value>,
    layers: Vec<Descriptor>,
    annotations: BTreeMap<String, String>,
}

impl Ground {
    fn of(base: &Base) -> Result<Ground> {
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
            Base::Image { manifest, config, name, digest } => {
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

fn config(ground: &Ground, additions: &[Addition], edits: &Edits, created: &str) -> Result<Map<String, Value>> {
    let mut object = ground.object.clone();
    object.insert("created".into(), created.into());
    let diff_ids: Vec<_> = ground.diff_ids.iter().chain(additions.iter().map(|a| &a.diff_id)).collect();
    object.insert("rootfs".into(), json!({ "type": "layers", "diff_ids": diff_ids }));
    let mut history = ground.history.clone();
    history
        .extend(additions.iter().map(|a| json!({ "created": created, "created_by": format!("oci-merge {}", a.name) })));
    object.insert("history".into(), history.into());

    let mut execution = match object.get("config") {
        Some(Value::Object(map)) => map.clone(),
        _ => Map::new(),
    };
    execution.insert("Env".into(), json!(env(ground, additions, edits)?));
    if let Some(entrypoint) = &edits.entrypoint {
        execution.insert("Entrypoint".into(), json!(entrypoint));
        execution.remove("Cmd");
    }
    let plain = [("User", &edits.user), ("WorkingDir", &edits.workdir), ("StopSignal", &edits.stop_signal)];
    for (key, value) in plain {
        if let Some(value) = value {
            execution.insert(key.into(), value.clone().into());
        }
    }
    if let Some(cmd) = &edits.cmd {
        execution.insert("Cmd".into(), json!(cmd));
    }
    for (key, names) in [("ExposedPorts", &edits.exposed_ports), ("Volumes", &edits.volumes)] {
        add_to_object(&mut execution, key, names.iter().map(|name| (name.clone(), json!({}))));
    }
    add_to_object(&mut execution, "Labels", edits.labels.iter().map(|(k, v)| (k.clone(), v.clone().into())));
    object.insert("config".into(), execution.into());
    Ok(object)
}

/// Adds members to an object inside the execution parameters, and makes no empty object.
fn add_to_object(execution: &mut Map<String, Value>, key: &str, members: impl Iterator<Item = (String, Value)>) {
    let mut members = members.peekable();
    if members.peek().is_none() {
        return;
    }
    let mut object = match execution.get(key) {
        Some(Value::Object(map)) => map.clone(),
        _ => Map::new(),
    };
    object.extend(members);
    execution.insert(key.into(), object.into());
}

/// Base < layers in order < config; PATH is the layers' directories in order, then the base's.
fn env(ground: &Ground, additions: &[Addition], edits: &Edits) -> Result<Vec<String>> {
    let mut env = ground.env.clone();
    let below = env.iter().find_map(|e| e.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH).to_owned();
    let directories: Vec<String> = additions.iter().flat_map(|a| a.path.clone()).collect();
    merge_env(&mut env, "PATH", &join_path(&directories, &below))?;
    for (name, value) in additions.iter().flat_map(|a| &a.env).chain(&edits.env) {
        if name == "PATH" {
            return refuse("ENV_PATH", "PATH cannot be set as a variable: it is made of the layers' `path`".into());
        }
        merge_env(&mut env, name, value)?;
    }
    Ok(env)
}

fn refuse<T>(reason: &'static str, text: String) -> Result<T> {
    Err(Error::new(ErrorKind::Stack, reason, text))
}
