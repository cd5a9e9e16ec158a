//! The demo: a spec and three toy tools, and a fourth that clashes with the third.

use super::init::create;
use oci_merge::{Error, Result};
use oci_merge_image::shown;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The spec.
pub(super) const SPEC: &str = include_str!("demo.toml");

/// The other files, below its directory: where they go, what is in them, whether they run.
const FILES: [(&str, &str, bool); 8] = [
    ("demo/alpha/bin/alpha", include_str!("demo/alpha/bin/alpha"), true),
    ("demo/alpha/share/greeting", include_str!("demo/alpha/share/greeting"), false),
    ("demo/beta/bin/beta", include_str!("demo/beta/bin/beta"), true),
    ("demo/beta/lib/beta.sh", include_str!("demo/beta/lib/beta.sh"), false),
    ("demo/gamma/etc/profile.d/greeting.sh", include_str!("demo/gamma/etc/profile.d/greeting.sh"), false),
    ("demo/gamma/opt/gamma/bin/gamma", include_str!("demo/gamma/opt/gamma/bin/gamma"), true),
    ("demo/delta/etc/profile.d/greeting.sh", include_str!("demo/delta/etc/profile.d/greeting.sh"), false),
    ("demo/delta/opt/delta/bin/delta", include_str!("demo/delta/opt/delta/bin/delta"), true),
];

/// 2026-01-01T00:00:00Z. All have one time, so that the demo's image has one digest, whoever makes it and when.
const TIME: Duration = Duration::from_secs(1_767_225_600);

/// What was written.
pub(super) struct Written {
    /// The directory of the tools.
    pub(super) directory: PathBuf,
    pub(super) files: usize,
    pub(super) bytes: u64,
}

/// Writes the spec, and the tools beside it; neither the file nor a `demo` may be there.
pub(super) fn write(spec: &Path) -> Result<Written> {
    let directory = spec.parent().unwrap_or(Path::new(""));
    let demo = directory.join("demo");
    if fs::symlink_metadata(&demo).is_ok() {
        return Err(Error::Usage(format!(
            "{} is there already; it is not overwritten",
            shown(demo.as_os_str().as_encoded_bytes())
        )));
    }
    let tools = FILES.map(|(name, text, runs)| (directory.join(name), text, runs));
    for (path, text, runs) in std::iter::once((spec.to_owned(), SPEC, false)).chain(tools) {
        let parent = path.parent().unwrap_or(directory);
        fs::create_dir_all(parent).map_err(|e| failed(parent, e))?;
        create(&path, text.as_bytes())?;
        settle(&path, if runs { 0o755 } else { 0o644 })?;
    }
    // Last, for making a file touches its directory; the deepest first is not needed, as nothing is made any more.
    for directory in directories(&demo) {
        settle(&directory, 0o755)?;
    }
    let bytes = FILES.iter().map(|(_, text, _)| text.len()).sum::<usize>() + SPEC.len();
    Ok(Written { directory: demo, files: FILES.len() + 1, bytes: bytes as u64 })
}

/// Gives a file or directory its mode and its time, whatever the umask and the clock say.
fn settle(path: &Path, mode: u32) -> Result<()> {
    let set = || {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        File::open(path)?.set_modified(SystemTime::UNIX_EPOCH + TIME)
    };
    set().map_err(|e| failed(path, e))
}

/// Every directory of the demo.
fn directories(demo: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = Vec::new();
    for (name, ..) in FILES {
        for part in Path::new(name).ancestors().skip(1).filter(|part| part.starts_with("demo")) {
            let path = demo.join(part.strip_prefix("demo").unwrap_or(part));
            if !all.contains(&path) {
                all.push(path);
            }
        }
    }
    all
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Disk { path: path.into(), doing: "cannot be written", source }
}
