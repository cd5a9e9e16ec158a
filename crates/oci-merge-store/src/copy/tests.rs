//! In what order a copy does things, what it leaves out, and whom it blames. Long because each of its tests brings the
//! store that misbehaves in just that way.

use super::noted::{Noted, blob, image, name_of, named, put};
use super::*;
use crate::{Content, ErrorKind, Memory, Overlay, Verified};
use oci_merge_image::MediaType;
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

fn go(from: &dyn Store, to: &dyn Store, root: &Descriptor, options: &CopyOptions<'_>) -> Result<Ledger> {
    copy(from, to, root, options, &|_| {})
}

fn alone(tags: &[&str]) -> CopyOptions<'static> {
    CopyOptions { threads: 1, tags: tags.iter().map(|t| t.to_string()).collect(), ..CopyOptions::default() }
}

fn hows(ledger: &Ledger) -> Vec<(String, How)> {
    ledger.transfers.iter().map(|t| (name_of(&t.descriptor), t.how.clone())).collect()
}

#[test]
fn children_go_first_and_every_digest_once() {
    let from = Noted::default();
    let amd = image(&from.inner, "amd", &["config-amd", "shared layer", "layer"]);
    let arm = image(&from.inner, "arm", &["config-arm", "shared layer", "other layer"]);
    let index = json!({ "schemaVersion": 2, "manifests": [amd, arm, amd] });
    let root = put(&from.inner, MediaType::ImageIndex, &index, "index");
    let to = Noted::default();
    let ledger = go(&from, &to, &root, &alone(&["a", "b"])).unwrap();
    let mut expected = Vec::new();
    for name in ["shared layer", "other layer", "config-amd", "config-arm", "layer", "amd", "arm", "index"] {
        expected.extend([format!("exists {name}"), format!("push {name}")]);
    }
    expected.extend(["tag a index".to_owned(), "tag b index".to_owned()]);
    assert_eq!(to.log(), expected);
    let order = ["config-amd", "shared layer", "layer", "config-arm", "other layer", "amd", "arm", "index"];
    let sent: Vec<_> = order.iter().map(|name| (name.to_string(), How::Sent)).collect();
    assert_eq!(hows(&ledger), sent);

    // All of it is there now: nothing moves.
    let ledger = go(&from, &to, &root, &alone(&["a"])).unwrap();
    assert!(to.log().iter().all(|line| !line.starts_with("push")));
    assert_eq!(ledger.sent(), 0);
    for tag in ["a", "b"] {
        assert_eq!(to.resolve(tag).unwrap().digest, root.digest);
    }
}

#[test]
fn what_can_be_mounted_is_neither_asked_for_nor_fetched() {
    let from = Noted { remote: true, ..Noted::default() };
    let root = image(&from.inner, "image", &["config", "base layer", "gone layer", "own layer"]);
    let mut to = Noted::default();
    to.mountable.insert((blob("base layer").digest, "base".into()));
    let mut options = alone(&["x"]);
    for name in ["base layer", "gone layer"] {
        options.mount_from.insert(blob(name).digest, vec!["other".into(), "base".into()]);
    }
    let ledger = go(&from, &to, &root, &options).unwrap();
    let expected = [
        "mount other base layer",
        "mount base base layer",
        "mount other gone layer",
        "mount base gone layer",
        "exists gone layer",
        "push gone layer",
        "exists own layer",
        "push own layer",
        "exists config",
        "push config",
        "exists image",
        "push image",
        "tag x image",
    ];
    assert_eq!(to.log(), expected);
    assert_eq!(from.count("fetch base layer"), 0);
    assert_eq!(hows(&ledger)[1], ("base layer".into(), How::Mounted("base".into())));
}

#[test]
fn blobs_that_a_registry_only_claims_to_have_are_sent_after_all() {
    let from = Memory::new();
    let root = image(&from, "image", &["config", "layer one", "layer two"]);
    let mut to = Noted::default();
    to.claimed.insert(blob("layer one").digest);
    to.inner.push(&blob("layer two"), &b"layer two".to_vec()).unwrap();
    let ledger = go(&from, &to, &root, &alone(&["x"])).unwrap();
    assert_eq!(to.count("push image"), 2);
    assert!(hows(&ledger).iter().all(|(_, how)| *how == How::Sent), "{ledger:?}");
    assert_eq!(to.resolve("x").unwrap().digest, root.digest);
}

