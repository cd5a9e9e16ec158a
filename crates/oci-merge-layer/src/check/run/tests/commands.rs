//! Commands of one name in two directories of PATH.

use super::images::{DEBIAN, findings_on, run};
use crate::check::{BaseView, Code, Layer, Level, Owns, Policy, Severity, System, would_run};
use crate::{Limits, Rules};

const NOTHING: [&str; 0] = [];

#[test]
fn the_first_directory_of_path_wins() {
    let layers = [("a", "f opt/a/bin/npm =1"), ("b", "f opt/b/bin/npm =2")];
    assert_eq!(run(&[DEBIAN], &layers), ["OM0302 /opt/a/bin/npm: a /opt/a/bin/npm, b /opt/b/bin/npm"]);
    let finding = &findings_on(&[DEBIAN], &layers, |system| system.path.swap(0, 1))[0];
    assert_eq!(finding.message(), "b hides the npm of a");
    let text = finding.to_string();
    assert!(text.contains("\n     b   wins: /opt/b/bin/npm\n     a   hidden: /opt/a/bin/npm\n"), "{text}");
}

#[test]
fn a_layer_hides_commands_of_the_base() {
    let told = run(&[DEBIAN], &[("a", "f opt/a/bin/find =mine\nf opt/a/bin/sh =mine\nf opt/a/bin/new =mine")]);
    assert_eq!(told, ["OM0302 /opt/a/bin/find: a /opt/a/bin/find /opt/a/bin/sh, base /usr/bin/find /usr/bin/sh"]);
}

#[test]
fn what_is_the_same_or_no_command_hides_nothing() {
    let same = [("a", "f opt/a/bin/x =1"), ("b", "f opt/b/bin/x =1")];
    assert_eq!(run(&[DEBIAN], &same), NOTHING, "the same content");
    let link = [("a", "f opt/a/bin/x =1"), ("b", "l opt/b/bin/x ->../../a/bin/x")];
    assert_eq!(run(&[DEBIAN], &link), NOTHING, "the same file");
    assert_eq!(run(&[DEBIAN], &[("a", "o opt/a/bin/find")]), NOTHING, "not executable");
    assert_eq!(run(&[DEBIAN], &[("a", "f opt/a/bin/find/x =1")]), NOTHING, "a directory");
    // /bin is /usr/bin, and the base may hide its own.
    let base = format!("{DEBIAN}\nf usr/local/bin/find =local");
    assert_eq!(run(&[&base], &[("a", "f opt/a/x")]), NOTHING);
}

#[test]
fn a_layer_must_not_hide_what_it_needs() {
    let [a, b] = ["f opt/a/bin/x =1", "f opt/b/bin/x =2"]
        .map(|list| super::images::index(list, &Rules::kept(Limits::default())));
    let [of_a, of_b] = ["/opt/a", "/opt/b"].map(|prefix| prefix.parse().unwrap());
    let owns = Owns::default();
    let layers = [("a", &a, &of_a), ("b", &b, &of_b)];
    let layers = layers.map(|(name, index, prefix)| Layer { name, index, prefix, owns: &owns });
    let path = ["/opt/a/bin", "/opt/b/bin"].map(str::to_owned).to_vec();
    let system = System { architecture: "amd64".into(), path, ..System::default() };
    let mut policy = Policy::default();
    policy.set(Code::ShadowCommand.key(), Level::Allow).unwrap();
    assert_eq!(would_run(&BaseView::new(&[]), &layers, &system, &policy), []);
    policy.needs("b", "a");
    assert_eq!(would_run(&BaseView::new(&[]), &layers, &system, &policy), [], "b is hidden, and needs a");
    policy.needs("a", "b");
    let findings = would_run(&BaseView::new(&[]), &layers, &system, &policy);
    assert_eq!((findings[0].severity(), findings[0].policy_key()), (Severity::Error, None));
}
