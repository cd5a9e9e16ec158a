//! What the user has agreed to: layers that build on each other, and which of two copies counts.
//!
//! None of it weakens a rule for others: an agreement names its layers and its paths, holds only while the layer that
//! is to win lies above the others, and never reaches what depends on the runtime (design: collisions, section 4).

use super::claims::Claims;
use super::finding::{Claim, Finding, Owner, Party, Subject};
use super::{Code, Owns, OwnsError, Policy};
use oci_merge_image::LayerPath;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Paths that several layers may write, and whose copy is in the image: `[[allow]]` of the spec.
#[derive(Debug, Clone)]
struct Exception {
    paths: Vec<Pattern>,
    /// The layers that it is between, by name; `base` is the base image.
    layers: Vec<String>,
    /// The one of them whose copy counts.
    winner: String,
}

/// A path or a glob, with whatever lies below it.
#[derive(Debug, Clone)]
struct Pattern {
    written: LayerPath,
    covers: Owns,
}

impl Pattern {
    fn compile<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Vec<Pattern>, OwnsError> {
        let compile = |pattern: S| {
            let pattern = pattern.as_ref();
            let path = |why| OwnsError::Path { pattern: pattern.into(), why };
            let written = LayerPath::parse(pattern.as_bytes()).map_err(path)?;
            Ok(Pattern { written, covers: Owns::new([pattern])? })
        };
        patterns.into_iter().map(compile).collect()
    }
}

/// A finding that an agreement has settled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Agreed {
    /// What would have been told.
    pub finding: Finding,
    /// Why it was not.
    pub by: Agreement,
}

/// What settled a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Agreement {
    /// The exception with this number, in the order in which they were [added](Policy::except).
    Exception(usize),
    /// This layer [overrides](Policy::overrides) what the layers that it needs have there.
    Overrides(Box<str>),
}

/// All agreements of a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Agreements {
    /// The layers that each needs, directly.
    needs: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
    overrides: BTreeMap<Box<str>, Vec<Pattern>>,
    exceptions: Vec<Exception>,
}

impl Policy {
    /// A layer is made to lie on top of another: their prefixes may be nested, and it may override what that one has.
    /// What that one needs, it needs as well.
    pub fn needs(&mut self, layer: &str, needed: &str) {
        self.agreements.needs.entry(layer.into()).or_default().insert(needed.into());
    }

    /// A layer may replace these paths, globs among them, of the layers that it needs.
    ///
    /// # Errors
    /// One is neither a path nor a glob.
    pub fn overrides<S: AsRef<str>>(
        &mut self,
        layer: &str,
        paths: impl IntoIterator<Item = S>,
    ) -> Result<(), OwnsError> {
        self.agreements.overrides.insert(layer.into(), Pattern::compile(paths)?);
        Ok(())
    }

    /// These layers (`base` is the base image) may write these paths, globs among them, and the copy of one of them is
    /// the one that counts. It holds only while that one lies above the others.
    ///
    /// ```
    /// let mut policy = oci_merge_layer::check::Policy::default();
    /// policy.except(["/root/.wget-hsts"], ["kotlin", "python"], "python").unwrap();
    /// assert!(policy.except(["/root/../x"], ["kotlin", "python"], "python").is_err());
    /// ```
    ///
    /// # Errors
    /// One is neither a path nor a glob.
    pub fn except<S: AsRef<str>>(
        &mut self,
        paths: impl IntoIterator<Item = S>,
        layers: impl IntoIterator<Item = impl Into<String>>,
        winner: &str,
    ) -> Result<(), OwnsError> {
        let (paths, layers) = (Pattern::compile(paths)?, layers.into_iter().map(Into::into).collect());
        self.agreements.exceptions.push(Exception { paths, layers, winner: winner.into() });
        Ok(())
    }
}

impl Agreements {
    /// Whether one of two layers needs the other.
    pub(super) fn are_related(&self, one: &Owner, other: &Owner) -> bool {
        self.does_need(one.name(), other.name()) || self.does_need(other.name(), one.name())
    }

