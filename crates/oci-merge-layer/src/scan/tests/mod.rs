//! The rules, one by one. What is expected stands in the design's page on collisions, and was compared with its
//! reference checker; what Go reads was read with Go.

mod accepted;
mod against_tar;
mod base;
mod differential;
mod harmless;
mod limits;
mod mutants;
mod refused;
mod roles;
mod sparse;
pub(crate) mod tar;

use crate::{Body, Entry, IndexBuilder, Item, LayerIndex, Limits, Note, Result, Rules, Scanner};
use oci_merge_image::{DiffId, Digest};
use std::io::Read;

/// Every entry with its content, in order; and the notes.
pub(crate) fn scan(tar: &[u8], rules: &Rules) -> Result<(Vec<(Entry, Vec<u8>)>, Vec<Note>)> {
    let mut scanner = Scanner::new(tar, rules);
    let mut entries = Vec::new();
    while let Some(item) = scanner.next()? {
        let Item::Entry(entry) = item else { continue };
        let mut content = Vec::new();
        scanner.content().read_to_end(&mut content)?;
        if let Body::File { size } = entry.body {
            assert_eq!(content.len() as u64, size);
        }
        entries.push((entry, content));
    }
    Ok((entries, scanner.notes().to_vec()))
}

/// The index of an archive.
pub(crate) fn index(tar: &[u8], rules: &Rules) -> Result<LayerIndex> {
    let (entries, notes) = scan(tar, rules)?;
    let mut index = IndexBuilder::new(rules);
    index.push_notes(&notes)?;
    for (entry, content) in &entries {
        let is_file = matches!(entry.body, Body::File { .. });
        let digest = is_file.then(|| Digest::of(content).as_bytes().try_into().unwrap());
        index.push(entry, digest, None)?;
    }
    index.finish(Digest::of(tar), DiffId(Digest::of(tar)))
}

/// The reason for which an archive is refused, or `ok` and the reasons of its notes.
pub(crate) fn verdict(tar: &[u8], rules: &Rules) -> String {
    match index(tar, rules) {
        Ok(index) => {
            let mut reasons: Vec<&str> = index.notes().iter().map(|note| note.reason.0).collect();
            reasons.dedup();
            ["ok"].into_iter().chain(reasons).collect::<Vec<_>>().join(" ")
        }
        Err(error) => error.reason().map_or_else(|| format!("{error:?}"), |reason| reason.0.to_owned()),
    }
}

/// Checks a table of archives against what is expected of each.
pub(crate) fn judge_all(rules: &Rules, cases: &[(&str, &str, Vec<u8>)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(what, expected, tar)| (what, expected, verdict(tar, rules)))
        .filter(|(_, expected, found)| found != **expected)
        .map(|(what, expected, found)| format!("{what}: expected {expected}, found {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

pub(crate) fn kept() -> Rules {
    Rules::kept(Limits::default())
}

pub(crate) fn layer() -> Rules {
    Rules::layer(Limits::default())
}

#[test]
fn an_error_says_which_entry_where_what_was_expected_and_what_was_found() {
    use tar::{Header, Tar};
    let tar = Tar::new().dir("opt").header(&Header::file("opt/a").with(124, "0000000012x\0")).end();
    assert_eq!(
        scan(&tar, &layer()).unwrap_err().to_string(),
        "/opt/a: expected a number for the size, found \"0000000012x\\x00\" [TAR_NUMBER at byte 512]"
    );
    let overlay = ("SCHILY.xattr.trusted.overlay.opaque", "y");
    let said = " the attribute trusted.overlay.opaque tells an overlay file system to hide other layers [TAR_XATTR_OVERLAY \
                at byte 512]";
    let tar = Tar::new().dir("opt").pax(&[overlay]).file("opt/a", "").end();
    assert_eq!(scan(&tar, &layer()).unwrap_err().to_string(), format!("/opt/a:{said}"));
    let tar = Tar::new().dir("opt").pax(&[overlay, ("path", "opt/größe")]).file("opt/gr", "").end();
    assert_eq!(scan(&tar, &layer()).unwrap_err().to_string(), format!("/opt/größe:{said}"));
    let page = b"<!DOCTYPE html><title>404 Not Found</title>".repeat(20);
    assert_eq!(
        scan(&page, &layer()).unwrap_err().to_string(),
        "expected a tar, found \"<!DOCTYPE html><title>404 Not Fo\"… [NOT_A_TAR at byte 0]"
    );
}

#[test]
fn after_an_error_there_are_only_errors() {
    let tar = tar::Tar::new().file("a", "content").end();
    let mut scanner = Scanner::new(&tar[..700], &layer());
    scanner.next().unwrap();
    assert!(scanner.next().is_err());
    assert!(scanner.next().is_err());
    assert!(scanner.content().read_to_end(&mut Vec::new()).is_err());
}
