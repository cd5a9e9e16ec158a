//! Three models of how runtimes unpack layers, over one kind of tree.
//!
//! - **M** onto the merged root, as umoci and kaniko do;
//! - **O** each layer into an overlay directory, missing parents copied up from the layers below, as containerd does;
//! - **D** each layer alone, missing parents 0755 0:0, then overlaid, as Docker's overlay2 does.

use super::theorem::{Item, Sheet};
use crate::{Body, Entry, Kind, Xattrs};
use std::collections::{BTreeMap, BTreeSet};

type Path = Vec<u8>;

/// What a person would see of a root filesystem: path, what is there, and the first name of its inode if it has several.
pub(super) type Seen = BTreeMap<Path, (Inode, Option<Path>)>;

/// The runtime gave up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inode {
    pub(super) kind: Kind,
    mode: u16,
    uid: u32,
    gid: u32,
    xattrs: Xattrs,
    /// Content or target.
    data: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    M,
    O,
    D,
}

impl Model {
    pub(super) const ALL: [Model; 3] = [Model::M, Model::O, Model::D];

    /// Unpacks layers, the lowest first.
    pub(super) fn unpack(self, layers: &[&Sheet]) -> Result<Seen, Failed> {
        let mut disk = Disk::default();
        let mut root = disk.made(Inode::directory());
        let names = match self {
            Model::M => {
                let mut names = BTreeMap::from([(Path::new(), root)]);
                for layer in layers {
                    disk.unpack_onto(&mut names, layer)?;
                }
                root = names[&Path::new()];
                names
            }
            Model::O | Model::D => {
                let mut uppers: Vec<Upper> = Vec::new();
                for layer in layers {
                    let upper = disk.unpack_alone(&uppers, layer, self)?;
                    uppers.push(upper);
                }
                overlaid(&uppers, &disk)
            }
        };
        let mut firsts: BTreeMap<usize, Vec<&Path>> = BTreeMap::new();
        names.iter().for_each(|(path, inode)| firsts.entry(*inode).or_default().push(path));
        let first = |inode: usize| firsts.get(&inode).filter(|names| names.len() > 1).map(|names| names[0].clone());
        let mut seen: Seen =
            names.iter().map(|(path, &i)| (path.clone(), (disk.inodes[i].clone(), first(i)))).collect();
        seen.insert(Path::new(), (disk.inodes[root].clone(), None));
        Ok(seen)
    }
}

impl Inode {
    fn directory() -> Inode {
        Inode { kind: Kind::Directory, mode: 0o755, uid: 0, gid: 0, xattrs: Xattrs::new(), data: Vec::new() }
    }

    fn of(entry: &Entry, content: &[u8]) -> Inode {
        let (kind, data) = match &entry.body {
            Body::Directory => (Kind::Directory, Vec::new()),
            Body::File { .. } | Body::HardLink { .. } => (Kind::File, content.to_vec()),
            Body::Symlink { target } => (Kind::Symlink, target.clone()),
            Body::Fifo => (Kind::Fifo, Vec::new()),
            Body::CharDevice => (Kind::CharDevice, Vec::new()),
            Body::BlockDevice => (Kind::BlockDevice, Vec::new()),
        };
        let mode = if kind == Kind::Symlink { 0 } else { entry.mode };
        Inode { kind, mode, uid: entry.uid, gid: entry.gid, xattrs: entry.xattrs.clone(), data }
    }
}

/// The directory of one layer of an overlay.
#[derive(Default)]
struct Upper {
    /// `None` is a whiteout.
    names: BTreeMap<Path, Option<usize>>,
    opaque: BTreeSet<Path>,
}

#[derive(Default)]
struct Disk {
    inodes: Vec<Inode>,
}

