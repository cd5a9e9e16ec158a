//! `doctor`: what a registry lets us do with a repository, before anything is built for it.

use crate::settings::Run;
use crate::{Error, Result, Settings};
use oci_merge_image::Reference;
use oci_merge_store::registry::{CheckupFinding, Looked, Registry};

/// What was found out about a repository.
#[derive(Debug)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The repository: `ghcr.io/jon/babylon`.
    pub repository: String,
    /// One finding for each thing that was looked at, in a fixed order.
    pub findings: Vec<CheckupFinding>,
    /// Every place in which a login was looked for.
    pub looked: Vec<Looked>,
    /// Why the repository cannot be reached, read, or written to: the first of these.
    pub failure: Option<Error>,
}

/// Asks the registry of a reference whether it can be reached, which login it takes, and whether it lets us pull, push
/// and mount. It leaves nothing there: an upload is opened and ended before a byte is sent.
///
/// # Errors
/// The reference names no registry that can be. What a registry refuses is a finding.
pub fn doctor(reference: &Reference, settings: &Settings) -> Result<Diagnosis> {
    let run = Run::new(settings.clone());
    let name = reference.name();
    let registry = Registry::open(&run.network, reference).map_err(|e| Error::store(&name, e))?;
    let checkup = registry.examine();
    let failure = checkup.failure.map(|e| Error::store(&name, e));
    Ok(Diagnosis { repository: name, findings: checkup.findings, looked: checkup.looked, failure })
}
