use super::*;
use crate::{Body, Entry, IndexBuilder, Limits, Result, Rules, Xattrs};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn path(text: &str) -> LayerPath {
    LayerPath::parse(text.as_bytes()).unwrap()
}

fn entry(at: &str, body: Body) -> Entry {
    let mode = if body == Body::Directory { 0o755 } else { 0o644 };
    let (mtime, xattrs) = (Time::default(), Xattrs::new());
    Entry { path: path(at), body, mode, uid: 0, gid: 0, mtime, xattrs }
}

fn directory(at: &str) -> Entry {
    entry(at, Body::Directory)
}

fn file(at: &str) -> Entry {
    entry(at, Body::File { size: 5 })
}

fn symlink(at: &str) -> Entry {
    entry(at, Body::Symlink { target: b"t".to_vec() })
}

fn link(at: &str, target: &str) -> Entry {
    entry(at, Body::HardLink { target: path(target) })
}

fn build(rules: &Rules, entries: &[Entry]) -> Result<LayerIndex> {
    let mut index = IndexBuilder::new(rules);
    for (i, entry) in entries.iter().enumerate() {
        let content = matches!(entry.body, Body::File { .. }).then_some([i as u8; 32]);
        index.push(entry, content, None)?;
    }
    index.finish(Digest::of(b"blob"), DiffId(Digest::of(b"tar")))
}

fn kept(entries: &[Entry]) -> Result<LayerIndex> {
    build(&Rules::kept(Limits::default()), entries)
}

fn base(entries: &[Entry]) -> LayerIndex {
    build(&Rules::base(Limits::default()), entries).unwrap()
}

fn paths(index: &LayerIndex) -> Vec<String> {
    index.entries().map(|entry| String::from_utf8_lossy(entry.path).into_owned()).collect()
}

fn reasons(index: &LayerIndex) -> Vec<(&'static str, String)> {
    index.notes().iter().map(|note| (note.reason.0, note.path.clone().unwrap_or_default().to_string())).collect()
}

#[test]
fn entries_are_in_order_of_path_and_are_found() {
    let index = kept(&[file("b"), file("a-b"), file("a/b/c"), directory("a"), symlink("a/b-c")]).unwrap();
    assert_eq!(paths(&index), ["a", "a/b/c", "a/b-c", "a-b", "b"]);
    assert_eq!(index.find(&path("a/b/c")).unwrap().content, Some(&[2; 32]));
    assert_eq!(index.find(&path("a/b")), None);
    assert_eq!((index.place(b"a/b"), index.place(b"a-b")), (Err(1), Ok(3)));
    assert_eq!((index.len(), index.get(4).map(|entry| entry.path)), (5, Some(&b"b"[..])));
}

#[test]
fn a_directory_is_late_if_something_below_it_came_before() {
    let index = kept(&[file("a/b/c"), directory("a/b"), directory("d"), file("d/e"), directory("a")]).unwrap();
    let late: Vec<_> = index.entries().filter(|entry| entry.late).map(|entry| entry.path).collect();
    assert_eq!(late, [&b"a"[..], b"a/b"]);
}

#[test]
fn a_link_is_what_its_target_is() {
    let mut original = file("z");
    original.xattrs.insert(b"user.a".to_vec(), b"b".to_vec());
    original.mtime.seconds = 7;
    let index = kept(&[original, link("b", "z"), link("a", "b"), file("c"), file("y"), link("x", "y")]).unwrap();
    let seen = |at: &str| {
        let entry = index.find(&path(at)).unwrap();
        (entry.kind, entry.size, entry.content.copied(), entry.mtime.seconds, entry.xattrs.cloned())
    };
    assert_eq!(seen("a"), seen("z"));
    assert_eq!(seen("b"), seen("z"));
    assert_eq!(seen("z").3, 7);
    // Numbered in order of path: a, b and z are one inode, x and y another.
    let groups: Vec<_> = index.entries().map(|entry| entry.group).collect();
    assert_eq!(groups, [Some(0), Some(0), None, Some(1), Some(1), Some(0)]);
    let index = kept(&[symlink("a"), link("b", "a")]).unwrap();
    assert_eq!(index.find(&path("b")).unwrap().target, Some(&b"t"[..]));
}

