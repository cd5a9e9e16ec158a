//! What a check found, with the places in the spec: as text for people and as JSON for programs.

mod cover;
mod fix;
mod github;
mod group;
mod heading;
mod lost;
mod pattern;
mod shell;
mod text;

pub use fix::Fix;

use crate::layers::Ready;
use crate::local::Local;
use crate::open::OpenBase;
use crate::settings::Run;
use crate::spec::Spec;
use cover::{Cover, cover};
use fix::{Means, fixes};
use group::Group;
use lost::Difference;
use oci_merge_image::LayerPath;
use oci_merge_layer::LayerIndex;
use oci_merge_layer::check::{Finding, Many, Owner, Severity};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many findings a report keeps; of the rest it has the number.
pub const MAX_FINDINGS: usize = 1_000;

/// What a check found.
///
/// Displayed, it is what a person reads: findings with one cause as one, what would be lost, and what to type. Every
/// name in it is escaped. [`to_json`](FindingReport::to_json) is the same for programs.
#[derive(Debug, Clone)]
pub struct FindingReport {
    /// Those that are kept, sorted.
    findings: Vec<Finding>,
    entries: Vec<Entry>,
    errors: usize,
    warnings: usize,
    paths: u64,
    seconds: f64,
    platform: String,
    /// The layers that were compared, the lowest first.
    layers: Vec<String>,
    /// How many pairs of them have nothing between them.
    clean_pairs: usize,
    places: BTreeMap<String, Place>,
    program: Option<Vec<String>>,
}

/// Findings with one cause: one thing for a person to read.
#[derive(Debug, Clone)]
struct Entry {
    /// The places of those that are kept; never empty.
    members: Vec<usize>,
    /// How many there are.
    count: usize,
    directory: Option<LayerPath>,
    /// The entry whose two copies are here again.
    like: Option<usize>,
    fixes: Vec<Fix>,
    /// How many of them the fixes mend, if that is not all.
    mended: Option<usize>,
    difference: Option<Difference>,
}

impl Entry {
    /// What to know of its fixes, if they do not mend all.
    fn remark(&self) -> Option<String> {
        let mended = self.mended.filter(|_| self.fixes.iter().any(|fix| !fix.command.is_empty()))?;
        let mended = crate::number::count(mended as u64);
        Some(format!("This mends the first {mended}; run the check again after it."))
    }
}

/// Where the spec speaks of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The layer's version.
    pub version: Option<String>,
    /// The layer's prefix.
    pub prefix: String,
    /// Whether the bytes of a source must be used as they are, so that nothing can be left out.
    pub is_kept: bool,
    /// The spec file.
    pub file: String,
    /// The line of the layer's table, from 1; 0 if no file says it.
    pub line: usize,
}

/// What was checked, and how long it took.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) base: &'a OpenBase,
    pub(crate) base_indexes: &'a [LayerIndex],
    pub(crate) layers: &'a [Ready],
    pub(crate) local: &'a Local,
    pub(crate) run: &'a Run,
    pub(crate) paths: u64,
    pub(crate) seconds: f64,
}