#[test]
fn companions_go_before_the_tag() {
    let from = Memory::new();
    let root = image(&from, "image", &["config", "layer one", "layer two"]);
    let beside = image(&from, "beside", &["empty", "what is attached"]);
    let options = CopyOptions { companions: vec![beside.clone()], ..alone(&["x"]) };
    let to = Noted { says: true, ..Noted::default() };
    let ledger = go(&from, &to, &root, &options).unwrap();
    let log = to.log();
    let at = |line: &str| log.iter().position(|l| l == line).unwrap_or_else(|| panic!("{line} in {log:?}"));
    assert!(at("push layer two") < at("push what is attached") && at("push beside") < at("push image"), "{log:?}");
    let asked: Vec<_> = log.iter().filter(|line| line.starts_with("exists")).collect();
    assert_eq!(asked, ["exists layer one", "exists layer two", "exists image"], "nothing of the image was there");
    let names: Vec<_> = ledger.companions.iter().map(|t| (name_of(&t.descriptor), t.how.clone())).collect();
    assert_eq!(names, ["empty", "what is attached", "beside"].map(|name| (name.to_owned(), How::Sent)));
    // 6 + 9 + 9 bytes of the image's blobs, 5 + 16 of the companion's.
    assert_eq!(ledger.sent(), 24 + 21 + root.size + beside.size);

    // The image is there: what goes along with it stays where it is.
    assert_eq!(go(&from, &to, &root, &options).unwrap().companions, []);
    assert_eq!(to.count("exists beside"), 0);

    // Something of the image is there: so may be something of the companion.
    let to = Noted { says: true, ..Noted::default() };
    for name in ["layer one", "what is attached"] {
        to.inner.push(&blob(name), &name.as_bytes().to_vec()).unwrap();
    }
    let ledger = go(&from, &to, &root, &options).unwrap();
    assert_eq!(ledger.companions.iter().filter(|t| t.how == How::Present).count(), 1);
}

#[test]
fn a_companion_that_is_refused_is_left_behind() {
    let from = Memory::new();
    let root = image(&from, "image", &["config", "layer"]);
    let beside = image(&from, "beside", &["empty", "what is attached"]);
    let mut to = Noted::default();
    to.refused.insert(blob("what is attached").digest);
    let left = Mutex::new(Vec::new());
    let observe = |event: CopyEvent<'_>| {
        if let CopyEvent::LeftBehind { descriptor, error } = event {
            left.lock().unwrap().push((descriptor.digest.clone(), error.kind()));
        }
    };
    let options = CopyOptions { companions: vec![beside.clone()], ..alone(&["x"]) };
    copy(&from, &to, &root, &options, &observe).unwrap();
    assert_eq!(*left.lock().unwrap(), [(beside.digest, ErrorKind::Denied)]);
    assert_eq!(to.resolve("x").unwrap().digest, root.digest);
}

#[test]
fn no_layer_is_sent_against_a_promise() {
    let from = Memory::new();
    let root = image(&from, "image", &["config", "layer one", "layer two"]);
    let layers = ["layer one", "layer two"].map(blob);
    let options = CopyOptions { no_layer_bytes: true, ..alone(&["x"]) };
    let to = Noted::default();
    to.inner.push(&layers[0], &b"layer one".to_vec()).unwrap();
    let error = go(&from, &to, &root, &options).unwrap_err();
    assert_eq!((error.reason(), error.digest()), (Some(LAYER_BYTES), Some(&layers[1].digest)));
    assert!(to.resolve("x").is_err());
    to.inner.push(&layers[1], &b"layer two".to_vec()).unwrap();
    assert_eq!(go(&from, &to, &root, &options).unwrap().sent(), 6 + root.size);
    // A registry that only says that it has a layer does not make us send it either.
    let mut to = Noted::default();
    to.claimed.extend(layers.iter().map(|layer| layer.digest.clone()));
    assert_eq!(go(&from, &to, &root, &options).unwrap_err().reason(), Some(LAYER_BYTES));
}

