//! What a run made: the data behind the table, `--json` and the result files.

use crate::event::{How, Transfer};
use crate::{Error, Result};
use oci_merge_image::Digest;
use oci_merge_layer::check::Finding;
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};

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
    /// What a person should know: why it was repacked, what was dropped.
    pub notes: Vec<String>,
    /// How its blob came into the registry, if it was pushed.
    pub transfer: Option<Transfer>,
    /// Bytes that were sent for it.
    pub bytes_sent: u64,
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
    pub findings: Vec<Finding>,
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

impl Built {
    /// The document that `--json` prints, `oci-merge.result/v1`.
    pub fn to_json(&self) -> serde_json::Value {
        let sent: u64 = self.layers.iter().map(|l| l.bytes_sent).sum();
        json!({
            "schema": "oci-merge.result/v1",
            "tool": { "name": "oci-merge", "version": env!("CARGO_PKG_VERSION") },
            "ok": true,
            "images": [self],
            "bytes": { "layers_up": sent },
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

/// Writes a file under a temporary name beside it and renames it, so that it is whole or not there.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut tempfile::NamedTempFile) -> std::io::Result<()>,
) -> Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let failed = |e| Error::disk(path, "cannot be written", e);
    let mut file = tempfile::Builder::new().permissions(world_readable()).tempfile_in(directory).map_err(failed)?;
    write(&mut file).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}

/// As an ordinary file would have: the umask takes its share.
fn world_readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}
