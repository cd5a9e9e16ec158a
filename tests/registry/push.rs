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
    // reliability: 4 layers and a config need 17 requests at most: HEAD, POST, PUT each, and HEAD, PUT for the manifest.
    assert_eq!(requests.len(), 17, "{requests:#?}");
    let blobs: u64 = image.blobs.iter().map(|b| b.len() as u64).sum();
    let received: u64 = requests.iter().map(|r| r.received).sum();
    assert_eq!(received, blobs + image.manifest.len() as u64, "no byte of a blob goes twice");
}

/// What a push survives: the fault, and how often it must have happened for the case to mean anything.
const SURVIVED: &[(&str, u32)] = &[
    ("do=drop,on=POST", 1),
    ("do=drop,on=PUT,path=/blobs/", 1),
    ("do=drop,on=PUT,path=/manifests/", 1),
    ("do=drop,on=PUT,path=/manifests/v1", 1),
    ("do=drop,on=HEAD", 1),
    ("do=drop-body:100000,on=PUT,path=/blobs/", 1),
    ("do=reset-body:500,on=PUT,path=/blobs/,times=5", 5),
    ("do=reset,on=PUT,times=2", 2),
    ("do=status:429,retry-after=2,on=PUT,times=2", 2),
    ("do=status:503,on=POST,times=2", 2),
    ("do=status:500,on=PUT,path=/blobs/,times=2", 2),
    ("do=status:500,on=PUT,path=/manifests/,times=2", 2),
    ("do=status:400,on=PUT,path=/blobs/", 1),
    ("do=lost-response,on=POST", 1),
    ("do=lost-response,on=PUT,path=/blobs/", 1),
    ("do=lost-response,on=PUT,path=/manifests/", 1),
    ("do=lost-response,on=PUT,path=/manifests/v1", 1),
    ("do=lose-session,on=PUT,path=/blobs/", 1),
    ("do=head-lies,times=0", 5),
    ("do=status:405,on=HEAD,times=0", 5),
    ("do=location:absolute,times=0", 5),
    ("do=location:relative,times=0", 5),
    ("do=location:noslash,times=0", 5),
    ("do=keepalive-drop,times=0", 17),
    ("do=close,times=0", 17),
    ("do=stall:0.05,times=9", 9),
    ("do=patch-status:201,times=0", 17),
    ("do=warning:soon gone,times=0", 17),
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

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let stage = Stage::new(&["do=status:429,retry-after=2,on=PUT,path=/manifests/,times=3"]);
    stage.push("demo", &Image::of(&[])).unwrap();
    let waits = stage.clock.waits();
    assert_eq!(waits.len(), 3);
    assert!(waits.iter().all(|wait| (2.0..3.0).contains(&wait.as_secs_f64())), "{waits:?}");
}

#[test]
fn a_lost_answer_does_not_cost_a_second_upload() {
    let stage = Stage::new(&["do=lost-response,on=PUT,path=/blobs/"]);
    let image = Image::of(&[pattern(1, 500_000)]);
    stage.push("demo", &image).unwrap();
    let received: u64 =
        stage.server.requests().iter().filter(|r| r.target.contains("/blobs/")).map(|r| r.received).sum();
    assert_eq!(received, image.blobs.iter().map(|b| b.len() as u64).sum::<u64>());
}

/// What a push gives up: the fault, the kind of error, and words of its text.
const GIVEN_UP: &[(&str, ErrorKind, &[&str])] = &[
    ("do=status:429,on=PUT,path=/blobs/,times=0", ErrorKind::Network, &["429", "6 attempts", "sending blob sha256:"]),
    ("do=status:503,on=POST,times=0", ErrorKind::Network, &["503", "6 attempts"]),
    ("do=drop,on=PUT,path=/manifests/,times=0", ErrorKind::Network, &["6 attempts"]),
    ("do=status:400,on=PUT,path=/blobs/,times=0", ErrorKind::Network, &["400"]),
    ("do=lose-session,on=PUT,path=/blobs/,times=0", ErrorKind::Network, &["BLOB_UPLOAD_UNKNOWN"]),
    ("do=early-status:413,on=PUT,path=/manifests/,times=0", ErrorKind::Network, &["413"]),
    ("do=location:missing,times=0", ErrorKind::Network, &["Location"]),
    ("do=location:garbage,times=0", ErrorKind::Network, &["Location"]),
    ("do=status:403,on=POST,times=0", ErrorKind::Denied, &["403"]),
    ("do=unauthorized,times=0", ErrorKind::Denied, &["401"]),
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

#[test]
fn a_registry_that_says_nothing_is_given_up() {
    let patience = |_| Settings { progress_timeout: Duration::from_millis(100), ..Settings::default() };
    let stage = Stage::with(Options::default(), patience, &["do=hang,on=POST,times=0"]);
    let error = stage.push("demo", &Image::of(&[])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    let attempts = stage.count("POST", "/blobs/uploads/");
    assert!((6..=7).contains(&attempts), "{attempts}: a kept connection may have died without being an attempt");
    let stage = Stage::with(Options::default(), patience, &["do=hang,on=POST"]);
    stage.push("demo", &Image::of(&[])).unwrap();
}

#[test]
fn a_registry_that_is_not_there_is_named() {
    let stage = Stage::new(&[]);
    let address = stage.server.address();
    let Stage { server, network, clock: _ } = stage;
    drop(server);
    let registry = Registry::open(&network, &format!("{address}/demo:v1").parse().unwrap()).unwrap();
    let error = registry.resolve("v1").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[test]
fn many_faults_at_once_are_survived() {
    // Every request has one chance in four to meet one of these, from a fixed sequence.
    let faults = ["drop", "reset", "status:503", "lost-response", "keepalive-drop", "drop-body:100"];
    for seed in 0..20 {
        let plan: Vec<String> = pattern(seed, 400)
            .chunks(2)
            .enumerate()
            .filter(|(_, bytes)| bytes[0] < 64)
            .map(|(nth, bytes)| format!("do={},nth={}", faults[bytes[1] as usize % faults.len()], nth + 1))
            .collect();
        let stage = Stage::new(&plan.iter().map(String::as_str).collect::<Vec<_>>());
        let layers: Vec<_> = (0..8).map(|layer| pattern(layer, 2_000)).collect();
        let image = Image::of(&layers);
        let pushed = stage.push("demo", &image);
        assert!(pushed.is_ok(), "seed {seed}: {}", pushed.unwrap_err());
        image.assert_pushed(&stage, "demo", &format!("seed {seed}"));
    }
}
