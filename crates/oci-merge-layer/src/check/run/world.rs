//! What a dynamic linker looks through besides what a program says itself: glibc's and musl's, each after its own rules.
//!
//! glibc (ld.so(8), ldconfig(8)): what `/etc/ld.so.cache` lists, then the directories that were compiled in. The cache was made when the base was: of the directories of `/etc/ld.so.conf` it knows
//! what the base has in them, and nothing that a layer adds. musl (its `ldso/dynlink.c`): `/etc/ld-musl-ARCH.path`, else
//! three directories.

use super::compiled::Compiled;
use super::configured::Configured;
use super::machine::Machine;
use super::tree::Tree;
use super::walker::{End, ROOT, Walker, joined};
use crate::check::merge::Place;
use crate::index::{ElfFacts, Facts};
use crate::{EntryView, Kind};
use std::collections::HashMap;
use std::rc::Rc;

/// Which library of C.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::check) enum Libc {
    Glibc,
    Musl,
}

/// Whose libraries may be found in directories that are not known: an index has not every text that may name some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    Nothing,
    OfBase,
    All,
}

/// So many answers are remembered for one dynamic linker.
const REMEMBERED: usize = 500_000;

/// One dynamic linker in an image.
pub(super) struct World {
    pub(super) libc: Libc,
    pub(super) machine: &'static Machine,
    /// The linker itself, which is loaded with every program.
    pub(super) linker: Place,
    /// What `$LIB` stands for, or may.
    pub(super) libs: Vec<Vec<u8>>,
    /// The parts of `LD_LIBRARY_PATH`, and their directories if these are the same for all programs.
    pub(super) library_path: Vec<Vec<u8>>,
    pub(super) wanted: Option<Rc<[u32]>>,
    pub(super) unseen: Unseen,
    /// The directories of the cache, of which only what the base has counts if the cache is the base's; and whether they
    /// lie in those that were compiled in.
    cached: Vec<(u32, bool)>,
    cache_is_of_base: bool,
    /// The directories that were compiled in.
    compiled: Vec<u32>,
    /// What was found there, by name, and whether it lies in directories that were compiled in.
    known: HashMap<Vec<u8>, Option<(Hit, bool)>>,
    /// What was found in other directories; programs of one layer ask for the same again and again.
    looked: HashMap<u32, HashMap<Vec<u8>, Option<Hit>>>,
    remembered: usize,
}

/// A library, and the directory that it was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) place: Place,
    pub(super) directory: u32,
}

impl World {
    /// The world of the linker at a path; `None` if there is none.
    pub(super) fn of_linker(
        walker: &mut Walker<'_, '_>,
        path: &[u8],
        machine: &'static Machine,
        library_path: &[u8],
    ) -> Option<World> {
        let End::Entry(linker) = walker.follow(ROOT, &[b"/", path].concat()) else { return None };
        let real = walker.tree.entry(linker)?.path;
        let (beside, name) = real.iter().rposition(|&b| b == b'/').map_or((&[][..], real), |at| real.split_at(at));
        let name = name.strip_prefix(b"/").unwrap_or(name);
        let is_musl = [&b"ld-musl"[..], b"libc.musl", b"libc.so", b"libgcompat"].iter().any(|s| name.starts_with(s));
        let libc = if is_musl { Libc::Musl } else { Libc::Glibc };
        let (Compiled { directories: compiled, libs }, unseen) = match libc {
            Libc::Glibc => (Compiled::of(walker, beside, machine), Unseen::Nothing),
            Libc::Musl => {
                let (directories, unseen) = musl_path(walker, path, machine);
                (Compiled { directories, libs: Vec::new() }, unseen)
            }
        };
        let separator = if is_musl { b'\n' } else { b';' };
        let library_path: Vec<Vec<u8>> =
            library_path.split(|&b| b == b':' || b == separator).map(<[u8]>::to_vec).collect();
        let is_literal = is_musl || !library_path.iter().any(|path| path.contains(&b'$'));
        let wanted = is_literal.then(|| library_path.iter().filter(|path| path.starts_with(b"/")).cloned());
        let wanted = wanted.map(|wanted| existing(walker, wanted).into());
        let mut world = World {
            libc,
            machine,
            linker,
            libs,
            library_path,
            wanted,
            unseen,
            cached: Vec::new(),
            cache_is_of_base: false,
            compiled: Vec::new(),
            known: HashMap::new(),
            looked: HashMap::new(),
            remembered: 0,
        };
        if libc == Libc::Glibc
            && let End::Entry(cache) = walker.follow(ROOT, b"etc/ld.so.cache")
        {
            world.cache_is_of_base = Tree::layer_of(cache).is_none();
            let configured = Configured::of(walker, world.cache_is_of_base);
            if configured.is_partial {
                world.unseen = if world.cache_is_of_base { Unseen::OfBase } else { Unseen::All };
            }
            for path in configured.directories {
                let found = walker.directory(ROOT, &path);
                let found = found.filter(|found| world.cached.iter().all(|(known, _)| known != found));
                world.cached.extend(found.map(|found| (found, compiled.iter().any(|c| names_inside(&path, c)))));
            }
        }
        world.compiled = existing(walker, compiled);
        Some(world)
    }

