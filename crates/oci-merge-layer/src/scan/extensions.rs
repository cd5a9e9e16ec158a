//! Headers that say something about the entry that follows them.

use super::Scanner;
use super::blocks::{is_zero, padding};
use super::gnu::long_name;
use super::header::{Format, Header, TIMES};
use super::pax::{Pax, judge_global};
use super::records::Records;
use crate::{Error, Result};
use std::io::Read;

/// What was said about the entry to come.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    pub(super) pax: Option<Pax>,
    /// GNU's long name.
    pub(super) name: Option<Vec<u8>>,
    /// GNU's long link target.
    pub(super) link: Option<Vec<u8>>,
}

impl Extensions {
    pub(super) fn is_empty(&self) -> bool {
        self.pax.is_none() && !self.has_gnu()
    }

    fn has_gnu(&self) -> bool {
        self.name.is_some() || self.link.is_some()
    }
}

impl<R: Read> Scanner<R> {
    /// Reads an extension header of type `x`, `g`, `L` or `K`.
    pub(super) fn extend(&mut self, header: &Header) -> Result<()> {
        self.judge_carrier(header)?;
        self.read_body(header.size)?;
        match header.typeflag {
            b'x' => {
                let pax = Pax::read(&self.body, &self.limits, &mut self.judge);
                self.extensions.pax = Some(pax.inspect_err(|_| self.name_what_follows())?);
            }
            b'L' => self.extensions.name = Some(long_name(&self.body, &mut self.judge)?),
            b'K' => self.extensions.link = Some(long_name(&self.body, &mut self.judge)?),
            _ => {
                judge_global(&self.body, &mut self.judge)?;
                self.judge.place(None);
            }
        }
        Ok(())
    }

    /// For the error about an `x` header, whose own name means little: `././@PaxHeader` in Python, `PaxHeaders.0/a` in Go.
    fn name_what_follows(&mut self) {
        let mut records = Records::new(&self.body);
        while let Ok(Some((key, value))) = records.next(&mut self.judge) {
            if key == b"path" {
                self.name = value.to_vec();
                return;
            }
        }
        let name = |block: &[u8]| block.iter().take(100).take_while(|&&byte| byte != 0).copied().collect();
        if let Ok(block) = self.blocks.block() {
            self.name = name(block);
        }
    }

    /// Whether the header may stand here, and be of its format.
    fn judge_carrier(&mut self, header: &Header) -> Result<()> {
        let kind = char::from(header.typeflag);
        let is_global = header.typeflag == b'g';
        if is_global {
            if !self.extensions.is_empty() {
                self.judge.ambiguous("TAR_PAX_GLOBAL", || {
                    "a global header between an extension and its entry: some readers forget the extension".into()
                })?;
                self.extensions = Extensions::default();
            }
            self.judge.harmless("TAR_PAX_GLOBAL", || "a global header".into())?;
        }
        let expected = if is_global || header.typeflag == b'x' { Format::Ustar } else { Format::Gnu };
        if header.format != expected {
            self.judge.ambiguous("TAR_FORMAT", || {
                format!("a header of type {kind} in a format that does not have this type")
            })?;
        }
        if !TIMES.contains(&header.mtime) {
            self.judge.harmless("TAR_MTIME", || "an extension header with a time that no file system holds".into())?;
        }
        let twice = match header.typeflag {
            b'x' if self.extensions.pax.is_some() => Some("TAR_PAX_TWICE"),
            b'L' if self.extensions.name.is_some() => Some("TAR_GNU_TWICE"),
            b'K' if self.extensions.link.is_some() => Some("TAR_GNU_TWICE"),
            _ => None,
        };
        if let Some(reason) = twice {
            self.judge.ambiguous(reason, || format!("two headers of type {kind} for one entry"))?;
        }
        let mixed = if header.typeflag == b'x' { self.extensions.has_gnu() } else { self.extensions.pax.is_some() };
        if mixed {
            let text = "a PAX header and a GNU long name for one entry: readers disagree which of them counts";
            self.judge.ambiguous("TAR_MIXED_EXTENSIONS", || text.into())?;
        }
        Ok(())
    }

    fn read_body(&mut self, size: u64) -> Result<()> {
        let limit = self.limits.extension_bytes;
        if size > limit {
            let text = format!("an extension header of {size} bytes, more than {limit} (limit extension-bytes)");
            return Err(Error::refused("LIMIT_EXTENSION_BYTES", text));
        }
        self.body.clear();
        self.blocks.append(size + padding(size), &mut self.body)?;
        let truncated = || Error::refused("TAR_TRUNCATED", "the archive ends within an extension header");
        if self.body.len() as u64 != size + padding(size) {
            return Err(truncated());
        }
        let (_, fill) = self.body.split_at_checked(size as usize).ok_or_else(truncated)?;
        if !is_zero(fill) {
            let text = "something other than zeros after the body of an extension header, where a reader may go on";
            self.judge.ambiguous("TAR_FORMAT", || text.into())?;
        }
        self.body.truncate(size as usize);
        Ok(())
    }
}
