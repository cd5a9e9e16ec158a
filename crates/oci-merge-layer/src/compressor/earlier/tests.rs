//! What is taken over of what was compressed before, and that it shows nowhere.

use crate::compressor::{Blocks, Compressed, Compressor, Earlier, Level, Pool};
use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::num::NonZero;

const FAST: Compressor = Compressor::Gzip(Level::FAST);

/// Files of a layer: a name, and a content.
type Files = Vec<(String, Vec<u8>)>;

/// 200 files of up to 60 KB, then one of 3 MB, then 10 of up to 600 KB; none like another.
fn files() -> Files {
    let mut state = 1_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    let sizes = (0..211).map(|n| [60_000, 3_000_000, 600_000][usize::from(n >= 200) + usize::from(n > 200)]);
    let mut file = |(n, most): (usize, u32)| {
        let size = if most > 1_000_000 { most } else { next() % most };
        let mut content = Vec::new();
        while content.len() < size as usize {
            content.extend_from_slice(format!("{:x} ", next() >> 9).as_bytes());
        }
        (format!("opt/tool/{n}"), content)
    };
    sizes.enumerate().map(&mut file).collect()
}

fn compress(compressor: Compressor, files: &Files, earlier: Option<Earlier>) -> (Vec<u8>, Blocks) {
    let pool = Pool::new(NonZero::new(2).unwrap()).unwrap();
    let mut stream = Compressed::new(&pool, compressor, earlier, Vec::new()).unwrap();
    for (name, content) in files {
        stream.entry(name.as_bytes(), content.len() as u64).unwrap();
        let header = format!("{name:512}");
        stream.write_all(header.as_bytes()).unwrap();
        stream.write_all(content).unwrap();
    }
    stream.finish().unwrap()
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The blocks as JSON, changed.
fn changed(blocks: &Blocks, change: impl Fn(&mut serde_json::Value)) -> Blocks {
    let mut json = serde_json::to_value(blocks).unwrap();
    change(&mut json);
    serde_json::from_value(json).unwrap()
}

fn rows(blocks: &Blocks) -> Vec<String> {
    serde_json::to_value(blocks).unwrap()["rows"].as_array().unwrap().iter().map(|row| row["of"].to_string()).collect()
}

#[test]
fn after_a_change_nearly_all_blocks_are_as_they_were_and_the_bytes_are_those_without_them() {
    let before = files();
    let (blob, blocks) = compress(FAST, &before, None);
    let known: HashSet<String> = rows(&blocks).into_iter().collect();
    let change = |what: &str, change: &dyn Fn(&mut Files)| {
        let mut after = before.clone();
        change(&mut after);
        let earlier = Earlier::new(file(&blob), blocks.clone());
        let expected = compress(FAST, &after, None);
        assert!(compress(FAST, &after, Some(earlier)) == expected, "{what}");
        let rows = rows(&expected.1);
        let new = rows.iter().filter(|row| !known.contains(*row)).count();
        // The block of the change, the one after it, which refers to it, and some until ends meet.
        assert!((1..=6).contains(&new), "{what}: {new} of {} blocks are new", rows.len());
    };
    assert!(known.len() > 15, "{} blocks", known.len());
    change("a file more", &|files| files.insert(7, ("opt/tool/6a".into(), b"new".to_vec())));
    change("a file less", &|files| drop(files.remove(100)));
    change("a longer file", &|files| files[150].1.extend_from_slice(&[b'x'; 70_000]));
    change("another byte of the large file", &|files| files[200].1[2_000_000] ^= 1);
    change("another name among larger files", &|files| files[205].0.push('-'));
    change("a file more at the end", &|files| files.push(("opt/tool/z".into(), b"new".to_vec())));
}

#[test]
fn a_block_is_taken_over_and_not_compressed_again() {
    // The table says that the blob was made by another compressor, and so the bytes are the other's.
    let (files, best) = (files(), Compressor::Gzip("9".parse().unwrap()));
    let (blob, blocks) = compress(best, &files, None);
    let lying = changed(&blocks, |json| json["version"] = FAST.version().into());
    assert!(compress(FAST, &files, Some(Earlier::new(file(&blob), lying))).0 == blob);
    // Where the table says so, the blob of another compressor is of no use.
    let fast = compress(FAST, &files, None).0;
    assert!(fast != blob && compress(FAST, &files, Some(Earlier::new(file(&blob), blocks))).0 == fast);
}

#[test]
fn what_is_damaged_is_compressed_again() {
    let files = files();
    let (blob, blocks) = compress(FAST, &files, None);
    let expected = blob.clone();
    let same = |what: &str, blob: &[u8], blocks: Blocks| {
        let found = compress(FAST, &files, Some(Earlier::new(file(blob), blocks))).0;
        assert!(found == expected, "{what}");
    };
    let mut flipped = blob.clone();
    flipped.iter_mut().step_by(9_973).for_each(|byte| *byte ^= 0x10);
    same("bits of the blob", &flipped, blocks.clone());
    same("half of the blob", &blob[..blob.len() / 2], blocks.clone());
    same("nothing of the blob", b"", blocks.clone());
    same("zeros", &vec![0; blob.len()], blocks.clone());
    let each = |change: fn(&mut serde_json::Value)| {
        changed(&blocks, |json| json["rows"].as_array_mut().unwrap().iter_mut().for_each(change))
    };
    same("lengths", &blob, each(|row| row["output"]["length"] = u32::MAX.into()));
    same("no lengths", &blob, each(|row| row["output"]["length"] = 0.into()));
    same("another input", &blob, each(|row| row["of"]["input"]["crc"] = 5.into()));
    // Sums that fit what is not the block: only unpacking it tells.
    let sums = blocks_of_another(&blob, &blocks);
    same("another block, with its own sum", &sums.0, sums.1);
}

/// A blob in which every block is the first one, and a table that says so.
fn blocks_of_another(blob: &[u8], blocks: &Blocks) -> (Vec<u8>, Blocks) {
    let first = serde_json::to_value(blocks).unwrap()["rows"][0]["output"].clone();
    let length = first["length"].as_u64().unwrap() as usize;
    let count = rows(blocks).len();
    let bytes = [&blob[..10], &blob[10..10 + length].repeat(count)].concat();
    let lying = changed(blocks, |json| {
        json["rows"].as_array_mut().unwrap().iter_mut().for_each(|row| row["output"] = first.clone());
    });
    (bytes, lying)
}
