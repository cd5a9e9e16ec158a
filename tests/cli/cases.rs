//! For each code that a check can give, the smallest spec with which it does.
//!
//! It is long because it is a list: one case a code, each to be read by itself.

use super::Place;
use super::elf::Elf;
use oci_merge_image::Digest;
use serde_json::json;
use std::os::unix::fs::{PermissionsExt, symlink};

/// A spec, the files of its layers, and what it ends with.
pub(super) struct Case {
    pub(super) code: &'static str,
    pub(super) exit: i32,
    /// Lines of the spec behind `schema = 1`.
    pub(super) spec: &'static str,
    /// Paths below the directory of the spec: with the content of a file, `-> TARGET`, or a mode for a path that ends in `/`.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// What else it needs.
    pub(super) more: fn(&Place),
}

impl Case {
    pub(super) fn lay_out(&self) -> Place {
        let place = Place::new();
        place.write("oci-merge.toml", &format!("schema = 1 # a comment\n\n# and another\n{}", self.spec));
        for (path, content) in self.files {
            let full = place.path(path);
            match (path.strip_suffix('/'), content.strip_prefix("-> ")) {
                (Some(_), _) => {
                    std::fs::create_dir_all(&full).unwrap();
                    let mode = u32::from_str_radix(content, 8).unwrap();
                    std::fs::set_permissions(&full, PermissionsExt::from_mode(mode)).unwrap();
                }
                (None, Some(target)) => {
                    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
                    symlink(target, &full).unwrap();
                }
                (None, None) => {
                    place.write(path, content);
                    std::fs::set_permissions(&full, PermissionsExt::from_mode(0o644)).unwrap();
                }
            }
        }
        (self.more)(&place);
        place
    }
}

fn nothing(_: &Place) {}

/// An entry of a tar that is made by hand: a path, and what it is.
pub(super) enum What<'a> {
    File(&'a str),
    Directory(u32),
    Link(&'a str),
    Program(&'a [u8]),
}

pub(super) fn tar(entries: &[(&str, What<'_>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, what) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_path(path).unwrap();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        let (kind, mode, content) = match what {
            What::File(content) => (tar::EntryType::Regular, 0o644, content.as_bytes()),
            What::Program(content) => (tar::EntryType::Regular, 0o755, *content),
            What::Directory(mode) => (tar::EntryType::Directory, *mode, &b""[..]),
            What::Link(target) => {
                header.set_link_name(target).unwrap();
                (tar::EntryType::Symlink, 0o777, &b""[..])
            }
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Writes a base image, `oci:base`, of these layers.
pub(super) fn base(place: &Place, layers: &[Vec<u8>]) {
    let blob = |bytes: &[u8]| {
        let digest = Digest::of(bytes);
        let path = place.path(&format!("base/blobs/{}", digest.to_string().replace(':', "/")));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        json!({ "digest": digest, "size": bytes.len() })
    };
    let with = |mut descriptor: serde_json::Value, kind: &str| {
        descriptor["mediaType"] = json!(format!("application/vnd.oci.image.{kind}"));
        descriptor
    };
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|l| Digest::of(l)).collect::<Vec<_>>() },
    });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": with(blob(config.to_string().as_bytes()), "config.v1+json"),
        "layers": layers.iter().map(|layer| with(blob(layer), "layer.v1.tar")).collect::<Vec<_>>(),
    });
    let manifest = with(blob(manifest.to_string().as_bytes()), "manifest.v1+json");
    place.write("base/index.json", &json!({ "schemaVersion": 2, "manifests": [manifest] }).to_string());
    place.write("base/oci-layout", "{\"imageLayoutVersion\": \"1.0.0\"}");
}

