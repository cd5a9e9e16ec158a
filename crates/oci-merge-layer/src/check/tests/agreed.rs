//! What the user agreed to, and how far it reaches (design: interface, rules of the spec; collisions, section 4).

use super::lists::{Set, in_short};
use crate::check::{Agreement, Level, Policy, Report};

const JVM: &[(&str, &str, &str)] = &[
    ("java", "/opt/java", "d opt/java\nf opt/java/ca =1\nf opt/java/bin =1"),
    ("kotlin", "/opt/java/kotlin", "d opt/java/kotlin\nf opt/java/kotlin/x"),
    ("clojure", "/opt/clojure", "f opt/clojure/x\nf opt/java/ca =2"),
];

fn found(report: &Report) -> Vec<String> {
    report.findings.iter().map(in_short).collect()
}

fn agreed(report: &Report) -> Vec<String> {
    report.agreed.iter().map(|agreed| format!("{:?} {}", agreed.by, in_short(&agreed.finding))).collect()
}

#[test]
fn what_needs_another_may_lie_in_its_prefix_and_replace_what_it_overrides() {
    let check = |policy: &Policy| Set { base: &[], layers: JVM }.check(policy);
    let nested = "OM0211 /opt/java/kotlin java kotlin";
    let collides = "OM0201 /opt/java/ca clojure java";
    assert_eq!(found(&check(&Policy::default())), [collides, nested]);

    let mut policy = Policy::default();
    policy.needs("kotlin", "java");
    assert_eq!(found(&check(&policy)), [collides]);

    // Only of what it needs: here it does so by way of another.
    policy.overrides("clojure", ["/opt/java/ca", "/opt/java/b*"]).unwrap();
    let unused = |path: &str| format!("OM0212 {path} clojure");
    assert_eq!(found(&check(&policy)), [unused("/opt/java/b*").as_str(), collides, &unused("/opt/java/ca")]);
    policy.needs("clojure", "kotlin");
    let report = check(&policy);
    assert_eq!(found(&report), [unused("/opt/java/b*")]);
    assert_eq!(agreed(&report), [format!("Overrides(\"clojure\") {collides}")]);
    assert_eq!(report.agreed[0].by, Agreement::Overrides("clojure".into()));
}

#[test]
fn a_layer_overrides_only_from_above() {
    let mut policy = Policy::default();
    policy.needs("clojure", "java");
    policy.overrides("java", ["/opt/java"]).unwrap();
    let report = Set { base: &[], layers: &[JVM[0], JVM[2]] }.check(&policy);
    assert_eq!(found(&report), ["OM0212 /opt/java java", "OM0201 /opt/java/ca clojure java"]);
}

#[test]
fn an_exception_is_for_its_layers_its_paths_and_its_winner() {
    let layers: &[(&str, &str, &str)] = &[
        ("a", "/opt/a", "f root/x =1\nf root/y =1\nf root/z/f\nd root/d 0700"),
        ("b", "/opt/b", "f root/x =2\nf root/y =2\nf root/z\nd root/d 0711"),
    ];
    let check = |paths: &[&str], layers_of: &[&str], winner: &str| {
        let mut policy = Policy::default();
        policy.set("outside-prefix", Level::Allow).unwrap();
        policy.except(paths, layers_of.iter().copied(), winner).unwrap();
        Set { base: &["f root/x =0"], layers }.check(&policy)
    };
    let all = [
        "OM0204 /root/d a b",
        "OM0201 /root/x a b",
        "OM0206 /root/x base a b",
        "OM0201 /root/y a b",
        // Nobody wins here: what becomes of a file in place of a directory depends on the runtime.
        "OM0203 /root/z a b",
    ];
    let left = |settled: &[usize]| {
        let keep = |(at, line): (usize, &&str)| (!settled.contains(&at)).then(|| line.to_string());
        all.iter().enumerate().filter_map(keep).collect::<Vec<_>>()
    };
    assert_eq!(found(&check(&["/root"], &["a", "b"], "b")), left(&[0, 1, 3]));
    assert_eq!(found(&check(&["/root"], &["base", "a", "b"], "b")), left(&[0, 1, 2, 3]));
    assert_eq!(found(&check(&["/root/?"], &["a", "b"], "b")), left(&[0, 1, 3]));
    assert_eq!(found(&check(&["/root/x"], &["a", "b"], "b")), left(&[1]));
    // `a` lies below; and where one that it names is not here, it is not told as needless either.
    let mut expected = left(&[]);
    expected.insert(0, "OM0212 /root a b".into());
    assert_eq!(found(&check(&["/root"], &["a", "b"], "a")), expected);
    assert_eq!(found(&check(&["/root"], &["a", "c"], "c")), left(&[]));
}

