//! Assemble one OCI image from independent layers, and prove that they do not clash.
//!
//! ```no_run
//! use oci_merge::{Image, Layer};
//!
//! fn main() -> oci_merge::Result<()> {
//!     let image = Image::on("ubuntu:22.04")
//!         .layer(Layer::archive("python", "out/python.tar.gz").prefix("/opt/python").path("bin"))
//!         .layer(Layer::archive("rust", "out/rust.tar.zst").prefix("/opt/rust").path("cargo/bin"))
//!         .layer(Layer::directory("node", "out/node").prefix("/opt/node").path("bin"))
//!         .assemble()?; // Err(Error::Findings(_)) if two of them clash
//!     println!("{}", image.push("ghcr.io/jon/babylon:full")?); // ghcr.io/jon/babylon:full@sha256:…
//!     Ok(())
//! }
//! ```
//!
//! # The way of a run
//!
//! Each verb is a module; the order of results is that of the spec and never that of completion.
//!
//! | verb | what it does | where |
//! |---|---|---|
//! | parse | `oci-merge.toml` becomes a [`Spec`], or all of its errors | [`spec`] |
//! | resolve | the base's documents; no layer is read | `open` |
//! | gather | sources come onto this machine, verified | `gather`, `from` |
//! | pack | each layer in one pass: tar, diff_id, index, gzip, digest | `layers` |
//! | check | indexes of base and layers become findings | `judge` |
//! | stack | small layers are joined if there are too many; base + layers + edits become manifest and config | `groups`, `assemble` |
//! | push | one copy to each destination | `write` |
//!
//! # The four crates
//!
//! `oci-merge-image` is what an image is (no I/O at all), `oci-merge-layer` how a tarball becomes a layer and when two
//! layers collide (CPU), `oci-merge-store` where images are kept (network and disk). Layer and store never meet; this
//! crate is the only one that knows what a spec is.
//!
//! # What must stay true
//!
//! 1. `oci-merge-image` does no I/O and knows no time. (`tests/architecture.rs`)
//! 2. Layer and store do not depend on each other. (`tests/architecture.rs`)
//! 3. Fetched documents are never serialised again; unknown config fields survive. (tests of `stack`)
//! 4. No byte leaves `Store::fetch` beyond the descriptor's size, nor a last byte with a wrong digest. (tests of `Verified`)
//! 5. No layer is ever held in memory. (`tools/test memory`)
//! 6. Nothing is uploaded before the check has passed; manifests go after blobs; tags go last. (`tests/registry.rs`)
//! 7. The manifest digest depends on the spec and its inputs only. (`tests/golden.rs`, `tools/test determinism`)
//! 8. Layers that the target registry has, or can mount, are neither downloaded nor uploaded. (`tests/registry.rs`)
//! 9. If the check is clean, every order of the independent layers gives the same root filesystem. (tests of `check`)
//! 10. The binary holds no logic worth a unit test.
//!
//! The API is blocking. From inside an async runtime, call it in `spawn_blocking`.

pub mod manual;
pub mod number;
pub mod spec;

mod again;
mod archive;
mod assemble;
mod base_index;
mod build;
mod cache;
mod cancel;
mod destination;
mod doctor;
mod engine;
mod error;
mod event;
mod explain;
mod from;
mod gather;
mod github;
mod groups;
mod image;
mod inspect;
mod judge;
mod layers;
mod local;
mod merge;
mod mounts;
mod names;
mod notes;
mod on_path;
mod open;
mod pins;
mod push;
mod referrer;
mod registries;
mod report;
mod result;
mod schemas;
mod seek;
#[cfg(feature = "serve")]
mod serve;
mod settings;
mod tree;
mod workers;
mod write;

pub use build::{Assembled, Builder, MAX_LAYERS};
pub use cache::{Cache, CacheFiles, cache};
pub use cancel::CancelToken;
pub use destination::Destination;
pub use doctor::{Diagnosis, doctor};
pub use error::{Error, Result};
pub use event::{Event, How, Observer, Phase, Transfer};
pub use explain::{Explanation, UnknownCode, explain, explanations};
pub use github::{Annotation, AnnotationKind};
pub use groups::Member;
pub use image::{Image, Layer};
pub use inspect::{Inspected, InspectedLayer, Listed, inspect, list};
pub use merge::{MergeInput, check_inputs, merge};
pub use oci_merge_image::{Digest, Edits, Platform, Prefix, Reference};
pub use oci_merge_layer::compressor::Level;
pub use oci_merge_store::layout::Removal;
pub use push::push;
pub use report::{FindingReport, Fix, MAX_FINDINGS};
pub use result::{Built, BuiltBase, BuiltLayer, Checked, JoinedLayer, ResultFiles, Sent, Settled, Written};
pub use schemas::{SCHEMAS, schema};
#[cfg(feature = "serve")]
pub use serve::serve;
pub use settings::{Remake, Settings};
pub use spec::Spec;
