//! What says where libraries lie. The expected answers are those of glibc's `elf/ldconfig.c` and of musl's `load_library`.

use super::images::{ALPINE, DEBIAN, run};

const NOTHING: [&str; 0] = [];

/// What a program is told that needs a library of the base which lies in `/srv/lib`, and one that nobody has.
fn told(conf: &str, more: &str) -> Vec<String> {
    let base = DEBIAN.replace("t etc/ld.so.conf include /etc/ld.so.conf.d/*.conf|", conf);
    let base = format!("{base}\no srv/lib/libs.so\n{more}");
    run(&[&base], &[("a", "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=libs.so,libgone.so")])
}

const GONE: &str = "OM0401 libgone.so: a /opt/a/bin/a";
const BOTH: [&str; 2] = [GONE, "OM0401 LIBRARY_NOT_SEARCHED libs.so: base /srv/lib/libs.so, a /opt/a/bin/a"];

#[test]
fn a_text_that_is_not_known_may_name_any_directory() {
    const USUAL: &str = "t etc/ld.so.conf include /etc/ld.so.conf.d/*.conf|";
    assert_eq!(told(USUAL, ""), BOTH);
    for (conf, more) in [
        (USUAL, "l etc/ld.so.conf.d/x.conf ->/usr/share/x\nf usr/share/x =/srv/lib"),
        ("l etc/ld.so.conf ->foo/x", "f etc/foo/x =/srv/lib"),
        ("t etc/ld.so.conf include /etc/ld.so.conf.d/*.list", "f etc/ld.so.conf.d/x.list =/srv/lib"),
        ("t etc/ld.so.conf include foo/x", "f etc/foo/x =/srv/lib"),
        ("t etc/ld.so.conf include {a,b}*", ""),
    ] {
        assert_eq!(told(conf, more), [GONE], "{conf} {more}");
    }
    // An empty one names none, nor does a link to nowhere.
    let empty = "l etc/ld.so.conf.d/x.conf ->/usr/share/x\nt usr/share/x \nl etc/ld.so.conf.d/y.conf ->/dev/null";
    assert_eq!(told(USUAL, empty), BOTH);
    // The cache knows nothing of what layers have.
    let base = DEBIAN.replace(USUAL, "t etc/ld.so.conf include foo|") + "\nf etc/foo =/srv/lib";
    let list = "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=libs.so\no srv/lib/libs.so";
    let told = ["OM0401 LIBRARY_NOT_SEARCHED libs.so: a /opt/a/bin/a, a /srv/lib/libs.so"];
    assert_eq!(run(&[&base], &[("a", list)]), told);
    assert_eq!(run(&[&format!("{base}\no srv/lib/libs.so")], &[("a", list)]), NOTHING);
}

#[test]
fn what_is_found_may_not_be_what_the_cache_has() {
    let base = format!("{DEBIAN}\no srv/lib/libz.so.1 d=Z_2\no usr/lib/libz.so.1 d=Z_1");
    let base = base.replace("l usr/lib/x86_64-linux-gnu/libz.so.1 ->libz.so.1.2.13", "");
    let list = "x opt/a/bin/a i=/lib64/ld-linux-x86-64.so.2 n=libz.so.1 v=libz.so.1:Z_2";
    assert_eq!(run(&[&base], &[("a", list)]), ["OM0402 libz.so.1: base /usr/lib/libz.so.1, a /opt/a/bin/a Z_2"]);
    let base = format!("{base}\nl etc/ld.so.conf.d/x.conf ->/usr/share/x\nf usr/share/x =/srv/lib");
    assert_eq!(run(&[&base], &[("a", list)]), NOTHING);
    let newer = list.replace("Z_2", "Z_3");
    assert_eq!(run(&[&base], &[("a", &newer)]).len(), 1);
}

#[test]
fn patterns_are_those_of_the_shell() {
    for (conf, more) in [
        ("t etc/ld.so.conf include /etc/*.d/*.conf|", "t etc/ld.so.conf.d/x.conf /srv/lib"),
        ("t etc/ld.so.conf include ld.so.con[f].d/?.conf|", "t etc/ld.so.conf.d/x.conf /srv/lib"),
        ("t etc/ld.so.conf include /e*/ld.so.conf.d/x.conf|", "t etc/ld.so.conf.d/x.conf /srv/lib"),
        ("t etc/ld.so.conf include l*/x.conf|", "l etc/link ->ld.so.conf.d\nt etc/ld.so.conf.d/x.conf /srv/lib"),
        // Relative to the file that includes it.
        (
            "t etc/ld.so.conf include ld.so.conf.d/x.conf|",
            "t etc/ld.so.conf.d/x.conf include y.conf\nt etc/ld.so.conf.d/y.conf /srv/lib",
        ),
    ] {
        assert_eq!(told(conf, more), [GONE], "{conf} {more}");
    }
    for (conf, more) in [
        ("t etc/ld.so.conf include /etc/*.d/*.conf|", "t etc/ld.so.conf.d/.x.conf /srv/lib"),
        ("t etc/ld.so.conf include /etc/*.conf|", "t etc/ld.so.conf.d/x.conf /srv/lib"),
        (
            "t etc/ld.so.conf include ld.so.conf.d/x.conf|",
            "t etc/ld.so.conf.d/x.conf include ld.so.conf.d/y.conf\nt etc/ld.so.conf.d/y.conf /srv/lib",
        ),
    ] {
        assert_eq!(told(conf, more), BOTH, "{conf} {more}");
    }
}

#[test]
fn musl_has_its_paths_in_the_prefix_of_the_linker() {
    let a = |linker: &str, rest: &str| {
        let list = format!("x opt/a/bin/a i={linker}/ld-musl-x86_64.so.1 n=libs.so\n{rest}\n");
        let base = format!("{ALPINE}\no srv/lib/libs.so\nt etc/ld-musl-x86_64.path /srv/lib|");
        run(&[&base], &[("a", &list)])
    };
    let told = ["OM0401 LIBRARY_NOT_SEARCHED libs.so: base /srv/lib/libs.so, a /opt/a/bin/a"];
    const LINKER: &str = "x opt/a/lib/ld-musl-x86_64.so.1 s=libc.musl-x86_64.so.1";
    assert_eq!(a("/lib", ""), NOTHING);
    assert_eq!(a("/opt/a/lib", LINKER), told);
    assert_eq!(a("/opt/a/lib", &format!("{LINKER}\nf opt/a/etc/ld-musl-x86_64.path =/srv/lib")), NOTHING, "not known");
    // As the program names it, and not where that leads.
    assert_eq!(a("/opt/a/lib", "l opt/a/lib ->/lib"), told);
    let read = "l opt/a/lib ->/lib\nl opt/a/etc ->/etc";
    assert_eq!(a("/opt/a/lib", read), NOTHING);
    // A link to a text that is not known, and one that cannot be opened.
    let linked = |path: &str| {
        let base = format!("{ALPINE}\no srv/lib/libs.so\nl etc/ld-musl-x86_64.path ->{path}\nf etc/p =/srv/lib");
        run(&[&base], &[("a", "x opt/a/bin/a i=/lib/ld-musl-x86_64.so.1 n=libs.so,libz.so.1,libgone.so")])
    };
    assert_eq!(linked("p"), [GONE]);
    assert_eq!(linked("gone"), BOTH);
    assert_eq!(linked("ld-musl-x86_64.path").len(), 3, "libz.so.1 too");
}
