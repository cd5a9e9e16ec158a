//! What the user has agreed to: layers that build on each other, and which of two copies counts.
//!
//! None of it weakens a rule for others: an agreement names its layers and its paths, holds only while the layer that
//! is to win lies above the others, and never reaches what depends on the runtime (design: collisions, section 4).

use super::claims::Claims;
use super::finding::{Claim, Finding, Owner, Party};
use super::{Code, Owns, OwnsError, Policy};
use oci_merge_image::LayerPath;
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) fn settles(&self, finding: &Finding) -> Option<Agreement> {
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

impl Agreements {
    /// Every agreement, with its layers and its patterns.
    fn all(&self) -> Vec<(Agreement, Vec<&str>, &[Pattern])> {
        let exceptions = self.exceptions.iter().enumerate().map(|(number, exception)| {
            let layers = exception.layers.iter().map(String::as_str).collect();
            (Agreement::Exception(number), layers, &exception.paths[..])
        });
        let overrides = self.overrides.iter();
        let overrides =
            overrides.map(|(layer, paths)| (Agreement::Overrides(layer.clone()), vec![&**layer], &paths[..]));
        exceptions.chain(overrides).collect()
    }

    /// The numbers of the patterns of an agreement that a finding it settles lies in.
    pub(super) fn needed<'s>(&'s self, by: &Agreement, finding: &'s Finding) -> impl Iterator<Item = usize> + 's {
        let patterns = match by {
            Agreement::Exception(number) => self.exceptions.get(*number).map(|exception| &exception.paths[..]),
            Agreement::Overrides(layer) => self.overrides.get(layer).map(|paths| &paths[..]),
        };
        let path = finding.path();
        let is_needed = move |pattern: &Pattern| path.is_some_and(|path| pattern.covers.covers(path));
        patterns.unwrap_or_default().iter().enumerate().filter(move |(_, p)| is_needed(p)).map(|(number, _)| number)
    }
}

/// Whether a finding is about copies of which any runtime takes the uppermost.
fn can_be_settled(finding: &Finding) -> bool {
    match finding.code() {
        Code::Identical => true,
        _ => finding.survivor().is_some(),
    }
}

/// An agreement that nothing needed: it has outlived its reason, and would hide the next collision.
pub(super) fn unused(claims: &Claims<'_>, used: &BTreeSet<(Agreement, usize)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (agreement, layers, patterns) in claims.policy.agreements.all() {
        // One between layers that are not all here says nothing of this image.
        let Some(owners) = claims.owners_named(&layers) else { continue };
        for (number, pattern) in patterns.iter().enumerate() {
            if used.contains(&(agreement.clone(), number)) {
                continue;
            }
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