    /// Whether a layer needs another, directly or through others.
    pub(super) fn does_need(&self, layer: &str, needed: &str) -> bool {
        let (mut seen, mut left) = (BTreeSet::new(), vec![layer]);
        while let Some(next) = left.pop() {
            for parent in self.needs.get(next).into_iter().flatten() {
                if **parent == *needed {
                    return true;
                }
                if seen.insert(&**parent) {
                    left.push(parent);
                }
            }
        }
        false
    }

    /// What settles a finding, if anything does.
    fn settles(&self, finding: &Finding) -> Option<Agreement> {
        let path = finding.path()?;
        let owners = finding.owners();
        let uppermost = *owners.last()?;
        if !can_be_settled(finding) {
            return None;
        }
        let overridden = self.overrides.get(uppermost.name()).filter(|_| *uppermost != Owner::Base);
        if overridden.is_some_and(|patterns| cover(patterns, path))
            && owners.iter().all(|owner| *owner == uppermost || self.does_need(uppermost.name(), owner.name()))
        {
            return Some(Agreement::Overrides(uppermost.name().into()));
        }
        let holds = |exception: &Exception| {
            exception.winner == uppermost.name()
                && cover(&exception.paths, path)
                && owners.iter().all(|owner| exception.layers.iter().any(|layer| layer == owner.name()))
        };
        self.exceptions.iter().position(holds).map(Agreement::Exception)
    }
}

/// Whether a finding is about copies of which any runtime takes the uppermost.
fn can_be_settled(finding: &Finding) -> bool {
    match finding.code() {
        Code::TwoWriters | Code::Identical | Code::SharedState | Code::ShadowBase => true,
        Code::DirectoryAttributes => finding.reason().is_none(),
        _ => false,
    }
}

/// Takes out of the findings what is agreed, and adds one for each agreement that nothing needs.
pub(super) fn settle(claims: &Claims<'_>, findings: &mut Vec<Finding>) -> Vec<Agreed> {
    let agreements = &claims.policy.agreements;
    let mut agreed = Vec::new();
    for finding in std::mem::take(findings) {
        match agreements.settles(&finding) {
            Some(by) => agreed.push(Agreed { finding, by }),
            None => findings.push(finding),
        }
    }
    // Whoever may write a path of another is not told that it lies outside its prefix.
    let mut may_write: HashSet<(&Owner, &Subject)> = HashSet::new();
    for Agreed { finding, .. } in &agreed {
        may_write.extend(finding.parties.iter().map(|party| (&party.owner, &finding.subject)));
    }
    let is_agreed =
        |finding: &Finding| finding.parties.first().is_some_and(|p| may_write.contains(&(&p.owner, &finding.subject)));
    findings.retain(|finding| finding.code != Code::OutsidePrefix || !is_agreed(finding));
    findings.extend(unused(claims, &agreed));
    agreed
}

/// An agreement that has outlived its reason would hide the next collision.
fn unused(claims: &Claims<'_>, agreed: &[Agreed]) -> Vec<Finding> {
    let Agreements { overrides, exceptions, .. } = &claims.policy.agreements;
    let exceptions = exceptions.iter().enumerate().map(|(number, exception)| {
        (Agreement::Exception(number), exception.layers.iter().map(String::as_str).collect(), &exception.paths)
    });
    let overrides = overrides.iter().map(|(layer, paths)| (Agreement::Overrides(layer.clone()), vec![&**layer], paths));
    let all: Vec<(Agreement, Vec<&str>, &Vec<Pattern>)> = exceptions.chain(overrides).collect();
    let mut findings = Vec::new();
    for (agreement, layers, patterns) in all {
        // One between layers that are not all here says nothing of this image.
        let Some(owners) = claims.owners_named(&layers) else { continue };
        let settled = || agreed.iter().filter(|agreed| agreed.by == agreement).filter_map(|a| a.finding.path());
        for pattern in patterns.iter().filter(|pattern| !settled().any(|path| pattern.covers.covers(path))) {
            let parties = owners.iter().map(|owner| Party { owner: owner.clone(), at: None, claim: Claim::Agreed });
            let path = pattern.written.as_bytes();
            findings.extend(claims.finding(Code::UnusedException, None, path, parties.collect()));
        }
    }
    findings
}

fn cover(patterns: &[Pattern], path: &LayerPath) -> bool {
    patterns.iter().any(|pattern| pattern.covers.covers(path))
}
