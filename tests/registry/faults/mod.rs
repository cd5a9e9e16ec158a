//! What networks and registries do to a client, and what must come of it: fifty kinds of misbehaviour, each with the words
//! with which it is ordered from the test registry, and the outcome.
//!
//! In every row no credential goes astray, nothing happens that no good client does, and the tag moves once or not at all.
//! Rows with figures of their own are functions in `pushing` and `pulling`. The same rows run through the program against
//! a registry of other makers: `tools/stages/faults`.

mod pulling;
mod pushing;
mod random;

use super::*;
use oci_merge_store::Error;
use oci_merge_store::server::{Auth, Realm};
use std::collections::BTreeSet;

/// How a row ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// Well: the image is there, byte for byte.
    Well,
    /// With this exit code, and these words in the error.
    Exit(u8, &'static [&'static str]),
}

/// What shows a row.
#[derive(Clone, Copy)]
enum Proof {
    /// A push under these faults.
    Push(&'static [&'static str], End),
    /// A pull under these faults.
    Pull(&'static [&'static str], End),
    /// More than an outcome.
    Test(fn()),
}

use End::{Exit, Well};
use Proof::{Pull, Push, Test};

/// Uploads in pieces of half a million bytes at most: the layer of a million goes in two.
const PIECES: &str = "do=chunk-max:500000,times=0";

