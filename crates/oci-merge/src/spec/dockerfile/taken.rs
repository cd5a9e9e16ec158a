//! What else the last stage says: environment, user, command, and so on.

use super::copied::Copied;
use super::instruction::{Instruction, expand, words};
use super::stage::Stage;
use super::{LeftOut, short};
use oci_merge_image::{DEFAULT_PATH, LayerPath};
use std::collections::BTreeMap;

/// What is taken over beside the layers.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Of each layer, by number: entries of PATH below its prefix.
    pub(super) path: BTreeMap<usize, Vec<String>>,
    /// Of each layer, by number: variables whose value lies below its prefix, `{prefix}` in it.
    pub(super) layer_env: BTreeMap<usize, Vec<(String, String)>>,
    pub(super) env: Vec<(String, String)>,
    pub(super) labels: Vec<(String, String)>,
    /// Keys of `[config]` with a single string.
    pub(super) strings: BTreeMap<&'static str, String>,
    /// Keys of `[config]` with a list.
    pub(super) lists: BTreeMap<&'static str, Vec<String>>,
}

/// Reads the rest of the last stage.
pub(super) fn read(
    last: &Stage,
    layers: &[Copied],
    global: &BTreeMap<String, String>,
    escape: char,
    left_out: &mut Vec<LeftOut>,
) -> Taken {
    let mut reader =
        Reader { layers, global, escape, known: BTreeMap::new(), taken: Taken::default(), order: Vec::new() };
    for instruction in &last.instructions {
        if let Err(why) = reader.take(instruction) {
            let what = short(&instruction.keyword, &instruction.rest);
            left_out.push(LeftOut { line: instruction.line, what, why });
        }
    }
    if !reader.order.is_sorted() {
        let why = "PATH has the layers in another order; in the image it has theirs, first to last";
        left_out.push(LeftOut { line: last.line, what: "the order of PATH".into(), why: why.into() });
    }
    reader.taken
}

struct Reader<'a> {
    layers: &'a [Copied],
    /// ARGs before the first FROM.
    global: &'a BTreeMap<String, String>,
    escape: char,
    /// ARG and ENV so far.
    known: BTreeMap<String, String>,
    taken: Taken,
    /// The layers of PATH's entries.
    order: Vec<usize>,
}

