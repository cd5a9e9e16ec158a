//! A blob on its way out, in as many requests as it takes: read once from beginning to end where nothing goes wrong.

use crate::verified::Checked;
use crate::{Content, Error, ErrorKind};
use oci_merge_image::Descriptor;
use std::io::{self, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The content of a blob, verified, and how far it was read.
pub(super) struct Feed<'a> {
    descriptor: &'a Descriptor,
    content: &'a dyn Content,
    place: String,
    reader: Mutex<Option<At<'a>>>,
}

struct At<'a> {
    at: u64,
    inner: Checked<Box<dyn Read + Send + 'a>>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(descriptor: &'a Descriptor, content: &'a dyn Content, place: String) -> Feed<'a> {
        Feed { descriptor, content, place, reader: Mutex::default() }
    }

    /// The bytes from here on, as the body of a request that says how many it takes.
    pub(super) fn from(&self, start: u64) -> From<'_, 'a> {
        From { all: self, start }
    }

    fn lock(&self) -> MutexGuard<'_, Option<At<'a>>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the reader at a byte. Going back means to begin anew, and what is passed over is verified like the rest.
    fn seek(&self, start: u64) -> io::Result<()> {
        let mut reader = self.lock();
        let mut at = match reader.take().filter(|reader| reader.at == start && start > 0) {
            Some(there) => there,
            None => At { at: 0, inner: Checked::new(self.descriptor, self.place.clone(), self.content.open()?) },
        };
        let passed = io::copy(&mut (&mut at.inner).take(start - at.at), &mut io::sink())?;
        at.at += passed;
        if at.at < start {
            let text = format!("the registry has {start} bytes of {}, more than there are", self.descriptor.digest);
            return Err(Error::new(ErrorKind::Mismatch, &self.place, text).into());
        }
        *reader = Some(at);
        Ok(())
    }
}

/// The bytes from some place on.
pub(super) struct From<'o, 'a> {
    all: &'o Feed<'a>,
    start: u64,
}

impl Content for From<'_, '_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        self.all.seek(self.start)?;
        Ok(Box::new(Reading(self.all)))
    }
}

struct Reading<'o, 'a>(&'o Feed<'a>);

impl Read for Reading<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut reader = self.0.lock();
        let Some(at) = reader.as_mut() else { return Ok(0) };
        let count = at.inner.read(buffer)?;
        at.at += count as u64;
        self.0.content.sent(count as u64);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::MediaType;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Bytes that count how often they are opened.
    struct Counted(Vec<u8>, AtomicU32);

    impl Content for Counted {
        fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.open()
        }
    }

    fn take(from: &From<'_, '_>, count: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        from.open().unwrap().take(count).read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn chunks_are_read_one_after_the_other_and_again_where_they_must_be() {
        let content = Counted(b"0123456789".to_vec(), AtomicU32::new(0));
        let descriptor = Descriptor::of(MediaType::ImageLayer, &content.0);
        let feed = Feed::new(&descriptor, &content, "a test".into());
        let read = [(0, 4), (4, 4), (8, 2)].map(|(start, count)| take(&feed.from(start), count));
        assert_eq!((read.concat(), content.1.load(Ordering::Relaxed)), (content.0.clone(), 1));
        assert_eq!(take(&feed.from(6), 4), b"6789");
        assert_eq!(content.1.load(Ordering::Relaxed), 2, "going back is opening again");
        assert!(feed.from(11).open().is_err());
    }

    #[test]
    fn the_end_of_wrong_bytes_never_goes_out() {
        let descriptor = Descriptor::of(MediaType::ImageLayer, b"0123456789");
        let content = b"012345678X".to_vec();
        let feed = Feed::new(&descriptor, &content, "a test".into());
        assert_eq!(take(&feed.from(0), 6), b"012345");
        let mut rest = Vec::new();
        let error = feed.from(6).open().unwrap().read_to_end(&mut rest).unwrap_err();
        assert_eq!(Error::carried_by(error).unwrap().reason(), Some("DIGEST_MISMATCH"));
    }
}
