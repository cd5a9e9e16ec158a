//! What a program needs to run, as it says itself.

/// What a file needs to run, read while its content passed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// An ELF file.
    Elf(Box<ElfFacts>),
    /// A script: what follows `#!` on its first line, at most 255 bytes.
    Script {
        /// The interpreter and its argument, as they are written.
        interpreter: Vec<u8>,
    },
}

/// What an ELF file says about the machine and the libraries that it needs. Strings are bytes as they stand there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ElfFacts {
    /// `e_machine`.
    pub machine: u16,
    /// 32 or 64.
    pub class: u8,
    /// Whether it is a shared object or program with a dynamic section.
    pub dynamic: bool,
    /// `PT_INTERP`.
    pub interpreter: Option<Vec<u8>>,
    /// `DT_SONAME`.
    pub soname: Option<Vec<u8>>,
    /// `DT_NEEDED`, in order.
    pub needed: Vec<Vec<u8>>,
    /// `DT_RPATH`.
    pub rpath: Option<Vec<u8>>,
    /// `DT_RUNPATH`.
    pub runpath: Option<Vec<u8>>,
    /// Version names that it needs of other libraries, `(library, version)`, such as `(libc.so.6, GLIBC_2.34)`.
    pub needs_versions: Vec<(Vec<u8>, Vec<u8>)>,
    /// Version names that it defines itself.
    pub defines_versions: Vec<Vec<u8>>,
}

impl Facts {
    /// Bytes of memory, roughly: what an index may hold is limited.
    pub(super) fn bytes(&self) -> usize {
        let name = |name: &Vec<u8>| size_of::<Vec<u8>>() + name.len();
        match self {
            Facts::Script { interpreter } => name(interpreter),
            Facts::Elf(elf) => {
                let single = [&elf.interpreter, &elf.soname, &elf.rpath, &elf.runpath];
                size_of::<ElfFacts>()
                    + single
                        .into_iter()
                        .flatten()
                        .chain(&elf.needed)
                        .chain(&elf.defines_versions)
                        .map(name)
                        .sum::<usize>()
                    + elf.needs_versions.iter().map(|(library, version)| name(library) + name(version)).sum::<usize>()
            }
        }
    }
}
