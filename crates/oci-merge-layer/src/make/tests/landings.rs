//! Where sources land, and what is taken of them.

use super::*;
use crate::ErrorKind;

/// What the source says besides, the entries of its archive, the lines of the layer or what the error tells.
type Case = (
    &'static str,
    fn(&mut Source),
    &'static [&'static str],
    std::result::Result<&'static [&'static str], &'static str>,
);

#[test]
fn an_archive_lands_where_its_entries_belong() {
    let cases: &[Case] = &[
        (
            "nothing lies under the prefix",
            |_| (),
            &["f bin/a =1"],
            Ok(&["d opt", "d opt/x", "d opt/x/bin", "f opt/x/bin/a =1"]),
        ),
        (
            "everything does, so it begins at the root",
            |s| s.owner = super::super::Owner::Ids(7, 8),
            &["d opt", "d opt/x", "f opt/x/a =1"],
            Ok(&["d opt", "d opt/x 7:8", "f opt/x/a 7:8 =1"]),
        ),
        (
            "so does what lies under owns",
            |s| s.owner = super::super::Owner::Ids(7, 8),
            &["f etc/x/a =1", "f opt/x/a =2"],
            Ok(&["d etc", "d etc/x 7:8", "f etc/x/a 7:8 =1", "d opt", "d opt/x 7:8", "f opt/x/a 7:8 =2"]),
        ),
        (
            "only some do",
            |_| (),
            &["f opt/x/a =1", "f bin/a =2"],
            Err("holds /opt/x/a, which belongs to the layer, and /bin/a, which does not: say `to = \"/\"`"),
        ),
        ("an ancestor belongs", |_| (), &["d opt", "f opt/y/a =1"], Err("holds /opt, which belongs")),
        ("a file is no ancestor", |_| (), &["f opt =1"], Ok(&["d opt", "d opt/x", "f opt/x/opt =1"])),
        (
            "a directory without entry is none",
            |_| (),
            &["f opt/y/a =1"],
            Ok(&["d opt", "d opt/x", "d opt/x/opt", "d opt/x/opt/y", "f opt/x/opt/y/a =1"]),
        ),
        ("nothing in it at all", |_| (), &[], Ok(&["d opt @0", "d opt/x @0"])),
        ("only a root", |_| (), &["d . 0700 @9"], Ok(&["d opt @9", "d opt/x @9"])),
        (
            "the root of what lands in the prefix is 0755",
            |_| (),
            &["d . 0700", "f a =1"],
            Ok(&["d opt", "d opt/x", "f opt/x/a =1"]),
        ),
        (
            "strip",
            |s| s.strip = 1,
            &["d x-1.0 @9", "f x-1.0/a @8 =1", "f README =2"],
            Ok(&["d opt @9", "d opt/x @9", "f opt/x/a @8 =1"]),
        ),
        (
            "strip to the root",
            |s| s.strip = 1,
            &["d stage/opt", "d stage/opt/x 0750", "f stage/opt/x/a =1"],
            Ok(&["d opt", "d opt/x 0750", "f opt/x/a =1"]),
        ),
        ("strip off the prefix itself", |s| s.strip = 2, &["f opt/x/a =1"], Ok(&["d opt", "d opt/x", "f opt/x/a =1"])),
        (
            "strip takes the targets of hard links along",
            |s| s.strip = 1,
            &["f s/a =1", "h s/b ->s/a", "l s/c ->s/a"],
            Ok(&["d opt", "d opt/x", "f opt/x/a =1", "h opt/x/b ->opt/x/a", "l opt/x/c ->s/a"]),
        ),
        (
            "two directories become one",
            |s| s.strip = 1,
            &["d a/lib", "f a/lib/1 =1", "d b/lib", "f b/lib/2 =2"],
            Ok(&["d opt", "d opt/x", "d opt/x/lib", "f opt/x/lib/1 =1", "f opt/x/lib/2 =2"]),
        ),
        (
            "two that differ do not",
            |s| s.strip = 1,
            &["d a/lib", "d b/lib 0700"],
            Err("/opt/x/lib: two sources have this directory, one as 0755 0:0, one as 0700 0:0"),
        ),
        (
            "nor do two files",
            |s| s.strip = 1,
            &["f a/1 =1", "f b/1 =1"],
            Err("/opt/x/1: several files of the sources land here"),
        ),
        ("nor a file and what lies below it", |s| s.strip = 1, &["f a/1 =1", "f b/1/2 =1"], Err("/opt/x/1")),
        (
            "strip of more than there is",
            |s| s.strip = 3,
            &["d x-1.0", "d x-1.0/bin", "f x-1.0/bin/a =1", "f x-1.0/b =2", "f c =3", "f d =4"],
            Err("has nothing that would land under /opt/x with strip = 3: it has x-1.0/bin/a, x-1.0/b, c"),
        ),
        (
            "include of nothing that is there",
            |s| s.include = vec!["lib".into(), "none/**".into()],
            &["d bin", "f bin/a =1"],
            Err("under /opt/x with include = [\"lib\", \"none/**\"]: it has bin/a, bin"),
        ),
        (
            "exclude of all there is",
            |s| s.exclude = vec!["**".into()],
            &["d . 0700", "d bin"],
            Err("under /opt/x with exclude = [\"**\"]: it has bin"),
        ),
        ("only a root, stripped", |s| s.strip = 1, &["d ."], Ok(&["d opt @0", "d opt/x @0"])),
        ("only the prefix", |s| s.strip = 1, &["d s/opt", "d s/opt/x"], Ok(&["d opt", "d opt/x"])),
        ("an empty directory is something", |s| s.strip = 1, &["d a", "d a/b"], Ok(&["d opt", "d opt/x", "d opt/x/b"])),
        (
            "to the root",
            |s| s.to = Some(path("/")),
            &["f opt/x/a =1", "d usr 0700", "f usr/y =2", "d var", "d var/cache"],
            Ok(&["d opt", "d opt/x", "f opt/x/a =1", "d usr 0700", "f usr/y =2"]),
        ),
        (
            "to a directory under the prefix",
            |s| s.to = Some(path("/opt/x/lib/y")),
            &["d . 0700", "d a 0700", "f a/b =1"],
            Ok(&["d opt", "d opt/x", "d opt/x/lib", "d opt/x/lib/y", "d opt/x/lib/y/a 0700", "f opt/x/lib/y/a/b =1"]),
        ),
        ("to what is owned", |s| s.to = Some(path("/etc/x")), &["f a =1"], Ok(&["d etc", "d etc/x", "f etc/x/a =1"])),
        (
            "to elsewhere",
            |s| s.to = Some(path("/usr")),
            &["f a =1"],
            Err("`to` is neither the root nor under the layer's prefix"),
        ),
        (
            "parents come first",
            |_| (),
            &["f a/b/c =1", "d a/b 0700 5:5 @7", "d a 0711"],
            Ok(&["d opt", "d opt/x", "d opt/x/a 0711", "d opt/x/a/b 0700 @7", "f opt/x/a/b/c =1"]),
        ),
        (
            "late attributes are not lost",
            |_| (),
            &["f a/b =1", "d a user.note:v"],
            Ok(&["d opt", "d opt/x", "d opt/x/a user.note:v", "f opt/x/a/b =1"]),
        ),
        (
            "include",
            |s| s.include = vec!["bin".into(), "lib/*.so".into()],
            &["d bin 0711", "f bin/a =1", "d lib 0710", "f lib/a.so =2", "f lib/a.txt =3", "d share", "f share/a =4"],
            Ok(&[
                "d opt",
                "d opt/x",
                "d opt/x/bin 0711",
                "f opt/x/bin/a =1",
                "d opt/x/lib 0710",
                "f opt/x/lib/a.so =2",
            ]),
        ),
        (
            "exclude",
            |s| s.exclude = vec!["**/c".into(), "/opt/x/bin/b".into()],
            &["d bin", "f bin/a =1", "f bin/b =2", "d bin/c", "f bin/c/d =3"],
            Ok(&["d opt", "d opt/x", "d opt/x/bin", "f opt/x/bin/a =1"]),
        ),
        (
            "exclude wins",
            |s| (s.include, s.exclude) = (vec!["bin".into()], vec!["bin/b".into()]),
            &["f bin/a =1", "f bin/b =2"],
            Ok(&["d opt", "d opt/x", "d opt/x/bin", "f opt/x/bin/a =1"]),
        ),
        (
            "filters know where it lands",
            |s| s.include = vec!["a".into()],
            &["d opt", "d opt/x", "f opt/x/a =1", "f opt/x/b =2"],
            Ok(&["d opt", "d opt/x", "f opt/x/a =1"]),
        ),
        (
            "a link whose file was left out is the file",
            |s| s.exclude = vec!["a".into()],
            &["f a 0755 user.n:v =1", "d m", "h c 0755 ->a", "h b 0755 ->c", "h m/d 0755 ->a"],
            Ok(&[
                "d opt",
                "d opt/x",
                "f opt/x/b 0755 user.n:v =1",
                "d opt/x/m",
                "h opt/x/c 0755 ->opt/x/b",
                "h opt/x/m/d 0755 ->opt/x/b",
            ]),
        ),
        (
            "so is one whose directory comes later",
            |s| s.exclude = vec!["a".into()],
            &["f a =1", "d m 0700", "h m/d ->a"],
            Ok(&["d opt", "d opt/x", "d opt/x/m 0700", "f opt/x/m/d =1"]),
        ),
        (
            "all names left out",
            |s| s.exclude = vec!["[ab]".into()],
            &["f a =1", "h b ->a", "f c =2"],
            Ok(&["d opt", "d opt/x", "f opt/x/c =2"]),
        ),
        (
            "a link to a symlink",
            |s| s.exclude = vec!["a".into()],
            &["l a ->t", "h b ->a", "h c ->a"],
            Ok(&["d opt", "d opt/x", "l opt/x/b ->t", "h opt/x/c ->opt/x/b"]),
        ),
        ("a FIFO", |_| (), &["p a 0600"], Ok(&["d opt", "d opt/x", "p opt/x/a 0600"])),
        (
            "owners",
            |s| s.owner = super::super::Owner::Keep,
            &["d . 0700 5:6", "f a 7:8 =1", "f b/c =2"],
            Ok(&["d opt", "d opt/x 5:6", "f opt/x/a 7:8 =1", "d opt/x/b", "f opt/x/b/c =2"]),
        ),
        (
            "attributes that no layer keeps",
            |_| (),
            &["f a security.selinux:l user.n:v security.capability:ccccccccccccccccccc1 =1"],
            Ok(&["d opt", "d opt/x", "f opt/x/a security.capability:ccccccccccccccccccc1 user.n:v =1"]),
        ),
        (
            "eStargz",
            |_| (),
            &["d opt", "d opt/x", "f opt/x/a =1", "f .no.prefetch.landmark =1", "f stargz.index.json ={}"],
            Ok(&["d opt", "d opt/x", "f opt/x/a =1"]),
        ),
        ("a glob that is none", |s| s.include = vec!["a[".into()], &[], Err("a[ is not a glob")),
    ];
    for (what, say, entries, expected) in cases {
        let file = file(&tar(entries));
        let mut source = source(&file);
        say(&mut source);
        match (made(&recipe(vec![source])), expected) {
            (Ok((found, _)), Ok(expected)) => assert_eq!(found.expect(what), *expected, "{what}"),
            (Err(error), Err(expected)) => {
                assert_eq!(error.kind(), ErrorKind::Source, "{what}: {error}");
                assert!(error.to_string().contains(expected), "{what}: {error}");
            }
            (found, _) => panic!("{what}: {found:?}"),
        }
    }
}
