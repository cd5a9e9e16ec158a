//! Several claims on one path: the table (design: collisions, section 4).

use super::base::is_plain;
use super::claims::{Claimant, Claims, FIRST_LAYER, Identity};
use super::finding::{Claim, Finding, Party};
use super::{Code, IMPLIED_DIR_ATTRS, MTIME_DIFFERS, shared_state};
use crate::Kind;
use std::sync::Arc;

/// All claims on one path below the root.
pub(super) struct Contest<'c, 'a> {
    path: &'a [u8],
    /// Who has an entry, in the order of the lists.
    explicit: Vec<Known<'a>>,
    /// The lists that leave the directory to the runtime, in order; each once, and none that has an entry.
    implied: &'c [u32],
    /// A directory that a layer of the base once had here, if a runtime would not make the same.
    ghost: Option<Claimant<'a>>,
    claims: &'c Claims<'a>,
}

struct Known<'a> {
    claimant: Claimant<'a>,
    identity: Identity<'a>,
}

impl Known<'_> {
    fn kind(&self) -> Kind {
        self.claimant.entry.kind
    }

    fn is_directory(&self) -> bool {
        self.kind() == Kind::Directory
    }

    /// Anything but a directory: of it, one copy is in the image.
    fn is_copy(&self) -> bool {
        !self.is_directory()
    }

    fn is_of_layer(&self) -> bool {
        self.claimant.list >= FIRST_LAYER
    }
}

impl<'c, 'a> Contest<'c, 'a> {
    pub(super) fn new(
        claims: &'c Claims<'a>,
        path: &'a [u8],
        explicit: impl Iterator<Item = Claimant<'a>>,
        implied: &'c [u32],
        ghost: Option<Claimant<'a>>,
    ) -> Contest<'c, 'a> {
        let explicit = explicit.map(|claimant| Known { identity: claims.identity(&claimant), claimant }).collect();
        Contest { path, explicit, implied, ghost, claims }
    }

    /// Judges the claims.
    pub(super) fn judge(&self, findings: &mut Vec<Finding>) {
        let before = findings.len();
        findings.extend(self.directories());
        findings.extend(self.implied_directories());
        findings.extend(self.through_symlinks());
        findings.extend(self.kinds());
        findings.extend(self.copies());
        if findings.len() == before {
            self.identical(findings);
        }
    }

    /// Directories with different attributes.
    fn directories(&self) -> Option<Finding> {
        let differ = self.differ(Known::is_directory);
        self.finding(Code::DirectoryAttributes, |known| differ && known.is_directory(), false)
    }

