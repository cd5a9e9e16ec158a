//! Layers of an image: what is left of them, what is taken of that, and when their blobs stay as they are.

use super::super::{Layers, Owner, Reuse, reuse};
use super::*;
use crate::{Error, ErrorKind};
use std::sync::Arc;

/// A source of these layers, the lowest first, each as lines.
fn image(layers: &[&[&str]]) -> Source {
    image_of(layers.iter().map(|lines| tar(lines)).collect())
}

fn image_of(blobs: Vec<Vec<u8>>) -> Source {
    let index = |blob: &Vec<u8>| survey(&blob[..], &Rules::source(Limits::default())).unwrap().index;
    let indexes = blobs.iter().map(|blob| Arc::new(index(blob))).collect();
    let layers = Layers::new("tool:1", indexes, move |n| Ok(Box::new(std::io::Cursor::new(blobs[n].clone())) as _));
    Source { owner: Owner::Keep, ..Source::new(Input::Layers(layers)) }
}

fn pack(recipe: &Recipe) -> Result<(Vec<String>, Report)> {
    let made = make(recipe, &pool(), &Watch::nobody(), None, || Ok(Vec::new()))?;
    let Blob::Packed(blob) = made.blob else { panic!("kept") };
    assert_eq!(made.index, survey(&blob[..], &Rules::kept(Limits::default())).unwrap().index);
    let mut tar = Vec::new();
    flate2::read::MultiGzDecoder::new(&blob[..]).read_to_end(&mut tar).unwrap();
    Ok((lines(&tar[..]), made.report))
}

/// The lines of the one new layer that these layers become.
#[track_caller]
fn becomes(layers: &[&[&str]], expected: &[&str]) -> Report {
    let (found, report) = pack(&recipe(vec![image(layers)])).unwrap();
    assert_eq!(found, expected);
    report
}

fn refused(layers: &[&[&str]]) -> Error {
    pack(&recipe(vec![image(layers)])).unwrap_err()
}

fn listed(listed: &crate::make::Listed) -> Vec<String> {
    assert_eq!(listed.count, listed.first.len() as u64);
    listed.first.iter().map(ToString::to_string).collect()
}

#[test]
fn later_layers_win_and_whiteouts_take_away() {
    becomes(
        &[
            &["d opt", "d opt/x", "f opt/x/a =1", "f opt/x/b =1", "f opt/x/c =1", "d opt/x/d", "f opt/x/d/e =1"],
            &["d opt", "d opt/x 0700", "f opt/x/a =22", "f opt/x/.wh.b", "f opt/x/d/.wh..wh..opq", "f opt/x/d/f =2"],
            &["f opt/x/b =333"],
        ],
        // The directories first, each as its highest layer has it; then layer by layer.
        &["d opt", "d opt/x 0700", "d opt/x/d", "f opt/x/c =1", "f opt/x/a =22", "f opt/x/d/f =2", "f opt/x/b =333"],
    );
    // A file in the place of a directory takes away what was in it, and a directory in the place of a link hides the link.
    becomes(
        &[
            &["d opt/x", "d opt/x/d", "f opt/x/d/e =1", "l opt/x/l ->/etc"],
            &["f opt/x/d =2", "d opt/x/l", "f opt/x/l/passwd =2"],
        ],
        &["d opt", "d opt/x", "d opt/x/l", "f opt/x/d =2", "f opt/x/l/passwd =2"],
    );
    // The whole prefix is deleted and made again.
    becomes(
        &[&["d opt/x 0700", "f opt/x/a =1"], &["f opt/.wh.x"], &["d opt/x", "f opt/x/b =2"]],
        &["d opt", "d opt/x", "f opt/x/b =2"],
    );
}