#[test]
fn an_error_says_at_which_end_and_no_tag_moves() {
    let good = Memory::new();
    let root = image(&good, "image", &["config", "layer"]);
    let mut to = Noted::default();
    to.refused.insert(blob("layer").digest);
    let error = go(&good, &to, &root, &alone(&["x"])).unwrap_err();
    assert_eq!((error.kind(), error.side()), (ErrorKind::Denied, Some(Side::Target)));
    assert_eq!(error.digest(), Some(&blob("layer").digest));
    assert!(to.log().iter().all(|line| !line.contains("tag") && line != "push image"));

    // A source that lies, as content that lies here and as content that is fetched.
    for remote in [false, true] {
        struct Lying(Memory, bool);
        impl Store for Lying {
            fn name(&self) -> String {
                "lying".into()
            }
            fn resolve(&self, reference: &str) -> Result<Descriptor> {
                self.0.resolve(reference)
            }
            fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
                self.0.exists(descriptor)
            }
            fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
                match name_of(descriptor).as_str() {
                    "layer" => Ok(Verified::new(descriptor, "lying", &b"LAYER"[..])),
                    _ => self.0.fetch(descriptor),
                }
            }
            fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
                (!self.1 && name_of(descriptor) == "layer").then(|| Box::new(b"LAYER".to_vec()) as Box<dyn Content>)
            }
            fn push(&self, _: &Descriptor, _: &dyn Content) -> Result<()> {
                unreachable!("a source is not written to")
            }
            fn tag(&self, _: &Descriptor, _: &str) -> Result<()> {
                unreachable!("a source is not written to")
            }
        }
        let from = Lying(Memory::new(), remote);
        let root = image(&from.0, "image", &["config", "layer"]);
        let to = Noted::default();
        let error = go(&from, &to, &root, &alone(&["x"])).unwrap_err();
        assert_eq!((error.kind(), error.side()), (ErrorKind::Mismatch, Some(Side::Source)), "{error}");
        assert_eq!(error.digest(), Some(&blob("layer").digest));
        assert!(error.to_string().starts_with("reading from lying: wrong bytes"), "{error}");
        assert_eq!(to.resolve("x").unwrap_err().kind(), ErrorKind::NotFound);
    }
    let mut absent = root.clone();
    absent.digest = Digest::of(b"absent");
    let error = go(&good, &Memory::new(), &absent, &alone(&[])).unwrap_err();
    assert_eq!((error.kind(), error.side()), (ErrorKind::NotFound, Some(Side::Source)));
}

#[test]
fn of_several_errors_it_is_the_first_in_the_order_of_the_documents() {
    let from = Memory::new();
    let root = image(&from, "image", &["config", "layer 1", "layer 2 is the largest", "layer 3 is larger"]);
    for _ in 0..20 {
        let mut to = Noted::default();
        to.refused.extend([blob("layer 2 is the largest").digest, blob("layer 3 is larger").digest]);
        let options = CopyOptions { threads: 4, ..CopyOptions::default() };
        let error = go(&from, &to, &root, &options).unwrap_err();
        let first =
            if to.count("push layer 2 is the largest") == 1 { "layer 2 is the largest" } else { "layer 3 is larger" };
        assert_eq!(error.digest(), Some(&blob(first).digest));
    }
}

#[test]
fn threads_are_used_and_bounded() {
    let names: Vec<String> = (0..40).map(|n| format!("layer {n}")).collect();
    let mut blobs = vec!["config"];
    blobs.extend(names.iter().map(String::as_str));
    let from = Memory::new();
    let root = image(&from, "image", &blobs);
    for threads in [1, 3] {
        let to = Noted::default();
        let ledger = go(&from, &to, &root, &CopyOptions { threads, ..CopyOptions::default() }).unwrap();
        assert_eq!(to.busiest.load(Ordering::SeqCst), threads);
        let order: Vec<String> = ledger.transfers.iter().map(|t| name_of(&t.descriptor)).collect();
        assert_eq!(order[..41], blobs[..], "the ledger is in the order of the documents");
    }
}

#[test]
fn a_copy_can_be_stopped_while_a_blob_moves() {
    let from = Memory::new();
    let long = "layer ".repeat(100_000);
    let root = image(&from, "image", &["config", &long]);
    let (to, cancel) = (Noted::default(), AtomicBool::new(false));
    let options = CopyOptions { cancel: Some(&cancel), ..alone(&["x"]) };
    let (moved, size) = (AtomicUsize::new(0), long.len());
    let stop = |event: CopyEvent<'_>| {
        if let CopyEvent::Progress { done, .. } = event {
            assert!(!cancel.swap(true, Ordering::Relaxed), "bytes move on");
            moved.store(done as usize, Ordering::Relaxed);
        }
    };
    let error = copy(&from, &to, &root, &options, &stop).unwrap_err();
    assert_eq!((error.kind(), error.side()), (ErrorKind::Cancelled, None));
    assert!((1..size).contains(&moved.into_inner()));
    assert!(!to.inner.exists(&root).unwrap());
    assert_eq!(to.count("tag x image"), 0);
    assert_eq!(go(&from, &to, &root, &options).unwrap_err().kind(), ErrorKind::Cancelled);
}

