//! Where the entries of an archive land: at the root of the image, or in the prefix.

use super::recipe::{Recipe, Source};
use super::route::{is_table_of_contents, strip};
use crate::{EntryView, Error, ErrorKind, Kind, LayerIndex, Result};
use oci_merge_image::LayerPath;

/// What a path is to a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belongs {
    /// It lies under the prefix or in what the layer owns.
    Inside,
    /// It is a directory above such a path.
    Above,
    /// Neither.
    Outside,
}

/// Where an archive lands: as it is told, else at the root if all of its entries belong to the layer there, else in
/// the prefix if none does.
///
/// # Errors
/// Some entries belong to the layer and some do not: only a person knows what is meant.
pub(super) fn of_archive(recipe: &Recipe, source: &Source, index: &LayerIndex) -> Result<LayerPath> {
    if source.keep {
        return Ok(LayerPath::root());
    }
    if let Some(to) = &source.to {
        return Ok(to.clone());
    }
    let (mut belongs, mut strange) = (None, None);
    each(recipe, index, source.strip, |_, path, class| match class {
        Belongs::Inside | Belongs::Above => belongs = Some(path.clone()),
        Belongs::Outside => strange = Some(path.clone()),
    });
    match (belongs, strange) {
        (Some(belongs), Some(strange)) => {
            let prefix = &recipe.prefix;
            let text = format!(
                "holds {belongs}, which belongs to the layer, and {strange}, which does not: say `to = \"/\"` if it \
                 begins at the root of the image, or `to = \"{prefix}\"` if its content goes there"
            );
            Err(Error::new(ErrorKind::Source, text).in_file(source.name()))
        }
        (Some(_), None) => Ok(LayerPath::root()),
        (None, _) => Ok(recipe.prefix.path().clone()),
    }
}

/// Calls a function for each entry that is left after `strip`, from the last to the first, with its path and what
/// that is to the layer.
pub(super) fn each<'a>(
    recipe: &Recipe,
    index: &'a LayerIndex,
    components: usize,
    mut call: impl FnMut(EntryView<'a>, &LayerPath, Belongs),
) {
    // What lies below a directory follows it in the order of the index, so the last path that was found inside is
    // below it if any is.
    let mut inside = LayerPath::root();
    for entry in index.entries().rev() {
        let Ok(whole) = LayerPath::parse(entry.path) else { continue };
        let Some(path) = strip(&whole, components).filter(|path| !path.is_root()) else { continue };
        let class = if recipe.covers(&path) {
            inside = whole.clone();
            Belongs::Inside
        } else if entry.kind == Kind::Directory && (inside.is_within(&whole) || leads_inside(recipe, &path)) {
            Belongs::Above
        } else {
            Belongs::Outside
        };
        if !is_table_of_contents(&whole) {
            call(entry, &path, class);
        }
    }
}

/// Whether a directory is one above the prefix or above what the layer owns.
pub(super) fn leads_inside(recipe: &Recipe, path: &LayerPath) -> bool {
    recipe.prefix.path().is_within(path) || recipe.owns.lies_below(path.as_bytes())
}
