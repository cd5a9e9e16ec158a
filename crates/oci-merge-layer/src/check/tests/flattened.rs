//! What layers of an image become as one layer, held against what runtimes see of the image itself.

use super::models::{Inode, Model, Seen};
use super::sets::{Item, Set, Sheet, tar};
use super::theorem::CASES;
use crate::check::Owns;
use crate::compressor::{Compressor, Pool};
use crate::make::{Ancestors, Blob, Input, Layers, Owner, Recipe, Source, Times, Watch, make, reuse};
use crate::{Item as Scanned, Kind, Limits, Rules, Scanner, survey};
use oci_merge_image::{LayerPath, shown};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::num::NonZero;
use std::sync::Arc;

/// Paths with what is there, directories aside, and all names of its inode.
type Files = BTreeMap<Vec<u8>, (Inode, BTreeSet<Vec<u8>>)>;

#[test]
fn one_layer_of_an_image_is_what_every_runtime_sees_of_it() {
    let cases: u64 = std::env::var(CASES).map_or(700, |cases| cases.parse().unwrap());
    let sums = |a: [u64; 3], b: [u64; 3]| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    let [accepted, refused, reused] = (0..cases).into_par_iter().map(judge).reduce(|| [0; 3], sums);
    println!("{accepted} accepted, {refused} refused, {reused} as they are");
    assert!(accepted * 2 > cases && refused * 10 > cases && reused * 25 > cases, "{accepted}, {refused}, {reused}");
}

/// How many were accepted, were refused, can stay as they are.
fn judge(seed: u64) -> [u64; 3] {
    let sheets = Set::random(seed).base;
    let Some(source) = source(&sheets).filter(|_| sheets.len() > 1) else { return [0; 3] };
    let (all, mut tally) = (sheets.iter().collect::<Vec<_>>(), [0; 3]);
    let seen: Vec<Seen> = Model::ALL.iter().filter_map(|model| model.unpack(&all).ok()).collect();
    // What the layer owns, what is chosen of it, and what that comes to.
    let cuts = [("/", None, "/"), ("/a", None, "/a"), ("/", Some("/a/b"), "/a/b"), ("/a", Some("/a/b"), "/a/b")];
    for (owns, paths, owned) in cuts {
        let told = || format!("set {seed}, {owns}, {paths:?}\n{}", Set::random(seed).told());
        let include = paths.iter().map(|path: &&str| (*path).to_owned()).collect();
        let recipe = recipe(Source { include, ..source.clone() }, owns);
        let Some(flat) = flatten(&recipe) else {
            tally[1] += 1;
            continue;
        };
        tally[0] += 1;
        let ours = Model::M.unpack(&[&flat]).unwrap();
        for theirs in &seen {
            assert_eq!(files(&ours, owned), files(theirs, owned), "{}", told());
            // No directory is made up; none is lost but empty ones that no layer has an entry for.
            let directories = ours.iter().filter(|(path, (inode, _))| is_directory(inode) && is_in(path, owned));
            for (path, _) in directories {
                assert!(theirs.get(path).is_some_and(|(inode, _)| is_directory(inode)), "{path:?} {}", told());
            }
        }
        let reuse = reuse(&recipe).unwrap();
        if reuse.reasons.is_empty() {
            tally[2] += 1;
            let kept: Vec<&Sheet> = reuse.layers.iter().map(|&number| &sheets[number]).collect();
            let kept = Model::M.unpack(&kept).unwrap();
            assert_eq!(files(&kept, owned), files(&ours, owned), "as it is, {}", told());
            let directories = |seen: &Seen| directories(seen, &sheets, owns, owned);
            assert_eq!(directories(&kept), directories(&ours), "as it is, {}", told());
        }
    }
    tally
}

/// The layers of an image; nothing if one of them is refused by itself.
fn source(sheets: &[Sheet]) -> Option<Source> {
    let blobs: Vec<Vec<u8>> = sheets.iter().map(|sheet| tar(&sheet.items)).collect();
    let index = |blob: &Vec<u8>| Some(Arc::new(survey(&blob[..], &Rules::source(Limits::default())).ok()?.index));
    let indexes = blobs.iter().map(index).collect::<Option<_>>()?;
    let layers = Layers::new("image", indexes, move |n| Ok(Box::new(Cursor::new(blobs[n].clone())) as _));
    Some(Source { owner: Owner::Keep, ..Source::new(Input::Layers(layers)) })
}

fn recipe(source: Source, owned: &str) -> Recipe {
    Recipe {
        prefix: "/none".parse().unwrap(),
        owns: Owns::new([owned]).unwrap(),
        sources: vec![source],
        exclude: Vec::new(),
        ancestors: Ancestors::Omit,
        base: BTreeMap::new(),
        times: Times::Keep,
        compressor: Compressor::None,
        limits: Limits::default(),
    }
}

/// The one new layer.
fn flatten(recipe: &Recipe) -> Option<Sheet> {
    let pool = Pool::new(NonZero::<usize>::MIN).unwrap();
    let Blob::Packed(blob) = make(recipe, &pool, &Watch::nobody(), None, || Ok(Vec::new())).ok()?.blob else {
        panic!()
    };
    let mut scanner = Scanner::new(&blob[..], &Rules::kept(Limits::default()));
    let mut items = Vec::new();
    while let Some(item) = scanner.next().unwrap() {
        let Scanned::Entry(entry) = item else { panic!("{item:?}") };
        let mut content = Vec::new();
        scanner.content().read_to_end(&mut content).unwrap();
        items.push(Item::Entry(entry, content));
    }
    let sheet = Sheet::of_layer(items);
    assert!(sheet.index.is_some(), "what is written is no layer");
    Some(sheet)
}

fn files(seen: &Seen, owned: &str) -> Files {
    let of_it = seen.iter().filter(|(path, (inode, _))| !is_directory(inode) && is_in(path, owned));
    let names = |first: &Option<Vec<u8>>, path: &Vec<u8>| -> BTreeSet<Vec<u8>> {
        let same = |(other, (_, of_other)): &(&Vec<u8>, &(Inode, Option<Vec<u8>>))| {
            *other == path || first.is_some() && of_other == first
        };
        seen.iter().filter(same).map(|(other, _)| other.clone()).filter(|other| is_in(other, owned)).collect()
    };
    of_it.map(|(path, (inode, first))| (path.clone(), (inode.clone().kept(), names(first, path)))).collect()
}

/// The directories of what is taken, and those of the layer that lead to it; those that some layer has an entry for, as
/// one that is made up takes after the one that it is made in.
fn directories(seen: &Seen, sheets: &[Sheet], owns: &str, taken: &str) -> BTreeMap<Vec<u8>, Inode> {
    let leads =
        |path: &[u8]| is_in(path, owns) && !path.is_empty() && is_in(taken.as_bytes(), &shown(path).to_string());
    let is_said = |path: &[u8]| sheets.iter().any(|s| s.entries().any(|(entry, _)| entry.path.as_bytes() == path));
    let of_it = seen.iter().filter(|(path, (inode, _))| is_directory(inode) && is_said(path));
    let of_it = of_it.filter(|(path, _)| is_in(path, taken) || leads(path));
    of_it.map(|(path, (inode, _))| (path.clone(), inode.clone().kept())).collect()
}

fn is_directory(inode: &Inode) -> bool {
    inode.kind == Kind::Directory
}

fn is_in(path: &[u8], owned: &str) -> bool {
    let (path, owned) = (LayerPath::parse(path).unwrap(), LayerPath::parse(owned.as_bytes()).unwrap());
    path.is_within(&owned)
}
