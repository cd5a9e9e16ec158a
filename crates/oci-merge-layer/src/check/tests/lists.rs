//! Layers written as lists of entries, one a line, in the order of the archive:
//!
//! ```text
//! d opt/s 2775 0:50            a directory; 0755 0:0 unless it says otherwise
//! f opt/s/x 0644 0:0 =content  a file; the time with @SECONDS, an xattr with +NAME:VALUE, on any entry
//! l opt/s/l ->x                a symlink
//! h opt/s/h ->opt/s/x          a hard link
//! p opt/s/p                    a FIFO
//! c opt/s/c                    a character device
//! w opt/s/.wh.x                a whiteout
//! ```

use super::sets::Item;
use crate::check::{BaseView, Finding, Layer, MOST_FINDINGS, Owns, Policy, Report, check_and_keep};
use crate::{Body, Entry, IndexBuilder, LayerIndex, Limits, Rules, Time, Xattrs};
use oci_merge_image::{DiffId, Digest, LayerPath, Prefix};

pub(super) fn layer(list: &str) -> LayerIndex {
    index(list, &Rules::kept(Limits::default()))
}

pub(super) fn base_layer(list: &str) -> LayerIndex {
    index(list, &Rules::base(Limits::default()))
}

fn index(list: &str, rules: &Rules) -> LayerIndex {
    let mut index = IndexBuilder::new(rules);
    for item in items(list) {
        match item {
            Item::Whiteout(path) => index.push_whiteout(path).unwrap(),
            Item::Entry(entry, content) => {
                let is_file = matches!(entry.body, Body::File { .. });
                let digest = is_file.then(|| Digest::of(&content).as_bytes().try_into().unwrap());
                index.push(&entry, digest, None).unwrap();
            }
        }
    }
    let digest = Digest::of(list.as_bytes());
    index.finish(digest.clone(), DiffId(digest)).unwrap_or_else(|e| panic!("{list}\n{e}"))
}

/// What is in the archive, in order.
pub(super) fn items(list: &str) -> Vec<Item> {
    list.lines().map(str::trim).filter(|line| !line.is_empty()).map(item).collect()
}

fn item(line: &str) -> Item {
    let (kind, rest) = line.split_once(' ').unwrap();
    let words: Vec<&str> = rest.split(' ').collect();
    let path = LayerPath::parse(words[0].as_bytes()).unwrap();
    if kind == "w" {
        return Item::Whiteout(path);
    }
    let word = |start: &str| words[1..].iter().find_map(|word| word.strip_prefix(start));
    let content = word("=").unwrap_or_default();
    let target = word("->").unwrap_or_default();
    let body = match kind {
        "d" => Body::Directory,
        "f" => Body::File { size: content.len() as u64 },
        "l" => Body::Symlink { target: target.as_bytes().to_vec() },
        "h" => Body::HardLink { target: LayerPath::parse(target.as_bytes()).unwrap() },
        "p" => Body::Fifo,
        "c" => Body::CharDevice,
        _ => panic!("{line}"),
    };
    let mode = words[1..].iter().find(|w| w.len() == 4 && w.bytes().all(|b| b.is_ascii_digit()));
    let default = if kind == "d" { 0o755 } else { 0o644 };
    let owner = words[1..].iter().find_map(|w| w.split_once(':').filter(|_| w.as_bytes()[0].is_ascii_digit()));
    let xattrs = words[1..].iter().filter_map(|w| w.strip_prefix('+')?.split_once(':'));
    // Those of users are for files and directories; what else has any has those of the system.
    let name = |name: &str| match (kind, name.strip_prefix("user.")) {
        ("d" | "f" | "h", _) | (_, None) => name.as_bytes().to_vec(),
        (_, Some(rest)) => format!("security.{rest}").into_bytes(),
    };
    let entry = Entry {
        path,
        body,
        mode: mode.map_or(default, |mode| u16::from_str_radix(mode, 8).unwrap()),
        uid: owner.map_or(0, |(uid, _)| uid.parse().unwrap()),
        gid: owner.map_or(0, |(_, gid)| gid.parse().unwrap()),
        mtime: Time { seconds: word("@").map_or(0, |time| time.parse().unwrap()), nanos: 0 },
        xattrs: xattrs.map(|(n, v)| (name(n), v.as_bytes().to_vec())).collect::<Xattrs>(),
    };
    Item::Entry(entry, content.as_bytes().to_vec())
}

/// A set to check: the base's layers, and the layers with their name, prefix and list. A prefix may be followed by what
/// the layer owns besides, after spaces.
pub(super) struct Set<'a> {
    pub(super) base: &'a [&'a str],
    pub(super) layers: &'a [(&'a str, &'a str, &'a str)],
}

impl Set<'_> {
    pub(super) fn check(&self, policy: &Policy) -> Report {
        self.check_and_keep(MOST_FINDINGS, policy)
    }

    /// The same, with so many findings kept.
    pub(super) fn check_and_keep(&self, most: usize, policy: &Policy) -> Report {
        let base: Vec<LayerIndex> = self.base.iter().map(|list| base_layer(list)).collect();
        let indexes: Vec<LayerIndex> = self.layers.iter().map(|(_, _, list)| layer(list)).collect();
        let places: Vec<(Prefix, Owns)> = self
            .layers
            .iter()
            .map(|(_, places, _)| {
                let (prefix, owns) = places.split_once(' ').unwrap_or((places, ""));
                (prefix.parse().unwrap(), Owns::new(owns.split(' ').filter(|o| !o.is_empty())).unwrap())
            })
            .collect();
        let layers: Vec<Layer<'_>> = self
            .layers
            .iter()
            .zip(&indexes)
            .zip(&places)
            .map(|(((name, ..), index), (prefix, owns))| Layer { name, index, prefix, owns })
            .collect();
        check_and_keep(most, &BaseView::new(&base.iter().collect::<Vec<_>>()), &layers, policy)
    }
}

/// `OM0204 IMPLIED_DIR_ATTRS /opt/s base a`: code, reason, path, and the names of all who take part, sorted.
pub(super) fn in_short(finding: &Finding) -> String {
    let mut names: Vec<&str> = finding.owners().iter().map(|owner| owner.name()).collect();
    names.sort_unstable_by_key(|name| (*name != "base", *name));
    names.dedup();
    let path = finding.path().map(ToString::to_string).unwrap_or_default();
    let reason = finding.reason().map(|reason| format!("{reason} ")).unwrap_or_default();
    format!("{} {reason}{path} {}", finding.code(), names.join(" "))
}
