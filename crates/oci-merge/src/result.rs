//! What a run made: the data behind the table, `--json` and the result files.

use crate::event::{How, Transfer};
use crate::layers::Ready;
use crate::report::FindingReport;
use crate::{Error, Result};
use oci_merge_image::{Digest, LayerPath};
use oci_merge_layer::check::Finding;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An image that was built and checked, and where it was written.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Built {
    /// Its name: that of the project.
    pub image: String,
    /// The platform it is for.
    pub platform: String,
    /// The digest of its manifest: what it is pulled by.
    pub manifest_digest: Digest,
    /// Bytes of its manifest.
    pub manifest_size: u64,
    /// The digest of its config: what engines call the image ID.
    pub config_digest: Digest,
    /// The base as it was named, and its digest.
    pub base: BuiltBase,
    /// The layers that were put on it, the lowest first.
    pub layers: Vec<BuiltLayer>,
    /// Its whole PATH.
    pub path: String,
    /// What the check took and found.
    pub check: Checked,
    /// Where it was written, one line each: `127.0.0.1:5000/demo:full@sha256:…`.
    pub written: Vec<Written>,
    /// What went to registries.
    #[serde(skip)]
    pub sent: Sent,
}

/// What went to registries for an image, as they would count it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Sent {
    /// Bytes of layers, those of the base included.
    pub layers_up: u64,
    /// Bytes of everything else: configs, manifests, path indexes.
    pub documents_up: u64,
    /// How many of all these went once more, for something broke on the way.
    pub sent_again: u64,
}

/// The base of a built image.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BuiltBase {
    /// As the spec names it.
    pub name: String,
    /// The digest of its manifest; none for `scratch`.
    pub digest: Option<Digest>,
    /// Bytes of its layers' blobs.
    pub size: u64,
    /// How many layers it has.
    pub layers: usize,
    /// How its layers came into the registry, if it was pushed: as the one did that took most.
    pub transfer: Option<Transfer>,
    /// Bytes that were sent for them.
    pub bytes_sent: u64,
}

/// A layer of a built image.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct BuiltLayer {
    /// Its name in the spec.
    pub name: String,
    /// Its version in the spec.
    pub version: Option<String>,
    /// Its prefix.
    pub prefix: String,
    /// The digest of its blob.
    pub digest: Digest,
    /// The digest of its tar.
    pub diff_id: Digest,
    /// Bytes of its blob.
    pub size: u64,
    /// Entries in it.
    pub paths: u64,
    /// How it came about.
    pub how: How,
    /// What a person should know: which layer of an image it is, why it was repacked, what was dropped.
    pub notes: Vec<String>,
    /// How its blob came into the registry, if it was pushed.
    pub transfer: Option<Transfer>,
    /// Bytes that were sent for it.
    pub bytes_sent: u64,
    /// How many of them went once more, for something broke on the way.
    pub bytes_sent_again: u64,
    /// The layers that it was joined of, the lowest first; none if it was not.
    pub joined: Vec<JoinedLayer>,
}

/// A layer that was checked by itself, and is in the image as part of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JoinedLayer {
    /// Its name in the spec.
    pub name: String,
    /// Its version in the spec.
    pub version: Option<String>,
    /// Its prefix.
    pub prefix: String,
    /// Bytes that its own blob has.
    pub size: u64,
    /// Entries in it.
    pub paths: u64,
    /// Where else it has files: prefixes of others in the same layer, and `/` for what is in none of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

impl JoinedLayer {
    pub(crate) fn of(layer: &Ready, also: &[LayerPath]) -> JoinedLayer {
        JoinedLayer {
            name: layer.name.clone(),
            version: layer.version.clone(),
            prefix: layer.prefix.to_string(),
            size: layer.descriptor.size,
            paths: layer.index.len() as u64,
            also: also.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What the check took and found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Checked {
    /// Claims that were compared.
    pub paths: u64,
    /// Seconds that it took.
    pub seconds: f64,
    /// Findings that stop the run: none, where there is a result.
    pub errors: usize,
    /// Findings that do not.
    pub warnings: usize,
    /// The warnings themselves.
    #[serde(rename = "findings")]
    pub report: FindingReport,
    /// What would have been a finding, but for an exception or what a layer overrides: the first thousand.
    pub agreed: Vec<Settled>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_none")]
    pub agreed_left_out: u64,
    /// Layers of the spec that are not for the platform, and so are not in the image; in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_for_platform: Vec<String>,
    /// The keys of `[policy]` that let more pass than their defaults do, with their levels.
    pub relaxed: BTreeMap<String, String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// A finding that the spec settles.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Settled {
    /// What settles it: `allow` or `overrides`.
    pub by: &'static str,
    /// Why it is right, as the exception says.
    pub reason: Option<String>,
    /// What would have been told.
    pub finding: Finding,
}

/// One place where the image is now.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Written {
    /// The place by its tag: `127.0.0.1:5000/demo:full`, `oci:./image:full`; a file for a layer.
    pub reference: String,
    /// The whole answer: the reference pinned to the digest, or what an engine knows the image by.
    pub answer: String,
    /// Whether the reference names a registry.
    pub pushed: bool,
}

impl BuiltLayer {
    /// What became of it, in the word of the tables: `unchanged`, `mounted`, `new`, `kept`, `joined` or `packed`.
    pub fn happened(&self) -> &'static str {
        match (self.transfer, self.how) {
            (Some(transfer), _) => transfer.happened(),
            (_, How::Kept) => "kept",
            (_, How::Joined) => "joined",
            _ => "packed",
        }
    }
}

impl Built {
    /// The document that `--json` prints, `oci-merge.result/v1`.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "schema": "oci-merge.result/v1",
            "tool": { "name": "oci-merge", "version": env!("CARGO_PKG_VERSION") },
            "ok": true,
            "images": [self],
            "bytes": self.sent,
        })
    }
}

