//! Few patterns for many paths: the directories of which a layer has nothing else.

use super::pattern;
use oci_merge_image::LayerPath;
use oci_merge_layer::{Kind, LayerIndex};
use std::collections::{BTreeMap, HashSet};

/// More patterns than this are no command that anybody would paste.
const MOST: usize = 8;

/// Patterns that cover the paths of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cover {
    pub(super) patterns: Vec<String>,
    /// How many other files of the layers they cover as well.
    pub(super) others: usize,
}

/// Covers sorted paths, all of them in `directory`, of layers with these indexes, with few patterns; and covers nothing
/// else if that can be done. No pattern covers one of `kept`: a layer without its prefix is none.
pub(super) fn cover(
    paths: &[&LayerPath],
    directory: &LayerPath,
    indexes: &[&LayerIndex],
    kept: &[&LayerPath],
) -> Cover {
    if paths.len() <= MOST {
        return Cover { patterns: paths.iter().map(|path| pattern::of(path)).collect(), others: 0 };
    }
    let wanted: HashSet<&[u8]> = paths.iter().map(|path| path.as_bytes()).collect();
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
    let others = there.iter().filter(|(_, is_wanted)| !is_wanted).count();
    match patterns.len() {
        1..=MOST => Cover { patterns, others: 0 },
        _ if can_be_left_out(directory, kept) => Cover { patterns: vec![pattern::of(directory)], others },
        _ => Cover { patterns, others: 0 },
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
