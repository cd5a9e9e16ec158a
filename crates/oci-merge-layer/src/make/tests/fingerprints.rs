//! What tells sources and recipes apart without reading them. That [`fingerprint`] says what [`make`] says, every test of
//! a layer that is made has a look at.

use super::super::{Attributes, Owner, fingerprint};
use super::directories::{recipe_for, tree};
use super::*;
use crate::compressor::Level;
use crate::{Fingerprint, Limits};
use oci_merge_image::Digest;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

fn digest(recipe: &Recipe) -> Digest {
    fingerprint(recipe).unwrap().unwrap().digest().clone()
}

#[test]
fn every_change_of_a_directory_is_seen() {
    let root = tree(&["d bin", "f bin/tool =abcd", "l link ->bin", "f a =x", "h b ->a"]);
    let at = |name: &str| root.path().join(name);
    let recipe = recipe_for(root.path());
    let mut seen = vec![digest(&recipe)];
    let keeping_times = |name: &str, change: &dyn Fn(&Path)| {
        let modified = fs::metadata(at(name)).unwrap().modified().unwrap();
        change(&at(name));
        fs::File::open(at(name)).unwrap().set_modified(modified).unwrap();
    };
    let changes: [&dyn Fn(); 11] = [
        &|| keeping_times("bin/tool", &|file| fs::write(file, "abce").unwrap()),
        &|| fs::set_permissions(at("bin/tool"), Permissions::from_mode(0o755)).unwrap(),
        &|| xattr::set(at("bin/tool"), "user.x", b"1").unwrap(),
        &|| fs::write(at("bin/new"), "").unwrap(),
        &|| fs::rename(at("bin/new"), at("bin/newer")).unwrap(),
        &|| fs::remove_file(at("bin/newer")).unwrap(),
        &|| {
            fs::remove_file(at("link")).unwrap();
            symlink("nib", at("link")).unwrap();
        },
        &|| {
            fs::remove_file(at("b")).unwrap();
            fs::write(at("b"), "x").unwrap();
        },
        &|| fs::set_permissions(root.path(), Permissions::from_mode(0o711)).unwrap(),
        &|| keeping_times("a", &|file| fs::write(file, "y").unwrap()),
        &|| fs::hard_link(at("a"), at("c")).unwrap(),
    ];
    for change in changes {
        // A tick of the kernel's clock is at most a hundredth of a second.
        sleep(Duration::from_millis(20));
        change();
        let now = digest(&recipe);
        assert_eq!(now, digest(&recipe));
        assert!(!seen.contains(&now), "change {}", seen.len());
        seen.push(now);
    }
}

#[test]
fn what_is_left_out_does_not_count_and_no_file_is_opened() {
    let root = tree(&["d lib", "f lib/a =x", "d cache", "f cache/x =1", "f secret 0000 =x"]);
    let recipe = Recipe { exclude: vec!["cache".into()], ..recipe_for(root.path()) };
    let before = digest(&recipe);
    fs::write(root.path().join("cache/x"), "22").unwrap();
    fs::remove_file(root.path().join("cache/x")).unwrap();
    assert_eq!(digest(&recipe), before);
    assert_ne!(digest(&recipe_for(root.path())), before);
}

#[test]
fn where_a_directory_lies_and_its_other_name_do_not_count() {
    let root = tree(&["d one", "f one/a =x"]);
    let before = digest(&recipe_for(&root.path().join("one")));
    symlink("one", root.path().join("two")).unwrap();
    assert_eq!(digest(&recipe_for(&root.path().join("two"))), before);
}

