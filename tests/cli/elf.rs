//! Programs of a few hundred bytes, made by hand after the System V ABI.

/// An ELF file of 64 bits, little-endian, with what a dynamic linker asks for.
#[derive(Default)]
pub(super) struct Elf<'a> {
    /// `e_machine`: 62 is x86-64, 183 AArch64.
    pub(super) machine: u8,
    pub(super) interpreter: Option<&'a str>,
    pub(super) soname: Option<&'a str>,
    pub(super) needed: &'a [&'a str],
    pub(super) runpath: Option<&'a str>,
    /// A library, and the version of it that is needed.
    pub(super) version: Option<(&'a str, &'a str)>,
    /// The version that it defines itself.
    pub(super) defines: Option<&'a str>,
}

impl Elf<'_> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut strings = vec![0];
        let mut name = |text: &str| {
            let at = strings.len() as u64;
            strings.extend(text.bytes());
            strings.push(0);
            at
        };
        let mut dynamic: Vec<(u64, u64)> = self.needed.iter().map(|library| (1, name(library))).collect();
        dynamic.extend(self.soname.map(|soname| (14, name(soname))));
        dynamic.extend(self.runpath.map(|runpath| (29, name(runpath))));
        let interpreter = self.interpreter.map(|path| (name(path), path.len() as u64 + 1));
        // vn_version, vn_cnt; vn_file, vn_aux, vn_next; vna_hash; vna_flags, vna_other; vna_name, vna_next
        let needs = self
            .version
            .map(|(file, version)| [1 | 1 << 16, name(file) as u32, 16, 0, 0, 2 << 16, name(version) as u32, 0]);
        // vd_version, vd_flags; vd_ndx, vd_cnt; vd_hash, vd_aux, vd_next; vda_name, vda_next
        let defines = self.defines.map(|version| [1, 2 | 1 << 16, 0, 20, 0, name(version) as u32, 0]);
        let start = 64 + 3 * 56;
        let halves = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let (needs, defines) =
            (needs.map(|n| halves(&n)).unwrap_or_default(), defines.map(|d| halves(&d)).unwrap_or_default());
        strings.resize(strings.len().next_multiple_of(8), 0);
        let at_needs = start + strings.len() as u64;
        let at_defines = at_needs + needs.len() as u64;
        let at_dynamic = (at_defines + defines.len() as u64).next_multiple_of(8);
        dynamic.push((5, start));
        if !needs.is_empty() {
            dynamic.extend([(0x6fff_fffe, at_needs), (0x6fff_ffff, 1)]);
        }
        if !defines.is_empty() {
            dynamic.extend([(0x6fff_fffc, at_defines), (0x6fff_fffd, 1)]);
        }
        dynamic.push((0, 0));
        let end = at_dynamic + 16 * dynamic.len() as u64;

        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        out.extend([3, 0, self.machine, 0, 1, 0, 0, 0]); // e_type, e_machine, e_version
        out.extend(words(&[0, 64, 0])); // e_entry, e_phoff, e_shoff
        out.extend([0, 0, 0, 0, 64, 0, 56, 0, 3, 0, 64, 0, 0, 0, 0, 0]); // e_flags, sizes, three program headers
        let mut segment =
            |kind: u64, at: u64, size: u64| out.extend(words(&[kind | 4 << 32, at, at, at, size, size, 8]));
        segment(1, 0, end); // PT_LOAD
        segment(2, at_dynamic, end - at_dynamic); // PT_DYNAMIC
        match interpreter {
            Some((at, size)) => segment(3, start + at, size), // PT_INTERP
            None => segment(0, 0, 0),
        }
        out.extend(strings);
        out.extend(needs);
        out.extend(defines);
        out.resize(at_dynamic as usize, 0);
        out.extend(dynamic.iter().flat_map(|&(tag, value)| words(&[tag, value])));
        out
    }
}
