//! The config of the new image, edited on the base's own JSON, so that fields that we do not know survive.

use super::ground::Ground;
use super::{Addition, Edits, refuse};
use crate::{DEFAULT_PATH, Result, join_path, merge_env};
use serde_json::{Map, Value, json};

/// The config of the new image: the base's object with what the layers and the edits change.
pub(super) fn config(
    ground: &Ground,
    additions: &[Addition],
    edits: &Edits,
    created: &str,
) -> Result<Map<String, Value>> {
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
