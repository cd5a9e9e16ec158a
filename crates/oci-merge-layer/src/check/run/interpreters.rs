//! Scripts: the interpreter of the first line, and the command that `env` would look for.

use super::ledger::Cause;
use super::look::Look;
use super::tree::{End, ROOT, Tree};
use crate::check::merge::Place;

impl Look<'_, '_> {
    /// Judges a script by what follows `#!` (execve(2), "Interpreter scripts").
    pub(super) fn script(&mut self, script: Place, line: &[u8]) {
        let (interpreter, rest) = split(line);
        if !interpreter.starts_with(b"/") {
            return; // It depends on where it is started.
        }
        let layer = Tree::layer_of(script);
        if !matches!(self.walker.follow(ROOT, interpreter), End::Entry(_)) {
            let path = interpreter.strip_prefix(b"/").unwrap_or(interpreter).to_vec();
            self.ledger.add(layer, Cause::Interpreter(path), script, None);
        } else if interpreter.ends_with(b"/env")
            && let Some(command) = command_of_env(rest)
        {
            if command.starts_with(b"/") && !matches!(self.walker.follow(ROOT, command), End::Entry(_)) {
                let path = command.strip_prefix(b"/").unwrap_or(command).to_vec();
                self.ledger.add(layer, Cause::Interpreter(path), script, None);
            } else if !command.contains(&b'/') && !self.scene.commands.has(command) {
                self.ledger.add(layer, Cause::Command(command.to_vec()), script, None);
            }
        }
    }
}

/// The first word, and what follows it.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii();
    let end = line.iter().position(|b| matches!(b, b' ' | b'\t')).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word, rest.trim_ascii())
}

/// The command that `env` starts. Without `-S` the kernel hands over the rest of the line as one word; `None` if the
/// words say something about PATH, or something that is not understood.
fn command_of_env(argument: &[u8]) -> Option<&[u8]> {
    let after = [&b"--split-string="[..], b"--split-string", b"-S"].into_iter().find_map(|o| argument.strip_prefix(o));
    let Some(after) = after.or_else(|| argument.strip_prefix(b"-vS")) else {
        return (!argument.is_empty() && !argument.starts_with(b"-")).then_some(argument);
    };
    let mut rest = after.trim_ascii();
    loop {
        let (word, more) = split(rest);
        match word {
            b"-i" | b"-" | b"--ignore-environment" | b"-v" | b"--debug" => rest = more,
            b"-u" | b"--unset" => rest = split(more).1,
            _ if word.starts_with(b"--unset=") => rest = more,
            _ if word.is_empty() || word.starts_with(b"-") || word.starts_with(b"PATH=") => return None,
            _ if word.contains(&b'=') => rest = more,
            _ if word.iter().any(|b| matches!(b, b'$' | b'\\' | b'\'' | b'"')) => return None,
            _ => return Some(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_is_understood_as_env_understands_it() {
        let cases: [(&str, Option<&str>); 11] = [
            ("node", Some("node")),
            ("python3 -u", Some("python3 -u")),
            ("-S node -r x", Some("node")),
            ("-Snode", Some("node")),
            ("--split-string=deno run", Some("deno")),
            ("-S -i A=1 -u B perl -w", Some("perl")),
            ("-vS perl", Some("perl")),
            ("-S PATH=/x perl", None),
            ("-S ${SHELL} x", None),
            ("-S -C /x perl", None),
            ("", None),
        ];
        for (argument, command) in cases {
            assert_eq!(command_of_env(argument.as_bytes()), command.map(str::as_bytes), "{argument}");
        }
    }
}
