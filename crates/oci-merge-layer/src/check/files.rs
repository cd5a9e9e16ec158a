//! Several files with one cause: the first few, and how many there are.

use oci_merge_image::LayerPath;
use std::fmt;

/// How many of many files are named.
const NAMED: usize = 100;

/// Files of one owner that a finding is about, told together because they have one cause.
///
/// Displayed, it is the first and how many more: `/opt/x/bin/y and 12 more`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Files {
    /// The first hundred, in order.
    pub first: Vec<LayerPath>,
    /// How many there are.
    pub count: u64,
    /// What they lack, where that is more than what the finding is about: names of versions, targets of links; or the names
    /// of their machines.
    pub lacks: Vec<Vec<u8>>,
}

impl Files {
    /// Files in order.
    pub(super) fn new(files: impl Iterator<Item = LayerPath>) -> Files {
        let mut told = Files::default();
        for file in files {
            told.count += 1;
            if told.first.len() < NAMED {
                told.first.push(file);
            }
        }
        told
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.iter().take(1).try_for_each(|file| file.fmt(f))?;
        if self.count > 1 { write!(f, " and {} more", self.count - 1) } else { Ok(()) }
    }
}
