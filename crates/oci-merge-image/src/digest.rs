//! Identifiers of content. Three types, because the field has confused them: image-spec `config.md` warns against
//! taking a diff_id for the digest of a layer.

use crate::{Error, ErrorKind, Result, shown};
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use std::fmt;
use std::str::FromStr;

/// A digest algorithm that the image specification registers (`descriptor.md`, Registered algorithms).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, which everything that oci-merge writes uses.
    Sha256,
    /// SHA-512, which is read and verified.
    Sha512,
}

impl Algorithm {
    /// The word before the colon.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }
}

/// A content identifier, `algorithm:hex` (image-spec `descriptor.md`, Digests).
///
/// Only sha256 and sha512 in lower-case hexadecimal of the exact length can be made, so a digest is safe as a file name.
///
/// ```
/// use oci_merge_image::Digest;
/// let empty: Digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse().unwrap();
/// assert_eq!(Digest::of(b""), empty);
/// assert!("sha256:../../etc/passwd".parse::<Digest>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Bytes);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Bytes {
    Sha256([u8; 32]),
    Sha512(Box<[u8; 64]>),
}

impl Digest {
    /// The SHA-256 digest of some bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::from_sha256(sha2::Sha256::digest(bytes).into())
    }

    /// A digest from the raw output of SHA-256.
    pub fn from_sha256(raw: [u8; 32]) -> Digest {
        Digest(Bytes::Sha256(raw))
    }

    /// A digest from the raw output of SHA-512.
    pub fn from_sha512(raw: [u8; 64]) -> Digest {
        Digest(Bytes::Sha512(Box::new(raw)))
    }

    /// Which algorithm made it.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Bytes::Sha256(_) => Algorithm::Sha256,
            Bytes::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The raw bytes, 32 or 64.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Bytes::Sha256(raw) => raw,
            Bytes::Sha512(raw) => &raw[..],
        }
    }

    /// The part after the colon: lower-case hexadecimal, a safe file name.
    pub fn hex(&self) -> String {
        hex(self.as_bytes())
    }

    /// `sha256:` and the first 12 digits: enough for a table.
    pub fn short(&self) -> String {
        let hex = self.hex();
        format!("{}:{}", self.algorithm().name(), hex.get(..12).unwrap_or(&hex))
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Digest> {
        let refuse = || {
            Error::new(
                ErrorKind::Digest,
                "DIGEST",
                format!(
                    "{} is not a digest: expected sha256: or sha512: and lower-case hexadecimal of its length",
                    shown(text)
                ),
            )
        };
        let (algorithm, hex) = text.split_once(':').ok_or_else(refuse)?;
        match algorithm {
            "sha256" => Ok(Digest(Bytes::Sha256(unhex(hex).ok_or_else(refuse)?))),
            "sha512" => Ok(Digest(Bytes::Sha512(Box::new(unhex(hex).ok_or_else(refuse)?)))),
            _ => Err(refuse()),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().name(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Digest, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The digest of a layer's *uncompressed* tar (image-spec `config.md`, Layer DiffID).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DiffId(pub Digest);

impl fmt::Display for DiffId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identifier of a *stack* of layers (image-spec `config.md`, Layer ChainID).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainId(pub Digest);

impl ChainId {
    /// The chain_id of layers from the bottom up; `None` for no layers at all.
    pub fn of(diff_ids: &[DiffId]) -> Option<ChainId> {
        let (first, rest) = diff_ids.split_first()?;
        let digest = rest.iter().fold(first.0.clone(), |below, this| Digest::of(format!("{below} {this}").as_bytes()));
        Some(ChainId(digest))
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|n| char::from_digit(n.into(), 16)).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_lower_case_digests_are_accepted() {
        let good = format!("sha256:{}", "a1".repeat(32));
        assert_eq!(good.parse::<Digest>().unwrap().to_string(), good);
        let long = format!("sha512:{}", "0f".repeat(64));
        assert_eq!(long.parse::<Digest>().unwrap().to_string(), long);
        for bad in
            ["sha256:", "sha256:A1", "md5:d41d8cd98f00b204e9800998ecf8427e", &good.to_uppercase(), &good[..70], "a1a1"]
        {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }

    #[test]
    fn chain_id_is_that_of_the_specification() {
        // config.md: ChainID(A) = A; ChainID(A|B) = sha256("ChainID(A) B"). Worked out with sha256sum.
        let (a, b) = (DiffId(Digest::of(b"a")), DiffId(Digest::of(b"b")));
        assert_eq!(ChainId::of(&[]), None);
        assert_eq!(ChainId::of(std::slice::from_ref(&a)).unwrap().0, a.0);
        assert_eq!(
            ChainId::of(&[a, b]).unwrap().to_string(),
            "sha256:51c0c8ace48498d6f5fee6b0592cc06f2da0f3cbe09c5a34a97dce85c3889676"
        );
    }
}
