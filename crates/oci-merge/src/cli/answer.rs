//! stdout: the answer, and nothing else.

use std::io::{self, Write};

/// Writes the answer. A reader that has gone does not make a run that succeeded fail.
pub(crate) fn answer(text: &str) -> oci_merge::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(oci_merge::Error::Disk { path: "stdout".into(), doing: "cannot be written", source: e })
        }
        _ => Ok(()),
    }
}

/// Writes a JSON document.
pub(crate) fn document(value: &serde_json::Value) -> oci_merge::Result<()> {
    answer(&format!("{value:#}\n"))
}
