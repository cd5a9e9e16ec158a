//! `cache`: what the local store holds, and making room in it.

use crate::settings::Run;
use crate::{Error, Result, Settings};
use oci_merge_store::Layout;
use oci_merge_store::layout::{Kept, KeptKind, Removal};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// What the local store holds.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Cache {
    /// Its directory.
    pub path: String,
    /// How many bytes it may have.
    pub limit: u64,
    /// What it holds in all.
    pub all: CacheFiles,
    /// What it holds, by kind: `blob`, `index`, `record`, `damaged`.
    pub kinds: BTreeMap<&'static str, CacheFiles>,
    /// What was removed just now.
    pub removed: CacheFiles,
}

/// Some files of the local store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheFiles {
    /// How many there are.
    pub files: u64,
    /// Their bytes.
    pub size: u64,
    /// When that one was last used which was not used for the longest time (RFC 3339).
    pub oldest: Option<String>,
}

/// Looks into the local store, after something was removed from it, if that is asked for. What a run that is at work uses
/// stays.
///
/// # Errors
/// The directory is no store, or holds images that have names; or the disk fails.
pub fn cache(settings: &Settings, removal: Option<Removal>) -> Result<Cache> {
    let run = Run::new(settings.clone());
    let failed = |e| Error::store("the local store", e);
    let Some(path) = &run.store else { return Err(Error::usage("there is no local store: set OCI_MERGE_CACHE")) };
    let shown = oci_merge_image::shown(path.as_os_str().as_encoded_bytes()).to_string();
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    // Nobody has asked for one to be made.
    if path.exists() {
        let layout = Layout::open_store(path).map_err(failed)?;
        if let Some(removal) = removal {
            removed = layout.remove(removal).map_err(failed)?;
        }
        kept = layout.kept().map_err(failed)?;
    }
    let mut kinds: BTreeMap<&'static str, Vec<&Kept>> = BTreeMap::new();
    for file in &kept {
        kinds.entry(word(&file.kind)).or_default().push(file);
    }
    Ok(Cache {
        path: shown,
        limit: run.store_limit(),
        all: files(kept.iter()),
        kinds: kinds.into_iter().map(|(kind, kept)| (kind, files(kept.into_iter()))).collect(),
        removed: files(removed.iter()),
    })
}

fn word(kind: &KeptKind) -> &'static str {
    match kind {
        KeptKind::Blob => "blob",
        KeptKind::Fact(word) if word == "index" => "index",
        KeptKind::Fact(_) => "record",
        KeptKind::Damaged => "damaged",
    }
}

fn files<'k>(kept: impl Iterator<Item = &'k Kept> + Clone) -> CacheFiles {
    CacheFiles {
        files: kept.clone().count() as u64,
        size: kept.clone().map(|file| file.size).sum(),
        oldest: kept.map(Kept::used).min().and_then(rfc3339),
    }
}

fn rfc3339(time: SystemTime) -> Option<String> {
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}
