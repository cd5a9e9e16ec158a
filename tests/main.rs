//! What crosses a crate, or runs the binary.

mod architecture; // the rules of the tree that a compiler does not know
