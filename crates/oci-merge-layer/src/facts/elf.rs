//! The dynamic section of an ELF file, found through its program headers as the dynamic linker finds it: section
//! headers may be missing (System V ABI, chapter 5; LSB Core, "Symbol Versioning").
//!
//! The file is hostile: offsets point anywhere, lists overlap themselves. Nothing here fails; what cannot be read is
//! left out, and how much is collected is bounded.

use super::kept::Kept;
use crate::index::ElfFacts;
use object::elf::{self, DynamicTag, FileHeader32, FileHeader64, Verdaux, Verdef, Vernaux, Verneed};
use object::read::ReadRef;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, Pod};
use std::cell::Cell;
use std::ops::Range;

/// The beginning of a file in which its program headers are looked for.
pub(super) const HEADERS: u64 = 64 << 10;
/// How much is kept of the first segment that is loaded: linkers put the tables into it.
const FIRST: u64 = 16 << 20;
/// How much is kept of others in all: the last ones first, for patchelf puts tables that have grown there.
const OTHERS: u64 = 8 << 20;
/// Of a file whose program headers come late: how much is kept before and after where they begin.
const BEFORE: u64 = 6 << 20;
const AFTER: u64 = 2 << 20;
/// More program headers than this are not looked at; linkers write about a dozen.
const SEGMENTS: usize = 64;
/// More entries of the dynamic section than this are not looked at.
const DYNAMICS: usize = 4096;
/// The longest string: no path is longer.
const STRING: u64 = 4096;
/// Bytes of names in the facts of one file, each counted with this much for itself.
const BUDGET: usize = 256 << 10;
const NAME: usize = 32;

/// What to keep of a file that begins like this: its headers, and where its tables can be.
pub(super) fn wanted(start: &Kept) -> Vec<Range<u64>> {
    let elf = Elf::read(start);
    if let Some(headers) = elf.as_ref().map(|elf| elf.headers).filter(|&at| at >= HEADERS) {
        // Tools that change a program put its headers behind what was there, and the tables that have grown behind
        // them (patchelf), or leave the tables right before (BOLT).
        let first = 0..FIRST.min(headers);
        return vec![first.clone(), headers.saturating_sub(BEFORE).max(first.end)..headers.saturating_add(AFTER)];
    }
    let segments = elf.map(|elf| elf.segments).unwrap_or_default();
    let loaded = || segments.iter().filter(|segment| segment.kind == elf::PT_LOAD).map(|segment| segment.file.clone());
    let named = segments.iter().filter(|segment| segment.kind != elf::PT_LOAD).map(|segment| segment.file.clone());
    let first =
        loaded().min_by_key(|file| file.start).map(|file| file.start..file.end.min(file.start.saturating_add(FIRST)));
    let mut left = OTHERS;
    let others = named.chain(loaded().rev()).filter(|file| {
        let fits = file.end - file.start <= left;
        left -= if fits { file.end - file.start } else { 0 };
        fits
    });
    let mut ranges: Vec<Range<u64>> = others.chain(first).chain([0..HEADERS]).collect();
    ranges.sort_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let touches = next.start <= range.end;
        range.end = if touches { range.end.max(next.end) } else { range.end };
        touches
    });
    ranges
}

/// What a file says of itself; `None` if it has no ELF header after all.
pub(super) fn facts(file: &Kept) -> Option<ElfFacts> {
    let elf = Elf::read(file)?;
    let mut facts = ElfFacts { machine: elf.machine, class: elf.class, ..ElfFacts::default() };
    facts.interpreter = elf.segment(elf::PT_INTERP).and_then(|at| elf.string(at.file.start));
    facts.dynamic = elf.segment(elf::PT_DYNAMIC).is_some();
    let table = |tag| elf.dynamic.iter().find(|(found, _)| *found == tag).map(|(_, value)| *value);
    let Some(strings) = table(elf::DT_STRTAB).and_then(|address| elf.place(address)) else { return Some(facts) };
    facts.no_default_libraries = table(elf::DT_FLAGS_1).is_some_and(|flags| flags & elf::DF_1_NODEFLIB.0 != 0);
    let name = |at: u64| elf.string(strings.checked_add(at)?);
    let one = |tag| table(tag).and_then(name);
    facts.soname = one(elf::DT_SONAME);
    facts.rpath = one(elf::DT_RPATH);
    facts.runpath = one(elf::DT_RUNPATH);
    let needed = elf.dynamic.iter().filter(|(tag, _)| *tag == elf::DT_NEEDED);
    facts.needed = needed.map_while(|(_, at)| name(*at)).collect();
    if let Some(at) = table(elf::DT_VERNEED).and_then(|address| elf.place(address)) {
        facts.needs_versions = elf.needs_versions(at, &name);
    }
    if let Some(at) = table(elf::DT_VERDEF).and_then(|address| elf.place(address)) {
        facts.defines_versions = elf.defines_versions(at, &name);
    }
    Some(facts)
}

