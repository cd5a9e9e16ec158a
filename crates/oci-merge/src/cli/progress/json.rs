//! One JSON document a line.

use super::{View, Wanted};
use oci_merge::Event;
use oci_merge_image::shown;
use serde::Serialize;
use std::io::Write;
use std::time::Instant;

pub(super) struct Json {
    began: Instant,
    wanted: Wanted,
}

#[derive(Serialize)]
struct Line<T: Serialize> {
    /// The version of the form.
    v: u8,
    /// Since the start.
    ms: u64,
    #[serde(flatten)]
    event: T,
}

#[derive(Serialize)]
#[serde(tag = "event")]
enum End {
    #[serde(rename = "run.end")]
    RunEnd { ok: bool, exit: u8 },
}

impl Json {
    pub(super) fn new(wanted: Wanted) -> Json {
        Json { began: Instant::now(), wanted }
    }

    fn write(&self, event: impl Serialize) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Ok(line) = serde_json::to_string(&Line { v: 1, ms, event }) {
            let _ = writeln!(std::io::stderr(), "{}", escaped(&line));
        }
    }
}

/// The same document without a character that is [`shown`] escaped: JSON lets most of them stand in strings, and stderr may
/// be a terminal.
fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        let is_harmless =
            c == ' ' || c.is_ascii_graphic() || shown(c.encode_utf8(&mut [0; 4])).to_string().starts_with(c);
        match is_harmless {
            true => out.push(c),
            false => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    out
}

impl View for Json {
    fn see(&self, event: &Event) {
        if self.wanted.requests || !matches!(event, Event::Request { .. }) {
            self.write(event);
        }
    }

    fn rest(&self) {}

    fn end(&self, exit: u8) {
        self.write(End::RunEnd { ok: exit == 0, exit });
    }
}
