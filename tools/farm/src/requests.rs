//! Requests to a registry, by what registries limit.

use std::iter::Sum;
use std::ops::{Add, Mul};

/// How many requests there are of each kind. Requests for tokens are left out: every scheme has them, and one token
/// is good for many minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Requests {
    /// Whether a manifest or tag is there.
    pub manifest_heads: u64,
    /// Manifests that are read: what Docker Hub counts as pulls.
    pub manifest_gets: u64,
    /// Manifests and indexes that are put: Amazon's PutImage.
    pub manifest_puts: u64,
    /// Whether a blob is there.
    pub blob_heads: u64,
    /// Blobs that are read.
    pub blob_gets: u64,
    /// Blobs that are sent: two requests each, one opens the upload (`POST`), one brings the bytes (`PUT`).
    pub uploads: u64,
    /// Blobs that another repository of the registry gives.
    pub mounts: u64,
}

impl Requests {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.reads() + self.mounts + 2 * self.uploads + self.manifest_puts
    }

    /// Those that change nothing.
    pub fn reads(&self) -> u64 {
        self.manifest_heads + self.manifest_gets + self.blob_heads + self.blob_gets
    }
}

impl Add for Requests {
    type Output = Requests;

    fn add(self, other: Requests) -> Requests {
        Requests {
            manifest_heads: self.manifest_heads + other.manifest_heads,
            manifest_gets: self.manifest_gets + other.manifest_gets,
            manifest_puts: self.manifest_puts + other.manifest_puts,
            blob_heads: self.blob_heads + other.blob_heads,
            blob_gets: self.blob_gets + other.blob_gets,
            uploads: self.uploads + other.uploads,
            mounts: self.mounts + other.mounts,
        }
    }
}

impl Mul<u64> for Requests {
    type Output = Requests;

    fn mul(self, times: u64) -> Requests {
        Requests {
            manifest_heads: self.manifest_heads * times,
            manifest_gets: self.manifest_gets * times,
            manifest_puts: self.manifest_puts * times,
            blob_heads: self.blob_heads * times,
            blob_gets: self.blob_gets * times,
            uploads: self.uploads * times,
            mounts: self.mounts * times,
        }
    }
}

impl Sum for Requests {
    fn sum<I: Iterator<Item = Requests>>(all: I) -> Requests {
        all.fold(Requests::default(), Add::add)
    }
}
