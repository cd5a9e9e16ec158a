//! One layer, looked at: which of its files are programs, and what they would not find.

use super::ledger::{Cause, Ledger};
use super::libcs::Libcs;
use super::loading::Loaded;
use super::machine::Machine;
use super::tree::Tree;
use super::walker::{End, ROOT, Walker};
use super::world::{Libc, Unseen, World, elf};
use super::{Scene, links};
use crate::check::merge::Place;
use crate::index::{ElfFacts, Facts};
use crate::{EntryView, Kind};
use std::collections::{HashMap, HashSet};

/// So many names are looked up for the programs of one layer, so many for its links, and so many of its libraries are
/// looked at; a real one has a thousandth.
const LOOKUPS: u64 = if cfg!(test) { 1_000_000 } else { 20_000_000 };
const LINK_LOOKUPS: u64 = 5_000_000;
const MOST_FILES: usize = 100_000;

/// A layer while it is looked at.
pub(super) struct Look<'s, 'a> {
    pub(super) scene: &'s Scene<'s, 'a>,
    layer: usize,
    pub(super) walker: Walker<'s, 'a>,
    /// By the path of the dynamic linker.
    worlds: HashMap<Vec<u8>, Option<World>>,
    /// Versions that a library defines, where it has been asked.
    defined: HashMap<Place, HashSet<&'a [u8]>>,
    libcs: Libcs,
    pub(super) ledger: Ledger,
    reached: HashSet<Place>,
    left: u64,
}

impl<'s, 'a> Look<'s, 'a> {
    pub(super) fn new(scene: &'s Scene<'s, 'a>, layer: usize) -> Look<'s, 'a> {
        Look {
            scene,
            layer,
            walker: Walker::new(scene.tree),
            worlds: HashMap::new(),
            defined: HashMap::new(),
            libcs: Libcs::default(),
            ledger: Ledger::default(),
            reached: HashSet::new(),
            left: LOOKUPS,
        }
    }

    /// Judges programs, scripts and links; and says which libraries the programs load.
    pub(super) fn programs(mut self) -> (Ledger, HashSet<Place>) {
        links::judge(self.scene.tree, self.layer, LINK_LOOKUPS, &mut self.ledger);
        self.machines();
        for (place, entry) in self.scene.tree.notable(Some(self.layer)) {
            let is_command = self.scene.commands.is_one(place);
            match entry.facts {
                Some(Facts::Script { interpreter }) if is_command => self.script(place, interpreter),
                Some(Facts::Elf(elf)) if is_program(&entry, elf) && (is_command || self.is_ours(elf)) => {
                    self.program(place, elf, is_command);
                }
                _ => {}
            }
        }
        self.libcs.tell(self.layer, &mut self.ledger);
        (self.ledger, self.reached)
    }

    /// Judges the libraries that no program loads.
    pub(super) fn libraries(mut self, reached: &HashSet<Place>) -> Ledger {
        let is_one = |entry: &EntryView<'_>, elf: &ElfFacts| self.is_ours(elf) && is_library(entry, elf);
        let libraries: Vec<(Place, &ElfFacts)> = self
            .scene
            .tree
            .notable(Some(self.layer))
            .filter_map(|(place, entry)| match entry.facts {
                Some(Facts::Elf(elf)) if is_one(&entry, elf) && !reached.contains(&place) => Some((place, &**elf)),
                _ => None,
            })
            .take(MOST_FILES + 1)
            .collect();
        for (count, (place, elf)) in libraries.into_iter().enumerate() {
            if count == MOST_FILES {
                self.give_up(place);
            } else if !elf.needed.is_empty() {
                self.library(place, elf);
            }
        }
        self.libcs.tell(self.layer, &mut self.ledger);
        self.ledger
    }

    fn is_ours(&self, elf: &ElfFacts) -> bool {
        self.scene.machine.is_some_and(|machine| machine.is_of(elf))
    }

    fn give_up(&mut self, file: Place) {
        self.ledger.add(Some(self.layer), Cause::Limit, file, None);
    }

