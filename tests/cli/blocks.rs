//! Of a layer that changed, only what changed is compressed again; and nobody can tell it from one made anew.

use super::store::{DAMAGES, blobs, demo, digest, forget_damage, kept, settle};
use super::{Place, Ran};
use oci_merge_image::Digest;
use std::fs;
use std::path::PathBuf;

/// The demo with a tool of 3 MB in 60 files, none like another.
fn tool() -> Place {
    let place = demo();
    for file in 0..60_u32 {
        let line = |n: u32| format!("{:x}\n", (file << 16 | n).wrapping_mul(2_654_435_761));
        place.write(&format!("demo/alpha/share/{file}"), &(0..6_000).map(line).collect::<String>());
    }
    settle();
    place
}

fn build(place: &Place) -> String {
    digest(&place.run(&["build"]).ends(0))
}

fn change(place: &Place, what: &str) {
    place.write("demo/alpha/share/20a", what);
    settle();
}

/// The record of the one layer that is large enough.
fn record(place: &Place) -> PathBuf {
    let is_one = |file: &PathBuf| file.extension().unwrap() == "blocks";
    let [record] = &kept(place, "facts").into_iter().filter(is_one).collect::<Vec<_>>()[..] else { panic!() };
    record.clone()
}

/// What the layers are, compression aside.
fn diff_ids(place: &Place) -> serde_json::Value {
    let ran: Ran = place.run(&["inspect", "image", "--json"]).ends(0);
    let image: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let layers = image["image"]["layers"].as_array().unwrap();
    layers.iter().map(|layer| layer["diff_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_layer_that_changed_is_the_same_as_if_it_were_made_anew() {
    let place = tool();
    build(&place);
    change(&place, "one");
    let after = build(&place);
    assert_eq!(digest(&place.run(&["build", "--no-cache"]).ends(0)), after);
}

#[test]
fn what_was_compressed_before_is_taken_over_unless_nothing_may_be() {
    let place = tool();
    place.run(&["build", "--compression-level", "9"]).ends(0);
    // The record says that this is what the usual level makes: then what was taken over can be seen.
    let text = fs::read_to_string(record(&place)).unwrap();
    let (_, lie) = text.split_once('\n').unwrap();
    let lie = lie.replace("level 9", "level 5");
    let lying = format!("{}\n{lie}", Digest::of(lie.as_bytes()));
    change(&place, "one");
    fs::write(record(&place), &lying).unwrap();
    let with_the_best = build(&place);
    let layers = diff_ids(&place);
    fs::write(record(&place), &lying).unwrap();
    let anew = digest(&place.run(&["build", "--no-cache"]).ends(0));
    assert_ne!(anew, with_the_best);
    assert_eq!(layers, diff_ids(&place), "unpacked, it is the same");
}

#[test]
fn what_the_disk_did_to_it_does_not_show() {
    let place = tool();
    build(&place);
    let record = record(&place);
    for (number, (damage, spoil)) in DAMAGES.iter().enumerate() {
        for what in ["record", "blobs"] {
            change(&place, &format!("{number}, the {what}"));
            match what {
                "record" => spoil(&record),
                _ => blobs(&place).iter().for_each(|blob| spoil(blob)),
            }
            let spoilt = build(&place);
            // A directory in its place stays, and is in nobody's way but the record's.
            let _ = fs::remove_dir(&record);
            forget_damage(&place);
            let anew = digest(&place.run(&["build", "--no-cache"]).ends(0));
            assert_eq!(anew, spoilt, "{damage}: the {what}");
            assert!(record.is_file(), "{damage}: the {what}");
        }
    }
}
