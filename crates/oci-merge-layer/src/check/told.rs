//! The findings of a check while it is made: all are counted, and no more are kept than anybody reads.
//!
//! Of findings with one [cause](Cause), the first are kept, in their order, of each cause equally many: as many as may be
//! kept in all. How many these are depends on nothing but how many findings each cause has, so it is the same whoever
//! meets them first, on any number of threads.

use super::agreed::{Agreed, Agreement};
use super::claims::{Claims, FIRST_LAYER};
use super::finding::{Claim, Finding, Owner, Party};
use super::{Code, Many, Report, Severity};
use crate::{Kind, LayerIndex};
use oci_merge_image::LayerPath;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem::{Discriminant, discriminant};
use std::sync::atomic::{AtomicU8, Ordering};

/// What has been found so far.
pub(super) struct Told<'c, 'a> {
    claims: &'c Claims<'a>,
    marks: &'c Marks<'a>,
    most: usize,
    causes: HashMap<Cause, Found>,
    kept: usize,
    agreed: Vec<Agreed>,
    agreed_in_all: u64,
    /// What agreements were needed for: the number of the pattern of each.
    used: BTreeSet<(Agreement, usize)>,
}

/// What findings with one cause have in common: code, reason, weight, and who has what kind of claim. Not where the claims
/// are: of names that differ in spelling, each finding has its own, and there would be as many causes as findings.
type Cause = (Code, Option<&'static str>, Severity, Vec<(Owner, Discriminant<Claim>, Option<Kind>)>);

/// The findings of one cause.
#[derive(Default)]
struct Found {
    count: u64,
    first: Vec<Finding>,
    last: Option<LayerPath>,
}

impl<'c, 'a> Told<'c, 'a> {
    /// Nothing yet; `most` findings are kept, or one of each cause if that is more.
    pub(super) fn new(claims: &'c Claims<'a>, marks: &'c Marks<'a>, most: usize) -> Told<'c, 'a> {
        let (causes, agreed, used) = (HashMap::new(), Vec::new(), BTreeSet::new());
        Told { claims, marks, most, causes, kept: 0, agreed, agreed_in_all: 0, used }
    }

    /// Takes findings; those that an agreement settles are no findings.
    pub(super) fn tell(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            let agreements = &self.claims.policy.agreements;
            if let Some(by) = agreements.settles(&finding) {
                self.marks.agree(&finding);
                self.used.extend(agreements.needed(&by, &finding).map(|pattern| (by.clone(), pattern)));
                self.agreed_in_all += 1;
                self.agreed.push(Agreed { finding, by });
                self.shorten_agreed(2);
                continue;
            }
            self.marks.collide(&finding);
            let last = finding.path().cloned();
            let found = self.causes.entry(cause(&finding)).or_default();
            found.count += 1;
            found.last = last.max(found.last.take());
            found.first.push(finding);
            self.kept += 1;
            if self.kept / 2 > self.most.max(self.causes.len()) {
                self.shorten();
            }
        }
    }

    /// Takes what was found elsewhere.
    pub(super) fn join(mut self, other: Told<'c, 'a>) -> Told<'c, 'a> {
        for (cause, theirs) in other.causes {
            let found = self.causes.entry(cause).or_default();
            found.count += theirs.count;
            found.last = theirs.last.max(found.last.take());
            found.first.extend(theirs.first);
        }
        self.kept += other.kept;
        self.agreed_in_all += other.agreed_in_all;
        self.agreed.extend(other.agreed);
        self.used.extend(other.used);
        self.shorten_agreed(2);
        if self.kept / 2 > self.most.max(self.causes.len()) {
            self.shorten();
        }
        self
    }

    /// What agreements were needed for.
    pub(super) fn used(&self) -> &BTreeSet<(Agreement, usize)> {
        &self.used
    }

    /// Ends the check.
    pub(super) fn into_report(mut self) -> Report {
        self.shorten();
        self.shorten_agreed(1);
        let mut many = Vec::new();
        let mut findings = Vec::with_capacity(self.kept);
        for Found { count, first, last } in self.causes.into_values() {
            let left_out = count - first.len() as u64;
            if let (Some(like), true) = (first.first(), left_out > 0) {
                many.push(Many { like: like.clone(), left_out, last });
            }
            findings.extend(first);
        }
        findings.sort_unstable();
        many.sort_unstable_by(|a, b| a.like.cmp(&b.like));
        let agreed_left_out = self.agreed_in_all - self.agreed.len() as u64;
        Report { findings, many, agreed: self.agreed, agreed_left_out, paths: self.claims.count() }
    }

    /// Keeps of each cause as many as may be kept of all.
    fn shorten(&mut self) {
        let of_each = |each: u64| self.causes.values().map(|found| found.count.min(each)).sum::<u64>();
        let most = self.most as u64;
        let each = (1..u64::BITS).map(|bits| u64::MAX >> bits).find(|each| of_each(*each) <= most).unwrap_or(1).max(1);
        for found in self.causes.values_mut() {
            found.first.sort_unstable();
            found.first.truncate(usize::try_from(each).unwrap_or(usize::MAX));
        }
        self.kept = self.causes.values().map(|found| found.first.len()).sum();
    }

    fn shorten_agreed(&mut self, times: usize) {
        if self.agreed.len() > self.most.saturating_mul(times) || times == 1 {
            self.agreed.sort_unstable();
            self.agreed.truncate(self.most);
        }
    }
}

