//! Images in one file: a tar archive of an OCI layout, or of what `docker save` writes.
//!
//! What is written is both at once: `index.json` for whoever reads OCI layouts (containerd, docker on containerd's
//! store, podman, skopeo), `manifest.json` for docker's classic store, and each blob only once. What is read may be either;
//! where both are there, the layout counts, as it does for containerd.

mod docker;
mod members;
mod read;
mod write;

pub use members::{Member, Members};
pub use read::ArchiveStore;
pub use write::{Image, write_archive};

/// The file that lists the images for docker's classic store.
const MANIFEST: &str = "manifest.json";

#[cfg(test)]
mod tests;
