//! What a person reads and what a program gets.

use super::lists::Set;
use crate::check::{Finding, Policy};
use serde_json::{Value, json};

fn findings(base: &[&str], layers: &[(&str, &str, &str)]) -> Vec<Finding> {
    Set { base, layers }.check(&Policy::default()).findings
}

fn one(base: &[&str], layers: &[(&str, &str, &str)]) -> Finding {
    let mut findings = findings(base, layers);
    assert_eq!(findings.len(), 1, "{findings:?}");
    findings.remove(0)
}

/// Design, collisions: containerd and Docker skip a layer's root entry, umoci applies it; and a runtime that unpacks onto
/// what is there takes no attribute away.
#[test]
fn no_copy_survives_where_it_depends_on_the_runtime() {
    let survivor = |base: &str, layer: &str| {
        let layers = [("a", "/opt/a /srv", layer)];
        one(&[base], &layers).survivor().map(|owner| owner.name().to_owned())
    };
    assert_eq!(survivor("d srv 0700", "d srv"), Some("a".into()));
    assert_eq!(survivor("d srv", "d srv +user.q:1"), Some("a".into()));
    assert_eq!(survivor("d srv +user.q:1", "d srv"), None);
    assert_eq!(survivor("d ./ 0555", "d ./"), None);
}

/// Only the base may have an access control list on the root; without it there is nothing to be left out of layers.
#[test]
fn a_list_on_the_root_of_the_base_is_the_bases() {
    let finding = one(&["d ./ +system.posix_acl_default:x"], &[("a", "/opt/a", "f opt/a/x")]);
    assert_eq!(finding.advice(), "take a base without an access control list on /");
}

#[test]
fn messages_are_sentences() {
    let owns = "/opt/a /root /etc /lib /s";
    let mine = "/opt/b /root /etc /lib /s";
    for (base, a, b, message, advice) in [
        (
            &[][..],
            "f root/x =1",
            "f root/x =2",
            "both a and b write /root/x",
            "leave it out of all layers but one, or agree on which copy counts",
        ),
        (
            &[],
            "f root/x",
            "f root/x",
            "a and b have the same /root/x",
            "nothing need be done; leaving it out of all layers but one saves its bytes",
        ),
        (
            &[],
            "f root/x",
            "l root/x ->y",
            "/root/x is a file in a and a symlink in b",
            "leave it out of all layers but one, or put it under the prefix of its layer",
        ),
        (
            &[],
            "d root 0700",
            "d root",
            "a and b give the directory /root different attributes",
            "give /root the same mode, owner and attributes everywhere, or leave it out",
        ),
        (
            &["d root 0700"],
            "f root/x",
            "d etc",
            "a has no entry for /root, which is not a plain directory in base",
            "give a an entry for /root, with the mode, owner and attributes that it has elsewhere",
        ),
        (
            &["d root +user.q:1"],
            "d root",
            "d etc",
            "base and a give the directory /root different attributes",
            "give /root the same extended attributes everywhere, or put what a has in it elsewhere",
        ),
        (
            &[],
            "d ./ 0700",
            "d ./",
            "base, a and b give the directory / different attributes",
            "leave the entry for / out of the archives of a and b",
        ),
        (&["d s 2755"], "f s/d/x", "d etc", "", ""),
        (
            &["f etc/x =1"],
            "f etc/x =2",
            "d etc",
            "a replaces the base's /etc/x",
            "leave it out, or put the layer's own copy under its prefix",
        ),
        (
            &["l lib ->usr/lib"],
            "f lib/x",
            "f etc/y",
            "a has a directory at /lib, and base a symlink to usr/lib",
            "move the files of a in /lib to /usr/lib",
        ),
        (
            &["f root/x", "w root/.wh.x"],
            "f root/x/y",
            "d etc",
            "a has no entry for /root/x, and the base once deleted it",
            "give a an entry for /root/x, before the entries in it",
        ),
        (
            &["f root/x", "d root/x"],
            "f root/x/d/y",
            "d etc",
            "a has no entry for /root/x/d, and the base once had something other than a directory at /root/x",
            "give a an entry for /root/x/d, before the entries in it",
        ),
        (
            &[],
            "f etc/ld.so.cache =1",
            "f etc/ld.so.cache =2",
            "both a and b write /etc/ld.so.cache, which cannot be merged",
            "leave it out of the layers",
        ),
        (
            &[],
            "f usr/x",
            "d etc",
            "a writes /usr/x outside /opt/a",
            "put it under the prefix, leave it out, or name it in what a owns",
        ),
        (
            &["f opt/b/x/y"],
            "d etc",
            "d lib",
            "the base has /opt/b/x in /opt/b, the prefix of b",
            "give b another prefix, or take a base without it",
        ),
    ] {
        if message.is_empty() {
            let told: Vec<_> = findings(base, &[("a", owns, a), ("b", mine, b)]).iter().map(Finding::message).collect();
            assert_eq!(
                told,
                [
                    "a has no entry for /s, which is not a plain directory in base",
                    "a has no entry for /s/d, and /s above it is setgid in base",
                ]
            );
            continue;
        }
        let finding = one(base, &[("a", owns, a), ("b", mine, b)]);
        assert_eq!((finding.message().as_str(), finding.advice().as_str()), (message, advice));
    }
}

