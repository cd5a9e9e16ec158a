//! A writer that is killed at each of its steps: whatever it leaves, names lead to whole images, and the next writer
//! succeeds and cleans up.

use super::*;
use crate::Memory;
use crate::copy::{CopyOptions, copy};
use serde_json::json;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many more steps this process makes; 0: as many as it likes.
static LEFT: AtomicU32 = AtomicU32::new(0);

/// Dies here, if this is the step.
pub(crate) fn step() {
    if LEFT.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) == Ok(1) {
        let this = rustix::process::getpid();
        rustix::process::kill_process(this, rustix::process::Signal::KILL).unwrap();
    }
}

const PATH: &str = "OCI_MERGE_TEST_CRASH_PATH";
const STEPS: &str = "OCI_MERGE_TEST_CRASH_STEPS";

/// Writes an image of one layer and names it; each `mark` is an image of its own.
fn write(path: &Path, mark: &str) -> Result<()> {
    let memory = Memory::new();
    let push = |media_type: MediaType, bytes: &[u8]| {
        let descriptor = Descriptor::of(media_type, bytes);
        memory.push(&descriptor, &bytes).map(|()| descriptor)
    };
    let (config, layer) = (push(MediaType::ImageConfig, b"{}")?, push(MediaType::ImageLayer, mark.as_bytes())?);
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] }).to_string();
    let root = push(MediaType::ImageManifest, manifest.as_bytes())?;
    let output = Layout::output(path)?;
    let options = CopyOptions { tags: vec!["full".into()], threads: 1, ..CopyOptions::default() };
    copy(&memory, &*output, &root, &options, &|_| {})?;
    output.finish().map(|_| ())
}

/// The marks of the images that a layout names, all of which must be whole.
fn marks(path: &Path) -> Vec<String> {
    let layout = Layout::open(path).unwrap();
    let mut marks = Vec::new();
    for entry in layout.manifests().unwrap() {
        let memory = Memory::new();
        let ledger = copy(&layout, &memory, &entry, &CopyOptions::default(), &|_| {}).unwrap();
        let layer = memory.fetch(&ledger.transfers[1].descriptor).unwrap().read_document(100).unwrap();
        marks.push(String::from_utf8(layer).unwrap());
    }
    marks
}

/// Not a test of its own: the process that is killed.
#[test]
fn victim() {
    let (Ok(path), Ok(steps)) = (std::env::var(PATH), std::env::var(STEPS)) else { return };
    LEFT.store(steps.parse().unwrap(), Ordering::SeqCst);
    write(Path::new(&path), "second").unwrap();
}

/// Runs a writer that dies at a step; whether it did.
fn killed(path: &Path, steps: u32) -> bool {
    let mut writer = Command::new(std::env::current_exe().unwrap());
    writer.args(["--exact", "layout::crash::victim"]).env(PATH, path).env(STEPS, steps.to_string());
    let status = writer.output().unwrap().status;
    assert!(status.success() || status.code().is_none(), "it failed instead");
    !status.success()
}

#[test]
fn a_writer_may_be_killed_at_any_step() {
    for there_before in [false, true] {
        let (mut steps, mut seen) = (0, std::collections::BTreeSet::new());
        loop {
            steps += 1;
            // Hundreds of syncs, which cost nothing in memory.
            let temp = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
            let path = temp.path().join("image");
            if there_before {
                write(&path, "first").unwrap();
            }
            let died = killed(&path, steps);
            let found = if path.exists() { marks(&path) } else { Vec::new() };
            let allowed: &[&[&str]] = if there_before { &[&["first"], &["second"]] } else { &[&[], &["second"]] };
            assert!(allowed.contains(&&found.iter().map(String::as_str).collect::<Vec<_>>()[..]), "{steps}: {found:?}");
            assert!(there_before || path.exists() == (found == ["second"]), "{steps}: half of it has the name");
            seen.insert(found);

            write(&path, "third").unwrap();
            assert_eq!(marks(&path), ["third"], "{steps}");
            for (directory, expected) in
                [(&path, &["blobs", "index.json", "oci-layout"][..]), (&temp.path().into(), &["image"])]
            {
                assert_eq!(Directory::open(directory).unwrap().names().unwrap(), expected, "{steps}");
            }
            if !died {
                break;
            }
        }
        // A writer of three blobs and an index makes dozens of steps; both outcomes must have been seen.
        assert!(steps > 20 && seen.len() == 2, "{steps} steps, {seen:?}");
    }
}
