//! How fast a layer that somebody else made is read: inflated, digested twice, and looked at entry by entry.
//!
//! `cargo bench --bench read`. The design's figures for one core are 415 MB/s of tar from gzip, and some 10 ms for the
//! headers of a plain tar of 237 MB; here the contents are digested as well.

#![allow(missing_docs, reason = "criterion makes a public function for each group")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a measurement that cannot go on fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hot_paths::tree::{layer, tree};
use oci_merge_layer::compressor::{Compressor, Level, Pool};
use oci_merge_layer::make::Blob;
use oci_merge_layer::{Limits, Rules, survey};
use std::num::NonZero;

fn read(criterion: &mut Criterion) {
    let made = tempfile::tempdir().unwrap();
    tree(made.path(), 550); // 32 MiB
    let pool = Pool::new(std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)).unwrap();
    let mut group = criterion.benchmark_group("read");
    group.sample_size(10);
    for (what, compressor) in [("gzip", Compressor::Gzip(Level::DEFAULT)), ("a plain tar", Compressor::None)] {
        let Blob::Packed(blob) = layer(made.path(), &pool, compressor, Vec::new()).blob else { panic!("not packed") };
        let rules = Rules::kept(Limits::default());
        group.throughput(Throughput::Bytes(survey(&blob[..], &rules).unwrap().tar_size));
        group.bench_function(what, |bencher| bencher.iter(|| survey(&blob[..], &rules).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, read);
criterion_main!(benches);
