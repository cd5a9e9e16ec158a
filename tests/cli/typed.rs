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

/// What a spec holds is repeated in the snippets of its errors, and in events: DEL, C1, directions, and what is not seen.
#[test]
fn what_a_spec_holds_is_repeated_escaped() {
    let hostile = "q\u{85}\u{9b}31m\u{202e}\u{200b}\u{e0041}z";
    let is_raw = |text: &str| text.chars().any(|c| hostile[1..].trim_end_matches('z').contains(c) && !c.is_ascii());
    let place = Place::new();
    place.write("tool/x", "1");
    let layer = "[layer.tool]\nprefix = \"/opt/tool\"\nsource = { path = \"tool\" }\n";

    place.write("oci-merge.toml", &format!("schema = 1\nbase.image = \"{hostile}\" # {hostile}\nnone = 1\n{layer}"));
    let ran = place.run(&["check"]).ends(2);
    assert!(!is_raw(&ran.err), "{:?}", ran.err);
    ran.says(&["q\\u{85}\\u{9b}31m\\u{202e}\\u{200b}\\u{e0041}z"]);

    // The place is marked where it is now.
    place.write(
        "oci-merge.toml",
        &format!("schema = 1\nbase = {{ image = \"scratch\", {hostile:?} = 1, nope = \"ü\" }}\n{layer}"),
    );
    let text = place.read("oci-merge.toml").replace(&format!("{hostile:?}"), &format!("\"{hostile}\""));
    place.write("oci-merge.toml", &text);
    let ran = place.run(&["check"]).ends(2);
    assert!(!is_raw(&ran.err), "{:?}", ran.err);
    let lines: Vec<&str> = ran.err.lines().collect();
    let source = lines.iter().position(|line| line.contains("nope = ") && line.contains('|')).unwrap();
    let marked = lines[source..].iter().rev().find(|line| line.contains("^^^^")).unwrap();
    let columns = |line: &str, part: &str| line[..line.find(part).unwrap()].chars().count();
    assert_eq!(columns(marked, "^^^^"), columns(lines[source], "nope"), "{}", ran.err);

    let version = "version = \"q\\u007f\\u0085\\u202e\\u200b\\U000E0041\"\n";
    place.write("oci-merge.toml", &format!("schema = 1\nbase.image = \"scratch\"\n{}{version}", layer));
    let ran = place.run(&["check", "--progress", "json"]).ends(0);
    assert!(!is_raw(&ran.err) && !ran.err.contains('\u{7f}'), "{:?}", ran.err);
    let events = ran.err.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let versions: Vec<_> = events.filter_map(|event| event["version"].as_str().map(str::to_owned)).collect();
    assert!(versions.iter().any(|version| version == "q\u{7f}\u{85}\u{202e}\u{200b}\u{e0041}"), "{versions:?}");
}
