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

    /// The file that holds these bytes and nothing else, if there is one: a filesystem may be able to share them.
    ///
    /// # Errors
    /// It cannot be opened.
    fn file(&self) -> io::Result<Option<File>> {
        Ok(None)
    }

    /// Is told that so many more of these bytes were put on their way to another machine; over a bad network some go
    /// more than once.
    fn sent(&self, _bytes: u64) {}
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

    fn file(&self) -> io::Result<Option<File>> {
        File::open(self).map(Some)
    }
}

impl<T: Content + ?Sized> Content for &T {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        (**self).open()
    }

    fn file(&self) -> io::Result<Option<File>> {
        (**self).file()
    }

    fn sent(&self, bytes: u64) {
        (**self).sent(bytes);
    }
}
