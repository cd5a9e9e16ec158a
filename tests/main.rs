//! What crosses a crate, or runs the binary.

mod architecture; // the rules of the tree that a compiler does not know
mod cli; // the program as a person or a script meets it
mod golden; // the product itself, byte by byte
mod library; // what an embedder writes
mod registry; // the client for registries: order, mounts, credentials, retries, lies
