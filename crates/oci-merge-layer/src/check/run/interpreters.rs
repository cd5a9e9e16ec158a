//! Scripts: the interpreter of the first line, and the command that `env` would look for.

use super::ledger::Cause;
use super::look::Look;
use super::tree::{End, ROOT, Tree};
use crate::check::merge::Place;

impl Look<'_, '_> {
    /// Judges a script by what follows `#!` (execve(2), "Interpreter scripts").
    pub(super) fn script(&mut self, script: Place, line: &[u8]) {
        let (interpreter, rest) = split(line, is_blank);
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

/// What separates words for the kernel (`fs/binfmt_script.c`); a carriage return does not.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What does for `env -S`.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// The first word, and what follows it.
fn split(line: &[u8], separates: fn(u8) -> bool) -> (&[u8], &[u8]) {
    let line = trim(line, separates);
    let end = line.iter().position(|&b| separates(b)).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    (word, trim(rest, separates))
}

fn trim(line: &[u8], separates: fn(u8) -> bool) -> &[u8] {
    let start = line.iter().position(|&b| !separates(b)).unwrap_or(line.len());
    let end = line.iter().rposition(|&b| !separates(b)).map_or(start, |last| last + 1);
    line.get(start..end).unwrap_or_default()
}

/// The command that `env` starts. Without `-S` the kernel hands over the rest of the line as one word; `None` if the
/// words say something about PATH, or something that is not understood.
fn command_of_env(argument: &[u8]) -> Option<&[u8]> {
    let after = [&b"--split-string="[..], b"--split-string", b"-S"].into_iter().find_map(|o| argument.strip_prefix(o));
    let Some(after) = after.or_else(|| argument.strip_prefix(b"-vS")) else {
        return (!argument.is_empty() && !argument.starts_with(b"-")).then_some(argument);
    };
    let mut rest = trim(after, is_space);
    loop {
        let (word, more) = split(rest, is_space);
        match word {
            b"-i" | b"-" | b"--ignore-environment" | b"-v" | b"--debug" => rest = more,
            b"-u" | b"--unset" => rest = split(more, is_space).1,
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
        let cases: [(&str, Option<&str>); 13] = [
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
            // The end of a line that was written on Windows.
            ("sh\r", Some("sh\r")),
            ("-S sh\r", Some("sh")),
        ];
        for (argument, command) in cases {
            assert_eq!(command_of_env(argument.as_bytes()), command.map(str::as_bytes), "{argument}");
        }
        assert_eq!(split(b" /bin/sh \t-e\r", is_blank), (&b"/bin/sh"[..], &b"-e\r"[..]));
        assert_eq!(split(b"/bin/sh\r", is_blank).0, b"/bin/sh\r", "which is nowhere");
    }
}
