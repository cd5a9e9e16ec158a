//! Pushing: distribution-spec 1.1, "Push" and its error codes.

use super::super::{Options, Violation};
use super::*;

#[test]
fn a_blob_is_pushed_with_post_and_put() {
    let server = server();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    assert_eq!((begun.status, begun.field("range")), (202, Some("0-0")));
    let put = ask(&server, "PUT", &format!("{}&digest={HELLO}", begun.location()), &[], b"hello");
    assert_eq!((put.status, put.field("docker-content-digest")), (201, Some(HELLO)));
    assert_eq!(put.location(), format!("/v2/demo/blobs/{HELLO}"));
    let got = get(&server, put.location());
    assert_eq!((got.status, &got.body[..]), (200, &b"hello"[..]));
    // The session is over.
    assert_eq!(ask(&server, "PATCH", begun.location(), &[], b"x").code(), "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn a_blob_is_pushed_with_one_post() {
    let server = server();
    let posted = ask(&server, "POST", &format!("/v2/demo/blobs/uploads/?digest={HELLO}"), &[], b"hello");
    assert_eq!(posted.status, 201);
    assert_eq!(server.blob("demo", &HELLO.parse().unwrap()).unwrap(), b"hello");
    let wrong = ask(&server, "POST", &format!("/v2/demo/blobs/uploads/?digest={HELLO}"), &[], b"hallo");
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "DIGEST_INVALID"));
    // Who sends no bytes gets a session, except for the blob of no bytes (its digest is that of /dev/null).
    assert_eq!(ask(&server, "POST", &format!("/v2/demo/blobs/uploads/?digest={HELLO}"), &[], b"").status, 202);
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(ask(&server, "POST", &format!("/v2/demo/blobs/uploads/?digest={empty}"), &[], b"").status, 201);
}

#[test]
fn a_blob_is_pushed_in_chunks() {
    let server = server();
    let mut client = Client::new(server.address());
    let begun = client.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").unwrap();
    let first = client.ask("PATCH", begun.location(), &[("Content-Range", "0-1")], b"he").unwrap();
    assert_eq!((first.status, first.field("range")), (202, Some("0-1")));
    let status = client.ask("GET", first.location(), &[], b"").unwrap();
    assert_eq!((status.status, status.field("range")), (204, Some("0-1")));
    let second = client.ask("PATCH", status.location(), &[("Content-Range", "2-3")], b"ll").unwrap();
    let put = format!("{}&digest={HELLO}", second.location());
    assert_eq!(client.ask("PUT", &put, &[("Content-Range", "4-4")], b"o").unwrap().status, 201);
    assert_eq!(server.blob("demo", &HELLO.parse().unwrap()).unwrap(), b"hello");
    assert_eq!(server.violations(), []);
    assert!(server.requests().iter().all(|r| r.connection == 1), "the connection was kept");
}

#[test]
fn a_chunk_in_the_wrong_place_is_refused_and_the_session_goes_on() {
    let server = server();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    let first = ask(&server, "PATCH", begun.location(), &[("Content-Range", "0-1")], b"he");
    let gap = ask(&server, "PATCH", first.location(), &[("Content-Range", "3-4")], b"lo");
    assert_eq!((gap.status, gap.field("range")), (416, Some("0-1")));
    let Violation::ChunkOutOfOrder { expected: 2, found, .. } = &server.violations()[0] else { panic!("no violation") };
    assert_eq!(found, "3-4");
    let wrong_length = ask(&server, "PATCH", gap.location(), &[("Content-Range", "2-9")], b"llo");
    assert_eq!((wrong_length.status, wrong_length.code().as_str()), (400, "BLOB_UPLOAD_INVALID"));
    for range in ["2-18446744073709551615", "2-1", "2", "x-y"] {
        assert_eq!(ask(&server, "PATCH", gap.location(), &[("Content-Range", range)], b"llo").status, 400, "{range}");
    }
    let put = format!("{}&digest={HELLO}", gap.location());
    assert_eq!(ask(&server, "PUT", &put, &[("Content-Range", "2-4")], b"llo").status, 201);
}

