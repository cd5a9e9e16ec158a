//! Compressing a layer on many threads, to bytes that depend on nothing but the layer.
//!
//! The tar is cut into blocks of 1 MiB at most. Each is compressed by itself, on any thread of a [`Pool`]; the thread that
//! makes the layer fills blocks and writes compressed ones in their order. So the bytes are the same for any number
//! of threads and any size of writes, and the memory is that of the pool's blocks, whatever the size of a layer and
//! however many layers are made at once.
//!
//! Where a block ends for gzip is decided by the entries around, so that a file that grows moves few other ends:
//! most blocks of the layer are as they were, and are not compressed [again](Earlier).

mod block;
mod earlier;
pub(crate) mod gzip;
mod pool;
mod stream;
#[cfg(feature = "zstd")]
mod zstd;

pub use earlier::{Blocks, Earlier};
pub use pool::Pool;
pub(crate) use stream::Compressed;

use crate::{Error, ErrorKind};
use oci_merge_image::{Compression, shown};
use std::str::FromStr;

/// How a layer that we write is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compressor {
    /// Not at all.
    None,
    /// gzip (RFC 1952), one member.
    Gzip(Level),
    /// zstd (RFC 8878) at level 3, a frame for each block; decoded again by another implementation before it is
    /// written.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Default for Compressor {
    fn default() -> Compressor {
        Compressor::Gzip(Level::DEFAULT)
    }
}

impl Compressor {
    /// The name, release, level and way of working of what compresses: its bytes may differ from release to release, so
    /// this belongs into the key under which a layer is kept.
    pub fn version(self) -> String {
        match self {
            Compressor::None => "none".into(),
            Compressor::Gzip(level) => format!("zlib-rs 0.6, blocks that end at entries, level {}", level.number()),
            #[cfg(feature = "zstd")]
            Compressor::Zstd => "structured-zstd 0.2, frames of 1 MiB".into(),
        }
    }

    /// How a reader will find the layer compressed.
    pub fn compression(self) -> Compression {
        match self {
            Compressor::None => Compression::None,
            Compressor::Gzip(_) => Compression::Gzip,
            #[cfg(feature = "zstd")]
            Compressor::Zstd => Compression::Zstd,
        }
    }
}

/// How hard gzip tries: `fast`, `default`, or a number from 2 to 9.
///
/// There is no level 1: what it writes is a sixth larger than at level 2, the fast one. The default is not that of
/// gzip(1): on programs and their libraries, level 6 takes a quarter more time than level 5 for a four-hundredth less.
///
/// ```
/// use oci_merge_layer::compressor::Level;
/// assert_eq!("fast".parse::<Level>().unwrap(), Level::FAST);
/// assert_eq!("5".parse::<Level>().unwrap(), Level::DEFAULT);
/// assert!("1".parse::<Level>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// In three fifths of the time of the default, and a fourteenth larger.
    pub const FAST: Level = Level(2);
    /// As small as level 6, but for a four-hundredth, in four fifths of its time.
    pub const DEFAULT: Level = Level(5);

    /// The number, 2 to 9.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl Default for Level {
    fn default() -> Level {
        Level::DEFAULT
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Level, Error> {
        match (text, text.parse()) {
            ("fast", _) => Ok(Level::FAST),
            ("default", _) => Ok(Level::DEFAULT),
            (_, Ok(number @ 2..=9)) if text.len() == 1 => Ok(Level(number)),
            _ => {
                let text = format!("{} is no level of compression: fast, default, or 2 to 9", shown(text));
                Err(Error::new(ErrorKind::Level, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_two_to_nine() {
        for good in 2..=9u8 {
            assert_eq!(good.to_string().parse::<Level>().unwrap().number(), good);
        }
        for bad in ["0", "1", "10", "02", "+2", "", "Fast", "best"] {
            assert!(bad.parse::<Level>().is_err(), "{bad}");
        }
    }
}
