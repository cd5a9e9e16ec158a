use super::*;
use crate::index::{ElfFacts, Facts};
use crate::{Body, Entry, IndexBuilder, Limits, Time, Xattrs};
use oci_merge_image::{DiffId, Digest};
use proptest::prelude::*;

/// What the golden index looks like inside.
const GOLDEN: &str = include_str!("../../../../../fixtures/index/v1.jsonl");

fn path(bytes: &[u8]) -> LayerPath {
    LayerPath::parse(bytes).unwrap()
}

fn entry(at: &[u8], body: Body) -> Entry {
    let time = Time { seconds: 1_700_000_000, nanos: 0 };
    Entry { path: path(at), body, mode: 0o755, uid: 0, gid: 0, mtime: time, xattrs: Xattrs::new() }
}

fn file(at: &[u8]) -> Entry {
    Entry { mode: 0o644, ..entry(at, Body::File { size: 5 }) }
}

/// One of everything that an index can say, of a base, which can say more.
fn everything() -> LayerIndex {
    let mut index = IndexBuilder::new(&Rules::base(Limits::default()));
    let hello = Some([0x2c; 32]);
    let elf = ElfFacts {
        machine: 62,
        class: 64,
        dynamic: true,
        interpreter: Some(b"/lib64/ld-linux-x86-64.so.2".to_vec()),
        soname: Some(b"libx.so.1".to_vec()),
        needed: vec![b"libm.so.6".to_vec(), b"libc.so.6".to_vec()],
        rpath: Some(b"/opt".to_vec()),
        runpath: Some(b"$ORIGIN".to_vec()),
        no_default_libraries: true,
        needs_versions: vec![(b"libc.so.6".to_vec(), b"GLIBC_2.34".to_vec())],
        defines_versions: vec![b"X_1".to_vec()],
    };
    let script = Facts::Script { interpreter: b"/bin/sh -e".to_vec() };
    let xattrs = Xattrs::from([(b"user.a".to_vec(), b"b".to_vec())]);
    let far = Time { seconds: -1, nanos: 750_000_000 };
    index.push(&Entry { mode: 0o1777, ..entry(b"", Body::Directory) }, None, None).unwrap();
    index.push(&file(b"opt/b"), hello, Some(Facts::Elf(Box::new(elf)))).unwrap();
    index.push(&Entry { uid: 1, gid: 2, xattrs, mtime: far, ..file(b"opt/caf\xe9") }, hello, Some(script)).unwrap();
    index
        .push(&Entry { mode: 0o644, ..entry(b"opt/a", Body::HardLink { target: path(b"opt/b") }) }, None, None)
        .unwrap();
    index.push(&entry(b"opt", Body::Directory), None, None).unwrap();
    index.push(&entry(b"opt-x", Body::Symlink { target: b"opt/\"q\"\n".to_vec() }), None, None).unwrap();
    index.push(&entry(b"opt/fifo", Body::Fifo), None, None).unwrap();
    index.push(&entry(b"dev/null", Body::CharDevice), None, None).unwrap();
    index.push(&entry(b"dev/sda", Body::BlockDevice), None, None).unwrap();
    index
        .push(&Entry { mode: 0o644, ..entry(b"lost", Body::HardLink { target: path(b"below") }) }, None, None)
        .unwrap();
    let users = Some(Facts::Text(b"a:x:".to_vec()));
    index.push(&Entry { body: Body::File { size: 4 }, ..file(b"etc/passwd") }, hello, users).unwrap();
    index.push_whiteout(path(b"etc/.wh.passwd")).unwrap();
    index.push_whiteout(path(b".wh..wh..opq")).unwrap();
    index.finish(Digest::of(b"blob"), DiffId(Digest::of(b"tar"))).unwrap()
}

/// Lines as bytes of an index.
fn pack(text: &str) -> Vec<u8> {
    let mut lines = Lines { block: text.as_bytes().to_vec(), ..Lines::default() };
    while lines.block.len() >= BLOCK {
        let rest = lines.block.split_off(BLOCK);
        let block = std::mem::replace(&mut lines.block, rest);
        lines.compress(&block, false);
    }
    lines.finish()
}

