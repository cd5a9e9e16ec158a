//! The stages of a Dockerfile.

use super::instruction::Instruction;
use super::word::{fill, split};
use std::collections::BTreeMap;

/// `FROM image AS name`, and what follows.
#[derive(Debug)]
pub(super) struct Stage {
    /// What others call it.
    pub(super) name: Option<String>,
    /// The image or stage that it starts from, its variables filled in.
    pub(super) from: String,
    /// What its `--platform` says, as it is written.
    pub(super) platform: Option<String>,
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
pub(super) fn stages(instructions: Vec<Instruction>, escape: char) -> Result<Stages, (usize, String)> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut args: BTreeMap<String, String> = BTreeMap::new();
    for instruction in instructions {
        match (instruction.keyword.as_str(), stages.last_mut()) {
            ("FROM", _) => stages.push(stage(&instruction, &args, escape)?),
            (_, Some(stage)) => stage.instructions.push(instruction),
            ("ARG", None) => {
                for (name, default) in split(&instruction.rest, escape).into_iter().filter_map(|w| w.split_once('=')) {
                    if let Ok(default) = fill(default, escape, &mut |name| args.get(name).cloned()) {
                        args.insert(name.to_owned(), default);
                    }
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

fn stage(from: &Instruction, args: &BTreeMap<String, String>, escape: char) -> Result<Stage, (usize, String)> {
    let (flags, words): (Vec<&str>, Vec<&str>) = from.rest.split_whitespace().partition(|word| word.starts_with("--"));
    let mut words = words.into_iter();
    let image = words.next().ok_or((from.line, "FROM without an image".to_owned()))?;
    let name = match (words.next(), words.next()) {
        (Some(word), Some(name)) if word.eq_ignore_ascii_case("as") => Some(name.to_lowercase()),
        _ => None,
    };
    let image = fill(image, escape, &mut |name| args.get(name).cloned())
        .map_err(|why| (from.line, format!("FROM {image}: {why}; give its ARG a default")))?;
    let platform = flags.iter().find_map(|flag| flag.strip_prefix("--platform=")).map(str::to_owned);
    Ok(Stage { name, from: image, platform, line: from.line, instructions: Vec::new() })
}

/// The stage of a name, and its number; `None`: it is an image.
pub(super) fn named<'s>(stages: &'s [Stage], name: &str) -> Option<(usize, &'s Stage)> {
    let name = name.to_lowercase();
    stages.iter().enumerate().rfind(|(_, stage)| stage.name.as_ref() == Some(&name))
}

/// Whether a `--from` names a stage, by its name or its number.
pub(super) fn is_stage(stages: &[Stage], from: &str) -> bool {
    named(stages, from).is_some() || from.parse::<usize>().is_ok_and(|number| number < stages.len())
}
