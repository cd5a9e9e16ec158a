//! On GitHub: annotations on stderr, and the summary of the job.

use oci_merge::{Annotation, AnnotationKind, Built, Error, FindingReport};
use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// GitHub takes a MiB of a step, and nothing of what is longer.
const MOST: usize = 900_000;

/// Whether this is a job there, and nobody has said `OCI_MERGE_CI=off`.
fn is_here() -> bool {
    let is = |name: &str, value: &str| env::var_os(name).is_some_and(|found| found == value);
    is("GITHUB_ACTIONS", "true") && !is("OCI_MERGE_CI", "off")
}

/// Tells of an error.
pub(crate) fn failure(error: &Error) {
    if !is_here() {
        return;
    }
    match error {
        Error::Findings(report) => findings(report),
        Error::Spec(errors) => annotate(errors.annotations()),
        error => {
            let annotation = |one: &Error| {
                let (kind, title) = (AnnotationKind::Error, one.code().to_owned());
                Annotation { kind, place: None, title, message: one.to_string() }
            };
            annotate(error.each().iter().map(annotation).collect());
        }
    }
}

/// Tells of findings.
pub(crate) fn findings(report: &FindingReport) {
    if is_here() && !report.findings().is_empty() {
        annotate(report.annotations());
        append(|room| report.job_summary(room));
    }
}

/// Tells of an image.
pub(crate) fn built(built: &Built) {
    if is_here() {
        append(|room| Some(built.job_summary()).filter(|text| text.len() <= room).unwrap_or_default());
    }
}

/// Workflow commands are read from both streams; stdout is for the answer.
fn annotate(annotations: Vec<Annotation>) {
    for mut annotation in annotations {
        if let Some((file, _)) = &mut annotation.place {
            *file = from_root(file);
        }
        let _ = writeln!(std::io::stderr(), "{annotation}");
    }
}

/// The name of a file from the root of the repository, where GitHub looks for it.
fn from_root(file: &str) -> String {
    let absolute = |path: &Path| std::fs::canonicalize(path).ok();
    let root = env::var_os("GITHUB_WORKSPACE").and_then(|root| absolute(Path::new(&root)));
    let below =
        absolute(Path::new(file)).zip(root).and_then(|(file, root)| file.strip_prefix(root).map(PathBuf::from).ok());
    below.map_or_else(|| file.to_owned(), |below| below.to_string_lossy().into_owned())
}

/// Adds to the summary of the job. That there is none to be written is no reason to fail.
fn append(text: impl FnOnce(usize) -> String) {
    let Some(path) = env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let Ok(mut file) = File::options().append(true).create(true).open(path) else { return };
    let there = file.metadata().map_or(0, |metadata| metadata.len());
    let room = MOST.saturating_sub(usize::try_from(there).unwrap_or(usize::MAX));
    let _ = file.write_all(text(room).as_bytes());
}
