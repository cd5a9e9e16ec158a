//! Every row and bullet of the rules, with verdicts worked out by hand from them (design: collisions, sections 4 to 7).
//! Long because it is one table: a few lines a case, and nothing else.

use super::lists::{Set, in_short};
use crate::check::{Level, Policy};

/// Why it is so; the base's layers; the layers; what is found.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str, &'static str)],
    &'static [&'static str],
);

/// With `prefix-overlap = "allow"`, so that the prefix `/opt` may be everybody's.
fn assert_cases(cases: &[Case]) {
    let mut policy = Policy::default();
    policy.set("prefix-overlap", Level::Allow).unwrap();
    assert_cases_by(&policy, cases);
}

fn assert_cases_by(policy: &Policy, cases: &[Case]) {
    for (why, base, layers, expected) in cases {
        let found: Vec<_> = Set { base, layers }.check(policy).findings.iter().map(in_short).collect();
        assert_eq!(found, *expected, "{why}");
    }
}

/// The table: one layer has the first list, another the second. Either order finds the same.
fn assert_pairs(cases: &[(&str, &str, &str, &[&str])]) {
    let mut policy = Policy::default();
    policy.set("prefix-overlap", Level::Allow).unwrap();
    for (why, a, b, expected) in cases {
        for layers in [[("a", "/opt", *a), ("b", "/opt", *b)], [("b", "/opt", *b), ("a", "/opt", *a)]] {
            let report = Set { base: &[], layers: &layers }.check(&policy);
            let found: Vec<_> = report.findings.iter().map(in_short).collect();
            assert_eq!(found, *expected, "{why}: {a} | {b}");
        }
    }
}

#[test]
fn two_claims_on_one_path() {
    assert_pairs(&[
        ("equal directories", "d opt/x 0750 1:2", "d opt/x 0750 1:2", &[]),
        ("times of directories", "d opt/x @1", "d opt/x @2", &[]),
        ("mode", "d opt/x 0750", "d opt/x 0755", &["OM0204 /opt/x a b"]),
        ("uid", "d opt/x 0755 1:0", "d opt/x", &["OM0204 /opt/x a b"]),
        ("gid", "d opt/x 0755 0:1", "d opt/x", &["OM0204 /opt/x a b"]),
        ("sticky", "d opt/x 1755", "d opt/x", &["OM0204 /opt/x a b"]),
        ("xattr", "d opt/x +user.a:1", "d opt/x", &["OM0204 /opt/x a b"]),
        ("xattr's value", "d opt/x +user.a:1", "d opt/x +user.a:2", &["OM0204 /opt/x a b"]),
        ("directory, file", "d opt/x", "f opt/x", &["OM0203 /opt/x a b"]),
        ("directory, symlink", "d opt/x", "l opt/x ->y", &["OM0208 /opt/x a b"]),
        ("directory, FIFO", "d opt/x", "p opt/x", &["OM0203 /opt/x a b"]),
        ("both imply it", "f opt/x/a", "f opt/x/b", &[]),
        ("one implies it", "d opt/x\nf opt/x/a", "f opt/x/b", &[]),
        ("implied, file", "f opt/x/a", "f opt/x", &["OM0203 /opt/x a b"]),
        ("implied, symlink", "f opt/x/a", "l opt/x ->y", &["OM0208 /opt/x a b"]),
        ("implied, FIFO", "f opt/x/a", "p opt/x", &["OM0203 /opt/x a b"]),
        ("implied high above, file", "f opt/x/a/b/c", "f opt/x", &["OM0203 /opt/x a b"]),
        ("equal files", "f opt/x 0600 1:2 =a", "f opt/x 0600 1:2 =a", &["OM0202 /opt/x a b"]),
        ("equal xattrs", "f opt/x +user.a:1 +user.b:2", "f opt/x +user.b:2 +user.a:1", &["OM0202 /opt/x a b"]),
        ("times", "f opt/x @1", "f opt/x @2", &["OM0202 mtime-differs /opt/x a b"]),
        ("content", "f opt/x =a", "f opt/x =b", &["OM0201 /opt/x a b"]),
        ("size", "f opt/x =a", "f opt/x =aa", &["OM0201 /opt/x a b"]),
        ("mode of files", "f opt/x 0644", "f opt/x 0755", &["OM0201 /opt/x a b"]),
        ("setuid", "f opt/x 4755", "f opt/x 0755", &["OM0201 /opt/x a b"]),
        ("uid of files", "f opt/x 0644 1:0", "f opt/x", &["OM0201 /opt/x a b"]),
        ("gid of files", "f opt/x 0644 0:1", "f opt/x", &["OM0201 /opt/x a b"]),
        ("xattrs of files", "f opt/x +user.a:1", "f opt/x", &["OM0201 /opt/x a b"]),
        ("file, symlink", "f opt/x", "l opt/x ->y", &["OM0203 /opt/x a b"]),
        ("file, FIFO", "f opt/x", "p opt/x", &["OM0203 /opt/x a b"]),
        ("equal symlinks", "l opt/x ->y", "l opt/x ->y", &["OM0202 /opt/x a b"]),
        ("modes of symlinks are ignored", "l opt/x 0777 ->y", "l opt/x 0755 ->y", &["OM0202 /opt/x a b"]),
        ("times of symlinks", "l opt/x ->y @1", "l opt/x ->y @2", &["OM0202 /opt/x a b"]),
        ("targets", "l opt/x ->y", "l opt/x ->z", &["OM0201 /opt/x a b"]),
        ("no guessing about targets", "l opt/x ->y", "l opt/x ->./y", &["OM0201 /opt/x a b"]),
        ("owner of symlinks", "l opt/x ->y 0777 1:0", "l opt/x ->y", &["OM0201 /opt/x a b"]),
        ("xattrs of symlinks", "l opt/x ->y +user.a:1", "l opt/x ->y", &["OM0201 /opt/x a b"]),
        ("symlink, FIFO", "l opt/x ->y", "p opt/x", &["OM0203 /opt/x a b"]),
        ("equal FIFOs", "p opt/x", "p opt/x", &["OM0202 /opt/x a b"]),
        ("modes of FIFOs", "p opt/x 0600", "p opt/x", &["OM0201 /opt/x a b"]),
        ("owners of FIFOs", "p opt/x 0644 0:1", "p opt/x", &["OM0201 /opt/x a b"]),
        ("xattrs of FIFOs", "p opt/x +user.a:1", "p opt/x", &["OM0201 /opt/x a b"]),
    ]);
}

