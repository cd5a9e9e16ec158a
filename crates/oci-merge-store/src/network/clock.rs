//! Time and chance, which tests replace.

use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant, SystemTime};

/// Where waiting, deadlines and jitter come from.
pub trait Clock: Send + Sync {
    /// A time that never goes back.
    fn now(&self) -> Instant;

    /// The time of day, for dates that a server sends.
    fn date(&self) -> SystemTime;

    /// Waits.
    fn sleep(&self, time: Duration);

    /// A number from 0 up to, but without, 1: each one as likely as any other.
    fn chance(&self) -> f64;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn date(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn chance(&self) -> f64 {
        // Each `RandomState` has keys of its own; that is random enough to keep clients from retrying in step.
        let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
        (random >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A clock that does not wait but writes down for how long it should have.
    #[derive(Debug)]
    pub(crate) struct StillClock {
        start: Instant,
        date: SystemTime,
        slept: Mutex<Vec<Duration>>,
        chance: f64,
    }

    impl StillClock {
        pub(crate) fn new(chance: f64) -> StillClock {
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
            StillClock { start: Instant::now(), date, slept: Mutex::default(), chance }
        }

        pub(crate) fn slept(&self) -> Vec<Duration> {
            self.slept.lock().unwrap().clone()
        }
    }

    impl Clock for StillClock {
        fn now(&self) -> Instant {
            self.start + self.slept().iter().sum::<Duration>()
        }

        fn date(&self) -> SystemTime {
            self.date + self.slept().iter().sum::<Duration>()
        }

        fn sleep(&self, time: Duration) {
            self.slept.lock().unwrap().push(time);
        }

        fn chance(&self) -> f64 {
            self.chance
        }
    }

    #[test]
    fn chance_is_spread_over_its_range() {
        let mut eighths = [0_u32; 8];
        for _ in 0..800 {
            let chance = SystemClock.chance();
            assert!((0.0..1.0).contains(&chance));
            eighths[(chance * 8.0) as usize] += 1;
        }
        assert!(eighths.iter().all(|n| *n > 40), "{eighths:?}");
    }
}
