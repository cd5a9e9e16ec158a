//! Which directories are compiled into a glibc, and what its `$LIB` stands for.
//!
//! A glibc that is built for `/usr` looks through `slibdir` and `libdir` wherever its linker lies: `/lib64` and
//! `/usr/lib64` with the linker in `/lib` on arm64 (glibc's `LIBC_SLIBDIR_RTLDDIR`). A distribution may choose others,
//! and Debian adds the plain `lib` to those that name the machine. So the directory that has the C library tells. A glibc
//! that is built for a prefix of its own looks there.

use super::machine::Machine;
use super::walker::{ROOT, Walker, joined};
use super::world::library;

/// What is compiled in.
pub(super) struct Compiled {
    /// Without a slash first.
    pub(super) directories: Vec<Vec<u8>>,
    /// What `$LIB` stands for (glibc's `DL_DST_LIB`).
    pub(super) lib: Vec<u8>,
}

impl Compiled {
    /// Of the glibc whose linker lies in a directory.
    pub(super) fn of(walker: &mut Walker<'_, '_>, beside: &[u8], machine: &Machine) -> Compiled {
        let own = beside.strip_prefix(b"usr/").unwrap_or(beside);
        if !is_of_distribution(own) {
            return Compiled { directories: vec![beside.to_vec()], lib: last(own).to_vec() };
        }
        let of_debian = joined(b"lib", machine.triple.as_bytes());
        let candidates = [own, machine.slibdir.as_bytes(), &of_debian, b"lib"];
        let lib = candidates.into_iter().find(|lib| has_libc(walker, lib, machine)).unwrap_or(own);
        let of_lib = if is_multiarch(lib) { lib } else { last(lib) };
        Compiled { directories: directories(lib), lib: of_lib.to_vec() }
    }
}

fn has_libc(walker: &mut Walker<'_, '_>, lib: &[u8], machine: &Machine) -> bool {
    directories(lib).iter().any(|path| {
        let directory = walker.directory(ROOT, path);
        directory.is_some_and(|directory| library(walker, directory, b"libc.so.6", machine).is_some())
    })
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
