//! What is written, read with somebody else's reader; what is read, written with somebody else's writer.

use super::*;
use crate::copy::{CopyOptions, copy};
use crate::{Content, Error, ErrorKind, Layout, Memory, Store, Verified};
use oci_merge_image::{Descriptor, Digest, LayerPath, MediaType};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};

fn push(store: &dyn Store, media_type: MediaType, bytes: &[u8]) -> Descriptor {
    let descriptor = Descriptor::of(media_type, bytes);
    store.push(&descriptor, &bytes).unwrap();
    descriptor
}

/// The tar of a layer that holds one empty file.
fn layer(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(0);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, &[][..]).unwrap();
    tar.into_inner().unwrap()
}

fn config(diff_ids: &[Digest]) -> Vec<u8> {
    let rootfs = json!({ "type": "layers", "diff_ids": diff_ids });
    json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs, "config": { "Cmd": ["x"] } })
        .to_string()
        .into_bytes()
}

/// An image of plain layers, and its manifest as JSON.
fn image(store: &dyn Store, layers: &[&str]) -> (Descriptor, Value) {
    let tars: Vec<Vec<u8>> = layers.iter().map(|name| layer(name)).collect();
    let config = config(&tars.iter().map(|tar| Digest::of(tar)).collect::<Vec<_>>());
    let config = push(store, MediaType::ImageConfig, &config);
    let layers: Vec<Descriptor> = tars.iter().map(|tar| push(store, MediaType::ImageLayer, tar)).collect();
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": MediaType::ImageManifest, "config": config, "layers": layers });
    (push(store, MediaType::ImageManifest, manifest.to_string().as_bytes()), manifest)
}

fn written(images: &[(&[&str], &Descriptor)], from: &dyn Store) -> crate::Result<Vec<u8>> {
    let names: Vec<Vec<String>> =
        images.iter().map(|(names, _)| names.iter().map(|name| name.to_string()).collect()).collect();
    let images: Vec<Image<'_>> =
        names.iter().zip(images).map(|(names, (_, descriptor))| Image { names, descriptor }).collect();
    let mut out = Vec::new();
    write_archive(&images, from, &mut out).map(|()| out)
}

/// The members in their order, as the `tar` crate reads them.
fn unpacked(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut members = Vec::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let header = entry.header();
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        members.push((entry.path().unwrap().to_str().unwrap().to_owned(), bytes));
    }
    members
}

fn json_of(members: &[(String, Vec<u8>)], name: &str) -> Value {
    serde_json::from_slice(&members.iter().find(|(path, _)| path == name).unwrap().1).unwrap()
}

fn path_of(digest: &Value) -> String {
    digest.as_str().unwrap().replace("sha256:", "blobs/sha256/")
}

/// The table that a scanner makes of an archive; here the `tar` crate is it.
fn members(archive: &[u8]) -> crate::Result<Members> {
    let mut members = Members::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let entry = entry.unwrap();
        let path = LayerPath::parse(&entry.path_bytes()).unwrap();
        let (offset, size) = (entry.raw_file_position(), entry.size());
        match entry.header().entry_type() {
            tar::EntryType::Directory => {}
            tar::EntryType::Symlink => {
                members.insert(path, Member::Symlink(entry.link_name_bytes().unwrap().to_vec()))?
            }
            _ => members.insert(path, Member::File { offset, size })?,
        }
    }
    Ok(members)
}

fn opened(archive: &[u8]) -> crate::Result<ArchiveStore> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(archive).unwrap();
    ArchiveStore::open(file, "the-archive", members(archive)?)
}

/// A tar of files and, where the content begins with `->`, symbolic links.
fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        match bytes.strip_prefix(b"-> ") {
            Some(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                header.set_link_name_literal(target).unwrap();
                header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                tar.append(&header, &[][..]).unwrap();
            }
            None => {
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, name, *bytes).unwrap();
            }
        }
    }
    tar.into_inner().unwrap()
}

/// A docker-archive of one image whose layers are these files.
fn saved(layers: &[&str], files: &[(&str, &[u8])], diff_ids: &[Digest]) -> Vec<u8> {
    let config = config(diff_ids);
    let config_name = format!("{}.json", Digest::of(&config).hex());
    let list = json!([{ "Config": config_name, "RepoTags": ["x:latest"], "Layers": layers }]).to_string();
    let mut members: Vec<(&str, &[u8])> = vec![(&config_name, &config)];
    members.extend(files);
    members.push(("manifest.json", list.as_bytes()));
    packed(&members)
}

