//! Sets of layers on a base: what the check says of them, and what unpacking them comes to.

use super::models::{Model, Seen};
use crate::check::merge::Sorted;
use crate::check::{BaseView, Code, Layer, Level, Owns, Policy, Severity, check};
use crate::writer::TarWriter;
use crate::{Body, Entry, Kind, LayerIndex, Limits, Rules, Time, Xattrs, survey};
use oci_merge_image::{LayerPath, Prefix};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// One layer: what is in its archive, in order, and what the reader makes of the archive.
#[derive(Clone)]
pub(super) struct Sheet {
    pub(super) items: Vec<Item>,
    /// Nothing if the layer is refused.
    pub(super) index: Option<LayerIndex>,
}

#[derive(Clone)]
pub(super) enum Item {
    /// An entry and the content of a file.
    Entry(Entry, Vec<u8>),
    Whiteout(LayerPath),
}

impl Sheet {
    pub(super) fn of_layer(items: Vec<Item>) -> Sheet {
        Sheet { index: survey(&tar(&items)[..], &Rules::kept(Limits::default())).ok().map(|s| s.index), items }
    }

    /// Refused is also what readers disagree about: the theorem is about bases that all of them unpack alike.
    pub(super) fn of_base(items: Vec<Item>) -> Sheet {
        let index = survey(&tar(&items)[..], &Rules::base(Limits::default())).ok().map(|survey| survey.index);
        Sheet { index: index.filter(|index| index.notes().is_empty()), items }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&Entry, &Vec<u8>)> {
        self.items.iter().filter_map(|item| match item {
            Item::Entry(entry, content) => Some((entry, content)),
            Item::Whiteout(_) => None,
        })
    }

    /// Directory and name; no name for an opaque marker.
    pub(super) fn whiteouts(&self) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
        self.items.iter().filter_map(|item| match item {
            Item::Entry(..) => None,
            Item::Whiteout(path) => {
                let name = path.name().unwrap();
                let name = (name != b".wh..wh..opq").then(|| name[4..].to_vec());
                Some((path.parent().unwrap().as_bytes().to_vec(), name))
            }
        })
    }
}

/// The archive, as the packer would write it.
pub(super) fn tar(items: &[Item]) -> Vec<u8> {
    let mut tar = TarWriter::new(Vec::new());
    for item in items {
        match item {
            Item::Entry(entry, content) => {
                tar.begin(entry).unwrap();
                if matches!(entry.body, Body::File { .. }) {
                    tar.content(content).unwrap();
                }
            }
            Item::Whiteout(path) => {
                let (path, body) = (path.clone(), Body::File { size: 0 });
                let (mtime, xattrs) = (Time::default(), Xattrs::new());
                tar.begin(&Entry { path, body, mode: 0o644, uid: 0, gid: 0, mtime, xattrs }).unwrap();
            }
        }
    }
    tar.finish().unwrap()
}

/// What is found, in short: code and reason of all errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A layer is refused by itself.
    Refused,
    Judged(BTreeSet<(Code, Option<&'static str>)>),
}

impl Verdict {
    pub(super) fn is_clean(&self) -> bool {
        matches!(self, Verdict::Judged(findings) if findings.is_empty())
    }
}

/// What unpacking in all orders and models comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    One,
    /// In one model, and in which order.
    Differs(Model, Vec<usize>),
    /// In two models that agree on the base.
    ModelsDiffer(Model, Model),
}

#[derive(Clone)]
pub(super) struct Set {
    pub(super) base: Vec<Sheet>,
    pub(super) layers: Vec<Sheet>,
}

impl Set {
    /// Whether the base writes through a symlink of a lower layer. Such a base is not one tree by itself, which the theorem
    /// is about; [`super::through`] has what the check makes of it.
    pub(super) fn base_writes_through_a_link(&self) -> bool {
        let entries =
            || self.base.iter().enumerate().flat_map(|(at, sheet)| sheet.entries().map(move |(e, _)| (at, e)));
        let links = || entries().filter(|(_, entry)| matches!(entry.body, Body::Symlink { .. }));
        links().any(|(at, link)| {
            entries().any(|(by, entry)| by > at && entry.path != link.path && entry.path.is_within(&link.path))
        })
    }

