//! The machine an image is for (image-spec `image-index.md`, `platform`).

use crate::{Error, ErrorKind, Result, shown};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;

/// An operating system, an architecture and perhaps a variant, in Go's words: `linux/arm64`.
///
/// ```
/// use oci_merge_image::Platform;
/// assert_eq!("aarch64".parse::<Platform>().unwrap().to_string(), "linux/arm64");
/// assert_eq!("arm/v7".parse::<Platform>().unwrap().to_string(), "linux/arm/v7");
/// assert!("linux/amd46".parse::<Platform>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Platform {
    /// `GOARCH`: `amd64`, `arm64`, …
    pub architecture: String,
    /// `GOOS`: `linux`, …
    pub os: String,
    /// The variant of the processor, such as `v7`; `v8` of arm64 is the same as none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Every other field, `os.version` and `os.features` included.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl Platform {
    /// A platform of Linux.
    pub fn linux(architecture: &str) -> Platform {
        Platform { architecture: architecture.into(), os: "linux".into(), variant: None, rest: Map::new() }
    }

    /// Whether an image for `other` is an image for this platform: os, architecture and variant are equal, where
    /// no variant stands for arm64's `v8`, arm's `v7` and amd64's `v1`.
    pub fn matches(&self, other: &Platform) -> bool {
        let variant = |p: &Platform| match (p.architecture.as_str(), p.variant.as_deref()) {
            ("arm64", None | Some("v8" | "8")) => "v8".to_owned(),
            ("arm", None | Some("7")) => "v7".to_owned(),
            ("amd64", None | Some("v1")) => "v1".to_owned(),
            (_, v) => v.unwrap_or_default().to_owned(),
        };
        self.os == other.os && self.architecture == other.architecture && variant(self) == variant(other)
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Platform> {
        let refuse = |why: &str| {
            Error::new(ErrorKind::Platform, "PLATFORM", format!("{} is not a platform: {why}", shown(text)))
        };
        let form = "expected os/arch[/variant], such as linux/arm64";
        let parts: Vec<&str> = text.split('/').collect();
        if parts
            .iter()
            .any(|p| p.is_empty() || !p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'))
        {
            return Err(refuse(form));
        }
        let (os, architecture, variant) = match parts[..] {
            [architecture] => ("linux", architecture, None),
            [architecture, variant] if is_known(architecture) => ("linux", architecture, Some(variant.to_owned())),
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant.to_owned())),
            _ => return Err(refuse(form)),
        };
        // Of other systems, somebody may know more.
        if os == "linux" && !is_known(architecture) {
            return Err(refuse(&format!("no architecture is called {architecture}; known are {GOARCH}")));
        }
        let (architecture, variant) = match (in_go(architecture), variant) {
            ("arm64", Some(v)) if v == "v8" => ("arm64", None),
            other => other,
        };
        Ok(Platform { architecture: architecture.into(), os: os.into(), variant, rest: Map::new() })
    }
}

/// Go's word for an architecture that Linux calls otherwise.
fn in_go(architecture: &str) -> &str {
    match architecture {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn is_known(architecture: &str) -> bool {
    GOARCH.split(", ").any(|known| known == in_go(architecture))
}

/// What Go knows (its `internal/syslist`), which image-spec takes its words from.
const GOARCH: &str = "386, amd64, amd64p32, arm, arm64, arm64be, armbe, loong64, mips, mips64, mips64le, mips64p32, \
    mips64p32le, mipsle, ppc, ppc64, ppc64le, riscv, riscv64, s390, s390x, sparc, sparc64, wasm";

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", shown(&self.os), shown(&self.architecture))?;
        self.variant.iter().try_for_each(|v| write!(f, "/{}", shown(v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_that_are_the_default_match_none() {
        let matches = |a: &str, b: &str| a.parse::<Platform>().unwrap().matches(&b.parse().unwrap());
        assert!(matches("linux/arm64", "linux/arm64/v8"));
        assert!(matches("linux/arm/v7", "linux/arm"));
        assert!(!matches("linux/arm/v6", "linux/arm"));
        assert!(!matches("linux/amd64", "linux/arm64"));
        assert!(!matches("linux/amd64", "linux/amd64/v3"));
    }

    /// As containerd's `platforms.Parse` reads them.
    #[test]
    fn what_is_left_out_is_linux_or_no_variant() {
        for (short, long) in [
            ("riscv64", "linux/riscv64"),
            ("x86_64", "linux/amd64"),
            ("arm64/v8", "linux/arm64"),
            ("arm/v6", "linux/arm/v6"),
            ("wasi/wasm32", "wasi/wasm32"),
            ("windows/amd64", "windows/amd64"),
        ] {
            assert_eq!(short.parse::<Platform>().unwrap().to_string(), long);
        }
        let error = "foo".parse::<Platform>().unwrap_err().to_string();
        assert!(error.contains("no architecture is called foo; known are 386, amd64, "), "{error}");
    }

    #[test]
    fn what_is_no_platform_is_refused() {
        for bad in ["", "/", "linux/", "linux/amd64/v1/x", "Linux/amd64", "linux/amd 64", "foo", "linux", "linux/amd46"]
        {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }
}
