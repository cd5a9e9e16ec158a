//! What crosses a crate, or runs the binary.
