//! Content on its way: verified, counted, stoppable, and it remembers whether it was the content that failed.

use crate::sniff::contradicts;
use crate::verified::Checked;
use crate::{Content, Error, ErrorKind, Result, Side, Store};
use oci_merge_image::Descriptor;
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Where the bytes come from.
pub(super) enum Origin<'a> {
    /// They lie on this machine.
    Here(Box<dyn Content + 'a>),
    /// They are fetched anew for every attempt.
    Far,
}

/// The content of a blob during its transfer.
pub(super) struct Watched<'a> {
    pub(super) from: &'a dyn Store,
    pub(super) descriptor: &'a Descriptor,
    pub(super) origin: Origin<'a>,
    pub(super) stopped: &'a (dyn Fn() -> bool + Sync),
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
    pub(super) failure: Mutex<Option<Error>>,
    pub(super) shared: AtomicBool,
    /// Bytes that were put on their way, those that went twice included.
    pub(super) sent: AtomicU64,
}

impl Watched<'_> {
    /// Puts this into a store, and says how many bytes went once more; an error says at which end it arose.
    pub(super) fn push_to(&self, to: &dyn Store) -> Result<u64> {
        let Err(error) = to.push(self.descriptor, self) else {
            return Ok(self.sent.load(Ordering::Relaxed).saturating_sub(self.descriptor.size));
        };
        if error.kind() == ErrorKind::Cancelled {
            return Err(error);
        }
        if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(failure);
        }
        // Bytes that were taken without a look from here turned out to be wrong over there.
        let blame = self.shared.load(Ordering::Relaxed) && error.kind() == ErrorKind::Mismatch;
        Err(error.at(if blame { Side::Source } else { Side::Target }).about(&self.descriptor.digest))
    }

    /// Keeps an error of the content, for the target will report it as its own.
    fn note(&self, error: io::Error) -> io::Error {
        let digest = &self.descriptor.digest;
        let ours = Error::carried_by(error)
            .unwrap_or_else(|e| Error::disk(self.from.name(), &format!("reading {digest}"), e))
            .at(Side::Source)
            .about(digest);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(ours.clone());
        ours.into()
    }
}

impl Content for Watched<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        // A new attempt: what failed before is settled.
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let opened: io::Result<Box<dyn Read + Send + '_>> = match &self.origin {
            Origin::Here(content) => content
                .open()
                .map(|inner| Box::new(Checked::new(self.descriptor, self.from.name(), inner)) as Box<dyn Read + Send>),
            Origin::Far => {
                let fetched = self.from.fetch(self.descriptor).map_err(io::Error::from);
                fetched.map(|inner| Box::new(inner) as Box<dyn Read + Send>)
            }
        };
        let inner = opened.map_err(|e| self.note(e))?;
        Ok(Box::new(Reading { inner, watched: self, done: 0 }))
    }

    fn file(&self) -> io::Result<Option<File>> {
        let Origin::Here(content) = &self.origin else { return Ok(None) };
        let file = content.file().map_err(|e| self.note(e))?;
        self.shared.store(file.is_some(), Ordering::Relaxed);
        Ok(file)
    }

    fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }
}

struct Reading<'a> {
    inner: Box<dyn Read + Send + 'a>,
    watched: &'a Watched<'a>,
    done: u64,
}

impl Reading<'_> {
    /// A layer must be compressed as its media type says: readers go by one or by the other.
    fn look(&self, start: &[u8]) -> io::Result<()> {
        let Watched { descriptor, from, .. } = self.watched;
        // Whoever reads less than a magic number at a time learns nothing here.
        if start.len() < 4 || !contradicts(&descriptor.media_type, start) {
            return Ok(());
        }
        let text = format!("the bytes of {} are not what {} begins with", descriptor.digest, descriptor.media_type);
        let error = Error::new(ErrorKind::Mismatch, from.name(), text).because("LAYER_MEDIA_TYPE");
        Err(self.watched.note(error.into()))
    }
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.watched.stopped)() {
            return Err(super::copying::cancelled(self.watched.from).into());
        }
        match self.inner.read(buffer) {
            Ok(0) => Ok(0),
            Ok(count) => {
                if self.done == 0 {
                    self.look(buffer.get(..count).unwrap_or_default())?;
                }
                self.done += count as u64;
                (self.watched.progress)(self.done);
                Ok(count)
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Err(e),
            Err(e) => Err(self.watched.note(e)),
        }
    }
}
