//! The check, on indexes in memory: entries a second, and what implied directories cost.
//!
//! `cargo bench --bench check`. The design's goals are a million entries of a hundred layers well under a second,
//! three million implied directories without a trace in memory, and twice the names in at most 2.3 times the time.

#![allow(missing_docs, reason = "criterion makes a public function for each group")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hot_paths::layers::{entry, index};
use hot_paths::stack::{Stack, base, prefix};
use oci_merge_layer::check::{Level, Owns, Policy};
use oci_merge_layer::{Body, Entry};

fn many_entries(criterion: &mut Criterion) {
    let stack = Stack::of_tools(100);
    let indexes = stack.layers.iter().map(|(.., index)| index).chain(&stack.base);
    let entries = indexes.map(|index| index.len() as u64).sum();
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10).throughput(Throughput::Elements(entries));
    assert!(stack.check().is_ok());
    group.bench_function("100 layers of 10,000 entries on a base of 100,000", |bencher| {
        bencher.iter(|| stack.check());
    });
    group.finish();
}

/// 1,500 files, each 2,000 directories deep, none of which has an entry: three million implied directories.
fn implied_directories(criterion: &mut Criterion) {
    let deep = index((0..1_500).map(|n| entry(&format!("opt/t/{n}/{}f", "d/".repeat(2_000)), Body::File { size: 1 })));
    let layers = vec![("deep".to_owned(), prefix("/opt/t"), deep)];
    let stack = Stack { base: Some(base()), layers, policy: Policy::default(), owns: Owns::default() };
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10).throughput(Throughput::Elements(3_000_000));
    group.bench_function("3,000,000 implied directories", |bencher| bencher.iter(|| stack.check()));
    group.finish();
}

/// Two layers with the same names, all in one directory, or all of one inode: twice as many may take twice the time.
fn many_names(criterion: &mut Criterion) {
    let mut policy = Policy::default();
    for key in ["prefix-overlap", "identical"] {
        policy.set(key, Level::Allow).expect("a policy");
    }
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    for count in [250_000, 500_000, 1_000_000] {
        let name = |n: usize| format!("opt/t/a-file-with-a-name-{n:07}");
        let file = |n: usize| entry(&name(n), Body::File { size: 1 });
        let link = |n: usize| Entry { mode: 0o644, ..entry(&name(n), Body::HardLink { target: file(0).path }) };
        let wide = || index((0..count).map(file));
        let linked = || index(std::iter::once(file(0)).chain((1..count).map(link)));
        group.throughput(Throughput::Elements(2 * count as u64));
        for (what, tools) in [("in one directory", [wide(), wide()]), ("of one inode", [linked(), linked()])] {
            let layer = |(name, index): (&str, _)| (name.to_owned(), prefix("/opt/t"), index);
            let layers = ["one", "two"].into_iter().zip(tools).map(layer).collect();
            let stack = Stack { base: None, layers, policy: policy.clone(), owns: Owns::default() };
            assert!(stack.check().is_ok());
            group.bench_function(format!("two layers of {count} names {what}"), |bencher| {
                bencher.iter(|| stack.check());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, many_entries, implied_directories, many_names);
criterion_main!(benches);