fn reason(result: crate::Result<Descriptor>) -> &'static str {
    result.unwrap_err().reason().unwrap()
}

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
fn an_archive_that_was_written_is_read_again() {
    let store = Memory::new();
    let (one, _) = image(&store, &["a", "shared"]);
    let (two, _) = image(&store, &["b", "shared"]);
    let archive = written(&[(&["r.io/a:1"], &one), (&["r.io/b:1", "r.io/b:2"], &two)], &store).unwrap();
    let names: Vec<String> = unpacked(&archive).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 2 + 3 + 2 + 2 + 3, "the shared layer is there once: {names:?}");

    let read = opened(&archive).unwrap();
    // One tag in two repositories: then the whole reference is the name.
    for (name, root) in [("r.io/a:1", &one), ("r.io/b:1", &two), ("2", &two), (&one.digest.to_string(), &one)] {
        assert_eq!(read.resolve(name).unwrap(), *root, "{name}");
    }
    assert_eq!(reason(read.resolve("")), "LAYOUT_AMBIGUOUS");
    assert_eq!(read.resolve("1").unwrap_err().kind(), ErrorKind::NotFound);

    let copied = Memory::new();
    copy(&read, &copied, &two, &CopyOptions::default(), &|_| {}).unwrap();
    let again = written(&[(&["r.io/b:1", "r.io/b:2"], &two)], &copied).unwrap();
    assert!(again == written(&[(&["r.io/b:1", "r.io/b:2"], &two)], &read).unwrap());
    assert!(copied.push(&one, &[0; 1].as_slice()).is_err());
    assert_eq!(read.push(&one, &[0; 1].as_slice()).unwrap_err().kind(), ErrorKind::Policy);
    assert_eq!(read.tag(&one, "x").unwrap_err().kind(), ErrorKind::Policy);
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
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
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

#[test]
fn what_docker_saves_becomes_an_image() {
    let (plain, shared) = (layer("a"), layer("b"));
    let mut gzip = gzip_of(&shared);
    let diff_ids = [Digest::of(&plain), Digest::of(&shared), Digest::of(&plain)];
    let files: [(&str, &[u8]); 3] =
        [("real/layer.tar", &plain), ("l/layer.tar", b"-> ../real/layer.tar"), ("z/layer.tar", &gzip)];
    let archive = saved(&["real/layer.tar", "z/layer.tar", "l/layer.tar"], &files, &diff_ids);
    let read = opened(&archive).unwrap();
    let root = read.resolve("").unwrap();
    for name in ["x:latest", "docker.io/library/x:latest", "x", &root.digest.to_string()] {
        assert_eq!(read.resolve(name).unwrap(), root, "{name}");
    }
    assert_eq!(read.resolve("y").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(opened(&archive).unwrap().resolve("").unwrap(), root, "the same archive, the same manifest");

    let config = config(&diff_ids);
    let expected = json!({
        "schemaVersion": 2, "mediaType": MediaType::ImageManifest,
        "config": Descriptor::of(MediaType::ImageConfig, &config),
        "layers": [
            Descriptor::of(MediaType::ImageLayer, &plain),
            Descriptor::of(MediaType::ImageLayerGzip, &gzip),
            Descriptor::of(MediaType::ImageLayer, &plain),
        ]
    });
    let bytes = read.fetch(&root).unwrap().read_document(1 << 20).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), expected);

    let copied = Memory::new();
    copy(&read, &copied, &root, &CopyOptions::default(), &|_| {}).unwrap();
    for blob in [&plain, &gzip, &config] {
        let descriptor = Descriptor::of(MediaType::ImageLayer, blob);
        assert_eq!(copied.fetch(&descriptor).unwrap().read_document(1 << 20).unwrap(), *blob);
    }
    gzip.push(0);
    let absent = Descriptor::of(MediaType::ImageLayer, &gzip);
    assert!(!read.exists(&absent).unwrap() && read.content(&absent).is_none());
}

/// Bytes behind the header of a gzip member; nothing here decompresses them.
fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    gzip.extend_from_slice(bytes);
    gzip
}

#[test]
fn names_in_an_archive_must_be_true_and_inside() {
    let tar = layer("a");
    let diff_id = [Digest::of(&tar)];
    let one = |name: &str, files: &[(&str, &[u8])]| {
        opened(&saved(&[name], files, &diff_id)).and_then(|store| store.resolve(""))
    };
    let right = format!("{}.tar", diff_id[0].hex());
    let wrong = format!("{}.tar", Digest::of(b"x").hex());
    let blob = format!("blobs/sha256/{}", Digest::of(b"x").hex());
    assert!(one(&right, &[(&right, &tar)]).is_ok());
    assert!(one("l/layer.tar", &[("l/layer.tar", &tar)]).is_ok());
    let legacy = format!("{}/layer.tar", Digest::of(b"x").hex());
    assert!(one(&legacy, &[(&legacy, &tar)]).is_ok(), "an identifier of the first format promises nothing");
    assert_eq!(reason(one(&wrong, &[(&wrong, &tar)])), "DIGEST_MISMATCH");
    assert_eq!(reason(one(&blob, &[(&blob, &tar)])), "DIGEST_MISMATCH");
    let link = format!("-> {wrong}");
    assert_eq!(reason(one("layer.tar", &[("layer.tar", link.as_bytes()), (&wrong, &tar)])), "DIGEST_MISMATCH");
    assert_eq!(reason(one("../../etc/passwd", &[])), "ARCHIVE_MEMBER");
    assert_eq!(reason(one("l/layer.tar", &[("l/layer.tar", b"-> /etc/passwd")])), "ARCHIVE_LINK");
    assert_eq!(reason(one("l/layer.tar", &[("l/layer.tar", b"bzip2 or so")])), "LAYER_MEDIA_TYPE");
    let other = layer("other");
    assert_eq!(reason(one("l/layer.tar", &[("l/layer.tar", &other)])), "CONFIG_DIFF_IDS");
    let too_many = saved(&["l.tar", "l.tar"], &[("l.tar", &tar)], &diff_id);
    assert_eq!(reason(opened(&too_many).unwrap().resolve("")), "CONFIG_DIFF_IDS");
}

