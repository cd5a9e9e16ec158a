//! Versions of libraries that are there.

use super::images::{ALPINE, DEBIAN, alone, findings_on, run};

const NOTHING: [&str; 0] = [];

fn a(rest: &str) -> String {
    format!("x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=libc.so.6 {rest}\n")
}

#[test]
fn a_version_that_the_library_does_not_define_is_missing() {
    assert_eq!(alone(&a("v=libc.so.6:GLIBC_2.2.5,libc.so.6:GLIBC_2.36")), NOTHING);
    let told = "OM0402 libc.so.6: base /usr/lib/x86_64-linux-gnu/libc.so.6, a /opt/a/bin/a GLIBC_2.38";
    assert_eq!(alone(&a("v=libc.so.6:GLIBC_2.36,libc.so.6:GLIBC_2.38")), [told]);
    // Of a library without versions every one is taken, and of one that is missing that is told.
    assert_eq!(alone(&a("v=libz.so.1:ZLIB_9 n=libz.so.1")), NOTHING);
    // Musl does without.
    let musl = "x opt/a/bin/a i=/lib/ld-musl-x86_64.so.1 n=libc.so.6 v=libc.so.6:GLIBC_2.38\n";
    assert_eq!(run(&[ALPINE], &[("a", musl)]), NOTHING);
}

#[test]
fn one_finding_is_for_all_files_and_versions_of_a_library() {
    let list = a("v=libc.so.6:GLIBC_2.38") + "o opt/a/lib/x.so n=libc.so.6 v=libc.so.6:GLIBC_2.4,libc.so.6:GLIBC_2.39";
    let findings = findings_on(&[DEBIAN], &[("a", &list)], |_| {});
    let text = findings[0].to_string();
    assert_eq!(
        text,
        "error[OM0402]: a needs GLIBC_2.39 of libc.so.6, and base has GLIBC_2.36 at most\n     \
         base   has the library: /usr/lib/x86_64-linux-gnu/libc.so.6\n     \
         a      needed by /opt/a/bin/a and 1 more\n  \
         fix: take a base with a newer libc.so.6, or a build of a for an older one"
    );
    assert_eq!(findings.len(), 1);
}

#[test]
fn a_plugin_may_be_loaded_by_what_has_loaded_a_newer_library() {
    let base = format!("{DEBIAN}\no usr/lib/x86_64-linux-gnu/libv.so.1 s=libv.so.1 d=V1");
    let plugin = "o opt/a/plugins/p.so n=libv.so.1,libc.so.6 v=libv.so.1:V2\n";
    let own = "o opt/a/lib/libv.so.1 s=libv.so.1 d=V1,V2\n";
    assert_eq!(run(&[&base], &[("a", &format!("{plugin}{own}"))]), NOTHING);
    let told = "OM0402 libv.so.1: base /usr/lib/x86_64-linux-gnu/libv.so.1, a /opt/a/plugins/p.so V2";
    assert_eq!(run(&[&base], &[("a", plugin)]), [told], "nobody has it");
    // A command loads what it finds, whatever else there is.
    let command = "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=libv.so.1 v=libv.so.1:V2\n";
    assert_eq!(run(&[&base], &[("a", &format!("{command}{own}"))]), [told.replace("plugins/p.so", "bin/a")]);
}

#[test]
fn the_library_that_is_found_first_counts() {
    // A layer's own libstdc++ is newer than the base's, and another layer's is too old.
    let base = format!("{DEBIAN}\no usr/lib/x86_64-linux-gnu/libstdc++.so.6 s=libstdc++.so.6 d=GLIBCXX_3.4.30");
    let needs = "n=libstdc++.so.6 v=libstdc++.so.6:GLIBCXX_3.4.32";
    let own = "o opt/a/lib/libstdc++.so.6 s=libstdc++.so.6 d=GLIBCXX_3.4.30,GLIBCXX_3.4.32\n";
    let program = |rest: &str| format!("x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 {needs} {rest}\n{own}");
    assert_eq!(run(&[&base], &[("a", &program("R=$ORIGIN/../lib"))]), NOTHING);
    let told = "OM0402 libstdc++.so.6: base /usr/lib/x86_64-linux-gnu/libstdc++.so.6, a /opt/a/bin/a GLIBCXX_3.4.32";
    assert_eq!(run(&[&base], &[("a", &program(""))]), [told]);
}