#[test]
fn of_equal_directories_the_first_is_kept_where_the_archive_is_written_anew() {
    let rules = Rules::layer(Limits::default());
    let entries = [directory("a"), file("a/b"), directory("a"), directory("a")];
    let index = build(&rules, &entries).unwrap();
    assert_eq!(paths(&index), ["a", "a/b"]);
    assert!(!index.find(&path("a")).unwrap().late);
    assert_eq!(reasons(&index), [("TAR_DUPLICATE", "/a".to_owned())]);
    assert!(kept(&entries).is_err());
    let closed = Entry { mode: 0o700, ..directory("a") };
    assert!(build(&rules, &[directory("a"), closed]).is_err());
}

#[test]
fn of_a_base_the_last_entry_counts() {
    let index = base(&[file("a"), file("b"), symlink("a"), directory("b"), directory(""), directory("")]);
    assert_eq!(index.find(&path("a")).unwrap().kind, Kind::Symlink);
    assert_eq!(index.find(&path("b")).unwrap().kind, Kind::Directory);
    let duplicate = |at: &str| ("TAR_DUPLICATE", at.to_owned());
    assert_eq!(reasons(&index), [duplicate("/"), duplicate("/a"), duplicate("/b")]);
    // What comes later takes the place of the directory and of all in it; what comes after it stays.
    let index = base(&[file("a/b"), file("a/c/d"), file("a"), file("e"), file("e/f")]);
    assert_eq!(paths(&index), ["a", "e", "e/f"]);
    assert!(reasons(&index).iter().all(|(reason, _)| *reason == "TAR_PARENT_NOT_DIR"));
    let index = base(&[symlink("a"), file("a/b")]);
    assert_eq!(reasons(&index), [("TAR_THROUGH_SYMLINK", "/a/b".to_owned())]);
}

#[test]
fn of_a_base_a_link_that_readers_disagree_about_is_a_file_like_no_other() {
    let other = Entry { mode: 0o755, ..link("b", "a") };
    let index = base(&[file("a"), other, link("c", "nowhere"), link("d", "later"), file("later")]);
    for at in ["a", "b", "c", "d"] {
        assert_eq!(index.find(&path(at)).unwrap().content, None, "{at}");
    }
    assert!(index.find(&path("later")).unwrap().content.is_some());
    let reasons: Vec<_> = reasons(&index).into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(reasons, ["TAR_HARDLINK_META", "TAR_HARDLINK_TARGET", "TAR_HARDLINK_TARGET"]);
    assert_eq!(LayerIndex::from_bytes(&index.to_bytes()).unwrap(), index);
}

#[test]
fn memory_is_limited() {
    let mut limits = Limits { name_bytes: 1000, ..Limits::default() };
    let mut index = IndexBuilder::new(&Rules::kept(limits.clone()));
    let mut xattrs = Xattrs::new();
    xattrs.insert(vec![b'x'; 600], Vec::new());
    let error = index.push(&Entry { xattrs, ..file("a") }, None, None).unwrap_err();
    assert_eq!(error.reason().unwrap().0, "LIMIT_NAMES");
    let mut index = IndexBuilder::new(&Rules::kept(limits.clone()));
    let script = Facts::Script { interpreter: vec![b'x'; 1000] };
    assert!(index.push(&file("a"), None, Some(script)).is_err());
    limits.name_bytes = 90;
    let mut index = IndexBuilder::new(&Rules::base(limits));
    index.push_whiteout(path(&format!(".wh.{}", "x".repeat(50)))).unwrap();
    assert!(index.push_whiteout(path(&format!(".wh.{}", "x".repeat(50)))).is_err());
}

/// The rules of a single layer, slowly: with a map of all paths, entry by entry.
#[derive(Default)]
struct Model {
    /// Kind, mode, and the inode.
    entries: BTreeMap<String, (Kind, u16, usize)>,
    implied: BTreeSet<String>,
    late: BTreeSet<String>,
}