#[test]
fn what_is_agreed_is_not_outside_a_prefix_either() {
    let layers: &[(&str, &str, &str)] = &[("a", "/opt/a", "f root/x =1\nf root/y =1"), ("b", "/opt/b", "f root/x =2")];
    let mut policy = Policy::default();
    policy.set("collision", Level::Warn).unwrap();
    let report = Set { base: &[], layers }.check(&policy);
    let outside = "OM0205 TOOL_OUTSIDE_PREFIX";
    let all = [
        "OM0201 /root/x a b".to_owned(),
        format!("{outside} /root/x a"),
        format!("{outside} /root/x b"),
        format!("{outside} /root/y a"),
    ];
    assert_eq!(found(&report), all);
    policy.except(["/root/x"], ["a", "b"], "b").unwrap();
    let report = Set { base: &[], layers }.check(&policy);
    assert_eq!(found(&report), all[3..]);
    assert_eq!(agreed(&report), ["Exception(0) OM0201 /root/x a b"]);
}

#[test]
fn what_depends_on_the_runtime_cannot_be_agreed_on() {
    // `b` has no entry for the directory: some runtimes make one, some take the one of `a`.
    let layers: &[(&str, &str, &str)] = &[("a", "/opt/a", "d shared 0700"), ("b", "/opt/b", "f shared/x =2")];
    let mut policy = Policy::default();
    policy.set("outside-prefix", Level::Allow).unwrap();
    let before = found(&Set { base: &[], layers }.check(&policy));
    assert_eq!(before, ["OM0204 IMPLIED_DIR_ATTRS /shared a b"]);
    policy.except(["/shared"], ["a", "b"], "b").unwrap();
    let report = Set { base: &[], layers }.check(&policy);
    assert!(found(&report).contains(&before[0]), "{:?}", found(&report));
    assert!(report.agreed.is_empty());
}

#[test]
fn attributes_that_the_winner_lacks_cannot_be_agreed_on() {
    // Where the directory is there already, some runtimes set attributes and take none away.
    for (lower, upper, is_settled) in [
        ("d srv +user.q:1", "d srv", false),
        ("d srv +user.q:1", "d srv +user.r:1", false),
        ("d srv", "d srv +user.q:1", true),
        ("d srv +user.q:1", "d srv +user.q:2 +user.r:1", true),
        ("d srv 0700", "d srv", true),
    ] {
        let layers: &[(&str, &str, &str)] = &[("a", "/opt/a", lower), ("b", "/opt/b", upper)];
        let mut policy = Policy::default();
        policy.set("outside-prefix", Level::Allow).unwrap();
        policy.except(["/srv"], ["a", "b"], "b").unwrap();
        let report = Set { base: &[], layers }.check(&policy);
        assert_eq!(agreed(&report), ["Exception(0) OM0204 /srv a b"].repeat(is_settled.into()), "{lower} {upper}");
        let told = found(&report).contains(&"OM0204 /srv a b".to_owned());
        assert_eq!(told, !is_settled, "{lower} {upper}: {:?}", found(&report));
    }
}

#[test]
fn an_agreement_hides_nothing_else_about_its_path() {
    let layers: &[(&str, &str, &str)] =
        &[("a", "/opt/a", "f etc/Name =1"), ("b", "/opt/b", "f etc/Name =2"), ("c", "/opt/c", "f etc/name =3")];
    let mut policy = Policy::default();
    policy.set("outside-prefix", Level::Allow).unwrap();
    let case = |report: &Report| found(report).into_iter().filter(|f| f.starts_with("OM0209")).collect::<Vec<_>>();
    let before = case(&Set { base: &[], layers }.check(&policy));
    assert_eq!(before.len(), 1);
    policy.except(["/etc/Name"], ["a", "b"], "b").unwrap();
    let report = Set { base: &[], layers }.check(&policy);
    assert_eq!((case(&report), report.agreed.len()), (before, 1));
}
