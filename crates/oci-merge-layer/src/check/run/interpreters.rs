//! What the kernel executes instead of a file: the interpreter of a script's first line, and the command that `env` would
//! look for; and whether it would (execve(2), ENOENT and EACCES).

use super::ledger::Cause;
use super::look::Look;
use super::tree::Tree;
use super::walker::{End, ROOT, joined};
use crate::check::commands::is_executable;
use crate::check::merge::Place;
use crate::index::Facts;

/// An interpreter may be a script itself; the kernel goes on so many times (`exec_binprm` in its `fs/exec.c`).
const MOST_SCRIPTS: usize = 5;

impl Look<'_, '_> {
    /// Judges a script by what follows `#!` (execve(2), "Interpreter scripts"), and so does its interpreter if that is one.
    pub(super) fn script(&mut self, script: Place, line: &[u8]) {
        let mut line = line;
        for _ in 0..MOST_SCRIPTS {
            let (interpreter, rest) = split(line, is_blank);
            if !interpreter.starts_with(b"/") {
                return; // It depends on where it is started.
            }
            let of_env = || command_of_env(rest).filter(|_| interpreter.ends_with(b"/env"));
            let cause = self.refuses(interpreter).or_else(|| match of_env()? {
                path if path.starts_with(b"/") => self.refuses(path),
                path if path.contains(&b'/') => None,
                name => self.lacks(name),
            });
            if let Some(cause) = cause {
                self.ledger.add(Tree::layer_of(script), cause, script, None);
                return;
            }
            let End::Entry(file) = self.walker.follow(ROOT, interpreter) else { return };
            let Some(Facts::Script { interpreter }) = self.walker.tree.entry(file).and_then(|entry| entry.facts) else {
                return;
            };
            line = interpreter;
        }
    }

    /// Why the kernel would not execute what an absolute path leads to.
    pub(super) fn refuses(&mut self, path: &[u8]) -> Option<Cause> {
        let named = || path.strip_prefix(b"/").unwrap_or(path).to_vec();
        match self.walker.follow(ROOT, path) {
            End::Entry(file) if is_executable(self.walker.tree, file) => None,
            End::Entry(file) => Some(Cause::NotExecutable(named(), file)),
            _ => Some(Cause::Interpreter(named())),
        }
    }

    /// Why PATH has no command: where it has a file of that name, because the kernel would not execute it.
    fn lacks(&mut self, command: &[u8]) -> Option<Cause> {
        if self.scene.commands.has(command) {
            return None;
        }
        let directories = self.scene.system.path.iter().filter(|directory| directory.starts_with('/'));
        let refused = directories.filter_map(|directory| self.refuses(&joined(directory.as_bytes(), command)));
        let refused = refused.into_iter().find(|cause| matches!(cause, Cause::NotExecutable(..)));
        Some(refused.unwrap_or_else(|| Cause::Command(command.to_vec())))
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
