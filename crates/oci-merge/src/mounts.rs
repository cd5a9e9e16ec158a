//! Which repositories of a registry have blobs that are about to be brought to another one of it.

use oci_merge_image::{Digest, Reference};
use oci_merge_store::copy::Ledger;
use std::collections::BTreeMap;

/// Blobs, and repositories that have them.
#[derive(Default)]
pub(crate) struct Mounts(Vec<(Digest, Reference)>);

impl Mounts {
    /// A repository has a blob.
    pub(crate) fn add(&mut self, digest: &Digest, repository: &Reference) {
        self.0.push((digest.clone(), repository.clone()));
    }

    /// A repository has all that was brought to it.
    pub(crate) fn add_copy(&mut self, ledger: &Ledger, repository: &Reference) {
        for transfer in ledger.transfers.iter().chain(&ledger.companions) {
            self.add(&transfer.descriptor.digest, repository);
        }
    }

    /// What can be mounted into a repository, each blob from those that were named first.
    pub(crate) fn for_repository(&self, to: &Reference) -> BTreeMap<Digest, Vec<String>> {
        let mut mounts: BTreeMap<Digest, Vec<String>> = BTreeMap::new();
        for (digest, from) in &self.0 {
            if from.registry() == to.registry() && from.repository() != to.repository() {
                let repositories = mounts.entry(digest.clone()).or_default();
                if !repositories.iter().any(|known| known == from.repository()) {
                    repositories.push(from.repository().to_owned());
                }
            }
        }
        mounts
    }
}
