//! What crosses a crate, or runs the binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "cargo keeps what a test prints")]

mod architecture; // the rules of the tree that a compiler does not know
mod cli; // the program as a person or a script meets it
mod farm; // what a build farm asks of a registry, as it is reckoned with and as it is
mod from; // images as sources
mod golden; // the product itself, byte by byte
mod indexes; // layers in a registry, and who is believed about them
mod library; // what an embedder writes
mod packed; // more layers than an image may have
mod properties; // what must be true of any bytes at all
mod registry; // the client for registries: order, mounts, credentials, retries, lies
