//! Whether what the layers bring would run: libraries, versions, dynamic linkers, interpreters, machines, links.
//!
//! Nothing is run and no content is read: the indexes say of each ELF file what its dynamic linker would read in it, of
//! each script its first line, and of a few files of the base where libraries are looked for. Only what layers bring is
//! told; a base that is incomplete in itself is its maker's affair.
//!
//! No false alarms come before telling everything. So not every ELF file is taken for one that somebody would run:
//!
//! | | what is looked at |
//! |---|---|
//! | a command: an executable on PATH or in `bin` or `sbin` of a prefix | all of it, as the kernel and the dynamic linker do |
//! | another executable with a dynamic linker | the same, but a library that anybody in the image has may be found by a script that starts it |
//! | a shared object that no program above loads | the same: a program may load it, and another library first |
//! | a script that is a command | its interpreter, and the command that `env` looks for |
//! | anything else: test data, relocatable files; what is no command and for another machine or library of C, beside such as is for ours | nothing |

mod compiled;
mod configured;
mod directories;
mod interpreters;
mod ledger;
mod libcs;
mod links;
mod loading;
mod look;
mod machine;
#[cfg(test)]
mod tests;
mod tokens;
mod told;
pub(super) mod tree;
mod versions;
pub(super) mod walker;
mod words;
pub(super) mod world;

use super::commands::Commands;
use super::merge::Place;
use super::{BaseView, Finding, Layer, Policy};
use crate::index::Facts;
use ledger::Ledger;
use look::Look;
use machine::Machine;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use tree::Tree;
use walker::Walker;
use world::Unseen;

pub use directories::missing_directories;
pub use told::{LIBRARY_NOT_SEARCHED, LINK_LOOP, LOOKUPS_EXHAUSTED, NOT_EXECUTABLE, OTHER_LIBC};

/// What the image is besides its files: for which machine, and what it gives to programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    /// The architecture of its platform, such as `amd64`. Of one that is not known, no ELF file is judged.
    pub architecture: String,
    /// The directories of its PATH, in order.
    pub path: Vec<String>,
    /// Its `LD_LIBRARY_PATH`.
    pub library_path: Option<String>,
    /// The user that its commands run as, `USER[:GROUP]`, if the image is to say another than its base.
    pub user: Option<String>,
}

/// Looks at what the layers bring as the kernel and dynamic linkers would, in rayon's current pool.
///
/// `layers` are in the order in which they would be stacked, the lowest first. The findings do not depend on the number of
/// threads.
///
/// ```
/// use oci_merge_image::{DiffId, Digest, LayerPath};
/// use oci_merge_layer::check::{BaseView, Code, Layer, Owns, Policy, System, would_run};
/// use oci_merge_layer::index::Facts;
/// use oci_merge_layer::{Body, Entry, IndexBuilder, Time, Xattrs};
///
/// let path = LayerPath::parse(b"opt/tool/bin/tool").unwrap();
/// let (body, xattrs) = (Body::File { size: 20 }, Xattrs::new());
/// let entry = Entry { path, body, mode: 0o755, uid: 0, gid: 0, mtime: Time::default(), xattrs };
/// let script = Facts::Script { interpreter: b"/usr/bin/env python3".to_vec() };
/// let mut index = IndexBuilder::default();
/// index.push(&entry, Some([0; 32]), Some(script)).unwrap();
/// let index = index.finish(Digest::of(b""), DiffId(Digest::of(b""))).unwrap();
///
/// let (prefix, owns) = ("/opt/tool".parse().unwrap(), Owns::default());
/// let layers = [Layer { name: "tool", index: &index, prefix: &prefix, owns: &owns }];
/// let system = System { architecture: "amd64".into(), path: vec!["/opt/tool/bin".into()], ..System::default() };
/// let findings = would_run(&BaseView::new(&[]), &layers, &system, &Policy::default());
/// assert_eq!(findings[0].code(), Code::MissingInterpreter);
/// assert_eq!(findings[0].message(), "tool needs /usr/bin/env, which no layer and not the base has");
/// ```
pub fn would_run(base: &BaseView<'_>, layers: &[Layer<'_>], system: &System, policy: &Policy) -> Vec<Finding> {
    let tree = Tree::new(base, layers);
    let mut walker = Walker::new(&tree);
    let commands = Commands::new(&mut walker, &system.path);
    let mut findings = commands.hidden(&walker, policy);
    findings.extend(super::user::judge(&mut walker, system, policy));

    let machine = Machine::of_architecture(&system.architecture);
    let hosted = machine.map(|machine| hosted(&tree, machine)).unwrap_or_default();
    let scene = Scene { tree: &tree, commands: &commands, system, machine, hosted };
    let layers = 0..layers.len();
    let (mut ledger, mut reached) = (Ledger::default(), HashSet::new());
    for (of_layer, by_layer) in
        layers.clone().into_par_iter().map(|l| Look::new(&scene, l).programs()).collect::<Vec<_>>()
    {
        ledger.absorb(of_layer);
        reached.extend(by_layer);
    }
    let libraries = layers.into_par_iter().map(|layer| Look::new(&scene, layer).libraries(&reached));
    libraries.collect::<Vec<_>>().into_iter().for_each(|of_layer| ledger.absorb(of_layer));
    findings.extend(told::findings(&scene, &mut walker, ledger, policy));
    findings.par_sort();
    findings
}

/// All that is known before a layer is looked at.
struct Scene<'s, 'a> {
    tree: &'s Tree<'a>,
    commands: &'s Commands<'a>,
    system: &'s System,
    machine: Option<&'static Machine>,
    /// Libraries for the machine that anybody has anywhere, by file name and SONAME.
    hosted: HashMap<&'a [u8], Vec<Place>>,
}

impl Scene<'_, '_> {
    /// Whether a library may lie in directories that are not known.
    fn may_have(&self, library: &[u8], unseen: Unseen, machine: &Machine) -> bool {
        let hosted = || self.hosted.get(library).into_iter().flatten();
        match unseen {
            Unseen::Nothing => false,
            _ if self.machine != Some(machine) => true,
            Unseen::OfBase => hosted().any(|place| Tree::layer_of(*place).is_none()),
            Unseen::All => hosted().next().is_some(),
        }
    }

    /// Whether any library of a name has a version.
    fn has_version(&self, library: &[u8], version: &[u8]) -> bool {
        let has = |place: &Place| match self.tree.entry(*place).and_then(|entry| entry.facts) {
            Some(Facts::Elf(elf)) => elf.defines_versions.iter().any(|defined| defined == version),
            _ => false,
        };
        self.hosted.get(library).is_some_and(|places| places.iter().any(has))
    }
}

fn hosted<'a>(tree: &Tree<'a>, machine: &Machine) -> HashMap<&'a [u8], Vec<Place>> {
    let mut hosted: HashMap<&[u8], Vec<Place>> = HashMap::new();
    for layer in std::iter::once(None).chain((0..tree.layers.len()).map(Some)) {
        for (place, entry) in tree.notable(layer) {
            let Some(Facts::Elf(elf)) = entry.facts else { continue };
            if elf.dynamic && machine.is_of(elf) {
                let name = entry.path.rsplit(|&b| b == b'/').next();
                name.into_iter().chain(elf.soname.as_deref()).for_each(|name| {
                    hosted.entry(name).or_default().push(place);
                });
            }
        }
    }
    hosted
}
