//! An argument may come from a script, and so from anybody: it must not speak to the terminal (CWE-150).

use super::{Place, Ran};
use std::os::unix::process::CommandExt;

/// A title for the window, a change of direction, colour in one byte, and a line of its own.
const HOSTILE: &str = "x\u{1b}]0;t\u{7}\u{202e}y\u{9b}31m\nerror: z";

/// What is typed; `*` stands for it.
const TYPED: &[&[&str]] = &[
    &["*"],
    &["check", "--*"],
    &["check", "-*"],
    &["check", "--color=*"],
    &["check", "--color", "al*"],
    &["check", "--json=*"],
    &["check", "--jobs", "*"],
    &["check", "--timeout", "*"],
    &["check", "--limit", "*"],
    &["check", "--limit", "entries=*"],
    &["check", "--limit", "*=1"],
    &["check", "--progress", "*"],
    &["check", "--platform", "*"],
    &["check", "-C", "*"],
    &["check", "-f", "*"],
    &["check", "-f", "demo/*"],
    &["inspect", "--authfile", "*", "-vv", "localhost:1/x"],
    &["inspect", "--ca-file", "*", "localhost:1/x"],
    &["doctor", "--authfile", "*", "localhost:1/x"],
    &["check", "--plain-http", "*", "--insecure", "*", "scratch", "*"],
    &["check", "*"],
    &["check", "./*"],
    &["check", "scratch", "*=./*"],
    &["check", "oci:*", "oci-archive:*:y", "docker-archive:*"],
    &["build", "*"],
    &["build", "--no-cache=*"],
    &["build", "-o", "*"],
    &["build", "-o", "type=*"],
    &["build", "-o", "type=oci,dest=*,*"],
    &["build", "-o", "type=oci,dest=*/x/*"],
    &["build", "-t", "*"],
    &["build", "--repo", "*", "--push"],
    &["build", "--repo", "x:*", "--push"],
    &["build", "--compression-level", "*"],
    &["build", "--push", "--expect-digest", "*", "-t", "localhost/x"],
    &["build", "--digestfile", "*/x"],
    &["merge", "*", "*"],
    &["merge", "scratch", "*"],
    &["merge", "scratch", "*=demo/alpha:/*"],
    &["merge", "scratch", "a=demo/alpha:*"],
    &["push", "*", "*"],
    &["push", "demo", "*"],
    &["inspect", "*"],
    &["inspect", "./*"],
    &["ls", "oci:*"],
    &["explain", "*"],
    &["exclude", "*", "*"],
    &["exclude", "alpha", "*"],
    &["own", "*", "*"],
    &["own", "alpha", "*"],
    &["allow", "*", "--winner", "*", "--reason", "*"],
    &["allow", "/x", "--winner", "alpha", "--layers", "alpha,*", "--reason", "*"],
    &["doctor", "*"],
    &["doctor", "localhost:1/*"],
    &["serve", "*"],
    &["serve", "--port", "*"],
    &["cache", "--older", "*"],
    &["cache", "--down-to", "*"],
    &["completions", "*"],
    &["man", "*"],
    &["schema", "*"],
    &["init", "--from-dockerfile", "*"],
    &["init", "--demo", "-f", "*/*"],
    &["init", "--demo", "-f", "*/*"],
    // With what is in the spec by now.
    &["check"],
];

#[test]
fn what_was_typed_is_repeated_escaped() {
    let place = Place::with_demo();
    let mut raw = Vec::new();
    for args in TYPED {
        let args: Vec<String> = args.iter().map(|arg| arg.replace('*', HOSTILE)).collect();
        // Where colours are shown, nothing else is taken out either.
        let mut command = place.command(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let ran = Ran::of(command.env("FORCE_COLOR", "1").arg0(HOSTILE));
        let said = ran.out + &ran.err;
        if ["\u{1b}]", "\u{7}", "\u{202e}", "\u{9b}", "\nerror: z"].iter().any(|part| said.contains(part)) {
            raw.push((args, said));
        }
    }
    assert!(raw.is_empty(), "{raw:#?}");
}
