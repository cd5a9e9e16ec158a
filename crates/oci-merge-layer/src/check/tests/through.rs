//! Bases that write through symlinks. What becomes of such an entry was tried with umoci, containerd and docker: all
//! follow a link of the same layer; one of a lower layer only those that unpack onto one tree.

use super::lists::{Set, in_short};

const LINK: &str = "d usr\nd usr/lib\nl lib ->usr/lib";
const LAYER: &str = "/opt/a /usr /lib";

fn found(base: &[&str], prefixes: &str, layer: &str) -> Vec<String> {
    let set = Set { base, layers: &[("a", prefixes, layer)] };
    set.check(&Default::default()).findings.iter().map(in_short).collect()
}

const NOTED: &str = "OM0221 TAR_THROUGH_SYMLINK /lib/x base";

#[test]
fn what_a_base_writes_through_a_link_is_where_the_link_leads() {
    let one = format!("{LINK}\nf lib/x =1");
    for base in [&[&*one][..], &[LINK, "f lib/x =1"]] {
        let found = |layer: &str| found(base, LAYER, layer);
        assert_eq!(found("f usr/lib/x =2"), [NOTED, "OM0206 /usr/lib/x base a"]);
        assert_eq!(found("f usr/lib/x =1"), [NOTED, "OM0202 /usr/lib/x base a"]);
        assert_eq!(found("f usr/lib/x/y"), [NOTED, "OM0203 /usr/lib/x base a"]);
        assert_eq!(found("d usr/lib/x"), [NOTED, "OM0203 /usr/lib/x base a"]);
        assert_eq!(found("f usr/lib/y"), [NOTED]);
    }
    // The upper layer says that it is a directory, and so say all.
    assert_eq!(found(&[LINK, "d lib\nf lib/x =1"], LAYER, "f usr/lib/x =2").len(), 0);
    // The link is gone.
    assert_eq!(found(&[LINK, "w .wh.lib", "f lib/x =1"], LAYER, "f usr/lib/x =2").len(), 0);
    // The link came last.
    assert_eq!(found(&["f lib/x =1", LINK], LAYER, "f usr/lib/x =2").len(), 0);
}

#[test]
fn links_are_followed_wherever_they_lead() {
    let finds = |base: &[&str], path: &str| {
        let told = found(base, "/opt/a /usr", &format!("f {path} =2"));
        told.contains(&format!("OM0206 /{path} base a"))
    };
    assert!(finds(&["l a ->b\nl b ->/usr", "f a/x =1"], "usr/x"));
    assert!(finds(&["d d\nl d/l ->../usr/./lib//", "f d/l/e/x =1"], "usr/lib/e/x"));
    assert!(finds(&["l usr ->sys\nl l ->usr/lib\nl sys ->/opt/../sys2", "f l/x =1"], "sys2/lib/x"));
    assert!(finds(&["l l ->../../../usr", "f l/x =1"], "usr/x"), "above the root there is nothing");
    assert!(finds(&["l l ->usr", "d l/x\nl l/x/y ->/gone\nf l/x/y/z =1"], "gone/z"), "a link behind a link");
    assert!(!finds(&["l l ->l", "f l/x =1"], "usr/x"));
}

#[test]
fn a_prefix_that_a_link_of_the_base_leads_to_is_not_free() {
    let base = ["l srv ->/opt/a", "f srv/x =1"];
    assert_eq!(found(&base, "/opt/a", "f opt/a/y")[0], "OM0211 BASE_UNDER_PREFIX /opt/a/x base a");
    assert!(found(&base, "/opt/b", "f opt/b/y").iter().all(|told| told.starts_with("OM0221")));
}