    fn program(&mut self, place: Place, elf: &ElfFacts, is_command: bool) {
        let Some(linker) = elf.interpreter.as_deref().filter(|path| path.starts_with(b"/")) else { return };
        let Some(machine) = Machine::of_elf(elf) else { return };
        if self.scene.machine.is_some_and(|ours| !ours.runs(elf)) {
            return; // That is told already.
        }
        if let Some(refused @ Cause::NotExecutable(..)) = self.refuses(linker) {
            self.ledger.add(Some(self.layer), refused, place, None);
        }
        let libc = if linker.windows(8).any(|part| part == b"/ld-musl") { Libc::Musl } else { Libc::Glibc };
        let is_of_libc = linker == machine.glibc.as_bytes() || linker == machine.musl_linker().as_bytes();
        let role = match is_command {
            true => Role::Command,
            false if is_of_libc => Role::Alternative,
            false => Role::Part,
        };
        self.load(place, linker, machine, libc, role);
    }

    fn library(&mut self, place: Place, elf: &ElfFacts) {
        let Some(machine) = self.scene.machine else { return };
        let musl = machine.musl_linker();
        let linkers = [(machine.glibc.as_bytes(), Libc::Glibc), (musl.as_bytes(), Libc::Musl)];
        let is_known = |needed: &Vec<u8>, names: [&[u8]; 2]| names.iter().any(|name| needed.starts_with(name));
        let is_glibc = elf.needs_versions.iter().any(|(_, version)| version.starts_with(b"GLIBC_"))
            || elf.needed.iter().any(|needed| is_known(needed, [b"libc.so.6", b"ld-linux"]));
        let is_musl =
            elf.needed.iter().any(|needed| needed == b"libc.so" || is_known(needed, [b"libc.musl-", b"ld-musl-"]));
        let [glibc, musl] = linkers;
        let exists = |look: &mut Self, path: &[u8]| matches!(look.walker.follow(ROOT, path), End::Entry(_));
        let (linker, libc) = match (is_glibc, is_musl) {
            (true, _) => glibc,
            (_, true) => musl,
            _ if exists(self, glibc.0) => glibc,
            _ if exists(self, musl.0) => musl,
            _ => return,
        };
        let role = if is_glibc || is_musl { Role::Alternative } else { Role::Part };
        self.load(place, linker, machine, libc, role);
    }

    /// Loads a program or a library with a dynamic linker, and judges what comes of it.
    fn load(&mut self, place: Place, linker: &[u8], machine: &'static Machine, libc: Libc, role: Role) {
        let scene = self.scene;
        let linker = linker.strip_prefix(b"/").unwrap_or(linker);
        let library_path = scene.system.library_path.as_deref().unwrap_or_default().as_bytes();
        let (worlds, walker) = (&mut self.worlds, &mut self.walker);
        let world =
            worlds.entry(linker.to_vec()).or_insert_with(|| World::of_linker(walker, linker, machine, library_path));
        let Some(world) = world else {
            let cause = Cause::Linker(linker.to_vec(), libc);
            match role {
                Role::Alternative => self.libcs.foreign.push((place, cause)),
                Role::Command | Role::Part => self.ledger.add(Some(self.layer), cause, place, None),
            }
            return;
        };
        self.libcs.has_ours |= role == Role::Alternative;
        let path = scene.tree.entry(place).map_or(&[][..], |entry| entry.path);
        let above = path.get(..path.iter().rposition(|&b| b == b'/').unwrap_or(0)).unwrap_or_default();
        let origin = walker.directory(ROOT, above).unwrap_or(ROOT);
        let system = (world.libc, world.unseen, world.machine);
        match Loaded::of(walker, world, place, origin, &mut self.left) {
            Some(loaded) => self.judge(&loaded, place, system, role == Role::Command),
            None => self.give_up(place),
        }
    }

    fn judge(
        &mut self,
        loaded: &Loaded<'a>,
        program: Place,
        (libc, unseen, machine): (Libc, Unseen, &Machine),
        is_command: bool,
    ) {
        self.reached.extend(loaded.objects.iter().map(|object| object.place));
        let mut lacking = HashSet::new();
        for &(at, name) in &loaded.missing {
            let Some(object) = loaded.objects.get(at) else { continue };
            let is_certain = is_command && !self.scene.may_have(name, unseen, machine);
            if is_certain || !is_command && !self.scene.hosted.contains_key(name) {
                let (layer, file) = Ledger::answers(object.place, program);
                self.ledger.add(layer, Cause::Library(name.to_vec()), file, None);
                lacking.insert(at);
            }
        }
        for &(at, path) in &loaded.absent {
            let Some(object) = loaded.objects.get(at) else { continue };
            if self.is_build_prefix(path, lacking.contains(&at)) {
                let cause = Cause::Prefix(path.strip_prefix(b"/").unwrap_or(path).to_vec());
                self.ledger.add(Tree::layer_of(object.place), cause, object.place, None);
            }
        }
        if libc == Libc::Glibc {
            self.versions(loaded, program, is_command && unseen == Unseen::Nothing);
        }
    }