impl Reader<'_> {
    fn take(&mut self, instruction: &Instruction) -> Result<(), String> {
        let rest = &instruction.rest;
        match instruction.keyword.as_str() {
            "COPY" => {} // read before
            "ARG" => self.args(rest),
            "ENV" => return self.env(rest),
            "LABEL" => {
                let pairs = self.pairs(rest)?;
                self.taken.labels.extend(pairs);
            }
            "USER" => self.string("user", rest)?,
            "STOPSIGNAL" => self.string("stop-signal", rest)?,
            "WORKDIR" => {
                let before = self.taken.strings.get("workdir").cloned().unwrap_or_default();
                let rest = if rest.starts_with('/') { rest.clone() } else { format!("{before}/{rest}") };
                self.string("workdir", &rest)?;
            }
            "CMD" => self.command("cmd", rest),
            "ENTRYPOINT" => self.command("entrypoint", rest),
            "EXPOSE" => self.list("exposed-ports", &words(rest, self.escape))?,
            "VOLUME" => {
                let volumes = serde_json::from_str(rest).unwrap_or_else(|_| words(rest, self.escape));
                self.list("volumes", &volumes)?;
            }
            "RUN" if instruction.heredoc => {
                return Err("a here-document is not understood; layers only hold files, so put it into the base".into());
            }
            "RUN" => return Err("it changes the base: put it into a stage of its own and FROM that stage".into()),
            "ADD" => return Err("put the files into a tool's directory, or into the base".into()),
            other => return Err(format!("{other} has no place in a spec; what the base says about it stays")),
        }
        Ok(())
    }

    fn args(&mut self, rest: &str) {
        for word in words(rest, self.escape) {
            let (name, value) = match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (word.clone(), self.global.get(&word).cloned()),
            };
            if let Some(value) = value.and_then(|value| self.fill(&value).ok()) {
                self.known.insert(name, value);
            }
        }
    }

    fn env(&mut self, rest: &str) -> Result<(), String> {
        let mut wrong = Vec::new();
        for (name, value) in self.pairs_unfilled(rest) {
            let done = match name.as_str() {
                "PATH" => self.path(&value),
                _ => self.variable(&name, &value),
            };
            wrong.extend(done.err());
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    fn variable(&mut self, name: &str, value: &str) -> Result<(), String> {
        let value = self.fill(value)?;
        self.known.insert(name.to_owned(), value.clone());
        let inside = self.layer_of(&value).map(|(layer, below)| {
            (layer, if below.is_root() { "{prefix}".to_owned() } else { format!("{{prefix}}{below}") })
        });
        match inside {
            Some((layer, value)) => self.taken.layer_env.entry(layer).or_default().push((name.into(), value)),
            None => self.taken.env.push((name.into(), value)),
        }
        Ok(())
    }

    fn path(&mut self, value: &str) -> Result<(), String> {
        let mut strangers = Vec::new();
        for entry in value.split(':').filter(|entry| !matches!(*entry, "" | "$PATH" | "${PATH}")) {
            let entry = self.fill(entry)?;
            match self.layer_of(&entry) {
                Some((layer, below)) => {
                    let below = if below.is_root() { ".".into() } else { below.to_string().split_off(1) };
                    self.taken.path.entry(layer).or_default().push(below);
                    self.order.push(layer);
                }
                None if DEFAULT_PATH.split(':').any(|usual| usual == entry) => {}
                None => strangers.push(entry),
            }
        }
        match strangers.is_empty() {
            true => Ok(()),
            false => Err(format!("{} in PATH is of no layer; set it in the base", strangers.join(", "))),
        }
    }

    /// The layer that a path lies in, and where below its prefix.
    fn layer_of(&self, value: &str) -> Option<(usize, LayerPath)> {
        let path = value.starts_with('/').then(|| LayerPath::parse(value.as_bytes()).ok()).flatten()?;
        let mut layers = self.layers.iter().enumerate();
        layers.find_map(|(number, layer)| Some((number, path.strip_prefix(&layer.prefix)?)))
    }

    fn command(&mut self, key: &'static str, rest: &str) {
        let words = serde_json::from_str::<Vec<String>>(rest)
            .unwrap_or_else(|_| vec!["/bin/sh".into(), "-c".into(), rest.to_owned()]);
        self.taken.lists.insert(key, words);
    }

    fn string(&mut self, key: &'static str, rest: &str) -> Result<(), String> {
        let value = self.fill(rest.trim_matches(['"', '\'']))?;
        self.taken.strings.insert(key, value);
        Ok(())
    }

    fn list(&mut self, key: &'static str, words: &[String]) -> Result<(), String> {
        let words = words.iter().map(|word| self.fill(word)).collect::<Result<Vec<_>, _>>()?;
        self.taken.lists.entry(key).or_default().extend(words);
        Ok(())
    }

    fn pairs(&self, rest: &str) -> Result<Vec<(String, String)>, String> {
        self.pairs_unfilled(rest).into_iter().map(|(name, value)| Ok((name, self.fill(&value)?))).collect()
    }

    /// `NAME=VALUE…`, or the old form `NAME VALUE`.
    fn pairs_unfilled(&self, rest: &str) -> Vec<(String, String)> {
        let words = words(rest, self.escape);
        let old = words.first().is_some_and(|word| !word.contains('='));
        match (old, rest.split_once(char::is_whitespace)) {
            (true, Some((name, value))) => vec![(name.to_owned(), value.trim().to_owned())],
            _ => words.iter().filter_map(|w| w.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        }
    }

    fn fill(&self, text: &str) -> Result<String, String> {
        expand(text, &|name| self.known.get(name).cloned()).map_err(|name| format!("{name} has no value here"))
    }
}
