//! The check, on indexes in memory: entries a second, and what implied directories cost.
//!
//! `cargo bench --bench check`. The design's goals are a million entries of a hundred layers well under a second,
//! three million implied directories without a trace in memory, and twice the names in at most 2.3 times the time.

#![allow(missing_docs, reason = "criterion makes a public function for each group")]
#![allow(clippy::expect_used, reason = "a measurement that cannot go on fails")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oci_merge_image::{DiffId, Digest, LayerPath, Prefix};
use oci_merge_layer::check::{BaseView, Layer, Level, Owns, Policy, check};
use oci_merge_layer::{Body, Entry, IndexBuilder, LayerIndex, Time, Xattrs};

fn entry(path: &str, body: Body) -> Entry {
    let path = LayerPath::parse(path.as_bytes()).unwrap_or_default();
    let mode = if body == Body::Directory { 0o755 } else { 0o644 };
    Entry { path, body, mode, uid: 0, gid: 0, mtime: Time::default(), xattrs: Xattrs::new() }
}

fn index(entries: impl Iterator<Item = Entry>) -> LayerIndex {
    let mut index = IndexBuilder::default();
    for entry in entries {
        let content = matches!(entry.body, Body::File { .. }).then_some([7; 32]);
        index.push(&entry, content, None).expect("fits");
    }
    let digest = Digest::of(b"a layer");
    index.finish(digest.clone(), DiffId(digest)).expect("a good layer")
}

/// A tool: 100 directories with 100 files each, paths of about 60 bytes.
fn tool(number: usize) -> LayerIndex {
    let directory = move |n: usize| format!("opt/tool-{number:03}/lib/package-{n:03}");
    index((0..100).flat_map(move |n| {
        let files = (0..99).map(move |f| format!("{}/module-with-a-name-{f:03}.so", directory(n)));
        let directory = entry(&directory(n), Body::Directory);
        std::iter::once(directory).chain(files.map(|path| entry(&path, Body::File { size: 100 })))
    }))
}

/// A base: directories of every kind, among them some that matter to implied directories.
fn base() -> LayerIndex {
    let odd = [("tmp", 0o1777), ("root", 0o700), ("var/mail", 0o2775), ("var/local", 0o2775)];
    let odd = odd.map(|(path, mode)| Entry { mode, ..entry(path, Body::Directory) });
    let files =
        (0..100_000).map(|n| entry(&format!("usr/lib/package-{:03}/file-{n:06}", n / 200), Body::File { size: 9 }));
    index(odd.into_iter().chain(files))
}

/// `count` layers, each under its own prefix.
fn layers<'a>(indexes: &'a [LayerIndex], prefixes: &'a [(String, Prefix)], owns: &'a Owns) -> Vec<Layer<'a>> {
    let named = indexes.iter().zip(prefixes);
    named.map(|(index, (name, prefix))| Layer { name, index, prefix, owns }).collect()
}

fn prefixes(count: usize) -> Vec<(String, Prefix)> {
    let prefix = |n: usize| format!("/opt/tool-{n:03}").parse().expect("a prefix");
    (0..count).map(|n| (format!("tool-{n:03}"), prefix(n))).collect()
}

fn many_entries(criterion: &mut Criterion) {
    let (base, tools) = (base(), (0..100).map(tool).collect::<Vec<_>>());
    let (prefixes, owns) = (prefixes(tools.len()), Owns::default());
    let (layers, policy) = (layers(&tools, &prefixes, &owns), Policy::default());
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    let paths = tools.iter().chain([&base]).map(|index| index.len() as u64).sum();
    group.throughput(Throughput::Elements(paths));
    group.bench_function("100 layers of 10,000 entries on a base of 100,000", |bencher| {
        let run = || check(&BaseView::new(&[&base]), &layers, &policy);
        assert!(run().is_ok());
        bencher.iter(run);
    });
    group.finish();
}

/// 1,500 files, each 2,000 directories deep, none of which has an entry: three million implied directories.
fn implied_directories(criterion: &mut Criterion) {
    let deep = index((0..1_500).map(|n| entry(&format!("opt/t/{n}/{}f", "d/".repeat(2_000)), Body::File { size: 1 })));
    let (base, owns) = (base(), Owns::default());
    let tools = [deep];
    let prefixes = [("deep".to_owned(), "/opt/t".parse().expect("a prefix"))];
    let (layers, policy) = (layers(&tools, &prefixes, &owns), Policy::default());
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    group.throughput(Throughput::Elements(3_000_000));
    group.bench_function("3,000,000 implied directories", |bencher| {
        let view = BaseView::new(&[&base]);
        bencher.iter(|| check(&view, &layers, &policy));
    });
    group.finish();
}

/// Two layers with the same names, all in one directory, or all of one inode: twice as many may take twice the time.
fn many_names(criterion: &mut Criterion) {
    let owns = Owns::default();
    let prefixes =
        [("one", "/opt/t"), ("two", "/opt/t")].map(|(name, path)| (name.to_owned(), path.parse().expect("a prefix")));
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
            let layers = layers(&tools, &prefixes, &owns);
            group.bench_function(format!("two layers of {count} names {what}"), |bencher| {
                let run = || check(&BaseView::new(&[]), &layers, &policy);
                assert!(run().is_ok());
                bencher.iter(run);
            });
        }
    }
    group.finish();
}

criterion_group!(benches, many_entries, implied_directories, many_names);
criterion_main!(benches);