/// An ELF file of either class and byte order.
struct Elf<'a> {
    file: &'a Kept,
    endian: Endianness,
    machine: u16,
    class: u8,
    /// Where the program headers begin.
    headers: u64,
    /// Those that matter here: `PT_LOAD`, `PT_DYNAMIC`, `PT_INTERP`.
    segments: Vec<Segment>,
    /// Tag and value, up to `DT_NULL`.
    dynamic: Vec<(DynamicTag, u64)>,
    /// What is left of the budget for names.
    left: Cell<usize>,
}

struct Segment {
    kind: elf::ProgramType,
    file: Range<u64>,
    address: u64,
}

impl<'a> Elf<'a> {
    fn read(file: &'a Kept) -> Option<Elf<'a>> {
        match file.start().get(4) {
            Some(1) => Elf::read_class::<FileHeader32<Endianness>>(file, 32),
            Some(2) => Elf::read_class::<FileHeader64<Endianness>>(file, 64),
            _ => None,
        }
    }

    fn read_class<H: FileHeader<Endian = Endianness>>(file: &'a Kept, class: u8) -> Option<Elf<'a>> {
        let header = H::parse(file).ok()?;
        let endian = header.endian().ok()?;
        let mut elf = Elf {
            file,
            endian,
            machine: header.e_machine(endian).0,
            class,
            headers: header.e_phoff(endian).into(),
            segments: Vec::new(),
            dynamic: Vec::new(),
            left: Cell::new(BUDGET),
        };
        let headers = header.program_headers(endian, file).unwrap_or_default();
        for header in headers.iter().take(SEGMENTS) {
            let kind = header.p_type(endian);
            let (start, size) = header.file_range(endian);
            if matches!(kind, elf::PT_LOAD | elf::PT_DYNAMIC | elf::PT_INTERP) && size > 0 {
                let file = start..start.saturating_add(size);
                elf.segments.push(Segment { kind, file, address: header.p_vaddr(endian).into() });
            }
            if let Ok(Some(entries)) = header.dynamic(endian, file) {
                let entries =
                    entries.iter().take(DYNAMICS).map(|entry| (entry.tag(endian), entry.d_val(endian).into()));
                elf.dynamic = entries.take_while(|(tag, _)| *tag != elf::DT_NULL).collect();
            }
        }
        Some(elf)
    }

    fn segment(&self, kind: elf::ProgramType) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.kind == kind)
    }

    /// Where in the file an address lies.
    fn place(&self, address: u64) -> Option<u64> {
        self.segments.iter().filter(|segment| segment.kind == elf::PT_LOAD).find_map(|segment| {
            let inside = address.checked_sub(segment.address)?;
            (inside < segment.file.end - segment.file.start).then(|| segment.file.start + inside)
        })
    }

    /// The string at an offset of the file, as long as the budget lasts.
    fn string(&self, at: u64) -> Option<Vec<u8>> {
        let bytes = self.file.read_bytes_at_until(at..at.checked_add(STRING)?, 0).ok()?;
        self.spend(bytes.len() + NAME)?;
        Some(bytes.to_vec())
    }

    fn spend(&self, bytes: usize) -> Option<()> {
        self.left.set(self.left.get().checked_sub(bytes)?);
        Some(())
    }

    fn needs_versions(&self, at: u64, name: &dyn Fn(u64) -> Option<Vec<u8>>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut found = Vec::new();
        for (at, need) in self.list::<Verneed<Endianness>>(at, |need, endian| need.vn_next.get(endian)) {
            let first = at.saturating_add(need.vn_aux.get(self.endian).into());
            let names = self.list::<Vernaux<Endianness>>(first, |aux, endian| aux.vna_next.get(endian));
            for (_, aux) in names.take(need.vn_cnt.get(self.endian).into()) {
                // The dynamic linker does without a weak version.
                if aux.vna_flags.get(self.endian).contains(elf::VER_FLG_WEAK) {
                    continue;
                }
                let library = name(need.vn_file.get(self.endian).into());
                let version = name(aux.vna_name.get(self.endian).into());
                found.extend(library.zip(version));
            }
        }
        found
    }

    fn defines_versions(&self, at: u64, name: &dyn Fn(u64) -> Option<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for (at, define) in self.list::<Verdef<Endianness>>(at, |define, endian| define.vd_next.get(endian)) {
            // The first name is the version's own, the rest are its ancestors; the base is the name of the library.
            if !define.vd_flags.get(self.endian).contains(elf::VER_FLG_BASE) {
                let first = at.saturating_add(define.vd_aux.get(self.endian).into());
                let aux = self.file.read_at::<Verdaux<Endianness>>(first).ok();
                found.extend(aux.and_then(|aux| name(aux.vda_name.get(self.endian).into())));
            }
        }
        found
    }

    /// The records of a list in which each says how far away the next is, with their offsets; as long as the budget
    /// lasts, for the list may be as long as the file.
    fn list<T: Pod>(&self, at: u64, next: fn(&T, Endianness) -> u32) -> impl Iterator<Item = (u64, &'a T)> {
        let mut following = Some(at);
        std::iter::from_fn(move || {
            let at = following?;
            self.spend(NAME)?;
            let record = self.file.read_at::<T>(at).ok()?;
            following = match next(record, self.endian) {
                0 => None,
                distance => at.checked_add(distance.into()),
            };
            Some((at, record))
        })
    }
}
