//! How fast a directory is packed, against what the compressor alone can do with the same tar on the same cores.
//!
//! `cargo bench --bench pack`; `PACK=DIRECTORY` packs a directory of yours instead of a made one. What counts is the
//! ratio of the two lines: the design's goal is that packing (walking, reading, digesting twice, writing the tar)
//! costs no more than a tenth on top of deflate at the default level.

#![allow(missing_docs, reason = "criterion makes a public function for each group")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on fails")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flate2::{Compress, Compression, FlushCompress};
use hot_paths::tree::{layer, tree};
use oci_merge_layer::compressor::{Compressor, Level, Pool};
use oci_merge_layer::make::Blob;
use rayon::prelude::*;
use std::io;
use std::num::NonZero;
use std::path::PathBuf;

const BLOCK: usize = 1 << 20;
const WINDOW: usize = 32 << 10;

fn pack(criterion: &mut Criterion) {
    let made = tempfile::tempdir().unwrap();
    let directory = std::env::var_os("PACK").map(PathBuf::from).unwrap_or_else(|| {
        tree(made.path(), 1_100); // 64 MiB
        made.path().to_owned()
    });
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let pool = Pool::new(threads).unwrap();
    let blob = layer(&directory, &pool, Compressor::None, Vec::new()).blob;
    let Blob::Packed(tar) = blob else { panic!("a directory is packed, never kept") };

    let mut group = criterion.benchmark_group("pack");
    group.sample_size(10).throughput(Throughput::Bytes(tar.len() as u64));
    for level in [Level::FAST, Level::DEFAULT] {
        let alone = BenchmarkId::new("the compressor alone, level", level.number());
        group.bench_function(alone, |bench| bench.iter(|| deflate(&tar, level)));
        let packing = BenchmarkId::new("a directory, level", level.number());
        group.bench_function(packing, |bench| {
            bench.iter(|| layer(&directory, &pool, Compressor::Gzip(level), io::sink()));
        });
    }
    group.finish();
}

/// Deflates a tar in memory in the same blocks, and does nothing else. Returns how large it became.
fn deflate(tar: &[u8], level: Level) -> u64 {
    let starts = (0..tar.len()).step_by(BLOCK).collect::<Vec<_>>();
    let room = || vec![0; BLOCK + BLOCK / 8 + 1024];
    let sizes = starts.par_iter().map_init(room, |output, &start| {
        let mut compress = Compress::new_with_window_bits(Compression::new(level.number().into()), false, 15);
        if start > 0 {
            compress.set_dictionary(&tar[start - WINDOW..start]).unwrap();
        }
        let block = &tar[start..tar.len().min(start + BLOCK)];
        compress.compress(block, output, FlushCompress::Sync).unwrap();
        compress.total_out()
    });
    sizes.sum()
}

criterion_group!(benches, pack);
criterion_main!(benches);
