//! Who claims which paths: the lists that are compared, and what stands at a place of one.

use super::base::{BaseEmptied, BaseEntries};
use super::finding::{Claim, Description, Finding, Owner, Party, Subject};
use super::links::LinkGroups;
use super::merge::{Place, Sorted};
use super::{BaseView, Code, Layer, Policy, Severity};
use crate::{EntryView, Kind, LayerIndex};
use oci_merge_image::LayerPath;
use std::sync::Arc;

/// How many names of a link group a description lists.
const NAMES_TOLD: usize = 8;

/// All that is compared: the base and the layers, and the policy that findings are weighed by.
///
/// List 0 holds the entries of the base, list 1 its emptied directories, and each further one a layer, from the lowest.
pub(super) struct Claims<'a> {
    pub(super) base: &'a BaseView<'a>,
    pub(super) layers: &'a [Layer<'a>],
    pub(super) policy: &'a Policy,
    lists: Vec<List<'a>>,
    owners: Vec<Owner>,
    links: LinkGroups<'a>,
}

/// One sorted list of claims.
#[derive(Clone, Copy)]
pub(super) enum List<'a> {
    Base(BaseEntries<'a, 'a>),
    Emptied(BaseEmptied<'a, 'a>),
    Layer(&'a LayerIndex),
}

/// The place of the root entry in every list that may have one.
pub(super) const ROOT: u32 = u32::MAX;

/// The list of the first layer.
pub(super) const FIRST_LAYER: u32 = 2;

/// An entry, whose it is, and which index it is from.
#[derive(Clone, Copy)]
pub(super) struct Claimant<'a> {
    pub(super) list: u32,
    pub(super) entry: EntryView<'a>,
    /// For [`LinkGroups`]: the layers of the base, then the layers.
    pub(super) index: usize,
}

