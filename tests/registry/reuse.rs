//! What a registry has is not sent to it: found, mounted, and what to do if the registry was wrong about it.

use super::*;
use oci_merge_image::Digest;
use oci_merge_store::copy::How;
use std::collections::BTreeMap;

/// Pushes to `new`, with all blobs known to be in `base`.
pub(super) fn push_mounting(stage: &Stage, image: &Image) -> Result<Ledger> {
    let from = image.blobs.iter().map(|blob| (Digest::of(blob), vec!["base".to_owned()]));
    let mount_from: BTreeMap<_, _> = from.collect();
    let options = CopyOptions { tags: vec!["v1".into()], mount_from, ..CopyOptions::default() };
    copy(&image.store, &stage.repository("new"), &image.root, &options, &|_| {})
}

/// A registry that has the blobs of an image in `base`, and these faults.
pub(super) fn with_base(faults: &[&str]) -> (Stage, Image) {
    let (stage, image) = (Stage::new(faults), Image::usual());
    for blob in &image.blobs {
        stage.server.put_blob("base", blob).unwrap();
    }
    (stage, image)
}

#[test]
fn an_unchanged_image_moves_no_bytes() {
    let stage = Stage::new(&[]);
    let image = Image::usual();
    stage.push("demo", &image).unwrap();
    let before = stage.server.requests().len();
    let ledger = stage.push("demo", &image).unwrap();
    assert_eq!(ledger.sent(), 0);
    let again: Vec<String> =
        stage.server.requests().split_off(before).iter().map(|r| format!("{} {}", r.method, r.target)).collect();
    let root = Digest::of(&image.manifest);
    assert_eq!(again, [format!("HEAD /v2/demo/manifests/{root}"), "HEAD /v2/demo/manifests/v1".into()]);
    assert_eq!(stage.server.tag_moves().len(), 1, "the tag stays where it is");
}

#[test]
fn another_tag_for_an_image_that_is_there_is_one_put() {
    let stage = Stage::new(&[]);
    let image = Image::usual();
    stage.push("demo", &image).unwrap();
    let before = stage.server.requests().len();
    let options = CopyOptions { tags: vec!["v1".into(), "v2".into()], ..CopyOptions::default() };
    copy(&image.store, &stage.repository("demo"), &image.root, &options, &|_| {}).unwrap();
    let methods: Vec<String> = stage.server.requests().split_off(before).into_iter().map(|r| r.method).collect();
    assert_eq!(methods, ["HEAD", "HEAD", "HEAD", "PUT"], "the root, two tags, and the second tag");
    assert_eq!(stage.server.tags("demo")["v2"], image.root.digest);
}

#[test]
fn a_hundred_layers_of_which_half_are_there_cost_three_requests_each_or_one() {
    let stage = Stage::new(&[]);
    let layers: Vec<Vec<u8>> = (0..100).map(|seed| pattern(seed, 3_000)).collect();
    stage.push("demo", &Image::of(&layers[..50])).unwrap();
    let before = stage.server.requests().len();
    let image = Image::of(&layers);
    let ledger = stage.push("demo", &image).unwrap();
    let requests = stage.server.requests().split_off(before);
    // New are 50 layers and the config.
    let (new, old) = (51, 50);
    assert!(requests.len() <= 3 * new + old + 2, "{} requests", requests.len());
    let received: u64 = requests.iter().map(|r| r.received).sum();
    let expected = image.blobs[0].len() + 50 * 3_000 + image.manifest.len();
    assert_eq!((received, ledger.sent()), (expected as u64, expected as u64), "no byte of what is there");
}

#[test]
fn known_blobs_are_mounted_with_one_request_each() {
    let (stage, image) = with_base(&[]);
    let ledger = push_mounting(&stage, &image).unwrap();
    image.assert_pushed(&stage, "new", "mounted");
    let mounted = ledger.transfers.iter().filter(|t| t.how == How::Mounted("base".into())).count();
    assert_eq!((mounted, stage.count("POST", "mount="), stage.count("HEAD", "/blobs/")), (5, 5, 0));
    assert_eq!(stage.count("PUT", "/blobs/"), 0);
}

