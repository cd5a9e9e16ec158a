//! Pulling and listing: distribution-spec 1.1, "Pull", "Content Discovery".

use super::super::Options;
use super::*;

#[test]
fn the_api_answers() {
    let answer = get(&server(), "/v2/");
    assert_eq!((answer.status, answer.field("docker-distribution-api-version")), (200, Some("registry/2.0")));
}

#[test]
fn a_blob_is_read_whole_and_in_ranges() {
    let server = server();
    server.put_blob("demo", b"hello").unwrap();
    let target = format!("/v2/demo/blobs/{HELLO}");
    let head = ask(&server, "HEAD", &target, &[], b"");
    assert_eq!(
        (head.status, head.field("content-length"), head.field("accept-ranges")),
        (200, Some("5"), Some("bytes"))
    );
    let range = |range| ask(&server, "GET", &target, &[("Range", range)], b"");
    let part = range("bytes=1-3");
    assert_eq!((part.status, &part.body[..], part.field("content-range")), (206, &b"ell"[..], Some("bytes 1-3/5")));
    assert_eq!(range("bytes=3-").body, b"lo");
    assert_eq!(range("bytes=-1").body, b"o");
    let beyond = range("bytes=5-");
    assert_eq!((beyond.status, beyond.field("content-range")), (416, Some("bytes */5")));
    assert_eq!(range("bytes=0-0,2-2").status, 200, "several ranges may be ignored");
    // HEAD with a Range is answered as without.
    assert_eq!(ask(&server, "HEAD", &target, &[("Range", "bytes=0-0")], b"").field("content-length"), Some("5"));
}

#[test]
fn what_is_not_there_has_its_code() {
    let server = server();
    server.put_blob("demo", b"{}").unwrap();
    for (target, status, code) in [
        (format!("/v2/demo/blobs/{HELLO}"), 404, "BLOB_UNKNOWN"),
        (format!("/v2/none/blobs/{HELLO}"), 404, "BLOB_UNKNOWN"),
        ("/v2/demo/blobs/sha256:zz".to_owned(), 400, "DIGEST_INVALID"),
        ("/v2/demo/manifests/none".to_owned(), 404, "MANIFEST_UNKNOWN"),
        (format!("/v2/demo/manifests/{HELLO}"), 404, "MANIFEST_UNKNOWN"),
        ("/v2/none/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
        ("/v2/Demo/tags/list".to_owned(), 400, "NAME_INVALID"),
    ] {
        let answer = get(&server, &target);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{target}");
    }
    assert_eq!(ask(&server, "DELETE", &format!("/v2/demo/blobs/{HELLO}"), &[], b"").status, 405);
    assert_eq!(ask(&server, "BREW", "/v2/demo/tags/list", &[], b"").status, 405);
}

#[test]
fn tags_are_listed_in_pages() {
    let server = server();
    for tag in ["b", "A", "c", "B"] {
        server.put_manifest("demo", Some(tag), MANIFEST, b"{}").unwrap();
    }
    let tags = |answer: &Answer| {
        answer.json()["tags"].as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = get(&server, "/v2/demo/tags/list");
    assert_eq!(all.json()["name"], "demo");
    assert_eq!(tags(&all), ["A", "B", "b", "c"], "in case-insensitive order");
    assert_eq!(all.field("link"), None);
    let first = get(&server, "/v2/demo/tags/list?n=2");
    assert_eq!(
        (tags(&first), first.field("link")),
        (vec!["A".into(), "B".into()], Some("</v2/demo/tags/list?n=2&last=B>; rel=\"next\""))
    );
    let second = get(&server, "/v2/demo/tags/list?n=2&last=B");
    assert_eq!((tags(&second), second.field("link")), (vec!["b".into(), "c".into()], None));
    assert_eq!(tags(&get(&server, "/v2/demo/tags/list?n=0")).len(), 0);
    assert_eq!(get(&server, "/v2/demo/tags/list?n=x").status, 400);
}

#[test]
fn what_is_attached_to_a_manifest_is_listed() {
    let server = server();
    let image = manifest(&server, "demo", &[]);
    let subject = server.put_manifest("demo", Some("v1"), MANIFEST, &image).unwrap();
    let attach = |artifact_type: Option<&str>| {
        let mut value: serde_json::Value = serde_json::from_slice(&image).unwrap();
        value["subject"] = serde_json::json!({ "mediaType": MANIFEST, "digest": subject, "size": image.len() });
        value["annotations"] = serde_json::json!({ "a": "b" });
        if let Some(artifact_type) = artifact_type {
            value["artifactType"] = artifact_type.into();
        }
        let bytes = value.to_string().into_bytes();
        let target = format!("/v2/demo/manifests/{}", Digest::of(&bytes));
        ask(&server, "PUT", &target, &[("Content-Type", MANIFEST)], &bytes)
    };
    let put = attach(Some("application/x-one"));
    assert_eq!((put.status, put.field("oci-subject")), (201, Some(subject.to_string().as_str())));
    attach(None);
    let list = |query: &str| get(&server, &format!("/v2/demo/referrers/{subject}{query}"));
    let all = list("");
    assert_eq!((all.status, all.field("content-type")), (200, Some(INDEX)));
    let mut types: Vec<_> =
        all.json()["manifests"].as_array().unwrap().iter().map(|m| m["artifactType"].to_string()).collect();
    types.sort();
    // Without an artifactType, that of the config counts.
    assert_eq!(types, ["\"application/vnd.oci.image.config.v1+json\"", "\"application/x-one\""]);
    let one = list("?artifactType=application/x-one");
    assert_eq!(
        (one.json()["manifests"].as_array().unwrap().len(), one.field("oci-filters-applied")),
        (1, Some("artifactType"))
    );
    assert_eq!(one.json()["manifests"][0]["annotations"]["a"], "b");
    // A manifest without any, and one that is not there, have an empty list.
    assert_eq!(get(&server, &format!("/v2/demo/referrers/{HELLO}")).json()["manifests"], serde_json::json!([]));
}

#[test]
fn a_registry_may_have_no_referrers_api() {
    let server = Server::start(Options { referrers: false, ..Options::default() }).unwrap();
    assert_eq!(get(&server, &format!("/v2/demo/referrers/{HELLO}")).status, 404);
}
