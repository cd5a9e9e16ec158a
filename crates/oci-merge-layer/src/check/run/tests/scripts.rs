//! What starts scripts.

use super::images::{DEBIAN, alone, findings_on, in_short, run};

const NOTHING: [&str; 0] = [];

#[test]
fn an_interpreter_has_to_be_there() {
    assert_eq!(alone("s opt/a/bin/s /bin/sh -e"), NOTHING, "through the base's link /bin");
    assert_eq!(alone("s opt/a/bin/s /bin/bash"), ["OM0405 /bin/bash: a /opt/a/bin/s"]);
    assert_eq!(alone("s opt/a/bin/s /home/jon/venv/bin/python"), ["OM0405 /home/jon/venv/bin/python: a /opt/a/bin/s"]);
    assert_eq!(alone("s opt/a/bin/s /bin"), ["OM0405 /bin: a /opt/a/bin/s"], "a directory runs nothing");
    assert_eq!(alone("s opt/a/bin/s perl"), NOTHING, "relative to wherever it is started");
    assert_eq!(alone("s opt/a/lib/s /bin/bash"), NOTHING, "not a command");
    assert_eq!(alone("s opt/a/lib/s /bin/bash\nl opt/a/bin/s ->../lib/s"), ["OM0405 /bin/bash: a /opt/a/lib/s"]);
}

/// `exec_binprm` in the kernel's `fs/exec.c`: a program is executed after five scripts at most.
#[test]
fn an_interpreter_may_be_a_script_itself() {
    let through = |last: &str| format!("s opt/a/bin/s /opt/a/lib/i -x\ns opt/a/lib/i {last}");
    let told = ["OM0405 /bin/gone: a /opt/a/bin/s"];
    assert_eq!(alone(&through("/bin/gone")), told);
    assert_eq!(alone(&through("/bin/sh")), NOTHING);
    assert_eq!(alone(&through("lib/gone")), NOTHING, "relative to wherever it is started");
    assert_eq!(alone(&through("/usr/bin/env node")), ["OM0405 node: a /opt/a/bin/s"]);
    // Of the base, which has to answer for nothing that nobody needs.
    let base = format!("{DEBIAN}\ns usr/bin/wish /bin/gone");
    assert_eq!(run(&[&base], &[("a", "s opt/a/bin/s /usr/bin/wish")]), told);
    let chain = |scripts: usize| {
        let of = |at: usize| format!("s opt/a/lib/{at} /opt/a/lib/{}\n", at + 1);
        let chain: String = (1..scripts - 1).map(of).collect();
        alone(&format!("s opt/a/bin/s /opt/a/lib/1\n{chain}s opt/a/lib/{} /bin/gone", scripts - 1))
    };
    assert_eq!(chain(5), told);
    assert_eq!(chain(6), NOTHING, "the kernel would say that there are too many");
    assert_eq!(alone("s opt/a/bin/s /opt/a/bin/s"), NOTHING);
}

#[test]
fn an_interpreter_has_to_be_executable() {
    let base = format!("{DEBIAN}\no usr/bin/perl5.36\nl usr/bin/perl ->perl5.36");
    let findings = findings_on(&[&base], &[("a", "s opt/a/bin/s /usr/bin/perl -w")], |_| {});
    assert_eq!(
        findings.iter().map(in_short).collect::<Vec<_>>(),
        ["OM0405 NOT_EXECUTABLE /usr/bin/perl: base /usr/bin/perl5.36, a /opt/a/bin/s"]
    );
    let message = "a needs /usr/bin/perl, which base has, but not executable: its mode is 0644";
    assert_eq!(findings[0].message(), message);
    assert_eq!(findings[0].advice(), "make it an executable file in base (chmod 755), or leave out what needs it");
    assert!(findings[0].to_string().contains("\n     base   file 0644 root:root  "), "{}", findings[0]);
    let env = [("a", "s opt/a/bin/s /usr/bin/env /opt/b/lib/x"), ("b", "o opt/b/lib/x")];
    assert_eq!(run(&[DEBIAN], &env), ["OM0405 NOT_EXECUTABLE /opt/b/lib/x: a /opt/a/bin/s, b /opt/b/lib/x"]);
}

#[test]
fn a_command_for_env_has_to_be_executable() {
    let layers = [("a", "s opt/a/bin/s /usr/bin/env node"), ("b", "o opt/b/bin/node")];
    let told = ["OM0405 NOT_EXECUTABLE /opt/b/bin/node: a /opt/a/bin/s, b /opt/b/bin/node"];
    assert_eq!(run(&[DEBIAN], &layers), told);
    let base = format!("{DEBIAN}\nf usr/bin/node");
    assert_eq!(run(&[&base], &layers), NOTHING, "the next one on PATH is");
}

#[test]
fn env_looks_through_path() {
    assert_eq!(alone("s opt/a/bin/s /usr/bin/env node"), ["OM0405 node: a /opt/a/bin/s"]);
    assert_eq!(alone("s opt/a/bin/s /usr/bin/env -S node --x"), ["OM0405 node: a /opt/a/bin/s"]);
    assert_eq!(alone("s opt/a/bin/s /usr/bin/env sh"), NOTHING);
    assert_eq!(run(&[DEBIAN], &[("a", "s opt/a/bin/s /usr/bin/env node"), ("b", "f opt/b/bin/node")]), NOTHING);
    // The whole rest of the line is one name.
    assert_eq!(alone("s opt/a/bin/s /usr/bin/env sh -e"), ["OM0405 sh -e: a /opt/a/bin/s"]);
    let unreachable = [("a", "s opt/a/bin/s /usr/bin/env node"), ("b", "f opt/b/lib/node")];
    assert_eq!(run(&[DEBIAN], &unreachable), ["OM0405 node: a /opt/a/bin/s"]);
    assert_eq!(run(&[], &[("a", "s opt/a/bin/s /usr/bin/env sh")]), ["OM0405 /usr/bin/env: a /opt/a/bin/s"]);
}

#[test]
fn scripts_with_one_cause_are_told_together() {
    let scripts = "s opt/a/bin/x /usr/bin/env node\ns opt/a/bin/y /usr/bin/env node\ns opt/a/sbin/z /usr/bin/env node";
    let findings = findings_on(&[DEBIAN], &[("a", scripts)], |_| {});
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].message(), "a needs node on PATH, which no layer and not the base has");
    assert!(findings[0].to_string().contains("\n     a   needed by /opt/a/bin/x and 2 more\n"), "{}", findings[0]);
}
