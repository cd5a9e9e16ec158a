//! Archives that stay as they are, and archives that do not.

use super::super::{Attributes, Owner};
use super::*;
use crate::ErrorKind;

const LAYER: [&str; 6] = ["d opt", "d opt/x", "f opt/x/a =1", "d etc", "d etc/x 0700", "l etc/x/b ->a"];

#[test]
fn a_layer_stays_as_it_is() {
    let plain = tar(&LAYER);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    for (bytes, compression) in [(gzip.finish().unwrap(), Compression::Gzip), (plain, Compression::None)] {
        let file = file(&bytes);
        let unasked = || -> std::io::Result<Vec<u8>> { panic!("there is nothing to write") };
        let made = make(&recipe(vec![source(&file)]), &pool(), &Watch::nobody(), None, unasked).unwrap();
        assert!(matches!(made.blob, Blob::Kept));
        assert_eq!(made.descriptor.digest, oci_merge_image::Digest::of(&bytes));
        assert_eq!(made.descriptor.size, bytes.len() as u64);
        assert_eq!(oci_merge_image::Form::of(&made.descriptor.media_type), oci_merge_image::Form::Layer(compression));
        assert_eq!(made.index, survey(&bytes[..], &Rules::kept(Limits::default())).unwrap().index);
        assert_eq!(made.report, Report { landings: vec![LayerPath::root()], ..Report::default() });
    }
}

#[test]
fn every_reason_to_pack_anew_is_told() {
    let cases: &[(&str, &[&str], fn(&mut Recipe), &[&str])] = &[
        ("nothing is wrong", &LAYER, |_| (), &[]),
        ("the time is early enough", &LAYER, |r| r.times = Times::Clamp(1000), &[]),
        ("all times are right", &LAYER, |r| r.times = Times::Set(1000), &[]),
        ("owners are kept", &["d opt", "d opt/x 5:5"], |r| r.sources[0].owner = Owner::Keep, &[]),
        ("owners are right", &["d opt", "d opt/x 5:6"], |r| r.sources[0].owner = Owner::Ids(5, 6), &[]),
        ("no ancestors are wanted", &["d opt/x", "f etc/x =1"], |r| r.ancestors = Ancestors::Omit, &[]),
        (
            "an ancestor is as in the base",
            &["d etc 0711", "f etc/x =1"],
            |r| {
                r.base.insert(path("etc"), Attributes { mode: 0o711, uid: 0, gid: 0 });
            },
            &[],
        ),
        (
            "another is as in the base",
            &["d opt 0711", "d opt/x"],
            |r| {
                r.ancestors = Ancestors::Base;
                r.base.insert(path("opt"), Attributes { mode: 0o711, uid: 0, gid: 0 });
            },
            &[],
        ),
        ("a plain root", &["d .", "d opt", "d opt/x"], |_| (), &[]),
        ("a root of its own", &["d . 0700", "d opt", "d opt/x"], |_| (), &["ANCESTORS"]),
        ("owners", &["d opt", "d opt/x", "f opt/x/a 5:0 =1"], |_| (), &["OWNER"]),
        ("an ancestor's owner", &["d opt 5:5", "d opt/x"], |_| (), &["ANCESTORS"]),
        ("an ancestor's mode", &["d opt 0700", "d opt/x"], |_| (), &["ANCESTORS"]),
        ("an ancestor without entry", &["d opt/x"], |_| (), &["ANCESTORS"]),
        ("an ancestor that comes late", &["d opt/x", "d opt"], |_| (), &["ANCESTORS"]),
        ("a prefix without entry", &["d opt", "f opt/x/a =1"], |_| (), &["ANCESTORS"]),
        ("an ancestor of owns without entry", &["f etc/x/a =1"], |_| (), &["ANCESTORS"]),
        ("an ancestor that is not wanted", &["d opt", "d opt/x"], |r| r.ancestors = Ancestors::Omit, &["ANCESTORS"]),
        ("a late time", &LAYER, |r| r.times = Times::Clamp(999), &["TIMES"]),
        ("another time", &LAYER, |r| r.times = Times::Set(1001), &["TIMES"]),
        ("attributes", &["d opt", "d opt/x", "f opt/x/a security.selinux:l =1"], |_| (), &["XATTRS"]),
        (
            "entries that do not belong",
            &["d opt", "d opt/x", "d var", "f var/a =1"],
            |r| r.sources[0].to = Some(LayerPath::root()),
            &["OUTSIDE"],
        ),
        ("eStargz", &["d opt", "d opt/x", "f stargz.index.json ={}"], |_| (), &["ESTARGZ"]),
        ("strip", &["d s/opt", "d s/opt/x"], |r| r.sources[0].strip = 1, &["STRIP"]),
        ("its content lands in the prefix", &["f a =1"], |_| (), &["LANDING"]),
        ("exclude", &LAYER, |r| r.exclude = vec!["none".into()], &["FILTER"]),
        ("include", &LAYER, |r| r.sources[0].include = vec!["**".into()], &["FILTER"]),
        (
            "everything at once",
            &["d opt 0700", "d opt/x", "f opt/x/a 5:5 @2000 security.ima:b =1"],
            |r| r.times = Times::Clamp(1500),
            &["OWNER", "TIMES", "XATTRS", "ANCESTORS"],
        ),
    ];
    for (what, entries, say, expected) in cases {
        let file = file(&tar(entries));
        let mut recipe = recipe(vec![source(&file)]);
        say(&mut recipe);
        assert_eq!(reasons(&recipe), *expected, "{what}");
        // Whatever it was, what we write ourselves has no reason left.
        if let (Some(lines), _) = made(&recipe).unwrap() {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let again = super::file(&tar(&lines));
            let Source { owner, to, .. } = recipe.sources[0].clone();
            recipe.sources = vec![Source { owner, to, ..source(&again) }];
            recipe.exclude.clear();
            let left = reasons(&recipe);
            assert!(left.is_empty() || left == ["OUTSIDE"], "{what}: {left:?} {lines:?}");
        }
    }
}

