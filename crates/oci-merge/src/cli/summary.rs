//! What was made, at the end of a run, on stderr.

use super::look::table;
use super::{Run, findings, github, number};
use oci_merge::{Built, Checked, Destination, Transfer};

/// After `check`.
pub(super) fn checked(run: &Run, checked: &Checked) {
    warnings(run, checked);
}

/// After `build` and `merge`.
pub(super) fn built(run: &Run, built: &Built, destinations: &[Destination]) {
    if built.written.iter().any(|written| written.pushed) {
        run.say(layers(built).trim_end());
    }
    github::built(built);
    warnings(run, &built.check);
    for destination in destinations {
        if let Destination::Layout(directory) = destination {
            let directory = oci_merge_image::shown(directory.as_os_str().as_encoded_bytes()).to_string();
            run.say(format!("\nWrote an OCI image layout to {directory}. What next:"));
            run.say(format!("  look inside   oci-merge ls {directory}"));
            run.say(format!("  push it       oci-merge push {directory} REGISTRY/REPOSITORY:TAG"));
        }
    }
}

fn warnings(run: &Run, checked: &Checked) {
    github::findings(&checked.report);
    if checked.warnings > 0 {
        run.say(findings::report(&checked.report, run.terminal));
    }
    if !checked.not_for_platform.is_empty() {
        run.say(format!(
            "left out, for the spec has them for other platforms: {}",
            checked.not_for_platform.join(", ")
        ));
    }
    // What is agreed is no news, and no secret either.
    if !checked.agreed.is_empty() {
        let paths = number::counted(checked.agreed.len() as u64 + checked.agreed_left_out, "path");
        run.say(format!("{paths} written by several layers, as the spec allows: --json lists {}", listed(checked)));
    }
}

fn listed(checked: &Checked) -> String {
    if checked.agreed_left_out == 0 { "them".into() } else { format!("{} of them", checked.agreed.len()) }
}

/// The table of a push, the uppermost layer first.
fn layers(built: &Built) -> String {
    let mut rows = vec![["LAYER", "VERSION", "PREFIX", "SIZE", "WHAT HAPPENED", "SENT", "DIGEST"].map(str::to_owned)];
    for layer in built.layers.iter().rev() {
        rows.push([
            layer.name.clone(),
            layer.version.clone().unwrap_or_else(|| "-".into()),
            layer.prefix.clone(),
            number::bytes(layer.size),
            layer.happened().into(),
            sent(layer.bytes_sent),
            layer.digest.short(),
        ]);
        for member in layer.joined.iter().rev() {
            let (name, version) = (format!("- {}", member.name), member.version.clone().unwrap_or_else(|| "-".into()));
            let [prefix, size, none] = [member.prefix.clone(), number::bytes(member.size), String::new()];
            rows.push([name, version, prefix, size, none.clone(), none.clone(), none]);
        }
    }
    // An image from scratch has nothing below its layers.
    if let (base, Some(digest)) = (&built.base, &built.base.digest) {
        let happened = base.transfer.map_or("", Transfer::happened).to_owned();
        let (name, size) = (base.name.clone(), number::bytes(base.size));
        rows.push(["base".into(), name, "/".into(), size, happened, sent(base.bytes_sent), digest.short()]);
    }
    table(&rows, &[3, 5])
}

fn sent(bytes: u64) -> String {
    if bytes == 0 { "0".into() } else { number::bytes(bytes) }
}
