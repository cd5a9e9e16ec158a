//! `inspect` and `ls`.

use super::args::Look;
use super::{Run, answer, number, place};
use oci_merge::{Inspected, Listed, Result};
use oci_merge_image::shown;
use std::fmt::Write as _;
use std::path::Path;

pub(super) fn inspect(run: &Run, args: &Look) -> Result<()> {
    let settings = run.settings(args.platform.as_deref())?;
    let image = oci_merge::inspect(&place::image(&args.image)?, Path::new(""), &settings)?;
    match run.common.json {
        true => answer::document(&serde_json::json!({ "schema": "oci-merge.inspect/v1", "image": image })),
        false => answer::answer(&run.terminal.fit(&described(&image))),
    }
}

pub(super) fn ls(run: &Run, args: &Look) -> Result<()> {
    let settings = run.settings(args.platform.as_deref())?;
    let files = oci_merge::list(&place::image(&args.image)?, Path::new(""), &settings)?;
    run.progress.rest();
    match run.common.json {
        true => answer::document(&serde_json::json!({ "schema": "oci-merge.ls/v1", "files": files })),
        false => answer::answer(&listing(&files)),
    }
}

/// The layers with the uppermost first, as they lie.
fn described(image: &Inspected) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}@{}   {}", shown(&image.reference), image.digest, image.platform);
    let text = |value: &Option<String>| value.as_ref().map_or_else(|| "-".to_owned(), |v| shown(v).to_string());
    let mut rows = vec![["#", "LAYER", "VERSION", "PREFIX", "SIZE", "DIGEST"].map(str::to_owned)];
    for (number, layer) in image.layers.iter().enumerate().rev() {
        let (name, version, prefix) = (text(&layer.name), text(&layer.version), text(&layer.prefix));
        let size = number::bytes(layer.size);
        rows.push([(number + 1).to_string(), name, version, prefix, size, layer.digest.short()]);
        for member in layer.joined.iter().rev() {
            let (name, version) = (format!("- {}", shown(&member.name)), text(&member.version));
            let none = String::new();
            rows.push([none.clone(), name, version, shown(&member.prefix).to_string(), none.clone(), none]);
        }
    }
    out.push_str(&table(&rows, &[0, 4]));
    for variable in &image.env {
        let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
        let _ = writeln!(out, "{:<10} {}", shown(name).to_string(), shown(value));
    }
    out
}

fn listing(files: &[Listed]) -> String {
    let mut out = String::new();
    let width = files.iter().map(|f| f.layer.chars().count()).max().unwrap_or(0);
    for file in files {
        let Listed { kind, mode, uid, gid, size, path, layer, target, .. } = file;
        let arrow = target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
        let layer = shown(layer).to_string();
        let owner = format!("{uid}:{gid}");
        let _ = writeln!(out, "{kind}{mode:04o} {owner:<9} {size:>11} {layer:<width$}  {path}{arrow}");
    }
    out
}

/// Columns as wide as their widest cell; those named are set to the right.
pub(super) fn table<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let mut line = String::from(" ");
        for ((column, cell), width) in row.iter().enumerate().zip(widths) {
            let cell = if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            line.push(' ');
            line.push_str(&cell);
            line.push(' ');
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
