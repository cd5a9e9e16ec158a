//! `--timeout`: the whole run ends in time.

use super::terminal::Terminal;
use oci_merge::CancelToken;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The exit code of a run whose time was over: as of a network that was too slow.
const TOO_SLOW: u8 = 3;

/// How long the run has to clean up.
const GRACE: Duration = Duration::from_secs(3);

/// Whether the time is over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deadline(Arc<AtomicBool>);

impl Deadline {
    /// The exit code of a run that this stopped.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        self.0.load(Ordering::Relaxed).then_some(TOO_SLOW)
    }
}

/// Cancels after so long; without a time never.
pub(crate) fn watch(time: Option<Duration>, cancel: CancelToken, terminal: Terminal) -> Deadline {
    let deadline = Deadline::default();
    let Some(time) = time else { return deadline };
    let over = deadline.clone();
    std::thread::spawn(move || {
        std::thread::sleep(time);
        over.0.store(true, Ordering::Relaxed);
        cancel.cancel();
        terminal.say(format!("stopping: the {} s of --timeout are over", time.as_secs_f64()));
        // Whoever waits for a peer hears of it when the peer speaks, which may be never.
        std::thread::sleep(GRACE);
        std::process::exit(TOO_SLOW.into());
    });
    deadline
}

/// `90`, `90s`, `15m` or `2h`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (text.get(..at), 1.0),
        Some((at, 'm')) => (text.get(..at), 60.0),
        Some((at, 'h')) => (text.get(..at), 3600.0),
        _ => (Some(text), 1.0),
    };
    let seconds: Option<f64> = number.and_then(|number| number.parse().ok());
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds * unit).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| "expected a time such as 90s, 15m or 2h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, seconds) in [("90", Some(90.0)), ("1.5s", Some(1.5)), ("15m", Some(900.0)), ("2h", Some(7200.0))] {
            assert_eq!(time(text).ok(), seconds.map(Duration::from_secs_f64), "{text}");
        }
        for bad in ["", "s", "0", "-1", "1d", "x", "inf", "NaN"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
