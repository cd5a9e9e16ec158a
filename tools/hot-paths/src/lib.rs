//! Inputs for measurements, made the same each time: for `benches/`, and for the program of this package, which
//! `tools/instructions` counts.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

pub mod image;
pub mod layers;
pub mod stack;
pub mod tree;
