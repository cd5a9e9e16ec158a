//! The name of a layer, from the name of its file.

use crate::{Error, Result};
use oci_merge_image::shown;
use std::path::Path;

/// The last component of a path without version and extension, as the name of a layer.
pub(super) fn name_of(path: &Path) -> Result<String> {
    const EXTENSIONS: [&str; 15] = [
        ".gz", ".xz", ".bz2", ".zst", ".tar", ".tgz", ".txz", ".tbz2", ".tbz", ".tzst", ".zip", ".deb", ".whl", ".jar",
        ".crate",
    ];
    let file = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut stem = file.as_str();
    while let Some(shorter) = EXTENSIONS.iter().find_map(|e| stem.strip_suffix(e)) {
        stem = shorter;
    }
    let version = stem.match_indices(['-', '_']).map(|(at, _)| at).find(|&at| {
        let after = stem.get(at + 1..).unwrap_or_default();
        after.strip_prefix('v').unwrap_or(after).starts_with(|c: char| c.is_ascii_digit())
    });
    let stem = stem.get(..version.unwrap_or(stem.len())).unwrap_or_default();
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let name = name.trim_matches('-').to_owned();
    if is_layer_name(&name) {
        return Ok(name);
    }
    let path = shown(path.as_os_str().as_encoded_bytes()).to_string();
    Err(Error::usage(format!("{path} does not make a name for a layer; give it one: NAME={path}")))
}

pub(super) fn is_layer_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_file_names() {
        let cases = [
            ("out/python.tar.zst", "python"),
            ("node-v22.11.0-linux-x64.tar.xz", "node"),
            ("ripgrep_14.1.1-1_amd64.deb", "ripgrep"),
            ("./rust-std-1.83.0.tgz", "rust-std"),
            ("JDK.zip", "jdk"),
            ("./node", "node"),
            ("python3.11-minimal_3.11.2_amd64.deb", "python3-11-minimal"),
        ];
        for (path, name) in cases {
            assert_eq!(name_of(Path::new(path)).unwrap(), name, "{path}");
        }
        assert!(name_of(Path::new("/")).is_err());
        assert!(name_of(Path::new("---")).is_err());
    }
}
