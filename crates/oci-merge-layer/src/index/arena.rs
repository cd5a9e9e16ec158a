//! What entries have in different sizes, kept in one place each: names, attributes, facts.

use super::{Facts, NONE, XattrSet};
use crate::{Error, Result};
use std::collections::HashMap;

/// The names, attributes and facts of a layer, of bounded size.
#[derive(Debug, Clone, Default)]
pub(super) struct Arena {
    pub(super) names: Vec<u8>,
    pub(super) xattrs: Vec<XattrSet>,
    pub(super) facts: Vec<Facts>,
    known: HashMap<XattrSet, u32>,
    /// Bytes that there is still room for.
    room: usize,
}

impl Arena {
    /// An arena that takes so many bytes, and never more than 32 bits can count.
    pub(super) fn new(room: u64) -> Arena {
        Arena { room: usize::try_from(room).unwrap_or(usize::MAX).min(u32::MAX as usize), ..Arena::default() }
    }

    /// Takes a name: where it begins, and its length.
    pub(super) fn name(&mut self, name: &[u8]) -> Result<(u32, u16)> {
        self.spend(name.len())?;
        let start = u32::try_from(self.names.len()).map_err(|_| no_room())?;
        let length = u16::try_from(name.len()).map_err(|_| no_room())?;
        self.names.extend_from_slice(name);
        Ok((start, length))
    }

    /// Takes a set of attributes; equal sets are one.
    pub(super) fn xattrs(&mut self, set: Option<XattrSet>) -> Result<u32> {
        let Some(set) = set else { return Ok(NONE) };
        if let Some(&known) = self.known.get(&set) {
            return Ok(known);
        }
        self.spend(2 * set.bytes())?;
        let number = self.xattrs.len() as u32;
        self.xattrs.push(set.clone());
        self.known.insert(set, number);
        Ok(number)
    }

    /// Takes the facts of a file.
    pub(super) fn facts(&mut self, facts: Option<Facts>) -> Result<u32> {
        let Some(facts) = facts else { return Ok(NONE) };
        self.spend(facts.bytes())?;
        self.facts.push(facts);
        Ok(self.facts.len() as u32 - 1)
    }

    /// Counts bytes that are kept elsewhere.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<()> {
        self.room = self.room.checked_sub(bytes).ok_or_else(no_room)?;
        Ok(())
    }

    /// Nothing more will come.
    pub(super) fn close(mut self) -> Arena {
        self.known = HashMap::new();
        // Copied, as the records are.
        self.names = self.names.as_slice().into();
        self
    }
}

pub(super) fn no_room() -> Error {
    let text =
        "the names, attributes and facts of this layer need more memory than an index may use (limit name-bytes)";
    Error::refused("LIMIT_NAMES", text)
}