#[test]
fn what_has_to_be_kept_is_kept_or_refused() {
    let keep = |bytes: &[u8], say: fn(&mut Recipe)| {
        let file = file(bytes);
        let mut recipe = recipe(vec![Source { keep: true, ..source(&file) }]);
        say(&mut recipe);
        made(&recipe).map(|(lines, _)| assert_eq!(lines, None))
    };
    // Owners, ancestors and times are the archive's affair.
    keep(&tar(&["d opt 0700 5:5", "f opt/x/a 5:5 =1", "f var/a =2"]), |r| r.times = Times::Clamp(1)).unwrap();
    let twice = tar(&["d opt", "d opt", "d opt/x"]);
    assert_eq!(keep(&twice, |_| ()).unwrap_err().reason().unwrap().0, "TAR_DUPLICATE");
    let file = file(&twice);
    assert_eq!(reasons(&recipe(vec![source(&file)])), ["TAR_DUPLICATE"]);
    assert_eq!(packed(&recipe(vec![source(&file)])), ["d opt", "d opt/x"]);
    for say in [
        |r: &mut Recipe| r.sources[0].strip = 1,
        |r: &mut Recipe| r.sources[0].include = vec!["a".into()],
        |r: &mut Recipe| r.sources[0].exclude = vec!["a".into()],
        |r: &mut Recipe| r.exclude = vec!["a".into()],
        |r: &mut Recipe| r.sources[0].to = Some(path("opt/x")),
        |r: &mut Recipe| r.sources.push(r.sources[0].clone()),
        |r: &mut Recipe| r.sources[0].input = Input::Directory("/".into()),
    ] {
        assert_eq!(keep(&tar(&LAYER), say).unwrap_err().kind(), ErrorKind::Source);
    }
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&tar(&LAYER)).unwrap();
    let bzip2 = bzip2.finish().unwrap();
    assert_eq!(keep(&bzip2, |_| ()).unwrap_err().reason().unwrap().0, "UNSUPPORTED_COMPRESSION");
    // Not what is wrong with it as a zip.
    assert_eq!(keep(b"PK\x03\x04", |_| ()).unwrap_err().reason().unwrap().0, "UNSUPPORTED_COMPRESSION");
    let file = super::file(&bzip2);
    assert_eq!(reasons(&recipe(vec![source(&file)])), ["CONTAINER"]);
    let expected = ["d opt", "d opt/x", "f opt/x/a =1", "d etc", "d etc/x 0700", "l etc/x/b ->a"];
    assert_eq!(packed(&recipe(vec![source(&file)])), expected);
}

#[test]
fn what_readers_disagree_about_is_refused_and_named() {
    let mut bytes = tar(&LAYER);
    bytes[0] ^= 1;
    let file = file(&bytes);
    let error = refused(&recipe(vec![source(&file)]));
    assert_eq!((error.reason().unwrap().0, error.file()), ("NOT_A_TAR", Some(file.path())));
    let missing = Source::new(Input::Archive("/nowhere/x.tar".into()));
    let error = refused(&recipe(vec![missing]));
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().starts_with("/nowhere/x.tar: cannot be read: "), "{error}");
}

