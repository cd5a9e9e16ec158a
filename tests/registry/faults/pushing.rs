//! Rows about pushes that have figures.

use super::super::reuse::{push_mounting, with_base};
use super::*;
use oci_merge_image::Digest;
use oci_merge_store::Expected;
use oci_merge_store::server::{Authorization, Desk};

/// An image with one layer of this size, and its digest.
fn of_one(size: usize) -> (Image, Digest) {
    let layer = pattern(1, size);
    let digest = Digest::of(&layer);
    (Image::of(&[layer]), digest)
}

/// A registry with these faults, of which `LAYER` is the digest.
fn stage_for(digest: &Digest, faults: &[&str]) -> Stage {
    let faults: Vec<String> = faults.iter().map(|fault| fault.replace("LAYER", &digest.hex())).collect();
    stage(&faults.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Bytes of uploads that the registry has read.
fn received(stage: &Stage) -> u64 {
    stage.server.requests().iter().filter(|r| r.target.contains("/blobs/uploads/")).map(|r| r.received).sum()
}

fn bytes_of(image: &Image) -> u64 {
    image.blobs.iter().map(|blob| blob.len() as u64).sum()
}

pub(super) fn a_broken_body_is_sent_again_at_most_once() {
    for faults in [&["do=drop-body:600000,on=PUT,path=LAYER"][..], &[PIECES, "do=drop-body:200000,on=PATCH"]] {
        let (image, digest) = of_one(1_000_000);
        let stage = stage_for(&digest, faults);
        stage.push("demo", &image).unwrap();
        image.assert_pushed(&stage, "demo", faults[0]);
        let received = received(&stage);
        assert!(received > bytes_of(&image) && received <= 2 * bytes_of(&image), "{faults:?}: {received}");
    }
}

pub(super) fn no_byte_that_was_kept_is_sent_twice() {
    // The registry keeps so much, and the connection ends: of a whole blob, and of one that goes in pieces.
    for (faults, size) in [
        (&["do=partial:1200000,on=PUT,path=LAYER"][..], 2_000_000),
        (&[PIECES, "do=partial:100000,on=PATCH", "do=partial:7,on=PATCH,nth=3"], 1_000_000),
    ] {
        let (image, digest) = of_one(size);
        let stage = stage_for(&digest, faults);
        stage.push("demo", &image).unwrap();
        image.assert_pushed(&stage, "demo", faults[0]);
        // What the registry refused unread it did not receive; what it received it kept.
        assert_eq!(received(&stage), bytes_of(&image), "{faults:?}");
        assert!(stage.count("GET", "/blobs/uploads/") > 0, "the session was asked");
        assert_eq!(stage.server.blob("demo", &digest).unwrap().len(), size);
    }
    // 500 MB at 60 %, a hundredth of it: less than a tenth is sent again, by the server's log.
    let (image, digest) = of_one(5_000_000);
    let stage = stage_for(&digest, &["do=partial:3000000,on=PUT,path=LAYER"]);
    stage.push("demo", &image).unwrap();
    let again = received(&stage) - bytes_of(&image);
    assert!(stage.count("PATCH", "/blobs/") == 1 && again < 500_000, "{again} bytes again");
}

pub(super) fn a_server_that_asks_for_patience_gets_it() {
    let stage = stage(&["do=status:429,retry-after=2,on=PUT,path=/manifests/,times=2"]);
    stage.push("demo", &Image::of(&[])).unwrap();
    let waits = stage.clock.waits();
    assert_eq!(waits.len(), 2);
    assert!(waits.iter().all(|wait| (2.0..3.0).contains(&wait.as_secs_f64())), "{waits:?}");
}

pub(super) fn a_server_that_is_busy_for_good_is_given_up_within_a_minute() {
    for faults in ["do=status:429,retry-after=1,times=0", "do=status:429,retry-after=1,on=PUT,times=0"] {
        let stage = stage(&[faults]);
        let error = stage.push("demo", &Image::of(&[])).unwrap_err();
        let text = error.to_string();
        assert!(exit_code(&error) == 3 && text.contains("429") && text.contains("6 attempts"), "{text}");
        let waited: Duration = stage.clock.waits().iter().sum();
        assert!(waited < Duration::from_secs(60), "{waited:?}");
        assert_eq!(stage.server.tag_moves(), []);
        stage.assert_clean(faults);
    }
}

pub(super) fn a_lost_answer_is_not_a_lost_blob() {
    let (image, digest) = of_one(500_000);
    let stage = stage_for(&digest, &["do=lost-response,on=PUT,path=LAYER"]);
    stage.push("demo", &image).unwrap();
    image.assert_pushed(&stage, "demo", "a lost answer");
    assert_eq!(received(&stage), bytes_of(&image), "it was asked for, and not sent again");
    assert_eq!(stage.count("HEAD", &digest.to_string()), 2, "before, and after");
}

pub(super) fn a_manifest_that_is_too_large_is_told_with_its_size() {
    let (stage, image) = (stage(&["do=early-status:413,on=PUT,path=/manifests/,times=0"]), Image::usual());
    let error = stage.push("demo", &image).unwrap_err();
    let size = format!("({} bytes)", image.manifest.len());
    assert!(exit_code(&error) == 3 && error.to_string().contains(&size), "{error}");
    assert_eq!((stage.count("PUT", "/manifests/"), stage.server.tag_moves().len()), (1, 0));
}

pub(super) fn a_dead_connection_is_no_attempt() {
    let (stage, image) = (stage(&["do=keepalive-drop,times=0"]), Image::usual());
    stage.push("demo", &image).unwrap();
    image.assert_pushed(&stage, "demo", "dead connections");
    assert_eq!(stage.clock.waits(), [], "nothing was waited for");
}

pub(super) fn a_registry_that_says_nothing_is_given_up() {
    let patience = |address| Settings { progress_timeout: Duration::from_millis(100), ..settings(address, "hunter2") };
    for (fault, attempts) in [("do=hang,on=POST,times=0", Some(6)), ("do=hang,on=POST", None)] {
        let stage = Stage::with(bearer(Realm::OtherPort), patience, &[fault]);
        let pushed = stage.push("demo", &Image::of(&[]));
        match attempts {
            None => assert!(pushed.is_ok(), "{fault}: {pushed:?}"),
            Some(attempts) => {
                let error = pushed.unwrap_err();
                assert!(exit_code(&error) == 3 && error.to_string().contains("6 attempts"), "{error}");
                assert_eq!(stage.server.faults_fired(), [attempts]);
                assert_eq!(stage.server.tag_moves(), []);
            }
        }
    }
}

pub(super) fn a_session_instead_of_a_mount_is_used() {
    let (stage, image) = with_base(&["do=mount:202,times=0"]);
    push_mounting(&stage, &image).unwrap();
    image.assert_pushed(&stage, "new", "sessions");
    assert_eq!(stage.count("POST", "/blobs/uploads/"), image.blobs.len(), "no further session is opened");
}

pub(super) fn a_refused_mount_becomes_an_upload() {
    for answer in ["400", "403", "404", "405", "500"] {
        let (stage, image) = with_base(&[&format!("do=mount:{answer},times=0")]);
        push_mounting(&stage, &image).unwrap_or_else(|e| panic!("{answer}: {e}"));
        image.assert_pushed(&stage, "new", answer);
    }
}

pub(super) fn what_was_only_claimed_to_be_mounted_is_sent() {
    // Nothing is in `base`, and the registry says that it has mounted it; the manifest is the proof.
    let (stage, image) = (Stage::new(&["do=mount:lie,times=0"]), Image::usual());
    push_mounting(&stage, &image).unwrap();
    image.assert_pushed(&stage, "new", "lies");
    assert_eq!(stage.count("PUT", "/manifests/v1"), 2, "refused once");
}

pub(super) fn a_mount_without_the_right_to_its_source_becomes_an_upload() {
    let (stage, image) = (stage(&["do=unauthorized,path=mount=,times=0"]), Image::usual());
    image.blobs.iter().for_each(|blob| drop(stage.server.put_blob("base", blob).unwrap()));
    push_mounting(&stage, &image).unwrap();
    image.assert_pushed(&stage, "new", "no right");
}

pub(super) fn pieces_have_the_size_that_the_registry_wants() {
    let (most, least) = ("do=chunk-max:300000,times=0", "do=chunk-min:200000,times=0");
    for faults in [&[most][..], &["do=chunk-max:300000:416,times=0"], &[most, least]] {
        let (stage, (image, _)) = (stage(faults), of_one(1_000_000));
        stage.push("demo", &image).unwrap();
        image.assert_pushed(&stage, "demo", faults[0]);
        let requests = stage.server.requests();
        let pieces: Vec<u64> =
            requests.iter().filter(|r| r.method == "PATCH" && r.status == 202).map(|r| r.received).collect();
        assert_eq!(pieces.iter().sum::<u64>(), 1_000_000, "{faults:?}: {pieces:?}");
        let (_, all_but_last) = pieces.split_last().unwrap();
        assert!(pieces.iter().all(|piece| *piece <= 300_000), "{pieces:?}");
        assert!(all_but_last.iter().all(|piece| *piece >= 200_000), "{pieces:?}");
        // What was learnt is kept: the next blob begins in pieces.
        let before = stage.server.requests().len();
        let next = pattern(9, 900_000);
        stage.repository("demo").push(&Descriptor::of(MediaType::ImageLayer, &next), &next).unwrap();
        let refused = stage.server.requests()[before..].iter().filter(|r| matches!(r.status, 413 | 416)).count();
        assert_eq!(refused, 0);
    }
}

pub(super) fn a_tag_that_somebody_moves_is_left_to_them() {
    let image = Image::usual();
    let push = |stage: &Stage, expected| {
        let options = CopyOptions { tags: vec!["v1".into()], expected, ..CopyOptions::default() };
        copy(&image.store, &stage.repository("demo"), &image.root, &options, &|_| {})
    };
    let somebody_else = &["do=move-tag,on=PUT,path=/manifests/v1"];
    let racing = stage(somebody_else);
    let error = push(&racing, Some(Expected::Absent)).unwrap_err();
    let theirs = racing.server.tags("demo")["v1"].to_string();
    assert_eq!(exit_code(&error), 8, "{error}");
    assert!(error.to_string().contains(&format!("tag moved to {theirs}")), "{error}");
    assert_eq!(racing.server.tag_moves().len(), 1, "theirs");
    racing.assert_clean("a race");
    // Whoever has seen that and means to replace it says so.
    push(&racing, Some(Expected::At(theirs.parse().unwrap()))).unwrap();
    assert_eq!(racing.server.tags("demo")["v1"], image.root.digest);
    let racing = stage(somebody_else);
    push(&racing, None).unwrap();
    assert_eq!(racing.server.tags("demo")["v1"], image.root.digest);
}

pub(super) fn every_way_to_show_who_one_is_works() {
    let trusting = |address| Settings { auth_realms: vec!["127.0.0.3".into()], ..settings(address, "hunter2") };
    let basic = || Options { auth: Auth::Basic(login()), ..Options::default() };
    let in_access_token = &["do=access-token,host=token,times=0"][..];
    for (options, faults) in [
        (bearer(Realm::OtherHost), &[][..]),
        (bearer(Realm::OtherPort), &[]),
        (bearer(Realm::Registry), &[]),
        (bearer(Realm::OtherPort), in_access_token),
        (basic(), &[]),
    ] {
        let what = format!("{:?} {faults:?}", options.auth);
        let (stage, image) = (Stage::with(options, trusting, faults), Image::usual());
        stage.push("demo", &image).unwrap_or_else(|e| panic!("{what}: {e}"));
        image.assert_pushed(&stage, "demo", &what);
    }
    // An upload that lies at another host gets neither.
    let (stage, image) =
        (Stage::with(basic(), trusting, &["do=location:otherhost,on=POST,times=0"]), Image::of(&[pattern(1, 9_000)]));
    stage.push("demo", &image).unwrap();
    stage.assert_clean("uploads at another host");
}

pub(super) fn a_token_that_runs_out_in_mid_upload_is_renewed() {
    let auth = Auth::Bearer { login: login(), ttl: Duration::from_millis(200), realm: Realm::OtherPort };
    // The stall is longer than the token's life.
    let faults = [PIECES, "do=stall:0.3,on=PATCH,nth=2"];
    let stage = Stage::with(Options { auth, ..Options::default() }, |address| settings(address, "hunter2"), &faults);
    let (image, _) = of_one(1_000_000);
    stage.push("demo", &image).unwrap();
    image.assert_pushed(&stage, "demo", "short tokens");
    assert!(stage.server.requests().iter().filter(|r| r.desk == Desk::Token).count() > 1);
}

pub(super) fn a_refused_login_is_not_tried_again_and_again() {
    let stage = stage(&["do=unauthorized,times=0"]);
    let error = stage.push("demo", &Image::of(&[])).unwrap_err();
    assert_eq!((exit_code(&error), stage.server.tag_moves().len()), (4, 0), "{error}");
    for desk in [Desk::Registry, Desk::Token] {
        let asked = stage.server.requests().iter().filter(|r| r.desk == desk).count();
        assert!(asked <= 3, "{desk:?}: {asked}");
    }
}

pub(super) fn no_login_goes_to_a_realm_that_was_not_named() {
    let url = |url: &str| Realm::Url(url.into());
    let realms = [
        Realm::OtherHost,
        url("http://192.0.2.1/token"),
        url("http://auth.example.com/token"),
        url("http://169.254.169.254/latest"),
        url("http://localhost.example.com/token"),
    ];
    for realm in realms {
        let what = format!("{realm:?}");
        let stage = Stage::with(bearer(realm), |address| settings(address, "hunter2"), &[]);
        let error = stage.push("demo", &Image::of(&[])).unwrap_err();
        assert_eq!(exit_code(&error), 4, "{what}: {error}");
        let requests = stage.server.requests();
        assert!(requests.iter().all(|r| r.authorization == Authorization::None), "{what}: {requests:?}");
    }
}
