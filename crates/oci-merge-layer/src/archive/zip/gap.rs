//! What stands between the members: padding that nobody reads, or a record that some do.
//!
//! Who reads a zip from a pipe goes from header to header, and looks for the next one where none follows: libarchive finds
//! a member that the directory does not know, or takes what looks like the directory for the end.

use crate::{Error, Result};
use std::io::{Read, Seek, SeekFrom};

/// The records such a reader knows, behind `PK`: a member, the directory, and the three that end a zip.
const RECORDS: [&[u8]; 5] = [b"\x03\x04", b"\x01\x02", b"\x05\x06", b"\x06\x06", b"\x06\x07"];
/// Bytes of what begins a record.
const SIGNATURE: usize = 4;
/// Bytes that are looked at at once.
const PIECE: usize = 64 << 10;

/// Refuses a record in these bytes of the zip, which are no member's.
pub(super) fn judge<R: Read + Seek>(input: &mut R, from: u64, to: u64) -> Result<()> {
    let Some(length) = to.checked_sub(from) else {
        return Err(Error::refused("ZIP_OVERLAP", "two members of the zip share bytes"));
    };
    if length < SIGNATURE as u64 {
        return Ok(());
    }
    input.seek(SeekFrom::Start(from)).map_err(Error::from)?;
    let mut rest = input.take(length);
    let mut piece = Vec::with_capacity(PIECE + SIGNATURE);
    let mut at = from;
    loop {
        let kept = piece.len();
        if rest.by_ref().take(PIECE as u64).read_to_end(&mut piece).map_err(Error::from)? == 0 {
            return Ok(());
        }
        if let Some(place) = piece.windows(SIGNATURE).position(is_record) {
            let text = format!(
                "at byte {} of the zip, between its members, stands a record that its directory does not know: readers \
                 that go from header to header see other files",
                at - kept as u64 + place as u64
            );
            return Err(Error::refused("ZIP_HIDDEN", text));
        }
        at += (piece.len() - kept) as u64;
        // A record may begin in one piece and go on in the next.
        piece.drain(..piece.len().saturating_sub(SIGNATURE - 1));
    }
}

fn is_record(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"PK").is_some_and(|kind| RECORDS.contains(&kind))
}
