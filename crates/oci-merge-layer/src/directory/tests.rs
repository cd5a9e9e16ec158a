//! Directories of all kinds, and directories that change while they are read.

use super::Directory;
use crate::{Body, Entries, Entry, Error, ErrorKind, Result};
use oci_merge_image::LayerPath;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// All entries with their contents.
fn walk(root: &Path) -> Result<Vec<(Entry, Vec<u8>)>> {
    read_all(&mut Directory::open(root, |_, _| true)?)
}

fn read_all(directory: &mut Directory<'_>) -> Result<Vec<(Entry, Vec<u8>)>> {
    let mut found = Vec::new();
    while let Some(entry) = directory.next()? {
        let mut content = Vec::new();
        directory.content()?.read_to_end(&mut content)?;
        found.push((entry, content));
    }
    Ok(found)
}

fn names(found: &[(Entry, Vec<u8>)]) -> Vec<String> {
    found.iter().map(|(entry, _)| entry.path.to_string()).collect()
}

fn make(root: &Path, kind: FileType, name: &str) {
    mknodat(CWD, root.join(name), kind, Mode::from_raw_mode(0o644), 0).unwrap();
}

/// Walks until a path has come, changes something, and says how the walk ended.
fn change_at(root: &Path, at: &str, change: impl FnOnce()) -> Error {
    let mut directory = Directory::open(root, |_, _| true).unwrap();
    while let Some(entry) = directory.next().unwrap() {
        if entry.path.as_bytes() == at.as_bytes() {
            change();
            let mut content = Vec::new();
            let read = directory.content().unwrap().read_to_end(&mut content);
            return match read {
                Err(error) => Error::from(error),
                Ok(_) => read_all(&mut directory).unwrap_err(),
            };
        }
    }
    panic!("there is no {at}");
}

#[test]
fn entries_come_sorted_by_bytes_whatever_lies_in_them() {
    let root = tempfile::tempdir().unwrap();
    for name in ["a", "a-b", "a/z", "B", "a/\u{e9}"] {
        fs::create_dir_all(root.path().join(name)).unwrap();
    }
    for name in ["a/c", "a-b/c", "a.b", "Z"] {
        fs::write(root.path().join(name), name).unwrap();
    }
    fs::write(root.path().join(std::ffi::OsStr::from_bytes(b"\xff\n")), "").unwrap();
    let found = walk(root.path()).unwrap();
    let sorted =
        ["/", "/B", "/Z", "/a", "/a/c", "/a/z", "/a/\u{e9}", "/a-b", "/a-b/c", "/a.b", "/\\xff\\x0a"].map(String::from);
    assert_eq!(names(&found), sorted);
    let mut paths: Vec<LayerPath> = found.iter().map(|(entry, _)| entry.path.clone()).collect();
    assert!(paths.is_sorted(), "as an index has them");
    paths.dedup();
    assert_eq!(paths.len(), found.len());
    assert_eq!(found[4].1, b"a/c");
}

#[test]
fn links_fifos_and_modes_are_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::write(at("file"), "content").unwrap();
    fs::set_permissions(at("file"), fs::Permissions::from_mode(0o4751)).unwrap();
    fs::hard_link(at("file"), at("hard")).unwrap();
    fs::create_dir(at("dir")).unwrap();
    fs::set_permissions(at("dir"), fs::Permissions::from_mode(0o2775)).unwrap();
    symlink("/etc/passwd", at("absolute")).unwrap();
    symlink("dir", at("symlink")).unwrap();
    fs::hard_link(at("symlink"), at("symlink2")).unwrap();
    make(root.path(), FileType::Fifo, "fifo");
    let outside = tempfile::NamedTempFile::new_in(root.path().parent().unwrap()).unwrap();
    fs::hard_link(outside.path(), at("other")).unwrap();
    let found = walk(root.path()).unwrap();
    let entry = |name: &str| found.iter().find(|(entry, _)| entry.path.as_bytes() == name.as_bytes()).unwrap();
    assert_eq!((entry("file").0.mode, &entry("file").0.body), (0o4751, &Body::File { size: 7 }));
    let target = |name: &str| LayerPath::parse(name.as_bytes()).unwrap();
    assert_eq!(entry("hard").0.body, Body::HardLink { target: target("file") });
    assert_eq!(entry("hard").0.mode, 0o4751);
    assert_eq!(entry("hard").1, b"");
    assert_eq!((entry("dir").0.mode, &entry("dir").0.body), (0o2775, &Body::Directory));
    assert_eq!(entry("absolute").0.body, Body::Symlink { target: b"/etc/passwd".to_vec() });
    assert_eq!(entry("symlink").0.body, Body::Symlink { target: b"dir".to_vec() });
    assert_eq!(entry("symlink2").0.body, Body::HardLink { target: target("symlink") });
    assert_eq!(entry("fifo").0.body, Body::Fifo);
    assert_eq!(entry("other").0.body, Body::File { size: 0 }, "its other name lies elsewhere");
    assert!(found.iter().all(|(entry, _)| entry.mtime.nanos == 0 && entry.mtime.seconds > 1_500_000_000));
}