#[test]
fn the_list_of_images_must_have_one_reading() {
    let config = config(&[]);
    let hex = Digest::of(&config).hex();
    let with = |list: &str, name: &str| {
        let files: [(&str, &[u8]); 2] = [("manifest.json", list.as_bytes()), (name, &config)];
        opened(&packed(&files)).and_then(|store| store.resolve(""))
    };
    let entry = |name: &str| format!(r#"{{"Config":"{name}","RepoTags":null,"Layers":[]}}"#);
    for name in [format!("{hex}.json"), format!("blobs/sha256/{hex}"), format!("sha256:{hex}"), "config.json".into()] {
        assert!(with(&format!("[{}]", entry(&name)), &name).is_ok(), "{name}");
    }
    let lie = format!("{}.json", Digest::of(b"x").hex());
    assert_eq!(reason(with(&format!("[{}]", entry(&lie)), &lie)), "DIGEST_MISMATCH");
    let two = format!("[{},{}]", entry("c"), entry("c"));
    assert_eq!(reason(with(&two, "c")), "ARCHIVE_AMBIGUOUS");
    assert_eq!(with("[]", "c").unwrap_err().kind(), ErrorKind::NotFound);
    for (list, expected) in [
        ("{}", "ARCHIVE_MANIFEST"),
        (r#"[],"other":[]"#, "ARCHIVE_MANIFEST"),
        (r#"[],"images":[]"#, "JSON_DUPLICATE_KEY"),
        (r#"[{"Config":"c","config":"d","Layers":[]}]"#, "JSON_DUPLICATE_KEY"),
        (r#"[{"Config":"c"}]"#, "ARCHIVE_MANIFEST"),
        ("", "JSON_SYNTAX"),
    ] {
        assert_eq!(reason(with(list, "c")), expected, "{list}");
    }
    let twice = packed(&[("manifest.json", b"[]"), ("./manifest.json", b"[]")]);
    assert_eq!(opened(&twice).err().unwrap().reason(), Some("TAR_DUPLICATE"));
    let linked = packed(&[("manifest.json", b"-> m"), ("m", b"[]")]);
    assert_eq!(opened(&linked).err().unwrap().reason(), Some("ARCHIVE_LINK"));
    let text = opened(&packed(&[("repositories", b"{}")])).err().unwrap().to_string();
    assert!(text.contains("docker before 1.10"), "{text}");
}

#[test]
fn an_archive_that_changes_is_found_out() {
    let store = Memory::new();
    let (root, manifest) = image(&store, &["a"]);
    let layer: Descriptor = serde_json::from_value(manifest["layers"][0].clone()).unwrap();
    let archive = written(&[(&["x:1"], &root)], &store).unwrap();
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("archive.tar");
    std::fs::write(&path, &archive).unwrap();
    let read = ArchiveStore::open(File::open(&path).unwrap(), "t", members(&archive).unwrap()).unwrap();
    assert!(read.fetch(&layer).unwrap().read_document(1 << 20).is_ok());
    let mut longer = layer.clone();
    longer.size += 1;
    assert_eq!(read.fetch(&longer).err().unwrap().reason(), Some("DESCRIPTOR_SIZE"));

    let mut changed = archive.clone();
    let name = format!("blobs/sha256/{}", layer.digest.hex());
    let at = archive.windows(name.len()).position(|window| window == name.as_bytes()).unwrap();
    changed[at + 512] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    let error = read.fetch(&layer).unwrap().read_document(1 << 20).unwrap_err();
    assert_eq!(error.reason(), Some("DIGEST_MISMATCH"));
    std::fs::write(&path, &archive[..at]).unwrap();
    let error: Error = read.fetch(&layer).unwrap().read_document(1 << 20).unwrap_err();
    assert_eq!(error.reason(), Some("DESCRIPTOR_SIZE"));

    let docker = saved(&["l.tar"], &[("l.tar", &vec![0; 4096])], &[Digest::of(&[0; 4096])]);
    std::fs::write(&path, &docker).unwrap();
    let read = ArchiveStore::open(File::open(&path).unwrap(), "t", members(&docker).unwrap()).unwrap();
    let at = docker.windows(5).position(|window| window == b"l.tar").unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(at as u64 + 1024).unwrap();
    assert_eq!(reason(read.resolve("")), "TAR_TRUNCATED");
}
