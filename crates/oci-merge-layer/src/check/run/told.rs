//! From causes to findings.

use super::Scene;
use super::ledger::{Cause, Evidence, Ledger};
use super::machine;
use super::tree::Tree;
use super::walker::{End, ROOT, Walker};
use super::world::{Libc, elf};
use crate::check::claims::layer_path;
use crate::check::commands::owner;
use crate::check::finding::{Claim, Description, Finding, Party, Subject};
use crate::check::merge::Place;
use crate::check::{Code, Files, Policy};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reason of OM0401: the image has the library, where the dynamic linker does not look for it.
pub const LIBRARY_NOT_SEARCHED: &str = "LIBRARY_NOT_SEARCHED";
/// Reason of OM0401: the layer has so much to look at that not all of it was looked at.
pub const LOOKUPS_EXHAUSTED: &str = "LOOKUPS_EXHAUSTED";
/// Reason of OM0404: the symlink leads to itself.
pub const LINK_LOOP: &str = "LINK_LOOP";
/// Reason of OM0405: made for glibc, and the image has musl; or the reverse.
pub const OTHER_LIBC: &str = "OTHER_LIBC";
/// Reason of OM0405: it is there, and nobody may execute it.
pub const NOT_EXECUTABLE: &str = "NOT_EXECUTABLE";

/// All that a ledger says, as far as the policy wants it told.
pub(super) fn findings(
    scene: &Scene<'_, '_>,
    walker: &mut Walker<'_, '_>,
    ledger: Ledger,
    policy: &Policy,
) -> Vec<Finding> {
    let told = ledger.causes.into_iter().filter_map(|((layer, cause), evidence)| {
        let (code, reason, subject) = what(scene, walker, &cause, &evidence);
        let severity = policy.severity(code)?;
        let parties = parties(scene, layer, &cause, reason, &evidence);
        Some(Finding { subject, code, reason, severity, more: 0, parties })
    });
    told.collect()
}

fn what(
    scene: &Scene<'_, '_>,
    walker: &mut Walker<'_, '_>,
    cause: &Cause,
    evidence: &Evidence,
) -> (Code, Option<&'static str>, Subject) {
    let path = |path: &[u8]| Subject::Path(layer_path(path));
    let first = || path(evidence.files.first().and_then(|f| scene.tree.entry(*f)).map_or(&[][..], |entry| entry.path));
    match cause {
        Cause::Library(name) => {
            let reason = elsewhere(scene, name, evidence).map(|_| LIBRARY_NOT_SEARCHED);
            (Code::MissingLibrary, reason, Subject::Library(name.clone()))
        }
        Cause::Versions(library, _) => (Code::Glibc, None, Subject::Library(library.clone())),
        Cause::Linker(linker, libc) => {
            let reason = has_other(scene, walker, *libc).then_some(OTHER_LIBC);
            (Code::MissingInterpreter, reason, path(linker))
        }
        Cause::Interpreter(interpreter) => (Code::MissingInterpreter, None, path(interpreter)),
        Cause::NotExecutable(named, _) => (Code::MissingInterpreter, Some(NOT_EXECUTABLE), path(named)),
        Cause::Command(name) => (Code::MissingInterpreter, None, Subject::Command(name.clone())),
        Cause::Machine => (Code::Architecture, None, Subject::Platform(scene.system.architecture.as_str().into())),
        Cause::Link(missing) => (Code::DanglingLink, None, path(missing)),
        Cause::Loop => (Code::DanglingLink, Some(LINK_LOOP), first()),
        Cause::Prefix(directory) => (Code::BuildPrefix, None, path(directory)),
        Cause::Limit => (Code::MissingLibrary, Some(LOOKUPS_EXHAUSTED), first()),
    }
}

/// The layer whose files they are, and whoever has what they would have needed.
fn parties(
    scene: &Scene<'_, '_>,
    layer: usize,
    cause: &Cause,
    reason: Option<&'static str>,
    evidence: &Evidence,
) -> Vec<Party> {
    let tree = scene.tree;
    let path_of = |place: &Place| Some(layer_path(tree.entry(*place)?.path));
    let paths: BTreeSet<_> = evidence.files.iter().filter_map(path_of).collect();
    let lacks = match cause {
        Cause::Machine => {
            let names = evidence.files.iter().filter_map(|file| elf(tree, *file)).map(|elf| machine::name(elf).into());
            names.collect::<BTreeSet<Vec<u8>>>()
        }
        _ => evidence.lacks.clone(),
    };
    let files = Arc::new(Files { lacks: lacks.into_iter().collect(), ..Files::new(paths.into_iter()) });
    let claim = match cause {
        Cause::Link(_) | Cause::Loop => Claim::Links(files),
        Cause::Machine => Claim::Programs(files),
        _ => Claim::Needs(files),
    };
    let name = tree.layers.get(layer).map_or("", |layer| layer.name);
    let mine = Party { owner: crate::check::Owner::Layer(name.into()), at: None, claim };
    let other = match cause {
        Cause::Library(name) if reason.is_some() => {
            elsewhere(scene, name, evidence).map(|place| (place, Claim::Library))
        }
        Cause::Versions(_, place) => {
            let defines = elf(tree, *place).map(|elf| elf.defines_versions.clone()).unwrap_or_default();
            Some((*place, Claim::Versions(defines)))
        }
        Cause::NotExecutable(_, place) => {
            tree.entry(*place).map(|entry| (*place, Claim::Entry(Arc::new(Description::of(&entry)))))
        }
        _ => None,
    };
    let other = other.map(|(place, claim)| Party { owner: owner(tree, place), at: path_of(&place), claim });
    let mut parties: Vec<Party> = [mine].into_iter().chain(other).collect();
    parties.sort_by_key(|party| party.owner != crate::check::Owner::Base);
    parties
}

/// Where in the image the library is, for files of the image's own machine.
fn elsewhere(scene: &Scene<'_, '_>, name: &[u8], evidence: &Evidence) -> Option<Place> {
    let elf = elf(scene.tree, *evidence.files.first()?)?;
    scene
        .hosted
        .get(name)
        .and_then(|places| places.first())
        .copied()
        .filter(|_| scene.machine.is_some_and(|machine| machine.is_of(elf)))
}

/// Whether the image has the dynamic linker of the other library of C.
fn has_other(scene: &Scene<'_, '_>, walker: &mut Walker<'_, '_>, libc: Libc) -> bool {
    let Some(machine) = scene.machine else { return false };
    let other = match libc {
        Libc::Glibc => machine.musl_linker(),
        Libc::Musl => machine.glibc.to_owned(),
    };
    matches!(walker.follow(ROOT, other.as_bytes()), End::Entry(place) if Tree::layer_of(place).is_none())
}
