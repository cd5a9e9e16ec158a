//! The theorem: if a check is clean, every order of the layers gives the same root filesystem, in every model of
//! unpacking (design: collisions, section 9). And its converse: no rule can be left out.

use super::rules::{Rule, RuleSet};
use super::sets::{Outcome, Set, tar};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// More cases than the default are for continuous integration, and for whoever changes a rule.
pub(super) const CASES: &str = "OCI_MERGE_THEOREM_CASES";

#[test]
fn what_is_clean_does_not_depend_on_order_or_runtime_and_every_rule_is_needed() {
    let cases: u64 = std::env::var(CASES).map_or(1_000, |cases| cases.parse().unwrap());
    let tally = (0..cases).into_par_iter().map(judge).reduce(Tally::default, Tally::join);
    let Tally { accepted, sharing, refused, refused_rightly, let_through } = tally;
    println!("{accepted} accepted, {sharing} of them with a path in common");
    println!("{refused_rightly} of {refused} refused rightly");
    println!("without a rule: sets that it alone keeps out, and the first of them:");
    let_through.iter().for_each(|(rule, (count, first))| println!("  {rule:?}: {count}, {first}"));
    // The rules are of use only if they let sets through, also such as have something in common ...
    assert!(accepted * 10 > cases && sharing * 20 > cases, "{accepted} and {sharing} of {cases}");
    // ... and refuse little that would have done no harm.
    assert!(refused_rightly * 10 > refused * 6, "{refused_rightly} of {refused}");
    // A few counterexamples are rarer than this; all of them stand in `counterexamples`.
    let missing: Vec<_> = Rule::ALL.into_iter().filter(|rule| !let_through.contains_key(rule)).collect();
    println!("not met without them: {missing:?}");
    assert!(cases < 10_000 || missing.len() < 8, "{missing:?} can be left out");
}

/// What to put into [`super::counterexamples`] when a rule changes: `cargo test -p oci-merge-layer smallest -- --ignored
/// --nocapture`.
#[test]
#[ignore = "takes minutes; run it when a rule changes"]
fn smallest_counterexamples() {
    let cases: u64 = std::env::var(CASES).map_or(30_000, |cases| cases.parse().unwrap());
    let tally = (0..cases).into_par_iter().map(judge).reduce(Tally::default, Tally::join);
    for (rule, (_, seed)) in tally.let_through {
        let smallest = Set::random(seed).smallest(|set| is_counterexample(rule, set));
        assert!(is_counterexample(rule, &smallest), "{rule:?}");
        println!("{rule:?}, {:?}\n{}", smallest.outcome(), smallest.told());
    }
}

/// Writes sets that are accepted for `tools/stages/orders`: a folder each, with `base0.tar`, `layer0.tar` and so on.
#[test]
#[ignore = "for other programs, which read the folder OCI_MERGE_SETS_TO"]
fn sets_for_other_programs() {
    let folder = std::path::PathBuf::from(std::env::var_os("OCI_MERGE_SETS_TO").unwrap());
    let count: usize = std::env::var("OCI_MERGE_SETS").unwrap().parse().unwrap();
    let clean = (0..).map(Set::random).filter(|set| set.verdict().is_clean() && set.can_be_unpacked());
    for (number, set) in clean.take(count).enumerate() {
        let folder = folder.join(format!("{number:04}"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("told"), set.told()).unwrap();
        for (name, sheets) in [("base", &set.base), ("layer", &set.layers)] {
            for (n, sheet) in sheets.iter().enumerate() {
                std::fs::write(folder.join(format!("{name}{n}.tar")), tar(&sheet.items)).unwrap();
            }
        }
    }
}

/// A set that only one rule keeps out, and that depends on order or runtime.
pub(super) fn is_counterexample(rule: Rule, set: &Set) -> bool {
    let (with, without) = (RuleSet::default(), RuleSet { without: Some(rule) });
    !set.verdict().is_clean()
        && !with.verdict(set).is_clean()
        && without.verdict(set).is_clean()
        && set.outcome() != Outcome::One
}

#[derive(Default)]
struct Tally {
    accepted: u64,
    sharing: u64,
    refused: u64,
    refused_rightly: u64,
    /// What a rule alone keeps out: how many, and the first.
    let_through: BTreeMap<Rule, (u64, u64)>,
}

impl Tally {
    fn join(mut self, other: Tally) -> Tally {
        self.accepted += other.accepted;
        self.sharing += other.sharing;
        self.refused += other.refused;
        self.refused_rightly += other.refused_rightly;
        for (rule, (count, first)) in other.let_through {
            let here = self.let_through.entry(rule).or_insert((0, first));
            *here = (here.0 + count, here.1.min(first));
        }
        self
    }
}

fn judge(seed: u64) -> Tally {
    let set = Set::random(seed);
    if set.base_writes_through_a_link() {
        return Tally::default();
    }
    let (verdict, outcome) = (set.verdict(), set.outcome());
    let rules = RuleSet::default().verdict(&set);
    if verdict != rules {
        let smallest = set.smallest(|set| set.verdict() != RuleSet::default().verdict(set));
        let (verdict, rules) = (smallest.verdict(), RuleSet::default().verdict(&smallest));
        panic!("seed {seed}: the check says {verdict:?}, the rules say {rules:?}\n{}", smallest.told());
    }
    let mut tally = Tally::default();
    if verdict.is_clean() {
        if outcome != Outcome::One {
            let smallest = set.smallest(|set| set.verdict().is_clean() && set.outcome() != Outcome::One);
            panic!("seed {seed} is clean: {:?}\n{}", smallest.outcome(), smallest.told());
        }
        tally.accepted = 1;
        tally.sharing = u64::from(set.shares_a_path());
    } else {
        tally.refused = 1;
        if outcome != Outcome::One {
            tally.refused_rightly = 1;
            let without =
                Rule::ALL.into_iter().filter(|&rule| RuleSet { without: Some(rule) }.verdict(&set).is_clean());
            tally.let_through = without.map(|rule| (rule, (1, seed))).collect();
        }
    }
    tally
}