/// A source of one slow layer: its reader gives a byte now and then, and `first` what its first opening gives.
struct Slow {
    inner: Memory,
    name: &'static str,
    opened: AtomicUsize,
    first_fails: bool,
}

struct Drops<'a>(&'a [u8]);

impl std::io::Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(std::time::Duration::from_millis(5));
        self.0.read(&mut buffer[..1])
    }
}

struct SlowContent<'a>(&'a Slow);

impl Content for SlowContent<'_> {
    fn open(&self) -> std::io::Result<Box<dyn std::io::Read + Send + '_>> {
        match self.0.opened.fetch_add(1, Ordering::Relaxed) {
            0 if self.0.first_fails => Err(std::io::Error::other("not yet")),
            _ => Ok(Box::new(Drops(self.0.name.as_bytes()))),
        }
    }
}

impl Store for Slow {
    fn name(&self) -> String {
        "slow".into()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.inner.resolve(reference)
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        self.inner.exists(descriptor)
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        self.inner.fetch(descriptor)
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        match name_of(descriptor) == self.name {
            true => Some(Box::new(SlowContent(self))),
            false => self.inner.content(descriptor),
        }
    }

    fn push(&self, _: &Descriptor, _: &dyn Content) -> Result<()> {
        unreachable!("a source is not written to")
    }

    fn tag(&self, _: &Descriptor, _: &str) -> Result<()> {
        unreachable!("a source is not written to")
    }
}

#[test]
fn a_failure_stops_the_others_and_is_the_one_that_is_told() {
    let name = "a slow layer, and so long that it would take its time, three hundred milliseconds or more";
    let from = Slow { inner: Memory::new(), name, opened: AtomicUsize::new(0), first_fails: false };
    let root = image(&from.inner, "image", &["config", name, "refused layer"]);
    let mut to = Noted::default();
    to.refused.insert(blob("refused layer").digest);
    let options = CopyOptions { threads: 2, ..CopyOptions::default() };
    // The slow one comes first in the order of the documents, and only stops because the other one failed.
    let error = go(&from, &to, &root, &options).unwrap_err();
    assert_eq!((error.kind(), error.side()), (ErrorKind::Denied, Some(Side::Target)));
    assert_eq!(to.count(&format!("push {name}")), 1, "it had begun");
    assert!(!to.inner.exists(&blob(name)).unwrap(), "it was not sent to its end");
}

#[test]
fn a_failure_that_an_attempt_got_over_is_not_blamed() {
    let from = Slow { inner: Memory::new(), name: "slow", opened: AtomicUsize::new(0), first_fails: true };
    let root = image(&from.inner, "image", &["config", "slow"]);
    let mut to = Noted { attempts: 2, ..Noted::default() };
    let error = go(&from, &Memory::new(), &root, &alone(&[])).unwrap_err();
    assert_eq!(error.side(), Some(Side::Source), "{error}");

    from.opened.store(0, Ordering::Relaxed);
    to.refused_after_all.insert(blob("slow").digest);
    let error = go(&from, &to, &root, &alone(&[])).unwrap_err();
    assert_eq!((error.kind(), error.side()), (ErrorKind::Denied, Some(Side::Target)), "{error}");
}

#[test]
fn layers_that_may_not_be_distributed_stay_where_they_are() {
    let from = Memory::new();
    let foreign = named(MediaType::ImageLayerNonDistributableGzip, b"foreign", "foreign");
    from.push(&blob("config"), &b"config".to_vec()).unwrap();
    let manifest = json!({ "schemaVersion": 2, "config": blob("config"), "layers": [foreign] });
    let root = put(&from, MediaType::ImageManifest, &manifest, "image");
    let to = Noted::default();
    let error = go(&from, &to, &root, &alone(&[])).unwrap_err();
    assert_eq!((error.kind(), error.reason()), (ErrorKind::Policy, Some("FOREIGN_LAYER")));
    assert_eq!(to.log(), [""; 0]);
    let options = CopyOptions { allow_nondistributable: true, ..alone(&[]) };
    let ledger = go(&from, &to, &root, &options).unwrap();
    assert_eq!(hows(&ledger)[1], ("foreign".into(), How::Left));
    assert!(!to.inner.exists(&foreign).unwrap());
}

