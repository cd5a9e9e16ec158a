//! From the arguments to an exit code.

mod amount;
mod answer;
mod args;
mod build;
mod cache;
mod deadline;
mod demo;
mod doctor;
mod edit;
mod failure;
mod findings;
mod github;
mod init;
mod look;
mod pages;
mod place;
mod progress;
mod push;
mod serve;
mod settings;
mod signals;
mod spec_errors;
mod spec_file;
mod summary;
mod terminal;
mod tls;

use args::{Cli, Command, Common};
use clap::Parser;
use failure::Failure;
use oci_merge::{CancelToken, Error, Result, Settings, number};
use progress::{Progress, Wanted};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use terminal::Terminal;

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    // The text of a panic is for us; a person is told once, below, what to do with it.
    std::panic::set_hook(Box::new(|panic| Terminal::of(clap::ColorChoice::Auto).say(format!("{panic}"))));
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(code) => ExitCode::from(code),
        Err(_) => {
            Terminal::of(clap::ColorChoice::Auto).say(failure::BUG);
            ExitCode::from(70)
        }
    }
}

fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return failure::usage(refusal),
    };
    let terminal = Terminal::of(cli.common.color);
    let cancel = CancelToken::new();
    let received = signals::watch(cancel.clone(), terminal);
    let deadline = deadline::watch(cli.common.timeout, cancel.clone(), terminal);
    let wanted = Wanted {
        quiet: cli.common.quiet || !cli.command.has_progress(),
        requests: cli.common.verbose > 0,
        headers: cli.common.verbose > 1,
        transfers: cli.command.sends(),
    };
    let progress = Progress::new(cli.common.progress, wanted, terminal);
    let run = Run { common: cli.common, terminal, progress, cancel };
    let outcome = go(&run, cli.command);
    let exit = match &outcome {
        Ok(()) => 0,
        Err(e) if e.is_cancelled() => received.exit_code().or(deadline.exit_code()).unwrap_or(e.exit_code()),
        Err(e) => e.exit_code(),
    };
    run.progress.end(exit);
    if let Err(failure) = outcome {
        failure.tell(terminal);
    }
    exit
}

/// What every command has at hand.
struct Run {
    common: Common,
    terminal: Terminal,
    progress: Progress,
    cancel: CancelToken,
}

impl Run {
    fn settings(&self, platform: Option<&str>) -> Result<Settings> {
        let settings = settings::settings(&self.common, platform, self.progress.observer(), self.cancel.clone())?;
        if settings.store.is_none() {
            let text = "neither OCI_MERGE_CACHE nor HOME is set: this run remembers nothing";
            self.say(progress::warning(self.terminal, text));
        }
        Ok(settings)
    }

    /// Writes a line to stderr, unless only the result is wanted.
    fn say(&self, line: impl AsRef<str>) {
        if !self.common.quiet {
            self.terminal.say(line);
        }
    }
}

fn go(run: &Run, command: Command) -> std::result::Result<(), Failure> {
    if let Some(directory) = &run.common.directory {
        std::env::set_current_dir(directory).map_err(|e| Failure::directory(directory, e))?;
    }
    match command {
        Command::Init(args) => init::init(run, &args)?,
        Command::Check(args) => build::check(run, &args)?,
        Command::Build(args) => build::build(run, &args)?,
        Command::Merge(args) => build::merge(run, &args)?,
        Command::Push(args) => push::push(run, &args)?,
        Command::Inspect(args) => look::inspect(run, &args)?,
        Command::Ls(args) => look::ls(run, &args)?,
        Command::Explain { code } => pages::explain(run, code.as_deref())?,
        Command::Exclude { words } => edit::edit(run, |spec| spec.exclude(&words))?,
        Command::Own { layer, paths } => edit::edit(run, |spec| spec.own(&layer, &paths))?,
        Command::Allow(args) => {
            edit::edit(run, |spec| spec.allow(&args.paths, &args.winner, &args.layers, &args.reason))?;
        }
        Command::Doctor(args) => doctor::doctor(run, &args)?,
        Command::Serve(args) => serve::serve(run, &args)?,
        Command::Cache(args) => cache::cache(run, &args)?,
        Command::Completions { .. } | Command::Man { .. } if run.common.json => {
            return Err(Error::Usage("there is no JSON of it; leave --json out".into()).into());
        }
        Command::Completions { shell } => pages::completions(shell)?,
        Command::Man { command } => pages::man(command.as_deref())?,
        Command::Schema { name } => answer::answer(&oci_merge::schema(&name).unwrap_or_default())?,
        Command::Version => pages::version(run)?,
    }
    Ok(())
}
