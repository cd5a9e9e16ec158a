//! A line for each thing that is done, and one for the whole every ten seconds, so that no log looks like a hang.

use super::{Sums, View, Wanted, details, how, lock, transfer, verdict, warning};
use crate::cli::number;
use crate::cli::terminal::Terminal;
use oci_merge::Event;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A little under the ten seconds that nobody shall have to wait for a line.
const PERIOD: Duration = Duration::from_millis(9_900);

pub(super) struct Plain {
    terminal: Terminal,
    wanted: Wanted,
    sums: Mutex<Sums>,
    /// Dropped to stop the ticks.
    ticking: Mutex<Option<Sender<()>>>,
}

impl Plain {
    pub(super) fn new(terminal: Terminal, wanted: Wanted) -> Arc<Plain> {
        let (sender, receiver) = mpsc::channel::<()>();
        let plain =
            Arc::new(Plain { terminal, wanted, sums: Mutex::new(Sums::new()), ticking: Mutex::new(Some(sender)) });
        let ticks = Arc::clone(&plain);
        std::thread::spawn(move || {
            while receiver.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                ticks.tick();
            }
        });
        plain
    }

    fn tick(&self) {
        let sums = lock(&self.sums);
        let ready = match sums.layers {
            0 => "at work".to_owned(),
            layers => format!("{} of {layers} layers ready", sums.ready),
        };
        let mut line = format!("[{:.0} s] {ready}", sums.began.elapsed().as_secs_f64());
        for (layer, doing, done, total) in &sums.busy {
            let total = total.map(|total| format!(" of {}", number::bytes(total))).unwrap_or_default();
            line.push_str(&format!("; {doing} {layer}, {}{total}", number::bytes(*done)));
        }
        self.terminal.say(line);
    }
}

impl View for Plain {
    fn see(&self, event: &Event) {
        let mut sums = lock(&self.sums);
        sums.see(event);
        let width = sums.width;
        let line = |name: &str, word: &str, size: u64, rest: String| {
            let line = format!("{name:<width$}  {word:<8} {:>9}  {rest}", number::bytes(size));
            self.terminal.say(line.trim_end());
        };
        match event {
            Event::RunStart { tool, image, platform, .. } => {
                self.terminal.say(format!("oci-merge {tool}: {image} for {platform}"));
            }
            Event::LayerReady { layer, how: came, size, paths, notes, .. } => {
                line(layer, how(*came), *size, details(*paths, notes));
            }
            Event::CheckDone { paths, ms, errors, warnings } => {
                self.terminal.say(format!("{:<width$}  {}", "check", verdict(*paths, *ms, *errors, *warnings)));
            }
            Event::BlobDone { digest, size, transfer: moved, .. } if self.wanted.transfers => {
                if let Some(name) = sums.name_of(digest) {
                    line(name, transfer(*moved), *size, String::new());
                }
            }
            Event::ImageWritten { reference, digest } if self.wanted.transfers => {
                self.terminal.say(format!("{:<width$}  {reference} is now {digest}", "tag"));
            }
            Event::Retry { what, attempt, after_ms } => {
                let after = number::time(Duration::from_millis(*after_ms));
                self.terminal.say(format!("{:<width$}  {what}, attempt {attempt} in {after}", "retry"));
            }
            Event::Request { line, headers } if self.wanted.requests => {
                self.terminal.say(line);
                headers.iter().filter(|_| self.wanted.headers).for_each(|header| self.terminal.say(header));
            }
            Event::Warning { text } => self.terminal.say(warning(self.terminal, text)),
            _ => {}
        }
    }

    fn rest(&self) {
        lock(&self.ticking).take();
    }
}
