//! `push`: what was built earlier.

use super::args::Push;
use super::settings::expected;
use super::{Run, answer, place};
use oci_merge::{Error, Reference, Result, Settings};
use std::path::Path;

pub(super) fn push(run: &Run, args: &Push) -> Result<()> {
    let source = place::image(&args.image)?;
    let parse = |text: &String| text.parse::<Reference>().map_err(|e| Error::Usage(e.to_string()));
    let references = args.references.iter().map(parse).collect::<Result<Vec<_>>>()?;
    let settings = Settings { expected: expected(&args.tag_race)?, ..run.settings(None)? };
    let written = oci_merge::push(&source, Path::new(""), &references, &settings)?;
    run.progress.rest();
    if run.common.json {
        return answer::document(&serde_json::json!({ "schema": "oci-merge.push/v1", "written": written }));
    }
    let lines: String = written.iter().map(|w| format!("{}\n", w.answer)).collect();
    answer::answer(&lines)
}