fn unpack(bytes: &[u8]) -> String {
    let rules = Rules::kept(Limits::default());
    let mut text = String::new();
    Unpacked::new(Container::Gzip, bytes, &rules).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_bytes_are_the_golden_ones() {
    let index = everything();
    assert_eq!(unpack(&index.to_bytes()), GOLDEN);
    // Of the compressed bytes: they stand in annotations. Changes with zlib-rs only, and with the media type.
    assert_eq!(
        Digest::of(&index.to_bytes()).to_string(),
        "sha256:e3a4c15ccd2d3b5b1d32b779c46bb1e9be9bf056de683a4dbc9e86c38705b584"
    );
    assert_eq!(LayerIndex::from_bytes(&index.to_bytes()).unwrap(), index);
}

#[test]
fn an_index_of_many_blocks_is_the_same_again() {
    let mut index = IndexBuilder::default();
    for i in 0..20_000 {
        let content = Digest::of(&[i as u8, (i >> 8) as u8]).as_bytes().try_into().unwrap();
        index.push(&file(format!("opt/{i}").as_bytes()), Some(content), None).unwrap();
    }
    let index = index.finish(Digest::of(b"blob"), DiffId(Digest::of(b"tar"))).unwrap();
    let bytes = index.to_bytes();
    assert!(unpack(&bytes).len() > 2 * BLOCK);
    assert_eq!(LayerIndex::from_bytes(&bytes).unwrap(), index);
}

#[test]
fn what_no_reader_says_is_refused() {
    let head = |entries: usize, whiteouts: usize| {
        let digest = Digest::of(b"");
        format!(
            r#"{{"diff_id":"{digest}","digest":"{digest}","entries":{entries},"reader":{READER_VERSION},"whiteouts":{whiteouts}}}"#
        )
    };
    let content = "2c".repeat(32);
    let file = |name: &str, more: &str| {
        format!(r#"{{"content":"{content}",{more}"kind":"file","mode":"0644","mtime":0,"path":"{name}","size":5}}"#)
    };
    let of = |entries: &[&str]| {
        let lines: Vec<String> = entries.iter().map(|line| format!("{line}\n")).collect();
        format!("{}\n{}", head(entries.len(), 0), lines.concat())
    };
    let directory = r#"{"kind":"directory","mode":"0755","mtime":0,"path":"a"}"#;
    let link = r#"{"kind":"symlink","mode":"0000","mtime":0,"path":"l","target":"t"}"#;
    let good = of(&[directory, &file("a/b", ""), &file("a-c", r#""group":0,"#), &file("d", r#""group":0,"#), link]);
    LayerIndex::from_bytes(&pack(&good)).unwrap();
    for (what, text) in [
        ("nothing", String::new()),
        ("not JSON", "x\n".to_owned()),
        ("an entry too few", good.replace("\"entries\":5", "\"entries\":6")),
        ("an entry too many", good.replace("\"entries\":5", "\"entries\":4")),
        ("no line end", good.trim_end().to_owned()),
        ("another version", good.replace("\"reader\":", "\"reader\":1")),
        ("more entries than there can be", good.replace("\"entries\":5", "\"entries\":5000001")),
        ("no digest", good.replace("\"digest\":\"sha256:", "\"digest\":\"md5:")),
        ("a space", good.replace("\"mtime\":0", "\"mtime\": 0")),
        ("what could be left out", good.replace("\"mtime\":0", "\"mtime\":0,\"nanos\":0")),
        (
            "another order of keys",
            good.replace(directory, r#"{"mode":"0755","kind":"directory","mtime":0,"path":"a"}"#),
        ),
        ("an unknown key", good.replace("\"mtime\":0", "\"mtime\":0,\"name\":0")),
        ("a key twice", of(&[&file("a", r#""gid":1,"gid":1,"#)])),
        ("an escape that is not needed", good.replace("\"a/b\"", "\"a\\/b\"")),
        ("text in hexadecimal", good.replace("\"path\":\"d\"", "\"path\":{\"hex\":\"64\"}")),
        ("a digit in a capital", of(&[&file("a", "").replace("\"a\"", "{\"hex\":\"FF\"}")])),
        ("half a digit", of(&[&file("a", "").replace("\"a\"", "{\"hex\":\"f\"}")])),
        ("no order", of(&[&file("b", ""), &file("a", "")])),
        ("a path twice", of(&[&file("a", ""), &file("a", "")])),
        ("bytes without '/' as the lowest", of(&[directory, &file("a-c", ""), &file("a/b", "")])),
        ("a slash first", of(&[&file("/a", "")])),
        ("a way up", of(&[&file("../a", "")])),
        ("the root among the others", of(&[&file("", "")])),
        ("below a file", of(&[&file("a", ""), &file("a/b", "")])),
        ("below a symlink", of(&[link, &file("l/b", "")])),
        ("a mode of five digits", good.replace("0644", "10644")),
        ("a mode in decimal", good.replace("0644", "0689")),
        ("a short digest", good.replace(&content, "2c2c")),
        ("a file without content", of(&[r#"{"kind":"file","mode":"0644","mtime":0,"path":"a","size":5}"#])),
        ("a file without a size", of(&[&file("a", "").replace(",\"size\":5", "")])),
        ("a directory with content", of(&[&file("a", "").replace("file", "directory")])),
        ("a late file", of(&[&file("a", "").replace("\"kind\":\"file\",", "\"kind\":\"file\",\"late\":true,")])),
        ("text of another file", of(&[&file("etc/shadow", r#""facts":{"text":"12345"},"#)])),
        ("half a text", of(&[&file("etc/passwd", r#""facts":{"text":"1234"},"#)])),
        ("a kind that is none", of(&[&directory.replace("directory", "socket")])),
        ("a link without a target", of(&[&link.replace(",\"target\":\"t\"", "")])),
        ("a link with a mode", of(&[&link.replace("0000", "0777")])),
        ("an empty target", of(&[&link.replace("\"t\"", "\"\"")])),
        ("a group of one", of(&[&file("a", r#""group":0,"#)])),
        ("a group that is not the next", of(&[&file("a", r#""group":1,"#), &file("b", r#""group":1,"#)])),
        ("a group of two files", {
            of(&[&file("a", r#""group":0,"#), &file("b", r#""group":0,"#).replace("0644", "0755")])
        }),
        ("a second of more than a second", of(&[&directory.replace("0,\"path", "0,\"nanos\":1000000000,\"path")])),
        ("a whiteout that is none", format!("{}\n{{\"whiteout\":\"a\"}}\n", head(0, 1))),
        ("whiteouts out of order", format!("{}\n{{\"whiteout\":\".wh.b\"}}\n{{\"whiteout\":\".wh.a\"}}\n", head(0, 2))),
        ("a root that is a file", good.replace("\"whiteouts\"", &format!("\"root\":{},\"whiteouts\"", file("", "")))),
        ("an unknown reason", good.replace("\"reader\"", r#""notes":[{"reason":"X","text":""}],"reader""#)),
    ] {
        let error = LayerIndex::from_bytes(&pack(&text)).expect_err(what);
        assert_eq!(error.kind(), ErrorKind::Index, "{what}: {error}");
    }
    assert!(LayerIndex::from_bytes(good.as_bytes()).is_err());
    assert!(LayerIndex::from_bytes(&[]).is_err());
    let bytes = pack(&good);
    for length in 0..bytes.len() {
        assert!(LayerIndex::from_bytes(&bytes[..length]).is_err(), "cut to {length}");
    }
    assert!(LayerIndex::from_bytes(&[bytes.clone(), bytes].concat()).is_err());
}

proptest! {
    /// Whatever is done to an index: it is refused, or says exactly what it says.
    #[test]
    fn there_is_one_form(place in 0..GOLDEN.len(), with in any::<u8>(), length in 0..3usize) {
        let mut text = GOLDEN.as_bytes().to_vec();
        let end = (place + length).min(text.len());
        text.splice(place..end, [with]);
        if let Ok(text) = String::from_utf8(text)
            && let Ok(index) = LayerIndex::from_bytes(&pack(&text))
        {
            prop_assert_eq!(unpack(&index.to_bytes()), text);
        }
    }

    /// Deflate has several words for one thing, and bits at its end that say nothing: the lines are what has one form.
    #[test]
    fn compressed_noise_is_refused_or_says_the_same(place in any::<prop::sample::Index>(), with in any::<u8>()) {
        let mut bytes = everything().to_bytes();
        *place.get_mut(&mut bytes) = with;
        if let Ok(index) = LayerIndex::from_bytes(&bytes) {
            prop_assert_eq!(index, everything());
        }
    }

    /// The order of the archive does not show in the bytes, and they come back as the same index.
    #[test]
    fn an_index_survives_its_bytes(
        names in proptest::collection::btree_set("[a-c\u{e4}]{1,2}(/[a-c]{1,2}){0,2}", 0..12),
        modes in proptest::collection::vec(0..0o10000u16, 12),
        turn in 0..12usize,
    ) {
        // Names that are ancestors of others are directories.
        let is_above = |name: &String| names.iter().any(|other| other.starts_with(&format!("{name}/")));
        let mut entries: Vec<Entry> = names.iter().zip(&modes).map(|(name, &mode)| {
            let body = match mode % 3 {
                _ if is_above(name) => Body::Directory,
                0 => Body::Symlink { target: name.clone().into_bytes() },
                1 => Body::Fifo,
                _ => Body::File { size: mode.into() },
            };
            Entry { mode, ..entry(name.as_bytes(), body) }
        }).collect();
        let build = |entries: &[Entry]| {
            let mut index = IndexBuilder::default();
            for entry in entries {
                let content = matches!(entry.body, Body::File { .. }).then_some([entry.mode as u8; 32]);
                index.push(entry, content, None).unwrap();
            }
            index.finish(Digest::of(b"blob"), DiffId(Digest::of(b"tar"))).unwrap()
        };
        let index = build(&entries);
        let bytes = index.to_bytes();
        prop_assert_eq!(&LayerIndex::from_bytes(&bytes).unwrap(), &index);
        // Ancestors first, so that no directory becomes late.
        let length = entries.len().max(1);
        entries.rotate_left(turn % length);
        entries.sort_by_key(|entry| entry.path.components().count());
        prop_assert_eq!(build(&entries).to_bytes(), bytes);
    }
}
