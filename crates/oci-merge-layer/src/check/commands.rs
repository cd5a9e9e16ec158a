//! Commands: what is found by name on PATH, which of two wins, and which is hidden.

use super::finding::{Claim, Finding, Owner, Party, Subject};
use super::merge::Place;
use super::run::tree::Tree;
use super::run::walker::{End, ROOT, Walker};
use super::{Code, Files, Policy, Severity};
use crate::Kind;
use oci_merge_image::LayerPath;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// More names of one owner than this in one directory of PATH are not looked at.
const MOST_NAMES: usize = 65_536;

/// Reason of OM0302 that no policy relaxes: a layer hides a command of a layer that it needs.
pub const HIDES_NEEDED: &str = "HIDES_NEEDED";

/// The commands of an image.
pub(super) struct Commands<'a> {
    /// By name, in the order of PATH.
    on_path: BTreeMap<&'a [u8], Vec<Command>>,
    /// The executables that they are, and those in `bin` and `sbin` of the prefixes.
    files: HashSet<Place>,
}

/// A name in a directory of PATH, and the executable that it leads to.
#[derive(Clone, Copy)]
struct Command {
    directory: u32,
    entry: Place,
    file: Place,
}

impl<'a> Commands<'a> {
    /// Reads the directories of PATH, in order, and those of the prefixes.
    pub(super) fn new(walker: &mut Walker<'_, 'a>, path: &[String]) -> Commands<'a> {
        let mut commands = Commands { on_path: BTreeMap::new(), files: HashSet::new() };
        let mut seen = Vec::new();
        for directory in path.iter().filter(|directory| directory.starts_with('/')) {
            let Some(directory) = walker.directory(ROOT, directory.as_bytes()) else { continue };
            if seen.contains(&directory) {
                continue; // `/bin` is `/usr/bin` by now.
            }
            seen.push(directory);
            for (name, command) in read(walker, directory) {
                commands.files.insert(command.file);
                commands.on_path.entry(name).or_default().push(command);
            }
        }
        for layer in walker.tree.layers {
            for name in [&b"bin"[..], b"sbin"] {
                let Some(prefix) = walker.directory(ROOT, layer.prefix.path().as_bytes()) else { continue };
                let Some(directory) = walker.directory(prefix, name).filter(|found| !seen.contains(found)) else {
                    continue;
                };
                commands.files.extend(read(walker, directory).into_iter().map(|(_, command)| command.file));
            }
        }
        commands
    }

    /// Whether a file is a command.
    pub(super) fn is_one(&self, file: Place) -> bool {
        self.files.contains(&file)
    }

    /// Whether PATH has a command.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.on_path.contains_key(name)
    }

    /// The commands of one owner that those of another hide, told together for each two directories.
    pub(super) fn hidden(&self, walker: &Walker<'_, 'a>, policy: &Policy) -> Vec<Finding> {
        let tree = walker.tree;
        let owner = |command: &Command| owner(tree, command.entry);
        let mut pairs: BTreeMap<(Owner, u32, Owner, u32), Vec<(Place, Place)>> = BTreeMap::new();
        for commands in self.on_path.values() {
            let Some((winner, others)) = commands.split_first() else { continue };
            for other in others.iter().filter(|other| owner(other) != owner(winner)) {
                if !is_same(tree, winner.file, other.file) {
                    let pair = (owner(winner), winner.directory, owner(other), other.directory);
                    pairs.entry(pair).or_default().push((winner.entry, other.entry));
                }
            }
        }
        let paths = |places: &mut dyn Iterator<Item = Place>| {
            Arc::new(Files::new(places.filter_map(|place| Some(path(tree.entry(place)?.path)))))
        };
        let told = pairs.into_iter().filter_map(|((winner, _, other, _), hidden)| {
            let needs = policy.agreements.does_need(winner.name(), other.name());
            let severity = if needs { Some(Severity::Error) } else { policy.severity(Code::ShadowCommand) }?;
            let wins = Claim::Wins(paths(&mut hidden.iter().map(|(winner, _)| *winner)));
            let loses = Claim::Hidden(paths(&mut hidden.iter().map(|(_, other)| *other)));
            let first = hidden.first().and_then(|(winner, _)| tree.entry(*winner)).map(|entry| path(entry.path));
            Some(Finding {
                subject: Subject::Path(first.unwrap_or_default()),
                code: Code::ShadowCommand,
                reason: needs.then_some(HIDES_NEEDED),
                severity,
                more: 0,
                parties: vec![
                    Party { owner: winner, at: None, claim: wins },
                    Party { owner: other, at: None, claim: loses },
                ],
            })
        });
        told.collect()
    }
}

/// The executables in a directory, by name.
fn read<'a>(walker: &mut Walker<'_, 'a>, directory: u32) -> Vec<(&'a [u8], Command)> {
    let mut found = Vec::new();
    for name in walker.names(directory, MOST_NAMES) {
        let Some(entry) = walker.named(directory, name) else { continue };
        let End::Entry(file) = walker.follow(directory, name) else { continue };
        if is_executable(walker.tree, file) {
            found.push((name, Command { directory, entry, file }));
        }
    }
    found
}

/// Whether the kernel would execute a file: for root too, somebody has to have the permission (path_resolution(7)).
pub(super) fn is_executable(tree: &Tree<'_>, file: Place) -> bool {
    tree.entry(file).is_some_and(|entry| entry.kind == Kind::File && entry.mode & 0o111 != 0)
}

/// Whether it is the same whichever of two files is run.
fn is_same(tree: &Tree<'_>, one: Place, other: Place) -> bool {
    let content = |place| tree.entry(place).and_then(|entry| entry.content);
    one == other || content(one).is_some() && content(one) == content(other)
}

pub(super) fn owner(tree: &Tree<'_>, place: Place) -> Owner {
    let layer = Tree::layer_of(place).and_then(|layer| tree.layers.get(layer));
    layer.map_or(Owner::Base, |layer| Owner::Layer(layer.name.into()))
}

fn path(bytes: &[u8]) -> LayerPath {
    super::claims::layer_path(bytes)
}