#[test]
fn files_that_have_only_just_changed_are_not_settled() {
    let root = tree(&["f a =x"]);
    let time = |path: &Path| {
        let at = fs::metadata(path).unwrap();
        use std::os::unix::fs::MetadataExt;
        Time { seconds: at.ctime(), nanos: at.ctime_nsec() as u32 }
    };
    let changed = time(&root.path().join("a")).max(time(root.path()));
    // Whoever set this time lies: it was written just now.
    fs::File::open(root.path().join("a")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let print = fingerprint(&recipe_for(root.path())).unwrap().unwrap();
    assert!(!print.is_settled(changed));
    assert!(print.is_settled(Time { seconds: changed.seconds + 1, ..changed }));
}

#[test]
fn every_field_of_a_recipe_counts() {
    let root = tree(&["f a =x"]);
    let here = Source::new(Input::Directory(root.path().to_owned()));
    let plain = || recipe_for(root.path());
    let with = |source: Source| Recipe { sources: vec![source], ..plain() };
    let mut limits = Limits::default();
    limits.entries -= 1;
    let etc = BTreeMap::from([(path("etc"), Attributes { mode: 0o700, uid: 0, gid: 0 })]);
    let recipes = [
        plain(),
        Recipe { prefix: "/opt/y".parse().unwrap(), ..plain() },
        Recipe { owns: Owns::new(["/etc/y"]).unwrap(), ..plain() },
        Recipe { owns: Owns::default(), ..plain() },
        Recipe { exclude: vec!["b".into()], ..plain() },
        Recipe { ancestors: Ancestors::Base, ..plain() },
        Recipe { ancestors: Ancestors::Omit, ..plain() },
        Recipe { base: etc.clone(), ..plain() },
        Recipe { times: Times::Keep, ..plain() },
        Recipe { times: Times::Set(1001), ..plain() },
        Recipe { times: Times::Clamp(1000), ..plain() },
        Recipe { compressor: Compressor::Gzip(Level::DEFAULT), ..plain() },
        Recipe { compressor: Compressor::None, ..plain() },
        Recipe { limits, ..plain() },
        with(Source { strip: 1, ..here.clone() }),
        with(Source { include: vec!["b".into(), "a".into()], ..here.clone() }),
        with(Source { include: vec!["ba".into()], ..here.clone() }),
        with(Source { exclude: vec!["b".into()], ..here.clone() }),
        with(Source { to: Some(path("")), ..here.clone() }),
        with(Source { to: Some(path("opt/x/y")), ..here.clone() }),
        with(Source { owner: Owner::Keep, ..here.clone() }),
        with(Source { owner: Owner::Ids(1, 23), ..here.clone() }),
        with(Source { owner: Owner::Ids(12, 3), ..here.clone() }),
        with(Source { fingerprint: Some(Fingerprint::of_digests([&Digest::of(b"")])), ..here.clone() }),
        Recipe { sources: vec![here.clone(), here.clone()], ..plain() },
    ];
    let mut digests: Vec<Digest> = recipes.iter().map(digest).collect();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), recipes.len());
    // The base, to those only who take something over from it.
    let alone = |base| Recipe { base, owns: Owns::default(), ..plain() };
    assert_eq!(digest(&alone(etc)), digest(&alone(BTreeMap::new())));
}

#[test]
fn an_archive_is_known_by_its_file_or_by_what_the_caller_knows() {
    let archive = file(&tar(&["d opt", "d opt/x", "f opt/x/a =1"]));
    let by_file = recipe(vec![source(&archive)]);
    let known = |text: &str| {
        let fingerprint = Some(Fingerprint::of_digests([&Digest::of(text.as_bytes())]));
        recipe(vec![Source { fingerprint, ..source(&archive) }])
    };
    let kept = Recipe { sources: vec![Source { keep: true, ..source(&archive) }], ..by_file.clone() };
    let all = [&by_file, &kept, &known("a"), &known("b")].map(digest);
    assert!((1..all.len()).all(|n| !all[..n].contains(&all[n])), "{all:?}");
    for recipe in [&by_file, &kept, &known("a")] {
        made(recipe).unwrap();
    }
    let before = digest(&by_file);
    sleep(Duration::from_millis(20));
    fs::write(archive.path(), tar(&["d opt", "d opt/x", "f opt/x/a =2"])).unwrap();
    assert_ne!(digest(&by_file), before);
    let gone = known("a");
    drop(archive);
    assert_eq!(digest(&gone), all[2], "a file that is known need not be there");
    assert!(fingerprint(&by_file).is_err());
}
