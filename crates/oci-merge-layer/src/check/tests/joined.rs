//! What several layers become as one, held against what every runtime makes of them side by side.

use super::models::{Inode, Model, Seen};
use super::sets::{Item, Set, Sheet, tar};
use super::theorem::CASES;
use crate::check::{BaseView, Code, Layer, Level, Owns, Policy, Severity, check};
use crate::compressor::{Compressor, Pool};
use crate::make::{Layers, Watch, join};
use crate::{ErrorKind, Item as Scanned, Limits, Rules, Scanner, survey};
use oci_merge_image::Prefix;
use rayon::prelude::*;
use std::io::{Cursor, Read};
use std::num::NonZero;
use std::sync::Arc;

#[test]
fn neighbours_unpack_to_the_same_tree_when_they_are_joined() {
    let cases: u64 = std::env::var(CASES).map_or(2_000, |cases| cases.parse().unwrap());
    let sums = |a: [u64; 3], b: [u64; 3]| [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
    let [clean, agreed, without] = (0..cases).into_par_iter().map(judge).reduce(|| [0; 3], sums);
    println!("{clean} clean, {agreed} in which the upper copy was agreed to count, {without} that cannot be joined");
    assert!(clean * 20 > cases && agreed * 200 > cases, "{clean} and {agreed} of {cases}");
}

/// How many sets were joined of those that are clean, and of those that are not but for copies of which the upper one is
/// to count; and how many of these cannot be.
fn judge(seed: u64) -> [u64; 3] {
    let set = Set::random(seed);
    let Some(agreed) = is_agreed(&set) else { return [0; 3] };
    let base: Vec<&Sheet> = set.base.iter().collect();
    let unpacked = |model: Model, layers: &[&Sheet]| model.unpack(&[&base, layers].concat());
    let apart: Vec<&Sheet> = set.layers.iter().collect();
    for (from, to) in runs(apart.len()) {
        let run = apart.get(from..to).unwrap();
        let joined = match joined(run) {
            Ok(joined) => joined,
            Err(error) => {
                let roots = run.iter().filter_map(|sheet| sheet.index.as_ref().unwrap().root());
                let is_odd = roots.into_iter().any(|root| root.xattrs.is_some());
                assert!(error.kind() == ErrorKind::Source && is_odd, "seed {seed}: {error}");
                return [0, 0, 1];
            }
        };
        let together = [&apart[..from], &[&joined], &apart[to..]].concat();
        for model in Model::ALL {
            let (Ok(expected), found) = (unpacked(model, &apart), unpacked(model, &together)) else { continue };
            let told = || format!("seed {seed}, {model:?}, {from}..{to}\n{}", set.told());
            assert_eq!(found.map(as_seen), Ok(as_seen(expected)), "{}", told());
        }
    }
    [u64::from(!agreed), u64::from(agreed), 0]
}

fn as_seen(seen: Seen) -> Vec<(Vec<u8>, (Inode, Option<Vec<u8>>))> {
    seen.into_iter().collect()
}

/// Nothing if the set is not accepted; else whether that takes an agreement on whose copy counts.
fn is_agreed(set: &Set) -> Option<bool> {
    if set.verdict().is_clean() {
        return Some(false);
    }
    let indexes = |sheets: &[Sheet]| sheets.iter().map(|sheet| sheet.index.clone()).collect::<Option<Vec<_>>>();
    let (base, indexes) = (indexes(&set.base)?, indexes(&set.layers)?);
    let (owns, prefix) = (Owns::new(["/"]).unwrap(), "/none".parse::<Prefix>().unwrap());
    let layer = |index| Layer { name: "tool", index, prefix: &prefix, owns: &owns };
    let layers: Vec<Layer<'_>> = indexes.iter().map(layer).collect();
    let mut policy = Policy::default();
    policy.set("prefix-overlap", Level::Allow).unwrap();
    let report = check(&BaseView::new(&base.iter().collect::<Vec<_>>()), &layers, &policy);
    let mut errors = report.findings.iter().filter(|finding| finding.severity() == Severity::Error);
    errors.all(|finding| matches!(finding.code(), Code::TwoWriters | Code::ShadowBase)).then_some(true)
}

/// Every run of two or more neighbours.
fn runs(count: usize) -> Vec<(usize, usize)> {
    (0..count).flat_map(|from| (from + 2..=count).map(move |to| (from, to))).collect()
}

/// The layer that some layers become. Its index has to be the one that the reader makes of its archive.
fn joined(sheets: &[&Sheet]) -> crate::Result<Sheet> {
    let blobs: Vec<Vec<u8>> = sheets.iter().map(|sheet| tar(&sheet.items)).collect();
    let indexes = sheets.iter().map(|sheet| Arc::new(sheet.index.clone().unwrap())).collect();
    let layers = Layers::new("layers", indexes, move |n| Ok(Box::new(Cursor::new(blobs[n].clone())) as _));
    let pool = Pool::new(NonZero::<usize>::MIN).unwrap();
    let (descriptor, index, blob) =
        join(&layers, Compressor::None, &Limits::default(), &pool, &Watch::nobody(), Vec::new())?;
    let survey = survey(&blob[..], &Rules::kept(Limits::default())).unwrap();
    assert_eq!((survey.index, survey.size), (index, descriptor.size));
    let mut scanner = Scanner::new(&blob[..], &Rules::kept(Limits::default()));
    let mut items = Vec::new();
    while let Some(item) = scanner.next()? {
        let Scanned::Entry(entry) = item else { panic!("{item:?}") };
        let mut content = Vec::new();
        scanner.content().read_to_end(&mut content).unwrap();
        items.push(Item::Entry(entry, content));
    }
    Ok(Sheet::of_layer(items))
}
