//! What the local store remembers; and that it may lie as it likes: what comes out is right.

use super::{Place, Ran};
use oci_merge_image::Digest;
use oci_merge_store::server::{Options, Server};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// The demo, and files old enough to be told from what they are after a change: a tick of the kernel's clock is at most a
/// hundredth of a second.
pub(super) fn demo() -> Place {
    let place = Place::with_demo();
    settle();
    place
}

pub(super) fn settle() {
    sleep(Duration::from_millis(30));
}

pub(super) fn store(place: &Place) -> PathBuf {
    place.path("home/.cache/oci-merge")
}

/// The files of a directory of the store.
pub(super) fn kept(place: &Place, directory: &str) -> BTreeSet<PathBuf> {
    let Ok(files) = fs::read_dir(store(place).join(directory)) else { return BTreeSet::new() };
    files.map(|file| file.unwrap().path()).collect()
}

pub(super) fn blobs(place: &Place) -> BTreeSet<PathBuf> {
    kept(place, "blobs/sha256")
}

/// What was made since the blobs were taken away.
fn forget_blobs(place: &Place) {
    blobs(place).iter().for_each(|blob| fs::remove_file(blob).unwrap());
}

/// Every blob of a layout is what its name says.
pub(super) fn verify(layout: &Path) {
    for blob in fs::read_dir(layout.join("blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        assert_eq!(Digest::of(&fs::read(&path).unwrap()).hex(), path.file_name().unwrap().to_str().unwrap());
    }
}

pub(super) fn digest(ran: &Ran) -> String {
    ran.out.split_once('@').unwrap_or_else(|| panic!("{ran:?}")).1.trim().to_owned()
}

/// What a run told, without what it took and in which order the layers were ready.
fn told(ran: &Ran) -> Vec<&str> {
    let mut lines: Vec<&str> = ran.err.lines().map(|line| line.split(" paths in ").next().unwrap()).collect();
    lines.sort();
    lines
}

pub(super) const NOTHING: [&str; 3] = ["build", "-o", "type=none"];

#[test]
fn what_has_not_changed_is_not_made_again_and_told_as_before() {
    let place = demo();
    place.write("demo/alpha/tool.pyc", "left out");
    let spec = place.read("oci-merge.toml");
    let spec = spec.replace("[layer.beta]", "exclude = [\"*.pyc\"]\n[layer.beta]");
    place.write("oci-merge.toml", &spec);
    settle();
    let cold = place.run(&["build"]).ends(0).says(&["left out by `include`, `paths` or `exclude`: /tool.pyc"]);
    forget_blobs(&place);
    for args in [&["check"][..], &NOTHING, &["check", "beta"]] {
        place.run(args).ends(0);
        assert_eq!(blobs(&place), BTreeSet::new(), "{args:?}");
    }
    let warm = place.run(&["build"]).ends(0);
    assert_eq!((&warm.out, told(&warm)), (&cold.out, told(&cold)));
    verify(&place.path("image"));
    let json = |place: &Place| -> serde_json::Value {
        let mut document: serde_json::Value =
            serde_json::from_str(&place.run(&[&NOTHING[..], &["--json"]].concat()).ends(0).out).unwrap();
        document["images"][0]["check"]["seconds"] = 0.into();
        document
    };
    let warm = json(&place);
    fs::remove_dir_all(store(&place)).unwrap();
    assert_eq!(json(&place), warm);
}

#[test]
fn a_changed_file_makes_one_layer_again() {
    let place = demo();
    let before = digest(&place.run(&["build"]).ends(0));
    forget_blobs(&place);
    let tool = place.path("demo/beta/bin/beta");
    let text = fs::read_to_string(&tool).unwrap();
    let modified = fs::metadata(&tool).unwrap().modified().unwrap();
    fs::write(&tool, text.replace("beta", "BETA")).unwrap();
    fs::File::open(&tool).unwrap().set_modified(modified).unwrap();
    settle();
    place.run(&NOTHING).ends(0);
    assert_eq!(blobs(&place).len(), 1, "its size and its time are as they were, and yet");
    let after = digest(&place.run(&["build"]).ends(0));
    assert_ne!(before, after);
    assert_eq!(digest(&place.run(&["build", "--no-cache"]).ends(0)), after);
    // Another recipe makes other layers.
    place.run(&["exclude", "gamma", "bin/*"]).ends(0);
    forget_blobs(&place);
    place.run(&NOTHING).ends(0);
    assert_eq!(blobs(&place).len(), 1);
}

#[test]
fn a_collision_is_told_in_full_without_the_blobs() {
    let place = demo();
    let spec = place.read("oci-merge.toml");
    let (above, delta) = spec.split_once("# [layer.delta]").unwrap();
    place.write("oci-merge.toml", &format!("{above}[layer.delta]{}", delta.replace("\n# ", "\n")));
    let cold = place.run(&["check"]).ends(1).says(&["Only in delta's", "alias hi=delta"]);
    forget_blobs(&place);
    assert_eq!(told(&place.run(&["check"]).ends(1)), told(&cold));
    assert_eq!(blobs(&place).len(), 2, "of the layers that it is about");
}

#[test]
fn no_cache_makes_all_layers_again_or_some_to_the_same_bytes() {
    let place = demo();
    let cold = digest(&place.run(&["build"]).ends(0));
    let all = blobs(&place);
    for (flag, count) in [("--no-cache=beta", 1), ("--no-cache=gamma,beta", 2), ("--no-cache", 3)] {
        forget_blobs(&place);
        place.run(&[&NOTHING[..], &[flag]].concat()).ends(0);
        assert_eq!(blobs(&place).len(), count, "{flag}");
        assert!(blobs(&place).is_subset(&all), "{flag}");
        assert_eq!(digest(&place.run(&["build", flag]).ends(0)), cold, "{flag}");
    }
    place.run(&["build", "--no-cache=nosuch"]).ends(2).says(&["there is no layer nosuch", "alpha, beta, gamma"]);
    forget_blobs(&place);
    place.run(&["check", "--deep"]).ends(0);
    assert_eq!(blobs(&place), all, "a deep check reads everything");
}

#[test]
fn archives_and_downloads_are_known_by_their_files_and_digests() {
    let place = demo();
    let tar = crate::from::gzip(&crate::from::tar(&["d opt", "d opt/kept", "f opt/kept/a =1"]));
    let other = crate::from::gzip(&crate::from::tar(&["d opt", "d opt/kept", "f opt/kept/a =2"]));
    for name in ["kept", "pinned", "url"] {
        fs::write(place.path(&format!("{name}.tar.gz")), &tar).unwrap();
    }
    let (sha256, url) = (Digest::of(&tar), format!("file://{}", place.path("url.tar.gz").display()));
    let spec = format!(
        "schema = 1\n[base]\nimage = \"scratch\"\n\
         [layer.kept]\nprefix = \"/opt/kept\"\nsource = {{ path = \"kept.tar.gz\" }}\n\
         [layer.pinned]\nprefix = \"/opt/pinned\"\nsource = {{ path = \"pinned.tar.gz\", sha256 = \"{}\", strip = 2 }}\n\
         [layer.url]\nprefix = \"/opt/url\"\nsource = {{ url = \"{url}\", sha256 = \"{}\", strip = 2 }}\n",
        sha256.hex(),
        sha256.hex()
    );
    place.write("oci-merge.toml", &spec);
    settle();
    let cold = place.run(&["build"]).ends(0);
    forget_blobs(&place);
    place.run(&NOTHING).ends(0);
    assert_eq!(blobs(&place), BTreeSet::new(), "neither packed, nor taken over, nor downloaded");
    let warm = place.run(&["build"]).ends(0);
    assert_eq!((&warm.out, told(&warm)), (&cold.out, told(&cold)));
    verify(&place.path("image"));

    fs::remove_file(place.path("url.tar.gz")).unwrap();
    assert_eq!(digest(&place.run(&["build"]).ends(0)), digest(&cold), "a digest says it all");
    fs::write(place.path("kept.tar.gz"), &other).unwrap();
    settle();
    assert_ne!(digest(&place.run(&["build"]).ends(0)), digest(&cold));
    fs::write(place.path("pinned.tar.gz"), &other).unwrap();
    place.run(&["build"]).ends(5).says(&["OM0601", "pinned"]);
}

#[test]
fn without_a_place_for_the_store_a_run_does_without() {
    let place = demo();
    let cold = digest(&place.run(&["build"]).ends(0));
    let mut command = place.command(&["build"]);
    // Nobody makes directories there.
    let forbidden = Ran::of(command.env("OCI_MERGE_CACHE", "/sys/oci-merge")).ends(0);
    let forbidden = forbidden.says(&["warning: the local store /sys/oci-merge cannot be written to"]);
    assert_eq!(digest(&forbidden), cold);
    let mut command = place.command(&["build"]);
    for name in ["OCI_MERGE_CACHE", "XDG_CACHE_HOME", "HOME"] {
        command.env_remove(name);
    }
    let homeless = Ran::of(&mut command).ends(0).says(&["warning: neither OCI_MERGE_CACHE nor HOME is set"]);
    assert_eq!(digest(&homeless), cold);
}

/// Spoils a file in a way, or puts something else into its place.
type Damage = (&'static str, fn(&Path));

pub(super) const DAMAGES: [Damage; 6] = [
    ("a flipped bit", |file| {
        let mut bytes = fs::read(file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(file, bytes).unwrap();
    }),
    ("cut", |file| {
        let length = fs::metadata(file).unwrap().len();
        fs::File::options().write(true).open(file).unwrap().set_len(length - 1).unwrap();
    }),
    ("empty", |file| fs::write(file, "").unwrap()),
    ("gone", |file| fs::remove_file(file).unwrap()),
    ("a directory", |file| {
        fs::remove_file(file).unwrap();
        fs::create_dir(file).unwrap();
    }),
    ("a link", |file| {
        fs::remove_file(file).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", file).unwrap();
    }),
];

/// The arguments that write the image to each kind of place; those that are files or directories are `out`.
const DESTINATIONS: [&[&str]; 4] =
    [&["type=oci,dest=out"], &["type=oci,dest=out.tar"], &["type=docker,dest=out.tar"], &["type=oci,dest=-"]];

#[test]
fn a_blob_that_is_not_what_it_was_is_made_again_wherever_it_goes() {
    let (place, server) = (demo(), Server::start(Options::default()).unwrap());
    let cold = digest(&place.run(&["build"]).ends(0));
    let whole: Vec<Vec<u8>> = DESTINATIONS
        .iter()
        .map(|destination| {
            let _ = fs::remove_dir_all(place.path("out"));
            let out = place.command(&["build", "-o", destination[0]]).output().unwrap();
            assert!(out.status.success());
            fs::read(place.path("out.tar")).unwrap_or_default().into_iter().chain(out.stdout).collect()
        })
        .collect();
    for (number, (damage, spoil)) in DAMAGES.iter().enumerate() {
        for (destination, whole) in DESTINATIONS.iter().zip(&whole) {
            let _ = fs::remove_dir_all(place.path("out"));
            blobs(&place).iter().for_each(|blob| spoil(blob));
            let out = place.command(&["build", "-o", destination[0]]).output().unwrap();
            let err = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.success(), "{damage}, {destination:?}: {err}");
            assert_eq!(err.contains("was damaged"), *damage != "gone", "{damage}, {destination:?}: {err}");
            if destination[0] == "type=oci,dest=out" {
                verify(&place.path("out"));
                assert_eq!(String::from_utf8_lossy(&out.stdout).split_once('@').unwrap().1.trim(), cold);
            } else {
                let bytes: Vec<u8> =
                    fs::read(place.path("out.tar")).unwrap_or_default().into_iter().chain(out.stdout).collect();
                assert!(bytes == *whole, "{damage}, {destination:?}");
            }
        }
        blobs(&place).iter().for_each(|blob| spoil(blob));
        let (repository, name) = (format!("r{number}"), format!("{}/r{number}:1", server.address()));
        let ran = place.run(&["build", "--push", "-t", &name]).ends(0);
        assert_eq!(digest(&ran), cold, "{damage}");
        for blob in blobs(&place) {
            let hex = blob.file_name().unwrap().to_str().unwrap().to_owned();
            let digest: Digest = format!("sha256:{hex}").parse().unwrap();
            assert_eq!(Digest::of(&server.blob(&repository, &digest).unwrap()), digest, "{damage}");
        }
        // What the registry has is not needed here.
        blobs(&place).iter().for_each(|blob| spoil(blob));
        place.run(&["build", "--push", "-t", &name]).ends(0);
        forget_damage(&place);
        place.run(&["build", "--no-cache", "-o", "type=none"]).ends(0);
    }
    assert!(server.violations().is_empty(), "{:?}", server.violations());
}

pub(super) fn forget_damage(place: &Place) {
    let _ = fs::remove_dir_all(store(place).join("blobs"));
}

#[test]
fn a_layer_that_comes_out_otherwise_the_second_time_is_not_written() {
    let place = demo();
    place.run(&NOTHING).ends(0);
    let text = place.read("oci-merge.toml");
    let spec = oci_merge::Spec::parse("oci-merge.toml", place.0.path(), &text).unwrap();
    let settings = oci_merge::Settings { store: Some(store(&place)), ..oci_merge::Settings::default() };
    let image = oci_merge::Builder::new(spec).settings(settings).assemble().unwrap();
    forget_blobs(&place);
    place.write("demo/beta/bin/beta", "another");
    let to = [oci_merge::Destination::Layout(place.path("image"))];
    let error = image.write(&to).unwrap_err();
    assert!(error.to_string().contains("its sources have changed since the run began"), "{error}");
    assert!(error.to_string().starts_with("beta: "), "{error}");
    assert!(!place.path("image").exists());
}

#[test]
fn a_record_that_is_not_what_it_was_is_none() {
    let place = demo();
    let cold = place.run(&["build"]).ends(0);
    let whole: Vec<(PathBuf, Vec<u8>)> =
        kept(&place, "facts").into_iter().map(|file| (file.clone(), fs::read(&file).unwrap())).collect();
    assert_eq!(whole.len(), 6, "a record and an index for each layer");
    for (damage, spoil) in DAMAGES {
        for kind in ["layer", "index"] {
            forget_blobs(&place);
            let of_kind = |file: &&PathBuf| file.extension().unwrap() == kind;
            whole.iter().map(|(file, _)| file).filter(of_kind).for_each(|file| spoil(file));
            let ran = place.run(&["build"]).ends(0);
            assert_eq!((&ran.out, told(&ran)), (&cold.out, told(&cold)), "{damage} {kind}");
            verify(&place.path("image"));
            for (file, bytes) in &whole {
                let _ = fs::remove_dir(file);
                let _ = fs::remove_file(file);
                fs::write(file, bytes).unwrap();
            }
        }
    }
    // Another's record under its name: its bytes are whole.
    let records: Vec<_> = whole.iter().filter(|(file, _)| file.extension().unwrap() == "layer").collect();
    for (n, (file, _)) in records.iter().enumerate() {
        fs::write(file, &records[(n + 1) % 3].1).unwrap();
    }
    let ran = place.run(&["build"]).ends(0);
    assert_eq!((&ran.out, told(&ran)), (&cold.out, told(&cold)));
}
