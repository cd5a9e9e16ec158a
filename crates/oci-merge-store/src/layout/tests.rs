//! What a layout keeps, what it refuses, and what is left of it when somebody dies at work.

use super::*;
use crate::contract::contract;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

/// In memory where that can be had: everything here is synced, again and again.
fn temp() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn layer(bytes: &[u8]) -> Descriptor {
    Descriptor::of(MediaType::ImageLayer, bytes)
}

/// A manifest without layers; a layout does not look into it.
fn manifest(layout: &Layout, mark: &str) -> Descriptor {
    let bytes = format!(r#"{{"schemaVersion":2,"config":{{}},"layers":[],"mark":"{mark}"}}"#).into_bytes();
    let descriptor = Descriptor::of(MediaType::ImageManifest, &bytes);
    layout.push(&descriptor, &bytes).unwrap();
    descriptor
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_layout_is_a_store() {
    let temp = temp();
    contract(&Layout::open_or_create(&temp.path().join("store")).unwrap());
    let output = Layout::output(&temp.path().join("image")).unwrap();
    contract(&*output);
    output.finish().unwrap();
}

#[test]
fn an_output_holds_what_the_specification_names_and_nothing_else() {
    let temp = temp();
    let path = temp.path().join("deep/image");
    let output = Layout::output(&path).unwrap();
    let image = manifest(&output, "a");
    output.tag(&image, "full").unwrap();
    assert!(!path.exists(), "half of it has the name already");
    output.finish().unwrap();

    assert_eq!(names(&temp.path().join("deep")), ["image"]);
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(fs::read(path.join("oci-layout")).unwrap(), br#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = format!(
        r#"{{"manifests":[{{"annotations":{{"org.opencontainers.image.ref.name":"full"}},"digest":"{}","mediaType":"application/vnd.oci.image.manifest.v1+json","size":{}}}],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}}"#,
        image.digest, image.size
    );
    assert_eq!(String::from_utf8(fs::read(path.join("index.json")).unwrap()).unwrap(), index);

    // In place, a second time: the other image stays.
    let output = Layout::output(&path).unwrap();
    let other = manifest(&output, "b");
    output.tag(&other, "small").unwrap();
    let layout = output.finish().unwrap();
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(layout.resolve("full").unwrap().digest, image.digest);
    assert_eq!(layout.resolve("small").unwrap().digest, other.digest);
    assert_eq!(layout.resolve("").unwrap_err().reason(), Some("LAYOUT_AMBIGUOUS"));
}

#[test]
fn an_output_that_fails_leaves_nothing() {
    let temp = temp();
    let path = temp.path().join("image");
    let output = Layout::output(&path).unwrap();
    manifest(&output, "a");
    drop(output);
    assert_eq!(names(temp.path()), [""; 0]);

    let output = Layout::output(&path).unwrap();
    output.finish().unwrap();
    let output = Layout::output(&path).unwrap();
    let mut blob = output.stage().unwrap();
    blob.write_all(b"half").unwrap();
    drop(blob);
    drop(output);
    assert_eq!(names(&path), ["index.json", "oci-layout"]);
}

#[test]
fn what_a_killed_writer_left_is_removed_by_the_next() {
    let temp = temp();
    // Files that nobody holds a lock on: what the kernel leaves of a process that was killed.
    let path = temp.path().join("image");
    fs::create_dir_all(temp.path().join(".image.oci-merge-7-0/blobs/sha256")).unwrap();
    fs::write(temp.path().join(".image.oci-merge-7-0/blobs/sha256/aa"), "torn").unwrap();
    let living = Layout::output(&temp.path().join("image")).unwrap();
    assert_eq!(names(temp.path()).len(), 1, "one that is being built, not two");
    Layout::output(&path).unwrap().finish().unwrap();
    drop(living);
    assert_eq!(names(temp.path()), ["image"]);

    fs::create_dir(path.join("tmp")).unwrap();
    fs::write(path.join("tmp/7-0"), "torn").unwrap();
    fs::write(path.join("lock"), "").unwrap();
    let layout = Layout::open_or_create(&path).unwrap();
    let living = layout.stage().unwrap();
    fs::write(path.join("tmp/7-1"), "torn").unwrap();
    Layout::open_or_create(&path).unwrap();
    assert_eq!(names(&path.join("tmp")).len(), 1, "the living one stays");
    layout_is_usable_after(living, &layout);
}

fn layout_is_usable_after(living: Staged, layout: &Layout) {
    let mut living = living;
    living.write_all(b"whole").unwrap();
    let descriptor = living.commit_any(MediaType::ImageLayer).unwrap();
    layout.verify(&descriptor).unwrap();
}

#[test]
fn a_writer_that_was_killed_while_it_made_the_layout_does_not_matter() {
    let temp = temp();
    for left in [&["tmp/1-0"][..], &["lock"], &["lock", "oci-layout"]] {
        let path = temp.path().join(left.join("-").replace('/', "-"));
        for name in left {
            let file = path.join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            let content = if *name == "oci-layout" { r#"{"imageLayoutVersion": "1.0.0"}"# } else { "" };
            fs::write(file, content).unwrap();
        }
        let output = Layout::output(&path).unwrap();
        output.tag(&manifest(&output, "a"), "x").unwrap();
        output.finish().unwrap();
        assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"], "{left:?}");
    }
}

#[test]
fn what_is_no_layout_is_neither_read_nor_written_to() {
    let temp = temp();
    let path = temp.path().join("home");
    assert_eq!(Layout::open(&path).unwrap_err().kind(), ErrorKind::NotFound);
    fs::create_dir(&path).unwrap();
    assert_eq!(Layout::open(&path).unwrap_err().reason(), Some("LAYOUT_VERSION"));
    fs::write(path.join("thesis.tex"), "").unwrap();
    for error in [Layout::output(&path).unwrap_err(), Layout::open_or_create(&path).unwrap_err()] {
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Policy, Some("LAYOUT_NOT_EMPTY")));
        assert!(error.to_string().contains("it holds thesis.tex"), "{error}");
    }
    assert_eq!(names(&path), ["thesis.tex"]);
    assert_eq!(Layout::output(&path.join("thesis.tex")).unwrap_err().reason(), Some("LAYOUT_NOT_EMPTY"));

    let path = temp.path().join("future");
    fs::create_dir(&path).unwrap();
    for (marker, found) in
        [(r#"{"imageLayoutVersion":"2.0.0"}"#, "found 2.0.0"), ("{}", "found nothing"), ("", "not JSON")]
    {
        fs::write(path.join("oci-layout"), marker).unwrap();
        for error in [Layout::open(&path).unwrap_err(), Layout::output(&path).unwrap_err()] {
            assert!(error.to_string().contains(found), "{error}");
        }
    }
}

#[test]
fn a_blob_that_is_no_regular_file_is_not_read() {
    let temp = temp();
    let layout = Layout::open_or_create(temp.path()).unwrap();
    let blob = layer(b"secret");
    layout.push(&blob, &&b"secret"[..]).unwrap();
    let path = layout.blob_path(&blob.digest);

    fs::rename(&path, temp.path().join("elsewhere")).unwrap();
    symlink("../../elsewhere", &path).unwrap();
    assert_eq!(layout.fetch(&blob).err().unwrap().reason(), Some("LAYOUT_BLOB_NOT_FILE"));
    assert!(layout.content(&blob).unwrap().open().is_err());
    assert!(!layout.exists(&blob).unwrap());
    layout.push(&blob, &&b"secret"[..]).unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().is_file(), "written anew, not through the link");

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("x"), "").unwrap();
    assert_eq!(layout.fetch(&blob).err().unwrap().reason(), Some("LAYOUT_BLOB_NOT_FILE"));
    layout.push(&blob, &&b"secret"[..]).unwrap();
    layout.verify(&blob).unwrap();
    assert_eq!(names(&temp.path().join("quarantine")), [format!("{}.0", blob.digest.hex())]);

    // The whole of blobs/ somewhere else.
    fs::rename(temp.path().join("blobs"), temp.path().join("away")).unwrap();
    symlink("away", temp.path().join("blobs")).unwrap();
    assert_eq!(layout.fetch(&blob).err().unwrap().reason(), Some("LAYOUT_BLOB_NOT_FILE"));
    assert_eq!(layout.push(&blob, &&b"secret"[..]).unwrap_err().reason(), Some("LAYOUT_BLOB_NOT_FILE"));
}

#[test]
fn a_blob_that_the_disk_changed_is_found_out() {
    let temp = temp();
    let layout = Layout::open_or_create(temp.path()).unwrap();
    let blob = layer(b"right bytes");
    let path = layout.blob_path(&blob.digest);
    for (wrong, reason) in [
        ("RIGHT BYTES", "DIGEST_MISMATCH"),
        ("right", "DESCRIPTOR_SIZE"),
        ("right bytes!", "DESCRIPTOR_SIZE"),
        ("", "DESCRIPTOR_SIZE"),
    ] {
        layout.push(&blob, &&b"right bytes"[..]).unwrap();
        layout.verify(&blob).unwrap();
        fs::write(&path, wrong).unwrap();
        let error = layout.verify(&blob).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (ErrorKind::Mismatch, Some(reason)), "{wrong:?}");
        assert_eq!(error.digest(), Some(&blob.digest));
        assert_eq!(layout.exists(&blob).unwrap(), wrong.len() == 11, "{wrong:?}");
    }
    let moved = layout.quarantine(&blob).unwrap().unwrap();
    assert_eq!(fs::read(moved).unwrap(), b"");
    assert_eq!(layout.quarantine(&blob).unwrap(), None);
    assert_eq!(layout.fetch(&blob).err().unwrap().kind(), ErrorKind::NotFound);
}