#[test]
fn names_of_one_inode() {
    let linked = "f opt/x =a\nh opt/y ->opt/x";
    assert_pairs(&[
        ("equal groups", linked, linked, &["OM0202 /opt/x a b", "OM0202 /opt/y a b"]),
        (
            "the first name does not matter",
            linked,
            "f opt/y =a\nh opt/x ->opt/y",
            &["OM0202 /opt/x a b", "OM0202 /opt/y a b"],
        ),
        ("link and copy", linked, "f opt/x =a\nf opt/y =a", &["OM0201 /opt/x a b", "OM0201 /opt/y a b"]),
        ("half a group", linked, "f opt/x =a", &["OM0201 /opt/x a b"]),
        (
            "a name more",
            linked,
            "f opt/x =a\nh opt/y ->opt/x\nh opt/z ->opt/x",
            &["OM0201 /opt/x a b", "OM0201 /opt/y a b"],
        ),
        ("another name", linked, "f opt/x =a\nh opt/z ->opt/x", &["OM0201 /opt/x a b"]),
        (
            "two groups of equal size",
            "f opt/x\nh opt/y ->opt/x\nf opt/z\nh opt/w ->opt/z",
            "f opt/x\nh opt/z ->opt/x\nf opt/y\nh opt/w ->opt/y",
            &["OM0201 /opt/w a b", "OM0201 /opt/x a b", "OM0201 /opt/y a b", "OM0201 /opt/z a b"],
        ),
        (
            "symlinks",
            "l opt/x ->t\nh opt/y ->opt/x",
            "l opt/x ->t\nl opt/y ->t",
            &["OM0201 /opt/x a b", "OM0201 /opt/y a b"],
        ),
        ("FIFOs", "p opt/x\nh opt/y ->opt/x", "p opt/x\np opt/y", &["OM0201 /opt/x a b", "OM0201 /opt/y a b"]),
    ]);
}

