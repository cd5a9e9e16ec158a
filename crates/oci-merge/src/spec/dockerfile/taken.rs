//! What else the last stage says: environment, user, command, and so on.

use super::copied::Copied;
use super::instruction::Instruction;
use super::scope::Scope;
use super::search_path::{SearchPath, layer_of};
use super::stage::Stage;
use super::{LeftOut, short};
use crate::spec::placeholder;
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
pub(super) fn read(last: &Stage, layers: &[Copied], scope: Scope<'_>, left_out: &mut Vec<LeftOut>) -> Taken {
    let (taken, path) = (Taken::default(), SearchPath::default());
    let mut reader = Reader { layers, scope, taken, variables: Vec::new(), path, left_out };
    for instruction in &last.instructions {
        if let Err(why) = reader.take(instruction) {
            reader.leave(instruction, &instruction.rest, why);
        }
        reader.scope.pass(instruction);
    }
    let Reader { mut taken, variables, path, left_out, .. } = reader;
    let (path, in_order) = path.of_layers();
    taken.path = path;
    if !in_order {
        let why = "PATH has the layers in another order; in the image it has theirs, first to last";
        left_out.push(LeftOut { line: last.line, what: "the order of PATH".into(), why: why.into() });
    }
    for (name, value) in variables {
        // In a layer's, words in braces would be filled in; in [config] they stay.
        match layer_of(layers, &value).filter(|_| !placeholder::is_in(&value)) {
            Some((number, below)) => {
                let value = format!("{{prefix}}{below}");
                taken.layer_env.entry(number).or_default().push((name, value));
            }
            None => taken.env.push((name, value)),
        }
    }
    taken
}

struct Reader<'a> {
    layers: &'a [Copied],
    scope: Scope<'a>,
    taken: Taken,
    variables: Vec<(String, String)>,
    path: SearchPath,
    left_out: &'a mut Vec<LeftOut>,
}

impl Reader<'_> {
    fn take(&mut self, instruction: &Instruction) -> Result<(), String> {
        let rest = &instruction.rest;
        match instruction.keyword.as_str() {
            "COPY" => {} // read before
            "ARG" => {}  // in the scope
            "ENV" => self.env(instruction),
            "LABEL" => self.labels(instruction),
            "USER" => self.string("user", rest)?,
            "STOPSIGNAL" => self.string("stop-signal", rest)?,
            "WORKDIR" => {
                self.taken.strings.remove("workdir");
                let path = self.scope.path(&self.scope.fill(rest)?)?;
                self.taken.strings.insert("workdir", path.to_string());
            }
            "CMD" => self.command("cmd", rest),
            "ENTRYPOINT" => self.command("entrypoint", rest),
            "EXPOSE" => {
                let ports: Vec<String> = self.scope.words(rest).into_iter().map(str::to_owned).collect();
                self.list(instruction, "exposed-ports", &ports, port);
            }
            "VOLUME" => {
                let words = || self.scope.words(rest).into_iter().map(str::to_owned).collect();
                let volumes: Vec<String> = serde_json::from_str(rest).unwrap_or_else(|_| words());
                self.list(instruction, "volumes", &volumes, volume);
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

    fn leave(&mut self, instruction: &Instruction, rest: &str, why: String) {
        self.left_out.push(LeftOut { line: instruction.line, what: short(&instruction.keyword, rest), why });
    }

    fn env(&mut self, instruction: &Instruction) {
        for pair in self.scope.pairs(&instruction.rest) {
            match pair {
                Err(word) => self.leave(instruction, word, NO_PAIR.into()),
                Ok((name, value)) => {
                    let (name, written) = (self.scope.name(name), format!("{name}={value}"));
                    if let Some(why) = self.variable(name, value) {
                        self.leave(instruction, &written, why);
                    }
                }
            }
        }
    }

    /// Takes a variable, and says what of it cannot be taken.
    fn variable(&mut self, name: String, value: &str) -> Option<String> {
        if name == "PATH" {
            let wrong = self.path.set(value, &self.scope, self.layers);
            return (!wrong.is_empty()).then(|| wrong.join("; "));
        }
        // What it stood for before is wrong now, whether the new value can be taken or not.
        self.variables.retain(|(other, _)| *other != name);
        self.scope.fill(value).map(|value| self.variables.push((name, value))).err()
    }

    fn labels(&mut self, instruction: &Instruction) {
        for pair in self.scope.pairs(&instruction.rest) {
            let filled = match pair {
                Err(word) => Err((word.to_owned(), NO_PAIR.to_owned())),
                Ok((name, value)) => (self.scope.fill(name))
                    .and_then(|filled| Ok((filled, self.scope.fill(value)?)))
                    .map_err(|why| (format!("{name}={value}"), why)),
            };
            match filled {
                Ok((name, value)) => {
                    self.taken.labels.retain(|(other, _)| *other != name);
                    self.taken.labels.push((name, value));
                }
                Err((what, why)) => self.leave(instruction, &what, why),
            }
        }
    }

    fn command(&mut self, key: &'static str, rest: &str) {
        let words = serde_json::from_str::<Vec<String>>(rest).unwrap_or_else(|_| self.scope.shell(rest));
        self.taken.lists.insert(key, words);
    }

    fn string(&mut self, key: &'static str, rest: &str) -> Result<(), String> {
        self.taken.strings.remove(key);
        let value = self.scope.fill(rest)?;
        self.taken.strings.insert(key, value);
        Ok(())
    }

    fn list(
        &mut self,
        instruction: &Instruction,
        key: &'static str,
        words: &[String],
        read: fn(String) -> Result<String, String>,
    ) {
        for word in words {
            match self.scope.fill(word).and_then(read) {
                Ok(value) => self.taken.lists.entry(key).or_default().push(value),
                Err(why) => self.leave(instruction, word, why),
            }
        }
    }
}

const NO_PAIR: &str = "it has no `=`";

/// A port as a spec takes it.
fn port(text: String) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    let (number, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    match (number.parse::<u16>(), protocol) {
        (Ok(1..), "tcp" | "udp" | "sctp") => Ok(text),
        _ => Err("a spec takes ports one by one, like 8080, 8080/tcp or 53/udp".into()),
    }
}

fn volume(text: String) -> Result<String, String> {
    if text.starts_with('/') { Ok(text) } else { Err("a volume of a spec begins with /".into()) }
}
