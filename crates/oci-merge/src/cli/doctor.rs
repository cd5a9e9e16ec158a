//! `doctor`: one line for each thing that a registry was asked for.

use super::args::Doctor;
use super::{Run, answer};
use oci_merge::{Diagnosis, Error, Reference, Result};
use oci_merge_store::registry::CheckupState;
use std::fmt::Write as _;

pub(super) fn doctor(run: &Run, args: &Doctor) -> Result<()> {
    let reference: Reference = args.repository.parse().map_err(|e| Error::Usage(format!("{e}")))?;
    let diagnosis = oci_merge::doctor(&reference, &run.settings(None)?)?;
    match run.common.json {
        true => answer::document(&serde_json::json!({
            "schema": "oci-merge.doctor/v1", "ok": diagnosis.failure.is_none(), "repository": diagnosis.repository,
            "findings": diagnosis.findings, "looked": diagnosis.looked
        }))?,
        false => answer::answer(&run.terminal.fit(&screen(&diagnosis)))?,
    }
    diagnosis.failure.map_or(Ok(()), Err)
}

fn screen(diagnosis: &Diagnosis) -> String {
    let mut out = String::new();
    for finding in &diagnosis.findings {
        let sign = match finding.state {
            CheckupState::Good => '✔',
            CheckupState::Bad => '✘',
            _ => '–',
        };
        let _ = writeln!(out, "{:<9} {sign} {}", finding.name, finding.found);
        for line in finding.todo.iter() {
            let _ = writeln!(out, "{:<9}   do: {line}", "");
        }
    }
    out
}
