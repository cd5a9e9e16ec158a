//! `[output]`: how layers are written.

use super::document::Value;
use super::keys;
use super::table::Table;
use oci_merge_image::Compression;
use oci_merge_layer::compressor::Level;

/// `[output]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// How layers that we write are compressed.
    pub compression: Compression,
    /// How hard gzip tries; the others have one way.
    pub level: Level,
    /// What becomes of the times of files.
    pub timestamps: Timestamps,
    /// Whether small layers are joined if there are more than an image may have.
    pub pack: bool,
}

impl Default for Output {
    fn default() -> Output {
        Output { compression: Compression::Gzip, level: Level::DEFAULT, timestamps: Timestamps::Clamp, pack: false }
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
    output.level = level(&table, output.compression).unwrap_or_default();
    output.pack = table.boolean("pack").unwrap_or_default();
    if let (Compression::Zstd, false, Some(at)) = (output.compression, cfg!(feature = "zstd"), table.get("compression"))
    {
        table.bad(&at.range, "this oci-merge was built without zstd (cargo feature `zstd`)");
    }
    output
}

/// A number, or a word for one.
fn level(table: &Table<'_>, compression: Compression) -> Option<Level> {
    let node = table.get("level")?;
    if compression != Compression::Gzip {
        table.bad(&node.range, "only gzip has levels; leave `level` out");
        return None;
    }
    let text = match &node.value {
        Value::Integer(number) => number.to_string(),
        _ => table.string("level")?.text,
    };
    let level = text.parse();
    level.map_err(|e: oci_merge_layer::Error| table.bad(&node.range, format!("`level` in [output]: {e}"))).ok()
}

pub(super) const COMPRESSIONS: [(&str, Compression); 3] =
    [("gzip", Compression::Gzip), ("zstd", Compression::Zstd), ("none", Compression::None)];

pub(super) const TIMESTAMPS: [(&str, Timestamps); 3] =
    [("clamp", Timestamps::Clamp), ("keep", Timestamps::Keep), ("epoch", Timestamps::Epoch)];

#[cfg(test)]
mod tests {
    use crate::Spec;
    use std::path::Path;

    fn level(output: &str) -> Result<u8, String> {
        let text = format!(
            "schema = 1\nbase.image = \"scratch\"\nproject.platforms = [\"linux/amd64\"]\n[output]\n{output}\n[layer.a]\nprefix = \"/opt/a\"\nsource = {{ path = \"a\" }}\n"
        );
        let spec = Spec::parse("s.toml", Path::new("/d"), &text).map_err(|e| e.to_string())?;
        Ok(spec.output.level.number())
    }

    #[test]
    fn a_level_is_a_word_or_a_number() {
        let expected =
            [("", 5), ("level = \"fast\"", 2), ("level = \"default\"", 5), ("level = 2", 2), ("level = 9", 9)];
        for (text, number) in expected {
            assert_eq!(level(text), Ok(number), "{text}");
        }
        for text in ["level = 0", "level = 1", "level = 10", "level = \"hard\"", "level = -2", "level = true"] {
            assert!(level(text).is_err(), "{text}");
        }
        let error = level("compression = \"none\"\nlevel = 2").unwrap_err();
        assert!(error.contains("only gzip has levels"), "{error}");
    }
}
