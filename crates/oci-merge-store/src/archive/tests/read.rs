//! What is read: archives of our own, and those that somebody else's writer makes.

use super::*;

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