#[test]
fn implied_against_explicit() {
    assert_pairs(&[
        ("mode", "d opt/x 0700", "f opt/x/b", &["OM0204 IMPLIED_DIR_ATTRS /opt/x a b"]),
        ("owner", "d opt/x 0755 1:0", "f opt/x/b", &["OM0204 IMPLIED_DIR_ATTRS /opt/x a b"]),
        ("xattr", "d opt/x +user.a:1", "f opt/x/b", &["OM0204 IMPLIED_DIR_ATTRS /opt/x a b"]),
        ("high above", "d opt/x 0700", "d opt/x/b/c", &["OM0204 IMPLIED_DIR_ATTRS /opt/x a b"]),
        (
            "two levels",
            "d opt/x 0700\nd opt/x/b 0700",
            "f opt/x/b/c",
            &["OM0204 IMPLIED_DIR_ATTRS /opt/x a b", "OM0204 IMPLIED_DIR_ATTRS /opt/x/b a b"],
        ),
        ("its own children do not matter", "d opt/x 0700\nf opt/x/a", "f opt/y", &[]),
        ("a name that begins like it", "d opt/x 0700\nf opt/x/a", "f opt/x.d/b\nf opt/xy/c", &[]),
    ]);
    assert_cases(&[
        (
            "the base's directory",
            &["d tmp 1777"],
            &[("a", "/opt /tmp", "f tmp/f")],
            &["OM0204 IMPLIED_DIR_ATTRS /tmp base a"],
        ),
        (
            "the base implies it",
            &["f opt/b"],
            &[("a", "/opt", "d opt 0700")],
            &["OM0204 IMPLIED_DIR_ATTRS /opt base a"],
        ),
        ("the base implies a plain one", &["f opt/b"], &[("a", "/opt", "d opt")], &[]),
        (
            "what any layer of the base had counts",
            &["d opt/s 0700", "d opt/s"],
            &[("a", "/opt", "f opt/s/f")],
            &["OM0204 IMPLIED_DIR_ATTRS /opt/s base a"],
        ),
        (
            "who has an entry does not rely on it",
            &["d opt/s 0700", "d opt/s"],
            &[("a", "/opt", "d opt/s\nf opt/s/f")],
            &[],
        ),
        (
            "all who imply it, all who have it odd",
            &["d opt 0711"],
            &[
                ("a", "/opt", "d opt 0711"),
                ("b", "/opt", "d opt 0711\nd opt/x"),
                ("c", "/opt", "f opt/c"),
                ("d", "/opt", "f opt/d"),
            ],
            &["OM0204 IMPLIED_DIR_ATTRS /opt base a b c d"],
        ),
        (
            "a plain claim takes no part",
            &[],
            &[("a", "/opt", "d opt/x 0700"), ("b", "/opt", "d opt/x"), ("c", "/opt", "f opt/x/c")],
            &["OM0204 /opt/x a b", "OM0204 IMPLIED_DIR_ATTRS /opt/x a c"],
        ),
        (
            "a base's directory that whiteouts emptied is still there",
            &["f opt/s/f", "w opt/s/.wh.f"],
            &[("a", "/opt", "d opt/s 0700")],
            &["OM0204 IMPLIED_DIR_ATTRS /opt/s base a"],
        ),
        (
            "and is a directory to a file",
            &["f opt/s/t/f", "w opt/s/t/.wh.f"],
            &[("a", "/opt", "f opt/s")],
            &["OM0203 /opt/s base a"],
        ),
        ("one that was deleted as well is not", &["f opt/s/t/f", "w opt/.wh.s"], &[("a", "/opt", "f opt/s")], &[]),
    ]);
}

