//! Images written as lists of files, one a line:
//!
//! ```text
//! x usr/bin/x i=/lib64/ld.so n=liba.so.1,libb.so R=$ORIGIN r=/rpath s=SONAME v=liba.so.1:A_1 d=B_1 m=183:64
//! o usr/lib/x.so …        an ELF file that is not executable; what is left out is not there; `static` is not dynamic,
//!                         `nodeflib` is DF_1_NODEFLIB
//! s usr/bin/y /bin/sh -e  a script, executable
//! l usr/bin/z ->x         a symlink
//! t etc/passwd a:x|b:y    a file whose text is kept; `|` is a line feed
//! f usr/bin/f =content    a file, executable
//! ```

use crate::check::{BaseView, Claim, Finding, Layer, Owns, Policy, System, would_run};
use crate::index::{ElfFacts, Facts};
use crate::{Body, Entry, IndexBuilder, LayerIndex, Limits, Rules, Time, Xattrs};
use oci_merge_image::{DiffId, Digest, LayerPath};

/// A Debian, as far as programs see it.
pub(super) const DEBIAN: &str = "
    l bin ->usr/bin
    l lib ->usr/lib
    l lib64 ->usr/lib64
    l usr/lib64/ld-linux-x86-64.so.2 ->/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
    x usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 s=ld-linux-x86-64.so.2 d=GLIBC_2.3
    x usr/lib/x86_64-linux-gnu/libc.so.6 s=libc.so.6 i=/lib64/ld-linux-x86-64.so.2 n=ld-linux-x86-64.so.2 d=GLIBC_2.2.5,GLIBC_2.36
    o usr/lib/x86_64-linux-gnu/libz.so.1.2.13 s=libz.so.1 n=libc.so.6
    l usr/lib/x86_64-linux-gnu/libz.so.1 ->libz.so.1.2.13
    o usr/local/lib/liblocal.so.1 s=liblocal.so.1
    o usr/lib/private/libprivate.so.1 s=libprivate.so.1
    f etc/ld.so.cache
    t etc/ld.so.conf include /etc/ld.so.conf.d/*.conf|
    t etc/ld.so.conf.d/libc.conf # libc default configuration|/usr/local/lib|
    t etc/ld.so.conf.d/x86_64-linux-gnu.conf /usr/local/lib/x86_64-linux-gnu|/lib/x86_64-linux-gnu|
    t etc/passwd root:x:0:0::/root:/bin/sh|jon:x:1000:1000::/:/bin/sh|
    t etc/group root:x:0:|staff:x:50:|
    f usr/bin/env
    f usr/bin/sh =dash
    f usr/bin/find =find";

/// An Alpine.
pub(super) const ALPINE: &str = "
    x lib/ld-musl-x86_64.so.1 s=libc.musl-x86_64.so.1
    l lib/libc.musl-x86_64.so.1 ->ld-musl-x86_64.so.1
    o usr/lib/libz.so.1 s=libz.so.1 n=libc.musl-x86_64.so.1
    f bin/sh
    f usr/bin/env
    t etc/passwd root:x:0:0::/root:/bin/sh|";

/// The base, then layers as `NAME` and their files; each has the prefix `/opt/NAME` and its `bin` on PATH.
pub(super) fn findings_on(base: &[&str], layers: &[(&str, &str)], change: impl FnOnce(&mut System)) -> Vec<Finding> {
    let base: Vec<LayerIndex> = base.iter().map(|list| index(list, &Rules::base(Limits::default()))).collect();
    let indexes: Vec<LayerIndex> =
        layers.iter().map(|(_, list)| index(list, &Rules::kept(Limits::default()))).collect();
    let prefixes: Vec<_> = layers.iter().map(|(name, _)| format!("/opt/{name}").parse().unwrap()).collect();
    let owns = Owns::default();
    let claims: Vec<Layer<'_>> = (layers.iter().zip(&indexes).zip(&prefixes))
        .map(|(((name, _), index), prefix)| Layer { name, index, prefix, owns: &owns })
        .collect();
    let path = layers.iter().map(|(name, _)| format!("/opt/{name}/bin"));
    let path = path.chain(["/usr/local/bin", "/usr/bin", "/bin"].map(str::to_owned)).collect();
    let mut system = System { architecture: "amd64".into(), path, ..System::default() };
    change(&mut system);
    would_run(&BaseView::new(&base.iter().collect::<Vec<_>>()), &claims, &system, &Policy::default())
}

/// The findings in short, see [`in_short`].
pub(super) fn run(base: &[&str], layers: &[(&str, &str)]) -> Vec<String> {
    findings_on(base, layers, |_| {}).iter().map(in_short).collect()
}

/// On a Debian, one layer `a`.
pub(super) fn alone(list: &str) -> Vec<String> {
    run(&[DEBIAN], &[("a", list)])
}

/// `OM0401 LIBRARY_NOT_SEARCHED libx.so.1: a /opt/a/bin/x`: code, reason, what it is about, and of each who takes part the
/// name and the files.
pub(super) fn in_short(finding: &Finding) -> String {
    let reason = finding.reason().map(|reason| format!("{reason} ")).unwrap_or_default();
    let party = |party: &crate::check::Party| {
        let files = match &party.claim {
            Claim::Needs(files)
            | Claim::Links(files)
            | Claim::Programs(files)
            | Claim::Wins(files)
            | Claim::Hidden(files) => {
                let lacks = files.lacks.iter().map(|name| String::from_utf8_lossy(name).into_owned());
                files.first.iter().map(ToString::to_string).chain(lacks).collect::<Vec<_>>().join(" ")
            }
            _ => party.at.as_ref().map(ToString::to_string).unwrap_or_default(),
        };
        format!("{} {files}", party.owner)
    };
    let parties = finding.parties().iter().map(party).collect::<Vec<_>>().join(", ");
    format!("{} {reason}{}: {parties}", finding.code(), finding.subject)
}

pub(super) fn index(list: &str, rules: &Rules) -> LayerIndex {
    let mut index = IndexBuilder::new(rules);
    for line in list.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (kind, rest) = line.split_once(' ').unwrap();
        let (path, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let target = || rest.strip_prefix("->").unwrap().as_bytes().to_vec();
        let facts = match kind {
            "x" | "o" => Some(Facts::Elf(Box::new(elf(rest)))),
            "s" => Some(Facts::Script { interpreter: rest.into() }),
            "t" => Some(Facts::Text(rest.replace('|', "\n").into())),
            _ => None,
        };
        let content = if kind == "f" { rest } else { line };
        let size = if let Some(Facts::Text(text)) = &facts { text.len() } else { content.len() } as u64;
        let entry = Entry {
            path: LayerPath::parse(path.as_bytes()).unwrap(),
            body: if kind == "l" { Body::Symlink { target: target() } } else { Body::File { size } },
            mode: if matches!(kind, "x" | "s" | "f") { 0o755 } else { 0o644 },
            uid: 0,
            gid: 0,
            mtime: Time::default(),
            xattrs: Xattrs::new(),
        };
        let digest = (kind != "l").then(|| Digest::of(content.as_bytes()).as_bytes().try_into().unwrap());
        index.push(&entry, digest, facts).unwrap();
    }
    let digest = Digest::of(list.as_bytes());
    index.finish(digest.clone(), DiffId(digest)).unwrap()
}

fn elf(words: &str) -> ElfFacts {
    let word = |key: &str| words.split(' ').find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let bytes = |key: &str| word(key).map(|value| value.as_bytes().to_vec());
    let list = |key: &str| word(key).into_iter().flat_map(|value| value.split(',')).map(|v| v.as_bytes().to_vec());
    let (machine, class) = word("m").map_or(("62", "64"), |value| value.split_once(':').unwrap());
    let pair = |value: Vec<u8>| {
        let at = value.iter().position(|&b| b == b':').unwrap();
        (value[..at].to_vec(), value[at + 1..].to_vec())
    };
    ElfFacts {
        machine: machine.parse().unwrap(),
        class: class.parse().unwrap(),
        dynamic: !words.contains("static"),
        interpreter: bytes("i"),
        soname: bytes("s"),
        needed: list("n").collect(),
        rpath: bytes("r"),
        runpath: bytes("R"),
        no_default_libraries: words.split(' ').any(|word| word == "nodeflib"),
        needs_versions: list("v").map(pair).collect(),
        defines_versions: list("d").collect(),
    }
}
