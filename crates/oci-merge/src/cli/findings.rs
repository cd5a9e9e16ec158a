//! Findings on a terminal: the library's text, painted.

use super::terminal::{BAD, DOUBTFUL, Terminal};
use oci_merge::FindingReport;

/// All of a check, or nothing if there is nothing to tell.
pub(crate) fn report(report: &FindingReport, terminal: Terminal) -> String {
    let text = report.to_string();
    text.lines().map(|line| painted(line, terminal)).collect::<Vec<_>>().join("\n")
}

/// A line with its first words, `error[OM0201]`, painted.
fn painted(line: &str, terminal: Terminal) -> String {
    let style = match line {
        _ if line.starts_with("error[") => BAD,
        _ if line.starts_with("warning[") => DOUBTFUL,
        _ => return line.to_owned(),
    };
    match line.split_once(": ") {
        Some((head, rest)) => format!("{}: {rest}", terminal.paint(style, head)),
        None => line.to_owned(),
    }
}
