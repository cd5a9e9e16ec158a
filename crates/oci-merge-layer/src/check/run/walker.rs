//! Where a path leads in the tree of the image.
//!
//! Paths are followed as the kernel follows them (path_resolution(7)): through symlinks of anybody, at most forty.

use super::tree::{Child, Tree, end_below, partition};
use crate::Kind;
use crate::check::merge::{Place, Sorted};
use oci_merge_image::compare_paths;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// Linux follows so many symlinks on one way (`MAXSYMLINKS`).
pub(in crate::check) const MOST_LINKS: usize = 40;

/// No path is longer (`PATH_MAX` less its NUL).
const LONGEST: usize = 4095;

/// The number of the root directory.
pub(in crate::check) const ROOT: u32 = 0;

/// In a directory that more lists have something in than this, those with few names in it are found by name.
const MANY_LISTS: usize = 16;

/// So many names are few.
const FEW_NAMES: usize = 16;

/// Follows paths in a tree, and remembers the directories that it came through.
pub(in crate::check) struct Walker<'t, 'a> {
    pub(in crate::check) tree: &'t Tree<'a>,
    directories: Vec<Directory<'a>>,
    known: HashMap<Box<[u8]>, u32>,
    /// How many names have been looked up.
    pub(in crate::check) steps: u64,
}

/// A directory, and where in each list the entries below it stand.
struct Directory<'a> {
    path: Box<[u8]>,
    above: u32,
    below: Box<[(u32, Range<usize>)]>,
    /// Of many lists; made when the first name is looked up.
    names: Option<Names<'a>>,
}

/// Which lists of a directory can have a name: all that have many, and those that have it. As numbers of `below`.
#[derive(Default)]
struct Names<'a> {
    wide: Vec<u32>,
    by_name: HashMap<&'a [u8], Vec<u32>>,
}

impl Names<'_> {
    /// The lists that can have a name, the lowest first.
    fn lists(&self, name: &[u8]) -> Vec<u32> {
        let mut lists: Vec<u32> = self.by_name.get(name).into_iter().flatten().chain(&self.wide).copied().collect();
        lists.sort_unstable();
        lists
    }
}

/// What has a name in a directory.
enum Step {
    Nothing,
    Directory(u32),
    Entry(Place),
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) enum End {
    Directory(u32),
    /// Anything but a directory or a symlink.
    Entry(Place),
    /// Nobody has the first path, or not as the directory that it would have to be; the second is where it all leads.
    Missing(Vec<u8>, Vec<u8>),
    /// Symlinks lead to each other.
    Loop,
}

impl<'t, 'a> Walker<'t, 'a> {
    pub(in crate::check) fn new(tree: &'t Tree<'a>) -> Walker<'t, 'a> {
        let below = tree.lists.iter().enumerate().map(|(list, entries)| (list as u32, 0..entries.size()));
        let root = Directory { path: Box::default(), above: ROOT, below: below.collect(), names: None };
        Walker { tree, directories: vec![root], known: HashMap::new(), steps: 0 }
    }

    /// How many directories are remembered.
    pub(in crate::check) fn size(&self) -> usize {
        self.directories.len()
    }

    /// The path of a directory, without symlinks and without a slash first.
    pub(in crate::check) fn path(&self, directory: u32) -> &[u8] {
        self.directories.get(directory as usize).map_or(&[], |directory| &directory.path)
    }

