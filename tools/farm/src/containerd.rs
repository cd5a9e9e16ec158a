//! What containerd's client for registries asks, which BuildKit and Docker use too. Read in its source
//! (`core/remotes/docker/{pusher,fetcher,resolver}.go`), not measured: each blob is asked for before it is sent, and a
//! blob of a known origin is mounted.

use crate::requests::Requests;

/// An image is pushed: layers that are sent, mounted, or there already; and its config and manifest, which are new.
pub fn push(sent: u64, mounted: u64, there: u64) -> Requests {
    Requests {
        blob_heads: sent + mounted + there + 1,
        uploads: sent + 1,
        mounts: mounted,
        manifest_heads: 1,
        manifest_puts: 1,
        ..Requests::default()
    }
}

/// An image is pulled: its tag is resolved, then its manifest, its config, and layers that are not there yet.
pub fn pull(layers: u64) -> Requests {
    Requests { manifest_heads: 1, manifest_gets: 1, blob_gets: 1 + layers, ..Requests::default() }
}