#[test]
fn what_the_registry_only_claims_to_have_is_sent_after_all() {
    // Nothing is in `base`, and the registry says that it has mounted it; the manifest is the proof.
    let (stage, image) = (Stage::new(&["do=mount:lie,times=0"]), Image::usual());
    let ledger = push_mounting(&stage, &image).unwrap();
    image.assert_pushed(&stage, "new", "lies");
    assert_eq!(stage.count("PUT", "/manifests/v1"), 2, "refused once");
    assert!(ledger.transfers.iter().all(|t| t.how == How::Sent));
}

#[test]
fn a_registry_that_goes_on_lying_is_given_up() {
    let image = Image::of(&[pattern(1, 5_000)]);
    let stage = Stage::new(&["do=head-lies,times=0", "do=status:404,on=PUT,path=/manifests/,times=0"]);
    stage.push("demo", &image).unwrap_err();
    assert!(stage.server.tag_moves().is_empty());
    assert!(stage.server.requests().len() < 20, "{}", stage.server.requests().len());
}

#[test]
fn a_part_of_an_image_that_is_there_is_not_sent() {
    let (stage, image) = (Stage::new(&[]), Image::usual());
    let (config, layers) = image.blobs.split_first().unwrap();
    let (there, missing) = layers.split_at(2);
    for blob in there {
        stage.server.put_blob("demo", blob).unwrap();
    }
    let ledger = stage.push("demo", &image).unwrap();
    image.assert_pushed(&stage, "demo", "in part");
    let missing: usize = missing.iter().map(Vec::len).sum();
    assert_eq!(ledger.sent(), (config.len() + missing + image.manifest.len()) as u64);
}

#[test]
fn several_tags_go_in_one_request_where_the_registry_can() {
    let tags = ["1", "1.2", "latest"].map(str::to_owned).to_vec();
    for (faults, puts) in [(&[][..], 1), (&["do=no-tags,times=0"], 4)] {
        let (stage, image) = (Stage::new(faults), Image::usual());
        let options = CopyOptions { tags: tags.clone(), ..CopyOptions::default() };
        copy(&image.store, &stage.repository("demo"), &image.root, &options, &|_| {}).unwrap();
        assert_eq!(stage.count("PUT", "/manifests/"), puts, "{faults:?}");
        assert!(tags.iter().all(|tag| stage.server.tags("demo")[tag] == image.root.digest), "{faults:?}");
        assert_eq!(stage.server.tag_moves().len(), 3);
        stage.assert_clean("several tags");
    }
}

#[test]
fn the_ledger_is_that_of_the_registry() {
    // Refused after the last byte: what goes twice is counted twice.
    for (fault, again) in [(None, false), (Some("do=status:500,on=PUT,path=/blobs/,times=3"), true)] {
        let faults: Vec<&str> = fault.into_iter().collect();
        let (stage, image) = (Stage::new(&faults), Image::usual());
        let ledger = stage.push("demo", &image).unwrap();
        let received: u64 = stage.server.requests().iter().map(|r| r.received).sum();
        assert_eq!(ledger.sent(), received, "{fault:?}");
        let sent_again: u64 = ledger.transfers.iter().map(|t| t.sent_again).sum();
        assert_eq!(sent_again > 0, again, "{fault:?}");
    }
}

#[test]
fn every_session_that_was_offered_is_used_or_given_back() {
    let (stage, image) = (Stage::new(&["do=mount:202,times=0", "do=lose-session,on=PUT,path=/blobs/"]), Image::of(&[]));
    let repositories = vec!["base".to_owned(), "other".to_owned()];
    let mount_from = image.blobs.iter().map(|blob| (Digest::of(blob), repositories.clone())).collect();
    let options = CopyOptions { tags: vec!["v1".into()], mount_from, ..CopyOptions::default() };
    copy(&image.store, &stage.repository("new"), &image.root, &options, &|_| {}).unwrap();
    image.assert_pushed(&stage, "new", "two sessions");
    // The first that is tried is lost, and the other one is there.
    assert_eq!((stage.count("POST", "/uploads/"), stage.count("PUT", "/uploads/")), (2, 2));

    let stage = Stage::new(&["do=mount:202,times=0"]);
    copy(&image.store, &stage.repository("new"), &image.root, &options, &|_| {}).unwrap();
    assert_eq!((stage.count("PUT", "/uploads/"), stage.count("DELETE", "/uploads/")), (1, 1));
}
