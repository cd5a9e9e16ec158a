//! Recipes and what comes of them. Archives and layers are told as lines:
//!
//! | line | entry |
//! |---|---|
//! | `d opt/x 0700 5:6` | a directory; mode and owner may be left out |
//! | `f opt/x/a 0644 5:6 =text` | a file and its content |
//! | `l opt/x/b ->a` | a symlink |
//! | `h opt/x/c ->opt/x/a` | a hard link |
//! | `p opt/x/d` | a FIFO |
//!
//! A time follows as `@1000`, an extended attribute as `user.a:value`.

mod archives;
mod directories;
mod fingerprints;
mod golden;
mod join;
mod landings;
mod layers;
mod random;

use super::{Ancestors, Blob, Input, Made, Recipe, Report, Source, Times, Watch, fingerprint, make};
use crate::check::Owns;
use crate::compressor::{Compressor, Earlier, Level, Pool};
use crate::scan::Scanner;
use crate::writer::TarWriter;
use crate::{Body, Entry, Error, Item, Limits, Result, Rules, Time, Xattrs, survey};
use oci_merge_image::{Compression, LayerPath, shown};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::num::NonZero;
use tempfile::NamedTempFile;

fn path(path: &str) -> LayerPath {
    LayerPath::parse(path.as_bytes()).unwrap()
}

/// The entry of a line, and its content.
fn entry(line: &str) -> (Entry, Vec<u8>) {
    let mut words = line.split_whitespace();
    let (kind, at) = (words.next().unwrap(), words.next().unwrap());
    let mut entry = Entry {
        path: path(at),
        body: match kind {
            "d" => Body::Directory,
            "f" => Body::File { size: 0 },
            "p" => Body::Fifo,
            "l" => Body::Symlink { target: Vec::new() },
            _ => Body::HardLink { target: LayerPath::root() },
        },
        mode: if kind == "d" { 0o755 } else { 0o644 },
        uid: 0,
        gid: 0,
        mtime: Time { seconds: 1000, nanos: 0 },
        xattrs: Xattrs::new(),
    };
    let mut content = Vec::new();
    for word in words {
        if let Some(text) = word.strip_prefix('=') {
            content = text.into();
            entry.body = Body::File { size: content.len() as u64 };
        } else if let Some(target) = word.strip_prefix("->") {
            entry.body = match entry.body {
                Body::Symlink { .. } => Body::Symlink { target: target.into() },
                _ => Body::HardLink { target: path(target) },
            };
        } else if let Some(time) = word.strip_prefix('@') {
            entry.mtime.seconds = time.parse().unwrap();
        } else if let Some((name, value)) = word.split_once(':').filter(|(name, _)| name.contains('.')) {
            entry.xattrs.insert(name.into(), value.into());
        } else if let Some((uid, gid)) = word.split_once(':') {
            (entry.uid, entry.gid) = (uid.parse().unwrap(), gid.parse().unwrap());
        } else {
            entry.mode = u16::from_str_radix(word, 8).unwrap();
        }
    }
    (entry, content)
}

/// The line of an entry, without what is usual.
fn line(entry: &Entry, content: &[u8]) -> String {
    let at = String::from_utf8_lossy(entry.path.as_bytes()).into_owned();
    let (kind, usual, rest) = match &entry.body {
        Body::Directory => ("d", 0o755, String::new()),
        Body::File { .. } => ("f", 0o644, format!(" ={}", shown(content))),
        Body::Symlink { target } => ("l", 0o777, format!(" ->{}", shown(target))),
        Body::HardLink { target } => ("h", 0o644, format!(" ->{}", shown(target.as_bytes()))),
        _ => ("p", 0o644, String::new()),
    };
    let mut line = format!("{kind} {}", if at.is_empty() { "." } else { &at });
    if entry.mode != usual {
        line += &format!(" {:04o}", entry.mode);
    }
    if (entry.uid, entry.gid) != (0, 0) {
        line += &format!(" {}:{}", entry.uid, entry.gid);
    }
    if entry.mtime.seconds != 1000 {
        line += &format!(" @{}", entry.mtime.seconds);
    }
    for (name, value) in &entry.xattrs {
        line += &format!(" {}:{}", shown(name), shown(value));
    }
    line + &rest
}

fn tar(lines: &[&str]) -> Vec<u8> {
    let mut writer = TarWriter::new(Vec::new());
    for line in lines {
        let (entry, content) = entry(line);
        writer.begin(&entry).unwrap();
        writer.content(&content).unwrap();
    }
    writer.finish().unwrap()
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The lines of a tar, in its order.
fn lines(tar: impl Read) -> Vec<String> {
    let mut scanner = Scanner::new(tar, &Rules::kept(Limits::default()));
    let mut lines = Vec::new();
    while let Some(item) = scanner.next().unwrap() {
        let Item::Entry(entry) = item else { panic!("{item:?}") };
        let mut content = Vec::new();
        scanner.content().read_to_end(&mut content).unwrap();
        lines.push(line(&entry, &content));
    }
    lines
}

fn source(file: &NamedTempFile) -> Source {
    Source::new(Input::Archive(file.path().to_owned()))
}

/// A layer with the prefix `/opt/x` that owns `/etc/x` as well.
fn recipe(sources: Vec<Source>) -> Recipe {
    Recipe {
        prefix: "/opt/x".parse().unwrap(),
        owns: Owns::new(["/etc/x"]).unwrap(),
        sources,
        exclude: Vec::new(),
        ancestors: Ancestors::Emit,
        base: BTreeMap::new(),
        times: Times::Keep,
        compressor: Compressor::Gzip(Level::FAST),
        limits: Limits::default(),
    }
}

fn pool() -> Pool {
    Pool::new(NonZero::new(2).unwrap()).unwrap()
}

/// A layer, its lines if it was packed, and what is told of it.
///
/// Of every layer that was packed the strict reader has to say what the packer says; what was read has to be what was
/// seen before; and made once more, with what was compressed to take over, it has to be the same.
fn made(recipe: &Recipe) -> Result<(Option<Vec<String>>, Report)> {
    let seen = fingerprint(recipe);
    let made = make(recipe, &pool(), &Watch::nobody(), None, || Ok(Vec::new()))?;
    let Made { descriptor, index, blob, report, fingerprint, blocks } = made;
    assert_eq!(seen.unwrap(), fingerprint);
    let Blob::Packed(blob) = blob else { return Ok((None, report)) };
    let survey = survey(&blob[..], &Rules::kept(recipe.limits.clone())).unwrap();
    assert_eq!(survey.index, index);
    assert_eq!((survey.size, survey.index.digest()), (descriptor.size, &descriptor.digest));
    assert_eq!(survey.compression, Compression::Gzip);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&blob).unwrap();
    let earlier = Earlier::new(file, blocks.clone().unwrap());
    let again = make(recipe, &pool(), &Watch::nobody(), Some(earlier), || Ok(Vec::new())).unwrap();
    assert!(again.descriptor == descriptor && again.blocks == blocks);
    Ok((Some(lines(flate2::read::GzDecoder::new(&blob[..]))), report))
}

fn packed(recipe: &Recipe) -> Vec<String> {
    made(recipe).unwrap().0.expect("the archive was kept")
}

/// The reasons for which an archive was packed anew.
fn reasons(recipe: &Recipe) -> Vec<&'static str> {
    made(recipe).unwrap().1.repacked.iter().map(|note| note.reason.0).collect()
}

fn refused(recipe: &Recipe) -> Error {
    made(recipe).unwrap_err()
}
