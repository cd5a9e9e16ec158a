//! Files made by hand after the System V ABI, and the test program itself as another implementation reads it.

use super::FactsReader;
use crate::index::{ElfFacts, Facts};
use object::read::elf::{ElfFile64, FileHeader};
use oci_merge_image::LayerPath;
use proptest::prelude::*;

fn facts(bytes: &[u8], piece: usize) -> Option<Facts> {
    facts_at("opt/x", bytes, piece)
}

fn facts_at(path: &str, bytes: &[u8], piece: usize) -> Option<Facts> {
    let mut reader = FactsReader::default();
    // Something of another file before must not show.
    reader.begin(&LayerPath::parse(b"opt/other").unwrap(), 100);
    reader.feed(b"\x7fELF\x02\x01\x01");
    reader.begin(&LayerPath::parse(path.as_bytes()).unwrap(), bytes.len() as u64);
    bytes.chunks(piece).for_each(|piece| reader.feed(piece));
    reader.finish()
}

fn elf(bytes: &[u8], piece: usize) -> ElfFacts {
    match facts(bytes, piece) {
        Some(Facts::Elf(facts)) => *facts,
        other => panic!("{other:?}"),
    }
}

/// A 64-bit little-endian program for AArch64 (183) whose tables lie `gap` bytes from the beginning, in a segment of
/// their own. Offsets of structures are those of the System V ABI.
fn program(gap: usize) -> Vec<u8> {
    const STRINGS: &[u8] = b"\0libm.so.6\0libc.so.6\0GLIBC_2.17\0GLIBC_2.34\0$ORIGIN/../lib\0me.so\0ME_1\0/lib/ld.so\0";
    let string = |name: &[u8]| STRINGS.windows(name.len()).position(|w| w == name).unwrap() as u64;
    let words = |words: &[u64]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>();
    let base = 0x40_0000_u64;
    let strings = gap as u64;
    let dynamic = strings + 128;
    let needs = dynamic + 11 * 16;
    let defines = needs + 16 + 3 * 16;
    let end = defines + 2 * (20 + 8);

    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    out.extend([3, 0, 183, 0, 1, 0, 0, 0]); // e_type, e_machine, e_version
    out.extend(words(&[0, 64, 0])); // e_entry, e_phoff, e_shoff
    out.extend([0, 0, 0, 0, 64, 0, 56, 0, 4, 0, 64, 0, 0, 0, 0, 0]); // e_flags, sizes, 4 program headers
    let mut segment = |kind: u64, offset: u64, size: u64| {
        out.extend(words(&[kind | 4 << 32, offset, base + offset, base + offset, size, size, 8]));
    };
    segment(1, 0, 64 + 4 * 56); // PT_LOAD of the headers
    segment(3, strings + string(b"/lib/ld.so"), 11); // PT_INTERP
    segment(2, dynamic, 11 * 16); // PT_DYNAMIC
    segment(1, strings, end - strings); // PT_LOAD of the tables
    out.resize(gap, 0x55);
    out.extend(STRINGS);
    out.resize(dynamic as usize, 0);
    let tags = [
        (1, string(b"libm.so.6")),
        (1, string(b"libc.so.6")),
        (14, string(b"me.so")),
        (29, string(b"$ORIGIN/../lib")),
        (5, base + strings),
        (0x6fff_fffe, base + needs),
        (0x6fff_ffff, 1),
        (0x6fff_fffc, base + defines),
        (0x6fff_fffd, 2),
        (0x6fff_fffb, 0x0800_0800), // DT_FLAGS_1: DF_1_PIE, DF_1_NODEFLIB
        (0, 0),
    ];
    out.extend(tags.iter().flat_map(|&(tag, value)| words(&[tag, value])));
    let mut halves = |list: &[u32]| out.extend(list.iter().flat_map(|w| w.to_le_bytes()));
    let s = |name: &[u8]| string(name) as u32;
    // vn_version, vn_cnt; vn_file, vn_aux, vn_next; then three times vna_hash; vna_flags, vna_other; name, next
    halves(&[1 | 3 << 16, s(b"libc.so.6"), 16, 0]);
    halves(&[0, 2 << 16, s(b"GLIBC_2.17"), 16]);
    halves(&[0, 2 | 3 << 16, s(b"ME_1"), 16]); // VER_FLG_WEAK
    halves(&[0, 4 << 16, s(b"GLIBC_2.34"), 0]);
    // vd_version, vd_flags; vd_ndx, vd_cnt; vd_hash, vd_aux, vd_next; vda_name, vda_next
    halves(&[1 | 1 << 16, 1 | 1 << 16, 0, 20, 28, s(b"me.so"), 0]); // VER_FLG_BASE
    halves(&[1, 2 | 1 << 16, 0, 20, 0, s(b"ME_1"), 0]);
    assert_eq!(out.len() as u64, end);
    out
}

