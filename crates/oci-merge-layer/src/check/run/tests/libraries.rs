//! Where libraries are looked for. The expected answers are those of ld.so(8) and of musl's `ldso/dynlink.c`.

use super::images::{ALPINE, DEBIAN, alone, findings_on, in_short, run};

/// A program with glibc's dynamic linker, and the rest of its line.
fn program(path: &str, rest: &str) -> String {
    format!("x {path} i=/lib64/ld-linux-x86-64.so.2 {rest}\n")
}

fn a(rest: &str) -> String {
    program("opt/a/bin/a", rest)
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_library_of_the_base_is_found_where_the_cache_and_the_linker_look() {
    assert_eq!(alone(&a("n=libc.so.6,libz.so.1,liblocal.so.1")), NOTHING);
    assert_eq!(alone(&a("n=libgeos_c.so.1")), ["OM0401 libgeos_c.so.1: a /opt/a/bin/a"]);
    let private = "OM0401 LIBRARY_NOT_SEARCHED libprivate.so.1: base /usr/lib/private/libprivate.so.1, a /opt/a/bin/a";
    assert_eq!(alone(&a("n=libprivate.so.1")), [private]);
    // Without the cache, only what was compiled in counts: /usr/local/lib is no such directory.
    let base = DEBIAN.replace("f etc/ld.so.cache\n", "");
    let local = "OM0401 LIBRARY_NOT_SEARCHED liblocal.so.1: base /usr/local/lib/liblocal.so.1, a /opt/a/bin/a";
    assert_eq!(run(&[&base], &[("a", &a("n=libz.so.1,liblocal.so.1"))]), [local]);
}

#[test]
fn the_cache_of_the_base_does_not_know_what_layers_add() {
    let added = "o usr/local/lib/libadded.so.1 s=libadded.so.1";
    let told = "OM0401 LIBRARY_NOT_SEARCHED libadded.so.1: a /opt/a/bin/a, a /usr/local/lib/libadded.so.1";
    assert_eq!(alone(&(a("n=libadded.so.1") + added)), [told]);
    // The directories beside the linker are looked through when the program starts.
    assert_eq!(alone(&(a("n=libadded.so.1") + "o usr/lib/x86_64-linux-gnu/libadded.so.1")), NOTHING);
    assert_eq!(alone(&(a("n=libadded.so.1") + "o usr/lib/libadded.so.1")), NOTHING);
}

/// glibc's `elf/dl-load.c`, `_dl_map_new_object`.
#[test]
fn a_program_may_go_without_the_default_directories() {
    let told = |name: &str, place: &str| format!("OM0401 LIBRARY_NOT_SEARCHED {name}: base {place}, a /opt/a/bin/a");
    let libz = [told("libz.so.1", "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13")];
    // What the cache has elsewhere counts, what it has there does not, nor what is found there without it.
    assert_eq!(alone(&a("nodeflib n=libz.so.1,liblocal.so.1")), libz);
    assert_eq!(alone(&a("nodeflib n=libz.so.1 R=/usr/lib/x86_64-linux-gnu")), NOTHING);
    let base = DEBIAN.replace("/usr/local/lib|", "/usr/local/lib|/usr/lib/private|");
    assert_eq!(run(&[&base], &[("a", &a("n=libprivate.so.1"))]), NOTHING);
    let private = told("libprivate.so.1", "/usr/lib/private/libprivate.so.1");
    assert_eq!(run(&[&base], &[("a", &a("nodeflib n=libprivate.so.1"))]), [private], "/usr/lib/ is where it begins");
    let base = format!("{DEBIAN}\nl mylib ->usr/lib/private").replace("/usr/local/lib|", "/usr/local/lib|/mylib|");
    assert_eq!(run(&[&base], &[("a", &a("nodeflib n=libprivate.so.1"))]), NOTHING, "the name is another");
    // Each object for itself: the library that it brings finds libz, and then it is there for the program too.
    let brings = a("nodeflib n=libb.so,libz.so.1 R=$ORIGIN") + "o opt/a/bin/libb.so n=libz.so.1";
    assert_eq!(alone(&brings), libz, "needed before libb.so is asked");
    let other = a("n=libb.so R=$ORIGIN") + "o opt/a/bin/libb.so nodeflib n=libz.so.1";
    assert_eq!(alone(&other).len(), 1);
    // musl does not know it.
    let musl = "x opt/a/bin/a i=/lib/ld-musl-x86_64.so.1 nodeflib n=libz.so.1";
    assert_eq!(run(&[ALPINE], &[("a", musl)]), NOTHING);
}

#[test]
fn the_linker_of_another_distribution_has_other_directories() {
    let fedora = "
        l lib64 ->usr/lib64
        x usr/lib64/ld-linux-x86-64.so.2 s=ld-linux-x86-64.so.2
        o usr/lib64/libc.so.6 s=libc.so.6
        o usr/lib/libold.so.1";
    assert_eq!(run(&[fedora], &[("a", &a("n=libc.so.6"))]), NOTHING);
    assert_eq!(run(&[fedora], &[("a", &a("n=libold.so.1"))]).len(), 1);
    assert_eq!(run(&[fedora], &[("a", &(a("n=liba.so R=/opt/a/$LIB") + "o opt/a/lib64/liba.so"))]), NOTHING);
    assert_eq!(alone(&(a("n=liba.so R=/opt/a/${LIB}") + "o opt/a/lib/x86_64-linux-gnu/liba.so")), NOTHING);
    assert_eq!(alone(&(a("n=liba.so R=/opt/a/$PLATFORM") + "o opt/a/x86_64/liba.so")), NOTHING);
}

/// glibc's `sysdeps/unix/sysv/linux/aarch64/configure.ac`, and those beside it.
#[test]
fn the_libraries_of_some_machines_lie_in_another_directory_than_their_linker() {
    for (architecture, machine, linker, lib, name) in [
        ("arm64", "183:64", "lib/ld-linux-aarch64.so.1", "lib64", "lib64"),
        ("riscv64", "243:64", "lib/ld-linux-riscv64-lp64d.so.1", "lib64/lp64d", "lp64d"),
        ("s390x", "22:64", "lib/ld64.so.1", "lib64", "lib64"),
        // Of a Debian, and of one that has the plain directory.
        (
            "arm64",
            "183:64",
            "lib/aarch64-linux-gnu/ld-linux-aarch64.so.1",
            "lib/aarch64-linux-gnu",
            "lib/aarch64-linux-gnu",
        ),
        ("arm64", "183:64", "lib/ld-linux-aarch64.so.1", "lib", "lib"),
    ] {
        let base = format!(
            "l lib ->usr/lib\nl lib64 ->usr/lib64\nx usr/{linker} m={machine}\no usr/{lib}/libc.so.6 m={machine}\n\
             o usr/{lib}/libz.so.1 m={machine}\no usr/libx32/libx.so m={machine}"
        );
        let told = |needed: &str, rest: &str| {
            let list = format!("x opt/a/bin/a i=/{linker} m={machine} n=libc.so.6,{needed} R=/opt/a/$LIB\n{rest}");
            let findings = findings_on(&[&base], &[("a", &list)], |system| system.architecture = architecture.into());
            findings.iter().map(in_short).collect::<Vec<_>>()
        };
        assert_eq!(told("libz.so.1", ""), NOTHING, "{linker}");
        assert_eq!(told("liba.so", &format!("o opt/a/{name}/liba.so m={machine}")), NOTHING, "{linker}");
        assert_eq!(told("libx.so", "").len(), 1, "{linker}");
    }
    // A C library for another machine tells nothing of where those for this one are.
    let base = "x lib/ld-linux-aarch64.so.1 m=183:64\no lib/libc.so.6 m=40:32\no lib64/libc.so.6 m=183:64";
    let list = "x opt/a/bin/a i=/lib/ld-linux-aarch64.so.1 m=183:64 n=libc.so.6";
    assert_eq!(findings_on(&[base], &[("a", list)], |system| system.architecture = "arm64".into()), []);
}

#[test]
fn a_linker_that_was_copied_to_its_place_looks_where_its_own_library_lies() {
    // What `cp --parents $(ldd PROGRAM)` leaves of a Debian.
    let copied = "
        x lib64/ld-linux-x86-64.so.2 s=ld-linux-x86-64.so.2
        o lib/x86_64-linux-gnu/libc.so.6 s=libc.so.6
        o usr/lib/x86_64-linux-gnu/libz.so.1";
    assert_eq!(run(&[copied], &[("a", &a("n=libc.so.6,libz.so.1"))]), NOTHING);
    // Another's directory counts only if there is a C library in it, and none beside the linker.
    let other = copied.replace("lib/x86_64-linux-gnu/libc.so.6", "srv/libc.so.6");
    assert_eq!(run(&[&other], &[("a", &a("n=libz.so.1"))]).len(), 1);
    let beside = format!("{copied}\no lib64/libc.so.6 s=libc.so.6");
    assert_eq!(run(&[&beside], &[("a", &a("n=libz.so.1"))]).len(), 1);
}

/// Seen with Debian's: `readelf -l libc.so.6`, and a program that ran only with the library in `/lib/x86_64-linux-gnu`.
#[test]
fn a_linker_that_a_layer_brings_looks_where_it_was_built_for() {
    let a = |built_for: &str, place: &str| {
        let list = format!(
            "x opt/a/bin/a i=/opt/a/lib/ld-linux-x86-64.so.2 n=libc.so.6,liba.so\no {place}/liba.so\n\
             x opt/a/lib/ld-linux-x86-64.so.2 s=ld-linux-x86-64.so.2\nx opt/a/lib/libc.so.6 s=libc.so.6{built_for}"
        );
        alone(&list)
    };
    const DISTRIBUTION: &str = " i=/lib64/ld-linux-x86-64.so.2";
    let told = |place: &str| format!("OM0401 LIBRARY_NOT_SEARCHED liba.so: a /opt/a/bin/a, a /{place}/liba.so");
    assert_eq!(a(DISTRIBUTION, "opt/a/lib"), [told("opt/a/lib")]);
    assert_eq!(a(" i=/usr/lib/ld-linux-x86-64.so.2", "opt/a/lib"), [told("opt/a/lib")]);
    // Which distribution it comes from is not known, nor where one without a path is from.
    for place in ["usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib"] {
        assert_eq!(a(DISTRIBUTION, place), NOTHING, "{place}");
    }
    for built_for in [" i=/opt/a/lib/ld-linux-x86-64.so.2", " i=/nix/store/x-glibc/lib/ld-linux-x86-64.so.2", ""] {
        assert_eq!(a(built_for, "opt/a/lib"), NOTHING, "{built_for}");
    }
    for lib in ["lib64", "lib/x86_64-linux-gnu", "lib"] {
        let list = format!(
            "x opt/a/bin/a i=/opt/b/lib/ld-linux-x86-64.so.2 n=libc.so.6,liba.so R=$ORIGIN/../$LIB\no opt/a/{lib}/liba.so"
        );
        let linker = format!("x opt/b/lib/ld-linux-x86-64.so.2\nx opt/b/lib/libc.so.6{DISTRIBUTION}");
        assert_eq!(run(&[DEBIAN], &[("a", &list), ("b", &linker)]), NOTHING, "{lib}");
    }
}

#[test]
fn origin_is_the_directory_of_the_file_itself_and_not_of_a_link_to_it() {
    let lib = "o opt/a/lib/liba.so\n";
    for path in ["$ORIGIN/../lib", "${ORIGIN}/../lib", "/opt/a/lib", "/opt/nowhere:$ORIGIN/../lib", "$ORIGIN/../lib/"] {
        assert_eq!(alone(&(a(&format!("n=liba.so R={path}")) + lib)), NOTHING, "{path}");
        assert_eq!(alone(&(a(&format!("n=liba.so r={path}")) + lib)), NOTHING, "{path}");
    }
    let linked = program("opt/a/real/bin/a", "n=liba.so R=$ORIGIN/../lib") + "l opt/a/bin/a ->../real/bin/a\n";
    assert_eq!(alone(&(linked.clone() + lib)).len(), 1);
    assert_eq!(alone(&(linked + "o opt/a/real/lib/liba.so")), NOTHING);
    // Of a library it is the directory in which it was found, which may hold a link.
    let through = "o opt/a/store/liba.so n=libb.so R=$ORIGIN\nl opt/a/lib/liba.so ->../store/liba.so\n";
    assert_eq!(alone(&(a("n=liba.so R=$ORIGIN/../lib") + through + "o opt/a/lib/libb.so")), NOTHING);
    let missing = alone(&(a("n=liba.so R=$ORIGIN/../lib") + through));
    assert_eq!(missing, ["OM0401 libb.so: a /opt/a/store/liba.so"]);
}

#[test]
fn rpath_is_for_all_that_follow_and_runpath_for_oneself() {
    let libs = "o opt/a/lib/liba.so n=libb.so\no opt/a/lib/libb.so\n";
    assert_eq!(alone(&(a("n=liba.so r=/opt/a/lib") + libs)), NOTHING);
    let [missing] = &alone(&(a("n=liba.so R=/opt/a/lib") + libs))[..] else { panic!() };
    assert!(missing.starts_with("OM0401 LIBRARY_NOT_SEARCHED libb.so: a /opt/a/lib/liba.so"), "{missing}");
    // A library with a runpath of its own does not inherit.
    let other = "o opt/a/lib/liba.so n=libb.so R=/usr/other\no opt/a/lib/libb.so\n";
    assert_eq!(alone(&(a("n=liba.so r=/opt/a/lib") + other)).len(), 1);
    assert_eq!(alone(&(a("n=liba.so r=/opt/a/lib") + other + "o usr/other/libb.so")), NOTHING);
    // And where there is a runpath, the rpath beside it does not count.
    assert_eq!(alone(&(a("n=liba.so r=/opt/a/lib R=/opt") + "o opt/a/lib/liba.so")).len(), 1);
}

#[test]
fn a_library_that_is_loaded_already_is_found_by_its_soname() {
    let libs = "o opt/a/lib/liba.so.1.2 s=liba.so.1\no opt/a/lib/libb.so n=liba.so.1\n";
    assert_eq!(alone(&(a("n=liba.so.1.2,libb.so R=/opt/a/lib") + libs)), NOTHING);
    let [missing] = &alone(&(a("n=libb.so R=/opt/a/lib") + libs))[..] else { panic!() };
    assert!(missing.starts_with("OM0401 LIBRARY_NOT_SEARCHED liba.so.1:"), "{missing}");
}

#[test]
fn libraries_that_need_each_other_are_loaded_once() {
    let libs = "o opt/a/lib/liba.so n=libb.so R=$ORIGIN\no opt/a/lib/libb.so n=liba.so,libc.so.6 R=$ORIGIN\n";
    assert_eq!(alone(&(a("n=liba.so R=$ORIGIN/../lib") + libs)), NOTHING);
}

#[test]
fn the_environment_of_the_image_is_looked_through() {
    let layers = [("a", a("n=libb.so")), ("b", "o opt/b/lib/libb.so".to_owned())];
    let layers = layers.each_ref().map(|(name, list)| (*name, list.as_str()));
    let told = ["OM0401 LIBRARY_NOT_SEARCHED libb.so: a /opt/a/bin/a, b /opt/b/lib/libb.so"];
    assert_eq!(run(&[DEBIAN], &layers), told);
    let with = |path: &str| findings_on(&[DEBIAN], &layers, |system| system.library_path = Some(path.into()));
    assert_eq!(with("/usr/lib:/opt/b/lib"), []);
    assert_eq!(with("/opt/a/lib;/opt/b"), findings_on(&[DEBIAN], &layers, |_| {}));
}

#[test]
fn a_library_for_another_machine_is_passed_by() {
    let libs = "o opt/a/lib/liba.so m=3:32\no opt/a/lib64/liba.so\n";
    assert_eq!(alone(&(a("n=liba.so r=/opt/a/lib:/opt/a/lib64") + libs)), NOTHING);
    let only = "o opt/a/lib/liba.so m=3:32\n";
    assert_eq!(alone(&(a("n=liba.so r=/opt/a/lib") + only)), ["OM0401 liba.so: a /opt/a/bin/a"]);
}

#[test]
fn a_plugin_finds_what_a_program_may_have_loaded_before() {
    // As libawt.so of a JDK, whose java loads libjvm.so from another directory first.
    let jdk = "o opt/a/lib/libawt.so n=libjvm.so,libc.so.6 R=$ORIGIN\no opt/a/lib/server/libjvm.so s=libjvm.so\n";
    assert_eq!(alone(jdk), NOTHING);
    assert_eq!(run(&[DEBIAN], &[("a", jdk), ("b", "o opt/b/libx.so n=libjvm.so\n")]), NOTHING);
    let told = ["OM0401 libasound.so.2: a /opt/a/lib/libjsound.so /opt/a/lib/libother.so"];
    assert_eq!(alone("o opt/a/lib/libjsound.so n=libasound.so.2\no opt/a/lib/libother.so n=libasound.so.2"), told);
    // Nor does a program that a script may start with LD_LIBRARY_PATH.
    let wrapped = program("opt/a/libexec/a", "n=liba.so") + "o opt/a/lib/liba.so\n";
    assert_eq!(alone(&wrapped), NOTHING);
}

#[test]
fn what_nobody_would_load_is_not_looked_at() {
    for list in [
        "o opt/a/testdata/libtiffxx.so_ n=libtiff.so.3",
        "o opt/a/testdata/prog i=/lib64/ld-linux-x86-64.so.2 n=libgone.so",
        "o opt/a/testdata/prog i=/libexec/ld-elf.so.1 n=libgone.so",
        "o opt/a/x.so n=libgone.so m=183:64\no opt/a/y.so",
        "x opt/a/bin/x static",
    ] {
        assert_eq!(alone(list), NOTHING, "{list}");
    }
    assert_eq!(alone("o opt/a/x.node n=libgone.so"), ["OM0401 libgone.so: a /opt/a/x.node"]);
    assert_eq!(alone("o opt/a/libx.so.1.2 n=libgone.so"), ["OM0401 libgone.so: a /opt/a/libx.so.1.2"]);
}

#[test]
fn what_the_base_lacks_by_itself_is_its_own_affair() {
    let base = format!(
        "{DEBIAN}\nx usr/bin/broken i=/lib64/ld-linux-x86-64.so.2 n=libgone.so\no usr/lib/libhalf.so n=libgone.so"
    );
    assert_eq!(run(&[&base], &[("a", &a("n=libc.so.6"))]), NOTHING);
    // Unless a program of a layer would not run for it.
    assert_eq!(run(&[&base], &[("a", &a("n=libhalf.so"))]), ["OM0401 libgone.so: a /opt/a/bin/a"]);
}

#[test]
fn musl_looks_by_name_and_along_all_that_led_there() {
    let a = |rest: &str| format!("x opt/a/bin/a i=/lib/ld-musl-x86_64.so.1 {rest}\n");
    let run = |list: &str| run(&[ALPINE], &[("a", list)]);
    assert_eq!(run(&a("n=libz.so.1,libc.musl-x86_64.so.1,libm.so.6,libpthread.so.0")), NOTHING);
    assert_eq!(run(&a("n=libgone.so")), ["OM0401 libgone.so: a /opt/a/bin/a"]);
    // A runpath is inherited, as an rpath is.
    assert_eq!(run(&(a("n=liba.so R=/opt/a/lib") + "o opt/a/lib/liba.so n=libb.so\no opt/a/lib/libb.so")), NOTHING);
    // And a SONAME does not count.
    let libs = "o opt/a/lib/liba.so.1.2 s=liba.so.1\no opt/a/lib/libb.so n=liba.so.1\n";
    assert_eq!(run(&(a("n=liba.so.1.2,libb.so R=/opt/a/lib") + libs)).len(), 1);
    // The default directories are replaced by a file.
    let base = format!("{ALPINE}\nt etc/ld-musl-x86_64.path /srv/lib|");
    let told = super::images::run(&[&base], &[("a", &a("n=libz.so.1"))]);
    assert_eq!(told, ["OM0401 LIBRARY_NOT_SEARCHED libz.so.1: base /usr/lib/libz.so.1, a /opt/a/bin/a"]);
    let base = format!("{base}\no srv/lib/libs.so");
    assert_eq!(super::images::run(&[&base], &[("a", &a("n=libs.so"))]), NOTHING);
}

#[test]
fn a_directory_of_the_machine_that_built_it_is_told_where_it_matters() {
    let told = |path: &str| alone(&a(&format!("n=libc.so.6 R={path}")));
    assert_eq!(told("/home/jon/build/lib"), ["OM0406 /home/jon/build/lib: a /opt/a/bin/a"]);
    assert_eq!(told("/tmp/x:/builds/y"), ["OM0406 /builds/y: a /opt/a/bin/a", "OM0406 /tmp/x: a /opt/a/bin/a"]);
    for harmless in ["/usr/local/lib64", "/opt/gone/lib", "$ORIGIN/../gone", "/usr/lib", "relative", ":", "/opt/a/$LIB"]
    {
        assert_eq!(told(harmless), NOTHING, "{harmless}");
    }
    // Where no layer has it yet, one could; unless something is missing that may have lain there.
    let lost = alone(&a("n=libgone.so R=/opt/gone/lib"));
    assert_eq!(lost, ["OM0406 /opt/gone/lib: a /opt/a/bin/a", "OM0401 libgone.so: a /opt/a/bin/a"]);
}

#[test]
fn findings_are_sentences_with_what_to_do() {
    let findings = findings_on(&[DEBIAN], &[("a", &a("n=libgeos_c.so.1 R=/home/jon/lib"))], |_| {});
    let text = findings[1].to_string();
    assert_eq!(
        text,
        "warning[OM0401]: a needs libgeos_c.so.1, which no layer and not the base has\n     a   needed by /opt/a/bin/a\n  \
         fix: add the package that has libgeos_c.so.1 to the base, or copy the library into a beside those that it has"
    );
    let message = "a looks for libraries in /home/jon/lib, which no layer and not the base has";
    assert_eq!(findings[0].message(), message);
    let layers = [("a", a("n=libb.so")), ("b", "o opt/b/lib/libb.so".to_owned())];
    let layers = layers.each_ref().map(|(name, list)| (*name, list.as_str()));
    let finding = &findings_on(&[DEBIAN], &layers, |_| {})[0];
    assert_eq!(finding.message(), "a needs libb.so, which b has in /opt/b/lib, where it is not looked for");
    assert_eq!(finding.advice(), "give the program an rpath to /opt/b/lib, or set LD_LIBRARY_PATH to it in env of a");
    assert_eq!(in_short(finding), "OM0401 LIBRARY_NOT_SEARCHED libb.so: a /opt/a/bin/a, b /opt/b/lib/libb.so");
}
