//! How fast the path index of a layer becomes bytes, and bytes an index.
//!
//! `cargo bench --bench index`. Whoever checks layers in a registry reads nothing else.

#![allow(missing_docs, reason = "criterion makes a public function for each group")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hot_paths::layers::tool;
use oci_merge_layer::LayerIndex;

fn index(criterion: &mut Criterion) {
    let index = tool(0, 100);
    let bytes = index.to_bytes();
    let mut group = criterion.benchmark_group(format!("index of {} entries in {} bytes", index.len(), bytes.len()));
    group.sample_size(10).throughput(Throughput::Elements(index.len() as u64));
    group.bench_function("written", |bencher| bencher.iter(|| index.to_bytes()));
    group.bench_function("read", |bencher| bencher.iter(|| LayerIndex::from_bytes(&bytes).unwrap()));
    group.finish();
}

criterion_group!(benches, index);
criterion_main!(benches);
