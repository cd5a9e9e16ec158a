//! Peers that go on, and so slowly that they never end.

use super::settings::Settings;
use super::{Clock, Network};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::BodyReader;

/// The fewest bytes a second that count as progress.
const SLOWEST: u64 = 1 << 10;

/// How many bytes a peer took or gave in the time that was spent waiting for it.
pub(super) struct Pace {
    clock: Arc<dyn Clock>,
    window: Duration,
    spent: Duration,
    moved: u64,
}

impl Pace {
    pub(super) fn new(settings: &Settings) -> Pace {
        let (clock, window) = (Arc::clone(&settings.clock), settings.progress_timeout);
        Pace { clock, window, spent: Duration::ZERO, moved: 0 }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// So many bytes moved since `began`.
    ///
    /// # Errors
    /// `TimedOut` once a whole progress timeout was too slow.
    pub(super) fn step(&mut self, began: Instant, count: usize) -> io::Result<()> {
        self.spent += self.clock.now().saturating_duration_since(began);
        self.moved = self.moved.saturating_add(count as u64);
        if self.spent < self.window {
            return Ok(());
        }
        let (spent, moved) = (std::mem::take(&mut self.spent), std::mem::take(&mut self.moved));
        if moved as f64 >= SLOWEST as f64 * spent.as_secs_f64() {
            return Ok(());
        }
        let text = format!("{moved} bytes in {} s, and fewer than {SLOWEST} a second are too few", spent.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    }
}

/// The body of an answer, which has to come at some pace.
pub(crate) struct Incoming {
    inner: BodyReader<'static>,
    pace: Pace,
}

impl Incoming {
    pub(super) fn new(network: &Network, inner: BodyReader<'static>) -> Incoming {
        Incoming { inner, pace: Pace::new(network.settings()) }
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let began = self.pace.now();
        let count = self.inner.read(buffer)?;
        // The end comes when it comes.
        if count > 0 {
            self.pace.step(began, count)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::StillClock;

    #[test]
    fn a_kibibyte_a_second_is_enough_and_less_is_not() {
        let clock = Arc::new(StillClock::new(0.0));
        let settings = Settings { clock: clock.clone(), ..Settings::default() };
        for (bytes, enough) in [(1024, true), (1000, false)] {
            let mut pace = Pace::new(&settings);
            // 60 seconds are the progress timeout.
            let steps = (0..60).map(|_| {
                let began = pace.now();
                clock.sleep(Duration::from_secs(1));
                pace.step(began, bytes).is_ok()
            });
            let steps: Vec<bool> = steps.collect();
            assert_eq!((steps[..59].contains(&false), steps[59]), (false, enough), "{bytes}");
        }
    }
}
