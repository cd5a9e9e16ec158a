//! How fast an image goes from one store to another: memory, a layout on the disk, a registry on this machine.
//!
//! `cargo bench --bench copy`. Every byte is verified on its way, so one SHA-256 at each end is what it cannot do
//! without. Into a layout, the disk has its say.

#![allow(missing_docs, reason = "criterion makes a public function for each group")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hot_paths::image::image;
use oci_merge_image::Descriptor;
use oci_merge_store::copy::{CopyOptions, copy as copy_image};
use oci_merge_store::network::{Network, Settings};
use oci_merge_store::registry::Registry;
use oci_merge_store::server::{Options, Server};
use oci_merge_store::{Layout, Memory, Store};

fn bring(from: &dyn Store, to: &dyn Store, root: &Descriptor) {
    let options = CopyOptions { tags: vec!["1".to_owned()], ..CopyOptions::default() };
    copy_image(from, to, root, &options, &|_| {}).unwrap();
}

fn copy(criterion: &mut Criterion) {
    const LAYER: usize = 4 << 20;
    let (memory, root) = image(&(1..=8_u8).map(|n| vec![n; LAYER]).collect::<Vec<_>>());
    let place = tempfile::tempdir().unwrap();
    let layout = Layout::open_or_create(&place.path().join("image")).unwrap();
    bring(&memory, &layout, &root);

    let mut group = criterion.benchmark_group("copy of 8 layers of 4 MiB");
    group.sample_size(10).throughput(Throughput::Bytes(8 * LAYER as u64));
    group.bench_function("from a layout to memory", |bencher| {
        bencher.iter_batched(Memory::new, |to| bring(&layout, &to, &root), BatchSize::PerIteration);
    });
    group.bench_function("from a layout to a layout", |bencher| {
        let new = || {
            let place = tempfile::tempdir().unwrap();
            (Layout::open_or_create(place.path()).unwrap(), place)
        };
        bencher.iter_batched(new, |(to, _place)| bring(&layout, &to, &root), BatchSize::PerIteration);
    });
    group.bench_function("from a layout to a registry", |bencher| {
        let new = || {
            let server = Server::start(Options::default()).unwrap();
            let reference = format!("{}/demo", server.address()).parse().unwrap();
            (Registry::open(&Network::new(Settings::default()), &reference).unwrap(), server)
        };
        bencher.iter_batched(new, |(to, _server)| bring(&layout, &to, &root), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, copy);
criterion_main!(benches);