#[test]
fn names_of_one_file_stay_one_file_as_far_as_they_are_left() {
    // The name that has the content is replaced, hidden, or left out: another one is the file then.
    let linked: &[&str] =
        &["d opt/x", "f opt/x/a 5:6 user.k:v =1", "h opt/x/b ->opt/x/a 5:6", "h opt/x/c ->opt/x/a 5:6"];
    let file = "f opt/x/b 5:6 user.k:v =1";
    becomes(&[linked, &["f opt/x/a =2"]], &["d opt", "d opt/x", file, "h opt/x/c 5:6 ->opt/x/b", "f opt/x/a =2"]);
    becomes(&[linked, &["f opt/x/.wh.a", "f opt/x/.wh.c"]], &["d opt", "d opt/x", file]);
    let outside: &[&str] =
        &["f usr/a 5:6 =1", "d opt/x", "h opt/x/b ->usr/a 5:6", "l opt/x/l ->b", "h opt/x/m ->opt/x/l"];
    let report = becomes(&[outside], &["d opt", "d opt/x", "f opt/x/b 5:6 =1", "l opt/x/l ->b", "h opt/x/m ->opt/x/l"]);
    assert_eq!(listed(&report.outside), ["/usr/a"]);
    // A hard link never reaches into a lower layer, whatever that has under the name.
    let index = survey(&tar(&["h opt/x/b ->opt/x/a"])[..], &Rules::source(Limits::default()));
    assert_eq!(index.unwrap_err().reason().unwrap().0, "TAR_HARDLINK_TARGET");
}

#[test]
fn what_lies_elsewhere_is_counted_and_listed() {
    let report = becomes(
        &[
            &["d etc", "f etc/passwd =root", "d etc/x 0711", "f etc/x/conf =1", "d opt/y", "f opt/y/a =1", "d opt/x"],
            &["f etc/.wh.shadow", "f etc/.wh.passwd", "f var/.wh..wh..opq", "f opt/x/a =2", "p run =", "d opt/x/e"],
        ],
        &["d etc", "d etc/x 0711", "d opt", "d opt/x", "d opt/x/e", "f etc/x/conf =1", "f opt/x/a =2"],
    );
    assert_eq!(listed(&report.outside), ["/opt/y/a", "/run"], "what the image itself deletes is not in it");
    assert_eq!(listed(&report.deletions), ["/etc/shadow"], "of whoever lies below");
    assert_eq!(report.filtered.count, 0);
}

#[test]
fn paths_choose_and_to_moves() {
    const ALL: &[&str] = &["d opt", "d opt/x", "d opt/x/bin", "f opt/x/bin/a =1", "f opt/x/b =1", "d opt/x/c"];
    let layers: &[&[&str]] = &[&[
        "d usr",
        "d usr/go 0700",
        "d usr/go/bin",
        "f usr/go/bin/go =1",
        "h usr/go/g ->usr/go/bin/go",
        "f usr/jq =2",
    ]];
    let source = |include: &[&str], to: Option<&str>| Source {
        include: include.iter().map(|glob| glob.to_string()).collect(),
        to: to.map(path),
        ..image(layers)
    };
    let moved = recipe(vec![source(&["/usr/go"], Some("opt/x"))]);
    let expected =
        ["d opt", "d opt/x 0700", "d opt/x/bin", "f opt/x/bin/go =1", "h opt/x/g ->opt/x/bin/go"].map(str::to_owned);
    let (found, report) = pack(&moved).unwrap();
    assert_eq!((found, listed(&report.filtered)), (expected.to_vec(), vec!["/usr/jq".into()]));
    let some = recipe(vec![source(&["/usr/go/bin", "usr/jq"], Some("opt/x/b"))]);
    let expected = ["d opt", "d opt/x", "d opt/x/b", "f opt/x/b/go =1", "f opt/x/b/jq =2"].map(str::to_owned);
    assert_eq!(pack(&some).unwrap().0, expected, "the content of a directory, and a file under its name");
    assert!(!reuse(&moved).unwrap().reasons.is_empty());
    let glob = pack(&recipe(vec![source(&["/usr/*"], Some("opt/x"))])).unwrap_err();
    assert_eq!((glob.kind(), glob.to_string().contains("is a glob")), (ErrorKind::Source, true), "{glob}");

    // In place: a directory that leads to what is taken stays what it is.
    let layers: &[&[&str]] = &[&["d opt/x 0700", "d opt/x/bin 0711", "f opt/x/bin/a =1", "f opt/x/b =1", "d opt/x/c"]];
    let bin = Source { include: vec!["/opt/x/b*/a".into()], ..image(layers) };
    let chosen = Recipe { ..recipe(vec![bin]) };
    assert_eq!(pack(&chosen).unwrap().0, ["d opt", "d opt/x 0700", "d opt/x/bin 0711", "f opt/x/bin/a =1"]);
    assert_eq!(reuse(&chosen).unwrap().reasons[0].reason.0, "FILTER");
    // What changes nothing is no reason; a directory that is left out is one, though nothing is in it.
    for (left_out, reasons) in [("none", 0), ("c", 1), ("bin", 1)] {
        let exclude = Recipe { exclude: vec![left_out.into()], ..recipe(vec![image(&[ALL])]) };
        assert_eq!(reuse(&exclude).unwrap().reasons.len(), reasons, "{left_out}");
    }
    for (paths, reasons) in [(&["/opt/x/bin", "/opt/x/b"][..], 1), (&["/opt/x/bin", "/opt/x/b", "/opt/x/c"], 0)] {
        let paths = paths.iter().map(|path| path.to_string()).collect();
        let chosen = recipe(vec![Source { include: paths, ..image(&[ALL]) }]);
        assert_eq!(reuse(&chosen).unwrap().reasons.len(), reasons);
    }
    let exclude = Recipe { exclude: vec!["bin".into()], ..recipe(vec![image(layers)]) };
    assert_eq!(pack(&exclude).unwrap().0, ["d opt", "d opt/x 0700", "d opt/x/c", "f opt/x/b =1"]);
}