/// All that must be equal for two entries to be the same; what is not compared is not in it (times, names of owners).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity<'a> {
    kind: Kind,
    metadata: (u16, u32, u32),
    content: (u64, Option<&'a [u8; 32]>),
    target: Option<&'a [u8]>,
    xattrs: Option<(&'a [Vec<u8>], &'a [u8; 32])>,
    link_class: Option<u32>,
    /// For what equals nothing but itself: a device, whose numbers nobody compares, and a file of a base whose content
    /// is unknown.
    only: Option<u32>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(base: &'a BaseView<'a>, layers: &'a [Layer<'a>], policy: &'a Policy) -> Claims<'a> {
        let of_base = [List::Base(base.entries()), List::Emptied(base.emptied())];
        let indexes: Vec<_> = base.layers().iter().copied().chain(layers.iter().map(|layer| layer.index)).collect();
        Claims {
            base,
            layers,
            policy,
            lists: of_base.into_iter().chain(layers.iter().map(|layer| List::Layer(layer.index))).collect(),
            owners: layers.iter().map(|layer| Owner::Layer(Arc::from(layer.name))).collect(),
            links: LinkGroups::of(&indexes),
        }
    }

    pub(super) fn lists(&self) -> &[List<'a>] {
        &self.lists
    }

    /// How many entries there are.
    pub(super) fn count(&self) -> u64 {
        self.lists.iter().filter(|list| !matches!(list, List::Emptied(_))).map(|list| list.size() as u64).sum()
    }

    pub(super) fn owner(&self, list: u32) -> Owner {
        let layer = list.checked_sub(FIRST_LAYER).and_then(|n| self.owners.get(n as usize));
        layer.cloned().unwrap_or(Owner::Base)
    }

    /// The owners with these names, in their order; `None` if one is not here. The base is called `base`.
    pub(super) fn owners_named(&self, names: &[&str]) -> Option<Vec<Owner>> {
        let all = std::iter::once(&Owner::Base).chain(&self.owners);
        let mut owners: Vec<Owner> = all.filter(|owner| names.contains(&owner.name())).cloned().collect();
        owners.dedup();
        names.iter().all(|name| owners.iter().any(|owner| owner.name() == *name)).then_some(owners)
    }

    /// The entry at a place; `None` for an emptied directory.
    pub(super) fn claimant(&self, place: Place) -> Option<Claimant<'a>> {
        let list = place.list;
        match *self.lists.get(list as usize)? {
            List::Emptied(_) => None,
            List::Base(_) if place.place == ROOT => Some(Claimant { list, entry: self.base.root()?, index: 0 }),
            List::Base(entries) => {
                let origin = entries.origin(place.place as usize)?;
                Some(Claimant { list, entry: self.base.entry(origin)?, index: origin.list as usize })
            }
            List::Layer(index) => {
                let entry = if place.place == ROOT { index.root()? } else { index.get(place.place as usize)? };
                Some(Claimant { list, entry, index: self.base.layers().len() + (list - FIRST_LAYER) as usize })
            }
        }
    }

    /// A directory that a layer of the base had, and that is not in its tree.
    pub(super) fn ghost(&self, origin: Place) -> Option<Claimant<'a>> {
        Some(Claimant { list: 0, entry: self.base.entry(origin)?, index: origin.list as usize })
    }

    pub(super) fn identity(&self, claimant: &Claimant<'a>) -> Identity<'a> {
        let entry = &claimant.entry;
        let only = match entry.kind {
            Kind::CharDevice | Kind::BlockDevice => true,
            Kind::File => entry.content.is_none(),
            Kind::Directory | Kind::Symlink | Kind::Fifo => false,
        };
        Identity {
            kind: entry.kind,
            metadata: (entry.mode, entry.uid, entry.gid),
            content: (entry.size, entry.content),
            target: entry.target,
            xattrs: entry.xattrs.map(|set| (&set.names[..], &set.digest)),
            link_class: entry.group.and_then(|group| self.links.class(claimant.index, group)),
            only: only.then_some(claimant.list),
        }
    }

    pub(super) fn describe(&self, claimant: &Claimant<'a>) -> Description {
        let entry = &claimant.entry;
        let group = entry.group.map(|group| self.links.names(claimant.index, group));
        Description {
            link_count: group.as_ref().map_or(1, |names| names.len() as u64),
            links: group.into_iter().flatten().take(NAMES_TOLD).map(layer_path).collect(),
            ..Description::of(entry)
        }
    }

    /// A party with an entry at the path of the finding.
    pub(super) fn party(&self, claimant: &Claimant<'a>) -> Party {
        Party { owner: self.owner(claimant.list), at: None, claim: Claim::Entry(Arc::new(self.describe(claimant))) }
    }

    /// A party that leaves the directory at the path of the finding to the runtime.
    pub(super) fn implied(&self, list: u32) -> Party {
        Party { owner: self.owner(list), at: None, claim: Claim::Implied }
    }

    /// A finding, unless the policy does not want it told.
    pub(super) fn finding(
        &self,
        code: Code,
        reason: Option<&'static str>,
        path: &[u8],
        parties: Vec<Party>,
    ) -> Option<Finding> {
        let mut finding =
            Finding { subject: Subject::Archive, code, reason, severity: Severity::Error, more: 0, parties };
        let asked = finding.policy_key().and_then(Code::of_key).unwrap_or(code);
        finding.severity = self.policy.severity(asked)?;
        finding.subject = Subject::Path(layer_path(path));
        Some(finding)
    }
}

impl<'a> Sorted<'a> for List<'a> {
    fn size(&self) -> usize {
        match self {
            List::Base(list) => list.size(),
            List::Emptied(list) => list.size(),
            List::Layer(index) => index.len(),
        }
    }

    fn path(&self, place: usize) -> Option<&'a [u8]> {
        match self {
            List::Base(list) => list.path(place),
            List::Emptied(list) => list.path(place),
            List::Layer(index) => index.get(place).map(|entry| entry.path),
        }
    }
}

/// The path of an entry, or of a directory above one, to keep.
pub(super) fn layer_path(bytes: &[u8]) -> LayerPath {
    LayerPath::parse(bytes).unwrap_or_default()
}