#[rustfmt::skip]
const ROWS: &[(u8, Proof)] = &[
    (1, Push(&["do=drop,on=POST"], Well)),
    (2, Push(&["do=drop,on=PUT,path=/blobs/"], Well)),
    (2, Push(&[PIECES, "do=drop,on=PATCH"], Well)),
    (3, Test(pushing::a_broken_body_is_sent_again_at_most_once)),
    (4, Push(&["do=reset-body:500,on=PUT,path=/blobs/,times=5"], Well)),
    (5, Test(pushing::no_byte_that_was_kept_is_sent_twice)),
    (6, Test(pushing::a_server_that_asks_for_patience_gets_it)),
    (7, Test(pushing::a_server_that_is_busy_for_good_is_given_up_within_a_minute)),
    (8, Push(&["do=status:503,on=POST,times=2"], Well)),
    (9, Push(&["do=status:500,on=PUT,path=/blobs/,times=2"], Well)),
    (10, Push(&["do=status:500,on=PUT,path=/manifests/,times=2"], Well)),
    (11, Test(pushing::a_lost_answer_is_not_a_lost_blob)),
    (12, Push(&["do=lost-response,on=PUT,path=/manifests/"], Well)),
    (13, Push(&["do=lose-session,on=PUT,path=/blobs/,times=2"], Well)),
    (13, Push(&[PIECES, "do=lose-session,on=PATCH"], Well)),
    (13, Push(&["do=lose-session,on=PUT,path=/blobs/,times=0"], Exit(3, &["BLOB_UPLOAD_UNKNOWN"]))),
    (14, Test(pushing::a_manifest_that_is_too_large_is_told_with_its_size)),
    (15, Push(&["do=head-lies,times=0"], Well)),
    (15, Push(&["do=head-lies,times=0", "do=lacks-blobs,on=PUT,path=/manifests/,times=0"], Exit(3, &["MANIFEST_BLOB_UNKNOWN"]))),
    (16, Push(&["do=location:absolute,times=0"], Well)),
    (16, Push(&["do=location:relative,times=0"], Well)),
    (17, Push(&["do=location:missing,times=0"], Exit(3, &["Location"]))),
    (17, Push(&["do=location:garbage,times=0"], Exit(3, &["Location"]))),
    (18, Push(&["do=location:otherhost,times=0"], Well)),
    (19, Test(pushing::a_dead_connection_is_no_attempt)),
    (19, Pull(&["do=keepalive-drop,times=0"], Well)),
    (20, Push(&["do=stall:0.05,times=9"], Well)),
    (20, Pull(&["do=stall:0.05,times=4"], Well)),
    (21, Test(pushing::a_registry_that_says_nothing_is_given_up)),
    (22, Test(pulling::slow_is_not_too_slow)),
    (23, Test(pushing::a_session_instead_of_a_mount_is_used)),
    (24, Test(pushing::a_refused_mount_becomes_an_upload)),
    (25, Test(pushing::what_was_only_claimed_to_be_mounted_is_sent)),
    (26, Test(pushing::a_mount_without_the_right_to_its_source_becomes_an_upload)),
    (27, Push(&["do=status:400,on=PUT,path=/blobs/"], Well)),
    (27, Push(&["do=status:400,on=PUT,path=/blobs/,times=0"], Exit(3, &["400", "sending blob sha256:"]))),
    (28, Test(pushing::pieces_have_the_size_that_the_registry_wants)),
    (29, Push(&[PIECES, "do=patch-status:201,times=0"], Well)),
    (30, Push(&[PIECES, "do=range-stuck,on=PATCH"], Well)),
    (30, Push(&[PIECES, "do=range-stuck,on=PATCH,times=0"], Well)),
    (30, Push(&[PIECES, "do=discard-chunk,on=PATCH"], Well)),
    (30, Push(&[PIECES, "do=discard-chunk,on=PATCH,times=0"], Exit(3, &["sending blob sha256:"]))),
    (31, Test(pushing::a_tag_that_somebody_moves_is_left_to_them)),
    (32, Test(pushing::every_way_to_show_who_one_is_works)),
    (33, Test(pushing::a_token_that_runs_out_in_mid_upload_is_renewed)),
    (34, Test(pushing::a_refused_login_is_not_tried_again_and_again)),
    (35, Push(&["do=drop,host=token"], Well)),
    (35, Push(&["do=status:500,host=token,times=0"], Exit(4, &["500", "6 attempts"]))),
    (36, Test(pushing::no_login_goes_to_a_realm_that_was_not_named)),
    (37, Pull(&["do=flip:100,on=GET,path=/blobs/"], Well)),
    (37, Test(pulling::wrong_bytes_are_fetched_twice_and_no_more)),
    (38, Pull(&["do=swap,on=GET,path=/blobs/"], Well)),
    (38, Pull(&["do=swap,on=GET,path=/blobs/,times=0"], Exit(5, &["wrong bytes", "sha256:"]))),
    (38, Pull(&["do=shorter:7,on=GET,path=/blobs/"], Well)),
    (38, Pull(&["do=longer:7,on=GET,path=/blobs/"], Well)),
    (39, Test(pulling::a_broken_download_goes_on_where_it_broke)),
    (39, Pull(&["do=truncate:150000,on=GET,path=/blobs/,times=5"], Well)),
    (39, Pull(&["do=truncate-reset:150000,on=GET,path=/blobs/,times=5"], Well)),
    (40, Pull(&["do=truncate:300000,on=GET,path=/blobs/,times=2", "do=no-range,times=0"], Well)),
    (40, Pull(&["do=truncate:300000,on=GET,path=/blobs/,times=4", "do=bad-range"], Well)),
    (41, Pull(&["do=no-length,on=GET,times=0"], Well)),
    (41, Pull(&["do=chunked,on=GET,times=0"], Well)),
    (42, Pull(&["do=flip:30,on=GET,path=/manifests/v1,times=0"], Exit(5, &["wrong bytes"]))),
    (43, Test(pulling::by_tag_the_digest_in_the_header_counts_and_by_digest_it_does_not)),
    (44, Pull(&["do=content-type:text/html,on=GET,path=/manifests/,times=0"], Exit(5, &["text/html"]))),
    (44, Pull(&["do=content-type:application/vnd.oci.image.index.v1+json,on=GET,path=/manifests/,times=0"], Exit(5, &["vnd.oci.image.index"]))),
    (45, Pull(&["do=redirect:cdn,path=/blobs/,times=0"], Well)),
    (46, Pull(&["do=redirect:loop,path=/blobs/,times=0"], Exit(3, &["redirects more than 5 times"]))),
    (47, Pull(&["do=html,on=GET,path=/manifests/,times=0"], Exit(5, &["<!DOCTYPE html>"]))),
    (48, Push(&["do=status:405,on=HEAD,times=0", "do=mount:405,times=0", "do=close,times=0"], Well)),
    (48, Pull(&["do=no-range,times=0", "do=close,times=0"], Well)),
    // The other half of 49, certificates that are not to be trusted, is `registry::tests::tls` of oci-merge-store.
    (49, Test(pulling::a_registry_that_is_not_there_is_named)),
    (50, Test(random::two_hundred_pushes_with_up_to_three_faults_a_blob_end_well)),
];

