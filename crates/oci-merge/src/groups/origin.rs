//! From which of its members a file of a joined layer is.
//!
//! As a rule, of what is under a prefix, from the one whose prefix that is; the innermost prefix that a path has counts.
//! Prefixes may be shared, and files lie elsewhere, where the spec allows it: so each member says in which of the others'
//! prefixes it has files too. What is left open then are files of which any of two or three may be the maker.

use super::Member;
use oci_merge_image::LayerPath;
use oci_merge_layer::{Kind, LayerIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

/// If there are more than so many, the name of the group says as much.
const MOST: usize = 3;

/// For each of these layers, the prefixes of the others in which it has files, and the root if it has some that are in
/// none. Directories are nobody's: many carry those above their prefixes.
pub(super) fn elsewhere(layers: &[(&LayerPath, &LayerIndex)]) -> Vec<Vec<LayerPath>> {
    let root = LayerPath::root();
    let prefixes: BTreeSet<&LayerPath> = layers.iter().map(|(prefix, _)| *prefix).chain([&root]).collect();
    let of = |(own, index): &(&LayerPath, &LayerIndex)| {
        let others = prefixes.iter().filter(|prefix| *prefix != own && has_files(index, prefix, &prefixes));
        others.map(|prefix| LayerPath::clone(prefix)).collect()
    };
    layers.iter().map(of).collect()
}

/// Whether a layer has anything but directories in a prefix that is in no prefix further in.
fn has_files(index: &LayerIndex, prefix: &LayerPath, prefixes: &BTreeSet<&LayerPath>) -> bool {
    let within = within(index, prefix);
    let is_file = |place: usize| index.get(place).is_some_and(|entry| entry.kind != Kind::Directory);
    let mut at = within.start;
    let further_in = prefixes
        .range::<&LayerPath, _>(prefix..)
        .skip(1)
        .take_while(|inner| !within.is_empty() && inner.is_within(prefix));
    for inner in further_in.map(|inner| self::within(index, inner)) {
        if (at..inner.start).any(is_file) {
            return true;
        }
        at = at.max(inner.end);
    }
    (at..within.end).any(is_file)
}

/// The places of a path and of all below it.
fn within(index: &LayerIndex, above: &LayerPath) -> Range<usize> {
    if above.is_root() {
        return 0..index.len();
    }
    let is_below = |place: usize| {
        let rest = index.get(place).and_then(|entry| entry.path.strip_prefix(above.as_bytes()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    };
    let start = index.place(above.as_bytes()).unwrap_or_else(|place| place);
    let (mut low, mut high) = (start, index.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if is_below(middle) { low = middle + 1 } else { high = middle }
    }
    start..low
}

/// Who has what in a joined layer, as its annotation says.
///
/// By prefix, the names in words; `None` if they are too many.
pub(crate) struct Origins(BTreeMap<LayerPath, Option<String>>);

impl Origins {
    pub(crate) fn of(members: Vec<Member>) -> Origins {
        let mut origins: BTreeMap<LayerPath, Vec<String>> = BTreeMap::new();
        for Member { name, prefix, also, .. } in members {
            for place in also.iter().chain([&prefix]).filter_map(|place| LayerPath::parse(place.as_bytes()).ok()) {
                let names = origins.entry(place).or_default();
                if !names.contains(&name) {
                    names.push(name.clone());
                }
            }
        }
        let words = |names: Vec<String>| (names.len() <= MOST).then(|| names.join(" or "));
        Origins(origins.into_iter().map(|(place, names)| (place, words(names))).collect())
    }

    /// The layer that a path comes from, or all that it may come from; `None` if it may be any, as a directory above what
    /// several have may be.
    pub(crate) fn find(&self, path: &LayerPath, kind: Kind) -> Option<&str> {
        let mut above = std::iter::successors(Some(path.clone()), LayerPath::parent);
        let (place, names) = above.find_map(|above| self.0.get_key_value(&above))?;
        let mut further_in = self.0.range((Bound::Excluded(path), Bound::Unbounded));
        let is_shared = place.is_root() || further_in.next().is_some_and(|(inner, _)| inner.is_within(path));
        names.as_deref().filter(|_| kind != Kind::Directory || !is_shared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::{DiffId, Digest};
    use oci_merge_layer::{Body, Entry, IndexBuilder, Time, Xattrs};

    fn path(text: &str) -> LayerPath {
        LayerPath::parse(text.as_bytes()).unwrap()
    }

    /// A layer's index: files, and directories where a path ends with `/`.
    fn index(paths: &str) -> LayerIndex {
        let mut index = IndexBuilder::default();
        for text in paths.split(' ') {
            let body = if text.ends_with('/') { Body::Directory } else { Body::File { size: 0 } };
            let content = matches!(body, Body::File { .. }).then_some([0; 32]);
            let (mtime, xattrs) = (Time::default(), Xattrs::new());
            let entry =
                Entry { path: path(text.trim_end_matches('/')), body, mode: 0o755, uid: 0, gid: 0, mtime, xattrs };
            index.push(&entry, content, None).unwrap();
        }
        index.finish(Digest::of(b""), DiffId(Digest::of(b""))).unwrap()
    }

    /// Of each layer of these, prefix and paths, where else it has files.
    fn of(layers: &[(&str, &str)]) -> Vec<String> {
        let layers: Vec<(LayerPath, LayerIndex)> = layers.iter().map(|(at, paths)| (path(at), index(paths))).collect();
        let layers: Vec<(&LayerPath, &LayerIndex)> = layers.iter().map(|(prefix, index)| (prefix, index)).collect();
        let words = |places: Vec<LayerPath>| places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        elsewhere(&layers).into_iter().map(words).collect()
    }

    #[test]
    fn only_files_outside_the_own_prefix_are_elsewhere() {
        // Directories above a prefix are nobody's, nor is what only begins with the same letters.
        assert_eq!(of(&[("opt/a", "opt/ opt/a/ opt/a/x"), ("opt/ab", "opt/ opt/ab/ opt/ab/x")]), ["", ""]);
        assert_eq!(
            of(&[("opt/a", "opt/a/x etc/x"), ("opt/b", "opt/b/x opt/a/y"), ("opt/c", "zz")]),
            ["/", "/opt/a", "/"]
        );
        // The innermost prefix counts, whoever's it is and however deep.
        let outer = ("opt", "opt/a opt/in/ opt/z");
        assert_eq!(of(&[outer, ("opt/in", "opt/ opt/in/x"), ("opt/in/most", "opt/in/most/x")]), ["", "", ""]);
        assert_eq!(
            of(&[outer, ("opt/in", "opt/in/x opt/y"), ("opt/in/most", "opt/in/a opt/in/most/x opt/in/z")]),
            ["", "/opt", "/opt/in"]
        );
        // A prefix that two have is the own one of both.
        assert_eq!(of(&[("opt", "opt/a"), ("opt", "opt/b"), ("usr", "opt/c")]), ["", "", "/opt"]);
    }

    #[test]
    fn more_than_three_are_the_group() {
        let member = |(name, also): (&str, &str)| Member {
            name: name.to_owned(),
            version: None,
            prefix: format!("/opt/{name}"),
            also: also.split_whitespace().map(str::to_owned).collect(),
        };
        let members =
            [("a", "/ /opt/b"), ("b", ""), ("c", "/opt/b /opt/d"), ("d", ""), ("e", "/opt/d"), ("f", "/opt/d")];
        let origins = Origins::of(members.map(member).to_vec());
        let find = |text| origins.find(&path(text), Kind::File);
        assert_eq!([find("opt/a/x"), find("opt/b"), find("etc/x")], [Some("a"), Some("a or b or c"), Some("a")]);
        assert_eq!([find("opt/d/x"), find("opt/e/x")], [None, Some("e")]);
    }
    #[test]
    fn a_directory_above_what_others_have_is_anybodys() {
        let member = |(name, prefix): (&str, &str)| Member {
            name: name.to_owned(),
            version: None,
            prefix: prefix.to_owned(),
            also: if name == "c" { vec!["/".to_owned()] } else { Vec::new() },
        };
        let origins = Origins::of([("a", "/opt"), ("b", "/opt/in/b"), ("c", "/usr/c")].map(member).to_vec());
        let found = |kind| {
            ["opt", "opt/a", "opt/in", "opt/in/b", "opt/in/b/x", "usr", "usr/c", "etc"]
                .map(|at| origins.find(&path(at), kind).unwrap_or("-"))
        };
        assert_eq!(found(Kind::Directory).join(" "), "- a - b b - c -");
        assert_eq!(found(Kind::Symlink).join(" "), "a a a b b c c c");
    }
}
