//! SIGINT and SIGTERM: stop the run, clean up, say which it was.

use super::terminal::Terminal;
use oci_merge::CancelToken;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// What comes this soon after the first signal is the first once more: `timeout` sends it to the process, then to the
/// process's group.
const ECHO: Duration = Duration::from_millis(300);

/// What has been received so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Received(Arc<AtomicI32>);

impl Received {
    /// The exit code that tells of the signal: 130 or 143. Without one, what the library says of a cancelled run.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }
}

/// Cancels at the first signal. A second one ends the process at once.
pub(crate) fn watch(cancel: CancelToken, terminal: Terminal) -> Received {
    let received = Received::default();
    let first = received.clone();
    // Without it the signals keep their own meaning, which is to end the process.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return received };
    std::thread::spawn(move || {
        let mut begun = None;
        for signal in signals.forever() {
            match begun {
                None => {
                    begun = Some(Instant::now());
                    first.0.store(signal, Ordering::Relaxed);
                    cancel.cancel();
                    terminal.say("stopping; once more to end at once");
                }
                Some(begun) if begun.elapsed() < ECHO => {}
                Some(_) => {
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        }
    });
    received
}
