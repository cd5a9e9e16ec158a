//! What keeps things from running, by cause: one missing library is one finding, however many files want it.

use super::tree::Tree;
use super::world::Libc;
use crate::check::merge::Place;
use std::collections::{BTreeMap, BTreeSet};

/// More causes than this in one layer are not told apart: no layer has them by accident.
const MOST_CAUSES: usize = 10_000;

/// Nor are more things than this that one cause lacks.
const MOST_LACKS: usize = 1000;

/// Why something of a layer would not run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// A library that is not found.
    Library(Vec<u8>),
    /// A library that is found and lacks versions.
    Versions(Vec<u8>, Place),
    /// A dynamic linker, of whichever library of C, that nobody has.
    Linker(Vec<u8>, Libc),
    /// The interpreter of a script that nobody has.
    Interpreter(Vec<u8>),
    /// A dynamic linker or an interpreter that leads to what is no executable file.
    NotExecutable(Vec<u8>, Place),
    /// A command that `env` looks for on PATH.
    Command(Vec<u8>),
    /// Programs for other machines.
    Machine,
    /// Links to this path, which nobody has.
    Link(Vec<u8>),
    /// Links that lead to themselves.
    Loop,
    /// A directory that is looked through for libraries and that nobody has.
    Prefix(Vec<u8>),
    /// There is more than is looked at.
    Limit,
}

/// What a cause keeps from running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    pub(super) files: BTreeSet<Place>,
    /// What exactly is lacking: the names of versions.
    pub(super) lacks: BTreeSet<Vec<u8>>,
}

/// Causes by layer.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) causes: BTreeMap<(usize, Cause), Evidence>,
}

impl Ledger {
    /// Something of a layer is kept from running; `None` is the base, of which nothing is told. What stops an image is
    /// never hidden behind what only warns, however much that is.
    pub(super) fn add(&mut self, layer: Option<usize>, cause: Cause, file: Place, lacks: Option<&[u8]>) {
        let Some(layer) = layer else { return };
        let stops = matches!(cause, Cause::Machine | Cause::Versions(..));
        let is_full = !stops && self.causes.len() >= MOST_CAUSES && !self.causes.contains_key(&(layer, cause.clone()));
        let cause = if is_full { Cause::Limit } else { cause };
        let evidence = self.causes.entry((layer, cause)).or_default();
        evidence.files.insert(file);
        evidence.lacks.extend(lacks.filter(|_| evidence.lacks.len() < MOST_LACKS).map(<[u8]>::to_vec));
    }

    /// The layer that has to answer for a file: its own, or if it is the base's, that of the program that needs it.
    pub(super) fn answers(file: Place, program: Place) -> (Option<usize>, Place) {
        let file = if Tree::layer_of(file).is_some() { file } else { program };
        (Tree::layer_of(file), file)
    }

    /// Takes over what another says.
    pub(super) fn absorb(&mut self, other: Ledger) {
        for (cause, evidence) in other.causes {
            let mine = self.causes.entry(cause).or_default();
            mine.files.extend(evidence.files);
            mine.lacks.extend(evidence.lacks);
        }
    }
}
