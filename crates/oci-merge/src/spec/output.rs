//! `[output]`: how layers are written.

use super::keys;
use super::table::Table;
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

/// Reads `[output]`.
pub(super) fn read(top: &Table<'_>) -> Output {
    let mut output = Output::default();
    let Some(node) = top.get("output") else { return output };
    let Some(table) = Table::open(top.faults(), node, "[output]", &keys::OUTPUT) else { return output };
    output.compression = table.word("compression", &COMPRESSIONS).unwrap_or(output.compression);
    output.timestamps = table.word("timestamps", &TIMESTAMPS).unwrap_or_default();
    let most = match output.compression {
        Compression::None => 0,
        Compression::Gzip => 9,
        Compression::Zstd => 22,
    };
    output.level = table.integer("level", 0..=most);
    if let (Compression::Zstd, false, Some(at)) = (output.compression, cfg!(feature = "zstd"), table.get("compression"))
    {
        table.bad(&at.range, "this oci-merge was built without zstd (cargo feature `zstd`)");
    }
    output
}

pub(super) const COMPRESSIONS: [(&str, Compression); 3] =
    [("gzip", Compression::Gzip), ("zstd", Compression::Zstd), ("none", Compression::None)];

pub(super) const TIMESTAMPS: [(&str, Timestamps); 3] =
    [("clamp", Timestamps::Clamp), ("keep", Timestamps::Keep), ("epoch", Timestamps::Epoch)];
