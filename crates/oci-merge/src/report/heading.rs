//! The first and the last line of a report: who has what with whom, and how much is fine.

use super::FindingReport;
use crate::number::{count, counted};
use oci_merge_image::shown;
use oci_merge_layer::check::{Code, Finding, Owner, Severity};
use std::collections::BTreeMap;

/// How many names, or pairs of them, a line lists.
const NAMES: usize = 3;

/// `✘ python and rust write 3 of the same paths   linux/amd64`.
pub(super) fn heading(report: &FindingReport) -> String {
    format!("✘ {}   {}", said(report), shown(&report.platform))
}

fn said(report: &FindingReport) -> String {
    let mut between: BTreeMap<Vec<&str>, u64> = BTreeMap::new();
    let mut layers: Vec<&str> = Vec::new();
    let mut would_run = true;
    for entry in &report.entries {
        let Some(first) = entry.members.first().and_then(|first| report.findings.get(*first)) else { continue };
        if first.severity() != Severity::Error {
            continue;
        }
        let owners: Vec<&str> = first.owners().into_iter().map(Owner::name).collect();
        layers.extend(
            owners
                .iter()
                .filter(|owner| **owner != Owner::Base.name() && !layers.contains(owner))
                .copied()
                .collect::<Vec<_>>(),
        );
        would_run &= first.code() < Code::MissingLibrary;
        if is_shared(first) {
            *between.entry(owners).or_default() += entry.count as u64 + first.more();
        }
    }
    let pairs: Vec<(Vec<&str>, u64)> = between.into_iter().collect();
    match &pairs[..] {
        [] if layers.is_empty() => "the image cannot be made as it is".to_owned(),
        [] if !would_run => format!("{} would not run", listed(&layers)),
        [] => {
            format!("{} cannot be stacked as {}", listed(&layers), if layers.len() == 1 { "it is" } else { "they are" })
        }
        [(owners, paths)] if owners.first() == Some(&Owner::Base.name()) && owners.len() == 2 => {
            let layer = owners.last().copied().unwrap_or_default();
            format!("{} and the base disagree about {}", shown(layer), counted(*paths, "path"))
        }
        [(owners, 1)] => format!("{} write the same path", listed(owners)),
        [(owners, paths)] => format!("{} write {} of the same paths", listed(owners), count(*paths)),
        many => {
            let told = many.iter().take(NAMES).map(|(owners, paths)| format!("{} {}", listed(owners), count(*paths)));
            let more = if many.len() > NAMES { ", …" } else { "" };
            let sum: u64 = many.iter().map(|(_, paths)| paths).sum();
            format!("{} written by several: {}{more}", counted(sum, "path"), told.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Whether a finding is about a path that several have.
fn is_shared(finding: &Finding) -> bool {
    let code = finding.code();
    code < Code::Archive && code != Code::PrefixOverlap && finding.path().is_some() && finding.owners().len() > 1
}

fn listed(names: &[&str]) -> String {
    let mut words: Vec<String> = names.iter().map(|name| shown(name).to_string()).collect();
    if words.len() > NAMES + 1 {
        words.truncate(NAMES);
        words.push(format!("{} others", names.len() - NAMES));
    }
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

/// `4 errors. The other 20 pairs of layers are clean. 39,853 paths in 0.21 s. Nothing was written.`
pub(super) fn footer(report: &FindingReport) -> String {
    let is_error = |entry: &&super::Entry| {
        let first = entry.members.first().and_then(|first| report.findings.get(*first));
        first.is_some_and(|first| first.severity() == Severity::Error)
    };
    let entries = report.entries.iter().filter(is_error).count() as u64;
    let errors = report.errors as u64;
    let mut sentences = vec![match report.left_out() {
        0 if entries == errors => counted(errors, "error"),
        0 => format!("{}, at {}", counted(entries, "error"), counted(errors, "path")),
        left_out => format!(
            "{}, at {}; {} are not shown",
            counted(entries, "error"),
            counted(errors, "path"),
            count(left_out as u64)
        ),
    }];
    let layers = report.layers.len();
    let pairs = layers * layers.saturating_sub(1) / 2;
    match (report.clean_pairs, report.clean_pairs == pairs) {
        (0, _) => {}
        (1, false) => sentences.push("The other pair of layers is clean".into()),
        (1, true) => sentences.push("The pair of layers is clean".into()),
        (clean, false) => sentences.push(format!("The other {} pairs of layers are clean", count(clean as u64))),
        (clean, true) => sentences.push(format!("All {} pairs of layers are clean", count(clean as u64))),
    }
    let time = match report.seconds {
        0.0..0.1 => format!("{:.0} ms", report.seconds * 1_000.0),
        seconds => format!("{seconds:.2} s"),
    };
    sentences.push(format!("{} in {time}", counted(report.paths, "path")));
    sentences.push("Nothing was written".into());
    format!("{}.\nMore about a code: oci-merge explain {}", sentences.join(". "), report.code())
}