impl FindingReport {
    /// A report of sorted findings, and of those that were counted and not kept.
    pub(crate) fn new(findings: Vec<Finding>, many: &[Many], scene: &Scene<'_>) -> FindingReport {
        let count = |severity| {
            let left_out =
                many.iter().filter(|many| many.like.severity() == severity).map(|many| many.left_out as usize);
            findings.iter().filter(|f| f.severity() == severity).count() + left_out.sum::<usize>()
        };
        let place = |layer: &crate::spec::LayerSpec| Place {
            version: layer.version.clone(),
            prefix: layer.prefix.to_string(),
            is_kept: layer.sources.iter().any(|source| source.keep),
            file: scene.spec.file.clone(),
            line: layer.span.line,
        };
        let groups = group::group(&findings, many);
        let mut report = FindingReport {
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            paths: scene.paths,
            seconds: scene.seconds,
            platform: scene.base.platform.to_string(),
            layers: names(scene.layers),
            clean_pairs: clean_pairs(scene.layers, &findings, &groups),
            places: scene.spec.layers.iter().map(|layer| (layer.name.clone(), place(layer))).collect(),
            program: program(scene.spec),
            findings: Vec::new(),
            entries: Vec::new(),
        };
        let leads: Vec<usize> = groups.iter().filter_map(|group| group.members.first().copied()).collect();
        let differences = lost::differences(&findings, &leads, scene);
        let fixes: Vec<(Vec<Fix>, bool)> = groups
            .iter()
            .take(MAX_FINDINGS)
            .map(|group| report.fixes_of(&findings, &members_of(&groups, group), group, scene.layers))
            .collect();
        let kept = kept(&groups, findings.len());
        let moved: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, &old)| (old, new)).collect();
        for (group, (fixes, is_whole)) in groups.iter().zip(fixes) {
            let members: Vec<usize> = group.members.iter().filter_map(|old| moved.get(old).copied()).collect();
            if members.is_empty() {
                break;
            }
            report.entries.push(Entry {
                members,
                count: group.members.len() + group.left_out as usize,
                directory: group.directory.clone(),
                like: group.like,
                fixes,
                mended: (!is_whole).then_some(group.members.len()),
                difference: group.members.first().and_then(|first| differences.get(first).cloned()),
            });
        }
        report.findings = kept.into_iter().filter_map(|old| findings.get(old).cloned()).collect();
        report
    }

    /// The findings, sorted, the first [`MAX_FINDINGS`] at most: the same for one thread and for sixteen.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How many claims were compared.
    pub fn paths(&self) -> u64 {
        self.paths
    }

    /// The platform that was checked.
    pub fn platform(&self) -> &str {
        &self.platform
    }

    /// Where the spec speaks of a layer.
    pub fn place(&self, layer: &str) -> Option<&Place> {
        self.places.get(layer)
    }

    /// How many findings are errors, those that are not kept included.
    pub fn errors(&self) -> usize {
        self.errors
    }

    /// How many findings are warnings, those that are not kept included.
    pub fn warnings(&self) -> usize {
        self.warnings
    }

    /// How many findings are not kept.
    pub fn left_out(&self) -> usize {
        self.errors + self.warnings - self.findings.len()
    }

    /// The code of the first error.
    pub fn code(&self) -> &'static str {
        let first = self.findings.iter().find(|f| f.severity() == Severity::Error);
        first.map_or("OM0201", |f| f.code().as_str())
    }

    /// What can be done about a finding of this report.
    pub fn fixes(&self, finding: &Finding) -> Vec<Fix> {
        let patterns = fix::left_out(finding).map(|(path, _)| pattern::of(path)).into_iter().collect();
        fixes(finding, &Cover { patterns, others: 0, is_whole: true }, &self.means())
    }

    /// Puts options of the program into every command, such as `-C DIR`, by which it finds the spec.
    pub fn with_options(mut self, options: &[String]) -> FindingReport {
        let insert = |words: &mut Vec<String>| drop(words.splice(1..1, options.iter().cloned()));
        self.program.iter_mut().for_each(insert);
        let commands = self.entries.iter_mut().flat_map(|entry| &mut entry.fixes).map(|fix| &mut fix.command);
        commands.filter(|command| !command.is_empty()).for_each(insert);
        self
    }

    /// The document that `--json` prints, `oci-merge.findings/v1`.
    pub fn to_json(&self) -> Value {
        let mut document = json!({ "schema": "oci-merge.findings/v1", "ok": self.errors == 0, "findings": self });
        document["errors"] = json!(self.errors);
        document["warnings"] = json!(self.warnings);
        if self.left_out() > 0 {
            document["left_out"] = json!(self.left_out());
        }
        document
    }

    fn means(&self) -> Means<'_> {
        Means { program: self.program.as_deref(), places: &self.places }
    }

    /// What can be done about all findings of a group at once; and whether that mends those too that nobody kept.
    fn fixes_of(&self, findings: &[Finding], members: &[usize], group: &Group, layers: &[Ready]) -> (Vec<Fix>, bool) {
        let Some(first) = members.first().and_then(|first| findings.get(*first)) else { return (Vec::new(), true) };
        let left_out = members.iter().filter_map(|place| fix::left_out(findings.get(*place)?));
        let mut paths: Vec<&LayerPath> = left_out.map(|(path, _)| path).collect();
        paths.sort();
        let of_one = fix::left_out(first).and_then(|(_, owner)| owner);
        let owners: BTreeSet<&str> =
            of_one.map_or_else(|| first.owners(), |owner| vec![owner]).into_iter().map(Owner::name).collect();
        let here = || layers.iter().filter(|layer| owners.contains(&*layer.name));
        let indexes: Vec<&LayerIndex> = here().map(|layer| &*layer.index).collect();
        let prefixes: Vec<&LayerPath> = here().map(|layer| layer.prefix.path()).collect();
        let root = LayerPath::root();
        let directory = group.directory.as_ref().unwrap_or(&root);
        let cover = cover(&paths, group.left_out as usize, directory, &indexes, &prefixes);
        (fixes(first, &cover, &self.means()), cover.is_whole)
    }

    /// A finding, and beside each layer its version and its place.
    fn document(&self, finding: &Finding, group: Option<usize>) -> Value {
        let mut value = json!(finding);
        value["platforms"] = json!([self.platform]);
        for layer in value["layers"].as_array_mut().into_iter().flatten() {
            let Some(place) = layer["name"].as_str().and_then(|name| self.places.get(name)) else { continue };
            if let Some(version) = &place.version {
                layer["version"] = json!(version);
            }
            if place.line > 0 {
                layer["span"] = json!({ "file": place.file, "line": place.line });
            }
        }
        if let Some(group) = group {
            value["group"] = json!(format!("g{}", group + 1));
        }
        value["fixes"] = json!(self.fixes(finding));
        value
    }
}

