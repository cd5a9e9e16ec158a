//! What a person should know of how a layer came about.

use oci_merge_image::shown;
use oci_merge_layer::make;
use oci_merge_layer::{Kind, LayerIndex, Note};
use serde::{Deserialize, Serialize};

/// What is told of a layer, a line each.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// What is most likely a mistake of the spec, though it stops nothing.
    pub(crate) warnings: Vec<String>,
    /// What a person should know besides.
    pub(crate) notes: Vec<String>,
}

/// All of it. `include` is what the spec calls the list of what is taken.
pub(crate) fn told(report: &make::Report, include: &str, index: &LayerIndex) -> Told {
    let empty = report.empty.iter().map(|number| match report.landings.len() {
        0 | 1 => "its source is empty".to_owned(),
        all => format!("source {} of {all} is empty", number + 1),
    });
    let warnings = empty.chain(warnings(&report.unmatched, include)).collect();
    Told { warnings, notes: notes(report, index) }
}

fn warnings(unmatched: &make::Unmatched, include: &str) -> Vec<String> {
    let line = |key: &str, does: &str, glob: &String| format!("{} in `{key}` {does} nothing", shown(glob));
    let include = unmatched.include.iter().map(|glob| line(include, "takes", glob));
    include.chain(unmatched.exclude.iter().map(|glob| line("exclude", "leaves out", glob))).collect()
}

fn notes(report: &make::Report, index: &LayerIndex) -> Vec<String> {
    let listed = |what: &str, listed: &make::Listed| {
        let first = listed.first.iter().take(3).map(|path| path.to_string()).collect::<Vec<_>>().join(", ");
        let more = if listed.count > 3 { ", …" } else { "" };
        (listed.count > 0).then(|| format!("{} {what}: {first}{more}", listed.count))
    };
    let xattrs = report.dropped_xattrs.iter();
    let xattrs = xattrs.map(|(name, count)| format!("xattr {} dropped from {count} files", shown(name)));
    let lists = [
        listed("names too short for `strip`", &report.too_short),
        listed("left out by `include`, `paths` or `exclude`", &report.filtered),
        listed("files of the image left out, for they lie outside the prefix and what the layer owns", &report.outside),
        listed("deletions of what lies below, which no layer brings", &report.deletions),
        listed("Python files whose compiled form is for another time", &report.stale_bytecode),
    ];
    let privileged = index.entries().filter(|entry| entry.kind == Kind::File && entry.mode & 0o6000 != 0);
    let privileged = privileged.map(|entry| format!("/{} is setuid or setgid ({:04o})", shown(entry.path), entry.mode));
    let repacked = why_repacked(&report.repacked).into_iter();
    repacked.chain(xattrs).chain(lists.into_iter().flatten()).chain(privileged.take(20)).collect()
}

/// Why something could not be used byte for byte.
pub(crate) fn why_repacked(reasons: &[Note]) -> Vec<String> {
    // One line a reason: an odd archive is odd in every entry.
    let first = |note: &&Note| reasons.iter().find(|n| n.reason == note.reason) == Some(*note);
    let line = |note: &Note| {
        let more = reasons.iter().filter(|n| n.reason == note.reason).count() - 1;
        let place = note.path.as_ref().map_or_else(String::new, |path| format!("{path} "));
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("repacked because {place}{} [{}{more}]", note.text, note.reason)
    };
    reasons.iter().filter(first).map(line).collect()
}
