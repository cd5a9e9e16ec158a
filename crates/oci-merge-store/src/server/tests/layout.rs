//! An OCI layout as a registry.

use super::super::{Options, Storage};
use super::*;
use std::fs;
use std::path::Path;

/// A layout with one image, written by hand as image-spec's `image-layout.md` shows it.
fn write_layout(path: &Path, name: Option<&str>) -> Vec<u8> {
    let image = manifest_of(&[b"layer"]);
    fs::create_dir_all(path.join("blobs/sha256")).unwrap();
    fs::write(path.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    for blob in [&image[..], b"{}", b"layer"] {
        fs::write(path.join("blobs/sha256").join(Digest::of(blob).hex()), blob).unwrap();
    }
    let mut entry = serde_json::json!({ "mediaType": MANIFEST, "digest": Digest::of(&image), "size": image.len() });
    if let Some(name) = name {
        entry["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": name });
    }
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [entry] });
    fs::write(path.join("index.json"), index.to_string()).unwrap();
    image
}

fn serve(path: &Path, writable: bool) -> Server {
    let storage = Storage::Directory(path.to_owned());
    Server::start(Options { storage, writable, ..Options::default() }).unwrap()
}

#[test]
fn a_plain_tag_is_in_every_repository() {
    let temp = tempfile::tempdir().unwrap();
    let image = write_layout(temp.path(), Some("full"));
    let server = serve(temp.path(), false);
    for repository in ["demo", "some/other"] {
        let got = get(&server, &format!("/v2/{repository}/manifests/full"));
        assert_eq!((got.status, &got.body, got.field("content-type")), (200, &image, Some(MANIFEST)));
        assert_eq!(get(&server, &format!("/v2/{repository}/manifests/{}", Digest::of(&image))).body, image);
        assert_eq!(get(&server, &format!("/v2/{repository}/blobs/{}", Digest::of(b"layer"))).body, b"layer");
        assert_eq!(get(&server, &format!("/v2/{repository}/tags/list")).json()["tags"][0], "full");
    }
    assert_eq!(ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"").status, 405);
    let mut names: Vec<_> = fs::read_dir(temp.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "oci-layout"], "nothing was written");
}

#[test]
fn a_tag_that_is_a_reference_is_in_its_repository() {
    let temp = tempfile::tempdir().unwrap();
    write_layout(temp.path(), Some("ghcr.io/jon/babylon:full"));
    let server = serve(temp.path(), false);
    assert_eq!(get(&server, "/v2/jon/babylon/manifests/full").status, 200);
    assert_eq!(get(&server, "/v2/demo/manifests/full").status, 404);
    assert_eq!(get(&server, "/v2/demo/tags/list").status, 404);
}

#[test]
fn an_image_without_a_name_is_found_by_its_digest() {
    let temp = tempfile::tempdir().unwrap();
    let image = write_layout(temp.path(), None);
    let server = serve(temp.path(), false);
    assert_eq!(get(&server, &format!("/v2/demo/manifests/{}", Digest::of(&image))).body, image);
    assert_eq!(get(&server, &format!("/v2/demo/manifests/{}", Digest::of(b"layer"))).status, 404);
}

#[test]
fn pushes_outlive_the_server() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("new");
    let image = manifest_of(&[b"layer"]);
    let subject = Digest::of(&image);
    let attached = {
        let mut value: serde_json::Value = serde_json::from_slice(&image).unwrap();
        value["subject"] = serde_json::json!({ "mediaType": MANIFEST, "digest": subject, "size": image.len() });
        value.to_string().into_bytes()
    };
    {
        let server = serve(&path, true);
        for blob in [&b"{}"[..], b"layer"] {
            let target = format!("/v2/babylon/blobs/uploads/?digest={}", Digest::of(blob));
            assert_eq!(ask(&server, "POST", &target, &[], blob).status, 201);
        }
        let target = format!("/v2/babylon/blobs/uploads/?digest={HELLO_512}");
        assert_eq!(ask(&server, "POST", &target, &[], b"hello").status, 201);
        let put = |target: &str, bytes: &[u8]| ask(&server, "PUT", target, &[("Content-Type", MANIFEST)], bytes).status;
        assert_eq!(put("/v2/babylon/manifests/v1", &image), 201);
        assert_eq!(put(&format!("/v2/babylon/manifests/{}", Digest::of(&attached)), &attached), 201);
        let target = format!("/v2/babylon/blobs/uploads/?digest={HELLO}");
        assert_eq!(ask(&server, "POST", &target, &[], b"hallo").code(), "DIGEST_INVALID");
        assert_eq!(ask(&server, "DELETE", "/v2/babylon/manifests/v1", &[], b"").status, 405);
    }
    let index: serde_json::Value = serde_json::from_slice(&fs::read(path.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"], "babylon:v1");
    let server = serve(&path, false);
    assert_eq!(get(&server, "/v2/babylon/manifests/v1").body, image);
    assert_eq!(get(&server, "/v2/other/manifests/v1").status, 404);
    assert_eq!(get(&server, &format!("/v2/babylon/blobs/{HELLO_512}")).body, b"hello");
    let referrers = get(&server, &format!("/v2/babylon/referrers/{subject}"));
    assert_eq!(referrers.json()["manifests"][0]["digest"], Digest::of(&attached).to_string());
    assert_eq!(server.tags("babylon").len(), 1);
    // What was refused left nothing behind.
    assert_eq!(fs::read_dir(path.join("tmp")).map_or(0, |entries| entries.count()), 0);
}

#[test]
fn what_is_no_layout_is_not_served() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("file"), "").unwrap();
    for writable in [false, true] {
        let storage = Storage::Directory(temp.path().to_owned());
        assert!(Server::start(Options { storage, writable, ..Options::default() }).is_err());
    }
}

#[test]
fn a_blob_that_is_a_link_is_not_followed() {
    let temp = tempfile::tempdir().unwrap();
    write_layout(temp.path(), Some("full"));
    let secret = temp.path().join("secret");
    fs::write(&secret, "hello").unwrap();
    let digest: Digest = HELLO.parse().unwrap();
    std::os::unix::fs::symlink(&secret, temp.path().join("blobs/sha256").join(digest.hex())).unwrap();
    let server = serve(temp.path(), false);
    let answer = get(&server, &format!("/v2/demo/blobs/{HELLO}"));
    assert_ne!(answer.status, 200);
    assert!(!answer.body.windows(5).any(|w| w == b"hello"));
}
