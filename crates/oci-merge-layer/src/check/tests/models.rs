//! Four models of how runtimes unpack layers, over one kind of tree.
//!
//! - **M** onto the merged root, as umoci and kaniko do;
//! - **O** each layer into an overlay directory, missing parents copied up from the layers below, as containerd does;
//! - **P** the same, but of several layers with the directory the lowest has the last word, as in older containerd;
//! - **D** each layer alone, missing parents 0755 0:0, then overlaid, as Docker's overlay2 does.
//!
//! Also what they do with layers that the rules refuse, as far as it shows why: symlinks on the way are followed inside
//! the root or the layer's own directory, O and D set mode and owner of a hard link's inode and M does not, and what is
//! made in a directory with a default access control list takes it over. In D the root is the highest layer's own, as
//! in containers/storage; the others skip its entry.

use super::sets::{Item, Sheet};
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
    P,
    D,
}

impl Model {
    pub(super) const ALL: [Model; 4] = [Model::M, Model::O, Model::P, Model::D];

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
            Model::O | Model::P | Model::D => {
                let mut uppers: Vec<Upper> = Vec::new();
                for layer in layers {
                    let upper = disk.unpack_alone(&uppers, layer, self)?;
                    uppers.push(upper);
                }
                root = uppers.last().and_then(|upper| upper.root).filter(|_| self == Model::D).unwrap_or(root);
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

    /// Without the attributes that no layer keeps.
    pub(super) fn kept(mut self) -> Inode {
        self.xattrs.retain(|name, _| crate::make::is_kept(name));
        self
    }

    /// What a directory has that is made in this one.
    fn inherited(&self) -> Xattrs {
        let lists = self.xattrs.iter().filter(|(name, _)| *name == b"system.posix_acl_default");
        lists.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// The directory of one layer of an overlay.
#[derive(Default)]
struct Upper {
    /// `None` is a whiteout.
    names: BTreeMap<Path, Option<usize>>,
    opaque: BTreeSet<Path>,
    root: Option<usize>,
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
        self.followed(path, |disk, here, next| {
            if let Some(&known) = names.get(next) {
                return Ok(known);
            }
            // A directory takes group and bit of a setgid directory that it is made in.
            let above = &disk.inodes[names[here]];
            let (bit, gid) = if above.mode & 0o2000 != 0 { (0o2000, above.gid) } else { (0, 0) };
            let made = Inode { mode: 0o755 | bit, gid, xattrs: above.inherited(), ..Inode::directory() };
            let inode = disk.made(made);
            names.insert(next.to_vec(), inode);
            Ok(inode)
        })
    }

    /// Goes along a path: `step` says what is at the next place, which it may have to make there.
    fn followed(
        &mut self,
        path: &[u8],
        mut step: impl FnMut(&mut Disk, &[u8], &[u8]) -> Result<usize, Failed>,
    ) -> Result<Path, Failed> {
        let mut ahead: Vec<Vec<u8>> = components(path).rev().map(<[u8]>::to_vec).collect();
        let (mut here, mut links) = (Path::new(), 0);
        while let Some(name) = ahead.pop() {
            if name == b".." {
                here = split(&here).0.to_vec();
                continue;
            }
            let next = joined(&here, &name);
            let inode = step(self, &here, &next)?;
            match self.kind(inode) {
                Kind::Directory => here = next,
                Kind::Symlink if links < 20 => {
                    links += 1;
                    let target = self.inodes[inode].data.clone();
                    if target.starts_with(b"/") {
                        here = Path::new();
                    }
                    ahead.extend(components(&target).rev().map(<[u8]>::to_vec));
                }
                _ => return Err(Failed),
            }
        }
        Ok(here)
    }

    // --- O, P and D

    fn unpack_alone(&mut self, lower: &[Upper], layer: &Sheet, model: Model) -> Result<Upper, Failed> {
        let mut upper = Upper::default();
        for item in &layer.items {
            let (entry, content) = match item {
                Item::Entry(entry, content) => (entry, content),
                Item::Whiteout(path) => {
                    let (above, name) = split(path.as_bytes());
                    let above = self.make_parents(&mut upper, lower, above, model)?;
                    if name == b".wh..wh..opq" {
                        upper.opaque.insert(above);
                    } else if upper.names.insert(joined(&above, &name[4..]), None).is_some() {
                        return Err(Failed);
                    }
                    continue;
                }
            };
            if entry.path.is_root() {
                upper.root = Some(self.made(Inode::of(entry, content)));
                continue;
            }
            let (above, name) = split(entry.path.as_bytes());
            let place = joined(&self.make_parents(&mut upper, lower, above, model)?, name);
            let inode = match &entry.body {
                Body::HardLink { target } => {
                    let inode = upper.names.get(target.as_bytes()).copied().flatten().ok_or(Failed)?;
                    let is_symlink = self.kind(inode) == Kind::Symlink;
                    let linked = &mut self.inodes[inode];
                    (linked.uid, linked.gid) = (entry.uid, entry.gid);
                    linked.mode = if is_symlink { 0 } else { entry.mode };
                    inode
                }
                _ => self.made(Inode::of(entry, content)),
            };
            let is_directory = |inode: &Option<usize>| inode.is_some_and(|i| self.kind(i) == Kind::Directory);
            if !(is_directory(&Some(inode)) && upper.names.get(&place).is_some_and(is_directory)) {
                upper.names.retain(|path, _| !is_below(path, &place));
            }
            upper.names.insert(place, Some(inode));
        }
        Ok(upper)
    }

    /// The directory that a path leads to inside of one layer; what is missing there is made.
    fn make_parents(&mut self, upper: &mut Upper, lower: &[Upper], path: &[u8], model: Model) -> Result<Path, Failed> {
        self.followed(path, |disk, here, next| {
            if let Some(known) = upper.names.get(next) {
                return known.ok_or(Failed);
            }
            let mut made = Inode::directory();
            let above = upper.names.get(here).copied().flatten().map(|above| &disk.inodes[above]);
            made.xattrs = above.map(Inode::inherited).unwrap_or_default();
            if model != Model::D {
                // The mode is set once more, which takes the bit away; the group stays.
                made.gid = above.filter(|above| above.mode & 0o2000 != 0).map_or(0, |above| above.gid);
                for layer in lower.iter().rev() {
                    if let Some(found) = disk.looked_up(layer, next)? {
                        let Some(directory) = found.filter(|&i| disk.kind(i) == Kind::Directory) else { break };
                        made = disk.inodes[directory].clone();
                        if model == Model::O {
                            break;
                        }
                    }
                }
            }
            let inode = disk.made(made);
            upper.names.insert(next.to_vec(), Some(inode));
            Ok(inode)
        })
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