#[test]
fn the_location_of_the_last_answer_must_be_used() {
    let server = server();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    let first = ask(&server, "PATCH", begun.location(), &[], b"he");
    // Who lost the answer to the chunk may ask with the Location that it has.
    let status = ask(&server, "GET", begun.location(), &[], b"");
    assert_eq!((status.status, status.location()), (204, first.location()));
    let again = ask(&server, "PATCH", begun.location(), &[("Content-Range", "0-1")], b"he");
    assert_eq!((again.status, again.field("range"), again.location()), (416, Some("0-1"), first.location()));
    assert_eq!(server.violations(), []);
    assert_eq!(ask(&server, "PATCH", begun.location(), &[], b"ll").status, 400);
    let without = begun.location().split('?').next().unwrap();
    assert_eq!(ask(&server, "GET", without, &[], b"").status, 400);
    assert!(matches!(server.violations()[..], [Violation::StaleLocation { .. }, Violation::StaleLocation { .. }]));
}

#[test]
fn a_location_without_its_parameters_is_none() {
    let server = server();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    let without = begun.location().split('?').next().unwrap();
    assert_eq!(ask(&server, "GET", without, &[], b"").status, 400);
    assert!(matches!(server.violations()[..], [Violation::StaleLocation { .. }]));
}

#[test]
fn a_body_may_come_in_chunks_of_http_and_wait_for_a_word() {
    let server = server();
    let mut client = Client::new(server.address());
    let begun = client.ask("POST", "/v2/demo/blobs/uploads/", &[], b"").unwrap();
    let head = format!(
        "PATCH {} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
        begun.location()
    );
    client.send(head.as_bytes()).unwrap();
    assert_eq!(client.answer("PATCH").unwrap().status, 100);
    client.send(b"2\r\nhe\r\n3;name=value\r\nllo\r\n0\r\nTrailer: x\r\n\r\n").unwrap();
    let patched = client.answer("PATCH").unwrap();
    assert_eq!((patched.status, patched.field("range")), (202, Some("0-4")));
    assert_eq!(client.ask("PUT", &format!("{}&digest={HELLO}", patched.location()), &[], b"").unwrap().status, 201);
}

