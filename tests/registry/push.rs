//! Pushing: what survives, what is given up, and that no tag moves before its time.

use super::*;
use oci_merge_store::{ErrorKind, Side};

#[test]
fn blobs_come_before_manifests_and_tags_come_last() {
    let stage = Stage::new(&[]);
    let image = Image::usual();
    stage.push("demo", &image).unwrap();
    image.assert_pushed(&stage, "demo", "a first push");
    let requests = stage.server.requests();
    let writes: Vec<_> = requests.iter().filter(|r| r.method == "PUT").map(|r| r.target.as_str()).collect();
    let (last, blobs) = writes.split_last().unwrap();
    assert_eq!(*last, "/v2/demo/manifests/v1");
    assert!(blobs.iter().all(|target| target.contains("/blobs/uploads/")));
    // HEAD, POST, PUT for each of 4 layers, POST, PUT for the config, HEAD and PUT for the manifest.
    assert_eq!(requests.len(), 16, "{requests:#?}");
    let blobs: u64 = image.blobs.iter().map(|b| b.len() as u64).sum();
    let received: u64 = requests.iter().map(|r| r.received).sum();
    assert_eq!(received, blobs + image.manifest.len() as u64, "no byte of a blob goes twice");
}

/// What a push survives beside the rows of `faults`: the fault, and how often it must have happened for the case to mean
/// anything.
const SURVIVED: &[(&str, u32)] = &[
    ("do=drop,on=HEAD", 1),
    ("do=reset,on=PUT,times=2", 2),
    ("do=drop,on=PUT,path=/manifests/v1", 1),
    ("do=lost-response,on=POST", 1),
    ("do=location:noslash,times=0", 5),
    ("do=close,times=0", 16),
    ("do=warning:soon gone,times=0", 16),
];

#[test]
fn what_passes_is_survived() {
    for (fault, times) in SURVIVED {
        let stage = Stage::new(&[fault]);
        let image = Image::usual();
        let pushed = stage.push("demo", &image);
        assert!(pushed.is_ok(), "{fault}: {}", pushed.unwrap_err());
        image.assert_pushed(&stage, "demo", fault);
        assert!(stage.server.faults_fired()[0] >= *times, "{fault} happened {:?} times", stage.server.faults_fired());
    }
}

/// What a push gives up beside the rows of `faults`: the fault, the kind of error, and words of its text.
const GIVEN_UP: &[(&str, ErrorKind, &[&str])] = &[
    ("do=status:429,on=PUT,path=/blobs/,times=0", ErrorKind::Network, &["429", "6 attempts", "sending blob sha256:"]),
    ("do=status:503,on=POST,times=0", ErrorKind::Network, &["503", "6 attempts"]),
    ("do=drop,on=PUT,path=/manifests/,times=0", ErrorKind::Network, &["6 attempts"]),
    ("do=status:403,on=POST,times=0", ErrorKind::Denied, &["403"]),
];

#[test]
fn what_does_not_pass_is_given_up_and_no_tag_moves() {
    for (fault, kind, words) in GIVEN_UP {
        let stage = Stage::new(&[fault]);
        let error = stage.push("demo", &Image::of(&[pattern(1, 9_000)])).unwrap_err();
        let text = error.to_string();
        assert_eq!((error.kind(), error.side()), (*kind, Some(Side::Target)), "{fault}: {text}");
        for word in [&stage.server.address().to_string(), "demo"].into_iter().chain(words.iter().copied()) {
            assert!(text.contains(word), "{fault}: no {word:?} in: {text}");
        }
        assert_eq!(stage.server.tag_moves(), [], "{fault}");
        stage.assert_clean(fault);
        let requests = stage.server.requests().len();
        assert!(requests <= 40, "{fault}: {requests} requests");
    }
}

#[test]
fn what_no_second_attempt_can_mend_is_not_attempted_again() {
    for fault in ["do=location:missing,times=0", "do=location:garbage,times=0"] {
        let stage = Stage::new(&[fault]);
        stage.push("demo", &Image::of(&[])).unwrap_err();
        assert_eq!(stage.count("POST", "/blobs/uploads/"), 1, "{fault}");
    }
    let stage = Stage::new(&["do=unauthorized,times=0"]);
    stage.push("demo", &Image::of(&[])).unwrap_err();
    assert!(stage.server.requests().len() <= 3, "{:#?}", stage.server.requests());
}
