//! Blobs: HEAD and GET, with byte ranges (distribution-spec, Pulling blobs; RFC 9110 section 14).

use super::registry::Registry;
use super::reply::{Code, Halt, Reply};
use super::request::Request;
use oci_merge_image::Digest;
use std::io::{Read, SeekFrom};

impl Registry {
    pub(super) fn blob(&self, request: &Request, repository: &str, digest: &Digest) -> Result<Reply, Halt> {
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return Err(Code::Unsupported.reply("a blob can be read, not changed").into());
        }
        let found = self.shelf.blob(repository, digest)?;
        let (size, mut bytes) =
            found.ok_or_else(|| Code::BlobUnknown.reply(format!("{repository} has no {digest}")))?;
        let range = request.field("range").filter(|_| request.method == "GET");
        let (status, first, length) = match range.and_then(|range| bytes_of(range, size)) {
            None => (200, 0, size),
            Some(Ok((first, last))) => (206, first, last - first + 1),
            Some(Err(())) => {
                let reply = Code::SizeInvalid.reply(format!("the blob has {size} bytes")).status(416);
                return Err(reply.with("Content-Range", format!("bytes */{size}")).into());
            }
        };
        if bytes.seek(SeekFrom::Start(first)).is_err() {
            return Err(Code::Unknown.reply("the blob cannot be read").into());
        }
        let reply = Reply::stream(status, length, bytes.take(length)).of(digest);
        let reply = reply.with("Content-Type", "application/octet-stream").with("Accept-Ranges", "bytes");
        Ok(match status {
            206 => reply.with("Content-Range", format!("bytes {first}-{}/{size}", first + length - 1)),
            _ => reply,
        })
    }
}

/// The first and the last byte that a `Range` asks for, an error if there are none; `None` for what may be ignored.
fn bytes_of(range: &str, size: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1).ok_or(());
    let number = |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
    Some(match (first, last) {
        ("", count) => match number(count)? {
            0 => Err(()),
            count => end.map(|end| (size.saturating_sub(count), end)),
        },
        (first, "") => {
            let first = number(first)?;
            end.and_then(|end| if first <= end { Ok((first, end)) } else { Err(()) })
        }
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return None;
            }
            end.and_then(|end| if first <= end { Ok((first, last.min(end))) } else { Err(()) })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        // The examples of section 14.1.2, for 10 000 bytes.
        for (range, expected) in [
            ("bytes=0-499", Some(Ok((0, 499)))),
            ("bytes=500-999", Some(Ok((500, 999)))),
            ("bytes=-500", Some(Ok((9500, 9999)))),
            ("bytes=9500-", Some(Ok((9500, 9999)))),
            ("bytes=0-0,-1", None),
            ("bytes=9999-20000", Some(Ok((9999, 9999)))),
            ("bytes=10000-", Some(Err(()))),
            ("bytes=-0", Some(Err(()))),
            ("bytes=5-2", None),
            ("bytes=-20000", Some(Ok((0, 9999)))),
            ("lines=0-1", None),
            ("bytes=+1-2", None),
            ("bytes=-", None),
        ] {
            assert_eq!(bytes_of(range, 10_000), expected, "{range}");
        }
        assert_eq!(bytes_of("bytes=0-", 0), Some(Err(())));
    }
}
