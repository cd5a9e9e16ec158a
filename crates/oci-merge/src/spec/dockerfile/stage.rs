//! The stages of a Dockerfile, and what its last one copies from the others.

use super::instruction::{Instruction, expand};
use std::collections::BTreeMap;

/// `FROM image AS name`, and what follows.
#[derive(Debug)]
pub(super) struct Stage {
    /// What others call it.
    pub(super) name: Option<String>,
    /// The image or stage that it starts from, its variables filled in.
    pub(super) from: String,
    /// The line of its FROM.
    pub(super) line: usize,
    pub(super) instructions: Vec<Instruction>,
}

/// The stages of a Dockerfile.
pub(super) struct Stages {
    pub(super) stages: Vec<Stage>,
    /// ARGs before the first FROM, with their defaults.
    pub(super) args: BTreeMap<String, String>,
}

/// Splits the instructions into stages.
///
/// # Errors
/// The line and what is wrong in it: no FROM at all, or one that depends on a variable without a value.
pub(super) fn stages(instructions: Vec<Instruction>) -> Result<Stages, (usize, String)> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut args = BTreeMap::new();
    for instruction in instructions {
        match (instruction.keyword.as_str(), stages.last_mut()) {
            ("FROM", _) => stages.push(stage(&instruction, &args)?),
            (_, Some(stage)) => stage.instructions.push(instruction),
            ("ARG", None) => {
                for (name, default) in instruction.rest.split_whitespace().filter_map(|word| word.split_once('=')) {
                    args.insert(name.to_owned(), default.trim_matches(['"', '\'']).to_owned());
                }
            }
            (other, None) => return Err((instruction.line, format!("{other} before the first FROM"))),
        }
    }
    if stages.is_empty() {
        return Err((1, "there is no FROM".into()));
    }
    Ok(Stages { stages, args })
}

fn stage(from: &Instruction, args: &BTreeMap<String, String>) -> Result<Stage, (usize, String)> {
    let mut words = from.rest.split_whitespace().filter(|word| !word.starts_with("--"));
    let image = words.next().ok_or((from.line, "FROM without an image".to_owned()))?;
    let name = match (words.next(), words.next()) {
        (Some(word), Some(name)) if word.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
        _ => None,
    };
    let image = expand(image, &|name| args.get(name).cloned())
        .map_err(|name| (from.line, format!("FROM {image}: {name} has no value; give its ARG a default")))?;
    Ok(Stage { name, from: image, line: from.line, instructions: Vec::new() })
}

/// The number of the stage that a `--from` or FROM names; `None`: it is an image.
pub(super) fn find(stages: &[Stage], named: &str) -> Option<usize> {
    let by_name = stages.iter().rposition(|s| s.name.as_deref() == Some(&named.to_lowercase()));
    by_name.or_else(|| named.parse().ok().filter(|number| *number < stages.len()))
}