    /// What the check says, with everything allowed everywhere.
    pub(super) fn verdict(&self) -> Verdict {
        let indexes = |sheets: &'_ [Sheet]| sheets.iter().map(|sheet| sheet.index.clone()).collect::<Option<Vec<_>>>();
        let (Some(base), Some(indexes)) = (indexes(&self.base), indexes(&self.layers)) else { return Verdict::Refused };
        let owns = Owns::new(["/"]).unwrap();
        let prefixes: Vec<Prefix> = (0..indexes.len()).map(|n| format!("/none/{n}").parse().unwrap()).collect();
        let names: Vec<String> = (0..indexes.len()).map(|n| n.to_string()).collect();
        let layer = |(n, index): (usize, _)| Layer { name: &names[n], index, prefix: &prefixes[n], owns: &owns };
        let layers: Vec<Layer<'_>> = indexes.iter().enumerate().map(layer).collect();
        let mut policy = Policy::default();
        policy.set("prefix-overlap", Level::Allow).unwrap();
        let report = check(&BaseView::new(&base.iter().collect::<Vec<_>>()), &layers, &policy);
        let errors = report.findings.iter().filter(|finding| finding.severity() == Severity::Error);
        Verdict::Judged(errors.map(|finding| (finding.code(), finding.reason())).collect())
    }

    /// Whether some layer has an entry at a path where another, or the base, has one too.
    pub(super) fn shares_a_path(&self) -> bool {
        let all: Vec<&LayerIndex> = self.base.iter().chain(&self.layers).filter_map(|s| s.index.as_ref()).collect();
        let has = |index: &LayerIndex, path: &[u8]| index.place(path).is_ok();
        let shared = |n: usize, path: &[u8]| all.iter().enumerate().any(|(m, other)| n != m && has(other, path));
        all.iter().enumerate().skip(self.base.len()).any(|(n, index)| index.entries().any(|e| shared(n, e.path)))
    }

    pub(super) fn outcome(&self) -> Outcome {
        let mut results: Vec<(Model, Seen, Seen)> = Vec::new();
        let base: Vec<&Sheet> = self.base.iter().collect();
        let sees = self.checkers_view();
        for model in Model::ALL {
            // The base alone must come out as the checker sees it: otherwise the runtime breaks it by itself.
            let Ok(alone) = model.unpack(&base) else { continue };
            if alone.iter().map(|(path, (inode, _))| (path.clone(), inode.kind)).collect::<BTreeMap<_, _>>() != sees {
                continue;
            }
            let mut first = None;
            for order in permutations(self.layers.len()) {
                let layers = base.iter().copied().chain(order.iter().map(|&n| &self.layers[n]));
                let unpacked = model.unpack(&layers.collect::<Vec<_>>());
                match (&first, unpacked) {
                    (None, Ok(seen)) => first = Some(seen),
                    (Some(first), Ok(seen)) if *first == seen => {}
                    _ => return Outcome::Differs(model, order),
                }
            }
            results.extend(first.map(|first| (model, alone, first)));
        }
        // Runtimes disagree about the attributes of the root itself, before any layer comes to it.
        let below = |seen: &Seen| seen.iter().skip(1).map(|(p, s)| (p.clone(), s.clone())).collect::<Vec<_>>();
        for (n, (model, alone, result)) in results.iter().enumerate() {
            for (other, others_alone, others) in &results[n + 1..] {
                if below(alone) == below(others_alone) && below(result) != below(others) {
                    return Outcome::ModelsDiffer(*model, *other);
                }
            }
        }
        Outcome::One
    }

    fn checkers_view(&self) -> BTreeMap<Vec<u8>, Kind> {
        let base: Vec<&LayerIndex> = self.base.iter().filter_map(|sheet| sheet.index.as_ref()).collect();
        let view = BaseView::new(&base);
        let mut kinds = BTreeMap::from([(Vec::new(), Kind::Directory)]);
        let emptied = (0..view.emptied().size()).filter_map(|n| view.emptied().path(n));
        let explicit = (0..view.entries().size()).filter_map(|n| view.entry(view.entries().origin(n)?));
        let explicit: Vec<_> = explicit.collect();
        for path in emptied.chain(explicit.iter().map(|entry| entry.path)) {
            for end in (0..path.len()).filter(|&end| path[end] == b'/').chain([path.len()]) {
                kinds.insert(path[..end].to_vec(), Kind::Directory);
            }
        }
        kinds.extend(explicit.iter().map(|entry| (entry.path.to_vec(), entry.kind)));
        kinds
    }

