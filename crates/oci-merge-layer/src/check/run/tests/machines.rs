//! Programs for other machines, and for another library of C.

use super::images::{ALPINE, DEBIAN, alone, findings_on, in_short, run};

const NOTHING: [&str; 0] = [];
const ARM: &str = "m=183:64";

#[test]
fn a_command_for_another_machine_is_always_told() {
    let told = ["OM0403 amd64: a /opt/a/bin/a AArch64"];
    assert_eq!(alone(&format!("x opt/a/bin/a {ARM}")), told);
    assert_eq!(alone(&format!("x opt/a/bin/a {ARM} i=/lib/ld-linux-aarch64.so.1 n=libc.so.6")), told);
    assert_eq!(alone(&format!("x opt/a/bin/a {ARM}\nx opt/a/bin/b i=/lib64/ld-linux-x86-64.so.2")), told);
    // In `bin` of the prefix, on PATH or not.
    let findings = findings_on(&[DEBIAN], &[("a", &format!("x opt/a/bin/a {ARM}"))], |system| system.path.clear());
    assert_eq!(findings.iter().map(in_short).collect::<Vec<_>>(), told);
    let message = "a holds programs for AArch64, and the image is for amd64";
    assert_eq!(findings[0].message(), message);
}

#[test]
fn a_layer_with_nothing_for_the_machine_is_told() {
    let told = ["OM0403 amd64: a /opt/a/lib/numpy.cpython-311-aarch64-linux-gnu.so AArch64"];
    assert_eq!(alone(&format!("o opt/a/lib/numpy.cpython-311-aarch64-linux-gnu.so n=libc.so.6 {ARM}")), told);
    let program = format!("x opt/a/tool {ARM} i=/lib/ld-linux-aarch64.so.1");
    assert_eq!(alone(&program), ["OM0403 amd64: a /opt/a/tool AArch64"]);
    assert_eq!(alone("o opt/a/lib/x.so m=8:64 n=y"), ["OM0403 amd64: a /opt/a/lib/x.so 64-bit, machine 8"]);
}

#[test]
fn what_is_there_for_another_machine_on_purpose_is_not_told() {
    for list in [
        // Beside what is for this one: the prebuilt addons of node, the standard libraries of rust.
        format!("o opt/a/prebuilds/linux/x.node {ARM} n=libc.so.6\no opt/a/build/x.node n=libc.so.6"),
        // Alone, in a directory that says what it is for.
        format!("o opt/a/lib/rustlib/aarch64-unknown-linux-gnu/lib/libstd.so {ARM} n=libc.so.6"),
        // A whole system.
        format!("x opt/a/lib/ld-linux-aarch64.so.1 {ARM} s=ld\nx opt/a/usr/sbin/x {ARM} i=/lib/ld-linux-aarch64.so.1"),
        // Relocatable files, firmware, programs of the Berkeley Packet Filter: neither dynamic nor commands.
        "o opt/a/lib/x.ko m=247:64 static".to_owned(),
        // The kernel runs these too, and nobody calls them by name.
        "x opt/a/lib/helper i=/lib/ld-linux.so.2 n=libc.so.6 m=3:32".to_owned(),
    ] {
        assert_eq!(alone(&list), NOTHING, "{list}");
    }
}

#[test]
fn a_command_that_the_kernel_would_run_lacks_its_own_linker() {
    let told = ["OM0405 /lib/ld-linux.so.2: a /opt/a/bin/a"];
    assert_eq!(alone("x opt/a/bin/a i=/lib/ld-linux.so.2 n=libc.so.6 m=3:32"), told);
}

#[test]
fn a_dynamic_linker_has_to_be_executable() {
    let base = "o lib64/ld-linux-x86-64.so.2 s=ld-linux-x86-64.so.2";
    let told = ["OM0405 NOT_EXECUTABLE /lib64/ld-linux-x86-64.so.2: base /lib64/ld-linux-x86-64.so.2, a /opt/a/bin/a"];
    assert_eq!(run(&[base], &[("a", "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2")]), told);
    assert_eq!(run(&[base], &[("a", "o opt/a/lib/a.so n=ld-linux-x86-64.so.2")]), NOTHING, "nothing starts there");
}

