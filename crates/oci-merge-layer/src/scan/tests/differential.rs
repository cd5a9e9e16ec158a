//! What is accepted of many changed archives, other readers see with the same entries: here the `tar` crate, and with
//! `OCI_MERGE_MUTANTS_TO` whoever reads that folder (`tools/stages/readers`).

use super::mutants::mutant;
use super::{kept, layer, scan};
use crate::archive::{Container, Unpacked};
use crate::writer::TarWriter;
use crate::{Body, Entry, Result, Rules, survey};
use oci_merge_image::{Digest, LayerPath};
use rayon::prelude::*;
use std::fmt::Write as _;
use std::io::{Read, Write as _};

type Entries = Vec<(Entry, Vec<u8>)>;

/// All that readers can agree about, one line an entry: kind, mode, owner, time, size, content, name, target.
fn line(path: &[u8], kind: char, numbers: [u64; 3], seconds: Option<i64>, content: &[u8], target: &[u8]) -> String {
    let hex = |bytes: &[u8]| bytes.iter().fold(String::from("x"), |text, byte| format!("{text}{byte:02x}"));
    let [mode, uid, gid] = numbers;
    let digest = if kind == '-' { Digest::of(content).to_string() } else { String::from("-") };
    let seconds = seconds.map_or(String::from("-"), |seconds| seconds.to_string());
    format!("{kind} {mode:o} {uid} {gid} {seconds} {} {digest} {} {}", content.len(), hex(path), hex(target))
}

fn seen_by_us(entries: &Entries, with_time: bool) -> Vec<String> {
    let see = |(entry, content): &(Entry, Vec<u8>)| {
        let (kind, target) = match &entry.body {
            Body::File { .. } => ('-', &[][..]),
            Body::HardLink { target } => ('h', target.as_bytes()),
            Body::Symlink { target } => ('l', &target[..]),
            Body::Directory => ('d', &[][..]),
            Body::Fifo => ('p', &[][..]),
            Body::CharDevice | Body::BlockDevice => unreachable!("no layer has devices"),
        };
        let numbers = [entry.mode.into(), entry.uid.into(), entry.gid.into()];
        line(entry.path.as_bytes(), kind, numbers, with_time.then_some(entry.mtime.seconds), content, target)
    };
    entries.iter().map(see).collect()
}

fn seen_by_tar(bytes: &[u8]) -> std::io::Result<Vec<String>> {
    let normal = |raw: &[u8]| LayerPath::parse(raw).map_or(raw.to_vec(), |path| path.as_bytes().to_vec());
    let mut all = Vec::new();
    for entry in tar::Archive::new(bytes).entries()? {
        let mut entry = entry?;
        let header = entry.header().clone();
        // Owners in PAX records are for its callers to read.
        let mut ids = [header.uid()?, header.gid()?];
        for extension in entry.pax_extensions()?.into_iter().flatten() {
            let extension = extension?;
            let number = || extension.value().ok().and_then(|value| value.parse().ok());
            match extension.key_bytes() {
                b"uid" => ids[0] = number().unwrap_or(ids[0]),
                b"gid" => ids[1] = number().unwrap_or(ids[1]),
                _ => {}
            }
        }
        let raw = entry.path_bytes().into_owned();
        let link = entry.link_name_bytes().map(|link| link.into_owned()).unwrap_or_default();
        let (kind, target) = match header.entry_type().as_byte() {
            0 if raw.ends_with(b"/") => ('d', Vec::new()),
            0 | b'0' => ('-', Vec::new()),
            b'1' => ('h', normal(&link)),
            b'2' => ('l', link),
            b'5' => ('d', Vec::new()),
            b'6' => ('p', Vec::new()),
            other => (other.into(), Vec::new()),
        };
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        let numbers = [u64::from(header.mode()?) & 0o7777, ids[0], ids[1]];
        all.push(line(&normal(&raw), kind, numbers, None, &content, &target));
    }
    Ok(all)
}

