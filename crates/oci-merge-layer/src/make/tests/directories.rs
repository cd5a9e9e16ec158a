//! Directories that are packed.

use super::super::Owner;
use super::*;
use crate::ErrorKind;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tempfile::TempDir;

/// Makes what some lines say; times are of no account.
pub(super) fn tree(lines: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for line in lines {
        let (entry, content) = entry(line);
        let at = root.path().join(std::str::from_utf8(entry.path.as_bytes()).unwrap());
        match &entry.body {
            Body::Directory => fs::create_dir(&at).unwrap(),
            Body::File { .. } => fs::write(&at, content).unwrap(),
            Body::Fifo => mknodat(CWD, &at, FileType::Fifo, Mode::empty(), 0).unwrap(),
            Body::HardLink { target } => {
                fs::hard_link(root.path().join(std::str::from_utf8(target.as_bytes()).unwrap()), &at).unwrap();
            }
            Body::Symlink { target } => symlink(std::str::from_utf8(target).unwrap(), &at).unwrap(),
            other => panic!("{other:?}"),
        }
        if !matches!(entry.body, Body::Symlink { .. } | Body::HardLink { .. }) {
            fs::set_permissions(&at, Permissions::from_mode(entry.mode.into())).unwrap();
        }
    }
    root
}

/// A recipe for a directory, in which all times are 1000.
pub(super) fn recipe_for(root: &Path) -> Recipe {
    let source = Source::new(Input::Directory(root.to_owned()));
    Recipe { times: Times::Set(1000), ..recipe(vec![source]) }
}

#[test]
fn a_directory_becomes_a_layer_under_its_prefix() {
    let lines = [
        "d bin 0700",
        "f bin/tool 4755 =1",
        "h bin/tool2 ->bin/tool",
        "l bin/link ->../../etc/x",
        "p fifo 0600",
        "d shared 2775",
    ];
    let root = tree(&lines);
    // As mktemp makes it.
    fs::set_permissions(root.path(), Permissions::from_mode(0o700)).unwrap();
    let expected = [
        "d opt",
        "d opt/x",
        "d opt/x/bin 0700",
        "l opt/x/bin/link ->../../etc/x",
        "f opt/x/bin/tool 4755 =1",
        "h opt/x/bin/tool2 4755 ->opt/x/bin/tool",
        "p opt/x/fifo 0600",
        "d opt/x/shared 2775",
    ];
    assert_eq!(packed(&recipe_for(root.path())), expected);

    let mut recipe = recipe_for(root.path());
    recipe.sources[0].to = Some(path("/"));
    recipe.sources[0].include = vec!["/bin/link".into()];
    assert_eq!(packed(&recipe), ["d bin 0700", "l bin/link ->../../etc/x"]);

    let empty = tree(&[]);
    assert_eq!(packed(&recipe_for(empty.path())), ["d opt", "d opt/x"]);
}

#[test]
fn a_directory_that_nothing_is_taken_of_is_refused_and_an_empty_one_is_told() {
    let root = tree(&["d x-1.0", "d x-1.0/bin", "f x-1.0/bin/a =1", "f c =1"]);
    let fails = |change: fn(&mut Recipe), words: &str| {
        let mut recipe = recipe_for(root.path());
        change(&mut recipe);
        let error = make(&recipe, &pool(), &Watch::nobody(), None, || Ok(Vec::new())).unwrap_err();
        assert_eq!((error.kind(), error.file()), (ErrorKind::Source, Some(root.path())));
        assert!(error.to_string().ends_with(words), "{error}");
    };
    fails(
        |r| r.sources[0].strip = 4,
        "has nothing that would land under /opt/x with strip = 4: it has c, x-1.0/bin/a, x-1.0",
    );
    fails(|r| r.sources[0].include = vec!["bin".into()], "with include = [\"bin\"]: it has c, x-1.0/bin/a, x-1.0");
    fails(|r| r.exclude = vec!["*".into()], "with exclude = [\"*\"]: it has c, x-1.0");
    let strip = |strip| {
        let mut recipe = recipe_for(root.path());
        recipe.sources[0].strip = strip;
        make(&recipe, &pool(), &Watch::nobody(), None, || Ok(Vec::new())).unwrap()
    };
    assert_eq!(strip(1).report.too_short.first, [path("c")]);
    let names =
        |made: Made<Vec<u8>>| made.index.entries().map(|entry| shown(entry.path).to_string()).collect::<Vec<_>>();
    assert_eq!(names(strip(1)), ["opt", "opt/x", "opt/x/bin", "opt/x/bin/a"]);
    assert_eq!(names(strip(2)), ["opt", "opt/x", "opt/x/a"]);
    // A second source that nothing is taken of is as much of a mistake.
    let mut both = recipe_for(root.path());
    both.sources.push(Source { strip: 4, to: Some(path("opt/x/y")), ..both.sources[0].clone() });
    assert!(
        make(&both, &pool(), &Watch::nobody(), None, || Ok(Vec::new())).unwrap_err().to_string().contains("strip = 4")
    );
    let empty = tree(&[]);
    let made = make(&recipe_for(empty.path()), &pool(), &Watch::nobody(), None, || Ok(Vec::new())).unwrap();
    assert_eq!(made.report.empty, [0]);
    assert!(strip(1).report.empty.is_empty());
    let kept = file(&tar(&["d opt", "d opt/x"]));
    assert_eq!(super::made(&recipe(vec![source(&kept)])).unwrap().1.empty, [0], "byte for byte");
}