    /// Whether all runtimes unpack the base to what the checker sees, and a disk can hold it all: an access control
    /// list of ours is none.
    pub(super) fn can_be_unpacked(&self) -> bool {
        let base: Vec<&Sheet> = self.base.iter().collect();
        let sees = self.checkers_view();
        let as_seen =
            |seen: Seen| seen.iter().map(|(p, (i, _))| (p.clone(), i.kind)).collect::<BTreeMap<_, _>>() == sees;
        let has_list = |entry: &Entry| entry.xattrs.keys().any(|name| name.starts_with(b"system."));
        Model::ALL.iter().all(|model| model.unpack(&base).is_ok_and(as_seen))
            && !self.base.iter().chain(&self.layers).any(|sheet| sheet.entries().any(|(entry, _)| has_list(entry)))
    }

    /// The same set with as few layers and entries as possible of which something is still true.
    pub(super) fn smallest(&self, is_so: impl Fn(&Set) -> bool) -> Set {
        let mut smallest = self.clone();
        loop {
            let Some(next) = smallest.smaller().into_iter().find(&is_so) else { return smallest };
            smallest = next;
        }
    }

    /// All sets with one layer or one entry less.
    fn smaller(&self) -> Vec<Set> {
        let mut all = Vec::new();
        for n in 0..self.base.len() + self.layers.len() {
            let mut without = self.clone();
            let (sheets, n, is_base) = match n.checked_sub(self.base.len()) {
                None => (&mut without.base, n, true),
                Some(n) => (&mut without.layers, n, false),
            };
            let sheet = sheets.remove(n);
            all.push(without.clone());
            for item in 0..sheet.items.len() {
                let mut items = sheet.items.clone();
                items.remove(item);
                let sheet = if is_base { Sheet::of_base(items) } else { Sheet::of_layer(items) };
                let mut fewer = without.clone();
                let sheets = if is_base { &mut fewer.base } else { &mut fewer.layers };
                if !is_base || sheet.index.is_some() {
                    sheets.insert(n, sheet);
                    all.push(fewer);
                }
            }
        }
        all
    }

    /// The set as lists, in the notation of [`super::lists`].
    pub(super) fn told(&self) -> String {
        let mut text = String::new();
        for (name, sheets) in [("base", &self.base), ("layer", &self.layers)] {
            for sheet in sheets {
                let lines: Vec<String> = sheet.items.iter().map(line).collect();
                let _ = writeln!(text, "{name} {:?}", lines.join("\n"));
            }
        }
        text
    }
}

fn line(item: &Item) -> String {
    let (entry, content) = match item {
        Item::Whiteout(path) => return format!("w {}", path.to_string().trim_start_matches('/')),
        Item::Entry(entry, content) => (entry, String::from_utf8_lossy(content)),
    };
    let (letter, more) = match &entry.body {
        Body::Directory => ("d", String::new()),
        Body::File { .. } => ("f", format!(" ={content}")),
        Body::Symlink { target } => ("l", format!(" ->{}", String::from_utf8_lossy(target))),
        Body::HardLink { target } => ("h", format!(" ->{}", target.to_string().trim_start_matches('/'))),
        Body::Fifo => ("p", String::new()),
        Body::CharDevice | Body::BlockDevice => ("c", String::new()),
    };
    let path = entry.path.to_string();
    let path = path.strip_prefix('/').filter(|path| !path.is_empty()).unwrap_or(".");
    let mut line = format!("{letter} {path}{more}");
    let usual = if entry.body == Body::Directory { 0o755 } else { 0o644 };
    if entry.mode != usual {
        let _ = write!(line, " {:04o}", entry.mode);
    }
    if (entry.uid, entry.gid) != (0, 0) {
        let _ = write!(line, " {}:{}", entry.uid, entry.gid);
    }
    for (name, value) in &entry.xattrs {
        let _ = write!(line, " +{}:{}", String::from_utf8_lossy(name), String::from_utf8_lossy(value));
    }
    line
}

pub(super) fn permutations(count: usize) -> Vec<Vec<usize>> {
    let Some(last) = count.checked_sub(1) else { return vec![vec![]] };
    let insert = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut order = order.clone();
            order.insert(at, last);
            order
        })
    };
    permutations(last).into_iter().flat_map(insert).collect()
}