    /// Follows a path from a directory; from the root if it begins with `/`.
    pub(in crate::check) fn follow<'p>(&mut self, from: u32, path: &'p [u8]) -> End
    where
        'a: 'p,
    {
        let mut here = if path.starts_with(b"/") { ROOT } else { from };
        let mut ahead: Vec<&'p [u8]> = path.split(|&b| b == b'/').rev().collect();
        let mut links = 0;
        let mut end = None;
        while let Some(name) = ahead.pop() {
            if let Some(place) = end {
                if matches!(name, b"" | b".") {
                    continue;
                }
                let path = self.tree.entry(place).map(|entry| entry.path.to_vec()).unwrap_or_default();
                ahead.push(name);
                return missing(path, &ahead);
            }
            match name {
                b"" | b"." => continue,
                b".." => here = self.directories.get(here as usize).map_or(ROOT, |directory| directory.above),
                _ => match self.step(here, name) {
                    Step::Nothing => return missing(joined(self.path(here), name), &ahead),
                    Step::Directory(next) => here = next,
                    Step::Entry(place) => {
                        let Some(target) = self.tree.entry(place).and_then(|entry| entry.target) else {
                            end = Some(place);
                            continue;
                        };
                        links += 1;
                        if links > MOST_LINKS {
                            return End::Loop;
                        }
                        here = if target.starts_with(b"/") { ROOT } else { here };
                        ahead.extend(target.split(|&b| b == b'/').rev());
                    }
                },
            }
        }
        end.map_or(End::Directory(here), End::Entry)
    }

    /// The directory that a path leads to.
    pub(in crate::check) fn directory(&mut self, from: u32, path: &[u8]) -> Option<u32> {
        match self.follow(from, path) {
            End::Directory(found) => Some(found),
            _ => None,
        }
    }

    /// The entry with a name in a directory, itself and not what it links to; `None` for a directory.
    pub(in crate::check) fn named(&mut self, directory: u32, name: &[u8]) -> Option<Place> {
        match self.step(directory, name) {
            Step::Entry(place) => Some(place),
            Step::Nothing | Step::Directory(_) => None,
        }
    }

    /// The names in a directory that are not directories by themselves, at most so many of each list.
    pub(in crate::check) fn names(&self, directory: u32, most: usize) -> BTreeSet<&'a [u8]> {
        self.children(directory, most).filter(|child| child.is_entry).map(|child| child.name).collect()
    }

    /// What is in a directory, at most so much of each list.
    pub(super) fn children(&self, directory: u32, most: usize) -> impl Iterator<Item = Child<'a>> {
        let directory = self.directories.get(directory as usize);
        let lists =
            directory.into_iter().flat_map(|directory| directory.below.iter().map(|below| (below, &directory.path)));
        lists.flat_map(move |((list, range), path)| self.tree.children(*list, range, path).take(most))
    }

    /// The lists that can have a name in a directory, and the places below the directory in each.
    fn lists_with(&mut self, directory: u32, name: &[u8]) -> Vec<(u32, Range<usize>)> {
        let tree = self.tree;
        let Some(here) = self.directories.get_mut(directory as usize) else { return Vec::new() };
        if here.below.len() <= MANY_LISTS {
            return here.below.to_vec();
        }
        let names = here.names.get_or_insert_with(|| {
            let mut names = Names::default();
            for (number, (list, range)) in (0..).zip(&here.below) {
                let children: Vec<_> = tree.children(*list, range, &here.path).take(FEW_NAMES + 1).collect();
                match children.len() {
                    0..=FEW_NAMES => {
                        children.iter().for_each(|child| names.by_name.entry(child.name).or_default().push(number));
                    }
                    _ => names.wide.push(number),
                }
            }
            names
        });
        names.lists(name).into_iter().filter_map(|number| here.below.get(number as usize).cloned()).collect()
    }

    fn step(&mut self, directory: u32, name: &[u8]) -> Step {
        self.steps += 1;
        let path = joined(self.path(directory), name);
        if let Some(&known) = self.known.get(&path[..]) {
            return Step::Directory(known);
        }
        let (mut found, mut is_directory, mut below) = (None, false, Vec::new());
        for (number, range) in self.lists_with(directory, name) {
            let Some(list) = self.tree.lists.get(number as usize) else { continue };
            let mut at = partition(range.clone(), |at| list.path(at).is_some_and(|p| compare_paths(p, &path).is_lt()));
            if at < range.end && list.path(at) == Some(&path) {
                let place = Place { list: number, place: at as u32 };
                let is_other = self.tree.entry(place).is_some_and(|entry| entry.kind != Kind::Directory);
                found = is_other.then_some(place);
                is_directory |= !is_other;
                at += 1;
            }
            let end = end_below(list, at..range.end, &path);
            if at < end {
                // Something below makes a directory of whatever a lower list has here.
                (is_directory, found) = (true, None);
                below.push((number, at..end));
            }
        }
        match found {
            Some(place) => Step::Entry(place),
            None if is_directory => {
                let number = self.directories.len() as u32;
                let path: Box<[u8]> = path.into();
                self.known.insert(path.clone(), number);
                self.directories.push(Directory { path, above: directory, below: below.into(), names: None });
                Step::Directory(number)
            }
            None => Step::Nothing,
        }
    }
}

/// A path that nobody has, and the names behind it, the last one first.
fn missing(path: Vec<u8>, ahead: &[&[u8]]) -> End {
    let names = || ahead.iter().rev().filter(|name| !matches!(**name, b"" | b"."));
    let goes_up = names().any(|name| *name == b"..");
    let length = path.len() + names().map(|name| name.len() + 1).sum::<usize>();
    let is_path = !goes_up && length <= LONGEST;
    let whole = if is_path { names().fold(path.clone(), |path, name| joined(&path, name)) } else { path.clone() };
    End::Missing(path, whole)
}

/// A name in a directory, as a path without a slash first.
pub(in crate::check) fn joined(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}
