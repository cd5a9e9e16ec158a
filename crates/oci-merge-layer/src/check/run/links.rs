//! Symlinks of layers that lead nowhere.

use super::ledger::{Cause, Ledger};
use super::tree::Tree;
use super::walker::{End, ROOT, Walker};
use crate::Kind;

/// What runtimes mount or what is made when a container runs: links into these say nothing.
const MADE_LATER: [&[u8]; 6] = [b"proc", b"sys", b"dev", b"run", b"tmp", b"var/tmp"];
const MOUNTED: [&[u8]; 4] = [b"etc/hosts", b"etc/hostname", b"etc/resolv.conf", b"etc/mtab"];
/// A walker that remembers more directories than this is made anew.
const REMEMBERED: usize = 100_000;

/// Follows every symlink of a layer, looking up so many names at most.
pub(super) fn judge(tree: &Tree<'_>, layer: usize, most: u64, ledger: &mut Ledger) {
    let (mut walker, mut steps) = (Walker::new(tree), 0);
    for (place, entry) in tree.notable(Some(layer)).filter(|(_, entry)| entry.kind == Kind::Symlink) {
        if walker.size() > REMEMBERED {
            steps += walker.steps;
            walker = Walker::new(tree);
        }
        if steps + walker.steps > most {
            ledger.add(Some(layer), Cause::Limit, place, None);
            return;
        }
        match walker.follow(ROOT, entry.path) {
            End::Missing(path, whole) if !is_made_later(&path) => {
                ledger.add(Some(layer), Cause::Link(path), place, Some(&whole));
            }
            End::Loop => ledger.add(Some(layer), Cause::Loop, place, None),
            End::Missing(..) | End::Directory(_) | End::Entry(_) => {}
        }
    }
}

fn is_made_later(path: &[u8]) -> bool {
    let is_in = |directory: &&[u8]| path.strip_prefix(*directory).is_some_and(|r| r.is_empty() || r.starts_with(b"/"));
    MADE_LATER.iter().any(is_in) || MOUNTED.contains(&path)
}