fn cause(finding: &Finding) -> Cause {
    let Finding { code, reason, severity, parties, .. } = finding;
    // What these say depends on what kind of thing each party has.
    let tells_kinds = matches!(code, Code::Kinds | Code::ThroughSymlink);
    let party = |party: &Party| {
        let kind = match &party.claim {
            Claim::Entry(entry) if tells_kinds => Some(entry.kind),
            _ => None,
        };
        (party.owner.clone(), discriminant(&party.claim), kind)
    };
    (*code, *reason, *severity, parties.iter().map(party).collect())
}

/// Which entries of the layers findings are about: one outside its prefix that also collides is told once, as the
/// collision; and whoever may write a path of another is not told that it lies outside its prefix.
pub(super) struct Marks<'a> {
    /// For each entry of each layer, some of the bits below.
    layers: Vec<(&'a LayerIndex, Vec<AtomicU8>)>,
    /// The layers of each owner.
    owners: BTreeMap<Owner, Vec<usize>>,
}

const WARNED: u8 = 1;
const STOPPED: u8 = 2;
const AGREED: u8 = 4;

impl<'a> Marks<'a> {
    pub(super) fn new(claims: &Claims<'a>) -> Marks<'a> {
        let mut owners: BTreeMap<Owner, Vec<usize>> = BTreeMap::new();
        for number in 0..claims.layers.len() {
            owners.entry(claims.owner(FIRST_LAYER + number as u32)).or_default().push(number);
        }
        let none = |index: &LayerIndex| (0..index.len()).map(|_| AtomicU8::new(0)).collect();
        Marks { layers: claims.layers.iter().map(|layer| (layer.index, none(layer.index))).collect(), owners }
    }

    fn agree(&self, finding: &Finding) {
        self.mark(finding, AGREED, |_| true);
    }

    fn collide(&self, finding: &Finding) {
        let bit = if finding.severity == Severity::Error { STOPPED } else { WARNED };
        if !matches!(finding.code, Code::Identical | Code::OutsidePrefix) {
            self.mark(finding, bit, |party| party.at.is_none() && matches!(party.claim, Claim::Entry(_)));
        }
    }

    fn mark(&self, finding: &Finding, bit: u8, is_about: impl Fn(&Party) -> bool) {
        let Some(path) = finding.path() else { return };
        for party in finding.parties.iter().filter(|party| is_about(party)) {
            for number in self.owners.get(&party.owner).into_iter().flatten() {
                let layer = self.layers.get(*number);
                let place = layer.and_then(|(index, marks)| marks.get(index.place(path.as_bytes()).ok()?));
                if let Some(mark) = place {
                    mark.fetch_or(bit, Ordering::Relaxed);
                }
            }
        }
    }

    /// Whether a finding about an entry, of this weight, would tell nothing new.
    pub(super) fn is_told(&self, layer: usize, place: usize, severity: Severity) -> bool {
        let mark = self.layers.get(layer).and_then(|(_, marks)| marks.get(place));
        let mark = mark.map_or(0, |mark| mark.load(Ordering::Relaxed));
        mark & (AGREED | STOPPED) != 0 || mark & WARNED != 0 && severity == Severity::Warning
    }
}