/// In the order of the codes.
pub(super) const CASES: &[Case] = &[
    Case {
        code: "OM0201",
        exit: 1,
        spec: "\
[base]
image = \"scratch\"

[layer.python]
version = \"3.12.7\"
prefix  = \"/opt/python\"   # ours
source  = { path = \"python\", to = \"/\" }

[layer.rust]
version = \"1.83.0\"
prefix  = \"/opt/rust\"
source  = { path = \"rust\", to = \"/\" }
",
        files: &[
            ("python/opt/python/bin/python3", "#!\n"),
            ("python/root/.profile", "umask 022\nexport PYENV_ROOT=\"$HOME/.pyenv\"\neval \"$(pyenv init -)\"\n"),
            ("rust/opt/rust/cargo/env", "x\n"),
            ("rust/root/.profile", "umask 022\n. \"$HOME/.cargo/env\"\n"),
        ],
        more: nothing,
    },
    Case {
        code: "OM0202",
        exit: 0,
        spec: "\
base.image = \"scratch\"
[layer.a]
prefix = \"/opt/a\"
owns   = [\"/opt/licences\"]
source = { path = \"a\", to = \"/\" }
[layer.b]
prefix = \"/opt/b\"
owns   = [\"/opt/licences\"] # shared
source = { path = \"b\", to = \"/\" }
",
        files: &[
            ("a/opt/a/x", "1"),
            ("a/opt/licences/MIT", "as is\n"),
            ("b/opt/b/x", "2"),
            ("b/opt/licences/MIT", "as is\n"),
        ],
        more: same_times,
    },
    Case {
        code: "OM0203",
        exit: 1,
        spec: "\
base.image = \"scratch\"
[layer.a]
prefix = \"/opt/a\"
owns   = [\"/srv\"]
source = { path = \"a\", to = \"/\" }
[layer.b]
prefix = \"/opt/b\"
owns   = [\"/srv\"]
source = { path = \"b\", to = \"/\" }
",
        files: &[("a/opt/a/x", "1"), ("a/srv/data", "1"), ("b/opt/b/x", "2"), ("b/srv/data/rows", "2")],
        more: nothing,
    },
    Case {
        code: "OM0204",
        exit: 1,
        spec: "\
base.image = \"scratch\"
[layer.a]
prefix = \"/opt/a\"
owns   = [\"/srv\"]
source = { path = \"a\", to = \"/\" }
[layer.b]
prefix = \"/opt/b\"
owns   = [\"/srv\"]
source = { path = \"b\", to = \"/\" }
",
        files: &[
            ("a/opt/a/x", "1"),
            ("a/srv/data/", "755"),
            ("a/srv/data/a", "1"),
            ("b/opt/b/x", "2"),
            ("b/srv/data/", "700"),
            ("b/srv/data/b", "2"),
        ],
        more: nothing,
    },
    Case {
        code: "OM0205",
        exit: 1,
        spec: "\
base.image = \"scratch\"
[layer.python]
version = \"3.12.7\"
prefix  = \"/opt/python\"
path    = [\"bin\"]
source  = { path = \"python\", to = \"/\" }
",
        files: &[
            ("python/opt/python/bin/pip3", "#!/opt/python/bin/python3\n"),
            ("python/opt/python/bin/python3", "x\n"),
            ("python/usr/local/bin/pip3", "-> /opt/python/bin/pip3"),
            ("python/usr/local/bin/python3", "-> /opt/python/bin/python3"),
        ],
        more: nothing,
    },
    Case {
        code: "OM0206",
        exit: 1,
        spec: "\
base.image = \"oci:base\"
[layer.a]
prefix = \"/opt/a\"
owns   = [\"/etc/motd\"]
source = { path = \"a\", to = \"/\" }
",
        files: &[("a/opt/a/x", "1"), ("a/etc/motd", "hello from a\n")],
        more: |place| {
            base(place, &[tar(&[("etc/", What::Directory(0o755)), ("etc/motd", What::File("hello\n"))])]);
        },
    },
    Case {
        code: "OM0207",
        exit: 1,
        spec: "\
base.image = \"oci:base\"
[layer.a]
prefix    = \"/opt/a\"
owns      = [\"/srv/www\"]
ancestors = \"omit\"
source    = { path = \"a\", to = \"/\" }
",
        files: &[("a/opt/a/x", "1"), ("a/srv/www/index.html", "<p>")],
        more: |place| {
            let below = tar(&[("opt/", What::Directory(0o755)), ("srv/", What::Directory(0o755))]);
            base(place, &[below, tar(&[(".wh.srv", What::File(""))])]);
        },
    },
    Case {
        code: "OM0208",
        exit: 1,
        spec: "\
base.image = \"oci:base\"
[layer.a]
prefix = \"/opt/a\"
owns   = [\"/lib/liba.so\"]
source = { path = \"a\", to = \"/\" }
",
        files: &[("a/opt/a/x", "1"), ("a/lib/liba.so", "x\n")],
        more: |place| {
            let usr = [("lib", What::Link("usr/lib")), ("usr/", What::Directory(0o755))];
            let lib = [("usr/lib/", What::Directory(0o755)), ("usr/lib/libc.so", What::File("x"))];
            base(place, &[tar(&usr), tar(&lib)]);
        },
    },
    Case {
        code: "OM0209",
        exit: 0,
        spec: "\
base.image = \"scratch\"
[layer.a]
prefix = \"/opt/a\"
owns   = [\"/srv\"]
source = { path = \"a\", to = \"/\" }
[layer.b]
prefix = \"/opt/b\"
owns   = [\"/srv\"]
source = { path = \"b\", to = \"/\" }
",
        files: &[("a/opt/a/x", "1"), ("a/srv/README", "1"), ("b/opt/b/x", "2"), ("b/srv/Readme", "2")],
        more: nothing,
    },
    Case {
        code: "OM0210",
        exit: 1,
        spec: "\
base.image = \"scratch\"
[layer.python]
prefix = \"/opt/python\"
source = { path = \"python\", to = \"/\" }
[layer.rust]
prefix = \"/opt/rust\"
source = { path = \"rust\", to = \"/\" }
",
        files: &[
            ("python/opt/python/x", "1"),
            ("python/etc/ld.so.cache", "ld.so-1.7.0\u{0}1"),
            ("rust/opt/rust/x", "2"),
            ("rust/etc/ld.so.cache", "ld.so-1.7.0\u{0}22"),
        ],
        more: nothing,
    },
    Case {
        code: "OM0211",
        exit: 1,
        spec: "\
base.image = \"scratch\"
[layer.python]
prefix = \"/opt/python\"
source = { path = \"python\" }
[layer.numpy]
prefix = \"/opt/python/numpy\"
source = { path = \"numpy\" }
",
        files: &[("python/x", "1"), ("numpy/y", "2")],
        more: nothing,
    },
    Case {
        code: "OM0212",
        exit: 0,
        spec: "\
base.image = \"scratch\"
[layer.a]
prefix = \"/opt/a\"
source = { path = \"a\" }
[layer.b]
prefix = \"/opt/b\"
source = { path = \"b\" }
[[allow]]
paths  = [\"/root/.wget-hsts\"]
layers = [\"a\", \"b\"]
winner = \"b\"
reason = \"wget's own cache; either copy will do\"
",
        files: &[("a/x", "1"), ("b/y", "2")],
        more: nothing,
    },
    Case {
        code: "OM0220",
        exit: 1,
        spec: "\
base.image = \"scratch\"
[layer.node]
prefix = \"/opt/node\"
source = { path = \"node.tar.gz\" }
",
        files: &[("node.tar.gz", "<!DOCTYPE html><title>404 Not Found</title>\n")],
        more: nothing,
    },
    Case {
        code: "OM0221",
        exit: 0,
        spec: "\
base.image = \"oci:base\"
[layer.a]
prefix = \"/opt/a\"
source = { path = \"a\" }
",
        files: &[("a/x", "1")],
        more: |place| {
            let twice =
                [("etc/", What::Directory(0o755)), ("etc/motd", What::File("1")), ("etc/motd", What::File("22"))];
            base(place, &[tar(&twice)]);
        },
    },
    Case {
        code: "OM0301",
        exit: 1,
        spec: "\
base.image = \"scratch\"
[layer.java]
prefix = \"/opt/java\"
env    = { JAVA_HOME = \"{prefix}\" }
source = { path = \"java\" }
[layer.graal]
prefix = \"/opt/graal\"
env    = { JAVA_HOME = \"{prefix}\" }
source = { path = \"graal\" }
",
        files: &[("java/x", "1"), ("graal/y", "2")],
        more: nothing,
    },
    Case {
        code: "OM0302",
        exit: 0,
        spec: "\
base.image = \"scratch\"
[layer.node]
prefix = \"/opt/node\"
path   = [\"bin\"]
source = { path = \"node\" }
[layer.lts]
prefix = \"/opt/node-lts\"
path   = [\"bin\"]
source = { path = \"lts\" }
",
        files: &[],
        more: |place| {
            program(place, "node/bin/npm", b"new");
            program(place, "lts/bin/npm", b"old");
        },
    },
    Case {
        code: "OM0303",
        exit: 1,
        spec: "\
base.image  = \"oci:base\"
config.user = \"jon\"
[layer.a]
prefix = \"/opt/a\"
source = { path = \"a\" }
",
        files: &[("a/x", "1")],
        more: |place| {
            let passwd = What::File("root:x:0:0::/root:/bin/sh\n");
            base(place, &[tar(&[("etc/", What::Directory(0o755)), ("etc/passwd", passwd)])]);
        },
    },
    Case {
        code: "OM0401",
        exit: 0,
        spec: ONE_PROGRAM,
        files: &[],
        more: |place| {
            system(place);
            let needed = &["libgeos_c.so.1", "libc.so.6"];
            program(
                place,
                "tool/bin/tool",
                &Elf { machine: 62, interpreter: Some(LINKER), needed, ..Elf::default() }.bytes(),
            );
        },
    },
    Case {
        code: "OM0402",
        exit: 1,
        spec: ONE_PROGRAM,
        files: &[],
        more: |place| {
            system(place);
            let (needed, version) = (&["libc.so.6"][..], Some(("libc.so.6", "GLIBC_2.38")));
            let elf = Elf { machine: 62, interpreter: Some(LINKER), needed, version, ..Elf::default() };
            program(place, "tool/bin/tool", &elf.bytes());
        },
    },
    Case {
        code: "OM0403",
        exit: 1,
        spec: ONE_PROGRAM,
        files: &[],
        more: |place| {
            system(place);
            let elf = Elf { machine: 183, interpreter: Some("/lib/ld-linux-aarch64.so.1"), ..Elf::default() };
            program(place, "tool/bin/tool", &elf.bytes());
        },
    },
    Case {
        code: "OM0404",
        exit: 0,
        spec: "\
base.image = \"scratch\"
[layer.java]
prefix = \"/opt/java\"
source = { path = \"java\" }
",
        files: &[("java/lib/rt.jar", "1"), ("java/lib/security", "-> /etc/java-17-openjdk/security")],
        more: nothing,
    },
    Case {
        code: "OM0405",
        exit: 0,
        spec: ONE_PROGRAM,
        files: &[],
        more: |place| {
            system(place);
            program(place, "tool/bin/tool", b"#!/usr/bin/perl -w\n");
        },
    },
    Case {
        code: "OM0406",
        exit: 0,
        spec: ONE_PROGRAM,
        files: &[],
        more: |place| {
            system(place);
            let (needed, runpath) = (&["libtool.so.1", "libc.so.6"][..], Some("/home/jon/build/lib"));
            let elf = Elf { machine: 62, interpreter: Some(LINKER), needed, runpath, ..Elf::default() };
            program(place, "tool/bin/tool", &elf.bytes());
        },
    },
];

/// Files that differ in their times only are another matter.
fn same_times(place: &Place) {
    for name in ["a/opt/licences/MIT", "b/opt/licences/MIT", "a/opt/licences", "b/opt/licences"] {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        std::fs::File::open(place.path(name)).unwrap().set_modified(time).unwrap();
    }
}

const ONE_PROGRAM: &str = "\
base.image = \"oci:base\"
[layer.tool]
version = \"1.2\"
prefix  = \"/opt/tool\"
path    = [\"bin\"]
source  = { path = \"tool\" }
";

const LINKER: &str = "/lib64/ld-linux-x86-64.so.2";

/// A file that can be run.
fn program(place: &Place, path: &str, content: &[u8]) {
    let full = place.path(path);
    std::fs::create_dir_all(full.parent().unwrap()).unwrap();
    std::fs::write(&full, content).unwrap();
    std::fs::set_permissions(&full, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A base with a C library.
fn system(place: &Place) {
    let linker = Elf { machine: 62, soname: Some("ld-linux-x86-64.so.2"), ..Elf::default() }.bytes();
    let libc = Elf { machine: 62, soname: Some("libc.so.6"), defines: Some("GLIBC_2.36"), ..Elf::default() }.bytes();
    base(
        place,
        &[tar(&[
            ("lib64/", What::Directory(0o755)),
            ("lib64/ld-linux-x86-64.so.2", What::Program(&linker)),
            ("lib64/libc.so.6", What::Program(&libc)),
        ])],
    );
}
