//! Rows about pulls that have figures.

use super::*;
use oci_merge_store::ErrorKind;
use std::io::Read;

/// The layer of a million bytes of the usual image, from a registry with these faults.
fn layer(faults: &[&str]) -> (Stage, Descriptor, Vec<u8>) {
    let (stage, image) = (Stage::new(faults), Image::usual());
    stage.stock("demo", &image);
    (stage, Descriptor::of(MediaType::ImageLayer, &image.blobs[1]), image.blobs[1].clone())
}

pub(super) fn slow_is_not_too_slow() {
    // At the real timeout of 60 s: 2,000 bytes a second are enough, 500 are not. Here both come a hundred times as fast.
    let patience = |address| Settings { progress_timeout: Duration::from_millis(150), ..settings(address, "hunter2") };
    for (rate, enough) in [(20_000, true), (500, false)] {
        let fault = format!("do=slow:{rate},on=GET,path=/blobs/,times=0");
        let stage = Stage::with(bearer(Realm::OtherPort), patience, &[&fault]);
        let bytes = pattern(1, 8_000);
        stage.server.put_blob("demo", &bytes).unwrap();
        let descriptor = Descriptor::of(MediaType::ImageLayer, &bytes);
        let mut read = Vec::new();
        let result = stage.repository("demo").fetch(&descriptor).unwrap().read_to_end(&mut read);
        if enough {
            assert!(result.is_ok() && read == bytes, "{result:?}");
            continue;
        }
        let error = Error::carried_by(result.unwrap_err()).unwrap();
        assert!(exit_code(&error) == 3 && error.to_string().contains("too few"), "{error}");
    }
}

pub(super) fn wrong_bytes_are_fetched_twice_and_no_more() {
    let (stage, descriptor, _) = layer(&[]);
    let fault = format!("do=flip:100,on=GET,path={},times=0", descriptor.digest.hex());
    stage.server.misbehave(fault.parse().unwrap()).unwrap();
    let error = stage.pull("demo").unwrap_err();
    assert_eq!((exit_code(&error), error.reason()), (5, Some("DIGEST_MISMATCH")), "{error}");
    assert_eq!(stage.count("GET", &descriptor.digest.to_string()), 2);
    stage.assert_clean("wrong bytes");
}

pub(super) fn a_broken_download_goes_on_where_it_broke() {
    let (stage, descriptor, bytes) = layer(&["do=truncate:300000,on=GET,path=/blobs/,times=3"]);
    let mut read = Vec::new();
    stage.repository("demo").fetch(&descriptor).unwrap().read_to_end(&mut read).unwrap();
    assert!(read == bytes);
    let gets = stage.server.requests();
    let ranges: Vec<_> = gets.iter().map(|r| r.range.as_deref()).collect();
    assert_eq!(ranges, [None, Some("bytes=300000-"), Some("bytes=600000-"), Some("bytes=900000-")]);
    assert_eq!(gets.iter().map(|r| r.sent).sum::<u64>(), 1_000_000, "no byte came twice");
}

pub(super) fn by_tag_the_digest_in_the_header_counts_and_by_digest_it_does_not() {
    let zeros = format!("do=header-digest:sha256:{},on=GET,path=/manifests/,times=0", "0".repeat(64));
    let (stage, image) = (stage(&[&zeros]), Image::usual());
    stage.stock("demo", &image);
    let error = stage.repository("demo").resolve("v1").unwrap_err();
    assert_eq!((exit_code(&error), error.reason()), (5, Some("DIGEST_MISMATCH")), "{error}");
    assert_eq!(stage.repository("demo").resolve(&image.root.digest.to_string()).unwrap().digest, image.root.digest);
}

pub(super) fn a_registry_that_is_not_there_is_named() {
    // No name has a part of 64 letters (RFC 1035 section 2.3.4), so nobody has to be asked for this one.
    let nowhere = format!("{}.test", "a".repeat(64));
    let in_clear = |_| Settings { plain_http: vec![nowhere.clone()], ..Settings::default() };
    let Stage { server, network, clock: _ } = Stage::with(Options::default(), in_clear, &[]);
    let address = server.address();
    drop(server);
    for (host, words) in [(address.to_string(), "refused"), (nowhere.clone(), "address")] {
        let registry = Registry::open(&network, &format!("{host}/demo:v1").parse().unwrap()).unwrap();
        let error = registry.resolve("v1").unwrap_err();
        assert!(exit_code(&error) == 3 && error.kind() == ErrorKind::Network, "{error}");
        let text = error.to_string().to_lowercase();
        assert!(text.contains(&host) && text.contains(words), "{text}");
    }
}
