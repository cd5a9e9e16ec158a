//! What every [`Store`] does, whatever it keeps content in: one suite for all of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that others call")]

use crate::{ErrorKind, Store};
use oci_merge_image::{Descriptor, Digest, MediaType};
use std::io::Read;

/// Holds an empty store to the contract; panics where it breaks it.
pub fn contract(store: &dyn Store) {
    nothing_is_found_where_nothing_is(store);
    blobs_come_back(store);
    wrong_content_is_not_taken(store);
    wrong_sizes_are_found_out(store);
    images_are_named(store);
    tags_move(store);
    nothing_is_tagged_that_is_not_there(store);
}

fn nothing_is_found_where_nothing_is(store: &dyn Store) {
    let absent = Descriptor::of(MediaType::ImageLayer, b"never pushed");
    assert!(!store.exists(&absent).unwrap());
    assert_eq!(store.fetch(&absent).err().unwrap().kind(), ErrorKind::NotFound);
    assert!(store.content(&absent).is_none());
    assert_eq!(store.resolve("absent").unwrap_err().kind(), ErrorKind::NotFound);
    let unknown = Digest::of(b"no such manifest").to_string();
    assert_eq!(store.resolve(&unknown).unwrap_err().kind(), ErrorKind::NotFound);
}

fn blobs_come_back(store: &dyn Store) {
    // Nothing, a little, and more than any buffer holds at once.
    for length in [0, 1, 700_001] {
        let blob = pattern(length);
        let descriptor = Descriptor::of(MediaType::ImageLayerGzip, &blob);
        for _ in 0..2 {
            store.push(&descriptor, &blob).unwrap();
            assert!(store.exists(&descriptor).unwrap());
            assert!(read(store, &descriptor).unwrap() == blob, "{length} bytes");
        }
        if let Some(content) = store.content(&descriptor) {
            for _ in 0..2 {
                let mut bytes = Vec::new();
                content.open().unwrap().read_to_end(&mut bytes).unwrap();
                assert!(bytes == blob, "{length} bytes as content");
            }
        }
    }
}

fn wrong_content_is_not_taken(store: &dyn Store) {
    let promised = Descriptor::of(MediaType::ImageLayer, b"promised bytes");
    for wrong in ["PROMISED BYTES", "promised", "promised bytes and more", ""] {
        let error = store.push(&promised, &wrong.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Mismatch, "{wrong:?}: {error}");
        assert!(!store.exists(&promised).unwrap(), "{wrong:?}");
    }
    store.push(&promised, &&b"promised bytes"[..]).unwrap();
    assert_eq!(read(store, &promised).unwrap(), b"promised bytes");
}

fn wrong_sizes_are_found_out(store: &dyn Store) {
    let right = Descriptor::of(MediaType::ImageLayer, b"sixteen bytes...");
    store.push(&right, &&b"sixteen bytes..."[..]).unwrap();
    for size in [0, 15, 17, u64::MAX] {
        let wrong = Descriptor { size, ..right.clone() };
        assert!(read(store, &wrong).is_err(), "{size} bytes");
    }
}

fn images_are_named(store: &dyn Store) {
    // Field order and spacing that nobody would write again: the bytes must survive.
    let manifest = image(store, "first", "  ");
    store.tag(&manifest, "one").unwrap();
    store.tag(&manifest, "two").unwrap();
    for name in ["one", "two", &manifest.digest.to_string()] {
        let found = store.resolve(name).unwrap();
        assert_eq!(
            (&found.digest, found.size, &found.media_type),
            (&manifest.digest, manifest.size, &manifest.media_type),
            "{name}"
        );
        assert_eq!(Digest::of(&read(store, &found).unwrap()), manifest.digest);
    }
}

fn tags_move(store: &dyn Store) {
    let (first, second) = (image(store, "first", " "), image(store, "second", " "));
    for target in [&first, &second, &first] {
        store.tag(target, "moving").unwrap();
        assert_eq!(store.resolve("moving").unwrap().digest, target.digest);
    }
    assert_eq!(store.resolve(&second.digest.to_string()).unwrap().digest, second.digest);
}

fn nothing_is_tagged_that_is_not_there(store: &dyn Store) {
    let absent = Descriptor::of(MediaType::ImageManifest, b"{\"schemaVersion\":2}");
    store.tag(&absent, "nowhere").unwrap_err();
    assert_eq!(store.resolve("nowhere").unwrap_err().kind(), ErrorKind::NotFound);
}

/// Pushes an image of one small layer, children first, and describes it.
fn image(store: &dyn Store, layer: &str, space: &str) -> Descriptor {
    let config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let (config, layer) = (&config[..], layer.as_bytes());
    let of_config = Descriptor::of(MediaType::ImageConfig, config);
    let of_layer = Descriptor::of(MediaType::ImageLayer, layer);
    let manifest = format!(
        r#"{{"x-vendor":1,{space}"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",{space}"config":{{"size":{},"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{}"}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{}","size":{}}}]}}"#,
        config.len(),
        of_config.digest,
        of_layer.digest,
        layer.len()
    );
    let of_manifest = Descriptor::of(MediaType::ImageManifest, manifest.as_bytes());
    store.push(&of_config, &config).unwrap();
    store.push(&of_layer, &layer).unwrap();
    store.push(&of_manifest, &manifest.into_bytes()).unwrap();
    of_manifest
}

fn read(store: &dyn Store, descriptor: &Descriptor) -> crate::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match store.fetch(descriptor)?.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(e) => Err(crate::Error::read("the store", e)),
    }
}

/// Bytes without a period that a buffer's size could divide.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}