#[test]
fn what_runtimes_unpack_differently_is_refused() {
    let reason = |layers: &[&[&str]]| refused(layers).reason().map(|reason| reason.0);
    // Through a link of a lower layer: onto the merged root it would be written to /etc.
    for link in [&["l opt/x ->/etc"][..], &["l opt ->/etc"], &["d opt/x", "l opt/x/d ->/etc"]] {
        assert_eq!(reason(&[link, &["f opt/x/d/passwd =2"]]), Some("TAR_THROUGH_SYMLINK"), "{link:?}");
    }
    assert_eq!(reason(&[&["f opt/x =1"], &["f opt/x/a =2"]]), Some("TAR_PARENT_NOT_DIR"));
    assert_eq!(reason(&[&["l opt/x ->/etc"], &["f opt/x/a =2", "d opt/x"]]), Some("TAR_THROUGH_SYMLINK"), "too late");
    assert_eq!(reason(&[&["l opt/x ->/etc"], &["f opt/.wh.x", "f opt/x/a =2"]]), Some("TAR_THROUGH_SYMLINK"));
    let text = refused(&[&["l opt/x ->/etc"], &["f opt/x/a =2"]]).to_string();
    let told = "/opt/x: has something below this path, which is a symlink in a lower layer, and no entry for it";
    assert!(text.starts_with("tool:1, layer sha256:") && text.contains(told), "{text}");
    // Wherever it is, and though nothing is left of it: it may have led here.
    let through: &[&str] = &["f lib/x =2", "f opt/x/a =2"];
    assert_eq!(reason(&[&["l lib ->opt/x", "d opt/x"], through]), Some("TAR_THROUGH_SYMLINK"));
    assert_eq!(reason(&[&["l lib ->opt/x", "d opt/x"], through, &["f .wh.lib"]]), Some("TAR_THROUGH_SYMLINK"));
    // A whiteout needs a directory too.
    assert_eq!(reason(&[&["p opt/x/d"], &["f opt/x/d/.wh.e"]]), Some("TAR_PARENT_NOT_DIR"));
    // Said to be a directory it is one for everybody, then or in a layer between.
    becomes(&[&["l opt/x ->/etc"], &["d opt/x", "f opt/x/a =2"]], &["d opt", "d opt/x", "f opt/x/a =2"]);
    becomes(&[&["l opt/x ->/etc"], &["d opt/x"], &["f opt/x/a =2"]], &["d opt", "d opt/x", "f opt/x/a =2"]);
    // So it is if the link is gone before, or if it was no link, and elsewhere.
    let gone: &[&[&str]] = &[&["l lib ->opt/x", "d opt/x"], &["f .wh.lib"], &["f lib/x =2", "f opt/x/a =2"]];
    becomes(gone, &["d opt", "d opt/x", "f opt/x/a =2"]);
    becomes(&[&["f lib =1", "d opt/x"], &["f lib/x =2", "f opt/x/a =2"]], &["d opt", "d opt/x", "f opt/x/a =2"]);

    assert_eq!(reason(&[&["d opt/x", "f opt/x/a =1", "f opt/x/.wh.a"]]), Some("TAR_WHITEOUT"));
    // What a layer deletes and fills, without an entry for it or from above the prefix, in whichever order.
    let lower: &[&str] = &["d opt/x", "d opt/x/d", "f opt/x/d/a =1", "f opt/x/b =1"];
    for upper in [
        &["f opt/x/.wh.d", "f opt/x/d/a =2"][..],
        &["f opt/x/d/a =2", "f opt/x/.wh.d"],
        &["f opt/x/.wh.d", "f opt/x/d/.wh.a"],
        &["f .wh.opt", "d opt", "d opt/x", "f opt/x/c =2"],
        &["f .wh.opt", "d opt/x", "f opt/x/c =2"],
        &["f .wh.opt", "d opt"],
    ] {
        assert_eq!(reason(&[lower, upper, &["f opt/x/e =3"]]), Some("TAR_WHITEOUT"), "{upper:?}");
    }
    let text = refused(&[lower, &["f opt/x/.wh.d", "f opt/x/d/a =2"]]).to_string();
    assert!(text.contains("/opt/x/d: the layer deletes this path, and has it or something below it: "), "{text}");
    // An opaque directory is told apart by all of them, and so is what is deleted elsewhere.
    let apart: &[&str] = &["f opt/x/d/.wh..wh..opq", "f opt/x/d/c =2", "f opt/x/.wh.b", "f usr/.wh.a", "f usr/a/b =2"];
    becomes(&[lower, apart], &["d opt", "d opt/x", "d opt/x/d", "f opt/x/d/c =2"]);
    let device = device("opt/x/null");
    let error = pack(&recipe(vec![image_of(vec![device])])).unwrap_err();
    assert_eq!(error.reason().unwrap().0, "TAR_DEVICE");
    assert!(error.to_string().starts_with("tool:1, layer sha256:"), "{error}");
    becomes_of(vec![self::device("dev/null"), tar(&["d opt/x"])], &["d opt", "d opt/x"]);
}

