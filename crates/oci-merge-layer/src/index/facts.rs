//! What a program needs to run, as it says itself; and the few texts that say where programs look.

/// Longest text that is kept, in bytes.
pub const MAX_TEXT: u64 = 64 << 10;
/// Bytes of all texts that are kept of one layer: the first in order of path.
pub const MAX_TEXTS: usize = 1 << 20;

/// Whether the text of the file at a normalised path is kept, if it is short enough: where the dynamic linker looks for
/// libraries (ldconfig(8); musl's `/etc/ld-musl-ARCH.path`), and which users and groups there are (passwd(5), group(5)).
pub fn is_text(path: &[u8]) -> bool {
    let Some(name) = path.strip_prefix(b"etc/") else { return false };
    let in_between = |start: &[u8], end: &[u8]| {
        let middle = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        middle.is_some_and(|middle| !middle.is_empty() && !middle.contains(&b'/'))
    };
    matches!(name, b"ld.so.conf" | b"passwd" | b"group")
        || in_between(b"ld.so.conf.d/", b".conf")
        || in_between(b"ld-musl-", b".path")
}

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
    /// All of a file that [`is_text`] names.
    Text(Vec<u8>),
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
    /// `DF_1_NODEFLIB` of `DT_FLAGS_1`: glibc does not look for what it needs in the directories that were compiled in.
    pub no_default_libraries: bool,
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
            Facts::Script { interpreter: text } | Facts::Text(text) => name(text),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_kept_as_text() {
        for path in ["etc/passwd", "etc/group", "etc/ld.so.conf", "etc/ld.so.conf.d/x.conf", "etc/ld-musl-x86_64.path"]
        {
            assert!(is_text(path.as_bytes()), "{path}");
        }
        for path in [
            "passwd",
            "etc/passwd-",
            "etc/shadow",
            "etc/ld.so.conf.d/.conf",
            "etc/ld.so.conf.d/a/b.conf",
            "x/etc/group",
        ] {
            assert!(!is_text(path.as_bytes()), "{path}");
        }
    }
}