/// Files that tell other programs what was made.
#[derive(Debug, Clone, Default)]
pub struct ResultFiles {
    /// The digest of the manifest, without a line end, as skopeo writes it.
    pub digest: Option<PathBuf>,
    /// The digest of the config ("image ID"), without a line end, as docker writes it.
    pub iid: Option<PathBuf>,
    /// buildx's keys, as JSON.
    pub metadata: Option<PathBuf>,
    /// Every reference pinned to its digest, one a line.
    pub refs: Option<PathBuf>,
}

impl ResultFiles {
    /// Makes sure that those that were asked for can be written, before anything is made that they tell of.
    ///
    /// # Errors
    /// One cannot be.
    pub fn check(&self) -> Result<()> {
        for path in [&self.digest, &self.iid, &self.metadata, &self.refs].into_iter().flatten() {
            match std::fs::metadata(path) {
                Ok(there) if there.is_dir() => {
                    let error = std::io::Error::from(std::io::ErrorKind::IsADirectory);
                    return Err(Error::disk(path, "cannot be written", error));
                }
                Ok(there) if !there.is_file() => {}
                _ => drop(beside(path)?),
            }
        }
        Ok(())
    }

    /// Writes those that were asked for.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, built: &Built) -> Result<()> {
        let refs: String = built.written.iter().map(|w| format!("{}\n", w.answer)).collect();
        let metadata = json!({
            "containerimage.config.digest": built.config_digest,
            "containerimage.descriptor": {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": built.manifest_digest,
                "size": built.manifest_size,
            },
            "containerimage.digest": built.manifest_digest,
            "image.name": built.written.iter().map(|w| w.reference.as_str()).collect::<Vec<_>>().join(","),
        });
        let files = [
            (&self.digest, built.manifest_digest.to_string()),
            (&self.iid, built.config_digest.to_string()),
            (&self.metadata, format!("{metadata:#}\n")),
            (&self.refs, refs),
        ];
        for (path, text) in files {
            if let Some(path) = path {
                write_whole(path, |file| std::io::Write::write_all(file, text.as_bytes()))?;
            }
        }
        Ok(())
    }
}

/// Writes a file under a temporary name beside it and renames it, so that it is whole or not there. A pipe or a device
/// that has the name already is written to, for a rename would put a file in its place.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> Result<()> {
    let failed = |e| Error::disk(path, "cannot be written", e);
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir()) {
        let mut there = File::options().write(true).open(path).map_err(failed)?;
        return write(&mut there).map_err(failed);
    }
    let mut file = beside(path)?;
    write(file.as_file_mut()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// A file under a temporary name in the directory of a path.
fn beside(path: &Path) -> Result<NamedTempFile> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let made = tempfile::Builder::new().permissions(world_readable()).tempfile_in(directory);
    // Its own error names a file that nobody has heard of.
    made.map_err(|e| Error::disk(path, "cannot be written", std::io::Error::from(e.kind())))
}

/// As an ordinary file would have: the umask takes its share.
fn world_readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::FileTypeExt;

    #[test]
    fn a_device_stays_one() {
        write_whole(Path::new("/dev/null"), |file| file.write_all(b"x")).unwrap();
        assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }

    #[test]
    fn a_file_is_whole_or_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("digest");
        write_whole(&path, |file| file.write_all(b"first")).unwrap();
        write_whole(&path, |file| file.write_all(b"sec").and(Err(std::io::Error::other("full")))).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else stays");
    }
}