#[test]
fn ancestors_are_as_they_are_asked_for() {
    let root = tree(&["f a =1"]);
    let mut recipe = recipe_for(root.path());
    let etc = super::super::Attributes { mode: 0o711, uid: 1, gid: 2 };
    let opt = super::super::Attributes { mode: 0o1777, uid: 0, gid: 3 };
    recipe.base = [(path("etc"), etc), (path("opt"), opt)].into();
    assert_eq!(packed(&recipe), ["d opt", "d opt/x", "f opt/x/a =1"]);
    recipe.sources[0].to = Some(path("etc/x"));
    assert_eq!(packed(&recipe), ["d etc 0711 1:2", "d etc/x", "f etc/x/a =1"]);
    recipe.ancestors = Ancestors::Base;
    recipe.sources[0].to = None;
    assert_eq!(packed(&recipe), ["d opt 1777 0:3", "d opt/x", "f opt/x/a =1"]);
    recipe.ancestors = Ancestors::Omit;
    assert_eq!(packed(&recipe), ["d opt/x", "f opt/x/a =1"]);
}

#[test]
fn owners_are_as_they_are_asked_for() {
    let root = tree(&["f a =1"]);
    let own = fs::metadata(root.path().join("a")).unwrap();
    let mut recipe = recipe_for(root.path());
    recipe.sources[0].owner = Owner::Ids(3_000_000, 7);
    recipe.sources[0].to = Some(path("opt/x/y/z"));
    let expected =
        ["d opt", "d opt/x 3000000:7", "d opt/x/y 3000000:7", "d opt/x/y/z 3000000:7", "f opt/x/y/z/a 3000000:7 =1"];
    assert_eq!(packed(&recipe), expected);
    recipe.sources[0].owner = Owner::Keep;
    let ids = if (own.uid(), own.gid()) == (0, 0) { String::new() } else { format!(" {}:{}", own.uid(), own.gid()) };
    assert_eq!(packed(&recipe)[4], format!("f opt/x/y/z/a{ids} =1"));
}

#[test]
fn what_is_left_out_is_not_looked_at() {
    let root = tree(&["f a =1", "h b ->a", "d run", "d lib", "f lib/1 =2", "f lib/2 =3", "d none", "f none/x =4"]);
    mknodat(CWD, root.path().join("run/socket"), FileType::Socket, Mode::empty(), 0).unwrap();
    let error = refused(&recipe_for(root.path()));
    assert_eq!((error.kind(), error.file()), (ErrorKind::NotPackable, Some(&*root.path().join("run/socket"))));

    let mut recipe = recipe_for(root.path());
    recipe.exclude = vec!["run".into(), "a".into()];
    recipe.sources[0].include = vec!["?".into(), "lib/2".into()];
    let (lines, report) = made(&recipe).unwrap();
    assert_eq!(lines.unwrap(), ["d opt", "d opt/x", "f opt/x/b =1", "d opt/x/lib", "f opt/x/lib/2 =3"]);
    let mut filtered = report.filtered.first;
    filtered.sort();
    assert_eq!(filtered, [path("a"), path("lib/1"), path("none/x"), path("run")]);
}

#[test]
fn attributes_are_kept_or_counted() {
    let root = tree(&["f a =1", "d b"]);
    if xattr::set(root.path().join("a"), "user.note", b"v").is_err() {
        return; // The file system has none.
    }
    xattr::set(root.path().join("b"), "user.note", b"w").unwrap();
    xattr::set(root.path().join("a"), "user.overlay.opaque", b"y").unwrap();
    xattr::set(root.path().join("b"), "user.empty", b"").unwrap();
    let (lines, report) = made(&recipe_for(root.path())).unwrap();
    assert_eq!(lines.unwrap()[2..], ["f opt/x/a user.note:v =1", "d opt/x/b user.note:w"]);
    let dropped = [(b"user.empty".to_vec(), 1), (b"user.overlay.opaque".to_vec(), 1)];
    assert_eq!(report.dropped_xattrs, dropped.into());
}

