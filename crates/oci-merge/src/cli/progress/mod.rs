//! What happens during a run, shown on stderr: redrawn on a terminal, a line for each thing in a log, or as JSON.

mod json;
mod plain;
mod tty;

use super::args::ProgressMode;
use super::number;
use super::terminal::{DOUBTFUL, Terminal};
use oci_merge::{Event, How, Observer, Phase, Transfer};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Shows events until it is closed.
pub(crate) struct Progress {
    view: Option<Arc<dyn View>>,
}

/// What is to be shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Nothing but JSON.
    pub(crate) quiet: bool,
    /// Requests as well.
    pub(crate) requests: bool,
    /// And their headers.
    pub(crate) headers: bool,
    /// The way of blobs, which is worth a line if a registry is at its end.
    pub(crate) transfers: bool,
}

/// One way to show events. Called from any thread.
trait View: Send + Sync {
    fn see(&self, event: &Event);
    /// Nothing is drawn from here on.
    fn rest(&self);
    /// The run is over, with this exit code.
    fn end(&self, _exit: u8) {}
}

impl Progress {
    /// Chooses the way: `auto` is redrawing on a terminal, else lines.
    pub(crate) fn new(mode: ProgressMode, wanted: Wanted, terminal: Terminal) -> Progress {
        // CI logs keep every redraw, and some pretend to be terminals.
        let redraws = terminal.redraws && std::env::var_os("CI").is_none();
        let view: Option<Arc<dyn View>> = match mode {
            ProgressMode::Json => Some(Arc::new(json::Json::new(wanted))),
            _ if wanted.quiet => None,
            ProgressMode::None => None,
            ProgressMode::Tty if terminal.redraws => Some(Arc::new(tty::Tty::new(terminal, wanted))),
            ProgressMode::Auto if redraws => Some(Arc::new(tty::Tty::new(terminal, wanted))),
            _ => Some(plain::Plain::new(terminal, wanted)),
        };
        Progress { view }
    }

    /// Who is to be told.
    pub(crate) fn observer(&self) -> Observer {
        match self.view.clone() {
            Some(view) => Observer::new(move |event| view.see(event)),
            None => Observer::nobody(),
        }
    }

    /// Draws nothing from here on: what comes now is the result.
    pub(crate) fn rest(&self) {
        if let Some(view) = &self.view {
            view.rest();
        }
    }

    /// Ends it, once.
    pub(crate) fn end(&self, exit: u8) {
        if let Some(view) = &self.view {
            view.rest();
            view.end(exit);
        }
    }
}

/// Something that stops nothing, as it is told.
pub(crate) fn warning(terminal: Terminal, text: &str) -> String {
    format!("{}: {text}", terminal.paint(DOUBTFUL, "warning"))
}

/// How far a run is, for the views that add things up.
struct Sums {
    began: Instant,
    /// Layers of the spec.
    layers: usize,
    ready: usize,
    /// Of each layer that is being worked on: what is done to it, how far.
    busy: Vec<(String, &'static str, u64, Option<u64>)>,
    /// Of each blob in the store: the layer's name.
    names: Vec<(oci_merge_image::Digest, String)>,
    /// The longest name.
    width: usize,
    /// Whether there is a base, and it has been read.
    has_base: bool,
}

impl Sums {
    fn new() -> Sums {
        Sums {
            began: Instant::now(),
            layers: 0,
            ready: 0,
            busy: Vec::new(),
            names: Vec::new(),
            width: 8,
            has_base: false,
        }
    }

    fn see(&mut self, event: &Event) {
        match event {
            Event::RunStart { layers, .. } => {
                self.layers = layers.len();
                self.width = layers.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(8);
            }
            // The documents of the image go with the base's blobs; without a base there is nothing to tell.
            Event::LayerProgress { layer, .. } if layer == "base" && !self.has_base => {}
            Event::LayerProgress { layer, phase, done, total } => {
                self.busy.retain(|(name, ..)| name != layer);
                self.busy.push((layer.clone(), doing(*phase), *done, *total));
            }
            Event::LayerReady { layer, digest, .. } => {
                self.busy.retain(|(name, ..)| name != layer);
                match layer == "base" {
                    true => self.has_base = true,
                    // One that comes from an image may be several.
                    false => self.ready += usize::from(!self.names.iter().any(|(_, name)| name == layer)),
                }
                self.names.push((digest.clone(), layer.clone()));
            }
            Event::BlobDone { digest, .. } => {
                if let Some(name) = self.name_of(digest).map(str::to_owned) {
                    self.busy.retain(|(busy, ..)| *busy != name);
                }
            }
            _ => {}
        }
    }

    fn is_busy(&self, layer: &str) -> bool {
        self.busy.iter().any(|(name, ..)| name == layer)
    }

    fn name_of(&self, digest: &oci_merge_image::Digest) -> Option<&str> {
        self.names.iter().find(|(known, _)| known == digest).map(|(_, name)| name.as_str())
    }
}

fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Fetch => "fetching",
        Phase::Pack => "packing",
        Phase::Upload => "writing",
        _ => "working on",
    }
}

fn how(how: How) -> &'static str {
    match how {
        How::Kept => "kept",
        How::Packed => "packed",
        How::Joined => "joined",
        How::Base => "present",
        _ => "ready",
    }
}

fn transfer(transfer: Transfer) -> &'static str {
    match transfer {
        Transfer::Present => "present",
        Transfer::Mounted => "mounted",
        Transfer::Uploaded => "sent",
        _ => "done",
    }
}

/// `8,214 paths; repacked because …`.
fn details(paths: u64, notes: &[String]) -> String {
    let mut out = number::counted(paths, "path");
    for note in notes {
        out.push_str("; ");
        out.push_str(note);
    }
    out
}

/// `39,853 paths in 210 ms: no collisions, 1 warning`.
fn verdict(paths: u64, ms: u64, errors: usize, warnings: usize) -> String {
    let took = number::time(std::time::Duration::from_millis(ms));
    let found = match errors {
        0 => "no collisions".to_owned(),
        some => number::counted(some as u64, "error"),
    };
    let warned =
        if warnings > 0 { format!(", {}", number::counted(warnings as u64, "warning")) } else { String::new() };
    format!("{} in {took}: {found}{warned}", number::counted(paths, "path"))
}

/// A lock that a panic elsewhere does not make useless.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