#[test]
fn what_is_no_image_is_not_followed() {
    let from = Memory::new();
    let inner = put(&from, MediaType::ImageIndex, &json!({ "schemaVersion": 2, "manifests": [] }), "inner");
    let nested = put(&from, MediaType::ImageIndex, &json!({ "schemaVersion": 2, "manifests": [inner] }), "outer");
    from.push(&blob("layer"), &b"layer".to_vec()).unwrap();
    let of_layers =
        put(&from, MediaType::ImageIndex, &json!({ "schemaVersion": 2, "manifests": [blob("layer")] }), "x");
    let (one, mut other) = (blob("layer"), blob("layer"));
    other.size += 1;
    let two_sizes = json!({ "schemaVersion": 2, "config": one, "layers": [other] });
    let two_sizes = put(&from, MediaType::ImageManifest, &two_sizes, "sizes");
    for (root, reason) in [
        (nested, "INDEX_DEPTH"),
        (of_layers, "MANIFEST_TYPE"),
        (blob("layer"), "MANIFEST_TYPE"),
        (two_sizes, "DESCRIPTOR_SIZE"),
    ] {
        let error = go(&from, &Memory::new(), &root, &alone(&[])).unwrap_err();
        assert_eq!((error.reason(), error.side()), (Some(reason), Some(Side::Source)), "{error}");
    }
}

#[test]
fn a_layer_that_is_compressed_otherwise_than_it_says_is_not_sent() {
    let gzip = [&[0x1f, 0x8b, 8, 0], &b"gzip"[..]].concat();
    let zstd = [&[0x28, 0xb5, 0x2f, 0xfd], &b"zstd"[..]].concat();
    for (media_type, bytes, fits) in [
        (MediaType::ImageLayerGzip, &gzip, true),
        (MediaType::ImageLayerZstd, &zstd, true),
        (MediaType::ImageLayerZstd, &gzip, false),
        (MediaType::ImageLayerGzip, &b"a tar".to_vec(), false),
        (MediaType::ImageLayer, &gzip, false),
        (MediaType::from("application/x-something"), &gzip, true),
    ] {
        let from = Memory::new();
        let layer = named(media_type, bytes, "layer");
        from.push(&layer, bytes).unwrap();
        from.push(&blob("config"), &b"config".to_vec()).unwrap();
        let manifest = json!({ "schemaVersion": 2, "config": blob("config"), "layers": [layer] });
        let root = put(&from, MediaType::ImageManifest, &manifest, "image");
        match go(&from, &Memory::new(), &root, &alone(&[])) {
            Ok(_) => assert!(fits, "{layer:?}"),
            Err(e) => assert_eq!((e.reason(), e.side(), fits), (Some("LAYER_MEDIA_TYPE"), Some(Side::Source), false)),
        }
    }
}

#[test]
fn documents_that_would_fill_the_memory_are_not_read() {
    let from = Memory::new();
    let mut manifests = Vec::new();
    for n in 0..5 {
        let padding = "x".repeat(4_000_000);
        let manifest = json!({ "schemaVersion": 2, "config": blob("config"), "layers": [], "n": n, "pad": padding });
        manifests.push(put(&from, MediaType::ImageManifest, &manifest, "big"));
    }
    let root = put(&from, MediaType::ImageIndex, &json!({ "schemaVersion": 2, "manifests": manifests }), "index");
    assert_eq!(go(&from, &Memory::new(), &root, &alone(&[])).unwrap_err().reason(), Some("LIMIT_DOCUMENT_BYTES"));
}

#[test]
fn what_must_be_fetched_goes_through_the_local_store_once() {
    let temp = tempfile::tempdir().unwrap();
    let cache = Layout::open_or_create(temp.path()).unwrap();
    let from = Noted { remote: true, ..Noted::default() };
    let root = image(&from.inner, "image", &["config", "layer"]);
    let to = Noted { attempts: 2, ..Noted::default() };
    let options = CopyOptions { cache: Some(&cache), ..alone(&[]) };
    go(&from, &to, &root, &options).unwrap();
    assert_eq!(from.count("fetch layer"), 1, "three attempts at the target, one at the source");
    cache.verify(&blob("layer")).unwrap();

    go(&from, &Noted::default(), &root, &options).unwrap();
    assert_eq!(from.count("fetch layer"), 1, "the next copy finds it in the local store");

    let (without, from) = (alone(&[]), Noted { remote: true, inner: from.inner, ..Noted::default() });
    go(&from, &Noted { attempts: 2, ..Noted::default() }, &root, &without).unwrap();
    assert_eq!(from.count("fetch layer"), 3);
}