#[test]
fn prefixes_are_told_by_how_they_overlap() {
    let told = |a: &str, b: &str| one(&[], &[("a", a, ""), ("b", b, "")]).message();
    assert_eq!(told("/opt/x", "/opt/x"), "a and b have the prefix /opt/x");
    assert_eq!(told("/opt/x/y", "/opt/x"), "the prefix /opt/x/y of a lies in the prefix /opt/x of b");
    assert_eq!(told("/opt/x /opt/y/z", "/opt/y"), "a owns /opt/y/z, which lies in the prefix of b");
}

#[test]
fn many_are_counted() {
    let lists: Vec<(String, String)> = (0..8).map(|n| (format!("l{n}"), format!("f root/x ={n}"))).collect();
    let prefixes: Vec<String> = (0..8).map(|n| format!("/opt/{n} /root")).collect();
    let layers: Vec<_> =
        lists.iter().zip(&prefixes).map(|((name, list), prefix)| (&**name, &**prefix, &**list)).collect();
    assert_eq!(one(&[], &layers).message(), "l0, l1, l2, l3 and 4 others write /root/x");
}

#[test]
fn the_text_says_who_what_and_which_would_survive() {
    let finding = one(
        &[],
        &[
            ("python", "/opt/python /root", "f root/.profile 0644 =1"),
            ("rust", "/opt/rust /root", "f root/.profile 0600 5:6 =22"),
        ],
    );
    // printf 1 | sha256sum; printf 22 | sha256sum
    assert_eq!(
        finding.to_string(),
        "error[OM0201]: both python and rust write /root/.profile
     python   file 0644 root:root  1 B  sha256:6b86b273ff34…
     rust     file 0600 5:6  2 B  sha256:785f3ec7eb32…
     rust is the uppermost, so its copy would be the one in the image.
  fix: leave it out of all layers but one, or agree on which copy counts"
    );
}