#[test]
fn a_file_is_adopted_only_as_what_it_is_and_never_linked() {
    let temp = temp();
    let layout = Layout::open_or_create(&temp.path().join("store")).unwrap();
    let source = temp.path().join("layer.tar");
    let bytes: Vec<u8> = (0..600_000u32).map(|i| (i % 253) as u8).collect();
    fs::write(&source, &bytes).unwrap();
    let mut file = File::open(&source).unwrap();
    let _ = file.read(&mut [0; 100]).unwrap(); // its position is its owner's affair
    let descriptor = layer(&bytes);
    layout.adopt(&file, &descriptor).unwrap();
    layout.verify(&descriptor).unwrap();
    fs::write(&source, b"changed").unwrap();
    layout.verify(&descriptor).unwrap();
    assert_eq!(layout.adopt(&file, &descriptor).unwrap_err().kind(), ErrorKind::Mismatch);

    let other = Layout::open_or_create(&temp.path().join("other")).unwrap();
    other.push(&descriptor, &*layout.content(&descriptor).unwrap()).unwrap();
    other.verify(&descriptor).unwrap();
    use std::os::unix::fs::MetadataExt;
    let inode = |l: &Layout| fs::metadata(l.blob_path(&descriptor.digest)).unwrap().ino();
    assert_ne!(inode(&layout), inode(&other));
}

