//! The properties of `fuzz/`, on the seeds there and on changes of them: the same ones in every run.

#[allow(unreachable_pub, dead_code, reason = "it is a library of its own in fuzz/")]
#[path = "../fuzz/properties.rs"]
mod fuzz;

use oci_merge_image::LayerPath;
use oci_merge_layer::facts::FactsReader;
use oci_merge_layer::index::Facts;
use oci_merge_layer::{Limits, Rules, survey};
use std::collections::BTreeMap;
use std::path::Path;

/// Changes of each seed; `OCI_MERGE_PROPERTY_CASES` is another number.
const CASES: u64 = 150;

fn seeds(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())).collect()
}

#[test]
fn what_must_be_true_of_any_bytes_is_true_of_these() {
    let cases = std::env::var("OCI_MERGE_PROPERTY_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    for (target, property) in fuzz::ALL {
        let seeds = seeds(target);
        assert!(seeds.len() > 1, "{target}");
        for (name, seed) in &seeds {
            for case in 0..cases {
                let bytes = changed(seed, case);
                let held = std::panic::catch_unwind(|| property(&bytes));
                assert!(held.is_ok(), "change {case} of fuzz/seeds/{target}/{name}: {bytes:?}");
            }
        }
    }
}

/// A seed that is refused at once would try nothing.
#[test]
fn the_seeds_are_worth_their_name() {
    for (name, seed) in seeds("layer").iter().chain(&seeds("gzip")).chain(&seeds("zstd")) {
        assert!(survey(&seed[..], &Rules::layer(Limits::default())).is_ok(), "{name}");
    }
    for (name, seed) in seeds("facts").iter().filter(|(name, _)| name.starts_with("elf")) {
        let mut reader = FactsReader::default();
        reader.begin(&LayerPath::parse(b"a").unwrap(), seed.len() as u64);
        reader.feed(seed);
        let Some(Facts::Elf(elf)) = reader.finish() else { panic!("{name} is no ELF file to us") };
        let told = format!("{elf:?}");
        for word in ["libc.so.6", "libtool.so", "$ORIGIN/../lib", "GLIBC_2.34", "ld-linux-x86-64.so.2"] {
            let bytes = format!("{:?}", word.as_bytes());
            assert!(told.contains(word) || told.contains(bytes.trim_matches(['[', ']'])), "{name}: {word} in {told}");
        }
    }
}

/// The seed itself, then with one to four changes.
fn changed(seed: &[u8], case: u64) -> Vec<u8> {
    let mut state = case;
    let mut below = |bound: usize| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 33) as usize % bound.max(1)
    };
    let mut bytes = seed.to_vec();
    let changes = if case == 0 { 0 } else { 1 + below(4) };
    for _ in 0..changes {
        let (at, length) = (below(bytes.len()), below(20));
        let end = (at + length).min(bytes.len());
        match below(7) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << below(8),
            2 if at < bytes.len() => bytes[at] = [0, 0xff, 0x7f, b'0', b'"', b'\n', b'\\', b'['][below(8)],
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(at..end)),
            5 => {
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ if end - at >= 4 => bytes[at..at + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]),
            _ => {}
        }
    }
    bytes
}
