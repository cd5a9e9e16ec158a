//! Layers that were made apart, as one.

use super::*;
use crate::ErrorKind;
use crate::make::{Layers, join};
use std::io::Cursor;
use std::sync::Arc;

fn layers(blobs: Vec<Vec<u8>>) -> Layers {
    let index = |blob: &Vec<u8>| Arc::new(survey(&blob[..], &Rules::source(Limits::default())).unwrap().index);
    let indexes = blobs.iter().map(index).collect();
    Layers::new("a+b", indexes, move |n| Ok(Box::new(Cursor::new(blobs[n].clone())) as _))
}

fn join_into(layers: &Layers, compressor: Compressor) -> Result<Vec<u8>> {
    let (descriptor, index, blob) =
        join(layers, compressor, &Limits::default(), &pool(), &Watch::nobody(), Vec::new())?;
    let survey = survey(&blob[..], &Rules::kept(Limits::default())).unwrap();
    assert_eq!((&survey.index, survey.size), (&index, descriptor.size), "what is told of it is what it is");
    Ok(blob)
}

#[track_caller]
fn become_one(parts: &[&[&str]], expected: &[&str]) {
    let blob = join_into(&layers(parts.iter().map(|lines| tar(lines)).collect()), Compressor::None).unwrap();
    assert_eq!(lines(&blob[..]), expected);
}

#[test]
fn directories_come_first_and_nothing_is_made_up() {
    become_one(
        &[
            // What implies `usr`, what says how the other's directory is, what is of nobody's packer.
            &["f usr/a =1", "d opt/x", "f opt/x/a 04755 7:8 user.k:v @5 =2"],
            &["d opt @7", "d opt/x @8", "d opt/y 0700 1:2 security.selinux:label", "p opt/y/p", "l opt/y/l ->../x"],
            &[],
            &["d opt @9", "f opt/z ="],
        ],
        &[
            "d opt @9",
            "d opt/x @8",
            "d opt/y 0700 1:2 security.selinux:label",
            "f usr/a =1",
            "f opt/x/a 4755 7:8 @5 user.k:v =2",
            "p opt/y/p",
            "l opt/y/l ->../x",
            "f opt/z =",
        ],
    );
    become_one(&[&[], &[]], &[]);
    become_one(&[&["d . 0711 @3", "f a =1"], &["d . 0711 @4", "f b =1"]], &["d . 0711 @4", "f a =1", "f b =1"]);
}

#[test]
fn the_upper_copy_counts_and_names_of_one_file_stay_one_file() {
    let linked: &[&str] = &["f a =1", "h b ->a", "h c ->a"];
    become_one(&[linked, &["f a =2"]], &["f b =1", "h c ->b", "f a =2"]);
    become_one(&[linked, &["f b =2"]], &["f a =1", "h c ->a", "f b =2"]);
    become_one(&[&["f a =1", "f b =1"], linked], &["f a =1", "h b ->a", "h c ->a"]);
    // Two files of two layers stay two, whatever their names are for each other.
    become_one(&[&["f a =1", "h b ->a"], &["f c =1", "h d ->c"]], &["f a =1", "h b ->a", "f c =1", "h d ->c"]);
}

#[test]
fn how_the_parts_are_compressed_does_not_show() {
    use flate2::{Compression, write::GzEncoder};
    let gzip = |tar: Vec<u8>| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&tar).unwrap();
        encoder.finish().unwrap()
    };
    let (a, b) = (tar(&["d opt", "f opt/a =1"]), tar(&["d opt", "f opt/b =2"]));
    let best = Compressor::Gzip(Level::DEFAULT);
    let plain = join_into(&layers(vec![a.clone(), b.clone()]), best).unwrap();
    assert_eq!(join_into(&layers(vec![gzip(a), gzip(b)]), best).unwrap(), plain);
}

#[test]
fn what_cannot_be_joined_is_refused() {
    let refused =
        |lines: &[&str]| join_into(&layers(vec![tar(lines), tar(&["f b =1"])]), Compressor::None).unwrap_err();
    for lines in [&["f etc/.wh.passwd ="][..], &["d . user.k:v"]] {
        let error = refused(lines);
        assert_eq!(error.kind(), ErrorKind::Source);
        assert!(error.to_string().starts_with("a+b, layer "), "{error}");
    }
    // An index that is not the blob's.
    let (blob, other) = (tar(&["f a =1"]), tar(&["f b =1"]));
    let index = Arc::new(survey(&other[..], &Rules::source(Limits::default())).unwrap().index);
    let lying = Layers::new("a", vec![index], move |_| Ok(Box::new(Cursor::new(blob.clone())) as _));
    assert_eq!(join_into(&lying, Compressor::None).unwrap_err().kind(), ErrorKind::Index);
}