/// An archive of a character device, and a prefix.
fn device(at: &str) -> Vec<u8> {
    let mut bytes = tar(&[&format!("p {at}")]);
    bytes[156] = b'3';
    bytes[148..156].copy_from_slice(b"        ");
    let sum: u32 = bytes[..512].iter().map(|&byte| u32::from(byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes
}

#[track_caller]
fn becomes_of(blobs: Vec<Vec<u8>>, expected: &[&str]) {
    assert_eq!(pack(&recipe(vec![image_of(blobs)])).unwrap().0, expected);
}

#[test]
fn an_index_that_lies_is_found_out() {
    let (said, held) = (tar(&["d opt/x", "f opt/x/a =1"]), tar(&["d opt/x", "f opt/x/b =1"]));
    for held in [held, tar(&["d opt/x"]), tar(&["d opt/x", "d opt/x/a"])] {
        let index = survey(&said[..], &Rules::source(Limits::default())).unwrap().index;
        let layers =
            Layers::new(
                "tool:1",
                vec![Arc::new(index)],
                move |_| Ok(Box::new(std::io::Cursor::new(held.clone())) as _),
            );
        let error = pack(&recipe(vec![Source::new(Input::Layers(layers))])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Index, "{error}");
    }
}

#[test]
fn nothing_at_all_is_an_error_that_says_what_there_is() {
    let error = refused(&[&["d usr", "f usr/a =1", "f usr/b =1"], &["f usr/.wh.b"]]);
    let text = "tool:1: has nothing that would land under /opt/x: it has 1 files elsewhere, such as /usr/a; \
                say `paths` and `to`, or another `prefix`";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Source, text));
}

#[test]
fn attributes_of_directories_and_files_survive_and_the_machines_own_are_counted() {
    let report = becomes(
        &[
            &["d opt/x user.old:1", "f opt/x/a security.capability:ccccccccccccccccccc1 system.posix_acl_access:a =1"],
            &["d opt/x user.new:2 security.selinux:s trusted.md5sum:t"],
        ],
        &["d opt", "d opt/x user.new:2", "f opt/x/a security.capability:ccccccccccccccccccc1 =1"],
    );
    let dropped: Vec<_> = report.dropped_xattrs.values().collect();
    assert_eq!(dropped, [&1, &1, &1]);
}

#[test]
fn every_name_of_a_file_has_its_capabilities() {
    // docker and containerd give each of them its owner once more, and with that the kernel drops what the file has.
    let capability = "security.capability:ccccccccccccccccccc1";
    let file = format!("f opt/x/a {capability} user.n:v =1");
    let link = format!("h opt/x/b {capability} user.n:v ->opt/x/a");
    becomes(&[&["d opt", "d opt/x", &file, "h opt/x/b ->opt/x/a"]], &["d opt", "d opt/x", &file, &link]);
}

