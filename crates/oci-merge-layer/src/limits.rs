//! How much of each thing an archive may hold (design: reliability, section 3.2).

use crate::{Error, ErrorKind, Result};

/// Upper bounds for what one archive may make the reader do. Each has a reason of its own when it is exceeded.
///
/// The limits on names (4095 bytes, 255 a component) are Linux's and cannot be changed; see
/// [`LayerPath`](oci_merge_image::LayerPath).
///
/// ```
/// use oci_merge_layer::Limits;
/// let mut limits = Limits::default();
/// assert_eq!(limits.entries, 5_000_000);
/// limits.set("entries", 10).unwrap();
/// assert_eq!(limits.entries, 10);
/// assert!(limits.set("beans", 1).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the uncompressed archive, and of everything that its sparse files expand to. 64 GiB.
    pub layer_bytes: u64,
    /// Entries of a layer. 5 million.
    pub entries: u64,
    /// Bytes of one extension header: PAX records, or a GNU long name. 1 MiB, which is Go's own limit.
    pub extension_bytes: u64,
    /// Bytes of the names, link targets, attributes and facts of a layer, which an index holds in memory. 512 MiB.
    pub name_bytes: u64,
    /// Extended attributes of one entry. 512.
    pub xattrs: u64,
    /// Pieces of data in the map of one sparse file. 10,000.
    pub sparse_pieces: u64,
    /// Bytes of the window that a zstd frame, or of the dictionary that an xz block, makes the decoder keep. 128 MiB.
    pub window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            layer_bytes: 64 << 30,
            entries: 5_000_000,
            extension_bytes: 1 << 20,
            name_bytes: 512 << 20,
            xattrs: 512,
            sparse_pieces: 10_000,
            window_bytes: 128 << 20,
        }
    }
}

impl Limits {
    /// The names that [`set`](Limits::set) knows, in the order of the fields.
    pub const NAMES: [&str; 7] =
        ["layer-bytes", "entries", "extension-bytes", "name-bytes", "xattrs", "sparse-pieces", "window-bytes"];

    /// Changes the limit of a name.
    ///
    /// # Errors
    /// There is no limit of that name; the text lists those there are.
    pub fn set(&mut self, name: &str, value: u64) -> Result<()> {
        let field = match name {
            "layer-bytes" => &mut self.layer_bytes,
            "entries" => &mut self.entries,
            "extension-bytes" => &mut self.extension_bytes,
            "name-bytes" => &mut self.name_bytes,
            "xattrs" => &mut self.xattrs,
            "sparse-pieces" => &mut self.sparse_pieces,
            "window-bytes" => &mut self.window_bytes,
            _ => {
                let text =
                    format!("{} is not a limit; there are {}", oci_merge_image::shown(name), Self::NAMES.join(", "));
                return Err(Error::new(ErrorKind::Limit, text));
            }
        };
        *field = value;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_sets_a_field_of_its_own() {
        let mut limits = Limits::default();
        for (value, name) in (1..).zip(Limits::NAMES) {
            limits.set(name, value).unwrap();
        }
        let set = Limits {
            layer_bytes: 1,
            entries: 2,
            extension_bytes: 3,
            name_bytes: 4,
            xattrs: 5,
            sparse_pieces: 6,
            window_bytes: 7,
        };
        assert_eq!(limits, set);
        let error = limits.set("bean\x1bs", 1).unwrap_err().to_string();
        assert!(error.starts_with("bean\\x1bs is not a limit; there are layer-bytes, entries"), "{error}");
    }
}
