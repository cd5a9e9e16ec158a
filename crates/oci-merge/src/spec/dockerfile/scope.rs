//! What variables stand for while a stage is read, and where its relative paths start.

use super::instruction::Instruction;
use super::stage::{Stage, named};
use super::word::{fill, split};
use oci_merge_image::LayerPath;
use std::collections::BTreeMap;

/// The state of a stage between two instructions.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    /// ARGs before the first FROM.
    global: &'a BTreeMap<String, String>,
    escape: char,
    args: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    /// `None`: it is that of an image that is not looked into.
    workdir: Option<LayerPath>,
    shell: Vec<String>,
}

/// A pair as it is written, or the word that is none.
pub(super) type Pair<'t> = Result<(&'t str, &'t str), &'t str>;

impl<'a> Scope<'a> {
    /// That in which a stage begins: it has what the stages below it have set.
    pub(super) fn of(stage: &Stage, before: &[Stage], global: &'a BTreeMap<String, String>, escape: char) -> Scope<'a> {
        let (mut below, mut from, mut before) = (Vec::new(), &stage.from, before);
        while let Some((number, stage)) = named(before, from) {
            below.push(stage);
            (from, before) = (&stage.from, before.get(..number).unwrap_or_default());
        }
        let workdir = (from == "scratch").then(LayerPath::root);
        let shell = vec!["/bin/sh".into(), "-c".into()];
        let mut scope = Scope { global, escape, args: BTreeMap::new(), env: BTreeMap::new(), workdir, shell };
        below.iter().rev().flat_map(|stage| &stage.instructions).for_each(|instruction| scope.pass(instruction));
        scope
    }

    /// Goes past an instruction.
    pub(super) fn pass(&mut self, instruction: &Instruction) {
        let rest = &instruction.rest;
        match instruction.keyword.as_str() {
            "ARG" => self.arg(rest),
            "ENV" => {
                // All values of one ENV see the variables as they were before it.
                let pairs = self.pairs(rest).into_iter().flatten();
                let filled: Vec<_> = pairs.map(|(name, value)| (self.name(name), self.fill(value))).collect();
                for (name, value) in filled.into_iter().filter(|(name, _)| name != "PATH") {
                    match value {
                        Ok(value) => drop(self.env.insert(name, value)),
                        // What it stands for is not known any more, an ARG of the name included.
                        Err(_) => drop((self.env.remove(&name), self.args.remove(&name))),
                    }
                }
            }
            "WORKDIR" => self.workdir = self.fill(rest).and_then(|path| self.path(&path)).ok(),
            "SHELL" => self.shell = serde_json::from_str(rest).unwrap_or_else(|_| self.shell.clone()),
            _ => {}
        }
    }

    /// A word without its quotes and escapes, its variables filled in.
    ///
    /// # Errors
    /// Which variable has no value.
    pub(super) fn fill(&self, word: &str) -> Result<String, String> {
        fill(word, self.escape, &mut |name| self.value(name))
    }

    /// The name of a variable, which may have quotes too.
    pub(super) fn name(&self, word: &str) -> String {
        self.fill(word).unwrap_or_else(|_| word.to_owned())
    }

    /// The value of PATH, in which `$PATH` stays, and an entry with a variable that has no value becomes `unknown`.
    ///
    /// # Errors
    /// As [`fill`](Scope::fill); also, the names without a value.
    pub(super) fn fill_path(&self, word: &str, unknown: &str) -> Result<(String, Vec<String>), String> {
        let mut without = Vec::new();
        let mut value = |name: &str| match name {
            "PATH" => Some("$PATH".to_owned()),
            _ => self.value(name).or_else(|| {
                without.push(name.to_owned());
                Some(unknown.to_owned())
            }),
        };
        let filled = fill(word, self.escape, &mut value)?;
        Ok((filled, without))
    }

    pub(super) fn words<'t>(&self, text: &'t str) -> Vec<&'t str> {
        split(text, self.escape)
    }

    /// `NAME=VALUE…`, or the old form `NAME VALUE`, whose value goes to the end of the line.
    pub(super) fn pairs<'t>(&self, rest: &'t str) -> Vec<Pair<'t>> {
        let words = self.words(rest);
        match (words.first(), rest.split_once(char::is_whitespace)) {
            (Some(first), Some((name, value))) if !first.contains('=') => vec![Ok((name, value.trim()))],
            _ => words.into_iter().map(|word| word.split_once('=').ok_or(word)).collect(),
        }
    }

    /// A path of the image; a relative one is below WORKDIR.
    ///
    /// # Errors
    /// It is none, or the WORKDIR is not known.
    pub(super) fn path(&self, text: &str) -> Result<LayerPath, String> {
        let path = LayerPath::parse(text.as_bytes()).map_err(|why| format!("{text} {why}"))?;
        if text.starts_with('/') {
            return Ok(path);
        }
        let Some(workdir) = &self.workdir else {
            return Err(format!("{text} is relative, and the WORKDIR is not known here: begin it with /"));
        };
        workdir.join(&path).map_err(|why| format!("{text} {why}"))
    }

    /// The words that run a command of the shell form.
    pub(super) fn shell(&self, command: &str) -> Vec<String> {
        self.shell.iter().cloned().chain([command.to_owned()]).collect()
    }

    fn value(&self, name: &str) -> Option<String> {
        self.env.get(name).or_else(|| self.args.get(name)).cloned()
    }

    fn arg(&mut self, rest: &str) {
        for word in self.words(rest) {
            let (name, value) = match word.split_once('=') {
                Some((name, default)) => (name, self.fill(default).ok()),
                None => (word, self.global.get(word).cloned()),
            };
            match value {
                Some(value) => drop(self.args.insert(name.to_owned(), value)),
                None => drop(self.args.remove(name)),
            }
        }
    }
}
