//! Pulling: no wrong byte comes through, and what was read is not read twice where that can be helped.

use super::*;
use oci_merge_image::Digest;
use oci_merge_store::{ErrorKind, contract};

#[test]
fn a_repository_keeps_the_contract_of_stores() {
    contract::contract(&Stage::new(&[]).repository("demo"));
}

/// A registry with the usual image, and these faults.
fn stocked(faults: &[&str]) -> (Stage, Image) {
    let (stage, image) = (Stage::new(faults), Image::usual());
    stage.stock("demo", &image);
    (stage, image)
}

#[test]
fn what_passes_is_survived() {
    for fault in [
        "do=drop,on=GET,times=3",
        "do=reset,on=GET,times=3",
        "do=status:503,on=GET,times=3",
        "do=status:429,retry-after=1,on=GET,path=/manifests/,times=3",
        "do=truncate:100,on=GET,path=/manifests/,times=3",
        "do=redirect:registry,path=/blobs/,times=0",
    ] {
        let (stage, image) = stocked(&[fault]);
        match stage.pull("demo") {
            Ok(store) => image.assert_in(&store, fault),
            Err(error) => panic!("{fault}: {error}"),
        }
        assert!(stage.server.faults_fired()[0] > 2, "{fault}");
        stage.assert_clean(fault);
    }
}

#[test]
fn a_server_without_ranges_is_asked_for_everything() {
    for second in ["do=no-range,times=0", "do=status:416,on=GET,nth=2"] {
        let (stage, image) = stocked(&["do=truncate:300000,on=GET,path=/blobs/", second]);
        let layer = Descriptor::of(MediaType::ImageLayer, &image.blobs[1]);
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut stage.repository("demo").fetch(&layer).unwrap(), &mut bytes).unwrap();
        assert!(bytes == image.blobs[1], "{second}");
    }
}

#[test]
fn wrong_bytes_are_found_out() {
    for fault in ["flip:100", "swap", "shorter:7", "truncate:10"] {
        let (stage, image) = stocked(&[&format!("do={fault},on=GET,path=/blobs/,times=0")]);
        let layer = Descriptor::of(MediaType::ImageLayer, &image.blobs[1]);
        let fetched = stage.repository("demo").fetch(&layer);
        let read = fetched.map_err(std::io::Error::from).and_then(|mut fetched| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut fetched, &mut bytes)
        });
        assert!(read.is_err(), "{fault}");
        let error = stage.pull("demo").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Mismatch | ErrorKind::Network), "{fault}: {error}");
        assert!(error.to_string().contains("sha256:"), "{fault}: {error}");
        assert!(stage.server.requests().len() < 60, "{fault}");
    }
    // The right range is promised, and the wrong bytes come.
    let (stage, image) = stocked(&["do=truncate:500000,on=GET,path=/blobs/", "do=bad-range,times=0"]);
    let layer = Descriptor::of(MediaType::ImageLayer, &image.blobs[1]);
    let error = std::io::copy(&mut stage.repository("demo").fetch(&layer).unwrap(), &mut std::io::sink()).unwrap_err();
    assert_eq!(oci_merge_store::Error::carried_by(error).unwrap().kind(), ErrorKind::Mismatch);
}

#[test]
fn wrong_manifests_are_found_out() {
    let zeros = format!("do=header-digest:sha256:{},on=GET,path=/manifests/v1", "0".repeat(64));
    for (fault, kind, reason) in [
        ("do=flip:30,on=GET,path=/manifests/v1,times=0", ErrorKind::Mismatch, "DIGEST_MISMATCH"),
        (&zeros, ErrorKind::Mismatch, "DIGEST_MISMATCH"),
        ("do=content-type:text/html,on=GET,path=/manifests/", ErrorKind::Document, "MANIFEST_TYPE"),
        (
            "do=content-type:application/vnd.oci.image.index.v1+json,on=GET,path=/manifests/",
            ErrorKind::Document,
            "MANIFEST_TYPE",
        ),
        ("do=html,on=GET,path=/manifests/", ErrorKind::Document, "JSON_SYNTAX"),
    ] {
        let (stage, _) = stocked(&[fault]);
        let error = stage.repository("demo").resolve("v1").unwrap_err();
        assert_eq!((error.kind(), error.reason()), (kind, Some(reason)), "{fault}: {error}");
    }
    // By digest, the digest rules and not what the registry says of it.
    let (stage, image) = stocked(&[&zeros.replace("/v1", "/sha256:")]);
    assert_eq!(stage.repository("demo").resolve(&image.root.digest.to_string()).unwrap().digest, image.root.digest);
    assert_eq!(stage.server.faults_fired(), [1]);
}

#[test]
fn a_manifest_without_an_end_is_not_read_to_its_end() {
    let stage = Stage::new(&[]);
    let large = vec![b' '; (4 << 20) + 1];
    stage.server.put_manifest("demo", Some("v1"), MediaType::ImageManifest.as_ref(), &large).unwrap();
    let error = stage.repository("demo").resolve("v1").unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Document, Some("LIMIT_DOCUMENT_BYTES")), "{error}");
}

#[test]
fn what_is_not_there_is_not_found() {
    let stage = Stage::new(&[]);
    let error = stage.repository("demo").resolve("v1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(stage.server.requests().len(), 1, "404 is not attempted again");
    let absent = Descriptor::new(MediaType::ImageLayer, Digest::of(b"absent"), 6);
    assert_eq!(stage.repository("demo").fetch(&absent).err().unwrap().kind(), ErrorKind::NotFound);
}
