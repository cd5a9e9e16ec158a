//! What is written, read with somebody else's reader.

use super::*;

#[test]
fn an_archive_is_a_layout_and_a_docker_archive_at_once() {
    let store = Memory::new();
    let (root, manifest) = image(&store, &["a", "b"]);
    let archive = written(&[(&["base:1", "r.io/x/y:2"], &root)], &store).unwrap();
    let members = unpacked(&archive);

    let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    let mut expected = vec!["blobs/".to_owned(), "blobs/sha256/".to_owned()];
    let digests = [
        &json!(root.digest),
        &manifest["config"]["digest"],
        &manifest["layers"][0]["digest"],
        &manifest["layers"][1]["digest"],
    ];
    let mut blobs = digests.map(path_of);
    blobs.sort();
    expected.extend(blobs);
    expected.extend(["index.json", "manifest.json", "oci-layout"].map(str::to_owned));
    assert_eq!(names, expected);
    for (name, bytes) in members.iter().filter(|(name, _)| name.starts_with("blobs/sha256/") && !name.ends_with('/')) {
        assert_eq!(*name, format!("blobs/sha256/{}", Digest::of(bytes).hex()));
    }

    assert_eq!(json_of(&members, "oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }));
    let layers = [path_of(&manifest["layers"][0]["digest"]), path_of(&manifest["layers"][1]["digest"])];
    let expected = json!([{
        "Config": path_of(&manifest["config"]["digest"]),
        "RepoTags": ["docker.io/library/base:1", "r.io/x/y:2"], "Layers": layers
    }]);
    assert_eq!(json_of(&members, "manifest.json"), expected);
    let entry = |short: &str, full: &str| {
        let names = json!({ "io.containerd.image.name": full, "org.opencontainers.image.ref.name": short });
        json!({ "mediaType": MediaType::ImageManifest, "digest": root.digest, "size": root.size, "annotations": names })
    };
    let index = json_of(&members, "index.json");
    assert_eq!(index["manifests"], json!([entry("1", "docker.io/library/base:1"), entry("2", "r.io/x/y:2")]));

    assert_eq!(archive.len() % 512, 0);
    assert!(archive.ends_with(&[0; 1024]));
    assert!(written(&[(&["base:1", "r.io/x/y:2"], &root)], &store).unwrap() == archive, "the same bytes again");
}

#[test]
fn an_index_of_several_platforms_is_in_the_layout_only() {
    let store = Memory::new();
    let with_platform = |layer: &str, architecture: &str, os: &str| {
        let mut entry = json!(image(&store, &[layer]).0);
        entry["platform"] = json!({ "architecture": architecture, "os": os });
        entry
    };
    let (amd, arm) = (with_platform("a", "amd64", "linux"), with_platform("b", "arm64", "linux"));
    let attestation = with_platform("c", "unknown", "unknown");
    for (manifests, docker) in [(json!([amd, arm]), false), (json!([amd, attestation]), true), (json!([]), false)] {
        let index = json!({ "schemaVersion": 2, "mediaType": MediaType::ImageIndex, "manifests": manifests });
        let root = push(&store, MediaType::ImageIndex, index.to_string().as_bytes());
        let members = unpacked(&written(&[(&["x:1"], &root)], &store).unwrap());
        assert_eq!(json_of(&members, "index.json")["manifests"][0]["digest"], json!(root.digest));
        assert_eq!(members.iter().any(|(name, _)| name == "manifest.json"), docker, "{manifests}");
    }
}

#[test]
fn what_cannot_be_a_name_is_refused_before_a_byte_is_written() {
    let store = Memory::new();
    let (one, two) = (image(&store, &["a"]).0, image(&store, &["b"]).0);
    let pinned = format!("x@{}", one.digest);
    for bad in ["", "A/B", "x:", "a b", &pinned] {
        assert_eq!(written(&[(&[bad], &one)], &store).unwrap_err().kind(), ErrorKind::Policy, "{bad:?}");
    }
    let clash = written(&[(&["x:1"], &one), (&["docker.io/library/x:1"], &two)], &store).unwrap_err();
    assert!(clash.to_string().contains("docker.io/library/x:1 cannot be the name of two images"), "{clash}");
    let twice = unpacked(&written(&[(&["x:1", "docker.io/library/x:1"], &one)], &store).unwrap());
    assert_eq!(json_of(&twice, "index.json")["manifests"].as_array().unwrap().len(), 1);
    let nameless = unpacked(&written(&[(&[], &one)], &store).unwrap());
    assert_eq!(json_of(&nameless, "manifest.json")[0]["RepoTags"], json!([]));
    assert_eq!(json_of(&nameless, "index.json")["manifests"], json!([one]));
}

#[test]
fn a_name_longer_than_the_field_and_a_size_beyond_octal_are_written_for_all_readers() {
    // printf '' | sha512sum
    let digest: Digest = "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce\
        47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
        .parse()
        .unwrap();
    let store = Memory::new();
    let long = Descriptor::new(MediaType::ImageLayer, digest.clone(), 0);
    store.push(&long, &[].as_slice()).unwrap();
    let config = push(&store, MediaType::ImageConfig, &config(&[Digest::of(b"")]));
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [long] });
    let root = push(&store, MediaType::ImageManifest, manifest.to_string().as_bytes());
    let archive = written(&[(&["x:1"], &root)], &store).unwrap();
    let path = format!("blobs/sha512/{}", digest.hex());
    assert!(unpacked(&archive).iter().any(|(name, bytes)| *name == path && bytes.is_empty()));

    /// A store with a layer of 9 GiB, of which nobody gets to the end here.
    struct Vast(Memory, Descriptor);
    impl Store for Vast {
        fn name(&self) -> String {
            "vast".into()
        }
        fn resolve(&self, reference: &str) -> crate::Result<Descriptor> {
            self.0.resolve(reference)
        }
        fn exists(&self, descriptor: &Descriptor) -> crate::Result<bool> {
            self.0.exists(descriptor)
        }
        fn fetch(&self, descriptor: &Descriptor) -> crate::Result<Verified> {
            match descriptor.digest == self.1.digest {
                true => Ok(Verified::new(descriptor, "vast", std::io::repeat(7))),
                false => self.0.fetch(descriptor),
            }
        }
        fn push(&self, _: &Descriptor, _: &dyn Content) -> crate::Result<()> {
            unreachable!("only read")
        }
        fn tag(&self, _: &Descriptor, _: &str) -> crate::Result<()> {
            unreachable!("only read")
        }
    }
    let layer = Descriptor::new(MediaType::ImageLayer, Digest::from_sha256([0; 32]), 9 << 30);
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
    let root = push(&store, MediaType::ImageManifest, manifest.to_string().as_bytes());
    /// Takes one MiB and is full then.
    struct Full(Vec<u8>);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0.len() > 1 << 20 {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            // A pipe may take less than it is given.
            let some = &bytes[..bytes.len().min(300)];
            self.0.extend_from_slice(some);
            Ok(some.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut full = Full(Vec::new());
    let error = write_archive(&[Image { names: &[], descriptor: &root }], &Vast(store, layer), &mut full).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disk);
    let mut archive = tar::Archive::new(&full.0[..]);
    let sizes: BTreeMap<String, u64> = archive
        .entries()
        .unwrap()
        .map_while(|entry| entry.ok())
        .map(|entry| (entry.path().unwrap().to_str().unwrap().to_owned(), entry.size()))
        .collect();
    assert_eq!(sizes[&format!("blobs/sha256/{}", "0".repeat(64))], 9 << 30);
}

#[test]
fn content_that_is_wrong_does_not_become_an_archive() {
    let temp = tempfile::tempdir().unwrap();
    let layout = Layout::open_or_create(temp.path()).unwrap();
    let (root, manifest) = image(&layout, &["a"]);
    let layer: Descriptor = serde_json::from_value(manifest["layers"][0].clone()).unwrap();
    let path = layout.blob_path(&layer.digest);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[3] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = written(&[(&["x:1"], &root)], &layout).unwrap_err();
    assert_eq!((error.kind(), error.digest()), (ErrorKind::Mismatch, Some(&layer.digest)));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(written(&[(&["x:1"], &root)], &layout).unwrap_err().kind(), ErrorKind::NotFound);
}