impl Model {
    fn push(&mut self, number: usize, entry: &Entry) -> bool {
        let at = String::from_utf8(entry.path.as_bytes().to_vec()).unwrap();
        if self.entries.contains_key(&at) {
            return false;
        }
        for above in entry.path.ancestors() {
            let above = String::from_utf8(above.as_bytes().to_vec()).unwrap();
            if self.entries.get(&above).is_some_and(|entry| entry.0 != Kind::Directory) {
                return false;
            }
            self.implied.insert(above);
        }
        let node = match &entry.body {
            Body::Directory => (Kind::Directory, entry.mode, number),
            Body::File { .. } => (Kind::File, entry.mode, number),
            Body::Symlink { .. } => (Kind::Symlink, 0, number),
            Body::HardLink { target } => match self.entries.get(std::str::from_utf8(target.as_bytes()).unwrap()) {
                Some(&(kind, mode, inode))
                    if kind != Kind::Directory && (kind == Kind::Symlink || mode == entry.mode) =>
                {
                    (kind, mode, inode)
                }
                _ => return false,
            },
            _ => unreachable!(),
        };
        if self.implied.contains(&at) {
            if node.0 != Kind::Directory {
                return false;
            }
            self.late.insert(at.clone());
        }
        self.entries.insert(at, node);
        true
    }

    /// Each path with its kind, mode, whether it is late, and all names of its inode.
    fn seen(&self) -> Vec<(String, Kind, u16, bool, BTreeSet<String>)> {
        let names =
            |inode: usize| self.entries.iter().filter(|(_, e)| e.2 == inode).map(|(at, _)| at.clone()).collect();
        let see = |(at, &(kind, mode, inode)): (&String, &(Kind, u16, usize))| {
            (at.clone(), kind, mode, self.late.contains(at), names(inode))
        };
        let mut all: Vec<_> = self.entries.iter().map(see).collect();
        all.sort_by(|a, b| compare_paths(a.0.as_bytes(), b.0.as_bytes()));
        all
    }
}

fn some_entry() -> impl Strategy<Value = Entry> {
    let at = "[ab-](/[ab-]){0,2}";
    let mode = prop_oneof![9 => Just(0o644), 1 => Just(0o600)];
    (at, at, 0..6u8, mode).prop_map(|(at, target, kind, mode)| {
        let body = match kind {
            0..=2 => Body::Directory,
            3 => Body::File { size: 0 },
            4 => Body::Symlink { target: target.into_bytes() },
            _ => Body::HardLink { target: path(&target) },
        };
        Entry { mode, ..entry(&at, body) }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn sorting_finds_what_a_map_finds(entries in proptest::collection::vec(some_entry(), 0..8)) {
        let mut model = Model::default();
        let accepted = entries.iter().enumerate().all(|(number, entry)| model.push(number, entry));
        match kept(&entries) {
            Err(error) => prop_assert!(!accepted, "{error}"),
            Ok(index) => {
                prop_assert!(accepted);
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let names = |entry: EntryView<'_>| index.entries().filter(|other| {
                    other.path == entry.path || entry.group.is_some() && other.group == entry.group
                }).map(|other| text(other.path)).collect();
                let seen: Vec<_> = index.entries().map(|entry| {
                    (text(entry.path), entry.kind, entry.mode, entry.late, names(entry))
                }).collect();
                prop_assert_eq!(seen, model.seen());
            }
        }
    }
}

#[test]
fn texts_beyond_a_mebibyte_are_not_kept_in_whatever_order_they_came() {
    let build = |numbers: &mut dyn Iterator<Item = usize>| {
        let mut index = IndexBuilder::default();
        for number in numbers {
            let text = vec![b'a' + number as u8; MAX_TEXT as usize];
            let body = Body::File { size: MAX_TEXT };
            index
                .push(
                    &entry(&format!("etc/ld.so.conf.d/{number:02}.conf"), body),
                    Some([0; 32]),
                    Some(Facts::Text(text)),
                )
                .unwrap();
        }
        index.finish(Digest::of(b"blob"), DiffId(Digest::of(b"tar"))).unwrap()
    };
    let index = build(&mut (0..18));
    assert_eq!(
        index.entries().map(|entry| entry.facts.is_some()).collect::<Vec<_>>(),
        [[true; 16].as_slice(), &[false; 2]].concat()
    );
    assert_eq!(build(&mut (0..18).rev()).to_bytes(), index.to_bytes());
    assert_eq!(LayerIndex::from_bytes(&index.to_bytes()).unwrap(), index);
}
