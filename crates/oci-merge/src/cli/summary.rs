//! What was made, at the end of a run, on stderr.

use super::look::table;
use super::{Run, findings, number};
use oci_merge::{Built, Checked, Destination, How, Transfer};

/// After `check`.
pub(super) fn checked(run: &Run, checked: &Checked) {
    warnings(run, checked);
}

/// After `build` and `merge`.
pub(super) fn built(run: &Run, built: &Built, destinations: &[Destination]) {
    if built.written.iter().any(|written| written.pushed) {
        run.say(layers(built).trim_end());
    }
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
    let found: Vec<_> = checked.findings.iter().collect();
    if !found.is_empty() {
        run.say(findings::list(&found, run.terminal).trim_end());
    }
}

/// The table of a push, the uppermost layer first.
fn layers(built: &Built) -> String {
    let mut rows = vec![["LAYER", "VERSION", "PREFIX", "SIZE", "WHAT HAPPENED", "SENT", "DIGEST"].map(str::to_owned)];
    for layer in built.layers.iter().rev() {
        let happened = match (layer.transfer, layer.how) {
            (Some(Transfer::Present), _) => "unchanged",
            (Some(Transfer::Mounted), _) => "mounted",
            (Some(Transfer::Uploaded), _) => "new",
            (_, How::Kept) => "kept",
            _ => "packed",
        };
        rows.push([
            layer.name.clone(),
            layer.version.clone().unwrap_or_else(|| "-".into()),
            layer.prefix.clone(),
            number::bytes(layer.size),
            happened.into(),
            if layer.bytes_sent == 0 { "0".into() } else { number::bytes(layer.bytes_sent) },
            layer.digest.short(),
        ]);
    }
    let base = &built.base;
    let digest = base.digest.as_ref().map(|d| d.short()).unwrap_or_else(|| "-".into());
    rows.push([
        "base".into(),
        base.name.clone(),
        "/".into(),
        number::bytes(base.size),
        String::new(),
        String::new(),
        digest,
    ]);
    table(&rows, &[3, 5])
}
