//! Few patterns for many paths: the directories of which a layer has nothing else.

use super::pattern;
use oci_merge_image::LayerPath;
use oci_merge_layer::{Kind, LayerIndex};
use std::collections::{BTreeMap, HashSet};

/// More patterns than this are no command that anybody would paste.
const MOST: usize = 8;

/// Among more entries than this, nobody looks for what is whole.
const SEARCHED: usize = 200_000;

/// Patterns that cover the paths of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) patterns: Vec<String>,
    /// How many other files of the layers they cover as well.
    pub(super) others: usize,
    /// Whether they cover those paths too that nobody kept.
    pub(super) is_whole: bool,
}

/// Covers sorted paths, and so many more that nobody kept, all of them in `directory`, of layers with these indexes, with
/// few patterns; and covers nothing else if that can be done. What nobody kept is covered if the whole directory can be. No
/// pattern covers one of `kept`: a layer without its prefix is none.
pub(super) fn cover(
    paths: &[&LayerPath],
    left_out: usize,
    directory: &LayerPath,
    indexes: &[&LayerIndex],
    kept: &[&LayerPath],
) -> Cover {
    let is_whole = left_out == 0;
    if paths.len() + left_out <= MOST {
        return Cover { patterns: paths.iter().map(|path| pattern::of(path)).collect(), others: 0, is_whole };
    }
    let wanted: HashSet<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
    let below = |index: &LayerIndex| {
        let start = index.place(directory.as_bytes()).unwrap_or_else(|place| place);
        let entries = (start..index.len()).map_while(|place| index.get(place));
        let entries = entries.take_while(|entry| is_in(entry.path, directory));
        entries.filter(|entry| entry.kind != Kind::Directory && !wanted.contains(entry.path)).count()
    };
    let others: usize = indexes.iter().map(|index| below(index)).sum();
    let others = others.saturating_sub(left_out.saturating_mul(indexes.len()));
    if (!is_whole || paths.len() + others > SEARCHED) && can_be_left_out(directory, kept) {
        return Cover { patterns: vec![pattern::of(directory)], others, is_whole: true };
    }
    let mut there: BTreeMap<LayerPath, bool> = BTreeMap::new();
    for index in indexes {
        let start = index.place(directory.as_bytes()).unwrap_or_else(|place| place);
        let below = (start..index.len()).map_while(|place| index.get(place)).take_while(|e| is_in(e.path, directory));
        for entry in below.filter(|entry| entry.kind != Kind::Directory || wanted.contains(entry.path)) {
            if let Ok(path) = LayerPath::parse(entry.path) {
                there.insert(path, wanted.contains(entry.path));
            }
        }
    }
    let there: Vec<(&LayerPath, bool)> = there.iter().map(|(path, is_wanted)| (path, *is_wanted)).collect();
    let depth = directory.components().count();
    let mut patterns = Vec::new();
    whole_directories(&there, depth, kept, &mut patterns);
    match patterns.len() {
        1..=MOST => Cover { patterns, others: 0, is_whole },
        _ if can_be_left_out(directory, kept) => {
            Cover { patterns: vec![pattern::of(directory)], others, is_whole: true }
        }
        _ => Cover { patterns, others: 0, is_whole },
    }
}

/// The patterns of a directory that lies `depth` below the root, from all that is in it.
fn whole_directories(there: &[(&LayerPath, bool)], depth: usize, kept: &[&LayerPath], patterns: &mut Vec<String>) {
    let Some((first, _)) = there.first() else { return };
    let directory = first.components().take(depth).collect::<Vec<_>>().join(&b'/');
    let directory = LayerPath::parse(&directory).unwrap_or_default();
    if there.iter().all(|(_, is_wanted)| *is_wanted) && can_be_left_out(&directory, kept) {
        patterns.push(pattern::of(&directory));
        return;
    }
    let component = |(path, _): &(&LayerPath, bool)| path.components().nth(depth).map(<[u8]>::to_vec);
    for part in there.chunk_by(|a, b| component(a) == component(b)) {
        match part {
            [(path, true)] => patterns.push(pattern::of(path)),
            [(_, false)] => {}
            // The directory itself, which cannot be left out without what is in it.
            _ if component(&part[0]).is_none() => {}
            _ => whole_directories(part, depth + 1, kept, patterns),
        }
    }
}