#[test]
fn what_chooses_nothing_of_an_image_is_told() {
    let layers: &[&[&str]] =
        &[&["d opt", "d opt/x", "f opt/x/a =1"], &["d opt", "d opt/x", "f opt/x/b =1", "f usr/c =2"]];
    let source = |include: &[&str], to: Option<&str>| Source {
        include: include.iter().map(|glob| glob.to_string()).collect(),
        to: to.map(path),
        ..image(layers)
    };
    let chosen = recipe(vec![source(&["/opt/x/a", "./b", "/opt/y"], None)]);
    let moved = recipe(vec![source(&["/usr/c", "/usr/d"], Some("opt/x/e"))]);
    for (choice, include) in [(chosen, "/opt/y"), (moved, "/usr/d")] {
        let choice = Recipe { exclude: vec!["b".into(), "none".into()], ..choice };
        let unmatched = pack(&choice).unwrap().1.unmatched;
        assert_eq!(unmatched.include, [include]);
        assert_eq!(unmatched.exclude.last().unwrap(), "none");
        assert_eq!(reuse(&choice).unwrap().unmatched, unmatched);
    }
    // What is used byte for byte is looked at as well.
    let whole = Recipe { exclude: vec!["none".into()], ..recipe(vec![image(&layers[..1])]) };
    let Reuse { reasons, unmatched, .. } = reuse(&whole).unwrap();
    assert_eq!((reasons, unmatched.exclude), (vec![], vec!["none".to_owned()]));
}

#[test]
fn times_are_the_recipes() {
    let layers: &[&[&str]] = &[&["d opt @3000", "d opt/x @2000", "f opt/x/a @5000 =1"]];
    let clamped = Recipe { times: Times::Clamp(4000), ..recipe(vec![image(layers)]) };
    assert_eq!(pack(&clamped).unwrap().0, ["d opt @2000", "d opt/x @2000", "f opt/x/a @4000 =1"]);
    assert_eq!(reuse(&clamped).unwrap().reasons, [], "finished work keeps its times");
}

/// The layers that are used as they are, or the first reason for not doing so.
fn kept(layers: &[&[&str]]) -> std::result::Result<Vec<usize>, &'static str> {
    let Reuse { layers, reasons, .. } = reuse(&recipe(vec![image(layers)])).unwrap();
    reasons.first().map_or(Ok(layers), |note| Err(note.reason.0))
}

#[test]
fn blobs_that_would_pass_as_layers_are_used() {
    let a: &[&str] = &["d opt", "d opt/x", "f opt/x/a =1"];
    let b: &[&str] = &["d opt", "d opt/x", "d opt/x/d 0700 5:6", "f opt/x/d/b 5:6 =1"];
    let c: &[&str] = &["d opt", "d opt/x", "d opt/x/d 0700 5:6", "f opt/x/d/c 5:6 =1"];
    assert_eq!(kept(&[a]), Ok(vec![0]));
    assert_eq!(kept(&[a, b, c, a]), Ok(vec![0, 1, 2, 3]), "and the same file is no other");
    // Layers with nothing of it are no part of it, and neither is what they delete.
    let through = reuse(&recipe(vec![image(&[&["l lib ->opt/x"], a, &["f lib/b =1"]])])).unwrap_err();
    assert_eq!(through.reason().unwrap().0, "TAR_THROUGH_SYMLINK", "into it, perhaps");
    let elsewhere: &[&str] = &["d etc", "f etc/a =1", "d var", "f var/.wh.cache", "d opt", "f usr/.wh..wh..opq"];
    assert_eq!(kept(&[elsewhere, a, elsewhere, b]), Ok(vec![1, 3]));
    let reuse = reuse(&recipe(vec![image(&[elsewhere, a])])).unwrap();
    assert_eq!(listed(&reuse.outside), ["/etc/a"]);
}

