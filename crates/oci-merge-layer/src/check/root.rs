//! The root: a directory that everybody has, and few have an entry for (design: collisions, section 4).

use super::base::is_plain;
use super::claims::{Claimant, Claims, FIRST_LAYER, ROOT};
use super::finding::{Finding, Party};
use super::merge::Place;
use super::{Code, IMPLIED_DIR_ATTRS};
use crate::{EntryView, Kind, Time};

/// What the root of a base is that has no entry for it.
const PLAIN: EntryView<'static> = EntryView {
    path: &[],
    kind: Kind::Directory,
    mode: 0o755,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: Time { seconds: 0, nanos: 0 },
    content: None,
    target: None,
    xattrs: None,
    group: None,
    late: false,
    facts: None,
};

/// Judges the root entries.
///
/// Unlike any other directory the root may be odd in the base while layers have no entry for it: no runtime makes a root.
/// But a layer's odd root changes it for all, and an access control list on it shows in whatever is made below.
pub(super) fn judge(claims: &Claims<'_>, findings: &mut Vec<Finding>) {
    let layers = FIRST_LAYER..claims.lists().len() as u32;
    let base = claims.claimant(Place { list: 0, place: ROOT }).unwrap_or(Claimant { list: 0, entry: PLAIN, index: 0 });
    let of_layers: Vec<_> = layers.clone().filter_map(|list| claims.claimant(Place { list, place: ROOT })).collect();

    let identity = claims.identity(&base);
    if of_layers.iter().any(|root| claims.identity(root) != identity) {
        let parties = std::iter::once(&base).chain(&of_layers).map(|root| claims.party(root)).collect();
        findings.extend(claims.finding(Code::DirectoryAttributes, None, &[], parties));
    }

    let has_acl =
        base.entry.xattrs.is_some_and(|set| set.names.iter().any(|name| name.starts_with(b"system.posix_acl_")));
    let odd = of_layers.iter().filter(|root| !is_plain(&root.entry)).chain(has_acl.then_some(&base));
    let without = layers.filter(|list| of_layers.iter().all(|root| root.list != *list));
    let mut parties: Vec<(u32, Party)> = odd.map(|root| (root.list, claims.party(root))).collect();
    let odd = parties.len();
    parties.extend(without.map(|list| (list, claims.implied(list))));
    if odd == 0 || odd == parties.len() {
        return;
    }
    parties.sort_by_key(|(list, _)| *list);
    let parties = parties.into_iter().map(|(_, party)| party).collect();
    findings.extend(claims.finding(Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS), &[], parties));
}