#[test]
fn a_blob_that_went_bad_in_the_local_store_is_replaced() {
    let temp = tempfile::tempdir().unwrap();
    let cache = Layout::open_or_create(temp.path()).unwrap();
    let far = Noted { remote: true, ..Noted::default() };
    let root = image(&far.inner, "image", &["config", "layer"]);
    let path = cache.blob_path(&blob("layer").digest);
    let options = CopyOptions { cache: Some(&cache), ..alone(&["x"]) };
    for spoil in ["LAYER", "lay", "", "a link", "a directory"] {
        cache.push(&blob("layer"), &b"layer".to_vec()).unwrap();
        std::fs::remove_file(&path).unwrap();
        match spoil {
            "a link" => std::os::unix::fs::symlink("/dev/zero", &path).unwrap(),
            "a directory" => std::fs::create_dir(&path).unwrap(),
            bytes => std::fs::write(&path, bytes).unwrap(),
        }
        let from = Overlay::new([&cache as &dyn Store, &far]);
        let quarantined = AtomicUsize::new(0);
        let observe = |event: CopyEvent<'_>| {
            if let CopyEvent::Quarantined { descriptor, path } = event {
                assert_eq!(name_of(descriptor), "layer");
                assert!(path.symlink_metadata().is_ok());
                quarantined.fetch_add(1, Ordering::Relaxed);
            }
        };
        let to = Memory::new();
        copy(&from, &to, &root, &options, &observe).unwrap();
        assert_eq!(quarantined.into_inner(), 1, "{spoil}");
        assert!(to.exists(&blob("layer")).unwrap());
        cache.verify(&blob("layer")).unwrap();
    }
}

#[test]
fn from_layout_to_layout_the_bytes_are_the_same() {
    let temp = tempfile::tempdir().unwrap();
    let from = Layout::open_or_create(&temp.path().join("from")).unwrap();
    let memory = Memory::new();
    let root = image(&memory, "image", &["config", "layer one", "layer two"]);
    go(&memory, &from, &root, &alone(&["x"])).unwrap();
    let to = Layout::output(&temp.path().join("to")).unwrap();
    go(&from, &*to, &from.resolve("x").unwrap(), &alone(&["y"])).unwrap();
    let to = to.finish().unwrap();
    for descriptor in [blob("config"), blob("layer one"), blob("layer two"), to.resolve("y").unwrap()] {
        to.verify(&descriptor).unwrap();
    }
    assert_eq!(to.resolve("y").unwrap().digest, root.digest);

    // A blob that is wrong at the source is the source's fault, even where its file was shared.
    std::fs::write(from.blob_path(&blob("layer one").digest), "LAYER ONE").unwrap();
    let to = Layout::output(&temp.path().join("again")).unwrap();
    let error = go(&from, &*to, &root, &alone(&["y"])).unwrap_err();
    assert_eq!((error.kind(), error.side()), (ErrorKind::Mismatch, Some(Side::Source)));
    drop(to);
    assert!(!temp.path().join("again").exists());
}

/// A target that takes the file behind content, as a filesystem does that can share bytes, and looks at it afterwards.
struct Sharing(Memory);

impl Store for Sharing {
    fn name(&self) -> String {
        "sharing".into()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.resolve(reference)
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        self.0.exists(descriptor)
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        self.0.fetch(descriptor)
    }

    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        let mut bytes = Vec::new();
        match content.file().unwrap() {
            Some(mut file) => std::io::Read::read_to_end(&mut file, &mut bytes).unwrap(),
            None => return self.0.push(descriptor, content),
        };
        self.0.push(descriptor, &bytes)
    }

    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()> {
        self.0.tag(descriptor, tag)
    }
}

#[test]
fn wrong_bytes_in_a_file_that_was_shared_are_the_fault_of_the_source() {
    let temp = tempfile::tempdir().unwrap();
    let from = Layout::open_or_create(temp.path()).unwrap();
    let memory = Memory::new();
    let root = image(&memory, "image", &["config", "layer"]);
    go(&memory, &from, &root, &alone(&[])).unwrap();
    go(&from, &Sharing(Memory::new()), &root, &alone(&[])).unwrap();
    std::fs::write(from.blob_path(&blob("layer").digest), "LAYER").unwrap();
    let error = go(&from, &Sharing(Memory::new()), &root, &alone(&[])).unwrap_err();
    assert_eq!((error.kind(), error.side()), (ErrorKind::Mismatch, Some(Side::Source)));
}