#[test]
fn sha512_is_kept_under_its_own_name() {
    let temp = temp();
    let layout = Layout::open_or_create(temp.path()).unwrap();
    // printf abc | sha512sum
    let digest: Digest = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
        2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        .parse()
        .unwrap();
    let blob = Descriptor::new(MediaType::ImageLayer, digest, 3);
    layout.push(&blob, &&b"abc"[..]).unwrap();
    layout.verify(&blob).unwrap();
    assert_eq!(names(&temp.path().join("blobs/sha512")).len(), 1);
    let mut staged = layout.stage().unwrap();
    staged.write_all(b"abc").unwrap();
    let (path, size) = (staged.path(), staged.size());
    assert_eq!((fs::read(&path).unwrap(), size), (b"abc".to_vec(), 3));
    assert_eq!(staged.commit(&blob).unwrap_err().kind(), ErrorKind::Mismatch);
    assert!(!path.exists());
}

#[test]
fn a_size_that_is_wrong_is_said_before_the_digest() {
    let temp = temp();
    let layout = Layout::open_or_create(temp.path()).unwrap();
    for (written, found) in [("fiv", "expected 4 bytes, found 3"), ("fives", "expected 4 bytes, found more")] {
        let mut staged = layout.stage().unwrap();
        staged.write_all(written.as_bytes()).unwrap();
        let error = staged.commit(&layer(b"five")).unwrap_err();
        assert!(error.to_string().ends_with(found), "{error}");
    }
    assert!(!temp.path().join("blobs").exists());
}

