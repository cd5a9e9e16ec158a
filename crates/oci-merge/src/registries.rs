//! An image goes to repositories: none gets a tag before all have the image.

use crate::mounts::Mounts;
use crate::{Error, Result};
use oci_merge_image::{Digest, Reference};
use oci_merge_store::copy::Ledger;
use oci_merge_store::network::Network;
use oci_merge_store::registry::Registry;
use std::collections::BTreeMap;

/// What one repository is to get.
pub(crate) struct Delivery<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) reference: &'a Reference,
    /// None if its tags come later.
    pub(crate) tags: &'a [String],
    /// Whether only its tags are still to come.
    pub(crate) is_there: bool,
    /// Where blobs can be mounted from.
    pub(crate) mount_from: BTreeMap<Digest, Vec<String>>,
}

/// Brings an image to repositories, one after the other, so that each can mount what an earlier one has got. Returns what
/// became of the blobs in each.
pub(crate) fn deliver(
    network: &Network,
    repositories: &[(Reference, Vec<String>)],
    mut mounts: Mounts,
    copy: impl Fn(Delivery<'_>) -> Result<Ledger>,
) -> Result<Vec<Ledger>> {
    let open = |(reference, _): &(Reference, _)| {
        Registry::open(network, reference).map_err(|e| Error::store(&reference.name(), e))
    };
    let registries = repositories.iter().map(open).collect::<Result<Vec<_>>>()?;
    let mut ledgers = Vec::new();
    let last = repositories.len().saturating_sub(1);
    for (number, (registry, (reference, tags))) in registries.iter().zip(repositories).enumerate() {
        let tags: &[String] = if number == last { tags } else { &[] };
        let mount_from = mounts.for_repository(reference);
        let ledger = copy(Delivery { registry, reference, tags, is_there: false, mount_from })?;
        mounts.add_copy(&ledger, reference);
        ledgers.push(ledger);
    }
    for (registry, (reference, tags)) in registries.iter().zip(repositories).take(last) {
        copy(Delivery { registry, reference, tags, is_there: true, mount_from: BTreeMap::new() })?;
    }
    Ok(ledgers)
}
