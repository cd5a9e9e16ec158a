//! Entries of a base that lie below a symlink, and where runtimes put them.
//!
//! No layer of ours may have any. In a base there are two kinds. If one layer has both, every runtime follows the link. If
//! the symlink is a lower layer's, those that unpack all layers onto one tree follow it, and those that stack them make a
//! directory of it. So such an entry is compared where the link leads, too: what a layer has there would replace it, or
//! not, and nobody would be told.

use super::base::BaseView;
use super::claims::{Claims, FIRST_LAYER};
use super::finding::{Claim, Finding, Owner, Party, Subject};
use super::merge::{Place, Sorted, is_under, parent_length};
use super::run::walker::MOST_LINKS;
use super::table::Contest;
use super::told::Told;
use super::{Code, Policy};
use oci_merge_image::{LayerPath, compare_paths, shown};
use std::collections::{BTreeMap, HashMap};

/// Reason of OM0221: an entry lies below a symlink.
const TAR_THROUGH_SYMLINK: &str = "TAR_THROUGH_SYMLINK";

/// A symlink, and an entry below it that is left, both of layers of the base.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passage {
    pub(super) link: Place,
    pub(super) entry: Place,
}

/// An entry, and where it is when symlinks are followed.
#[derive(Debug)]
pub(super) struct Through {
    path: LayerPath,
    passage: Passage,
    /// The place of the entry in the tree of the base.
    place: u32,
}

/// Where the entries are, in order of path. One that cannot be anywhere (a loop, a path that is too long) is left out.
/// `passages` are in the order of the entries' paths.
pub(super) fn resolve(view: &BaseView<'_>, passages: &[Passage]) -> Vec<Through> {
    let list = view.entries();
    // Those of lower layers are in the tree no more.
    let mut links: HashMap<Vec<u8>, &[u8]> = HashMap::new();
    let mut through = Vec::new();
    for &passage in passages {
        let (Some(link), Some(entry)) = (view.entry(passage.link), view.entry(passage.entry)) else { continue };
        links.extend(link.target.map(|target| (link.path.to_vec(), target)));
        let in_tree = |path: &[u8]| {
            let entry = view.entry(list.origin(list.seek(path))?)?;
            entry.target.filter(|_| entry.path == path)
        };
        let target = |path: &[u8]| links.get(path).copied().or_else(|| in_tree(path));
        let Some(path) = follow(entry.path, target).and_then(|path| LayerPath::parse(&path).ok()) else { continue };
        links.extend(entry.target.map(|target| (path.as_bytes().to_vec(), target)));
        if path.as_bytes() != entry.path && !path.is_root() {
            through.push(Through { path, passage, place: list.seek(entry.path) as u32 });
        }
    }
    through.sort_by(|a, b| compare_paths(a.path.as_bytes(), b.path.as_bytes()));
    through
}

/// Where a path leads if all symlinks on it are followed but one that it ends in.
fn follow<'a>(path: &[u8], target: impl Fn(&[u8]) -> Option<&'a [u8]>) -> Option<Vec<u8>> {
    let mut ahead: Vec<Vec<u8>> = path.split(|&b| b == b'/').rev().map(<[u8]>::to_vec).collect();
    let (mut here, mut links) = (Vec::new(), 0);
    while let Some(name) = ahead.pop() {
        match &name[..] {
            b"" | b"." => {}
            b".." => here.truncate(parent_length(&here)),
            _ => {
                let above = here.len();
                here.extend_from_slice(if here.is_empty() { b"" } else { b"/" });
                here.extend_from_slice(&name);
                if let Some(target) = target(&here).filter(|_| !ahead.is_empty()) {
                    links += 1;
                    if links > MOST_LINKS {
                        return None;
                    }
                    here.truncate(if target.starts_with(b"/") { 0 } else { above });
                    ahead.extend(target.split(|&b| b == b'/').rev().map(<[u8]>::to_vec));
                }
            }
        }
    }
    Some(here)
}

/// Compares the entries with those of the layers where they lead.
pub(super) fn judge(claims: &Claims<'_>, told: &mut Told<'_, '_>) {
    for through in claims.base.through() {
        let path = through.path.as_bytes();
        let mut explicit: Vec<_> = claims.claimant(Place { list: 0, place: through.place }).into_iter().collect();
        let mut implied = Vec::new();
        for (list, layer) in (FIRST_LAYER..).zip(claims.layers) {
            let place = layer.index.seek(path);
            match layer.index.path(place) {
                Some(found) if found == path => explicit.extend(claims.claimant(Place { list, place: place as u32 })),
                Some(next) if is_under(next, path) => implied.push(list),
                _ => {}
            }
        }
        if explicit.len() + implied.len() > 1 {
            let mut findings = Vec::new();
            Contest::new(claims, path, explicit.into_iter(), &implied, None).judge(&mut findings);
            told.tell(findings);
        }
    }
}

/// What of it nobody has noted who read one layer alone: for each symlink the first entry below that a higher layer has.
pub(super) fn odd_base(base: &BaseView<'_>, policy: &Policy) -> Vec<Finding> {
    let Some(severity) = policy.severity(Code::BaseArchive) else { return Vec::new() };
    let of_two = base.through().iter().filter(|through| through.passage.link.list != through.passage.entry.list);
    let mut first: BTreeMap<Place, &Through> = BTreeMap::new();
    of_two.for_each(|through| {
        first.entry(through.passage.link).or_insert(through);
    });
    let finding = |(link, through): (Place, &Through)| {
        let (link, entry) = (base.entry(link)?, base.entry(through.passage.entry)?);
        let text = format!(
            "lies below {}, a symlink of a lower layer: some runtimes make a directory of that, others put this at /{}",
            shown(link.path),
            through.path
        );
        Some(Finding {
            subject: Subject::Path(LayerPath::parse(entry.path).ok()?),
            code: Code::BaseArchive,
            reason: Some(TAR_THROUGH_SYMLINK),
            severity,
            more: 0,
            parties: vec![Party { owner: Owner::Base, at: None, claim: Claim::Archive(text.into()) }],
        })
    };
    first.into_iter().filter_map(finding).collect()
}

/// The first place below a directory that a link of the base leads to.
pub(super) fn first_below<'v>(base: &'v BaseView<'_>, directory: &[u8]) -> Option<&'v [u8]> {
    let paths = base.through().iter().map(|through| through.path.as_bytes());
    paths.into_iter().find(|path| is_under(path, directory))
}