#[test]
fn names_are_shown_escaped() {
    let finding =
        one(&[], &[("a\x1b[2J", "/opt/a /x", "f x/\x1b]0;\u{202e} =1"), ("b", "/opt/b /x", "f x/\x1b]0;\u{202e} =2")]);
    let text = finding.to_string() + &finding.message() + &finding.advice();
    assert!(text.contains("a\\x1b[2J") && text.contains("/x/\\x1b]0;\\u{202e}"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{text:?}");
}

#[test]
fn the_json_has_the_published_shape() {
    let finding = one(
        &[],
        &[
            ("python", "/opt/python /root", "f root/.profile =1"),
            ("rust", "/opt/rust /root", "f root/.profile 0755 5:6 =22 +user.a:1\nh root/x 0755 5:6 ->root/.profile"),
        ],
    );
    assert_eq!(
        serde_json::to_value(&finding).unwrap(),
        json!({
            "code": "OM0201",
            "severity": "error",
            "message": "both python and rust write /root/.profile",
            "path": "/root/.profile",
            "layers": [
                {"name": "python", "type": "file", "mode": "0644", "uid": 0, "gid": 0, "size": 1,
                 "digest": "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"},
                {"name": "rust", "type": "file", "mode": "0755", "uid": 5, "gid": 6, "size": 2,
                 "digest": "sha256:785f3ec7eb32f30b90cd0fcf3657d388b5ff4297f2f9716ff66e9b69c05ddd09",
                 "xattrs": ["user.a"], "link_count": 2, "links": ["/root/.profile", "/root/x"]},
            ],
            "winner_if_allowed": "rust",
            "fixes": [{"title": "leave it out of all layers but one, or agree on which copy counts"}],
        })
    );
}

#[test]
fn the_json_of_what_has_no_copy() {
    let json = |base: &[&str], list: &str| serde_json::to_value(one(base, &[("a", "/opt/a /root", list)])).unwrap();
    let implied = json(&["d root 0700"], "f root/x");
    assert_eq!(implied["reason"], "IMPLIED_DIR_ATTRS");
    assert_eq!(implied["layers"][1], json!({"name": "a", "type": "implied-directory"}));
    assert_eq!(implied["winner_if_allowed"], Value::Null);
    let link = json(&["l root ->usr/root"], "f root/x");
    assert_eq!(link["layers"][0], json!({"name": "base", "type": "symlink", "uid": 0, "gid": 0, "target": "usr/root"}));
    let below = json(&["f opt/a/x/y\nf opt/a/z"], "f opt/a/f");
    assert_eq!((&below["path"], &below["more"]), (&json!("/opt/a/x"), &json!(2)));
    assert_eq!(below["layers"][1], json!({"name": "a", "path": "/opt/a", "type": "prefix"}));
}

#[test]
fn a_path_that_is_not_utf_8_comes_as_bytes_too() {
    use super::lists::layer;
    use crate::check::{BaseView, Layer, Owns, check};
    use crate::{Body, Entry, IndexBuilder, Time, Xattrs};
    use oci_merge_image::{DiffId, Digest, LayerPath};
    let mut index = IndexBuilder::default();
    let path = LayerPath::parse(b"x/\xff").unwrap();
    let entry =
        Entry { path, body: Body::Fifo, mode: 0, uid: 0, gid: 0, mtime: Time::default(), xattrs: Xattrs::new() };
    index.push(&entry, None, None).unwrap();
    let index = index.finish(Digest::of(b""), DiffId(Digest::of(b""))).unwrap();
    let empty = layer("");
    assert!(empty.is_empty());
    let (prefix, owns) = ("/opt/a".parse().unwrap(), Owns::default());
    let layers = [Layer { name: "a", index: &index, prefix: &prefix, owns: &owns }];
    let report = check(&BaseView::new(&[]), &layers, &Policy::default());
    let json = serde_json::to_value(&report.findings[0]).unwrap();
    // printf '/x/\377' | base64
    assert_eq!((&json["path"], &json["path_b64"]), (&json!("/x/\\xff"), &json!("L3gv/w==")));
}

#[test]
fn refusals_keep_their_reason() {
    use crate::Error;
    let finding = Finding::refused("python", &Error::refused("TAR_PAX_SIZE", "PAX says 3, the header 4"));
    assert_eq!(
        (finding.code().as_str(), finding.reason(), finding.message().as_str()),
        ("OM0220", Some("TAR_PAX_SIZE"), "the archive of python is refused: PAX says 3, the header 4 [TAR_PAX_SIZE]")
    );
    assert_eq!(Finding::refused("a", &Error::refused("TAR_WHITEOUT", "")).code().as_str(), "OM0207");
    assert_eq!(Finding::refused("a", &Error::refused("TOOL_OUTSIDE_PREFIX", "")).code().as_str(), "OM0205");
}
