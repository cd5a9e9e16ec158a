//! Random archives, packed in random ways, against a model that knows nothing of streams.

use super::*;
use crate::{Kind, LayerIndex};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Entries over a small alphabet, so that they meet: directories that come late or never, links to links.
fn archive() -> impl Strategy<Value = Vec<(Entry, Vec<u8>)>> {
    let name =
        proptest::sample::select(vec!["s/a", "s/b", "s/a/a", "s/a/b", "s/b/a", "s/b/b/a", "s/b/b/b", "s/c", "t"]);
    let mode = proptest::sample::select(vec![0o755_u16, 0o700, 0o4711]);
    proptest::collection::vec((name, 0..6, 0..9_usize, mode), 1..9).prop_map(|drawn| {
        let mut entries: Vec<(Entry, Vec<u8>)> = Vec::new();
        for (name, kind, target, mode) in drawn {
            let earlier: Vec<Entry> =
                entries.iter().map(|(e, _)| e.clone()).filter(|e| !matches!(e.body, Body::Directory)).collect();
            let is_taken = entries.iter().any(|(e, _)| {
                let is_directory = matches!(e.body, Body::Directory);
                e.path == path(name)
                    || path(name).is_within(&e.path) && !is_directory
                    || e.path.is_within(&path(name)) && kind > 1
            });
            if is_taken {
                continue;
            }
            let (mut entry, content) = match kind {
                0 | 1 => entry(&format!("d {name}")),
                2 | 3 => entry(&format!("f {name} ={name}{target}")),
                4 => entry(&format!("l {name} ->t{target}")),
                _ => entry(&format!("h {name} ->t")),
            };
            entry.mode = mode;
            if let Body::HardLink { target: to } = &mut entry.body {
                let Some(first) = earlier.get(target % earlier.len().max(1)) else { continue };
                (*to, entry.mode) = (first.path.clone(), first.mode);
            }
            entries.push((entry, content));
        }
        entries
    })
}

/// Name in the image → what is there, and which other names are the same file.
type Tree = BTreeMap<LayerPath, (String, BTreeSet<LayerPath>)>;

/// What has to come of an archive that lands in a directory after a component was taken off; directories aside.
fn expected(entries: &[(Entry, Vec<u8>)], landing: &LayerPath, left_out: &[LayerPath]) -> Tree {
    let mut roots: BTreeMap<LayerPath, (LayerPath, String)> = BTreeMap::new();
    for (entry, content) in entries {
        let what = match &entry.body {
            Body::Directory => continue,
            Body::HardLink { target } => roots[target].clone(),
            Body::Symlink { target } => (entry.path.clone(), shown(target).to_string()),
            _ => (entry.path.clone(), format!("{} {:o}", shown(content), entry.mode)),
        };
        roots.insert(entry.path.clone(), what);
    }
    let place = |from: &LayerPath| {
        let below = from.strip_prefix(&path("s"))?;
        let to = landing.join(&below).unwrap();
        (!left_out.iter().any(|out| to.is_within(out))).then_some(to)
    };
    let mut tree = Tree::new();
    for (from, (root, what)) in &roots {
        let same = roots.iter().filter(|(_, (other, _))| other == root).filter_map(|(name, _)| place(name)).collect();
        tree.extend(place(from).map(|to| (to, (what.clone(), same))));
    }
    tree
}

fn found(index: &LayerIndex, lines: &[String]) -> Tree {
    let contents: BTreeMap<LayerPath, String> = lines
        .iter()
        .filter(|line| line.starts_with("f "))
        .map(|line| {
            let (entry, content) = entry(line);
            (entry.path, shown(&content).to_string())
        })
        .collect();
    let mut tree = Tree::new();
    for this in index.entries().filter(|entry| entry.kind != Kind::Directory) {
        let at = |entry: &crate::EntryView<'_>| LayerPath::parse(entry.path).unwrap();
        let same: BTreeSet<LayerPath> = match this.group {
            None => [at(&this)].into(),
            Some(_) => index.entries().filter(|other| other.group == this.group).map(|other| at(&other)).collect(),
        };
        let what = match this.target {
            Some(target) => shown(target).to_string(),
            None => format!("{} {:o}", same.iter().find_map(|name| contents.get(name)).unwrap(), this.mode),
        };
        tree.insert(at(&this), (what, same));
    }
    tree
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_packed_is_what_was_taken(
        entries in archive(),
        landing in proptest::sample::select(vec!["opt/x", "opt/x/y", ""]),
        exclude in proptest::sample::subsequence(vec!["a", "b/b", "c", "a/b"], 0..3),
    ) {
        let mut writer = TarWriter::new(Vec::new());
        for (entry, content) in &entries {
            writer.begin(entry).unwrap();
            writer.content(content).unwrap();
        }
        let file = file(&writer.finish().unwrap());
        let landing = path(landing);
        let left_out: Vec<LayerPath> = exclude.iter().map(|out| landing.join(&path(out)).unwrap()).collect();
        let exclude = left_out.iter().map(LayerPath::to_string).collect();
        let source = Source { strip: 1, exclude, to: Some(landing.clone()), ..source(&file) };
        let recipe = recipe(vec![source]);

        let expected = expected(&entries, &landing, &left_out);
        let made = match make(&recipe, &pool(), &Watch::nobody(), None, || Ok(Vec::new())) {
            Ok(made) => made,
            Err(error) => {
                prop_assert!(error.to_string().contains("has nothing that would land"), "{}", error);
                prop_assert_eq!(expected, Tree::new());
                return Ok(());
            }
        };
        let Blob::Packed(blob) = made.blob else { panic!("kept") };
        let lines = lines(flate2::read::GzDecoder::new(&blob[..]));
        prop_assert_eq!(found(&made.index, &lines), expected);
        // Every directory has an entry of its own, before what lies in it; with the source's mode where that has one.
        for this in made.index.entries() {
            let at = LayerPath::parse(this.path).unwrap();
            prop_assert!(!this.late, "{}", at);
            prop_assert!(at.ancestors().all(|above| made.index.find(&above).is_some()), "{}", at);
            let below = at.strip_prefix(&landing).filter(|below| !below.is_root());
            if let (Kind::Directory, Some(below)) = (this.kind, below) {
                let in_source = path("s").join(&below).unwrap();
                let own = entries.iter().find(|(entry, _)| entry.path == in_source).map(|(entry, _)| entry.mode);
                prop_assert_eq!(this.mode, own.unwrap_or(0o755), "{}", at);
            }
        }
    }
}
