//! `[output]`: how layers are written.

use oci_merge_image::Compression;

/// `[output]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// How layers that we write are compressed.
    pub compression: Compression,
    /// The compressor's level; `None`: its default, 6 for gzip.
    pub level: Option<u32>,
    /// What becomes of the times of files.
    pub timestamps: Timestamps,
}

impl Default for Output {
    fn default() -> Output {
        Output { compression: Compression::Gzip, level: None, timestamps: Timestamps::Clamp }
    }
}

/// What becomes of the times of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timestamps {
    /// None is later than `SOURCE_DATE_EPOCH`, if that is set.
    #[default]
    Clamp,
    /// They stay.
    Keep,
    /// All are `SOURCE_DATE_EPOCH`.
    Epoch,
}
