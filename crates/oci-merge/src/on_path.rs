//! What a layer puts on PATH and the image does not have.

use crate::Event;
use crate::layers::Ready;
use crate::settings::Run;
use crate::spec::Spec;
use oci_merge_image::{LayerPath, shown};
use oci_merge_layer::check::{BaseView, Layer, missing_directories};
use oci_merge_layer::{Kind, LayerIndex};
use std::collections::BTreeSet;

/// So many names are shown of what is there instead.
const SHOWN: usize = 3;

/// Tells the directories of `path` that the image does not have; and notes it with their layers.
pub(crate) fn tell_missing(spec: &Spec, base_indexes: &[LayerIndex], layers: &mut [Ready], run: &Run) {
    let parsed = |path: &String| LayerPath::parse(path.as_bytes()).ok();
    let paths: Vec<LayerPath> = layers.iter().flat_map(|layer| layer.path.iter().filter_map(parsed)).collect();
    let claims: Vec<Layer<'_>> = layers.iter().map(Ready::as_layer).collect();
    let missing = missing_directories(&BaseView::new(&base_indexes.iter().collect::<Vec<_>>()), &claims, &paths);
    for layer in layers.iter_mut().filter(|_| !missing.is_empty()) {
        let of_layer = layer.path.iter().filter_map(parsed).filter(|path| missing.contains(path));
        let warnings: Vec<String> = of_layer.map(|path| warning(spec, layer, &path)).collect();
        for text in &warnings {
            run.observer.tell(Event::Warning { text: format!("{}: {text}", layer.name) });
        }
        layer.notes.splice(0..0, warnings);
    }
}

fn warning(spec: &Spec, layer: &Ready, path: &LayerPath) -> String {
    let prefix = layer.prefix.path();
    let below = |entry: &[u8]| LayerPath::parse(entry).ok()?.strip_prefix(prefix).filter(|below| !below.is_root());
    let names = layer.index.entries().filter_map(|entry| below(entry.path));
    let tops: BTreeSet<Vec<u8>> = names.filter_map(|name| name.components().next().map(<[u8]>::to_vec)).collect();
    let is_directory = |path: &LayerPath| layer.index.find(path).is_some_and(|entry| entry.kind == Kind::Directory);
    // The usual mistake: everything lies in one directory, which is named after a version.
    let one_deeper = |top: &Vec<u8>| {
        let deeper = [top, b"/".as_slice(), path.strip_prefix(prefix)?.as_bytes()].concat();
        prefix.join(&LayerPath::parse(&deeper).ok()?).ok().filter(is_directory)
    };
    let instead = match tops.first().filter(|_| tops.len() == 1).and_then(one_deeper) {
        Some(deeper) => match spec.layers.iter().find(|table| table.name == layer.name).map(|table| &*table.sources) {
            Some([source]) => format!("the layer has {deeper}: strip = {}?", source.strip + 1),
            _ => format!("the layer has {deeper}"),
        },
        None if tops.is_empty() => format!("the layer has nothing under {prefix}"),
        None => {
            let names: Vec<String> = tops.iter().take(SHOWN).map(|name| shown(name).to_string()).collect();
            let more = if tops.len() > SHOWN { ", …" } else { "" };
            format!("under {prefix} the layer has {}{more}", names.join(", "))
        }
    };
    format!("{path} joins PATH and is no directory of the image; {instead}")
}
