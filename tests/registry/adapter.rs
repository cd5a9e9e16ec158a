//! The store that embedders make of a client of oci-client.

use super::oracle::{stages, theirs, who};
use super::*;
use oci_merge_store::ErrorKind;
use oci_merge_store::adapter::ClientStore;
use oci_merge_store::contract::contract;

fn adapter(stage: &Stage, repository: &str) -> ClientStore {
    let reference = format!("{}/{repository}", stage.server.address()).parse().unwrap();
    ClientStore::new(theirs(), &reference, who()).unwrap()
}

#[test]
fn it_keeps_the_contract_of_a_store() {
    for stage in stages() {
        contract(&adapter(&stage, "a/store"));
        assert_eq!((stage.server.leaks(), stage.server.violations()), (vec![], vec![]));
    }
}

#[test]
fn a_copy_through_it_is_whole_both_ways() {
    for stage in stages() {
        let (image, to) = (Image::usual(), adapter(&stage, "team/demo"));
        let options = CopyOptions { tags: vec!["v1".into()], ..CopyOptions::default() };
        copy(&image.store, &to, &image.root, &options, &|_| {}).unwrap();
        image.assert_in(&stage.pull("team/demo").unwrap(), "pushed by theirs, pulled by ours");
        let back = Memory::new();
        copy(&to, &back, &to.resolve("v1").unwrap(), &options, &|_| {}).unwrap();
        image.assert_in(&back, "pushed and pulled by theirs");
    }
}

#[test]
fn it_mounts_where_no_token_is_needed() {
    // The client asks for no right to read the source, so a registry that wants to see one sends the bytes again.
    for (stage, mounts) in stages().iter().zip([true, true, false, false]) {
        let blob = pattern(1, 3_000);
        let layer = Descriptor::of(MediaType::ImageLayer, &blob);
        adapter(stage, "team/demo").push(&layer, &blob).unwrap();
        assert_eq!(adapter(stage, "team/other").mount(&layer, "team/demo").unwrap(), mounts);
        assert!(!adapter(stage, "team/other").mount(&layer, "no/such").unwrap());
    }
}

#[test]
fn it_may_be_called_and_dropped_inside_of_a_runtime() {
    let stage = Stage::new(&[]);
    let store = adapter(&stage, "inside");
    let work = async move {
        let blob = pattern(1, 3_000_000);
        let descriptor = Descriptor::of(MediaType::ImageLayer, &blob);
        store.push(&descriptor, &blob).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut store.fetch(&descriptor).unwrap(), &mut bytes).unwrap();
        assert!(bytes == blob);
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

#[test]
fn what_goes_wrong_has_its_kind() {
    let stage = Stage::new(&[]);
    let store = adapter(&stage, "a");
    assert_eq!(store.resolve("absent").unwrap_err().kind(), ErrorKind::NotFound);
    stage.server.misbehave("do=flip:100,on=GET,path=/blobs/".parse().unwrap()).unwrap();
    let blob = pattern(1, 3_000);
    let descriptor = Descriptor::of(MediaType::ImageLayer, &blob);
    store.push(&descriptor, &blob).unwrap();
    let spoilt = std::io::copy(&mut store.fetch(&descriptor).unwrap(), &mut std::io::sink()).unwrap_err();
    let spoilt = oci_merge_store::Error::carried_by(spoilt).map(|e| e.kind());
    assert!(matches!(spoilt, Ok(ErrorKind::Mismatch) | Err(_)), "{spoilt:?}");
    stage.server.misbehave("do=status:503,times=0".parse().unwrap()).unwrap();
    let error = store.resolve("one").unwrap_err();
    assert!(error.kind() == ErrorKind::Network && error.is_retryable(), "{error}");

    let closed = Stage::with(
        Options { auth: oci_merge_store::server::Auth::Basic(login()), ..Options::default() },
        |_| Settings::default(),
        &[],
    );
    let reference = format!("{}/a", closed.server.address()).parse().unwrap();
    let wrong = oci_client::secrets::RegistryAuth::Basic("jon".into(), "wrong-zebra".into());
    let error = ClientStore::new(theirs(), &reference, wrong).unwrap().resolve("one").unwrap_err();
    assert!(error.kind() == ErrorKind::Denied && !error.to_string().contains("zebra"), "{error}");
}
