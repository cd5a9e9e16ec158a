//! Names that only their spelling tells apart (design: collisions, section 8). The pairs are those of Unicode's
//! CaseFolding.txt (full folding) and of UAX #15.

use super::lists::{Set, in_short};
use crate::check::{Level, Policy};

fn found(base: &[&str], layers: &[(&str, &str, &str)]) -> Vec<String> {
    let mut policy = Policy::default();
    policy.set("prefix-overlap", Level::Allow).unwrap();
    let report = Set { base, layers }.check(&policy);
    assert!(report.is_ok(), "a warning by default");
    policy.set("case-only", Level::Deny).unwrap();
    let strict = Set { base, layers }.check(&policy);
    assert_eq!(strict.is_ok(), report.findings.is_empty(), "an error where it is asked for");
    report.findings.iter().map(in_short).collect()
}

#[test]
fn names_that_differ_in_spelling_only_are_told() {
    for (reason, a, b) in [
        ("case-fold", "f opt/README", "f opt/readme"),
        ("case-fold", "f opt/Ä", "f opt/ä"),
        ("case-fold", "f opt/Straße", "f opt/STRASSE"),
        ("case-fold", "f opt/ΛΌΓΟΣ", "f opt/λόγος"),
        ("case-fold", "d opt/A", "l opt/a ->x"),
        ("case-fold", "f opt/A/x", "f opt/a/y"),
        ("case-fold", "f opt/A/x/y\nf opt/A/x/z", "f opt/a/x/y"),
        ("unicode-normal-form", "f opt/\u{e9}", "f opt/e\u{301}"),
        ("case-fold", "f opt/\u{c9}", "f opt/e\u{301}"),
    ] {
        let name =
            |list: &str| list.lines().next().unwrap().split(' ').nth(1).unwrap().split('/').nth(1).unwrap().to_owned();
        for (lower, upper) in [(a, b), (b, a)] {
            let layers = [("a", "/opt", lower), ("b", "/opt", upper)];
            let found = found(&[], &layers);
            assert_eq!(found.len(), 1, "{a} | {b}: {found:?}");
            let path = format!("/opt/{}", name(lower));
            let path = oci_merge_image::LayerPath::parse(path.as_bytes()).unwrap();
            assert_eq!(found[0], format!("OM0209 {reason} {path} a b"));
        }
    }
}

#[test]
fn others_are_not() {
    for (a, b) in [
        ("f opt/a", "f opt/b"),
        ("f opt/x/A", "f opt/y/a"),
        ("f opt/ı", "f opt/I"), // dotless: full folding keeps them apart, and so does everybody but the Turks
    ] {
        let layers = [("a", "/opt", a), ("b", "/opt", b)];
        assert!(!found(&[], &layers).iter().any(|f| f.contains("OM0209")), "{a} | {b}");
    }
    // One owner's own business: the kernel's headers have xt_MARK.h and xt_mark.h.
    assert!(found(&[], &[("a", "/opt", "f opt/A\nf opt/a"), ("b", "/opt", "f opt/c")]).is_empty());
    assert!(found(&["f etc/A\nf etc/a"], &[("b", "/opt", "f opt/c")]).is_empty());
}

#[test]
fn the_base_takes_part_and_so_does_everyone_else() {
    let layers = [("a", "/opt", "f opt/Tool\nf opt/tool"), ("b", "/opt", "f opt/TOOL"), ("c", "/opt", "f opt/other")];
    assert_eq!(found(&["f opt/tOOL"], &layers), ["OM0209 case-fold /opt/tOOL base a b"]);
}

#[test]
fn a_backslash_is_told_once_a_layer() {
    let layers = [("a", "/opt", "f opt/x\\y\nf opt/z\\1\nf opt/z"), ("b", "/opt", "f opt/c")];
    assert_eq!(found(&[], &layers), ["OM0209 backslash /opt/x\\\\y a"]);
}
