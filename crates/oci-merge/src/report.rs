//! What a check found, with the places in the spec: as text for people and as JSON for programs.

use oci_merge_layer::check::{Finding, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// All findings of a run that ended in "no".
#[derive(Debug, Clone)]
pub struct FindingReport {
    pub(crate) findings: Vec<Finding>,
    pub(crate) paths: u64,
    pub(crate) platform: String,
    pub(crate) places: BTreeMap<String, Place>,
}

/// Where the spec speaks of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The layer's version.
    pub version: Option<String>,
    /// The spec file.
    pub file: String,
    /// The line of the layer's table, from 1; 0 if no file says it.
    pub line: usize,
}

impl FindingReport {
    /// The findings, sorted: the same for one thread and for sixteen.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many claims were compared.
    pub fn paths(&self) -> u64 {
        self.paths
    }

    /// The platform that was checked.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// Where the spec speaks of a layer.
    pub fn place(&self, layer: &str) -> Option<&Place> {
        self.places.get(layer)
    }

    /// How many findings are errors.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|f| f.severity() == Severity::Error).count()
    }

    /// The code of the first error.
    pub fn code(&self) -> &'static str {
        let first = self.findings.iter().find(|f| f.severity() == Severity::Error);
        first.map_or("OM0201", |f| f.code().as_str())
    }

    /// The document that `--json` prints, `oci-merge.findings/v1`.
    pub fn to_json(&self) -> Value {
        let findings: Vec<Value> = self.findings.iter().map(|f| self.finding(f)).collect();
        json!({ "schema": "oci-merge.findings/v1", "ok": false, "findings": findings })
    }

    /// A finding, and beside each layer its version and its place.
    fn finding(&self, finding: &Finding) -> Value {
        let mut value = json!(finding);
        value["platforms"] = json!([self.platform]);
        for layer in value["layers"].as_array_mut().into_iter().flatten() {
            let Some(place) = layer["name"].as_str().and_then(|name| self.places.get(name)) else { continue };
            layer["version"] = json!(place.version);
            if place.line > 0 {
                layer["span"] = json!({ "file": place.file, "line": place.line });
            }
        }
        value
    }
}

impl fmt::Display for FindingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.findings.iter().filter(|f| f.severity() == Severity::Error).collect();
        for (at, finding) in errors.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{finding}")?;
        }
        Ok(())
    }
}