impl Disk {
    fn made(&mut self, inode: Inode) -> usize {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    fn kind(&self, inode: usize) -> Kind {
        self.inodes[inode].kind
    }

    // --- M

    fn unpack_onto(&mut self, names: &mut BTreeMap<Path, usize>, layer: &Sheet) -> Result<(), Failed> {
        for (directory, name) in layer.whiteouts() {
            match name {
                Some(name) => remove(names, &joined(&directory, &name)),
                None => names.retain(|path, _| !is_below(path, &directory)),
            }
        }
        for (entry, content) in layer.entries() {
            let (above, name) = split(entry.path.as_bytes());
            if entry.path.is_root() {
                let inode = self.made(Inode::of(entry, content));
                names.insert(Path::new(), inode);
                continue;
            }
            let place = joined(&self.resolved(names, above)?, name);
            if let Body::HardLink { target } = &entry.body {
                let (above, name) = split(target.as_bytes());
                let target = joined(&self.resolved(names, above)?, name);
                let inode = names.get(&target).copied().filter(|&i| self.kind(i) != Kind::Directory).ok_or(Failed)?;
                remove(names, &place);
                names.insert(place, inode);
                continue;
            }
            let inode = self.made(Inode::of(entry, content));
            let both = names.get(&place).is_some_and(|&old| self.kind(old) == Kind::Directory)
                && self.kind(inode) == Kind::Directory;
            if !both {
                remove(names, &place);
            }
            names.insert(place, inode);
        }
        Ok(())
    }

    /// The directory that a path leads to, through symlinks, inside the root; what is missing is made.
    fn resolved(&mut self, names: &mut BTreeMap<Path, usize>, path: &[u8]) -> Result<Path, Failed> {
        let mut ahead: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
        let (mut here, mut links) = (Path::new(), 0);
        while let Some(name) = ahead.pop() {
            if name == b".." {
                here = split(&here).0.to_vec();
                continue;
            }
            let next = joined(&here, &name);
            match names.get(&next).copied() {
                Some(inode) if self.kind(inode) == Kind::Directory => here = next,
                Some(inode) if self.kind(inode) == Kind::Symlink => {
                    links += 1;
                    let target = self.inodes[inode].data.clone();
                    if links > 20 {
                        return Err(Failed);
                    }
                    if target.starts_with(b"/") {
                        here = Path::new();
                    }
                    ahead.extend(components(&target).rev().map(<[u8]>::to_vec));
                }
                Some(_) => return Err(Failed),
                None => {
                    // A directory takes group and bit of a setgid directory that it is made in.
                    let above = &self.inodes[names[&here]];
                    let (bit, gid) = if above.mode & 0o2000 != 0 { (0o2000, above.gid) } else { (0, 0) };
                    let inode = self.made(Inode { mode: 0o755 | bit, gid, ..Inode::directory() });
                    names.insert(next.clone(), inode);
                    here = next;
                }
            }
        }
        Ok(here)
    }

    // --- O and D

    fn unpack_alone(&mut self, lower: &[Upper], layer: &Sheet, model: Model) -> Result<Upper, Failed> {
        let mut upper = Upper::default();
        for item in &layer.items {
            let (entry, content) = match item {
                Item::Entry(entry, content) => (entry, content),
                Item::Whiteout(path) => {
                    let (above, name) = split(path.as_bytes());
                    self.make_parents(&mut upper, lower, above, model)?;
                    if name == b".wh..wh..opq" {
                        upper.opaque.insert(above.to_vec());
                    } else if upper.names.insert(joined(above, &name[4..]), None).is_some() {
                        return Err(Failed);
                    }
                    continue;
                }
            };
            if entry.path.is_root() {
                continue;
            }
            let path = entry.path.as_bytes();
            self.make_parents(&mut upper, lower, split(path).0, model)?;
            let inode = match &entry.body {
                Body::HardLink { target } => upper.names.get(target.as_bytes()).copied().flatten().ok_or(Failed)?,
                _ => self.made(Inode::of(entry, content)),
            };
            upper.names.insert(path.to_vec(), Some(inode));
        }
        Ok(upper)
    }

    fn make_parents(&mut self, upper: &mut Upper, lower: &[Upper], path: &[u8], model: Model) -> Result<(), Failed> {
        if path.is_empty() {
            return Ok(());
        }
        match upper.names.get(path) {
            Some(Some(inode)) if self.kind(*inode) == Kind::Directory => return Ok(()),
            Some(_) => return Err(Failed),
            None => {}
        }
        let above = split(path).0;
        self.make_parents(upper, lower, above, model)?;
        let mut made = Inode::directory();
        if model == Model::O {
            // The mode is set once more, which takes the bit away; the group stays.
            let setgid =
                upper.names.get(above).copied().flatten().map(|i| &self.inodes[i]).filter(|i| i.mode & 0o2000 != 0);
            made.gid = setgid.map_or(0, |above| above.gid);
            for layer in lower.iter().rev() {
                if let Some(found) = self.looked_up(layer, path)? {
                    if let Some(directory) = found.filter(|&i| self.kind(i) == Kind::Directory) {
                        made = self.inodes[directory].clone();
                    }
                    break;
                }
            }
        }
        let inode = self.made(made);
        upper.names.insert(path.to_vec(), Some(inode));
        Ok(())
    }

    /// What one layer has at a path: nothing, a whiteout, an inode; fails below anything but a directory.
    fn looked_up(&self, layer: &Upper, path: &[u8]) -> Result<Option<Option<usize>>, Failed> {
        let ends = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(end, _)| end);
        for end in ends {
            match layer.names.get(&path[..end]) {
                Some(Some(inode)) if self.kind(*inode) == Kind::Directory => {}
                Some(_) => return Err(Failed),
                None => return Ok(None),
            }
        }
        Ok(layer.names.get(path).copied())
    }
}

/// What an overlay of directories shows, the lowest first.
fn overlaid(uppers: &[Upper], disk: &Disk) -> BTreeMap<Path, usize> {
    let mut names: BTreeMap<Path, usize> = BTreeMap::new();
    for upper in uppers {
        for directory in &upper.opaque {
            names.retain(|path, _| !is_below(path, directory));
        }
        for (path, inode) in &upper.names {
            let merged = inode.is_some_and(|i| disk.kind(i) == Kind::Directory)
                && names.get(path).is_some_and(|&i| disk.kind(i) == Kind::Directory);
            if !merged {
                remove(&mut names, path);
            }
            names.extend(inode.map(|inode| (path.clone(), inode)));
        }
    }
    names
}

fn remove(names: &mut BTreeMap<Path, usize>, gone: &[u8]) {
    names.retain(|path, _| path != gone && !is_below(path, gone));
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    !path.is_empty()
        && (directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/")))
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&b| b == b'/').filter(|c| !c.is_empty() && *c != b".")
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&b| b == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

fn joined(directory: &[u8], name: &[u8]) -> Path {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}