/// The elements of `findings` in `oci-merge.findings/v1`.
impl Serialize for FindingReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut groups: BTreeMap<usize, usize> = BTreeMap::new();
        for (number, entry) in self.entries.iter().enumerate() {
            groups.extend(entry.members.iter().map(|&member| (member, entry.like.unwrap_or(number))));
        }
        let findings = self.findings.iter().enumerate();
        serializer.collect_seq(findings.map(|(place, finding)| self.document(finding, groups.get(&place).copied())))
    }
}

/// The members of a group, and of those that repeat it.
fn members_of(groups: &[Group], group: &Group) -> Vec<usize> {
    let repeats = groups.iter().filter(|other| group.like.is_none() && other.like.is_some());
    let is_lead = |like: usize| groups.get(like).is_some_and(|lead| lead.members == group.members);
    let repeats = repeats.filter(|other| other.like.is_some_and(is_lead));
    group.members.iter().chain(repeats.flat_map(|other| &other.members)).copied().collect()
}

/// Which findings are kept, in order: the first of each group before the second of any.
fn kept(groups: &[Group], count: usize) -> Vec<usize> {
    let firsts = groups.iter().filter_map(|group| group.members.first());
    let others = groups.iter().flat_map(|group| group.members.iter().skip(1));
    let mut kept: Vec<usize> = firsts.chain(others).copied().take(MAX_FINDINGS.min(count)).collect();
    kept.sort_unstable();
    kept
}

/// The names of the layers, each once, in their order.
fn names(layers: &[Ready]) -> Vec<String> {
    let mut names: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
    // The layers of one owner lie side by side.
    names.dedup();
    names
}

/// How many pairs of layers have no error between them. All findings of a group are between the same layers.
fn clean_pairs(layers: &[Ready], findings: &[Finding], groups: &[Group]) -> usize {
    let names: BTreeSet<&str> = layers.iter().map(|layer| &*layer.name).collect();
    let firsts = groups.iter().filter_map(|group| findings.get(*group.members.first()?));
    let errors = firsts.filter(|finding| finding.severity() == Severity::Error);
    let here = |finding: &Finding| -> Vec<String> {
        let owners = finding.owners().into_iter().map(Owner::name).filter(|name| names.contains(name));
        owners.map(str::to_owned).collect()
    };
    let between: BTreeSet<Vec<String>> = errors.map(here).collect();
    let mut unclean: BTreeSet<(&str, &str)> = BTreeSet::new();
    for layers in &between {
        for (at, one) in layers.iter().enumerate() {
            unclean.extend(layers.iter().skip(at + 1).map(|other| (one.min(other).as_str(), one.max(other).as_str())));
        }
    }
    unclean.retain(|(one, other)| one != other);
    names.len() * names.len().saturating_sub(1) / 2 - unclean.len()
}

/// How the program finds the spec again to edit it; `None` if it was made by a program, or comes through a pipe.
fn program(spec: &Spec) -> Option<Vec<String>> {
    let is_written = spec.layers.iter().any(|layer| layer.span.line > 0) && spec.file != "<stdin>";
    let mut words = vec!["oci-merge".to_owned()];
    if spec.file.trim_start_matches("../") != "oci-merge.toml" {
        words.extend(["-f".to_owned(), spec.file.clone()]);
    }
    (is_written && !spec.file.ends_with(".json")).then_some(words)
}