/// What is in a blob, if it is accepted.
fn accepted(blob: &[u8], rules: &Rules) -> Option<Entries> {
    survey(blob, rules).ok()?;
    let mut tar = Vec::new();
    Unpacked::new(Container::of(blob).unwrap(), blob, rules).unwrap().read_to_end(&mut tar).unwrap();
    Some(scan(&tar, rules).unwrap().0)
}

/// A symlink's mode is nobody's, a directory that comes twice is one, and the packer drops attributes that cannot be.
fn without_what_means_nothing(entries: Entries) -> Entries {
    let mut kept = Entries::new();
    for (mut entry, content) in entries {
        if matches!(entry.body, Body::Symlink { .. }) {
            entry.mode = 0o777;
        }
        entry.xattrs.retain(|name, value| crate::make::is_possible(&entry.body, name, value));
        if entry.body != Body::Directory || kept.iter().all(|(before, _)| before.path != entry.path) {
            kept.push((entry, content));
        }
    }
    kept
}

/// The archive once more, written by us.
fn written_again(entries: &Entries) -> Result<Vec<u8>> {
    let mut writer = TarWriter::new(Vec::new());
    for (entry, content) in entries {
        writer.begin(entry)?;
        if matches!(entry.body, Body::File { .. }) {
            writer.content(content)?;
        }
    }
    writer.finish()
}

#[test]
fn whatever_is_accepted_others_read_alike() {
    let variable = |name: &str| std::env::var(name).ok();
    let count: u64 = variable("OCI_MERGE_MUTANTS").map_or(2_000, |count| count.parse().unwrap());
    let judge = |number: u64| {
        let (tar, blob) = mutant(number);
        let entries = accepted(&blob, &kept());
        if let Some(entries) = &entries {
            // The crate takes a newline in a value for the end of a record, and refuses what follows or not.
            let goes_by_lines = tar.windows(4).any(|bytes| bytes == b"x\ny\n");
            let theirs = seen_by_tar(&tar).map_err(|error| error.to_string());
            let is_known = goes_by_lines || theirs == Err("malformed pax extension".into());
            assert!(is_known || theirs == Ok(seen_by_us(entries, false)), "{number}: {theirs:?}");
        }
        // What is written anew is a layer to keep, with the same entries.
        let taken = accepted(&blob, &layer());
        assert!(entries.is_none() || taken == entries, "{number}");
        let is_taken = taken.is_some();
        if let Some(taken) = taken.map(without_what_means_nothing) {
            let again = written_again(&taken).unwrap();
            assert!(accepted(&again, &kept()).as_ref() == Some(&taken), "{number}");
        }
        (entries.map(|entries| (number, blob, entries)), is_taken)
    };
    let judged: Vec<_> = (0..count).into_par_iter().map(judge).collect();
    let taken = judged.iter().filter(|(_, taken)| *taken).count();
    let kept: Vec<_> = judged.into_iter().filter_map(|(kept, _)| kept).collect();
    println!("{count} archives: {} accepted as they are, {taken} to be written anew", kept.len());
    // Neither does everything pass, nor nothing.
    assert!(kept.len() as u64 * 4 > count && (kept.len() as u64) < count * 3 / 4);

    if let Some(folder) = variable("OCI_MERGE_MUTANTS_TO") {
        let create = |name: &str| std::fs::File::create(std::path::Path::new(&folder).join(name)).unwrap();
        let (mut blobs, mut listing) = (create("blobs"), String::new());
        for (number, blob, entries) in kept {
            blobs.write_all(&(blob.len() as u64).to_le_bytes()).unwrap();
            blobs.write_all(&blob).unwrap();
            let _ = writeln!(listing, "archive {number}");
            seen_by_us(&entries, true).iter().for_each(|line| writeln!(listing, "{line}").unwrap());
        }
        create("expected").write_all(listing.as_bytes()).unwrap();
    }
}
