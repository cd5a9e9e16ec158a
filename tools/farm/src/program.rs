//! What oci-merge asks of a registry. `tests/farm.rs` compares each of these with a real run.
//!
//! The local store is empty at first, as on a runner that is used once, and the base lies in the same registry with the
//! indexes of its layers, which are believed.

use crate::requests::Requests;

/// A registry as a push meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registry {
    /// Whether it has the referrers API. Else the list of what is attached to an image is read and written under a tag.
    pub referrers: bool,
}

impl Registry {
    /// An image of new layers on a base goes to an empty repository, or one of which no layer is left.
    pub fn first_push(self, base: u64, layers: u64) -> Requests {
        let blobs = Requests { blob_heads: layers, uploads: layers, mounts: base, ..Requests::default() };
        // Where nothing of the image was there, nobody asks whether its indexes are.
        let indexes = Requests { uploads: layers + EMPTY, manifest_puts: 1, ..Requests::default() };
        read_base(base) + ASK + blobs + CONFIG + indexes + self.list() + TAG
    }

    /// The same with some layers that the repository does not have yet.
    pub fn changed_push(self, base: u64, layers: u64, changed: u64) -> Requests {
        let blobs = Requests { blob_heads: layers, uploads: changed, mounts: base, ..Requests::default() };
        let asked = Requests { manifest_heads: 1, blob_heads: layers + EMPTY, ..Requests::default() };
        let indexes = Requests { uploads: changed, manifest_puts: 1, ..asked };
        read_base(base) + ASK + blobs + CONFIG + indexes + self.list() + TAG
    }

    /// The same image again.
    pub fn unchanged_push(self, base: u64) -> Requests {
        read_base(base) + ASK + Requests { manifest_heads: 1, ..Requests::default() }
    }

    /// The image of [`first_push`](Registry::first_push) goes to one more repository of the registry, in the same run.
    pub fn second_repository(self, base: u64, layers: u64) -> Requests {
        // The base's layers, ours, the config; the indexes and the empty config of their artifact.
        let mounts = base + layers + 1 + layers + EMPTY;
        let last = ASK + Requests { mounts, manifest_puts: 1, ..Requests::default() } + self.list() + TAG;
        // No repository gets its tag before all have the image: those before the last get theirs by a request of its own.
        last + Requests { manifest_heads: 3, ..TAG }
    }

    /// The artifact with the indexes is entered in the list of what is attached to the image.
    fn list(self) -> Requests {
        match self.referrers {
            true => Requests::default(),
            false => Requests { manifest_gets: 1, manifest_puts: 1, ..Requests::default() },
        }
    }
}

/// Tools that lie in the registry, an image with one layer each, are checked by their indexes.
pub fn check(base: u64, tools: u64) -> Requests {
    read_base(base) + Requests { manifest_gets: tools, blob_gets: tools, ..Requests::default() }
}

/// The same, and then they are stacked into an image that the repository does not have.
pub fn stack(base: u64, tools: u64) -> Requests {
    let mounts = Requests { mounts: base + tools, ..Requests::default() };
    check(base, tools) + ASK + mounts + CONFIG + TAG
}

/// The same, and the image is there already.
pub fn stack_unchanged(base: u64, tools: u64) -> Requests {
    check(base, tools) + ASK + Requests { manifest_heads: 1, ..Requests::default() }
}

/// The config that an artifact without one names.
const EMPTY: u64 = 1;
/// Whether the image is there.
const ASK: Requests = Requests { manifest_heads: 1, ..NONE };
const CONFIG: Requests = Requests { uploads: 1, ..NONE };
const TAG: Requests = Requests { manifest_puts: 1, ..NONE };
const NONE: Requests = Requests {
    manifest_heads: 0,
    manifest_gets: 0,
    manifest_puts: 0,
    blob_heads: 0,
    blob_gets: 0,
    uploads: 0,
    mounts: 0,
};

/// The base's manifest, its config, and the index of each of its layers; nothing for `scratch`, which has none.
fn read_base(layers: u64) -> Requests {
    match layers {
        0 => NONE,
        _ => Requests { manifest_gets: 1, blob_gets: 1 + layers, ..NONE },
    }
}
