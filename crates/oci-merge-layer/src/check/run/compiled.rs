//! Which directories are compiled into a glibc, and what its `$LIB` stands for.
//!
//! A glibc that is built for `/usr` looks through `slibdir` and `libdir` wherever its linker lies: `/lib64` and
//! `/usr/lib64` with the linker in `/lib` on arm64 (glibc's `LIBC_SLIBDIR_RTLDDIR`). A distribution may choose others,
//! and Debian adds the plain `lib` to those that name the machine. So the directory that has the C library tells.
//!
//! A glibc that is built for a prefix of its own looks there; one that was copied out of a distribution still looks where
//! that has its libraries, and not beside itself. The C library beside the linker tells which: it is a program too, and
//! names the linker with the path that both were built for (glibc's `elf/interp.c`).

use super::machine::Machine;
use super::walker::{ROOT, Walker, joined};
use super::world::{Hit, elf, library};

/// What is compiled in.
pub(super) struct Compiled {
    /// Without a slash first.
    pub(super) directories: Vec<Vec<u8>>,
    /// What `$LIB` stands for (glibc's `DL_DST_LIB`), or may.
    pub(super) libs: Vec<Vec<u8>>,
}

impl Compiled {
    /// Of the glibc whose linker lies in a directory.
    pub(super) fn of(walker: &mut Walker<'_, '_>, beside: &[u8], machine: &Machine) -> Compiled {
        let own = beside.strip_prefix(b"usr/").unwrap_or(beside);
        let of_debian = joined(b"lib", machine.triple.as_bytes());
        let known = [machine.slibdir.as_bytes(), &of_debian, b"lib"];
        if is_of_distribution(own) {
            let has_libc = |lib: &&[u8]| directories(lib).iter().any(|path| libc(walker, path, machine).is_some());
            return Compiled::into(&[[own].iter().chain(&known).copied().find(has_libc).unwrap_or(own)]);
        }
        if is_copied(walker, beside, machine) {
            return Compiled::into(&known);
        }
        Compiled { directories: vec![beside.to_vec()], libs: vec![last(own).to_vec()] }
    }

    fn into(libs: &[&[u8]]) -> Compiled {
        let named = libs.iter().map(|lib| if is_multiarch(lib) { lib } else { last(lib) });
        Compiled {
            directories: libs.iter().flat_map(|lib| directories(lib)).collect(),
            libs: named.map(<[u8]>::to_vec).collect(),
        }
    }
}

/// Whether the glibc in a directory is a distribution's by origin.
fn is_copied(walker: &mut Walker<'_, '_>, directory: &[u8], machine: &Machine) -> bool {
    let built_for =
        libc(walker, directory, machine).and_then(|libc| elf(walker.tree, libc.place)?.interpreter.as_deref());
    built_for.is_some_and(|linker| {
        let above = linker.iter().rposition(|&b| b == b'/').and_then(|at| linker.get(1..at)).unwrap_or_default();
        is_of_distribution(above.strip_prefix(b"usr/").unwrap_or(above))
    })
}

fn libc(walker: &mut Walker<'_, '_>, directory: &[u8], machine: &Machine) -> Option<Hit> {
    let directory = walker.directory(ROOT, directory)?;
    library(walker, directory, b"libc.so.6", machine)
}

/// Below `/` and below `/usr`.
fn directories(lib: &[u8]) -> Vec<Vec<u8>> {
    let both = |lib: &[u8]| [lib.to_vec(), joined(b"usr", lib)];
    if is_multiarch(lib) { [both(lib), both(b"lib")].concat() } else { both(lib).to_vec() }
}

fn is_of_distribution(lib: &[u8]) -> bool {
    matches!(lib, b"lib" | b"lib64" | b"lib32" | b"libx32") || lib.starts_with(b"lib64/lp64") || is_multiarch(lib)
}

/// Whether a directory names the machine, as Debian's do.
fn is_multiarch(lib: &[u8]) -> bool {
    lib.starts_with(b"lib/") && lib.windows(7).any(|part| part == b"-linux-")
}

fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|&b| b == b'/').next().unwrap_or_default()
}
