//! A directory such as tools are, and the layer that it becomes.

use oci_merge_layer::Limits;
use oci_merge_layer::check::Owns;
use oci_merge_layer::compressor::{Compressor, Pool};
use oci_merge_layer::make::{Ancestors, Input, Made, Recipe, Source, Times, Watch, make};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// Fills a directory with files, large and small, that compress about as well as programs do: 60 kB each on average,
/// and the same bytes each time.
pub fn tree(root: &Path, files: usize) {
    let mut state = 1_u32;
    let mut text = |length: usize| {
        let mut out = Vec::with_capacity(length + 16);
        while out.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let word = format!("{:x}", state >> 16);
            // Some words come again and again, as they do everywhere.
            out.extend_from_slice(if state & 0x3000_0000 == 0 { word.as_bytes() } else { b"the same again " });
        }
        out
    };
    for number in 0..files {
        let directory = root.join(format!("lib/{}", number % 37));
        fs::create_dir_all(&directory).unwrap();
        let length = if number % 11 == 0 { 600 << 10 } else { 4 << 10 };
        fs::write(directory.join(format!("file{number}")), text(length)).unwrap();
    }
}

/// Packs a directory.
pub fn layer<W: io::Write>(directory: &Path, pool: &Pool, compressor: Compressor, blob: W) -> Made<W> {
    let recipe = Recipe {
        prefix: "/opt/bench".parse().unwrap(),
        owns: Owns::default(),
        sources: vec![Source::new(Input::Directory(directory.to_owned()))],
        exclude: Vec::new(),
        ancestors: Ancestors::Emit,
        base: BTreeMap::new(),
        // As late as the files are made, and yet the same each time.
        times: Times::Set(1_000_000_000),
        compressor,
        limits: Limits::default(),
    };
    make(&recipe, pool, &Watch::nobody(), None, || Ok(blob)).unwrap()
}
