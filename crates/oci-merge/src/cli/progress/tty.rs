//! Lines that are redrawn, for a terminal: what is done scrolls up and stays, what is going on stands below.

use super::{Sums, View, Wanted, details, doing, how, lock, transfer, verdict, warning};
use crate::cli::number;
use crate::cli::terminal::{BAD, GOOD, Terminal};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oci_merge::Event;
use std::sync::Mutex;
use std::time::Duration;

/// Redraws a second.
const RATE: u8 = 10;

pub(super) struct Tty {
    terminal: Terminal,
    wanted: Wanted,
    multi: MultiProgress,
    state: Mutex<State>,
}

struct State {
    sums: Sums,
    bars: Vec<(String, ProgressBar)>,
}

impl Tty {
    pub(super) fn new(terminal: Terminal, wanted: Wanted) -> Tty {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
        Tty { terminal, wanted, multi, state: Mutex::new(State { sums: Sums::new(), bars: Vec::new() }) }
    }

    fn done(&self, mark: &str, line: &str) {
        let mark = self.terminal.paint(if mark == "✘" { BAD } else { GOOD }, mark);
        let _ = self.multi.println(self.terminal.fit(format!("  {mark} {line}").trim_end()));
    }

    fn draw(&self, state: &mut State, layer: &str, doing: &str, done: u64, total: Option<u64>) {
        let style = self.style(state.sums.width, total.is_some());
        let known = state.bars.iter().position(|(name, _)| name == layer);
        let bar = match known.and_then(|at| state.bars.get(at)) {
            Some((_, bar)) => {
                bar.set_style(style);
                bar.clone()
            }
            None => {
                // It is drawn as soon as it ticks, so it has to be as it should be before.
                let bar = ProgressBar::hidden().with_style(style).with_prefix(layer.to_owned());
                let bar = self.multi.add(bar);
                bar.enable_steady_tick(Duration::from_millis(1000 / u64::from(RATE)));
                state.bars.push((layer.to_owned(), bar.clone()));
                bar
            }
        };
        bar.set_length(total.unwrap_or(0));
        bar.set_position(done);
        let total = total.map(|total| format!(" of {}", number::bytes(total))).unwrap_or_default();
        bar.set_message(format!("{doing} {}{total}", number::bytes(done)));
    }

    fn style(&self, width: usize, measured: bool) -> ProgressStyle {
        let form = if measured { "{bar:10} {percent:>3} %  {msg}" } else { "{msg}" };
        let template = format!("  {{spinner}} {{prefix:{width}}} {form}");
        // The template is ours and always parses; were it not so, indicatif's own would do.
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let (ticks, chars) =
            if self.terminal.unicode { ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "█░") } else { ("|/-\\ ", "#-") };
        style.tick_chars(ticks).progress_chars(chars)
    }

    fn erase(&self, state: &mut State, layer: &str) {
        for (_, bar) in state.bars.extract_if(.., |(name, _)| name == layer) {
            bar.finish_and_clear();
            self.multi.remove(&bar);
        }
    }
}

impl View for Tty {
    fn see(&self, event: &Event) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        state.sums.see(event);
        let width = state.sums.width;
        match event {
            Event::RunStart { tool, image, platform, .. } => {
                let _ = self.multi.println(format!("oci-merge {tool}   {image}   {platform}"));
            }
            Event::LayerProgress { layer, phase, done, total } if state.sums.is_busy(layer) => {
                self.draw(state, layer, doing(*phase), *done, *total);
            }
            Event::LayerReady { layer, version, prefix, how: came, size, paths, notes, .. } => {
                self.erase(state, layer);
                let version = version.as_deref().unwrap_or_default();
                let size = number::bytes(*size);
                let rest = details(*paths, notes);
                self.done(
                    "✔",
                    &format!("{layer:<width$}  {version:<10} {prefix:<14} {size:>9}   {}, {rest}", how(*came)),
                );
            }
            Event::CheckDone { paths, ms, errors, warnings } => {
                let mark = if *errors > 0 { "✘" } else { "✔" };
                self.done(mark, &format!("{:<width$}  {}", "check", verdict(*paths, *ms, *errors, *warnings)));
            }
            Event::BlobDone { digest, size, transfer: moved, .. } => {
                if let Some(name) = state.sums.name_of(digest).map(str::to_owned) {
                    self.erase(state, &name);
                    if !self.wanted.transfers {
                        return;
                    }
                    self.done("✔", &format!("{name:<width$}  {:<8} {:>9}", transfer(*moved), number::bytes(*size)));
                }
            }
            Event::Retry { what, attempt, after_ms } => {
                let after = number::time(Duration::from_millis(*after_ms));
                let _ = self.multi.println(format!("  retry {what}, attempt {attempt} in {after}"));
            }
            Event::Request { line, headers } if self.wanted.requests => {
                let _ = self.multi.println(line);
                for header in headers.iter().filter(|_| self.wanted.headers) {
                    let _ = self.multi.println(header);
                }
            }
            Event::Warning { text } => {
                let _ = self.multi.println(warning(self.terminal, text));
            }
            _ => {}
        }
    }

    fn rest(&self) {
        let mut state = lock(&self.state);
        for (_, bar) in state.bars.drain(..) {
            bar.finish_and_clear();
        }
        let _ = self.multi.clear();
    }
}
