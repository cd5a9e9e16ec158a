//! Moving an image from one store to another: children first, each digest once, tags last.
//!
//! 1. The documents are read: the root and, if that is an index, its manifests. Nothing else of the source is touched
//!    for what the target has or can take over by itself.
//! 2. Each blob, several at once: mounted, else found at the target, else sent.
//! 3. The companions: what is to be attached to the root, so that a tag never moves before it is there.
//! 4. The manifests, then the index, once everything that they name is there; the root goes under its tags, and is the
//!    last to go. Whatever happens before, no tag of the target has moved.
//!
//! A target that says that it has the root is asked for nothing but its tags.

mod children;
mod copying;
mod ledger;
mod plan;
mod watched;

pub use children::children;
pub use ledger::{CopyEvent, How, Ledger, Phase, Transfer};
pub(crate) use plan::{Plan, Planned};

use crate::{Expected, Layout, Result, Side, Store};
use copying::Copying;
use oci_merge_image::{Descriptor, Digest};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

/// The reason of an error: the target lacks a layer, and no layer's bytes were to be sent.
pub const LAYER_BYTES: &str = "LAYER_BYTES";

/// How a copy is made.
#[derive(Debug, Clone)]
pub struct CopyOptions<'a> {
    /// The tags that are to stand for the root at the target.
    pub tags: Vec<String>,
    /// What each of these tags must stand for, or it is not moved.
    pub expected: Option<Expected>,
    /// For a blob, repositories of the target's registry that may have it.
    pub mount_from: BTreeMap<Digest, Vec<String>>,
    /// Manifests that go along with the root, such as those whose `subject` it is. They are a courtesy: one that the
    /// target does not take is [told](CopyEvent::LeftBehind), and the copy goes on.
    pub companions: Vec<Descriptor>,
    /// Whether to end with the reason [`LAYER_BYTES`] rather than to send the bytes of a layer.
    pub no_layer_bytes: bool,
    /// Whether an image may name layers that are not distributable; they stay where they are.
    pub allow_nondistributable: bool,
    /// How many blobs move at once.
    pub threads: usize,
    /// A local store through which blobs go that must be fetched: a push that starts over then does not fetch again,
    /// and neither does the next copy. A wrong blob in it is replaced.
    pub cache: Option<&'a Layout>,
    /// Set to true by the caller to end the copy soon: no tag has moved then. Once the tags' turn has come it is too
    /// late, and all of them move.
    pub cancel: Option<&'a AtomicBool>,
}

impl Default for CopyOptions<'_> {
    fn default() -> Self {
        CopyOptions {
            tags: Vec::new(),
            expected: None,
            mount_from: BTreeMap::new(),
            companions: Vec::new(),
            no_layer_bytes: false,
            allow_nondistributable: false,
            threads: 4,
            cache: None,
            cancel: None,
        }
    }
}

/// Copies an image: a manifest, or an index and all of its manifests.
///
/// Content that the target has is not sent; content that it can mount is not even fetched. Nothing is held in memory
/// but documents. Every byte is verified on its way.
///
/// ```
/// use oci_merge_image::{Descriptor, MediaType};
/// use oci_merge_store::copy::{CopyOptions, copy};
/// use oci_merge_store::{Memory, Store};
/// let (from, to) = (Memory::new(), Memory::new());
/// let config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#.to_vec();
/// let of_config = Descriptor::of(MediaType::ImageConfig, &config);
/// let manifest = format!(
///     r#"{{"schemaVersion":2,"config":{{"mediaType":"{}","digest":"{}","size":{}}},"layers":[]}}"#,
///     of_config.media_type, of_config.digest, of_config.size
/// )
/// .into_bytes();
/// let root = Descriptor::of(MediaType::ImageManifest, &manifest);
/// from.push(&of_config, &config).unwrap();
/// from.push(&root, &manifest).unwrap();
///
/// let options = CopyOptions { tags: vec!["full".into()], ..CopyOptions::default() };
/// let ledger = copy(&from, &to, &root, &options, &|_| {}).unwrap();
/// assert_eq!(to.resolve("full").unwrap().digest, root.digest);
/// assert_eq!(ledger.sent(), of_config.size + root.size);
/// ```
///
/// # Errors
/// One end failed: [`Error::side`](crate::Error::side) says which, [`Error::digest`](crate::Error::digest) with what. Of several that failed at once it is the
/// first in the order of the documents. What was sent stays; no tag has moved unless all content is there.
pub fn copy(
    from: &dyn Store,
    to: &dyn Store,
    root: &Descriptor,
    options: &CopyOptions<'_>,
    observe: &(dyn Fn(CopyEvent<'_>) + Sync),
) -> Result<Ledger> {
    let copying = Copying { from, to, options, observe, failed: AtomicBool::new(false) };
    copying.go_on()?;
    let plan = Plan::of(from, root, options.allow_nondistributable).map_err(|e| e.at(Side::Source))?;
    match to.holds(root).map_err(|e| e.at(Side::Target))? {
        Some(true) => copying.retag(&plan),
        held => copying.all(&plan, held == Some(false)),
    }
}

#[cfg(test)]
mod noted;
#[cfg(test)]
mod tests;
