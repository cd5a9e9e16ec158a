//! Errors, last of all, on stderr: a code, what it is about, what to do.

use super::terminal::{BAD, Terminal};
use super::{findings, github, spec_errors};
use clap::error::ContextValue;
use oci_merge::Error;
use oci_merge_image::shown;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;

pub(crate) const BUG: &str = "\
error[OM0900]: this is a bug in oci-merge, not in what you asked for; no tag was moved
  Please report it, with the text above and what you ran:
  https://github.com/oci-merge/oci-merge/issues";

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure(error)
    }
}

impl Failure {
    /// A directory that one cannot change into.
    pub(crate) fn directory(path: &Path, source: std::io::Error) -> Failure {
        let name = shown(path.as_os_str().as_encoded_bytes());
        Failure(match source.kind() {
            ErrorKind::NotFound => Error::Usage(format!("-C: there is no directory {name}")),
            ErrorKind::NotADirectory => Error::Usage(format!("-C: {name} is no directory")),
            _ => Error::Disk { path: path.into(), doing: "cannot be worked in", source },
        })
    }

    pub(crate) fn exit_code(&self) -> u8 {
        self.0.exit_code()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        matches!(self.0, Error::Cancelled)
    }

    /// Tells of it.
    pub(crate) fn tell(&self, terminal: Terminal) {
        match &self.0 {
            Error::Spec(errors) => terminal.say(spec_errors::draw(errors, terminal)),
            Error::Findings(report) => terminal.say(findings::report(report, terminal)),
            error => {
                for one in error.each() {
                    let head = terminal.paint(BAD, &format!("error[{}]", one.code()));
                    terminal.say(format!("{head}: {one}"));
                }
                // A request that cannot be carried out as it was made says itself how it can be.
                if !matches!(error, Error::Usage(_) | Error::Cancelled) {
                    terminal.say(format!("More about a code: oci-merge explain {}", error.code()));
                }
            }
        }
        github::failure(&self.0);
    }
}

/// A command line that is none, or `--help` and `--version`.
pub(crate) fn usage(refusal: clap::Error) -> u8 {
    let refusal = escaped(refusal);
    if !refusal.use_stderr() {
        return match super::answer::answer(&rendered(&refusal, &std::io::stdout())) {
            Ok(()) => 0,
            Err(error) => error.exit_code(),
        };
    }
    let terminal = Terminal::of(clap::ColorChoice::Auto);
    let text = rendered(&refusal, &std::io::stderr());
    if refusal.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        terminal.say(format!("{}\n\n{}: which command?", text.trim_end(), terminal.paint(BAD, "error[OM0100]")));
        return 2;
    }
    // clap begins with "error:", in colour or not; every error here has a code.
    terminal.say(text.replacen("error:", "error[OM0100]:", 1).trim_end());
    2
}

/// The same with what was typed escaped, which clap repeats as it is: an argument may come from anywhere.
fn escaped(mut refusal: clap::Error) -> clap::Error {
    let text = |text: &dyn Display| shown(&text.to_string()).to_string();
    let typed = refusal.context().filter_map(|(kind, value)| match value {
        ContextValue::String(one) => Some((kind, ContextValue::String(text(one)))),
        ContextValue::Strings(all) => Some((kind, ContextValue::Strings(all.iter().map(|one| text(one)).collect()))),
        // Hints that repeat it, in which clap's own colours cannot be told from those that were typed.
        ContextValue::StyledStrs(all) => {
            Some((kind, ContextValue::StyledStrs(all.iter().map(|one| text(one).into()).collect())))
        }
        _ => None,
    });
    for (kind, value) in typed.collect::<Vec<_>>() {
        refusal.insert(kind, value);
    }
    refusal
}

/// The text of clap, in colour if the stream is a terminal that shows it.
fn rendered(refusal: &clap::Error, stream: &impl anstream::stream::RawStream) -> String {
    match anstream::AutoStream::choice(stream) {
        anstream::ColorChoice::Never => refusal.render().to_string(),
        _ => refusal.render().ansi().to_string(),
    }
}
