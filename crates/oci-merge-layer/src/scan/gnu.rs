//! GNU's long names: the name, or link target, of the entry that follows (types `L` and `K`).

use crate::Result;
use crate::judge::Judge;
use oci_merge_image::shown;

/// The name in the body of such a header: up to the one NUL that ends it.
pub(super) fn long_name(body: &[u8], judge: &mut Judge) -> Result<Vec<u8>> {
    let name = body.strip_suffix(b"\0").unwrap_or(body);
    let end = name.iter().position(|&byte| byte == 0);
    if end.is_some() {
        let start = name.get(..name.len().min(64)).unwrap_or_default();
        judge.ambiguous("TAR_GNU_NUL", || {
            format!("a long name with a NUL inside, at which some readers end it: \"{}\"", shown(start))
        })?;
    }
    Ok(name.get(..end.unwrap_or(name.len())).unwrap_or_default().to_vec())
}
