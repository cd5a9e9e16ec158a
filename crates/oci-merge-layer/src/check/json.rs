//! Findings as JSON: the elements of `findings` in `oci-merge.findings/v1`.

use super::Files;
use super::finding::{Claim, Description, Finding, Party, Subject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_merge_image::{LayerPath, shown};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.code.as_str())?;
        map.serialize_entry("severity", self.severity.as_str())?;
        if let Some(reason) = self.reason {
            map.serialize_entry("reason", reason)?;
        }
        map.serialize_entry("message", &self.message())?;
        match &self.subject {
            Subject::Archive => {}
            Subject::Path(path) => path_entry(&mut map, path)?,
            Subject::Variable(name) => map.serialize_entry("variable", name)?,
            Subject::Library(name) => bytes_entry(&mut map, "library", "library_b64", name)?,
            Subject::Command(name) => bytes_entry(&mut map, "command", "command_b64", name)?,
            Subject::User(name) => map.serialize_entry("user", name)?,
            Subject::Platform(name) => map.serialize_entry("architecture", name)?,
        }
        if self.more > 0 {
            map.serialize_entry("more", &self.more)?;
        }
        map.serialize_entry("layers", &self.parties)?;
        if let Some(survivor) = self.survivor() {
            map.serialize_entry("winner_if_allowed", survivor.name())?;
        }
        map.serialize_entry("fixes", &[Fix { title: self.advice() }])?;
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Fix {
    title: String,
}

impl Serialize for Party {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.owner.name())?;
        if let Some(at) = &self.at {
            path_entry(&mut map, at)?;
        }
        map.serialize_entry("type", type_of(&self.claim))?;
        match &self.claim {
            Claim::Entry(entry) => describe(&mut map, entry)?,
            Claim::Archive(text) => map.serialize_entry("text", text)?,
            Claim::Value(value) => map.serialize_entry("value", value)?,
            Claim::Needs(files)
            | Claim::Links(files)
            | Claim::Programs(files)
            | Claim::Wins(files)
            | Claim::Hidden(files) => files_entries(&mut map, files)?,
            Claim::Versions(versions) => map.serialize_entry("versions", &texts(versions))?,
            Claim::Names(count) => map.serialize_entry("count", count)?,
            Claim::Implied
            | Claim::Prefix
            | Claim::Owns
            | Claim::Deleted
            | Claim::Replaced
            | Claim::Agreed
            | Claim::Library => {}
        }
        map.end()
    }
}

fn type_of(claim: &Claim) -> &'static str {
    match claim {
        Claim::Entry(entry) => entry.type_name(),
        Claim::Implied => "implied-directory",
        Claim::Prefix => "prefix",
        Claim::Owns => "owned-path",
        Claim::Deleted => "whiteout",
        Claim::Replaced => "replaced",
        Claim::Archive(_) => "archive",
        Claim::Value(_) => "value",
        Claim::Agreed => "exception",
        Claim::Needs(_) => "needs",
        Claim::Links(_) => "dangling-links",
        Claim::Programs(_) => "programs",
        Claim::Wins(_) => "wins",
        Claim::Hidden(_) => "hidden",
        Claim::Library => "library",
        Claim::Versions(_) => "versions",
        Claim::Names(_) => "names",
    }
}

fn describe<M: SerializeMap>(map: &mut M, entry: &Description) -> Result<(), M::Error> {
    if entry.kind != crate::Kind::Symlink {
        map.serialize_entry("mode", &format!("{:04o}", entry.mode))?;
    }
    map.serialize_entry("uid", &entry.uid)?;
    map.serialize_entry("gid", &entry.gid)?;
    if let Some(size) = entry.size {
        map.serialize_entry("size", &size)?;
    }
    if let Some(digest) = &entry.digest {
        map.serialize_entry("digest", digest)?;
    }
    if let Some(target) = &entry.target {
        bytes_entry(map, "target", "target_b64", target)?;
    }
    if !entry.xattrs.is_empty() {
        let names: Vec<_> = entry.xattrs.iter().map(|name| shown(name).to_string()).collect();
        map.serialize_entry("xattrs", &names)?;
    }
    if entry.link_count > 1 {
        map.serialize_entry("link_count", &entry.link_count)?;
        let names: Vec<_> = entry.links.iter().map(|name| text(&from_root(name)).into_owned()).collect();
        map.serialize_entry("links", &names)?;
    }
    if entry.late {
        map.serialize_entry("late", &true)?;
    }
    Ok(())
}

fn files_entries<M: SerializeMap>(map: &mut M, files: &Files) -> Result<(), M::Error> {
    let paths: Vec<Vec<u8>> = files.first.iter().map(from_root).collect();
    map.serialize_entry("files", &texts(&paths))?;
    map.serialize_entry("count", &files.count)?;
    if !files.lacks.is_empty() {
        map.serialize_entry("lacks", &texts(&files.lacks))?;
    }
    Ok(())
}

fn texts(names: &[Vec<u8>]) -> Vec<Cow<'_, str>> {
    names.iter().map(|name| text(name)).collect()
}

fn path_entry<M: SerializeMap>(map: &mut M, path: &LayerPath) -> Result<(), M::Error> {
    bytes_entry(map, "path", "path_b64", &from_root(path))
}

/// Text under one key; and under another the bytes, if they are not UTF-8.
fn bytes_entry<M: SerializeMap>(map: &mut M, key: &str, key_b64: &str, bytes: &[u8]) -> Result<(), M::Error> {
    map.serialize_entry(key, &text(bytes))?;
    if std::str::from_utf8(bytes).is_err() {
        map.serialize_entry(key_b64, &STANDARD.encode(bytes))?;
    }
    Ok(())
}

fn from_root(path: &LayerPath) -> Vec<u8> {
    [b"/", path.as_bytes()].concat()
}

/// UTF-8 as it is, for a program that wants the name; anything else as a person would see it.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| shown(bytes).to_string().into(), Cow::Borrowed)
}
