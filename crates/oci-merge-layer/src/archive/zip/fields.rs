//! The numbers of a zip: little-endian, one after the other.

use crate::{Error, Result};

/// Bytes that are taken apart from the front; all that is missing is an error.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or_else(|| corrupt("a record is cut short"))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes(N).map(|bytes| bytes.try_into().unwrap_or([0; N]))
    }
}

/// Extra fields: an id and a value each. What is left over at the end, as some writers leave it, is passed over.
pub(super) fn extra_fields(extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = Fields(extra);
    std::iter::from_fn(move || {
        let id = rest.u16().ok()?;
        let length = rest.u16().ok()?;
        Some((id, rest.bytes(length.into()).ok()?))
    })
}

pub(super) fn corrupt(what: &str) -> Error {
    Error::refused("ZIP_CORRUPT", format!("the zip is damaged: {what}"))
}
