//! For each rule a smallest set that it alone keeps out, and that comes out differently in another order or runtime.
//! Found by [`super::theorem`]'s random search and made smaller there, but for the rare ones that were thought of.

use super::lists::items;
use super::rules::Rule::{self, *};
use super::sets::{Set, Sheet};
use super::theorem::is_counterexample;

/// What is left out; the base's layers; the layers.
const COUNTEREXAMPLES: &[(Rule, &[&str], &[&str])] = &[
    (Duplicate, &["f c/a =x", "d c 0700"], &["p c\nd c 0700"]),
    (ThroughSymlink, &[], &["l b ->b\nd b/b"]),
    (ParentNotDirectory, &[], &["f c/a =y\np c/a/a"]),
    (HardLinkTarget, &[], &["h b/b/a ->a/b"]),
    (HardLinkMode, &[], &["f a =x\nh b ->a 0600"]),
    (HardLinkOwner, &[], &["f a =x\nh b ->a 1:0"]),
    (Whiteout, &[], &["w .wh.a\nf a/a =x"]),
    (OpaqueMarker, &[], &["l b/c ->b", "w .wh..wh..opq"]),
    (AccessControlList, &[], &["l a/b/c ->../a\nd a +system.posix_acl_default:2", "d a +system.posix_acl_default:2"]),
    (DirectoryMode, &[], &["d b", "d b 2755"]),
    (DirectoryOwner, &[], &["d a/b/b 2775 0:50", "d a/b/b 2775 1:50"]),
    (DirectoryXattrs, &[], &["d b +user.a:1", "d b"]),
    (DirectoryOrFile, &[], &["f c =x", "d c 2775 0:50"]),
    (DirectoryOrSymlink, &[], &["d c/a", "l c/a ->c"]),
    (DirectoryOrFifo, &[], &["d c", "p c"]),
    (ImpliedOrFile, &["f b =y 0614"], &["d b/b/a"]),
    (ImpliedOrSymlink, &[], &["l a ->/a", "d a/c/b"]),
    (ImpliedOrFifo, &[], &["p c", "p c/c/b"]),
    (FileContent, &[], &["f c =y", "f c =x"]),
    (FileMode, &[], &["f a/a/c =y", "f a/a/c =y 2644"]),
    (FileOwner, &[], &["f a/a/a =x", "f a/a/a =x 0:50"]),
    (FileXattrs, &[], &["f c/b =y", "f c/b =y +user.a:1"]),
    (FileLinks, &[], &["f a/a =x", "f a/a =x\nh a/b/b ->a/a"]),
    (FileOrSymlink, &[], &["f c/c =y +user.a:1\nh b/c/c ->c/c +user.a:1", "l b/c/c ->../a"]),
    (FileOrFifo, &[], &["p c", "f c =x"]),
    (SymlinkTarget, &[], &["l b/c/c ->/a", "l b/c/c ->c"]),
    (SymlinkOwner, &[], &["l b/b/c ->c", "l b/b/c ->c 1:0"]),
    (SymlinkXattrs, &[], &["l c/a/c ->b", "l c/a/c ->b +user.a:2"]),
    (SymlinkLinks, &[], &["l b/b/b ->b", "l b/b/b ->b\nh c/b/b ->b/b/b"]),
    (SymlinkOrFifo, &[], &["p a/b/b", "l a/b/b ->../a +user.a:1"]),
    (FifoMode, &[], &["p a/a/b", "p a/a/b 0614"]),
    (FifoOwner, &[], &["p b", "p b 1:0"]),
    (FifoXattrs, &[], &["p b/b/a", "p b/b/a +user.a:2"]),
    (FifoLinks, &[], &["p a/b/a", "p a/b/a\nh a/a ->a/b/a"]),
    (ImpliedOfLayer, &[], &["l c/a ->b +user.a:1", "d c +user.a:1"]),
    (ImpliedOfBase, &["d b 0705"], &["l b/c ->c"]),
    (ImpliedOfOnceBase, &["d a 0700", "d a"], &["d a", "f a/b"]),
    (Deleted, &["w .wh.c"], &["d c/c/a"]),
    (BelowOpaque, &["d a 2775 0:50\nf a/b/c", "d a\nw a/.wh..wh..opq"], &["d a\nf a/b/a"]),
    (BelowReplaced, &["f b =x", "f b/a =x"], &["d b/b/a"]),
    (Late, &["w .wh.c"], &["d c/a/b 2755 0:50\nd c/a\nd c"]),
    (Setgid, &["d a 2775 0:50"], &["f a/c/b =x 0:50\nd a 2775 0:50"]),
    (SetgidOfOwn, &[], &["d c 2775 0:50\nd c/b/c"]),
    (SetgidRoot, &["d . 2755 0:50"], &["f c/a =x"]),
    (Roots, &[], &["d . 2775 0:50", "d ."]),
    (RootOfOne, &["d . 0705"], &["", "d . 0705"]),
    (RootAccessControlList, &["d . +system.posix_acl_default:2"], &["l a/b ->b 0:50"]),
];

#[test]
fn without_any_one_rule_something_gets_past_the_check() {
    for (rule, base, layers) in COUNTEREXAMPLES {
        let base = base.iter().map(|list| Sheet::of_base(items(list))).collect();
        let layers = layers.iter().map(|list| Sheet::of_layer(items(list))).collect();
        let set = Set { base, layers };
        assert!(is_counterexample(*rule, &set), "{rule:?}: {:?}, {:?}", set.verdict(), set.outcome());
    }
    assert!(COUNTEREXAMPLES.iter().map(|(rule, ..)| *rule).eq(Rule::ALL), "one for each, in order");
}
