//! `[layer.NAME.from]`: an image that a layer's files come from.

use super::error::{REFERENCE, WRONG_TYPE};
use super::layer::{Rooted, globs};
use super::placeholder::{Arch, Placeholders};
use super::source::landing;
use super::table::{Table, Written};
use super::{BaseSource, Span, keys};
use crate::spec::document::Value;
use oci_merge_image::shown;

/// `[layer.NAME.from]`.
#[derive(Debug, Clone)]
pub struct FromSpec {
    /// The image.
    pub image: BaseSource,
    /// Paths or globs of the image, from its root; empty: everything that the layer owns.
    pub paths: Vec<String>,
    /// Where the content of the paths lands; `None` or `/`: where it is.
    pub to: Option<String>,
    /// Whether an index that came with the image is believed.
    pub index: IndexTrust,
    /// Where it is said: the value of `image`.
    pub span: Span,
}

/// Whether the path index that the publisher of an image attached to its layers is believed unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexTrust {
    /// It is not: each layer that is not known yet is read once.
    #[default]
    Verify,
    /// It is, if the very manifest that was named pins it.
    Trust,
}

pub(super) const INDEX: [(&str, IndexTrust); 2] = [("verify", IndexTrust::Verify), ("trust", IndexTrust::Trust)];

impl FromSpec {
    /// Everything in an image that the layer owns.
    pub(crate) fn of_image(image: BaseSource) -> FromSpec {
        let (paths, to, index) = (Vec::new(), None, IndexTrust::Verify);
        FromSpec { image, paths, to, index, span: Span::default() }
    }
}

/// Reads `from` of a layer.
pub(super) fn read(layer: &Table<'_>, words: &Placeholders<'_>) -> Option<FromSpec> {
    let node = layer.get("from")?;
    if layer.has("source") {
        let message = format!("{} has both `source` and `from`: one of them has to go", layer.name);
        layer.bad(&node.range, message);
    }
    let name = format!("{}.from]", layer.name.trim_end_matches(']'));
    if let Value::String(text) = &node.value {
        let label = format!("did you mean {{ image = \"{}\" }}?", shown(text));
        layer.bad_with(WRONG_TYPE, &node.range, format!("{name} must be a table, not a string"), label);
        return None;
    }
    let table = Table::open(layer.faults(), node, &name, &keys::FROM)?;
    if !table.has("image") {
        table.missing("image", "a reference, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE");
    }
    let paths = globs(&table, "paths", Rooted::Always);
    let to = table.string("to").and_then(|written| landing(&table, &written, words));
    let moves = to.as_ref().is_some_and(|to| !to.trim_matches('/').is_empty());
    if let Some(glob) = paths.iter().find(|path| moves && path.contains(['*', '?', '[', '{'])) {
        let at = table.get("paths").map_or_else(|| table.range.clone(), |paths| paths.range.clone());
        table.bad(&at, format!("{} is a glob; with `to`, paths are written out", shown(glob)));
    }
    let index = table.word("index", &INDEX).unwrap_or_default();
    let written = table.string("image")?;
    let image = Written { text: words.fill(&table, &written, Arch::Never), range: written.range.clone() };
    let image = table.parse(&image, REFERENCE)?;
    if image == BaseSource::Scratch {
        table.bad(&written.range, "`scratch` has no files");
        return None;
    }
    Some(FromSpec { image, paths, to, index, span: table.faults().span(&written.range) })
}
