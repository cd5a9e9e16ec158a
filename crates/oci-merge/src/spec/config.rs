//! `[config]`: what a container of the image runs, and as whom.

use super::error::BAD_VALUE;
use super::keys;
use super::table::{Table, Written};
use oci_merge_image::Edits;

/// Reads `[config]`.
pub(super) fn read(top: &Table<'_>) -> Edits {
    let Some(node) = top.get("config") else { return Edits::default() };
    let Some(table) = Table::open(top.faults(), node, "[config]", &keys::CONFIG) else { return Edits::default() };
    let words = |key| table.strings(key).map(|words| words.into_iter().map(|w| w.text).collect::<Vec<_>>());
    Edits {
        env: variables(&table, "PATH is made of the layers' `path` and the base's PATH; it cannot be set"),
        user: table.string("user").map(|w| w.text),
        workdir: table.string("workdir").and_then(|w| absolute(&table, "workdir", w)),
        cmd: words("cmd"),
        entrypoint: words("entrypoint"),
        stop_signal: table.string("stop-signal").map(|w| w.text),
        exposed_ports: ports(&table),
        volumes: table
            .strings("volumes")
            .unwrap_or_default()
            .into_iter()
            .filter_map(|w| absolute(&table, "volumes", w))
            .collect(),
        ..Edits::default()
    }
}

/// Reads `env` of `[config]` or of a layer, without looking into the values.
pub(super) fn variables(table: &Table<'_>, why_not_path: &str) -> Vec<(String, String)> {
    variables_written(table, why_not_path).into_iter().map(|(name, value)| (name, value.text)).collect()
}

/// The same, with the places of the values.
pub(super) fn variables_written(table: &Table<'_>, why_not_path: &str) -> Vec<(String, Written)> {
    let mut variables = Vec::new();
    for (name, value) in table.string_table("env") {
        if name.text == "PATH" {
            table.bad(&name.range, why_not_path);
        } else if name.text.is_empty() || name.text.contains(['=', '\0', '\n']) {
            table.bad(&name.range, "the name of a variable is not empty and has no `=` or line break");
        } else if value.text.contains(['\0', '\n']) {
            table.bad(&value.range, format!("the value of {} has a line break or a NUL", name.text));
        } else {
            variables.push((name.text, value));
        }
    }
    variables
}

/// `80`, `80/tcp`, `53/udp` (image-spec `config.md`, ExposedPorts).
fn ports(table: &Table<'_>) -> Vec<String> {
    let mut ports = Vec::new();
    for port in table.strings("exposed-ports").unwrap_or_default() {
        let (number, protocol) = port.text.split_once('/').unwrap_or((&port.text, "tcp"));
        match (number.parse::<u16>(), protocol) {
            (Ok(1..), "tcp" | "udp" | "sctp") => ports.push(port.text),
            _ => table.bad(&port.range, "a port is written like 8080, 8080/tcp or 53/udp"),
        }
    }
    ports
}

fn absolute(table: &Table<'_>, key: &str, written: Written) -> Option<String> {
    if written.text.starts_with('/') {
        return Some(written.text);
    }
    let label = format!("did you mean `/{}`?", oci_merge_image::shown(&written.text));
    table.bad_with(BAD_VALUE, &written.range, format!("`{key}` in [config] must begin with `/`"), label);
    None
}
