//! Path indexes of layers that nobody had to pack.

use oci_merge_image::{DiffId, Digest, LayerPath};
use oci_merge_layer::{Body, Entry, IndexBuilder, LayerIndex, Time, Xattrs};

/// An entry of a usual mode, owned by root.
pub fn entry(path: &str, body: Body) -> Entry {
    let path = LayerPath::parse(path.as_bytes()).unwrap_or_default();
    let mode = if body == Body::Directory { 0o755 } else { 0o644 };
    Entry { path, body, mode, uid: 0, gid: 0, mtime: Time::default(), xattrs: Xattrs::new() }
}

/// Of these entries; each file has a content of its own.
pub fn index(entries: impl Iterator<Item = Entry>) -> LayerIndex {
    let mut index = IndexBuilder::default();
    let mut state = 1_u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()
    };
    for entry in entries {
        let content = matches!(entry.body, Body::File { .. }).then(|| {
            let mut digest = [0; 32];
            digest.chunks_exact_mut(8).for_each(|part| part.copy_from_slice(&word()));
            digest
        });
        index.push(&entry, content, None).unwrap();
    }
    let digest = Digest::of(b"a layer");
    index.finish(digest.clone(), DiffId(digest)).unwrap()
}

/// A tool with so many directories of 99 files each, paths of about 60 bytes.
pub fn tool(number: usize, directories: usize) -> LayerIndex {
    let directory = move |n: usize| format!("opt/tool-{number:03}/lib/package-{n:03}");
    index((0..directories).flat_map(move |n| {
        let files = (0..99).map(move |f| format!("{}/module-with-a-name-{f:03}.so", directory(n)));
        let directory = entry(&directory(n), Body::Directory);
        std::iter::once(directory).chain(files.map(|path| entry(&path, Body::File { size: 100 })))
    }))
}
