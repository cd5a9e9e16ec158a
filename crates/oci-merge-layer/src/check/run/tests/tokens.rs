//! `$ORIGIN` and its like, in every place that may hold them (glibc's `elf/dl-load.c`, musl's `ldso/dynlink.c`).

use super::images::{ALPINE, DEBIAN, alone, findings_on, in_short, run};

const NOTHING: [&str; 0] = [];

#[test]
fn origin_may_stand_anywhere_in_a_path() {
    let a = |linker: &str, rest: &str| format!("x opt/a/bin/a i={linker} {rest}\no opt/a/lib/liba.so");
    for path in ["/$ORIGIN/../lib", "/usr/..${ORIGIN}/../lib", "/$ORIGIN/../lib:/$ORIGINAL"] {
        let told = alone(&a("/lib64/ld-linux-x86-64.so.2", &format!("n=liba.so R={path}")));
        assert_eq!(told, NOTHING, "{path}");
        let musl = a("/lib/ld-musl-x86_64.so.1", &format!("n=liba.so R={path}"));
        assert_eq!(run(&[ALPINE], &[("a", &musl)]), NOTHING, "{path}");
    }
    assert_eq!(alone(&a("/lib64/ld-linux-x86-64.so.2", "n=/$ORIGIN/../lib/liba.so")), NOTHING);
}

#[test]
fn musl_knows_origin_alone() {
    let told = |path: &str| {
        let list = format!("x opt/a/bin/a i=/lib/ld-musl-x86_64.so.1 n=liba.so R={path}\no opt/a/lib/liba.so");
        run(&[ALPINE], &[("a", &list)])
    };
    assert_eq!(told("$ORIGIN/../lib"), NOTHING);
    // One word that it does not know, and the whole of it is left out.
    for path in ["/opt/a/$LIB", "$ORIGIN/../lib:$PLATFORM", "/opt/a/lib:/$X"] {
        assert_eq!(told(path).len(), 1, "{path}");
    }
}

#[test]
fn the_environment_of_the_image_has_the_origin_of_the_program() {
    let with = |base: &str, list: &str, path: &str| {
        let findings = findings_on(&[base], &[("a", list)], |system| system.library_path = Some(path.into()));
        findings.iter().map(in_short).collect::<Vec<_>>()
    };
    let glibc =
        "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=libb.so\no opt/a/lib/libb.so n=libd.so\no opt/a/lib/libd.so";
    for path in ["$ORIGIN/../lib", "/srv/lib;${ORIGIN}/../lib", "$ORIGIN/../x/:/$ORIGIN/../lib"] {
        assert_eq!(with(DEBIAN, glibc, path), NOTHING, "{path}");
    }
    // Of the program, not of the library that needs another.
    assert_eq!(with(DEBIAN, glibc, "$ORIGIN").len(), 1);
    let musl = glibc.replace("/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1");
    assert_eq!(with(ALPINE, &musl, "/opt/a/lib"), NOTHING);
    assert_eq!(with(ALPINE, &musl, "$ORIGIN/../lib").len(), 1, "it takes the name as it is");
    assert_eq!(with(ALPINE, &musl, "/srv;/opt/a/lib").len(), 1, "nor is a semicolon anything else");
    assert_eq!(with(ALPINE, &musl, "/srv\n/opt/a/lib"), NOTHING);
}