#[test]
fn a_layer_that_deletes_what_leads_to_what_is_chosen_is_no_other_layer() {
    let lower: &[&str] = &["d opt", "d opt/x", "d opt/x/lib", "d opt/x/lib/jvm", "f opt/x/lib/jvm/java =1"];
    let chosen = |glob: &str, upper: &[&str]| {
        let source = Source { include: vec![glob.into()], ..image(&[lower, upper]) };
        let Reuse { layers, reasons, .. } = reuse(&recipe(vec![source])).unwrap();
        reasons.first().map_or(Ok(layers), |note| Err(note.reason.0))
    };
    // `opt/x` and `opt/x/lib` are left out of the lowest layer themselves, and only lead to what is taken.
    for glob in ["/opt/x/lib/jvm", "lib/jvm", "/opt/*/lib/jvm", "**/jvm", "/opt/x/lib/*"] {
        for (upper, reason) in [
            (&["f opt/x/.wh.lib"][..], "TAR_WHITEOUT"),
            (&["d opt", "d opt/x", "f opt/x/.wh.lib"], "TAR_WHITEOUT"),
            (&["f opt/x/lib/.wh..wh..opq"], "TAR_WHITEOUT"),
            (&["f .wh.opt"], "TAR_WHITEOUT"),
            (&["d opt", "d opt/x", "l opt/x/lib ->lib64"], "FILTER"),
            (&["d opt", "d opt/x", "f opt/x/lib =2"], "FILTER"),
            (&["d opt", "d opt/x", "d opt/x/lib 0700"], "LAYERS"),
        ] {
            assert_eq!(chosen(glob, upper), Err(reason), "{glob} {upper:?}");
        }
    }
    // What is beside it stays another layer's.
    for upper in [
        &["d opt", "d opt/x", "d opt/x/bin", "f opt/x/bin/run =2"][..],
        &["d opt", "d opt/x", "d opt/x/lib", "f opt/x/lib/a =2"],
        &["f opt/x/.wh.bin", "f opt/x/lib/.wh.a", "f opt/x/bin/.wh..wh..opq"],
    ] {
        assert_eq!(chosen("/opt/x/lib/jvm", upper), Ok(vec![0]), "{upper:?}");
    }
    // A file there now, below which a layer writes as if it were none.
    let source =
        Source { include: vec!["lib/jvm".into()], ..image(&[&["f opt/x/lib =1"], &["f opt/x/lib/jvm/java =2"]]) };
    let error = reuse(&recipe(vec![source])).unwrap_err();
    assert_eq!(error.reason().unwrap().0, "TAR_PARENT_NOT_DIR");
    // What the layer owns by a glob is decided above its matches as well.
    let cache: &[&str] = &["d var", "d var/lib", "d var/lib/cache", "f var/lib/cache/a =1"];
    let owns = crate::check::Owns::new(["/var/**/cache"]).unwrap();
    let owned = Recipe { owns, ..recipe(vec![image(&[cache, &["f var/.wh.lib"]])]) };
    assert_eq!(reuse(&owned).unwrap().layers, [0, 1]);
}

#[test]
fn blobs_that_would_not_are_told_with_the_reason() {
    let a: &[&str] = &["d opt", "d opt/x", "f opt/x/a =1"];
    let cases: &[(&[&[&str]], &str)] = &[
        (&[&["d opt", "d opt/x", "f opt/x/a =1", "f usr/b =1"]], "OUTSIDE"),
        (&[&["d opt/x", "f opt/x/a =1"]], "ANCESTORS"),
        (&[&["d opt 0700", "d opt/x"]], "ANCESTORS"),
        (&[&["d opt", "d opt/x security.selinux:s"]], "XATTRS"),
        (&[&["d opt", "d opt/x", "f stargz.index.json =1"]], "ESTARGZ"),
        (&[&["d opt", "d opt/x", "d opt", "f opt/x/a =1"]], "TAR_DUPLICATE"),
        (&[a, &["f opt/x/.wh.a"]], "TAR_WHITEOUT"),
        (&[a, &["f opt/x/.wh..wh..opq"]], "TAR_WHITEOUT"),
        (&[a, &["f opt/.wh.x"]], "TAR_WHITEOUT"),
        (&[a, &["d opt", "d opt/x", "f opt/x/b =1", "f etc/.wh.b"]], "TAR_WHITEOUT"),
        (&[a, &["d opt", "d opt/x", "f opt/x/a =2"]], "LAYERS"),
        (&[a, &["d opt", "d opt/x 0700", "f opt/x/b =2"]], "LAYERS"),
        (&[a, &["d opt", "d opt/x", "d opt/x/a"]], "LAYERS"),
        (&[&["d opt", "d opt/x", "d opt/x/d 0700"], &["d opt", "d opt/x", "f opt/x/d/a =1"]], "LAYERS"),
        (&[&["l opt ->/etc"], a], "OUTSIDE"),
    ];
    for (layers, expected) in cases {
        assert_eq!(kept(layers), Err(*expected), "{layers:?}");
    }
    assert_eq!(reuse(&recipe(vec![image_of(vec![device("opt/x/null")])])).unwrap().reasons[0].reason.0, "TAR_DEVICE");
}
