//! Whether the bytes of an archive can be the layer's, or why not.

use super::landing::{Belongs, each};
use super::recipe::{Attributes, Recipe, Source};
use super::route::{Route, is_table_of_contents};
use super::xattrs::is_kept;
use crate::{EntryView, Kind, LayerIndex, Note, Reason};
use oci_merge_image::LayerPath;
use std::collections::BTreeSet;

/// Every reason why an archive has to be packed anew; none, and its bytes are the layer's.
///
/// Beside the oddities of the archive, these are the cases in which our own writer would write something else
/// (design: collisions, sections 2 and 6).
pub(super) fn reasons(recipe: &Recipe, source: &Source, route: &Route<'_>, index: &LayerIndex) -> Vec<Note> {
    let mut notes = index.notes().to_vec();
    if source.keep {
        return notes;
    }
    let told = notes.len();
    let mut add = |reason, path: Option<&LayerPath>, text: String| {
        notes.push(Note { reason: Reason(reason), path: path.cloned(), text });
    };
    if source.strip > 0 {
        add("STRIP", None, format!("{} leading components are taken off its names", source.strip));
    }
    if !route.landing.is_root() {
        add("LANDING", None, format!("its content goes to {}, not to the root of the image", route.landing));
    }
    if route.filters() {
        add("FILTER", None, "`include` or `exclude` chooses from it".into());
    }
    if notes.len() == told {
        notes.extend(of_entries(recipe, source, index));
    }
    notes
}

/// Every reason in the entries of a layer, as they lie at the root of the image.
pub(super) fn of_entries(recipe: &Recipe, source: &Source, index: &LayerIndex) -> Vec<Note> {
    Entries::look(recipe, source, index)
}

/// What is wrong with the entries, seen from the last to the first.
#[derive(Default)]
struct Entries {
    owners: Tally,
    times: Tally,
    xattrs: Tally,
    outside: Tally,
    /// Directories above what the layer owns that are not as they would be written, and why.
    above: Vec<(LayerPath, String)>,
    /// Directories that need an entry of their own.
    needed: BTreeSet<LayerPath>,
}

impl Entries {
    fn look(recipe: &Recipe, source: &Source, index: &LayerIndex) -> Vec<Note> {
        let mut found = Entries::default();
        each(recipe, index, 0, |entry, path, class| found.entry(recipe, source, &entry, path, class));
        for path in std::mem::take(&mut found.needed) {
            let is_written = path == *recipe.prefix.path() || recipe.ancestor(&path).is_some();
            match index.find(&path) {
                None if is_written => found.above.push((path, "has no entry of its own".into())),
                Some(entry) if entry.late => found.above.push((path, "comes after what lies in it".into())),
                _ => {}
            }
        }
        if let Some(root) = index.root().filter(|root| !is_plain(root, Attributes::default())) {
            found.above.push((LayerPath::root(), format!("is {}, not {}", of(&root), Attributes::default())));
        }
        found.above.sort();
        let tables = index.entries().filter_map(|entry| LayerPath::parse(entry.path).ok()).find(is_table_of_contents);
        found.into_notes(source, tables)
    }

    fn entry(&mut self, recipe: &Recipe, source: &Source, entry: &EntryView<'_>, path: &LayerPath, class: Belongs) {
        if recipe.times.of(entry.mtime) != entry.mtime {
            self.times.add(path);
        }
        match class {
            Belongs::Outside => self.outside.add(path),
            Belongs::Above => match recipe.ancestor(path) {
                Some(expected) if is_plain(entry, expected) => {}
                Some(expected) => self.above.push((path.clone(), format!("is {}, not {expected}", of(entry)))),
                None => self.above.push((path.clone(), "has an entry, which `ancestors` leaves out".into())),
            },
            Belongs::Inside => {
                if source.owner.of(entry.uid, entry.gid) != (entry.uid, entry.gid) {
                    self.owners.add(path);
                }
                if entry.xattrs.is_some_and(|set| set.names.iter().any(|name| !is_kept(name))) {
                    self.xattrs.add(path);
                }
                let prefix = recipe.prefix.path();
                if !path.is_within(prefix) {
                    self.needed.extend(path.ancestors().filter(|above| !recipe.covers(above)));
                } else if !self.needed.contains(prefix) {
                    self.needed.extend(prefix.ancestors().chain([prefix.clone()]));
                }
            }
        }
    }

    fn into_notes(self, source: &Source, table_of_contents: Option<LayerPath>) -> Vec<Note> {
        let note = |reason, path, text: String| Note { reason: Reason(reason), path, text };
        let wanted = source.owner.of_none();
        let tallies = [
            self.owners.into_note("OWNER", |n| format!("{n} entries do not belong to {}:{}", wanted.0, wanted.1)),
            self.times.into_note("TIMES", |n| format!("{n} entries have other times than the layer is to have")),
            self.xattrs.into_note("XATTRS", |n| format!("{n} entries have extended attributes that no layer keeps")),
            self.outside.into_note("OUTSIDE", |n| format!("{n} entries do not belong to the layer")),
        ];
        let table = "an eStargz layer: its table of contents lies at the root of the image";
        let table = table_of_contents.map(|path| note("ESTARGZ", Some(path), table.into()));
        let above = self.above.into_iter().map(|(path, text)| note("ANCESTORS", Some(path), text));
        tallies.into_iter().flatten().chain(table).chain(above).collect()
    }
}

/// Whether a directory has these attributes and no others.
fn is_plain(entry: &EntryView<'_>, expected: Attributes) -> bool {
    entry.kind == Kind::Directory && of(entry) == expected && entry.xattrs.is_none()
}

fn of(entry: &EntryView<'_>) -> Attributes {
    Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid }
}

/// How many there are, and the first in order of path.
#[derive(Default)]
struct Tally {
    count: u64,
    first: Option<LayerPath>,
}

impl Tally {
    /// Counts one that comes before all that were counted.
    fn add(&mut self, path: &LayerPath) {
        self.count += 1;
        self.first = Some(path.clone());
    }

    fn into_note(self, reason: &'static str, text: impl FnOnce(u64) -> String) -> Option<Note> {
        (self.count > 0).then(|| Note { reason: Reason(reason), path: self.first, text: text(self.count) })
    }
}
