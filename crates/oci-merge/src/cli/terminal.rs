//! What the terminal can show: colour, more than ASCII.

use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};
use std::env;
use std::io::{self, IsTerminal, Write};

/// How stderr is written to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Whether stderr is a terminal that can move its cursor.
    pub(crate) redraws: bool,
    /// Whether it shows more than ASCII.
    pub(crate) unicode: bool,
    /// Whether it is coloured.
    pub(crate) colour: bool,
}

pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();

impl Terminal {
    /// Looks at the environment.
    pub(crate) fn of(color: clap::ColorChoice) -> Terminal {
        let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        match color {
            clap::ColorChoice::Always => ColorChoice::Always.write_global(),
            clap::ColorChoice::Never => ColorChoice::Never.write_global(),
            // anstream knows NO_COLOR, CLICOLOR and CLICOLOR_FORCE.
            clap::ColorChoice::Auto if set("FORCE_COLOR") && !set("NO_COLOR") => ColorChoice::Always.write_global(),
            clap::ColorChoice::Auto => {}
        }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(env::var_os).find(|value| !value.is_empty());
        let locale = locale.map(|value| value.to_string_lossy().to_lowercase()).unwrap_or_default();
        Terminal {
            redraws: io::stderr().is_terminal() && !dumb,
            unicode: !dumb && (locale.contains("utf-8") || locale.contains("utf8")),
            colour: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
        }
    }

    /// Writes a line to stderr. That it cannot be written is no reason to stop.
    pub(crate) fn say(self, line: impl AsRef<str>) {
        let _ = writeln!(anstream::stderr(), "{}", self.fit(line.as_ref()));
    }

    /// Text in a style, if there is colour.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Text without what the terminal cannot show.
    pub(crate) fn fit(self, text: &str) -> String {
        if self.unicode || text.is_ascii() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '✔' => out.push_str("ok"),
                '✘' => out.push('x'),
                '…' => out.push_str("..."),
                '–' => out.push('-'),
                '─' => out.push('-'),
                c if c.is_ascii() => out.push(c),
                c => out.extend(c.escape_unicode()),
            }
        }
        out
    }
}
