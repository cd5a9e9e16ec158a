//! Loads a program as its dynamic linker would, to see which libraries it would not find.
//!
//! glibc (`elf/dl-load.c`, `elf/dl-deps.c`): breadth first; a library that is loaded already under its name or SONAME is not
//! looked for again; else DT_RPATH of whoever needs it and of all that led to it, unless it has a DT_RUNPATH;
//! `LD_LIBRARY_PATH`; its own DT_RUNPATH; the system's directories, unless it has DF_1_NODEFLIB. musl (`ldso/dynlink.c`): by name alone;
//! `LD_LIBRARY_PATH`; DT_RUNPATH or DT_RPATH of whoever needs it and of all that led to it; the system's directories; and a
//! few names are musl itself.

use super::tokens;
use super::walker::{End, ROOT, Walker};
use super::world::{Hit, Libc, World, elf};
use crate::check::merge::Place;
use crate::index::ElfFacts;
use std::collections::HashMap;
use std::rc::Rc;

/// More objects than this are not loaded for one program.
const MOST_OBJECTS: usize = 4000;
/// A look into a directory takes so much longer than a name that is known.
const LOOKUP: u64 = 8;
/// More directories of one object than this are not looked through.
const MOST_DIRECTORIES: usize = 256;

/// A program or library, loaded.
pub(super) struct Object<'a> {
    pub(super) place: Place,
    pub(super) elf: &'a ElfFacts,
    /// What `$ORIGIN` stands for.
    origin: u32,
    /// Which object needs it first.
    needed_by: Option<usize>,
}

/// A program with all that its dynamic linker loads for it.
#[derive(Default)]
pub(super) struct Loaded<'a> {
    pub(super) objects: Vec<Object<'a>>,
    /// Which object goes by a name.
    names: HashMap<&'a [u8], usize>,
    places: HashMap<Place, usize>,
    /// An object, and a name that it needs and nobody has where it is looked for.
    pub(super) missing: Vec<(usize, &'a [u8])>,
    /// Directories that objects name by an absolute path and that nobody has.
    pub(super) absent: Vec<(usize, &'a [u8])>,
}

impl<'a> Loaded<'a> {
    /// Loads a program, or a library as if it were one; no more names are looked up
    /// than are `left`, and `None` is that these were too few.
    pub(super) fn of(
        walker: &mut Walker<'_, 'a>,
        world: &mut World,
        program: Place,
        origin: u32,
        left: &mut u64,
    ) -> Option<Loaded<'a>> {
        let first = Object { place: program, elf: elf(walker.tree, program)?, origin, needed_by: None };
        let mut loaded = Loaded::default();
        loaded.push(first, None, world.libc);
        if let Some(linker) = elf(walker.tree, world.linker) {
            let linker = Object { place: world.linker, elf: linker, origin: ROOT, needed_by: None };
            loaded.push(linker, None, world.libc);
        }
        // Of a library it is not known which program loads it.
        let is_program = loaded.objects.first().is_some_and(|first| first.elf.interpreter.is_some());
        let mut paths = Paths { walker, world, wanted: Rc::default(), own: Vec::new(), left };
        paths.want(Some(origin).filter(|_| is_program));
        let mut at = 0;
        while let Some(object) = loaded.objects.get(at) {
            let place = object.place;
            let needed = &object.elf.needed;
            paths.open(at, object, &mut loaded.absent);
            if place == paths.world.linker {
                at += 1;
                continue;
            }
            for name in needed {
                *paths.left = paths.left.checked_sub(1)?;
                let name: &'a [u8] = name;
                if loaded.names.contains_key(name) || paths.world.libc == Libc::Musl && is_musl_itself(name) {
                    continue;
                }
                match paths.find(&loaded.objects, at, name)? {
                    Some(hit) => loaded.add(&mut paths, at, name, hit),
                    None => loaded.missing.push((at, name)),
                }
            }
            at += 1;
        }
        Some(loaded)
    }

    /// The object that goes by a name.
    pub(super) fn named(&self, name: &[u8]) -> Option<&Object<'a>> {
        self.names.get(name).and_then(|&at| self.objects.get(at))
    }

    fn add(&mut self, paths: &mut Paths<'_, '_, 'a>, needed_by: usize, name: &'a [u8], hit: Hit) {
        if let Some(known) = self.places.get(&hit.place) {
            self.names.insert(name, *known);
            return;
        }
        if let Some(elf) = elf(paths.walker.tree, hit.place)
            && self.objects.len() < MOST_OBJECTS
        {
            let object = Object { place: hit.place, elf, origin: hit.directory, needed_by: Some(needed_by) };
            self.push(object, Some(name), paths.world.libc);
        }
    }

    fn push(&mut self, object: Object<'a>, name: Option<&'a [u8]>, libc: Libc) {
        let soname = object.elf.soname.as_deref().filter(|_| libc == Libc::Glibc);
        let number = self.objects.len();
        for name in name.into_iter().chain(soname) {
            self.names.entry(name).or_insert(number);
        }
        self.places.entry(object.place).or_insert(number);
        self.objects.push(object);
    }
}

/// `libc.so.6` and the like, which musl takes for itself.
fn is_musl_itself(name: &[u8]) -> bool {
    let parts: [&[u8]; 7] = [b"c.", b"pthread.", b"rt.", b"m.", b"dl.", b"util.", b"xnet."];
    name.strip_prefix(b"lib").is_some_and(|rest| parts.iter().any(|part| rest.starts_with(part)))
}