#[test]
fn who_waits_for_a_word_and_is_refused_need_not_send_the_body() {
    let server = server();
    let mut client = Client::new(server.address());
    client
        .send(b"PUT /v2/demo/blobs/uploads/none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    let answer = client.answer("PUT").unwrap();
    assert_eq!((answer.status, answer.field("connection")), (404, Some("close")));
}

#[test]
fn sha512_is_taken_too() {
    let server = server();
    let posted = ask(&server, "POST", &format!("/v2/demo/blobs/uploads/?digest={HELLO_512}"), &[], b"hello");
    assert_eq!(posted.status, 201);
    assert_eq!(get(&server, &format!("/v2/demo/blobs/{HELLO_512}")).body, b"hello");
    let bytes = manifest(&server, "demo", &[]);
    let sum = {
        use sha2::Digest as _;
        Digest::from_sha512(sha2::Sha512::digest(&bytes).into())
    };
    let put = ask(&server, "PUT", &format!("/v2/demo/manifests/{sum}"), &[("Content-Type", MANIFEST)], &bytes);
    assert_eq!((put.status, put.field("docker-content-digest")), (201, Some(sum.to_string().as_str())));
}

#[test]
fn a_broken_connection_leaves_the_session_where_it_was() {
    let server = server();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    let mut client = Client::new(server.address());
    let head = format!("PATCH {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhel", begun.location());
    client.send(head.as_bytes()).unwrap();
    drop(client);
    let mut range = String::new();
    for _ in 0..100 {
        range = ask(&server, "GET", begun.location(), &[], b"").field("range").unwrap().to_owned();
        if range == "0-2" {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(range, "0-2");
    let put = format!("{}&digest={HELLO}", begun.location());
    assert_eq!(ask(&server, "PUT", &put, &[("Content-Range", "3-4")], b"lo").status, 201);
}

#[test]
fn an_upload_can_be_given_up() {
    let server = server();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    assert_eq!(ask(&server, "DELETE", begun.location(), &[], b"").status, 204);
    assert_eq!(ask(&server, "GET", begun.location(), &[], b"").status, 404);
    // And it belongs to its repository.
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    let other = begun.location().replace("/v2/demo/", "/v2/other/");
    assert_eq!(ask(&server, "PUT", &format!("{other}&digest={HELLO}"), &[], b"hello").status, 404);
}

#[test]
fn a_wrong_digest_ends_the_session() {
    let server = server();
    let begun = ask(&server, "POST", "/v2/demo/blobs/uploads/", &[], b"");
    let put = ask(&server, "PUT", &format!("{}&digest={HELLO}", begun.location()), &[], b"hallo");
    assert_eq!((put.status, put.code().as_str()), (400, "DIGEST_INVALID"));
    assert_eq!(get(&server, &format!("/v2/demo/blobs/{HELLO}")).code(), "BLOB_UNKNOWN");
    assert_eq!(ask(&server, "PUT", begun.location(), &[], b"hello").status, 404);
}

#[test]
fn a_blob_is_mounted_from_where_it_is() {
    let server = server();
    server.put_blob("a", b"hello").unwrap();
    assert_eq!(get(&server, &format!("/v2/b/blobs/{HELLO}")).status, 404, "b does not have it yet");
    let mounted = ask(&server, "POST", &format!("/v2/b/blobs/uploads/?mount={HELLO}&from=a"), &[], b"");
    assert_eq!((mounted.status, mounted.location()), (201, format!("/v2/b/blobs/{HELLO}").as_str()));
    assert_eq!(get(&server, mounted.location()).body, b"hello");
    let anywhere = ask(&server, "POST", &format!("/v2/c/blobs/uploads/?mount={HELLO}"), &[], b"");
    assert_eq!(anywhere.status, 201);
    let not_there = ask(&server, "POST", &format!("/v2/d/blobs/uploads/?mount={HELLO}&from=none"), &[], b"");
    assert_eq!(not_there.status, 202);
    assert_eq!(ask(&server, "PUT", &format!("{}&digest={HELLO}", not_there.location()), &[], b"hello").status, 201);
}

#[test]
fn a_manifest_comes_back_byte_for_byte() {
    let server = server();
    let bytes = manifest(&server, "demo", &[b"layer"]);
    let digest = Digest::of(&bytes).to_string();
    let put = ask(&server, "PUT", "/v2/demo/manifests/v1", &[("Content-Type", MANIFEST)], &bytes);
    assert_eq!((put.status, put.field("docker-content-digest")), (201, Some(digest.as_str())));
    for reference in ["v1", &digest] {
        let got = get(&server, &format!("/v2/demo/manifests/{reference}"));
        assert_eq!((got.status, &got.body), (200, &bytes));
        assert_eq!((got.field("content-type"), got.field("docker-content-digest")), (Some(MANIFEST), Some(&*digest)));
        let head = ask(&server, "HEAD", &format!("/v2/demo/manifests/{reference}"), &[], b"");
        assert_eq!(head.field("content-length"), Some(bytes.len().to_string().as_str()));
    }
    let moves = server.tag_moves();
    assert_eq!((moves.len(), moves[0].tag.as_str(), &moves[0].from), (1, "v1", &None));
    assert_eq!(moves[0].to.as_ref().unwrap().to_string(), digest);
    assert_eq!(server.violations(), []);
}

#[test]
fn what_a_manifest_names_must_be_there_first() {
    let server = server();
    let image = manifest_of(&[b"layer"]);
    let put =
        |target: &str, media_type, bytes: &[u8]| ask(&server, "PUT", target, &[("Content-Type", media_type)], bytes);
    let early = put("/v2/demo/manifests/v1", MANIFEST, &image);
    assert_eq!((early.status, early.code().as_str()), (404, "MANIFEST_BLOB_UNKNOWN"));
    let Violation::ManifestTooEarly { missing, .. } = &server.violations()[0] else { panic!("no violation") };
    assert_eq!(missing, &[Digest::of(b"{}"), Digest::of(b"layer")]);
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [{ "mediaType": MANIFEST, "digest": Digest::of(&image), "size": image.len() }]
    });
    let index = index.to_string().into_bytes();
    assert_eq!(put("/v2/demo/manifests/all", INDEX, &index).code(), "MANIFEST_BLOB_UNKNOWN");
    assert!(server.tags("demo").is_empty() && server.tag_moves().is_empty());

    // A blob in another repository is not enough.
    manifest(&server, "other", &[b"layer"]);
    assert_eq!(put("/v2/demo/manifests/v1", MANIFEST, &image).status, 404);
    manifest(&server, "demo", &[b"layer"]);
    let violations = server.violations().len();
    assert_eq!(put(&format!("/v2/demo/manifests/{}", Digest::of(&image)), MANIFEST, &image).status, 201);
    assert_eq!(put("/v2/demo/manifests/all", INDEX, &index).status, 201);
    assert_eq!(server.violations().len(), violations);
}

#[test]
fn layers_that_may_not_be_distributed_need_not_be_there() {
    let server = server();
    server.put_blob("demo", b"{}").unwrap();
    let text = String::from_utf8(manifest_of(&[b"layer"])).unwrap();
    let text = text.replace("image.layer.v1", "image.layer.nondistributable.v1");
    let put = ask(&server, "PUT", "/v2/demo/manifests/v1", &[("Content-Type", MANIFEST)], text.as_bytes());
    assert_eq!(put.status, 201);
}

#[test]
fn what_is_no_manifest_is_refused() {
    let server = server();
    let bytes = manifest(&server, "demo", &[]);
    let put = |reference: &str, media_type: &str, bytes: &[u8]| {
        let answer =
            ask(&server, "PUT", &format!("/v2/demo/manifests/{reference}"), &[("Content-Type", media_type)], bytes);
        (answer.status, answer.code())
    };
    let invalid = (400, "MANIFEST_INVALID".to_owned());
    assert_eq!(put("v1", MANIFEST, b"<html>"), invalid);
    assert_eq!(put("v1", MANIFEST, b"{}"), invalid);
    assert_eq!(put("v1", "application/vnd.vendor+json", b"[]"), invalid);
    assert_eq!(put("v1", INDEX, &bytes), invalid, "its mediaType says that it is none");
    assert!(matches!(server.violations()[..], [Violation::WrongMediaType { .. }]));
    assert_eq!(put(HELLO, MANIFEST, &bytes), (400, "DIGEST_INVALID".to_owned()));
    assert_eq!(put(".v1", MANIFEST, &bytes), (404, "MANIFEST_UNKNOWN".to_owned()));
    let large = vec![b' '; (4 << 20) + 1];
    assert_eq!(put("v1", MANIFEST, &large), (413, "SIZE_INVALID".to_owned()));
    let vendor = ask(&server, "PUT", "/v2/demo/manifests/v", &[("Content-Type", "application/vnd.vendor+json")], b"{}");
    assert_eq!(vendor.status, 201);
}

#[test]
fn a_tag_moves_only_on_the_conditions_of_its_request() {
    let server = server();
    let (one, two) = (manifest(&server, "demo", &[b"1"]), manifest(&server, "demo", &[b"2"]));
    let put = |condition: (&str, &str), bytes: &[u8]| {
        ask(&server, "PUT", "/v2/demo/manifests/v1", &[("Content-Type", MANIFEST), condition], bytes).status
    };
    let etag = |bytes: &[u8]| format!("\"{}\"", Digest::of(bytes));
    assert_eq!(put(("If-Match", "*"), &one), 412);
    assert_eq!(put(("If-None-Match", "*"), &one), 201);
    assert_eq!(put(("If-None-Match", "*"), &two), 412);
    assert_eq!(put(("If-Match", &etag(&two)), &two), 412);
    assert_eq!(put(("If-Match", &etag(&one)), &two), 201);
    assert_eq!(server.tags("demo")["v1"], Digest::of(&two));
    assert_eq!(server.tag_moves()[1].from, Some(Digest::of(&one)));
}

#[test]
fn tags_and_manifests_are_deleted() {
    let server = server();
    let bytes = manifest(&server, "demo", &[]);
    let digest = server.put_manifest("demo", Some("v1"), MANIFEST, &bytes).unwrap();
    server.put_manifest("demo", Some("v2"), MANIFEST, &bytes).unwrap();
    assert_eq!(ask(&server, "DELETE", "/v2/demo/manifests/v1", &[], b"").status, 202);
    assert_eq!(get(&server, "/v2/demo/manifests/v1").code(), "MANIFEST_UNKNOWN");
    assert_eq!(get(&server, "/v2/demo/manifests/v2").status, 200);
    assert_eq!(ask(&server, "DELETE", &format!("/v2/demo/manifests/{digest}"), &[], b"").status, 202);
    assert_eq!(get(&server, "/v2/demo/manifests/v2").status, 404);
    assert_eq!(ask(&server, "DELETE", "/v2/demo/manifests/v2", &[], b"").status, 404);
    let gone: Vec<_> = server.tag_moves().into_iter().map(|m| (m.tag, m.to)).collect();
    assert_eq!(gone, [("v1".to_owned(), None), ("v2".to_owned(), None)]);
}

#[test]
fn a_server_that_takes_no_pushes_takes_none() {
    let server = Server::start(Options { writable: false, ..Options::default() }).unwrap();
    let bytes = manifest(&server, "demo", &[]);
    for (method, target, body) in [
        ("POST", "/v2/demo/blobs/uploads/", &b""[..]),
        ("PUT", "/v2/demo/manifests/v1", &bytes),
        ("DELETE", "/v2/demo/manifests/v1", b""),
    ] {
        let answer = ask(&server, method, target, &[("Content-Type", MANIFEST)], body);
        assert_eq!((answer.status, answer.code().as_str()), (405, "UNSUPPORTED"), "{method}");
    }
}
