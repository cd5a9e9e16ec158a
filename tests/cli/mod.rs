//! The program as a person or a script meets it: what it is told, what it prints, and with which code it ends.

mod agreements; // needs, overrides, exceptions
mod blocks; // what of a layer is compressed again
mod cache; // the local store in bounds, and shared
mod cases; // for each code the smallest spec with which it is told
mod credentials; // whose login is sent, and that no log says it
mod demo; // the newcomer's two commands, and the collision
mod doctor; // what a registry lets us do
mod documents; // what --json prints, held against the published schemas
mod elf; // programs of a few hundred bytes
mod findings; // what a check tells, and that its fixes mend
mod github; // annotations and the summary of a job
mod pages; // help, manual pages, completions, schema, and the documents of the repository
mod pushing; // with a registry at the other end
mod refusals; // exit codes, one for each way to end
mod reports; // what a report says of many findings, and of names that mean harm
mod screens; // what is on stdout and on stderr, and in which form
mod serving; // a registry on this machine
mod sources; // what is taken of sources, and sources of which nothing could be
mod specs; // forty slips in a spec
mod store; // what is remembered from run to run, and that it may lie
mod typed; // that arguments do not speak to the terminal

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A directory of its own, and a home in it.
struct Place(tempfile::TempDir);

/// What a run left behind.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A file that is run. A process of its own writes it: were it open here, whatever another thread starts at that
    /// moment would hold it open too, and nobody could run it ("text file busy").
    fn program(&self, name: &str, content: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "cat > \"$0\" && chmod 755 \"$0\""]).arg(path).stdin(Stdio::piped());
        let mut shell = shell.spawn().unwrap();
        shell.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The demo, written and built.
    fn with_demo() -> Place {
        let place = Place::new();
        place.run(&["init", "--demo"]).ends(0);
        place
    }

    /// The program with an environment that is ours alone.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oci-merge"));
        command.args(args).current_dir(self.0.path()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args))
    }
}

impl Ran {
    fn of(command: &mut Command) -> Ran {
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    #[track_caller]
    fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, words: &[&str]) -> Ran {
        for word in words {
            assert!(self.err.contains(word), "no {word} in:\n{}", self.err);
        }
        self
    }

    /// Nothing on stdout: there is no answer.
    #[track_caller]
    fn without_answer(self) -> Ran {
        assert_eq!(self.out, "");
        self
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
