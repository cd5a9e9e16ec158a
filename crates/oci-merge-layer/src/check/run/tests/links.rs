//! Symlinks that lead nowhere.

use super::images::{DEBIAN, alone, findings_on, run};

const NOTHING: [&str; 0] = [];

#[test]
fn links_are_followed_as_the_kernel_follows_them() {
    for target in
        ["../../../usr/bin/sh", "/bin/sh", "//bin/./sh", "/lib64/../bin", "/opt/a", "/usr/lib64/ld-linux-x86-64.so.2"]
    {
        assert_eq!(alone(&format!("l opt/a/bin/l ->{target}")), NOTHING, "{target}");
    }
    // `..` of a directory behind a link is that of where it leads: /lib is /usr/lib.
    assert_eq!(alone("l opt/a/l ->/lib/../etc/passwd"), ["OM0404 /usr/etc: a /opt/a/l usr/etc/passwd"]);
    assert_eq!(alone("l opt/a/l ->/gone/x"), ["OM0404 /gone: a /opt/a/l gone/x"]);
    assert_eq!(alone("l opt/a/l ->/usr/bin/sh/x"), ["OM0404 /usr/bin/sh: a /opt/a/l usr/bin/sh/x"]);
    assert_eq!(alone("l opt/a/l ->../b/x"), ["OM0404 /opt/b: a /opt/a/l opt/b/x"]);
    assert_eq!(run(&[DEBIAN], &[("a", "l opt/a/l ->../b/x"), ("b", "f opt/b/x")]), NOTHING);
}

#[test]
fn links_to_one_place_that_nobody_has_are_told_together() {
    let list = "l opt/a/x ->/etc/java-17/x\nl opt/a/y ->/etc/java-17/y";
    assert_eq!(alone(list), ["OM0404 /etc/java-17: a /opt/a/x /opt/a/y etc/java-17/x etc/java-17/y"]);
    let finding = &findings_on(&[DEBIAN], &[("a", list)], |_| {})[0];
    let one = &findings_on(&[DEBIAN], &[("a", "l opt/a/x ->/etc/java-17/x")], |_| {})[0];
    assert_eq!(one.message(), "a links to /etc/java-17/x, which no layer and not the base has");
    assert_eq!(finding.message(), "a links into /etc/java-17, which no layer and not the base has");
}

#[test]
fn what_a_running_container_has_is_not_missing() {
    for target in ["/proc/self/fd", "/dev/null", "/run/x", "/tmp/y", "/etc/resolv.conf", "/etc/mtab"] {
        assert_eq!(alone(&format!("l opt/a/l ->{target}")), NOTHING, "{target}");
    }
    assert_eq!(alone("l opt/a/l ->/process").len(), 1);
}

#[test]
fn links_that_lead_to_each_other_are_told() {
    assert_eq!(
        alone("l opt/a/x ->y\nl opt/a/y ->x\nl opt/a/z ->z/z"),
        ["OM0404 LINK_LOOP /opt/a/x: a /opt/a/x /opt/a/y /opt/a/z"]
    );
    // Forty links are followed and no more (path_resolution(7)).
    let chain = |length: usize| (0..length).map(|n| format!("l opt/a/{n} ->{}\n", n + 1)).collect::<String>();
    assert_eq!(alone(&(chain(40) + "f opt/a/40")), NOTHING);
    assert_eq!(alone(&(chain(41) + "f opt/a/41")), ["OM0404 LINK_LOOP /opt/a/0: a /opt/a/0"]);
}

#[test]
fn among_many_layers_it_is_found_what_is_there() {
    // Twenty with one name in /opt, and one with thirty.
    let many: Vec<(String, String)> =
        (0..20).map(|n| (format!("z{n}"), format!("f opt/z{n}/x\nl opt/z{n}/l ->/opt/z{}/x", (n + 1) % 20))).collect();
    let wide = (0..30).map(|n| format!("f opt/f{n}\n")).collect::<String>();
    let told = |below: &str, target: &str, above: &str| {
        let link = format!("l opt/a/l ->{target}");
        let few = [("w", &*wide), ("below", below), ("a", &*link), ("above", above)];
        let among: Vec<_> =
            few[..3].iter().copied().chain(many.iter().map(|(n, l)| (&**n, &**l))).chain([few[3]]).collect();
        let told = run(&[DEBIAN], &among);
        if !target.contains('z') {
            assert_eq!(told, run(&[DEBIAN], &few), "{target}, {below} below {above}");
        }
        told.len()
    };
    for target in ["/opt/z0/x", "../z19/x", "/opt/f29", "/opt/z7/l", "../z3/../z4/x", "/bin/sh", "/opt/p/x"] {
        assert_eq!(told("f opt/p/x", target, "f opt/q/x"), 0, "{target}");
    }
    for target in ["/opt/z20/x", "/opt/z1/y", "/opt/z", "/opt/f30", "/opt/q/y", "/opt/p/x/x"] {
        assert_eq!(told("f opt/p/x", target, "f opt/q/x"), 1, "{target}");
    }
    // Of one name the upper layer's counts, whichever of the two has many.
    let others = (0..30).map(|n| format!("f opt/g{n}\n")).collect::<String>();
    let (file, loose) = ("f opt/n".to_owned(), "l opt/n ->/gone/n".to_owned());
    for (file, loose) in [(&file, &format!("{loose}\n{others}")), (&format!("{file}\n{others}"), &loose)] {
        assert_eq!((told(file, "/opt/n", loose), told(loose, "/opt/n", file)), (2, 0));
    }
}