#[test]
fn several_sources_make_one_layer() {
    let rustc = file(&tar(&["d rustc/bin", "f rustc/bin/rustc 0755 =1", "d rustc/lib", "f rustc/lib/a =2"]));
    let cargo = file(&tar(&["d cargo/bin", "f cargo/bin/cargo 0755 =3"]));
    let strip = |file| Source { strip: 1, ..source(file) };
    let both = recipe(vec![strip(&rustc), strip(&cargo)]);
    let expected = [
        "d opt",
        "d opt/x",
        "d opt/x/bin",
        "f opt/x/bin/rustc 0755 =1",
        "d opt/x/lib",
        "f opt/x/lib/a =2",
        "f opt/x/bin/cargo 0755 =3",
    ];
    assert_eq!(packed(&both), expected);
    assert_eq!(made(&both).unwrap().1.landings, [path("opt/x"), path("opt/x")]);

    // A layer beside another is packed as well, and told so.
    let (layer, file) = (file(&tar(&["d opt", "d opt/x", "f opt/x/a =1"])), file(&tar(&["f b =1"])));
    let both = recipe(vec![source(&layer), source(&file)]);
    assert_eq!(packed(&both), ["d opt", "d opt/x", "f opt/x/a =1", "f opt/x/b =1"]);
    assert_eq!(reasons(&both), ["SOURCES", "LANDING", "SOURCES"]);

    let same = super::file(&tar(&["f a =1"]));
    let error = refused(&recipe(vec![source(&layer), source(&same)]));
    assert_eq!((error.kind(), error.path()), (ErrorKind::Source, Some(&path("opt/x/a"))), "{error}");
    let same = super::file(&tar(&["d bin 0700"]));
    let error = refused(&recipe(vec![strip(&rustc), source(&same)]));
    assert_eq!((error.kind(), error.path()), (ErrorKind::Source, Some(&path("opt/x/bin"))), "{error}");
}

#[test]
fn what_was_left_out_is_told() {
    let file =
        file(&tar(&["f README =1", "d s", "f s/a =2", "f s/b security.selinux:l =3", "f s/c security.selinux:l =4"]));
    let recipe = recipe(vec![Source { strip: 1, exclude: vec!["a".into()], ..source(&file) }]);
    let report = made(&recipe).unwrap().1;
    assert_eq!((report.too_short.count, report.too_short.first), (1, vec![path("README")]));
    assert_eq!((report.filtered.count, report.filtered.first), (1, vec![path("s/a")]));
    assert_eq!(report.dropped_xattrs, [(b"security.selinux".to_vec(), 2)].into());
}

#[test]
fn times_are_clamped_and_ancestors_have_that_of_the_prefix() {
    let file = file(&tar(&["d . @1500", "f a @1000 =1", "f b @2000 =2"]));
    let mut recipe = recipe(vec![source(&file)]);
    assert_eq!(packed(&recipe), ["d opt @1500", "d opt/x @1500", "f opt/x/a =1", "f opt/x/b @2000 =2"]);
    recipe.times = Times::Clamp(1200);
    assert_eq!(packed(&recipe), ["d opt @1200", "d opt/x @1200", "f opt/x/a =1", "f opt/x/b @1200 =2"]);
    recipe.times = Times::Set(0);
    assert_eq!(packed(&recipe), ["d opt @0", "d opt/x @0", "f opt/x/a @0 =1", "f opt/x/b @0 =2"]);
    // Without a directory of its own, the newest.
    let file = super::file(&tar(&["f a @1000 =1", "f b @2000 =2"]));
    assert_eq!(packed(&super::recipe(vec![source(&file)]))[..2], ["d opt @2000", "d opt/x @2000"]);
}

#[test]
fn bytecode_that_clamping_makes_stale_is_told() {
    // PEP 552: magic, flags, time of the source, its size.
    let compiled = |flags: u32, time: u32| {
        let words = [0x0a0d_0dcb_u32, flags, time, 1];
        words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
    };
    let mut writer = TarWriter::new(Vec::new());
    for (name, content) in [
        ("a.py", vec![b'1']),
        ("b.py", vec![b'1']),
        ("c.py", vec![b'1']),
        ("__pycache__/a.cpython-312.pyc", compiled(0, 2000)),
        ("__pycache__/b.cpython-312.pyc", compiled(0, 1200)),
        ("__pycache__/c.cpython-312.pyc", compiled(1, 2000)),
        ("__pycache__/gone.cpython-312.pyc", compiled(0, 2000)),
    ] {
        let mut entry = entry(&format!("f {name} @2000")).0;
        entry.body = Body::File { size: content.len() as u64 };
        writer.begin(&entry).unwrap();
        writer.content(&content).unwrap();
    }
    let file = file(&writer.finish().unwrap());
    let stale = |times| {
        let report = made(&Recipe { times, ..recipe(vec![source(&file)]) }).unwrap().1;
        (report.stale_bytecode.count, report.stale_bytecode.first)
    };
    assert_eq!(stale(Times::Keep), (0, vec![]));
    assert_eq!(stale(Times::Clamp(3000)), (0, vec![]));
    assert_eq!(stale(Times::Clamp(1200)), (1, vec![path("opt/x/a.py")]));
    assert_eq!(stale(Times::Set(1200)), (1, vec![path("opt/x/a.py")]));
}