#[test]
fn what_is_not_wanted_is_neither_opened_nor_entered() {
    let root = tempfile::tempdir().unwrap();
    for name in ["keep", "leave/below"] {
        fs::create_dir_all(root.path().join(name)).unwrap();
    }
    make(root.path(), FileType::Socket, "leave/below/socket");
    fs::write(root.path().join("keep/a"), "same").unwrap();
    fs::hard_link(root.path().join("keep/a"), root.path().join("keep/b")).unwrap();
    let wanted = |path: &LayerPath, is_directory: bool| {
        assert_eq!(is_directory, path.as_bytes() == b"keep" || path.as_bytes() == b"leave", "{path}");
        !matches!(path.as_bytes(), b"leave" | b"keep/a")
    };
    let found = read_all(&mut Directory::open(root.path(), wanted).unwrap()).unwrap();
    assert_eq!(names(&found), ["/", "/keep", "/keep/b"]);
    assert_eq!(found[2], (Entry { body: Body::File { size: 4 }, ..found[2].0.clone() }, b"same".to_vec()));
}

#[test]
fn what_no_layer_can_hold_is_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    make(root.path(), FileType::Socket, "socket");
    let error = walk(root.path()).unwrap_err();
    assert_eq!((error.kind(), error.file()), (ErrorKind::NotPackable, Some(&*root.path().join("socket"))));
    assert!(error.to_string().ends_with("socket: is a socket, which no layer can hold; remove or exclude it"));

    let error = walk(Path::new("/dev/null")).unwrap_err();
    assert_eq!((error.kind(), error.file()), (ErrorKind::Io, Some(Path::new("/dev/null"))));
    let error = Directory::open(Path::new("/dev"), |path, is_directory| !is_directory && path.as_bytes() == b"null")
        .and_then(|mut directory| read_all(&mut directory))
        .unwrap_err();
    assert_eq!((error.kind(), error.file()), (ErrorKind::NotPackable, Some(Path::new("/dev/null"))));

    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("a")).unwrap();
    fs::write(root.path().join("a/.wh.b"), "").unwrap();
    let error = walk(root.path()).unwrap_err();
    assert_eq!((error.reason().unwrap().0, error.file()), ("TAR_WHITEOUT", Some(&*root.path().join("a/.wh.b"))));
    assert_eq!(error.path().unwrap().as_bytes(), b"a/.wh.b");
}

#[test]
fn a_sparse_file_is_read_as_its_zeros() {
    let root = tempfile::tempdir().unwrap();
    let file = fs::File::create(root.path().join("sparse")).unwrap();
    file.set_len(3 << 20).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, b"end", (3 << 20) - 3).unwrap();
    let (entry, content) = walk(root.path()).unwrap().remove(1);
    assert_eq!(entry.body, Body::File { size: 3 << 20 });
    assert!(content.len() == 3 << 20 && content.ends_with(b"\0end"));
}

#[test]
fn attributes_of_files_and_directories_are_read() {
    let root = tempfile::tempdir().unwrap();
    let (file, directory) = (root.path().join("file"), root.path().join("directory"));
    fs::write(&file, "").unwrap();
    fs::create_dir(&directory).unwrap();
    if xattr::set(&file, "user.note", b"a\0b").is_err() {
        return; // The file system has none.
    }
    xattr::set(&directory, "user.note", b"d").unwrap();
    let found = walk(root.path()).unwrap();
    assert_eq!(found[1].0.xattrs.get(&b"user.note"[..]).unwrap(), b"d");
    assert_eq!(found[2].0.xattrs.get(&b"user.note"[..]).unwrap(), b"a\0b");
}