    /// An implied directory is whatever a runtime makes of it: benign only where that equals every explicit claim.
    fn implied_directories(&self) -> Option<Finding> {
        let is_odd = |known: &&Known<'a>| known.is_directory() && !is_plain(&known.claimant.entry);
        let mut odd: Vec<Claimant<'a>> = self.explicit.iter().filter(is_odd).map(|known| known.claimant).collect();
        if let Some(ghost) = self.ghost.filter(|ghost| odd.first().is_none_or(|first| first.list != ghost.list)) {
            odd.insert(0, ghost);
        }
        let against_another = |list: &u32| odd.iter().any(|claimant| claimant.list != *list);
        let implied: Vec<u32> = self.implied.iter().copied().filter(against_another).collect();
        if implied.is_empty() {
            return None;
        }
        let parties = self.parties(&odd, &implied);
        self.claims.finding(Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS), self.path, parties)
    }

    /// Whoever has a directory, written down or not, where another has a symlink, writes through it.
    fn through_symlinks(&self) -> Option<Finding> {
        let has_symlink = self.explicit.iter().any(|known| known.kind() == Kind::Symlink);
        let through = has_symlink && self.has_directory();
        let involved = |known: &Known<'a>| through && matches!(known.kind(), Kind::Symlink | Kind::Directory);
        self.finding(Code::ThroughSymlink, involved, through)
    }

    /// A file (or FIFO, or device) against a directory; and two layers with copies of different kinds.
    fn kinds(&self) -> Option<Finding> {
        let is_file = |known: &Known<'a>| known.is_copy() && known.kind() != Kind::Symlink;
        let under = self.has_directory() && self.explicit.iter().any(is_file);
        let is_layers = |known: &Known<'a>| known.is_of_layer() && known.is_copy();
        let mut kinds = self.explicit.iter().filter(|known| is_layers(known)).map(Known::kind);
        let first = kinds.next();
        let mixed = kinds.any(|kind| Some(kind) != first);
        let involved =
            |known: &Known<'a>| under && (is_file(known) || known.is_directory()) || mixed && is_layers(known);
        self.finding(Code::Kinds, involved, under)
    }

    /// Copies of one kind that differ from layer to layer, and copies that differ from the one that the base has.
    fn copies(&self) -> Vec<Finding> {
        let kinds = [Kind::File, Kind::Symlink, Kind::Fifo, Kind::CharDevice, Kind::BlockDevice];
        let differ = |kind: &Kind| self.differ(|known| known.is_of_layer() && known.kind() == *kind);
        let clashing: Vec<Kind> = kinds.into_iter().filter(differ).collect();
        let clashes = |known: &Known<'a>| known.is_of_layer() && clashing.contains(&known.kind());

        let of_base = self.explicit.iter().find(|known| !known.is_of_layer() && known.is_copy());
        let replaces = |known: &Known<'a>| {
            known.is_of_layer() && known.is_copy() && of_base.is_some_and(|base| base.identity != known.identity)
        };
        let replaced = self.explicit.iter().any(replaces);
        let shadows = |known: &Known<'a>| replaces(known) || replaced && !known.is_of_layer() && known.is_copy();

        if shared_state::what(self.path).is_some() {
            let shared = self.finding(Code::SharedState, |known| clashes(known) || shadows(known), false);
            return shared.into_iter().collect();
        }
        let over_base = self.finding(Code::ShadowBase, shadows, false);
        self.finding(Code::TwoWriters, clashes, false).into_iter().chain(over_base).collect()
    }

    /// The same thing more than once: benign, because the result is the same in any order.
    fn identical(&self, findings: &mut Vec<Finding>) {
        let mut copies: Vec<&Known<'a>> = self.explicit.iter().filter(|known| known.is_copy()).collect();
        copies.sort_by(|a, b| a.identity.cmp(&b.identity));
        for same in copies.chunk_by(|a, b| a.identity == b.identity) {
            let Some((first, others)) = same.split_first() else { continue };
            let claim = Claim::Entry(Arc::new(self.claims.describe(&first.claimant)));
            let owner = |known: &&Known<'a>| self.claims.owner(known.claimant.list);
            if others.iter().all(|other| owner(other) == owner(first)) {
                continue;
            }
            let aged = others.iter().any(|other| other.claimant.entry.mtime != first.claimant.entry.mtime);
            let reason = (aged && first.kind() == Kind::File).then_some(MTIME_DIFFERS);
            let parties = same.iter().map(|known| Party { owner: owner(known), at: None, claim: claim.clone() });
            findings.extend(self.claims.finding(Code::Identical, reason, self.path, parties.collect()));
        }
    }

    fn has_directory(&self) -> bool {
        !self.implied.is_empty() || self.explicit.iter().any(Known::is_directory)
    }

    /// Whether some of the entries are not all the same.
    fn differ(&self, among: impl Fn(&Known<'a>) -> bool) -> bool {
        let mut identities = self.explicit.iter().filter(|known| among(known)).map(|known| &known.identity);
        let first = identities.next();
        identities.any(|identity| Some(identity) != first)
    }

    /// A finding about some of the entries, and about those who imply the directory; none if no entry is involved.
    fn finding(&self, code: Code, involved: impl Fn(&Known<'a>) -> bool, with_implied: bool) -> Option<Finding> {
        let explicit: Vec<_> =
            self.explicit.iter().filter(|known| involved(known)).map(|known| known.claimant).collect();
        if explicit.is_empty() {
            return None;
        }
        let implied = if with_implied { self.implied } else { &[] };
        self.claims.finding(code, None, self.path, self.parties(&explicit, implied))
    }

    /// In the order of the layers.
    fn parties(&self, explicit: &[Claimant<'a>], implied: &[u32]) -> Vec<Party> {
        let explicit = explicit.iter().map(|claimant| (claimant.list, self.claims.party(claimant)));
        let implied = implied.iter().map(|&list| (list, self.claims.implied(list)));
        let mut parties: Vec<_> = explicit.chain(implied).collect();
        parties.sort_by_key(|(list, _)| *list);
        parties.into_iter().map(|(_, party)| party).collect()
    }
}
