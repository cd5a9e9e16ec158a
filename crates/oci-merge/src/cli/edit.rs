//! `exclude`, `own`, `allow`: changes to the spec.

use super::spec_file::{self, SpecFile};
use super::{Run, answer};
use oci_merge::spec::{Edited, SpecText};
use oci_merge::{Error, Result};
use serde_json::json;

/// Makes a change, writes the file again, and says what was changed.
pub(super) fn edit(run: &Run, change: impl FnOnce(&SpecText<'_>) -> Result<Edited>) -> Result<()> {
    let SpecFile { shown, path, directory, text } = spec_file::open(run.common.file.as_deref())?;
    let path = path.ok_or_else(|| Error::Usage("a spec on stdin cannot be edited; name its file".into()))?;
    let edited = change(&SpecText { file: &shown, directory: &directory, text: &text })?;
    if !edited.changes.is_empty() {
        edited.write(&path, &text)?;
    }
    if run.common.json {
        let document = json!({ "schema": "oci-merge.edit/v1", "file": shown, "changes": edited.changes });
        return answer::document(&document);
    }
    match edited.changes[..] {
        [] => run.say(format!("{} says so already; nothing was changed.", oci_merge_image::shown(&shown))),
        _ => edited.changes.iter().for_each(|change| run.say(change)),
    }
    Ok(())
}
