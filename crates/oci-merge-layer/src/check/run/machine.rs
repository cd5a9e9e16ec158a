//! Machines: what an architecture is called in an image, in an ELF header, and by those who name directories.

/// A machine that images are made for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Machine {
    /// `GOARCH`, as in `linux/arm64`.
    pub(super) architecture: &'static str,
    /// `e_machine`, and 32 or 64.
    elf: (u16, u8),
    /// As people call it.
    pub(super) name: &'static str,
    /// The dynamic linker of glibc (its `ldconfig` and the psABI of each machine name them).
    pub(super) glibc: &'static str,
    /// The directory of its libraries (glibc's `LIBC_SLIBDIR_RTLDDIR`).
    pub(super) slibdir: &'static str,
    /// What Debian calls the directories of its libraries.
    pub(super) triple: &'static str,
    /// The `ARCH` of `/lib/ld-musl-ARCH.so.1`.
    pub(super) musl: &'static str,
    /// What `$PLATFORM` stands for (`AT_PLATFORM`).
    pub(super) platform: &'static str,
    /// Parts of the names of directories that are there for this machine.
    words: &'static [&'static str],
    /// `e_machine` of another machine whose programs its kernel runs as well.
    also: Option<u16>,
}

const MACHINES: [Machine; 8] = [
    Machine {
        architecture: "amd64",
        elf: (62, 64),
        name: "x86-64",
        glibc: "/lib64/ld-linux-x86-64.so.2",
        slibdir: "lib64",
        triple: "x86_64-linux-gnu",
        musl: "x86_64",
        platform: "x86_64",
        words: &["x86_64", "x86-64", "amd64", "x64"],
        also: Some(3),
    },
    Machine {
        architecture: "386",
        elf: (3, 32),
        name: "i386",
        glibc: "/lib/ld-linux.so.2",
        slibdir: "lib",
        triple: "i386-linux-gnu",
        musl: "i386",
        platform: "i686",
        words: &["i386", "i486", "i586", "i686", "ia32"],
        also: None,
    },
    Machine {
        architecture: "arm64",
        elf: (183, 64),
        name: "AArch64",
        glibc: "/lib/ld-linux-aarch64.so.1",
        slibdir: "lib64",
        triple: "aarch64-linux-gnu",
        musl: "aarch64",
        platform: "aarch64",
        words: &["aarch64", "arm64"],
        also: Some(40),
    },
    Machine {
        architecture: "arm",
        elf: (40, 32),
        name: "ARM",
        glibc: "/lib/ld-linux-armhf.so.3",
        slibdir: "lib",
        triple: "arm-linux-gnueabihf",
        musl: "armhf",
        platform: "v7l",
        words: &["armv6", "armv7", "armhf", "armel", "gnueabi", "linux-arm"],
        also: None,
    },
    Machine {
        architecture: "riscv64",
        elf: (243, 64),
        name: "RISC-V",
        glibc: "/lib/ld-linux-riscv64-lp64d.so.1",
        slibdir: "lib64/lp64d",
        triple: "riscv64-linux-gnu",
        musl: "riscv64",
        platform: "riscv64",
        words: &["riscv64"],
        also: None,
    },
    Machine {
        architecture: "ppc64le",
        elf: (21, 64),
        name: "PowerPC",
        glibc: "/lib64/ld64.so.2",
        slibdir: "lib64",
        triple: "powerpc64le-linux-gnu",
        musl: "powerpc64le",
        platform: "power8",
        words: &["ppc64", "powerpc64"],
        also: None,
    },
    Machine {
        architecture: "s390x",
        elf: (22, 64),
        name: "S/390",
        glibc: "/lib/ld64.so.1",
        slibdir: "lib64",
        triple: "s390x-linux-gnu",
        musl: "s390x",
        platform: "z900",
        words: &["s390x"],
        also: None,
    },
    Machine {
        architecture: "loong64",
        elf: (258, 64),
        name: "LoongArch",
        glibc: "/lib64/ld-linux-loongarch-lp64d.so.1",
        slibdir: "lib64",
        triple: "loongarch64-linux-gnu",
        musl: "loongarch64",
        platform: "loongarch64",
        words: &["loong"],
        also: None,
    },
];

impl Machine {
    /// The machine that an image says it is for.
    pub(super) fn of_architecture(architecture: &str) -> Option<&'static Machine> {
        MACHINES.iter().find(|machine| machine.architecture == architecture)
    }

    /// The machine of an ELF file.
    pub(super) fn of_elf(elf: &crate::index::ElfFacts) -> Option<&'static Machine> {
        MACHINES.iter().find(|machine| machine.is_of(elf))
    }

    pub(super) fn is_of(&self, elf: &crate::index::ElfFacts) -> bool {
        self.elf == (elf.machine, elf.class)
    }

    /// Whether its kernel runs programs like this one, given their libraries.
    pub(super) fn runs(&self, elf: &crate::index::ElfFacts) -> bool {
        self.elf.0 == elf.machine || self.also == Some(elf.machine)
    }

    /// The dynamic linker of musl.
    pub(super) fn musl_linker(&self) -> String {
        format!("/lib/ld-musl-{}.so.1", self.musl)
    }

    /// Whether a directory of a path says that what lies in it is for this machine.
    pub(super) fn is_named_in(&self, path: &[u8]) -> bool {
        let mut directories: Vec<&[u8]> = path.split(|&b| b == b'/').collect();
        directories.pop();
        let has = |directory: &[u8], word: &str| directory.windows(word.len()).any(|w| w == word.as_bytes());
        directories.iter().any(|directory| self.words.iter().any(|word| has(directory, word)))
    }
}

/// What people call the machine of an ELF file, also of one that no image is made for.
pub(super) fn name(elf: &crate::index::ElfFacts) -> String {
    match Machine::of_elf(elf) {
        Some(machine) => machine.name.to_owned(),
        None => format!("{}-bit, machine {}", elf.class, elf.machine),
    }
}