#[test]
fn a_file_that_grows_while_it_is_packed_is_named() {
    let root = tree(&["d dir", "f dir/big"]);
    let file = root.path().join("dir/big");
    fs::write(&file, vec![b'x'; 2 << 20]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    let grown = AtomicBool::new(false);
    let grow = |progress: super::super::Progress| {
        if progress.bytes > 1 << 20 && !grown.swap(true, Ordering::Relaxed) {
            fs::OpenOptions::new().append(true).open(&file).unwrap().write_all(b"more").unwrap();
        }
    };
    let watch = Watch { progress: &grow, ..Watch::nobody() };
    let error = make(&recipe_for(root.path()), &pool(), &watch, None, || Ok(Vec::new())).unwrap_err();
    assert_eq!((error.kind(), error.file()), (ErrorKind::Changed, Some(&*file)), "{error}");
}

#[test]
fn an_archive_that_changes_between_its_readings_is_named_but_one_of_a_store_may_be_marked_as_used() {
    let append = |file: &Path| fs::OpenOptions::new().append(true).open(file).unwrap().write_all(&[0; 512]).unwrap();
    let touch = |file: &Path| fs::File::open(file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let vouched = || Some(crate::Fingerprint::of_digests([&oci_merge_image::Digest::of(b"")]));
    type Change<'a> = &'a (dyn Fn(&Path) + Sync);
    let cases: [(Change<'_>, Option<crate::Fingerprint>, bool); 4] =
        [(&append, None, false), (&touch, None, false), (&append, vouched(), false), (&touch, vouched(), true)];
    for (number, (change, fingerprint, is_fine)) in cases.into_iter().enumerate() {
        let archive = file(&tar(&["f a =1"]));
        let changed = AtomicBool::new(false);
        let change = |progress: super::super::Progress| {
            if progress.step == super::super::Step::Pack && !changed.swap(true, Ordering::Relaxed) {
                change(archive.path());
            }
        };
        let watch = Watch { progress: &change, ..Watch::nobody() };
        let recipe = recipe(vec![Source { fingerprint, ..source(&archive) }]);
        let error = make(&recipe, &pool(), &watch, None, || Ok(Vec::new())).err();
        let found = error.as_ref().map(|error| (error.kind(), error.file()));
        let expected = (!is_fine).then_some((ErrorKind::Changed, Some(archive.path())));
        assert_eq!(found, expected, "case {number}");
        assert!(changed.into_inner(), "case {number}");
    }
}

#[test]
fn the_work_is_told_and_can_be_stopped() {
    let root = tree(&["f a =1", "f b"]);
    fs::write(root.path().join("b"), vec![b'x'; 3 << 20]).unwrap();
    let archive = file(&tar(&["f c =1"]));
    let mut recipe = recipe_for(root.path());
    recipe.sources.push(source(&archive));
    let (most, cancelled) = (AtomicU64::new(0), AtomicBool::new(false));
    let tell = |progress: super::super::Progress| {
        most.fetch_max(progress.bytes, Ordering::Relaxed);
    };
    make(&recipe, &pool(), &Watch { progress: &tell, cancelled: &cancelled }, None, || Ok(Vec::new())).unwrap();
    assert_eq!(most.load(Ordering::Relaxed), (3 << 20) + 2);

    let stop = |progress: super::super::Progress| cancelled.store(progress.bytes > 1 << 20, Ordering::Relaxed);
    let watch = Watch { progress: &stop, cancelled: &cancelled };
    let error = make(&recipe, &pool(), &watch, None, || Ok(Vec::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    cancelled.store(true, Ordering::Relaxed);
    let watch = Watch { progress: &|_| {}, cancelled: &cancelled };
    let error = make(&super::recipe(vec![source(&archive)]), &pool(), &watch, None, || Ok(Vec::new())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "while an archive is surveyed");
}

#[test]
fn a_blob_that_cannot_be_written_is_an_error_of_the_blob() {
    #[derive(Debug)]
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let root = tree(&["f a =1"]);
    let error = make(&recipe_for(root.path()), &pool(), &Watch::nobody(), None, || Ok(Full)).unwrap_err();
    assert_eq!((error.kind(), error.file()), (ErrorKind::Io, None));
    assert!(error.to_string().starts_with("the layer cannot be written: "), "{error}");
    let failed = || -> io::Result<Vec<u8>> { Err(io::ErrorKind::PermissionDenied.into()) };
    let error = make(&recipe_for(root.path()), &pool(), &Watch::nobody(), None, failed).unwrap_err();
    assert_eq!(error.to_string(), "the layer cannot be written: permission denied");
}

#[test]
fn what_is_written_keeps_the_limits() {
    let root = tree(&["f a =1", "f b =2"]);
    let limited = |say: fn(&mut Limits)| {
        let mut recipe = recipe_for(root.path());
        say(&mut recipe.limits);
        refused(&recipe).reason().unwrap().0
    };
    assert_eq!(limited(|l| l.entries = 3), "LIMIT_ENTRIES");
    assert_eq!(limited(|l| l.layer_bytes = 2000), "LIMIT_LAYER_BYTES");
    let mut recipe = recipe_for(root.path());
    (recipe.limits.entries, recipe.limits.layer_bytes) = (4, 4 * 512 + 2 * 512 + 1024);
    assert!(made(&recipe).is_ok());
}

#[test]
fn a_recipe_without_sources_makes_nothing() {
    assert_eq!(refused(&recipe(Vec::new())).kind(), ErrorKind::Source);
}
