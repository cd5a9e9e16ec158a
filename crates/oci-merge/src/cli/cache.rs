//! `cache`: what the local store holds, and making room in it.

use super::args::Cache as Args;
use super::look::table;
use super::{Run, answer, number};
use oci_merge::{Cache, CacheFiles, Removal, Result};
use std::fmt::Write as _;

pub(super) fn cache(run: &Run, args: &Args) -> Result<()> {
    let removal = match (args.clean, args.older, args.down_to) {
        (true, ..) => Some(Removal::All),
        (_, Some(time), _) => Some(Removal::Unused(time)),
        (_, _, Some(size)) => Some(Removal::DownTo(size)),
        _ => None,
    };
    let cache = oci_merge::cache(&run.settings(None)?, removal)?;
    if removal.is_some() {
        let CacheFiles { files, size, .. } = &cache.removed;
        run.say(format!("removed {}, {}", number::counted(*files, "file"), number::bytes(*size)));
    }
    if run.common.json {
        let mut document = serde_json::json!({ "schema": "oci-merge.cache/v1" });
        if let (Some(into), Ok(serde_json::Value::Object(of))) =
            (document.as_object_mut(), serde_json::to_value(&cache))
        {
            into.extend(of);
        }
        return answer::document(&document);
    }
    answer::answer(&run.terminal.fit(&screen(&cache)))
}

fn screen(cache: &Cache) -> String {
    let (size, limit) = (number::bytes(cache.all.size), number::bytes(cache.limit));
    let mut out = String::new();
    let _ = writeln!(out, "{}   {size} of {limit}", cache.path);
    let mut rows = vec![["KIND", "FILES", "SIZE", "OLDEST"].map(str::to_owned)];
    let row = |kind: &str, of: &CacheFiles| {
        [kind.to_owned(), number::count(of.files), number::bytes(of.size), of.oldest.clone().unwrap_or_default()]
    };
    rows.extend(cache.kinds.iter().map(|(kind, of)| row(kind, of)));
    if !cache.kinds.is_empty() {
        out.push_str(&table(&rows, &[1, 2]));
    }
    out
}
