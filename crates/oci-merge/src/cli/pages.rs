//! `explain`, `completions`, `man` and `version`.

use super::args::Cli;
use super::{Run, answer};
use clap::CommandFactory;
use oci_merge::{Error, Explanation, Result, explanations};
use serde_json::json;

/// The page of a code, or all codes.
pub(super) fn explain(run: &Run, code: Option<&str>) -> Result<()> {
    let pages: Vec<Explanation> = match code {
        None => explanations().collect(),
        Some(code) => vec![oci_merge::explain(code).map_err(|e| Error::Usage(e.to_string()))?],
    };
    if run.common.json {
        let codes = pages.iter().map(|p| json!({ "code": p.code(), "title": p.title(), "markdown": p.markdown() }));
        return answer::document(&json!({ "schema": "oci-merge.codes/v1", "codes": codes.collect::<Vec<_>>() }));
    }
    let text: String = match (code, &pages[..]) {
        (Some(_), [page]) => format!("{page}\n"),
        _ => pages.iter().map(|page| format!("{}  {}\n", page.code(), page.title())).collect(),
    };
    answer::answer(&text)
}

pub(super) fn version(run: &Run) -> Result<()> {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    if run.common.json {
        return answer::document(&json!({ "schema": "oci-merge.version/v1", "version": VERSION }));
    }
    answer::answer(&format!("oci-merge {VERSION}\n"))
}

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