#[test]
fn what_a_program_needs_is_read_wherever_it_stands() {
    let name = |name: &str| name.as_bytes().to_vec();
    let expected = ElfFacts {
        machine: 183,
        class: 64,
        dynamic: true,
        interpreter: Some(name("/lib/ld.so")),
        soname: Some(name("me.so")),
        needed: vec![name("libm.so.6"), name("libc.so.6")],
        rpath: None,
        runpath: Some(name("$ORIGIN/../lib")),
        no_default_libraries: true,
        needs_versions: vec![(name("libc.so.6"), name("GLIBC_2.17")), (name("libc.so.6"), name("GLIBC_2.34"))],
        defines_versions: vec![name("ME_1")],
    };
    // Behind the headers; across the end of what is looked at first; beyond it; beyond the first 16 MiB.
    for gap in [512, (64 << 10) - 100, 300_000, 20 << 20] {
        let program = program(gap);
        for piece in [1 << 16, 1000, program.len()] {
            assert_eq!(elf(&program, piece), expected, "{gap} {piece}");
        }
    }
    assert_eq!(elf(&program(512), 1), expected);
    // The program headers behind everything, as patchelf and BOLT leave them: a page on, and 5 MiB on.
    for gap in [4096, 5 << 20] {
        let mut program = program(300_000 + (8 << 20));
        let headers = program[64..64 + 4 * 56].to_vec();
        let at = program.len() + gap;
        program[64..64 + 4 * 56].fill(0x55);
        program[32..40].copy_from_slice(&(at as u64).to_le_bytes());
        program.resize(at, 0);
        program.extend(headers);
        assert_eq!(elf(&program, 1000), expected, "{gap}");
    }
}

#[test]
fn the_test_itself_is_read_as_another_implementation_reads_it() {
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    // By the sections, where we go by the segments.
    let other = ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
    let (endian, sections) = (other.endian(), other.elf_section_table());
    let dynamic = sections.dynamic_table(endian, &*bytes).unwrap();
    let needed: Vec<Vec<u8>> = dynamic
        .iter()
        .filter(|entry| entry.tag == object::elf::DT_NEEDED)
        .map(|entry| dynamic.string(entry).unwrap().to_vec())
        .collect();
    let (mut records, strings) = sections.gnu_verneed(endian, &*bytes).unwrap().unwrap();
    let strings = sections.strings(endian, &*bytes, strings).unwrap();
    let mut versions = Vec::new();
    while let Some((need, mut names)) = records.next().unwrap() {
        let library = need.file(endian, strings).unwrap().to_vec();
        while let Some(name) = names.next().unwrap() {
            versions.push((library.clone(), name.name(endian, strings).unwrap().to_vec()));
        }
    }
    let found = elf(&bytes, 100_000);
    assert_eq!(found.machine, other.elf_header().e_machine(endian).0);
    assert_eq!(found.needed, needed);
    assert_eq!(found.needs_versions, versions);
    assert!(versions.iter().any(|(library, _)| library == b"libc.so.6"), "{versions:?}");
}

#[test]
fn a_script_names_its_interpreter() {
    let interpreter = |text: &[u8]| match facts(text, 3) {
        Some(Facts::Script { interpreter }) => Some(interpreter),
        None => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(interpreter(b"#!/bin/sh\nexit\n").unwrap(), b"/bin/sh");
    assert_eq!(interpreter(b"#! /usr/bin/env -S node -r x \r\nmore").unwrap(), b"/usr/bin/env -S node -r x \r");
    assert_eq!(interpreter(b"#!/bin/sh\r\n").unwrap(), b"/bin/sh\r", "which is nowhere");
    assert_eq!(interpreter(b"#!/bin/sh\0x\n").unwrap(), b"/bin/sh");
    assert_eq!(interpreter(b"#!/bin/sh").unwrap(), b"/bin/sh", "without a second line");
    assert_eq!(interpreter(b"#!\n/bin/sh\n"), None);
    assert_eq!(interpreter(&[b"#!/", &[b'x'; 1000][..]].concat()).unwrap().len(), 254);
    assert_eq!(interpreter(b""), None);
    assert_eq!(interpreter(b"#!/"), None, "fewer than four bytes");
    assert_eq!(facts(b"\x7fELF", 1), None);
    assert_eq!(facts(b"plain text", 1), None);
}

#[test]
fn texts_of_a_few_files_are_kept_whole() {
    let text = [&b"#!not a script\n"[..], &[b'x'; 65_521]].concat();
    assert_eq!(text.len(), 64 << 10);
    for piece in [1, 1000, text.len()] {
        assert_eq!(facts_at("etc/passwd", &text, piece), Some(Facts::Text(text.clone())));
    }
    assert_eq!(facts_at("etc/passwd", b"", 1), Some(Facts::Text(Vec::new())));
    let longer = [&text[..], b"x"].concat();
    assert_eq!(facts_at("etc/passwd", &longer, 1000), Some(Facts::Script { interpreter: b"not a script".to_vec() }));
}

#[test]
fn a_list_that_goes_on_for_ever_ends() {
    let mut program = program(512);
    // Every record of versions is followed by the one a byte on, and there are 65,535 of each.
    let needs = 512 + 128 + 160;
    program[needs..needs + 16].copy_from_slice(&[1, 0, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    program.extend(vec![1; 8 << 20]);
    let length = program.len() as u64;
    program[64 + 3 * 56 + 32..64 + 3 * 56 + 40].copy_from_slice(&(length - 512).to_le_bytes());
    assert!(elf(&program, 1 << 16).needs_versions.len() < 8192);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_file_makes_it_fail(
        changes in proptest::collection::vec((0_usize..1100, any::<u8>()), 1..8),
        cut in 0_usize..1100,
        piece in 1_usize..2000,
    ) {
        let mut program = program(512);
        for (at, byte) in changes {
            if let Some(place) = program.get_mut(at) {
                *place = byte;
            }
        }
        program.truncate(cut.max(4));
        let once = facts(&program, program.len());
        prop_assert_eq!(once, facts(&program, piece));
    }
}