#[test]
fn directories_may_lie_deeper_than_there_are_descriptors() {
    let root = tempfile::tempdir().unwrap();
    let mut path = root.path().to_owned();
    for _ in 0..60 {
        path.push("d");
    }
    fs::create_dir_all(&path).unwrap();
    let mut expected = 1;
    for above in path.ancestors().take(60) {
        fs::write(above.join("e"), "after d").unwrap();
        expected += 2;
    }
    let found = walk(root.path()).unwrap();
    assert_eq!(found.len(), expected);
    assert!(found.windows(2).all(|pair| pair[0].0.path < pair[1].0.path));
}

#[test]
fn a_file_that_changes_is_noticed_and_named() {
    let cases: [(&str, fn(&Path)); 7] = [
        ("grows", |file| drop(fs::OpenOptions::new().append(true).open(file).unwrap().set_len(200_001))),
        ("shrinks", |file| drop(fs::OpenOptions::new().write(true).open(file).unwrap().set_len(3))),
        ("is emptied", |file| fs::write(file, "").unwrap()),
        ("is replaced", |file| {
            fs::write(file.with_extension("new"), vec![b'x'; 200_000]).unwrap();
            fs::rename(file.with_extension("new"), file).unwrap();
        }),
        ("is replaced by a link", |file| {
            fs::remove_file(file).unwrap();
            symlink("/etc/passwd", file).unwrap();
        }),
        ("vanishes", |file| fs::remove_file(file).unwrap()),
        ("is written to and made to look old", |file| {
            let old = fs::metadata(file).unwrap().modified().unwrap();
            fs::write(file, vec![b'y'; 200_000]).unwrap();
            fs::File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
        }),
    ];
    for (what, change) in cases {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, vec![b'x'; 200_000]).unwrap();
        // The clock of the file system ticks every few milliseconds only.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let error = change_at(root.path(), "file", || change(&file));
        assert_eq!((error.kind(), error.file()), (ErrorKind::Changed, Some(&*file)), "{what}: {error}");
    }
}

#[test]
fn a_directory_that_changes_is_noticed_and_named() {
    let cases: [(&str, fn(&Path)); 3] = [
        ("gets another file", |root| fs::write(root.join("dir/new"), "").unwrap()),
        ("loses a file that has not come yet", |root| fs::remove_file(root.join("dir/b")).unwrap()),
        ("gets other permissions", |root| {
            fs::set_permissions(root.join("dir"), fs::Permissions::from_mode(0o700)).unwrap();
        }),
    ];
    for (what, change) in cases {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("dir")).unwrap();
        fs::write(root.path().join("dir/a"), "a").unwrap();
        fs::write(root.path().join("dir/b"), "b").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let error = change_at(root.path(), "dir/a", || change(root.path()));
        assert_eq!(error.kind(), ErrorKind::Changed, "{what}: {error}");
        assert!(error.file().unwrap().starts_with(root.path().join("dir")), "{what}: {error}");
    }
}

#[test]
fn a_directory_that_becomes_a_link_is_not_followed() {
    let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), "").unwrap();
    fs::write(root.path().join("a"), "a").unwrap();
    fs::create_dir(root.path().join("b")).unwrap();
    let error = change_at(root.path(), "a", || {
        fs::remove_dir(root.path().join("b")).unwrap();
        symlink(outside.path(), root.path().join("b")).unwrap();
    });
    // It is a link then, which is packed as one; that it was a directory shows in the directory above.
    assert_eq!((error.kind(), error.file()), (ErrorKind::Changed, Some(root.path())));
}

#[test]
fn a_file_that_has_no_end_is_an_error() {
    // Those of /proc say that they are empty, and are not.
    let wanted = |path: &LayerPath, is_directory: bool| !is_directory && path.as_bytes() == b"version";
    let mut directory = Directory::open(Path::new("/proc"), wanted).unwrap();
    directory.next().unwrap();
    assert_eq!(directory.next().unwrap().unwrap().body, Body::File { size: 0 });
    let error = Error::from(directory.content().unwrap().read_to_end(&mut Vec::new()).unwrap_err());
    assert_eq!((error.kind(), error.file()), (ErrorKind::Changed, Some(Path::new("/proc/version"))));
    assert!(error.to_string().contains("holds more than the 0 bytes"), "{error}");
}

#[test]
fn an_unreadable_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("secret");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    if rustix::process::geteuid().is_root() {
        return; // Root reads everything.
    }
    let error = walk(root.path()).unwrap_err();
    assert_eq!((error.kind(), error.file()), (ErrorKind::Io, Some(&*file)));
}