#[test]
fn there_are_fifty() {
    let numbers: BTreeSet<u8> = ROWS.iter().map(|(number, _)| *number).collect();
    assert!(numbers.into_iter().eq(1..=50));
}

/// Runs the rows of one kind; half of them beside the other half, for most of them wait for a peer.
fn run(wanted: fn(&Proof) -> bool) {
    let rows: Vec<_> = ROWS.iter().filter(|(_, proof)| wanted(proof)).collect();
    std::thread::scope(|scope| {
        for half in rows.chunks(rows.len().div_ceil(2)) {
            scope.spawn(move || half.iter().for_each(|(number, proof)| show(*number, *proof)));
        }
    });
}

fn show(number: u8, proof: Proof) {
    match proof {
        Push(faults, end) => {
            let what = format!("F{number}, pushing, {}", faults.join(" "));
            let stage = stage(faults);
            let image = Image::usual();
            let result = stage.push("demo", &image).map(drop);
            if check(&what, end, result, &stage) {
                image.assert_pushed(&stage, "demo", &what);
            } else {
                assert_eq!(stage.server.tag_moves(), [], "{what}");
            }
        }
        Pull(faults, end) => {
            let what = format!("F{number}, pulling, {}", faults.join(" "));
            let (stage, image) = (stage(faults), Image::usual());
            stage.stock("demo", &image);
            let result = stage.pull("demo");
            result.iter().for_each(|pulled| image.assert_in(pulled, &what));
            check(&what, end, result.map(drop), &stage);
        }
        Test(test) => test(),
    }
}

/// A registry that wants tokens of a service on another port, with these faults.
fn stage(faults: &[&str]) -> Stage {
    Stage::with(bearer(Realm::OtherPort), |address| settings(address, "hunter2"), faults)
}

fn bearer(realm: Realm) -> Options {
    let auth = Auth::Bearer { login: login(), ttl: Duration::from_secs(300), realm };
    Options { auth, ..Options::default() }
}

/// Whether it went well, as it was meant to.
fn check(what: &str, end: End, result: Result<()>, stage: &Stage) -> bool {
    stage.assert_clean(what);
    assert!(stage.server.faults_fired().iter().all(|fired| *fired > 0), "{what}: {:?}", stage.server.faults_fired());
    let requests = stage.server.requests().len();
    assert!(requests < 120, "{what}: {requests} requests");
    match (end, result) {
        (Well, Ok(())) => true,
        (Exit(code, words), Err(error)) => {
            let text = error.to_string();
            assert_eq!(exit_code(&error), code, "{what}: {text}");
            for word in [&stage.server.address().to_string(), "demo"].into_iter().chain(words.iter().copied()) {
                assert!(text.contains(word), "{what}: no {word:?} in: {text}");
            }
            false
        }
        (_, result) => panic!("{what}: {result:?}"),
    }
}

/// What the program ends with.
fn exit_code(error: &Error) -> u8 {
    oci_merge::Error::Store { what: "demo".into(), source: error.clone() }.exit_code()
}

#[test]
fn pushes_end_as_they_should() {
    run(|proof| matches!(proof, Push(..)));
}

#[test]
fn pulls_end_as_they_should() {
    run(|proof| matches!(proof, Pull(..)));
}

#[test]
fn and_so_do_those_with_figures() {
    run(|proof| matches!(proof, Test(_)));
}