#[test]
fn writers_of_one_layout_do_not_lose_each_others_tags() {
    let temp = temp();
    let path = temp.path().join("image");
    // All find nothing there and build beside it; the first gives it its name, the others add to it.
    let begun: Vec<Output> = (0..4).map(|_| Layout::output(&path).unwrap()).collect();
    std::thread::scope(|scope| {
        for (n, output) in begun.into_iter().enumerate() {
            scope.spawn(move || {
                output.tag(&manifest(&output, &format!("begun {n}")), &format!("begun-{n}")).unwrap();
                output.finish().unwrap();
            });
        }
        for n in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for round in 0..5 {
                    let output = Layout::output(path).unwrap();
                    output.tag(&manifest(&output, &format!("{n} {round}")), &format!("t{n}-{round}")).unwrap();
                    output.finish().unwrap();
                }
            });
        }
    });
    let layout = Layout::open(&path).unwrap();
    let entries = layout.manifests().unwrap();
    assert_eq!(entries.len(), 24);
    for entry in entries {
        layout.verify(&entry).unwrap();
    }
    assert_eq!(names(&path), ["blobs", "index.json", "oci-layout"]);
    assert_eq!(names(temp.path()), ["image"]);
}

#[test]
fn many_open_a_new_store_at_once() {
    let temp = temp();
    let path = temp.path().join("store");
    std::thread::scope(|scope| {
        for n in 0..16u32 {
            let path = &path;
            scope.spawn(move || {
                let layout = Layout::open_or_create(path).unwrap();
                let (own, shared) = (n.to_le_bytes(), [b'x'; 1000]);
                layout.push(&layer(&own), &&own[..]).unwrap();
                layout.push(&layer(&shared), &&shared[..]).unwrap();
                layout.put_facts(&Digest::of(b"x"), "index", &own).unwrap();
            });
        }
    });
    let layout = Layout::open_or_create(&path).unwrap();
    for n in 0..16u32 {
        layout.verify(&layer(&n.to_le_bytes())).unwrap();
    }
    assert_eq!(layout.facts(&Digest::of(b"x"), "index").unwrap().len(), 4);
    assert_eq!(names(&path.join("tmp")), [""; 0]);
}

#[test]
fn names_that_cannot_be_reference_names_are_refused() {
    let temp = temp();
    let layout = Layout::open_or_create(temp.path()).unwrap();
    let image = manifest(&layout, "a");
    for good in ["full", "127.0.0.1:5000/a/b:1.0_x", "_x"] {
        layout.tag(&image, good).unwrap();
        assert_eq!(layout.resolve(good).unwrap().digest, image.digest);
    }
    for bad in ["", "a b", "\u{1b}[2J", "größe"] {
        assert_eq!(layout.tag(&image, bad).unwrap_err().kind(), ErrorKind::Policy, "{bad}");
    }
}

#[test]
fn a_manifest_without_a_name_is_found_by_its_digest() {
    let temp = temp();
    let layout = Layout::open_or_create(temp.path()).unwrap();
    let image = manifest(&layout, "a");
    assert_eq!(layout.resolve(&image.digest.to_string()).unwrap(), image);
    let index = br#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}"#;
    let docker = Descriptor::of(MediaType::from("application/vnd.docker.distribution.manifest.list.v2+json"), index);
    layout.push(&docker, &&index[..]).unwrap();
    assert_eq!(layout.resolve(&docker.digest.to_string()).unwrap(), docker);
    let blob = layer(b"not a document");
    layout.push(&blob, &&b"not a document"[..]).unwrap();
    assert_eq!(layout.resolve(&blob.digest.to_string()).unwrap_err().kind(), ErrorKind::Document);
}