    /// The library with a name in the directories of the system; without the `defaults`, not in those that were compiled in
    /// (glibc's `elf/dl-load.c`: what the cache has there does not count either).
    pub(super) fn find(&mut self, walker: &mut Walker<'_, '_>, name: &[u8], defaults: bool) -> Option<Hit> {
        let found = match self.known.get(name) {
            Some(known) => *known,
            None => self.find_anywhere(walker, name),
        };
        found.filter(|(_, is_compiled)| defaults || !is_compiled).map(|(hit, _)| hit)
    }

    fn find_anywhere(&mut self, walker: &mut Walker<'_, '_>, name: &[u8]) -> Option<(Hit, bool)> {
        let only_base = self.cache_is_of_base;
        let in_cache = |walker: &mut Walker<'_, '_>, directory: u32| {
            let is_of_base = walker.named(directory, name).is_some_and(|entry| Tree::layer_of(entry).is_none());
            library(walker, directory, name, self.machine).filter(|_| is_of_base || !only_base)
        };
        let mut cached = self.cached.iter();
        let cached = cached.find_map(|&(directory, is_compiled)| Some((in_cache(walker, directory)?, is_compiled)));
        let compiled = |&directory: &u32| library(walker, directory, name, self.machine).map(|hit| (hit, true));
        let found = cached.or_else(|| self.compiled.iter().find_map(compiled));
        self.known.insert(name.to_vec(), found);
        found
    }
}

impl World {
    /// The library with a name in some directory; and whether that was known already.
    pub(super) fn look(&mut self, walker: &mut Walker<'_, '_>, directory: u32, name: &[u8]) -> (Option<Hit>, bool) {
        if let Some(known) = self.looked.get(&directory).and_then(|known| known.get(name)) {
            return (*known, true);
        }
        let found = library(walker, directory, name, self.machine);
        if self.remembered < REMEMBERED {
            self.remembered += 1;
            self.looked.entry(directory).or_default().insert(name.to_vec(), found);
        }
        (found, false)
    }
}

/// The library with a name in a directory, if it is one for this machine.
pub(super) fn library(walker: &mut Walker<'_, '_>, directory: u32, name: &[u8], machine: &Machine) -> Option<Hit> {
    walker.named(directory, name)?;
    let End::Entry(place) = walker.follow(directory, name) else { return None };
    let is_ours = elf(walker.tree, place).is_some_and(|elf| machine.is_of(elf));
    is_ours.then_some(Hit { place, directory })
}

/// What is known of a file, if it is an ELF file.
pub(super) fn elf<'a>(tree: &Tree<'a>, place: Place) -> Option<&'a ElfFacts> {
    match tree.entry(place)?.facts? {
        Facts::Elf(elf) => Some(elf),
        Facts::Script { .. } | Facts::Text(_) => None,
    }
}

/// The text of a file, if it is one of those that are kept.
pub(in crate::check) fn text<'a>(tree: &Tree<'a>, place: Place) -> Option<&'a [u8]> {
    match tree.entry(place)?.facts? {
        Facts::Text(text) => Some(text),
        Facts::Elf(_) | Facts::Script { .. } => None,
    }
}

/// The same, or that it is empty.
pub(super) fn text_or_empty<'a>(tree: &Tree<'a>, place: Place) -> Option<&'a [u8]> {
    let is_empty = |entry: &EntryView<'_>| entry.kind == Kind::File && entry.size == 0;
    text(tree, place).or_else(|| tree.entry(place).filter(is_empty).map(|_| &b""[..]))
}

/// Whether a directory is another or lies in it, by their names as glibc judges it: where links lead does not matter.
fn names_inside(path: &[u8], directory: &[u8]) -> bool {
    let below = path.strip_prefix(b"/").and_then(|path| path.strip_prefix(directory));
    below.is_some_and(|below| below.is_empty() || below.starts_with(b"/"))
}

/// The directories that there are, each once.
fn existing(walker: &mut Walker<'_, '_>, paths: impl IntoIterator<Item = Vec<u8>>) -> Vec<u32> {
    let mut found: Vec<u32> = Vec::new();
    for path in paths {
        found.extend(walker.directory(ROOT, &path).filter(|directory| !found.contains(directory)));
    }
    found
}

/// The directories that musl looks through: a file that lies relative to the linker's own path, as programs name it, may
/// list them (`load_library`).
fn musl_path(walker: &mut Walker<'_, '_>, linker: &[u8], machine: &Machine) -> (Vec<Vec<u8>>, Unseen) {
    let above = |path: &[u8]| {
        path.iter().rposition(|&b| b == b'/').map_or(Vec::new(), |at| path.get(..at).unwrap_or_default().to_vec())
    };
    let file = joined(&above(&above(linker)), format!("etc/ld-musl-{}.path", machine.musl).as_bytes());
    let (text, unseen) = match walker.follow(ROOT, &file) {
        End::Entry(place) => match text_or_empty(walker.tree, place) {
            Some(text) => (text, Unseen::Nothing),
            None => (&[][..], Unseen::All),
        },
        End::Missing(..) => (&b"/lib:/usr/local/lib:/usr/lib"[..], Unseen::Nothing),
        End::Directory(_) | End::Loop => (&[][..], Unseen::Nothing),
    };
    let paths = text.split(|&b| b == b':' || b == b'\n').filter(|path| !path.is_empty());
    (paths.map(<[u8]>::to_vec).collect(), unseen)
}
