//! The contract of a store, kept by registries that others wrote: `tools/test registries` runs this.

use super::*;
use oci_merge_store::contract::contract;

/// `OCI_MERGE_TEST_REGISTRY` is the address of an empty registry.
#[test]
#[ignore = "needs a registry of somebody else's"]
fn another_registry_keeps_the_contract_of_a_store() {
    let address = std::env::var("OCI_MERGE_TEST_REGISTRY").unwrap();
    let open = |name: &str| format!("{address}/{name}").parse().unwrap();
    contract(&Registry::open(&Network::default(), &open("contract/ours")).unwrap());
    #[cfg(feature = "tls-graviola")]
    {
        let store = oci_merge_store::adapter::ClientStore::new(
            oracle::theirs(),
            &open("contract/theirs"),
            oci_client::secrets::RegistryAuth::Anonymous,
        );
        contract(&store.unwrap());
    }
}
