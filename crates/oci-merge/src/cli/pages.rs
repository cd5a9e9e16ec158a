//! `completions` and `man`.

use super::answer;
use super::args::Cli;
use clap::CommandFactory;
use oci_merge::{Error, Result};

pub(super) fn completions(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "oci-merge", &mut script);
    answer::answer(&String::from_utf8_lossy(&script))
}

pub(super) fn man(command: Option<&str>) -> Result<()> {
    let mut program = Cli::command();
    program.build();
    let page = match command {
        None => clap_mangen::Man::new(program),
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            let found =
                found.ok_or_else(|| Error::Usage(format!("there is no command {}", oci_merge_image::shown(name))))?;
            clap_mangen::Man::new(found)
        }
    };
    let mut roff = Vec::new();
    page.render(&mut roff).map_err(|e| Error::Disk { path: "stdout".into(), doing: "cannot be written", source: e })?;
    answer::answer(&String::from_utf8_lossy(&roff))
}