    /// Versions that a library lacks which is there (glibc's `elf/dl-version.c`; musl does without).
    ///
    /// Not `certain` is what is no command: it is loaded by somebody, who may have loaded another library of that name before.
    fn versions(&mut self, loaded: &Loaded<'a>, program: Place, certain: bool) {
        for object in loaded.objects.iter().filter(|o| Tree::layer_of(o.place).is_some()) {
            for (library, version) in &object.elf.needs_versions {
                let Some(provider) = loaded.named(library) else { continue };
                let defines = &provider.elf.defines_versions;
                let defined =
                    self.defined.entry(provider.place).or_insert_with(|| defines.iter().map(Vec::as_slice).collect());
                // Of a library without versions, every one is taken.
                let is_lacking = !defined.is_empty() && !defined.contains(&version[..]);
                if is_lacking && (certain || !self.scene.has_version(library, version)) {
                    let (layer, file) = Ledger::answers(object.place, program);
                    self.ledger.add(layer, Cause::Versions(library.clone(), provider.place), file, Some(version));
                }
            }
        }
    }

    /// Whether a directory that nobody has tells of the machine where something was built: a library is missing that may
    /// have lain there, or it is a place that no layer would ever own, where whoever can write there could put one.
    fn is_build_prefix(&mut self, path: &[u8], is_lacking: bool) -> bool {
        let names: Vec<&[u8]> = path.split(|&b| b == b'/').filter(|name| !name.is_empty()).collect();
        match names[..] {
            [] => false,
            [b"tmp" | b"home" | b"root" | b"mnt" | b"media" | b"run", ..] | [b"var", b"tmp", ..] => true,
            [b"usr" | b"lib" | b"lib64" | b"lib32" | b"libx32", ..] => false,
            [first, ..] => is_lacking || self.walker.directory(ROOT, first).is_none(),
        }
    }

    /// Programs for a machine that the image is not for: commands; and of a layer without anything for its machine,
    /// programs and libraries, unless they are the system of another machine and meant to be.
    fn machines(&mut self) {
        let Some(ours) = self.scene.machine else { return };
        let (mut has_ours, mut has_linker, mut foreign) = (false, false, Vec::new());
        for (place, entry) in self.scene.tree.notable(Some(self.layer)) {
            let Some(elf) = elf(self.scene.tree, place) else { continue };
            let is_meant = is_program(&entry, elf) || is_library(&entry, elf);
            if self.scene.commands.is_one(place) && !ours.runs(elf) {
                self.ledger.add(Some(self.layer), Cause::Machine, place, None);
            }
            has_ours |= is_meant && ours.is_of(elf);
            if is_meant && !ours.runs(elf) {
                let machine = Machine::of_elf(elf);
                let is_linker = |machine: &Machine| entry.path.ends_with(machine.glibc.as_bytes());
                has_linker |= machine.is_some_and(is_linker);
                foreign.extend((!machine.is_some_and(|m| m.is_named_in(entry.path))).then_some(place));
            }
        }
        if !has_ours && !has_linker {
            foreign.into_iter().for_each(|place| self.ledger.add(Some(self.layer), Cause::Machine, place, None));
        }
    }
}

/// What a program or library is to those who start or load it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Command,
    /// No command, and made for one library of C: there may be another one for the other.
    Alternative,
    Part,
}

/// An executable that the kernel hands to a dynamic linker. The library of C is one too, and is a library first.
fn is_program(entry: &EntryView<'_>, elf: &ElfFacts) -> bool {
    entry.kind == Kind::File && entry.mode & 0o111 != 0 && elf.interpreter.is_some() && elf.soname.is_none()
}

/// A shared object by its name, or because it is executable; not test data that happens to be one.
fn is_library(entry: &EntryView<'_>, elf: &ElfFacts) -> bool {
    let name = entry.path.rsplit(|&b| b == b'/').next().unwrap_or_default();
    let is_named = name.ends_with(b".so") || name.ends_with(b".node") || name.windows(4).any(|part| part == b".so.");
    let is_executable = entry.mode & 0o111 != 0;
    elf.dynamic && (elf.interpreter.is_none() || elf.soname.is_some()) && (is_named || is_executable)
}