fn can_be_left_out(directory: &LayerPath, kept: &[&LayerPath]) -> bool {
    !directory.is_root() && !kept.iter().any(|kept| kept.is_within(directory))
}

fn is_in(path: &[u8], directory: &LayerPath) -> bool {
    let rest = path.strip_prefix(directory.as_bytes());
    directory.is_root() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::{DiffId, Digest};
    use oci_merge_layer::{Body, Entry, IndexBuilder, Time, Xattrs};

    fn path(text: &str) -> LayerPath {
        LayerPath::parse(text.as_bytes()).unwrap()
    }

    fn index(files: &[String]) -> LayerIndex {
        let mut index = IndexBuilder::default();
        for file in files {
            let body = Body::File { size: 0 };
            let entry = Entry {
                path: path(file),
                body,
                mode: 0o644,
                uid: 0,
                gid: 0,
                mtime: Time::default(),
                xattrs: Xattrs::new(),
            };
            index.push(&entry, Some([0; 32]), None).unwrap();
        }
        index.finish(Digest::of(b""), DiffId(Digest::of(b""))).unwrap()
    }

    /// The patterns for the files that begin with `w`, of layers with these files below `srv`.
    fn covered(layers: &[&[String]], kept: &str) -> Cover {
        let indexes: Vec<LayerIndex> = layers.iter().map(|files| index(files)).collect();
        let wanted: std::collections::BTreeSet<LayerPath> = layers
            .iter()
            .flat_map(|l| l.iter())
            .map(|f| path(f))
            .filter(|p| p.name().unwrap().starts_with(b"w"))
            .collect();
        cover(&wanted.iter().collect::<Vec<_>>(), 0, &path("srv"), &indexes.iter().collect::<Vec<_>>(), &[&path(kept)])
    }

    fn files(directory: &str, name: &str, count: usize) -> Vec<String> {
        (0..count).map(|number| format!("srv/{directory}/{name}{number}")).collect()
    }

    #[test]
    fn whole_directories_stand_for_what_is_in_them_and_nothing_else_is_covered() {
        let (whole, mixed) = (files("a/deep", "w", 9), [files("b", "w", 1), files("b", "other", 2)].concat());
        let covered = |layers: &[&[String]]| covered(layers, "opt/x");
        let few = covered(&[&files("a", "w", 8)]);
        assert_eq!((few.patterns.len(), few.others), (8, 0), "few are named one by one");
        assert_eq!(covered(&[&whole]), Cover { patterns: vec!["/srv".into()], others: 0, is_whole: true });
        let both = [whole.clone(), mixed].concat();
        assert_eq!(
            covered(&[&both]),
            Cover { patterns: vec!["/srv/a".into(), "/srv/b/w0".into()], others: 0, is_whole: true }
        );
        // What is another layer's alone counts as well.
        let other = vec!["srv/a/other".to_owned()];
        assert_eq!(
            covered(&[&whole, &other]),
            Cover { patterns: vec!["/srv/a/deep".into()], others: 0, is_whole: true }
        );
    }

    #[test]
    fn what_is_scattered_is_the_directory_and_the_others_are_counted() {
        let scattered: Vec<String> =
            (0..9).flat_map(|n| [files(&n.to_string(), "w", 1), files(&n.to_string(), "other", 2)].concat()).collect();
        assert_eq!(
            covered(&[&scattered], "opt/x"),
            Cover { patterns: vec!["/srv".into()], others: 18, is_whole: true }
        );
        // A prefix is never covered, whatever that costs.
        let cover = covered(&[&scattered], "srv/own");
        assert_eq!((cover.patterns.len(), cover.others), (9, 0));
        let whole = files("own", "w", 9);
        assert_eq!(covered(&[&whole], "srv/own").patterns.len(), 9);
    }
}
