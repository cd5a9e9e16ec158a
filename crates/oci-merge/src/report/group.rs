//! Findings with one cause, told as one.

use oci_merge_image::LayerPath;
use oci_merge_layer::Kind;
use oci_merge_layer::check::{Claim, Code, Finding, Many, Party, Severity};
use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};

/// A directory this far below the root is a cause of its own: `/opt/share`, and not `/opt`.
const DEEP: usize = 2;
/// More than this many causes in one directory are one, however near the root it lies.
const MANY: usize = 8;

/// Findings that one person would make in one go, and that are mended in one.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The places of its findings in the list, in order; never empty.
    pub(super) members: Vec<usize>,
    /// How many more there are, which nobody kept.
    pub(super) left_out: u64,
    /// The directory that all of its paths lie in, if there is more than one.
    pub(super) directory: Option<LayerPath>,
    /// The group whose two copies are here again, at another path.
    pub(super) like: Option<usize>,
}

/// Puts findings into groups, in the order of the first of each; those that repeat a group stand right behind it.
/// Those of a cause that has more findings than were kept are one group, wherever they are.
pub(super) fn group(findings: &[Finding], many: &[Many]) -> Vec<Group> {
    let crowds = many.iter().filter_map(|many| Some((cause(&many.like)?.anywhere(), many)));
    let crowds: HashMap<Cause<'_>, &Many> = crowds.collect();
    // Of a crowd, it does not matter where the claims are: it was counted without.
    let cause_of = |finding| {
        let cause = cause(finding)?;
        let anywhere = cause.clone().anywhere();
        Some(if crowds.contains_key(&anywhere) { anywhere } else { cause })
    };
    let mut buckets: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<Cause<'_>, usize> = HashMap::new();
    for (place, finding) in findings.iter().enumerate() {
        match (cause_of(finding), finding.path()) {
            (Some(cause), Some(_)) => {
                let bucket = *known.entry(cause).or_insert(buckets.len());
                match buckets.get_mut(bucket) {
                    Some(bucket) => bucket.push(place),
                    None => buckets.push(vec![place]),
                }
            }
            _ => buckets.push(vec![place]),
        }
    }
    let mut groups = Vec::new();
    for bucket in &buckets {
        let mut found = Vec::new();
        let lead = bucket.first().and_then(|first| findings.get(*first));
        // What has no path stands by itself, one by one.
        match lead.filter(|lead| lead.path().is_some()).and_then(|lead| crowds.get(&cause_of(lead)?)) {
            Some(many) => found.extend(crowd(findings, bucket, many)),
            None => split(findings, bucket, 0, &mut found),
        }
        found.sort_by_key(|group| group.members.first().copied());
        order_repeats(findings, found, &mut groups);
    }
    // Errors before warnings, then as the findings are sorted; what repeats a group stays behind it.
    let key = |group: &Group| {
        let lead = group.like.and_then(|like| groups.get(like)).unwrap_or(group);
        let first = lead.members.first().copied();
        let severity = first.and_then(|first| findings.get(first)).map(Finding::severity);
        (severity == Some(Severity::Warning), first, group.like.is_some(), group.members.first().copied())
    };
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&place| groups.get(place).map(key));
    let mut moved = vec![0; groups.len()];
    order.iter().enumerate().for_each(|(new, &old)| moved[old] = new);
    let mut sorted: Vec<Group> = order.iter().filter_map(|&old| groups.get(old).cloned()).collect();
    sorted.iter_mut().for_each(|group| group.like = group.like.map(|like| moved[like]));
    sorted
}

/// What findings with one cause have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Cause<'a> {
    code: Code,
    reason: Option<&'static str>,
    severity: Severity,
    parties: Vec<(&'a str, Option<&'a LayerPath>, Discriminant<Claim>, Option<Kind>)>,
}

impl Cause<'_> {
    /// The same, wherever the claims are.
    fn anywhere(mut self) -> Self {
        self.parties.iter_mut().for_each(|(_, at, ..)| *at = None);
        self
    }
}

/// `None` for a finding that shares its cause with no other: all that is not about who has what at a path.
fn cause(finding: &Finding) -> Option<Cause<'_>> {
    let code = finding.code();
    let is_about_paths = code < Code::Archive || code == Code::BaseArchive;
    // What these say depends on what kind of thing each party has.
    let tells_kinds = matches!(code, Code::Kinds | Code::ThroughSymlink);
    let party = |party: &'_ Party| -> Option<Kind> {
        match &party.claim {
            Claim::Entry(entry) if tells_kinds => Some(entry.kind),
            _ => None,
        }
    };
    let parties = finding.parties().iter();
    is_about_paths.then(|| Cause {
        code,
        reason: finding.reason(),
        severity: finding.severity(),
        parties: parties.map(|p| (p.owner.name(), p.at.as_ref(), discriminant(&p.claim), party(p))).collect(),
    })
}