/// Where libraries are looked for, for one program.
struct Paths<'w, 't, 'a> {
    walker: &'w mut Walker<'t, 'a>,
    world: &'w mut World,
    /// The directories of `LD_LIBRARY_PATH`.
    wanted: Rc<[u32]>,
    /// The directories of each object's own path, and whether it is a DT_RUNPATH.
    own: Vec<(Rc<[u32]>, bool)>,
    /// How many names may still be looked up.
    left: &'w mut u64,
}

impl<'a> Paths<'_, '_, 'a> {
    /// Reads `LD_LIBRARY_PATH`, in which `$ORIGIN` is the directory of the program.
    fn want(&mut self, origin: Option<u32>) {
        self.wanted = match &self.world.wanted {
            Some(wanted) => Rc::clone(wanted),
            None => {
                let path = self.world.library_path.clone();
                self.along(path.iter().map(Vec::as_slice), origin)
            }
        };
    }

    /// Reads the path of an object; the objects come one after the other.
    fn open(&mut self, number: usize, object: &Object<'a>, absent: &mut Vec<(usize, &'a [u8])>) {
        let path = object.elf.runpath.as_deref().or(object.elf.rpath.as_deref()).unwrap_or_default();
        let own = match self.world.libc {
            Libc::Glibc => self.along(path.split(|&b| b == b':'), Some(object.origin)),
            Libc::Musl => {
                let paths = tokens::of_musl(path, &self.absolute(object.origin)).unwrap_or_default();
                self.along(paths.split(|&b| b == b':' || b == b'\n'), None)
            }
        };
        for part in path.split(|&b| b == b':').take(MOST_DIRECTORIES) {
            if part.starts_with(b"/") && !part.contains(&b'$') && self.walker.directory(ROOT, part).is_none() {
                absent.push((number, part));
            }
        }
        self.own.push((own, object.elf.runpath.is_some()));
    }

    /// The directories of a path that there are.
    fn along<'p>(&mut self, path: impl Iterator<Item = &'p [u8]>, origin: Option<u32>) -> Rc<[u32]> {
        let parts = path.filter(|part| !part.is_empty()).take(MOST_DIRECTORIES);
        parts.filter_map(|part| self.directory(part, origin)).collect()
    }

    /// The directory that a part of a path stands for; nothing if it depends on where the program is started.
    fn directory(&mut self, part: &[u8], origin: Option<u32>) -> Option<u32> {
        if self.world.libc == Libc::Musl || !part.contains(&b'$') {
            return if part.starts_with(b"/") { self.walker.directory(ROOT, part) } else { None };
        }
        let origin = origin.map(|origin| self.absolute(origin));
        let platform = self.world.machine.platform.as_bytes();
        self.world.libs.iter().find_map(|lib| {
            let tokens: [(&[u8], Option<&[u8]>); 3] =
                [(b"ORIGIN", origin.as_deref()), (b"LIB", Some(lib)), (b"PLATFORM", Some(platform))];
            let part = tokens::of_glibc(part, &tokens).filter(|part| part.starts_with(b"/"))?;
            self.walker.directory(ROOT, &part)
        })
    }

    fn absolute(&self, directory: u32) -> Vec<u8> {
        [b"/", self.walker.path(directory)].concat()
    }

    /// Looks for a library that an object needs; the outer `None` if that takes too long.
    fn find(&mut self, objects: &[Object<'a>], by: usize, name: &[u8]) -> Option<Option<Hit>> {
        if name.contains(&b'/') {
            return Some(self.open_path(objects, by, name));
        }
        let is_glibc = self.world.libc == Libc::Glibc;
        let has_runpath = self.own.get(by).is_some_and(|(_, is_runpath)| *is_runpath);
        if !is_glibc {
            let wanted = Rc::clone(&self.wanted);
            if let Some(hit) = self.look(&wanted, name)? {
                return Some(Some(hit));
            }
        }
        // By those that led here: glibc goes without DT_RUNPATH, and only if the first has none.
        let mut asked = Some(by).filter(|_| !(is_glibc && has_runpath));
        while let Some(at) = asked {
            *self.left = self.left.checked_sub(1)?;
            let (directories, is_runpath) = self.own.get(at).cloned().unwrap_or_default();
            if !(is_glibc && is_runpath)
                && let Some(hit) = self.look(&directories, name)?
            {
                return Some(Some(hit));
            }
            asked = objects.get(at).and_then(|object| object.needed_by);
        }
        if is_glibc {
            let wanted = Rc::clone(&self.wanted);
            let own = self.own.get(by).filter(|_| has_runpath).map(|(own, _)| Rc::clone(own)).unwrap_or_default();
            for directories in [wanted, own] {
                if let Some(hit) = self.look(&directories, name)? {
                    return Some(Some(hit));
                }
            }
        }
        let goes_without = is_glibc && objects.get(by).is_some_and(|object| object.elf.no_default_libraries);
        Some(self.world.find(self.walker, name, !goes_without))
    }

    fn look(&mut self, directories: &[u32], name: &[u8]) -> Option<Option<Hit>> {
        for &directory in directories {
            let (found, was_known) = self.world.look(self.walker, directory, name);
            *self.left = self.left.checked_sub(if was_known { 1 } else { LOOKUP })?;
            if found.is_some() {
                return Some(found);
            }
        }
        Some(None)
    }

    /// A library that is needed by a path.
    fn open_path(&mut self, objects: &[Object<'a>], by: usize, path: &[u8]) -> Option<Hit> {
        let (above, name) = path.split_at(path.iter().rposition(|&b| b == b'/')?);
        let origin = objects.get(by).map(|object| object.origin);
        let directory = self.directory(if above.is_empty() { b"/" } else { above }, origin)?;
        match self.walker.follow(directory, name.strip_prefix(b"/").unwrap_or(name)) {
            End::Entry(place) => Some(Hit { place, directory }),
            _ => None,
        }
    }
}
