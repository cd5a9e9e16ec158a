//! What is taken of the tree that layers of an image leave.

use super::super::report::Listed;
use super::Layers;
use super::cut::{Cut, Fate};
use super::through::{self, has_whiteout_below};
use crate::check::BaseView;
use crate::whiteout::Whiteout;
use crate::{EntryView, Error, ErrorKind, Kind, LayerIndex, Result, Time};
use oci_merge_image::{LayerPath, compare_paths};

/// Entries that are taken, by layer and by their place in its index.
#[derive(Default)]
pub(super) struct Tree {
    /// The directories, in order of path.
    pub(super) directories: Vec<(usize, usize)>,
    /// For each layer, each entry that is something else: whether it is taken.
    pub(super) taken: Vec<Vec<bool>>,
    /// The newest time of all of them.
    pub(super) newest: Time,
    /// Files that lie where the layer owns nothing.
    pub(super) outside: Listed,
    /// Files that the recipe leaves out.
    pub(super) left_out: Listed,
    /// Deletions of what the image's own base had.
    pub(super) deletions: Listed,
}

/// Whether something is taken.
enum Taken {
    Yes,
    /// If something in it is.
    IfNeeded,
    No,
}

impl Tree {
    /// Unpacks the layers, and cuts what they leave.
    pub(super) fn of(layers: &Layers, cut: &Cut<'_>) -> Result<Tree> {
        let indexes = layers.indexes();
        let view = BaseView::new(&indexes);
        let mut tree =
            Tree { taken: indexes.iter().map(|index| vec![false; index.len()]).collect(), ..Tree::default() };
        let mut leading = Vec::new();
        // The paths that are taken, in order.
        let mut paths: Vec<&[u8]> = Vec::new();
        for at in view.tree() {
            let Some(entry) = indexes.get(at.0).and_then(|index| index.get(at.1)) else { continue };
            match tree.take(cut, at, &entry).map_err(|error| layers.in_layer(at.0, error))? {
                Taken::Yes => paths.push(entry.path),
                Taken::IfNeeded => leading.push((at, entry)),
                Taken::No => {}
            }
        }
        if paths.is_empty() {
            return Err(nothing(cut, &tree));
        }
        tree.directories.extend(leading.iter().filter(|(_, entry)| has_below(&paths, entry.path)).map(|(at, _)| at));
        tree.directories.sort_by(|a, b| layers.order(a, layers.path(b)));
        through::judge(layers, cut)?;
        for (number, layer) in indexes.iter().enumerate() {
            tree.look_at_deletions(&indexes, number, layer, cut).map_err(|error| layers.in_layer(number, error))?;
        }
        Ok(tree)
    }

    /// Looks at one entry of the tree.
    fn take(&mut self, cut: &Cut<'_>, at: (usize, usize), entry: &EntryView<'_>) -> Result<Taken> {
        let Ok(path) = LayerPath::parse(entry.path) else { return Ok(Taken::No) };
        let is_directory = entry.kind == Kind::Directory;
        match cut.fate(&path, is_directory)? {
            Fate::Taken(_) if matches!(entry.kind, Kind::CharDevice | Kind::BlockDevice) => {
                return Err(Error::refused("TAR_DEVICE", "a device: it reaches past the container").at(&path));
            }
            Fate::Taken(_) => {
                self.newest = self.newest.max(entry.mtime);
                let taken = self.taken.get_mut(at.0).and_then(|layer| layer.get_mut(at.1));
                match taken.filter(|_| !is_directory) {
                    Some(taken) => *taken = true,
                    None => self.directories.push(at),
                }
                return Ok(Taken::Yes);
            }
            Fate::LeftOut if is_directory && cut.may_lead(&path) => return Ok(Taken::IfNeeded),
            _ if is_directory => {}
            Fate::Outside => self.outside.add(&path),
            Fate::LeftOut => self.left_out.add(&path),
            Fate::Nothing => {}
        }
        Ok(Taken::No)
    }

    /// Lists what a layer deletes that no layer below it has, and refuses what runtimes do differently.
    fn look_at_deletions(
        &mut self,
        indexes: &[&LayerIndex],
        number: usize,
        layer: &LayerIndex,
        cut: &Cut<'_>,
    ) -> Result<()> {
        let below = indexes.get(..number).unwrap_or_default();
        for hidden in layer.whiteouts().iter().filter_map(Whiteout::of) {
            let Whiteout::Path(hidden) = hidden else { continue };
            let path = hidden.as_bytes();
            // Without an entry for it, too: what lies below needs the directory, and so does a whiteout.
            let is_filled =
                layer.place(path).is_ok() || has_entry_below(layer, path) || has_whiteout_below(layer, path);
            if is_filled && cut.decides(&hidden)? {
                let text = "the layer deletes this path, and has it or something below it: which of the two counts \
                            depends on the runtime";
                return Err(Error::refused("TAR_WHITEOUT", text).at(&hidden));
            }
            if !below.iter().any(|index| index.place(path).is_ok() || has_entry_below(index, path)) {
                self.deletions.add(&hidden);
            }
        }
        Ok(())
    }
}

fn nothing(cut: &Cut<'_>, tree: &Tree) -> Error {
    let first = tree.outside.first.iter().chain(&tree.left_out.first).next();
    let there = match first {
        Some(path) => format!("it has {} files elsewhere, such as {path}", tree.outside.count + tree.left_out.count),
        None => "it has no files".to_owned(),
    };
    let prefix = &cut.recipe.prefix;
    let text =
        format!("has nothing that would land under {prefix}: {there}; say `paths` and `to`, or another `prefix`");
    Error::new(ErrorKind::Source, text)
}

pub(super) fn has_entry_below(index: &LayerIndex, path: &[u8]) -> bool {
    let next = index.place(path).map_or_else(|place| place, |place| place + 1);
    index.get(next).is_some_and(|entry| is_under(entry.path, path))
}

/// Whether anything in a sorted list lies below a path.
fn has_below(paths: &[&[u8]], path: &[u8]) -> bool {
    let next = paths.partition_point(|taken| compare_paths(taken, path).is_le());
    paths.get(next).is_some_and(|taken| is_under(taken, path))
}

pub(super) fn is_under(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above).is_some_and(|rest| above.is_empty() || rest.starts_with(b"/")) && path != above
}
