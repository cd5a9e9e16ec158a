//! Layers that are to be checked, each under its own prefix.

use crate::layers::{entry, index, tool};
use oci_merge_image::Prefix;
use oci_merge_layer::check::{BaseView, Layer, Owns, Policy, Report, check};
use oci_merge_layer::{Body, Entry, LayerIndex};

/// Layers on a base, or on nothing.
pub struct Stack {
    /// What they lie on.
    pub base: Option<LayerIndex>,
    /// Name, prefix and index of each.
    pub layers: Vec<(String, Prefix, LayerIndex)>,
    /// How strict the check is.
    pub policy: Policy,
    /// What each layer owns beside its prefix.
    pub owns: Owns,
}

impl Stack {
    /// A hundred tools of so many hundred entries each, on a base of 100,000.
    pub fn of_tools(hundreds: usize) -> Stack {
        let tool = |n: usize| (format!("tool-{n:03}"), prefix(&format!("/opt/tool-{n:03}")), tool(n, hundreds));
        let layers = (0..100).map(tool).collect();
        Stack { base: Some(base()), layers, policy: Policy::default(), owns: Owns::default() }
    }

    /// Checks them.
    pub fn check(&self) -> Report {
        let base: Vec<&LayerIndex> = self.base.iter().collect();
        let layers = self.layers.iter().map(|(name, prefix, index)| Layer { name, index, prefix, owns: &self.owns });
        let layers: Vec<Layer<'_>> = layers.collect();
        check(&BaseView::new(&base), &layers, &self.policy)
    }
}

/// A prefix.
pub fn prefix(path: &str) -> Prefix {
    path.parse().unwrap()
}

/// A base: directories of every kind, among them some that matter to implied directories.
pub fn base() -> LayerIndex {
    let odd = [("tmp", 0o1777), ("root", 0o700), ("var/mail", 0o2775), ("var/local", 0o2775)];
    let odd = odd.map(|(path, mode)| Entry { mode, ..entry(path, Body::Directory) });
    let files =
        (0..100_000).map(|n| entry(&format!("usr/lib/package-{:03}/file-{n:06}", n / 200), Body::File { size: 9 }));
    index(odd.into_iter().chain(files))
}
