//! Findings, as a person wants to read them: who, where in the spec, which copy would survive, what to do.

use super::number;
use super::terminal::{BAD, DOUBTFUL, Terminal};
use oci_merge::FindingReport;
use oci_merge_image::shown;
use oci_merge_layer::check::{Finding, Severity};
use std::fmt::Write as _;

/// More than anybody reads; `--json` has them all.
const MOST: usize = 100;

/// All of a check whose answer is no: warnings first, since what is last is read first.
pub(crate) fn report(report: &FindingReport, terminal: Terminal) -> String {
    let (mut errors, warnings): (Vec<&Finding>, Vec<&Finding>) =
        report.findings().iter().partition(|f| f.severity() == Severity::Error);
    let count = errors.len() as u64;
    errors.truncate(MOST);
    let mut out = list(&warnings, terminal);
    for finding in &errors {
        out.push_str(&one(finding, report, terminal));
        out.push('\n');
    }
    if count > errors.len() as u64 {
        let _ = writeln!(
            out,
            "and {} more: --json lists them all\n",
            number::counted(count - errors.len() as u64, "error")
        );
    }
    let paths = number::counted(report.paths(), "path");
    let _ = write!(out, "{}; {paths} compared. Nothing was written.", number::counted(count, "error"));
    out
}

/// Warnings, one after the other.
pub(crate) fn list(findings: &[&Finding], terminal: Terminal) -> String {
    let mut out = String::new();
    for finding in findings.iter().take(MOST) {
        let _ = writeln!(out, "{}\n", headed(finding, &finding.to_string(), terminal));
    }
    if findings.len() > MOST {
        let more = number::counted((findings.len() - MOST) as u64, "warning");
        let _ = writeln!(out, "and {more} more: --json lists them all\n");
    }
    out
}

fn one(finding: &Finding, report: &FindingReport, terminal: Terminal) -> String {
    let mut out =
        headed(finding, &format!("{}[{}]: {}", finding.severity(), finding.code(), finding.message()), terminal);
    if finding.more() > 0 {
        let _ = write!(out, " (and {} more)", number::count(finding.more()));
    }
    out.push('\n');
    let places: Vec<String> = finding
        .owners()
        .iter()
        .filter_map(|owner| {
            let place = report.place(owner.name()).filter(|place| place.line > 0)?;
            Some(format!("{}:{} [layer.{owner}]", shown(&place.file), place.line))
        })
        .collect();
    if !places.is_empty() {
        let _ = writeln!(out, "  --> {}", places.join("  and  "));
    }
    let name = |owner: &oci_merge_layer::check::Owner| {
        let version = report.place(owner.name()).and_then(|place| place.version.as_ref());
        version.map_or_else(|| owner.to_string(), |version| format!("{owner} {}", shown(version)))
    };
    let width = finding.parties().iter().map(|party| name(&party.owner).chars().count()).max().unwrap_or(0);
    for party in finding.parties() {
        let _ = write!(out, "     {:width$}   {}", name(&party.owner), party.claim);
        if let Some(at) = &party.at {
            let _ = write!(out, " {at}");
        }
        out.push('\n');
    }
    if let Some(survivor) = finding.survivor() {
        let _ = writeln!(out, "     {survivor} is the uppermost, so its copy would be the one in the image.");
    }
    let _ = writeln!(out, "  fix: {}", finding.advice());
    out
}

/// The text with its first words, `error[OM0201]`, painted.
fn headed(finding: &Finding, text: &str, terminal: Terminal) -> String {
    let style = if finding.severity() == Severity::Error { BAD } else { DOUBTFUL };
    match text.split_once(": ") {
        Some((head, rest)) => format!("{}: {rest}", terminal.paint(style, head)),
        None => text.to_owned(),
    }
}
