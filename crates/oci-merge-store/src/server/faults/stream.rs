//! Bytes on their way, changed or delayed.

use super::plan::Sleep;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

/// Bytes with one bit flipped, or each.
pub(super) struct Changed {
    inner: Box<dyn Read + Send>,
    position: u64,
    place: Option<u64>,
}

impl Changed {
    /// Flips bit 0 of one byte.
    pub(super) fn at(place: u64, inner: Box<dyn Read + Send>) -> Changed {
        Changed { inner, position: 0, place: Some(place) }
    }

    /// Flips all bits.
    pub(super) fn everywhere(inner: Box<dyn Read + Send>) -> Changed {
        Changed { inner, position: 0, place: None }
    }
}

impl Read for Changed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for (position, byte) in (self.position..).zip(buffer.iter_mut().take(count)) {
            match self.place {
                Some(place) if place == position => *byte ^= 1,
                Some(_) => {}
                None => *byte ^= 0xff,
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

/// Bytes at a rate.
pub(super) struct Slow {
    inner: Box<dyn Read + Send>,
    /// Bytes a second.
    rate: u64,
    sleep: Arc<Sleep>,
}

impl Slow {
    pub(super) fn new(rate: u64, sleep: Arc<Sleep>, inner: Box<dyn Read + Send>) -> Slow {
        Slow { inner, rate: rate.max(1), sleep }
    }
}

impl Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Twenty pieces a second.
        let most = usize::try_from(self.rate / 20).unwrap_or(usize::MAX).clamp(1, buffer.len().max(1));
        let count = self.inner.read(buffer.get_mut(..most).unwrap_or_default())?;
        if !self.sleep.sleep(Duration::from_secs_f64(count as f64 / self.rate as f64)) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(count)
    }
}