#[test]
fn implied_where_the_base_deleted_or_replaced() {
    let whiteout = "OM0207 IMPLIED_DIR_WHITEOUT";
    assert_eq!(whiteout, format!("OM0207 {}", crate::check::IMPLIED_DIR_WHITEOUT));
    assert_cases(&[
        (
            "at a whiteout",
            &["d opt/s", "w opt/.wh.s"],
            &[("a", "/opt", "f opt/s/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s base a"],
        ),
        ("written down", &["d opt/s", "w opt/.wh.s"], &[("a", "/opt", "d opt/s\nf opt/s/f")], &[]),
        (
            "below a whiteout",
            &["d opt/s/t", "w opt/.wh.s"],
            &[("a", "/opt", "d opt/s\nf opt/s/t/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s/t base a"],
        ),
        (
            "written down, parents first",
            &["d opt/s/t", "w opt/.wh.s"],
            &[("a", "/opt", "d opt/s\nd opt/s/t\nf opt/s/t/f")],
            &[],
        ),
        (
            "written down too late",
            &["d opt/s", "w opt/.wh.s"],
            &[("a", "/opt", "f opt/s/f\nd opt/s")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s base a"],
        ),
        (
            "too late below",
            &["d opt/s", "w opt/.wh.s"],
            &[("a", "/opt", "d opt/s\nf opt/s/t/f\nd opt/s/t")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s/t base a"],
        ),
        ("too late elsewhere", &["d opt/s", "w opt/.wh.s"], &[("a", "/opt", "f opt/r/f\nd opt/r")], &[]),
        (
            "below an opaque directory",
            &["d opt/s", "d opt\nw opt/.wh..wh..opq"],
            &[("a", "/opt", "f opt/s/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s base a"],
        ),
        ("at an opaque directory", &["d opt/s", "d opt\nw opt/.wh..wh..opq"], &[("a", "/opt", "f opt/f")], &[]),
        (
            "below an opaque root",
            &["d opt/s", "w .wh..wh..opq"],
            &[("a", "/opt", "f opt/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt base a"],
        ),
        (
            "below a file that became a directory",
            &["f opt/s", "d opt/s"],
            &[("a", "/opt", "f opt/s/d/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s/d base a"],
        ),
        ("at a file that became a directory", &["f opt/s", "d opt/s"], &[("a", "/opt", "f opt/s/f")], &[]),
        (
            "at a file that was deleted",
            &["f opt/s", "w opt/.wh.s"],
            &[("a", "/opt", "f opt/s/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s base a"],
        ),
        (
            "below a symlink that a layer wrote through",
            &["l opt/s ->t", "f opt/s/x"],
            &[("a", "/opt", "f opt/s/d/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s/d base a", "OM0221 TAR_THROUGH_SYMLINK /opt/s/x base"],
        ),
        (
            "one finding for one cause, the outermost",
            &["d opt/s", "w opt/.wh.s"],
            &[("a", "/opt", "f opt/s/t/u/f\nf opt/s/v/f"), ("b", "/opt", "d opt/s\nf opt/s/b/f")],
            &["OM0207 IMPLIED_DIR_WHITEOUT /opt/s base a b"],
        ),
        (
            "the whole of a deleted directory is gone",
            &["d opt/s 0700\nf opt/s/x", "w opt/.wh.s"],
            &[("a", "/opt", "f opt/s")],
            &[],
        ),
    ]);
}

#[test]
fn implied_below_setgid() {
    assert_pairs(&[
        (
            "both have it",
            "d opt/s 2775 0:50",
            "d opt/s 2775 0:50\nf opt/s/d/f",
            &["OM0204 IMPLIED_DIR_SETGID /opt/s/d a b"],
        ),
        ("its own", "d opt/s 2755\nf opt/s/d/f", "f opt/y", &["OM0204 IMPLIED_DIR_SETGID /opt/s/d a"]),
        ("explicit below", "d opt/s 2755\nd opt/s/d\nf opt/s/d/f", "f opt/y", &[]),
        ("a file directly below", "d opt/s 2755\nf opt/s/f", "f opt/y", &[]),
        ("far below", "d opt/s 2755\nd opt/s/t\nf opt/s/t/d/f", "f opt/y", &["OM0204 IMPLIED_DIR_SETGID /opt/s/t/d a"]),
        ("setuid is another bit", "d opt/s 4755\nf opt/s/d/f", "f opt/y", &[]),
        (
            "two causes, told together",
            "d opt/s 2755\nd opt/s/t 2755\nf opt/s/t/d/f",
            "d opt/s 2755\nd opt/s/t 2755\nf opt/s/e/f",
            &["OM0204 IMPLIED_DIR_SETGID /opt/s/e a b"],
        ),
    ]);
    assert_cases(&[
        (
            "the base's",
            &["d opt/s 2775 0:50"],
            &[("a", "/opt", "d opt/s 2775 0:50\nf opt/s/d/f")],
            &["OM0204 IMPLIED_DIR_SETGID /opt/s/d base a"],
        ),
        ("the base's root", &["d ./ 2755"], &[("a", "/opt", "f opt/f")], &["OM0204 IMPLIED_DIR_SETGID /opt base a"]),
        (
            "what the base replaced does not count",
            &["d opt/s 2755", "d opt/s"],
            &[("a", "/opt", "d opt/s\nf opt/s/d/f")],
            &[],
        ),
        ("what the base implies does not matter", &["d opt/s 2755\nf opt/s/d/f"], &[("a", "/opt", "f opt/y")], &[]),
    ]);
}

#[test]
fn the_base_is_replaced() {
    assert_cases(&[
        ("a file", &["f etc/motd =1"], &[("a", "/opt /etc", "f etc/motd =2")], &["OM0206 /etc/motd base a"]),
        ("an equal file", &["f etc/motd =1"], &[("a", "/opt /etc", "f etc/motd =1")], &["OM0202 /etc/motd base a"]),
        (
            "by something of another kind",
            &["l bin/sh ->dash"],
            &[("a", "/opt /bin", "f bin/sh")],
            &["OM0206 /bin/sh base a"],
        ),
        ("a device", &["c dev/x"], &[("a", "/opt /dev", "f dev/x")], &["OM0206 /dev/x base a"]),
        ("a directory by a file", &["d etc/x"], &[("a", "/opt /etc", "f etc/x")], &["OM0203 /etc/x base a"]),
        ("a directory that is implied", &["f etc/x/y"], &[("a", "/opt /etc", "f etc/x")], &["OM0203 /etc/x base a"]),
        ("a directory by a symlink", &["d etc/x"], &[("a", "/opt /etc", "l etc/x ->y")], &["OM0208 /etc/x base a"]),
        ("a file by a directory", &["f etc/x"], &[("a", "/opt /etc", "d etc/x")], &["OM0203 /etc/x base a"]),
        ("a directory's attributes", &["d etc/x"], &[("a", "/opt /etc", "d etc/x 0700")], &["OM0204 /etc/x base a"]),
        (
            "by two",
            &["f etc/x =1"],
            &[("a", "/opt /etc", "f etc/x =1"), ("b", "/opt /etc", "f etc/x =2")],
            &["OM0201 /etc/x a b", "OM0206 /etc/x base b"],
        ),
        ("deleted before", &["f etc/x =1", "w etc/.wh.x"], &[("a", "/opt /etc", "d etc\nf etc/x =2")], &[]),
        (
            "hidden before",
            &["f etc/x =1", "d etc\nw etc/.wh..wh..opq\nf etc/y"],
            &[("a", "/opt /etc", "d etc\nf etc/x =2")],
            &[],
        ),
        (
            "refilled after",
            &["f etc/x =1", "d etc\nw etc/.wh..wh..opq\nf etc/x =3"],
            &[("a", "/opt /etc", "d etc\nf etc/x =2")],
            &["OM0206 /etc/x base a"],
        ),
        (
            "the whiteout is for lower layers, wherever it stands",
            &["f etc/x =1", "f etc/x =3\nw etc/.wh.x"],
            &[("a", "/opt /etc", "d etc\nf etc/x =2")],
            &["OM0206 /etc/x base a"],
        ),
        (
            "a lower layer's whiteout is past",
            &["d etc\nw etc/.wh.x", "f etc/x =1"],
            &[("a", "/opt /etc", "d etc\nf etc/x =2")],
            &["OM0206 /etc/x base a"],
        ),
        (
            "replaced by a file, with all that was in it",
            &["f etc/x/y =1", "f etc/x", "w etc/.wh.x"],
            &[("a", "/opt /etc", "d etc\nd etc/x\nf etc/x/y =2")],
            &[],
        ),
        (
            "half a link group of the base",
            &["f etc/x =1\nh etc/y ->etc/x"],
            &[("a", "/opt /etc", "f etc/x =1")],
            &["OM0206 /etc/x base a"],
        ),
    ]);
}

#[test]
fn symlinks_are_not_gone_through() {
    assert_cases(&[
        ("usr-merge", &["l lib ->usr/lib\nd usr/lib"], &[("a", "/opt /lib", "f lib/x.so")], &["OM0208 /lib base a"]),
        (
            "usr-merge, written down",
            &["l lib ->usr/lib\nd usr/lib"],
            &[("a", "/opt /lib", "d lib\nf lib/x.so")],
            &["OM0208 /lib base a"],
        ),
        ("/opt itself", &["l opt ->usr/opt"], &[("a", "/opt/a", "f opt/a/f")], &["OM0208 /opt base a"]),
        (
            "another's prefix",
            &[],
            &[("a", "/opt", "l opt/b ->a"), ("b", "/opt/b", "d opt/b\nf opt/b/f")],
            &["OM0208 /opt/b a b"],
        ),
        (
            "a link that points into another layer",
            &[],
            &[("a", "/opt/a", "l opt/a/l ->../b/f"), ("b", "/opt/b", "f opt/b/f")],
            &[],
        ),
        (
            "two links and a directory",
            &[],
            &[("a", "/opt", "l opt/x ->y"), ("b", "/opt", "l opt/x ->z"), ("c", "/opt", "f opt/x/f")],
            &["OM0201 /opt/x a b", "OM0208 /opt/x a b c"],
        ),
        (
            "a link, a file and a directory",
            &[],
            &[("a", "/opt", "l opt/x ->y"), ("b", "/opt", "f opt/x"), ("c", "/opt", "d opt/x")],
            &["OM0203 /opt/x a b c", "OM0208 /opt/x a c"],
        ),
    ]);
}

#[test]
fn the_root() {
    assert_cases(&[
        ("plain, and none", &[], &[("a", "/opt", "d ./\nf opt/a"), ("b", "/opt", "f opt/b")], &[]),
        ("odd, and no base", &[], &[("a", "/opt", "d ./ 0700")], &["OM0204 / base a"]),
        (
            "odd, and another has none",
            &["d ./ 0555"],
            &[("a", "/opt", "d ./ 0555"), ("b", "/opt", "f opt/b")],
            &["OM0204 IMPLIED_DIR_ATTRS / a b"],
        ),
        ("differs from the base's", &["d ./ 0555"], &[("a", "/opt", "d ./")], &["OM0204 / base a"]),
        ("only the base's is odd", &["d ./ 0555"], &[("a", "/opt", "f opt/a"), ("b", "/opt", "f opt/b")], &[]),
        ("all have it alike", &["d ./ 0555"], &[("a", "/opt", "d ./ 0555"), ("b", "/opt", "d ./ 0555")], &[]),
        ("the last of the base counts", &["d ./", "d ./ 0555"], &[("a", "/opt", "d ./ 0555")], &[]),
        (
            "an access control list of the base",
            &["d ./ +system.posix_acl_default:x"],
            &[("a", "/opt", "f opt/a"), ("b", "/opt", "d ./ +system.posix_acl_default:x")],
            &["OM0204 IMPLIED_DIR_ATTRS / base a b"],
        ),
        ("an xattr", &[], &[("a", "/opt", "d ./ +user.a:1")], &["OM0204 / base a"]),
    ]);
}

#[test]
fn entries_outside_the_prefix() {
    assert_cases(&[
        ("elsewhere", &[], &[("a", "/opt/a", "f opt/a/f\nf etc/x")], &["OM0205 TOOL_OUTSIDE_PREFIX /etc/x a"]),
        ("a name that begins like it", &[], &[("a", "/opt/a", "f opt/ab")], &["OM0205 TOOL_OUTSIDE_PREFIX /opt/ab a"]),
        ("the directories above it", &[], &[("a", "/opt/a/b", "d opt\nd opt/a\nd opt/a/b\nf opt/a/b/c")], &[]),
        (
            "a directory above it that is a link",
            &[],
            &[("a", "/opt/a/b", "l opt ->x")],
            &["OM0205 TOOL_OUTSIDE_PREFIX /opt a"],
        ),
        (
            "what it owns",
            &[],
            &[("a", "/opt/a /etc/a /usr/bin/*", "d etc\nd etc/a\nf etc/a/x\nd usr\nd usr/bin\nf usr/bin/x")],
            &[],
        ),
        (
            "what a glob does not reach",
            &[],
            &[("a", "/opt/a /usr/bin/*", "f usr/lib/x")],
            &["OM0205 TOOL_OUTSIDE_PREFIX /usr/lib/x a"],
        ),
        (
            "the way to what a glob reaches",
            &[],
            &[("a", "/opt/a /usr/**/x", "d usr\nd usr/l\nf usr/l/x\nd usr/m")],
            &["OM0205 TOOL_OUTSIDE_PREFIX /usr/m a"],
        ),
        (
            "a directory is told by what is in it",
            &[],
            &[("a", "/opt/a", "d etc\nd etc/x\nf etc/x/y\nf etc/x/z\nd var")],
            &[
                "OM0205 TOOL_OUTSIDE_PREFIX /etc/x/y a",
                "OM0205 TOOL_OUTSIDE_PREFIX /etc/x/z a",
                "OM0205 TOOL_OUTSIDE_PREFIX /var a",
            ],
        ),
        (
            "what collides is told once",
            &["f etc/x =1"],
            &[("a", "/opt/a", "f etc/x =2\nf etc/y")],
            &["OM0206 /etc/x base a", "OM0205 TOOL_OUTSIDE_PREFIX /etc/y a"],
        ),
        (
            "what is identical is told as both",
            &["f etc/x =1"],
            &[("a", "/opt/a", "f etc/x =1")],
            &["OM0202 /etc/x base a", "OM0205 TOOL_OUTSIDE_PREFIX /etc/x a"],
        ),
    ]);
    let mut policy = Policy::default();
    policy.set("shadow-base", Level::Warn).unwrap();
    assert_cases_by(
        &policy,
        &[(
            "a warning does not stand for an error",
            &["f etc/x =1"],
            &[("a", "/opt/a", "f etc/x =2")],
            &["OM0205 TOOL_OUTSIDE_PREFIX /etc/x a", "OM0206 /etc/x base a"],
        )],
    );
}

#[test]
fn prefixes() {
    assert_cases_by(
        &Policy::default(),
        &[
            ("apart", &[], &[("a", "/opt/a", "f opt/a/f"), ("b", "/opt/ab", "f opt/ab/f")], &[]),
            ("equal", &[], &[("a", "/opt/x", ""), ("b", "/opt/x", "")], &["OM0211 /opt/x a b"]),
            ("nested", &[], &[("a", "/opt/x/y/z", ""), ("b", "/opt/x", "")], &["OM0211 /opt/x/y/z a b"]),
            ("one owner", &[], &[("a", "/opt/x", "f opt/x/f"), ("a", "/opt/x", "f opt/x/g")], &[]),
            (
                "one owner and another",
                &[],
                &[("a", "/opt/x", ""), ("b", "/opt/x", ""), ("a", "/opt/x", "")],
                &["OM0211 /opt/x a b"],
            ),
            (
                "three",
                &[],
                &[("a", "/opt/x", ""), ("b", "/opt/x/y", ""), ("c", "/opt/x/y/z", "")],
                &["OM0211 /opt/x/y a b", "OM0211 /opt/x/y/z a c", "OM0211 /opt/x/y/z b c"],
            ),
            ("owns in another's", &[], &[("a", "/opt/a /opt/b/x", ""), ("b", "/opt/b", "")], &["OM0211 /opt/b/x a b"]),
            ("owns another's", &[], &[("a", "/opt/a /opt/b", ""), ("b", "/opt/b", "")], &["OM0211 /opt/b a b"]),
            ("owns in its own", &[], &[("a", "/opt/a /opt/a/x", ""), ("b", "/opt/b", "")], &[]),
            (
                "a glob that reaches another's",
                &[],
                &[("a", "/opt/a /opt/*/x", "f opt/a/f\nf opt/b/x\nf opt/c/x"), ("b", "/opt/b", "")],
                &["OM0211 /opt/b/x a b"],
            ),
            (
                "the base below",
                &["d opt\nd opt/node\nf opt/node/bin/node"],
                &[("a", "/opt/node", "d opt\nd opt/node\nf opt/node/x")],
                &["OM0211 BASE_UNDER_PREFIX /opt/node/bin base a"],
            ),
            ("the prefix itself", &["d opt/node"], &[("a", "/opt/node", "d opt/node\nf opt/node/x")], &[]),
            (
                "what the base deleted",
                &["d opt/node\nf opt/node/x", "w opt/node/.wh.x"],
                &[("a", "/opt/node", "d opt/node")],
                &[],
            ),
            (
                "what the base emptied",
                &["d opt/node\nf opt/node/x/y", "w opt/node/x/.wh.y"],
                &[("a", "/opt/node", "d opt/node")],
                &["OM0211 BASE_UNDER_PREFIX /opt/node/x base a"],
            ),
            ("/opt itself", &["d opt\nf opt/other"], &[("a", "/opt", "d opt\nf opt/x")], &[]),
        ],
    );
    let mut policy = Policy::default();
    policy.set("prefix-overlap", Level::Allow).unwrap();
    let base = &["d opt/node\nf opt/node/f"];
    let layers = &[("a", "/opt/node", "d opt/node"), ("b", "/opt/node", "")];
    assert_cases_by(
        &policy,
        &[("not between layers", base, layers, &["OM0211 BASE_UNDER_PREFIX /opt/node/f base a b"])],
    );
    policy.set("shadow-base", Level::Allow).unwrap();
    assert_cases_by(&policy, &[("allowed", base, layers, &[])]);
}

#[test]
fn state_of_the_whole_image() {
    const OWNS: &str = "/opt /etc /var";
    assert_cases(&[
        (
            "two copies",
            &[],
            &[("a", OWNS, "f etc/ld.so.cache =1"), ("b", OWNS, "f etc/ld.so.cache =2")],
            &["OM0210 /etc/ld.so.cache a b"],
        ),
        (
            "a copy and the base's",
            &["f etc/passwd =1"],
            &[("a", OWNS, "f etc/passwd =2")],
            &["OM0210 /etc/passwd base a"],
        ),
        (
            "all told together",
            &["f var/lib/dpkg/status =1"],
            &[("a", OWNS, "f var/lib/dpkg/status =2"), ("b", OWNS, "f var/lib/dpkg/status =3")],
            &["OM0210 /var/lib/dpkg/status base a b"],
        ),
        ("identical", &[], &[("a", OWNS, "f etc/group =1"), ("b", OWNS, "f etc/group =1")], &["OM0202 /etc/group a b"]),
        (
            "alternatives",
            &[],
            &[("a", OWNS, "l etc/alternatives/java ->x"), ("b", OWNS, "l etc/alternatives/java ->y")],
            &["OM0210 /etc/alternatives/java a b"],
        ),
        (
            "kinds are kinds",
            &[],
            &[("a", OWNS, "l etc/passwd ->x"), ("b", OWNS, "f etc/passwd")],
            &["OM0203 /etc/passwd a b"],
        ),
    ]);
}

#[test]
fn a_policy_weighs_what_it_may() {
    use crate::check::Severity;
    let layers = &[("a", "/opt/a /x", "f x =1"), ("b", "/opt/b /x", "f x =2")];
    let set = Set { base: &[], layers };
    let mut policy = Policy::default();
    for (level, severity) in
        [(Level::Warn, Some(Severity::Warning)), (Level::Allow, None), (Level::Deny, Some(Severity::Error))]
    {
        policy.set("collision", level).unwrap();
        let report = set.check(&policy);
        assert_eq!(report.findings.first().map(|f| f.severity()), severity);
        assert_eq!(report.is_ok(), severity != Some(Severity::Error));
    }
}

#[test]
fn whiteouts_in_an_index_are_told() {
    use super::lists::base_layer;
    use crate::check::{BaseView, Layer, Owns, check};
    let index = base_layer("f opt/a/f\nw opt/b/.wh.x");
    let (prefix, owns) = ("/opt/a".parse().unwrap(), Owns::default());
    let layers = [Layer { name: "a", index: &index, prefix: &prefix, owns: &owns }];
    let report = check(&BaseView::new(&[]), &layers, &Policy::default());
    assert_eq!(report.findings.iter().map(in_short).collect::<Vec<_>>(), ["OM0207 TAR_WHITEOUT /opt/b/.wh.x a"]);
}
