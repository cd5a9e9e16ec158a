//! Content that can be read again: a push over a bad network starts over, from a file or from memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that can be opened as often as a push needs.
pub trait Content: Send + Sync {
    /// Opens the bytes at their beginning.
    ///
    /// # Errors
    /// They cannot be opened.
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>>;
}

impl Content for [u8] {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self))
    }
}

impl Content for Vec<u8> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        self.as_slice().open()
    }
}

impl Content for Path {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(File::open(self)?))
    }
}
