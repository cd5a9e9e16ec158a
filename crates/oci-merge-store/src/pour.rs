//! Moving bytes from a reader to a writer, and knowing which of the two failed.

use std::io::{self, Read, Write};

/// How many bytes are moved at once; all that a transfer of any size holds in memory.
pub(crate) const BUFFER: usize = 256 << 10;

/// The end that failed.
pub(crate) enum Spilt {
    Reading(io::Error),
    Writing(io::Error),
}

/// Reads to the end and writes all of it; returns how many bytes that were.
pub(crate) fn pour(from: &mut dyn Read, to: &mut dyn Write) -> Result<u64, Spilt> {
    let mut buffer = vec![0; BUFFER];
    let mut total = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(total),
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(Spilt::Reading(e)),
        };
        to.write_all(buffer.get(..count).unwrap_or_default()).map_err(Spilt::Writing)?;
        total += count as u64;
    }
}
