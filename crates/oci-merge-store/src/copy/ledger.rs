//! What a copy did, and what it tells while it is at it.

use crate::Error;
use oci_merge_image::Descriptor;
use std::path::Path;

/// What a copy did with each piece of content: blobs in the order of the documents, then the documents, the root last.
/// The order is never that of completion.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// One line for each digest.
    pub transfers: Vec<Transfer>,
    /// The same for what went along with the root; nothing of it where the target had the root already.
    pub companions: Vec<Transfer>,
}

impl Ledger {
    /// How many bytes went to the target, those that went twice included.
    pub fn sent(&self) -> u64 {
        let all = self.transfers.iter().chain(&self.companions);
        all.map(Transfer::sent).sum()
    }
}

/// What was done with one piece of content.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    /// The content.
    pub descriptor: Descriptor,
    /// How the target came to have it.
    pub how: How,
    /// Bytes of it that went more than once, for something broke on the way.
    pub sent_again: u64,
}

impl Transfer {
    pub(crate) fn new(descriptor: &Descriptor, how: How) -> Transfer {
        Transfer { descriptor: descriptor.clone(), how, sent_again: 0 }
    }

    /// How many bytes went to the target for it.
    pub fn sent(&self) -> u64 {
        if self.how == How::Sent { self.descriptor.size + self.sent_again } else { 0 }
    }
}

/// How the target of a copy came to have some content.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum How {
    /// The target had it.
    Present,
    /// The target took it over from this repository of its own registry; no bytes moved.
    Mounted(String),
    /// All of its bytes were sent.
    Sent,
    /// It is a non-distributable layer: only its descriptor went, in the manifest.
    Left,
}

/// What happens during a copy. Told from any thread; whoever listens must not block.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum CopyEvent<'a> {
    /// Bytes of a blob have moved.
    Progress {
        /// The blob.
        descriptor: &'a Descriptor,
        /// What they moved for.
        phase: Phase,
        /// How many so far, of the descriptor's size; an attempt that starts over counts from 0 again.
        done: u64,
    },
    /// A blob of the local store was not what its name says, and is fetched again.
    Quarantined {
        /// The blob.
        descriptor: &'a Descriptor,
        /// Where its wrong bytes are now.
        path: &'a Path,
    },
    /// A companion of the root did not get to the target, which is no reason to stop.
    LeftBehind {
        /// The companion.
        descriptor: &'a Descriptor,
        /// Why.
        error: &'a Error,
    },
    /// The target has a piece of content now.
    Done(&'a Transfer),
    /// A tag of the target stands for the root now.
    Tagged(&'a str),
}

/// What bytes move for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// From the source into the local store.
    Fetch,
    /// To the target.
    Send,
}