/// Splits findings with one cause by where they are: those in one directory that lies deep enough are one group, and so
/// are those in one directory that has too many to tell one by one.
fn split(findings: &[Finding], places: &[usize], depth: usize, groups: &mut Vec<Group>) {
    let path = |place: &usize| findings.get(*place).and_then(Finding::path);
    let [first, .., last] = places else {
        groups.extend(places.first().map(|&only| Group {
            members: vec![only],
            left_out: 0,
            directory: None,
            like: None,
        }));
        return;
    };
    let (Some(low), Some(high)) = (path(first), path(last)) else { return };
    // The paths are sorted, so what the first and the last have in common is common to all.
    let common = low.components().zip(high.components()).take_while(|(a, b)| a == b).count();
    let common = common.min(low.components().count().saturating_sub(1)).max(depth);
    let is_one_path = common >= low.components().count();
    if common >= DEEP || is_one_path {
        groups.push(whole(low, common, places));
        return;
    }
    let component = |place: &usize| path(place).and_then(|path| path.components().nth(common));
    let parts: Vec<&[usize]> = places.chunk_by(|a, b| component(a) == component(b)).collect();
    if parts.len() > MANY {
        groups.push(whole(low, common, places));
        return;
    }
    parts.into_iter().for_each(|part| split(findings, part, common + 1, groups));
}

/// All of a cause of which not all are kept.
fn crowd(findings: &[Finding], places: &[usize], many: &Many) -> Option<Group> {
    let low = findings.get(*places.first()?)?.path()?;
    // The paths are sorted: what the first and the very last have in common is common to all.
    let high = many.last.as_ref()?;
    let common = low.components().zip(high.components()).take_while(|(a, b)| a == b).count();
    let common = common.min(low.components().count().saturating_sub(1));
    Some(Group { left_out: many.left_out, ..whole(low, common, places) })
}

fn whole(low: &LayerPath, depth: usize, places: &[usize]) -> Group {
    let above = low.components().take(depth).collect::<Vec<_>>().join(&b'/');
    Group { members: places.to_vec(), left_out: 0, directory: LayerPath::parse(&above).ok(), like: None }
}

/// Groups of one finding each, whose copies are those of a group before them, come right behind that one.
fn order_repeats(findings: &[Finding], found: Vec<Group>, groups: &mut Vec<Group>) {
    let copies = |group: &Group| -> Option<Vec<&Party>> {
        let [only] = group.members[..] else { return None };
        if group.left_out > 0 {
            return None;
        }
        Some(findings.get(only)?.parties().iter().collect())
    };
    let are_the_same = |a: &[&Party], b: &[&Party]| {
        let same = |(a, b): (&&Party, &&Party)| matches!(&a.claim, Claim::Entry(_)) && a.claim == b.claim;
        a.len() == b.len() && a.iter().zip(b).all(same)
    };
    let from = groups.len();
    for group in found {
        let mine = copies(&group);
        let is_lead = |lead: &&Group| lead.like.is_none();
        let like = mine.and_then(|mine| {
            let mut leads = groups.iter().enumerate().skip(from).filter(|(_, lead)| is_lead(lead));
            leads.find(|(_, lead)| copies(lead).is_some_and(|theirs| are_the_same(&mine, &theirs))).map(|(at, _)| at)
        });
        groups.push(Group { like, ..group });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::{DiffId, Digest};
    use oci_merge_layer::check::{BaseView, Policy, check};
    use oci_merge_layer::{IndexBuilder, LayerIndex, Limits, Note, Reason, Rules};

    /// A layer of a base whose archive is odd in a hundred ways, as many as are noted.
    fn odd(path: Option<&str>) -> LayerIndex {
        let path = path.map(|path| LayerPath::parse(path.as_bytes()).unwrap());
        let note = |number| Note { reason: Reason("TAR_NUMBER"), path: path.clone(), text: format!("{number}") };
        let mut index = IndexBuilder::new(&Rules::base(Limits::default()));
        index.push_notes(&(0..100).map(note).collect::<Vec<_>>()).unwrap();
        index.finish(Digest::of(b""), DiffId(Digest::of(b""))).unwrap()
    }

    /// The groups of what is told of such layers, and how many findings are kept.
    fn of_base(layers: &[LayerIndex]) -> (Vec<Group>, usize) {
        let report = check(&BaseView::new(&layers.iter().collect::<Vec<_>>()), &[], &Policy::default());
        assert_eq!(report.many.len(), 1, "more than are kept");
        (group(&report.findings, &report.many), report.findings.len())
    }

    #[test]
    fn of_a_crowd_without_a_path_each_stands_by_itself() {
        let (groups, kept) = of_base(&(0..101).map(|_| odd(None)).collect::<Vec<_>>());
        assert_eq!(groups.len(), kept);
        assert!(groups.iter().enumerate().all(|(at, group)| group.members == [at] && group.directory.is_none()));
    }

    #[test]
    fn a_crowd_with_paths_is_one_group_beside_those_without() {
        let layers: Vec<LayerIndex> = (0..102).map(|at| odd((at > 0).then_some("etc/x"))).collect();
        let (groups, kept) = of_base(&layers);
        let sizes: Vec<usize> = groups.iter().map(|group| group.members.len()).collect();
        assert_eq!((sizes.len(), sizes.iter().sum::<usize>()), (101, kept));
        assert!(sizes[..100].iter().all(|size| *size == 1), "{sizes:?}");
        assert_eq!(groups[100].left_out as usize, 102 * 100 - kept);
    }
}
