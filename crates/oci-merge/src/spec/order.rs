//! The order in which layers are stacked: that of the file, but what is needed, and what has to lose, below.

use super::allow::Allow;
use super::error::CYCLE;
use super::table::Faults;
use super::{LayerSpec, Span};

/// Why one layer lies above another.
struct Edge<'s> {
    upper: usize,
    lower: usize,
    /// What a person reads: `kotlin needs java`.
    why: String,
    span: &'s Span,
}

/// Puts the layers into the order in which they are stacked. Of several that could be next, the first in the file is.
pub(super) fn stacked(layers: Vec<LayerSpec>, allow: &[Allow], faults: &Faults<'_>) -> Vec<LayerSpec> {
    let edges = edges(&layers, allow);
    let (mut order, mut left): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..layers.len()).collect());
    while !left.is_empty() {
        let free = |upper: &usize| !edges.iter().any(|edge| edge.upper == *upper && left.contains(&edge.lower));
        match left.iter().position(free) {
            Some(at) => order.push(left.remove(at)),
            None => {
                circle(&edges, &left, faults);
                return layers;
            }
        }
    }
    let mut layers: Vec<Option<LayerSpec>> = layers.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| layers.get_mut(at).and_then(Option::take)).collect()
}

fn edges<'s>(layers: &'s [LayerSpec], allow: &'s [Allow]) -> Vec<Edge<'s>> {
    let place = |name: &str| layers.iter().position(|layer| layer.name == name);
    let mut edges = Vec::new();
    for (upper, layer) in layers.iter().enumerate() {
        for needed in &layer.needs {
            let why = format!("{} needs {}", layer.name, needed.layer);
            edges.extend(place(&needed.layer).map(|lower| Edge { upper, lower, why, span: &needed.span }));
        }
    }
    for allow in allow {
        let losers = allow.layers.iter().filter(|layer| **layer != allow.winner);
        for (loser, (upper, lower)) in losers.filter_map(|loser| Some((loser, (place(&allow.winner)?, place(loser)?))))
        {
            let why = format!("{} wins over {loser}", allow.winner);
            edges.push(Edge { upper, lower, why, span: &allow.span });
        }
    }
    edges
}

/// Tells of one circle among the layers of which none can be next: from any of them, going down always goes on.
fn circle(edges: &[Edge<'_>], left: &[usize], faults: &Faults<'_>) {
    let below = |upper: usize| edges.iter().find(|edge| edge.upper == upper && left.contains(&edge.lower));
    let Some(mut at) = left.first().copied() else { return };
    let mut walked: Vec<&Edge<'_>> = Vec::new();
    while let Some(edge) = below(at) {
        if let Some(start) = walked.iter().position(|earlier| earlier.upper == at) {
            walked.drain(..start);
            break;
        }
        walked.push(edge);
        at = edge.lower;
    }
    // Told from the layer that comes first in the file.
    if let Some(first) = (0..walked.len()).min_by_key(|&n| walked.get(n).map(|edge| edge.upper)) {
        walked.rotate_left(first);
    }
    if let Some(last) = walked.last() {
        let whole: Vec<&str> = walked.iter().map(|edge| edge.why.as_str()).collect();
        faults.add_with(CYCLE, &last.span.range, whole.join(", "), "this closes the circle", None, None);
    }
}
