//! A build farm, simulated: tools that each have a layer, images that are stacked of them, tools that change every day.
//!
//! | module | what it is |
//! |---|---|
//! | [`requests`] | requests to a registry, by kind |
//! | [`program`] | those of oci-merge: the same as in a real run, which `tests/farm.rs` shows |
//! | [`containerd`] | those of BuildKit, and of whoever pulls |
//! | [`plan`] | how large the farm is, and what changes on a day |
//! | [`schemes`] | what a day costs in each of the ways to make the images |
//! | [`limits`] | what registries and engines allow, and how near the farm is to that |
//! | [`report`](mod@report) | the tables |
//!
//! Nothing in it is random and no clock is read: the same flags give the same figures.

pub mod containerd;
pub mod limits;
pub mod plan;
pub mod program;
pub mod report;
pub mod requests;
pub mod schemes;