#[test]
fn glibc_is_not_musl() {
    let glibc = "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=libc.so.6 v=libc.so.6:GLIBC_2.34\n";
    let findings = findings_on(&[ALPINE], &[("a", glibc)], |_| {});
    assert_eq!(
        findings.iter().map(in_short).collect::<Vec<_>>(),
        ["OM0405 OTHER_LIBC /lib64/ld-linux-x86-64.so.2: a /opt/a/bin/a"]
    );
    assert_eq!(
        findings[0].message(),
        "a is made for glibc, and the base has musl: /lib64/ld-linux-x86-64.so.2 is missing"
    );
    assert_eq!(findings[0].advice(), "take a build of a for musl, or a base with glibc");
    let plugin = "o opt/a/x.node n=libc.so.6 v=libc.so.6:GLIBC_2.34\n";
    assert_eq!(run(&[ALPINE], &[("a", plugin)]), ["OM0405 OTHER_LIBC /lib64/ld-linux-x86-64.so.2: a /opt/a/x.node"]);
    let musl = "x opt/a/bin/a i=/lib/ld-musl-x86_64.so.1 n=libc.musl-x86_64.so.1\n";
    let findings = findings_on(&[DEBIAN], &[("a", musl)], |_| {});
    assert_eq!(
        findings[0].message(),
        "a is made for musl, and the base has glibc: /lib/ld-musl-x86_64.so.1 is missing"
    );
    // A base without either.
    let told = ["OM0405 /lib64/ld-linux-x86-64.so.2: a /opt/a/bin/a"];
    assert_eq!(run(&[], &[("a", glibc)]), told);
    // A layer may bring the other one.
    let brought = format!("{musl}x lib/ld-musl-x86_64.so.1 s=libc.musl-x86_64.so.1");
    assert_eq!(run(&["f usr/bin/x"], &[("a", &brought)]), NOTHING);
}

#[test]
fn what_is_for_the_other_libc_beside_what_is_for_ours_is_not_told() {
    const MUSL: &str = "n=libc.musl-x86_64.so.1";
    const GLIBC: &str = "n=libc.so.6 v=libc.so.6:GLIBC_2.36";
    let prebuilds = "opt/a/node_modules/w/prebuilds/linux-x64/node.napi";
    let both = format!("o {prebuilds}.glibc.node {GLIBC}\no {prebuilds}.musl.node {MUSL}");
    assert_eq!(alone(&both), NOTHING);
    assert_eq!(run(&[ALPINE], &[("a", &both)]), NOTHING);
    let program = |name: &str, linker: &str, rest: &str| format!("x opt/a/{name} i={linker} {rest}\n");
    let linker = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"];
    let both = program("n/cli/biome", linker[0], GLIBC) + &program("n/cli-musl/biome", linker[1], MUSL);
    assert_eq!(alone(&both), NOTHING);
    assert_eq!(run(&[ALPINE], &[("a", &both)]), NOTHING);
    // One without the other.
    let told = ["OM0405 OTHER_LIBC /lib/ld-musl-x86_64.so.1: a /opt/a/x.musl.node"];
    let only = format!("o opt/a/x.musl.node {MUSL}\n");
    assert_eq!(alone(&only), told);
    assert_eq!(alone(&(only.clone() + "o opt/a/y.node n=libz.so.1")), told, "which is for any");
    assert_eq!(alone(&(only.clone() + &program("bin/node", linker[0], GLIBC))), told, "which loads it");
    assert_eq!(run(&[DEBIAN], &[("a", &only), ("b", &format!("o opt/b/x.node {GLIBC}"))]), told, "another layer's");
    let only = program("n/cli-musl/biome", linker[1], MUSL) + &program("bin/node", linker[0], GLIBC);
    assert_eq!(alone(&only), ["OM0405 OTHER_LIBC /lib/ld-musl-x86_64.so.1: a /opt/a/n/cli-musl/biome"]);
    // A command is called by its name, whatever lies beside it; and what nobody has is neither's.
    let command = program("bin/biome", linker[1], MUSL) + &program("n/biome", linker[0], GLIBC);
    assert_eq!(alone(&command), ["OM0405 OTHER_LIBC /lib/ld-musl-x86_64.so.1: a /opt/a/bin/biome"]);
    let gone = program("n/x", "/opt/gone/ld.so", GLIBC) + &program("n/biome", linker[0], GLIBC);
    assert_eq!(alone(&gone), ["OM0405 /opt/gone/ld.so: a /opt/a/n/x"]);
}

#[test]
fn of_an_unknown_architecture_no_program_is_judged() {
    let list = format!("x opt/a/bin/a {ARM}\ns opt/a/bin/s /bin/gone\no opt/a/x.so n=libgone.so");
    let findings = findings_on(&[DEBIAN], &[("a", &list)], |system| system.architecture = "wasm".into());
    assert_eq!(findings.iter().map(in_short).collect::<Vec<_>>(), ["OM0405 /bin/gone: a /opt/a/bin/s"]);
}
