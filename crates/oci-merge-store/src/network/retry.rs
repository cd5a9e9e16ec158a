//! Trying again: what may pass, how often, how long to wait.

use super::event::Event;
use super::http_date;
use super::request::Response;
use super::{Clock, Network};
use crate::{Error, ErrorKind, Result};
use std::time::Duration;

/// How often anything is tried.
const MAX_ATTEMPTS: u32 = 6;
/// Before the second attempt, at most; doubled for each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait that is ours.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait that a server may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(120);
/// How long a wait goes on before the caller is asked whether it wants to stop.
const SLICE: Duration = Duration::from_millis(100);
/// How many connections may turn out to be dead at one thing before that counts.
const MAX_STALE: u32 = 3;

/// Whether a status says "not now" rather than "no".
pub(crate) fn is_transient(status: u16) -> bool {
    status == 408 || status == 429 || (500..600).contains(&status)
}

/// The attempts at one thing.
pub(crate) struct Attempts {
    network: Network,
    what: String,
    made: u32,
    stale: u32,
}

impl Attempts {
    /// The first attempt is about to be made.
    pub(crate) fn new(network: &Network, what: impl Into<String>) -> Attempts {
        Attempts { network: network.clone(), what: what.into(), made: 1, stale: 0 }
    }

    /// How many attempts were made, the one that is being made included.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// What is being attempted.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }

    /// Whether a dead connection may be passed over: then what follows is the same attempt, without a wait.
    pub(crate) fn pass_over(&mut self) -> bool {
        self.stale += 1;
        self.stale <= MAX_STALE
    }

    /// Waits for the next attempt; `false` if there is none left.
    ///
    /// # Errors
    /// The caller wants to stop.
    pub(crate) fn again(&mut self, why: &str, retry_after: Option<Duration>) -> Result<bool> {
        if self.made >= MAX_ATTEMPTS {
            return Ok(false);
        }
        self.made += 1;
        let after = wait(self.made, retry_after, self.network.settings().clock.chance());
        let (what, why) = (self.what.clone(), why.to_owned());
        self.network.tell(Event::Retry { what, why, attempt: self.made, after });
        self.sleep(after)?;
        Ok(true)
    }

    fn sleep(&self, mut left: Duration) -> Result<()> {
        let settings = self.network.settings();
        let slice = if settings.cancelled.is_some() { SLICE } else { left };
        while !left.is_zero() {
            if self.network.is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, &self.what, "cancelled"));
            }
            let now = left.min(slice);
            settings.clock.sleep(now);
            left -= now;
        }
        Ok(())
    }
}

/// How long to wait before an attempt: a server's word, and full jitter, so that clients do not come back in step.
fn wait(attempt: u32, retry_after: Option<Duration>, chance: f64) -> Duration {
    match retry_after {
        Some(asked) => asked.min(LONGEST_RETRY_AFTER) + FIRST_WAIT.mul_f64(chance),
        None => {
            let doublings = attempt.saturating_sub(2).min(16);
            LONGEST_WAIT.min(FIRST_WAIT * 2_u32.pow(doublings)).mul_f64(chance)
        }
    }
}

/// `Retry-After` in both of its forms, seconds and a date (RFC 9110 section 10.2.3).
pub(crate) fn retry_after(response: &Response, clock: &dyn Clock) -> Option<Duration> {
    parse_retry_after(response.header("retry-after")?.trim(), clock)
}

fn parse_retry_after(text: &str, clock: &dyn Clock) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    Some(http_date::parse(text)?.duration_since(clock.date()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Settings, StillClock};
    use std::sync::Arc;

    #[test]
    fn both_forms_of_retry_after_are_understood() {
        // The still clock shows 1994-11-06 08:49:37 UTC, the date in RFC 9110's examples.
        let clock = StillClock::new(0.0);
        let cases = [
            ("120", Some(120)),
            ("0", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:50:00 GMT", Some(23)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("Sunday, 06-Nov-94 08:49:40 GMT", Some(3)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(parse_retry_after(text, &clock), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn six_attempts_with_full_jitter() {
        let clock = Arc::new(StillClock::new(0.5));
        let network = Network::new(Settings { clock: clock.clone(), ..Settings::default() });
        let mut attempts = Attempts::new(&network, "a test");
        let mut made = 1;
        while attempts.again("503", None).unwrap() {
            made += 1;
        }
        assert_eq!((made, attempts.made()), (6, 6));
        // Half of 1, 2, 4, 8 and 16 seconds.
        assert_eq!(clock.slept(), [500, 1000, 2000, 4000, 8000].map(Duration::from_millis));
    }

    #[test]
    fn dead_connections_are_passed_over_a_few_times() {
        let mut attempts = Attempts::new(&Network::default(), "a test");
        assert_eq!([(); 5].map(|()| attempts.pass_over()), [true, true, true, false, false]);
        assert_eq!(attempts.made(), 1);
    }

    #[test]
    fn a_server_may_ask_for_two_minutes_and_not_for_more() {
        for (asked, waited) in [(2, 2_000), (120, 120_000), (86_400, 120_000)] {
            assert_eq!(wait(2, Some(Duration::from_secs(asked)), 0.0), Duration::from_millis(waited));
        }
        assert!(wait(6, Some(Duration::from_secs(1)), 0.99) < Duration::from_secs(2));
        assert!(wait(40, None, 0.99) < LONGEST_WAIT);
    }

    #[test]
    fn a_wait_ends_when_the_caller_wants_to_stop() {
        let clock = Arc::new(StillClock::new(0.9));
        let watched = clock.clone();
        let cancelled = move || watched.slept().len() >= 3;
        let settings = Settings { clock: clock.clone(), cancelled: Some(Arc::new(cancelled)), ..Settings::default() };
        let network = Network::new(settings);
        let stopped = Attempts::new(&network, "a test").again("429", Some(Duration::from_secs(60)));
        assert_eq!(stopped.unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(clock.slept(), [SLICE; 3]);
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_may_not_is_not() {
        for status in [408, 429, 500, 502, 503, 504, 507] {
            assert!(is_transient(status), "{status}");
        }
        for status in [200, 301, 400, 401, 403, 404, 405, 409, 413, 416, 422, 600] {
            assert!(!is_transient(status), "{status}");
        }
    }
}
