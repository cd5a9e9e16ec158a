//! The name of an image in a registry: `[domain/]path[:tag][@digest]`, as `docker pull` reads it.

use crate::{Digest, Error, ErrorKind, Result, grammar, shown};
use std::fmt;
use std::str::FromStr;

/// A repository in a registry and, in it, a tag or a digest (grammar: distribution/reference).
///
/// Without a domain it is Docker Hub's, without a path above it `library/`, without tag and digest `latest`.
/// With both, the digest rules.
///
/// ```
/// use oci_merge_image::Reference;
/// let short: Reference = "ubuntu:22.04".parse().unwrap();
/// assert_eq!(short.to_string(), "docker.io/library/ubuntu:22.04");
/// assert!("ghcr.io/Jon/babylon".parse::<Reference>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// The registry as people write it: `docker.io`, `127.0.0.1:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag: `latest` where neither tag nor digest was given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, which rules over the tag.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// `registry/repository`, without tag or digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// What a registry is asked for: the digest if there is one, else the tag.
    pub fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.clone().unwrap_or_else(|| "latest".into()),
        }
    }

    /// The same repository with this tag and no digest.
    ///
    /// # Errors
    /// The tag breaks the grammar of distribution-spec, `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
    pub fn with_tag(&self, tag: &str) -> Result<Reference> {
        format!("{}:{tag}", self.name()).parse()
    }

    /// The same repository and tag, pinned to a digest.
    pub fn with_digest(&self, digest: Digest) -> Reference {
        Reference { digest: Some(digest), ..self.clone() }
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Reference> {
        let refuse = |why: String| {
            Error::new(ErrorKind::Reference, "REFERENCE", format!("`{}` is not a reference: {why}", shown(text)))
        };
        // The grammar has no host in brackets; a stand-in lets the rest be judged by it.
        let (literal, judged) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((v6, rest)) if v6.parse::<std::net::Ipv6Addr>().is_ok() && is_after_host(rest) => {
                (Some(format!("[{v6}]")), format!("0.0.0.0{rest}"))
            }
            _ => (None, text.to_owned()),
        };
        let parsed = grammar::parts(&judged).map_err(|why| match lower_case(text) {
            Some(lower) => refuse(format!("a repository must be in lower case; did you mean {}?", shown(&lower))),
            None => refuse(why.to_owned()),
        })?;
        // By the grammar `Foo/a` is a repository of Docker Hub.
        if parsed.repository.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(refuse(format!(
                "a repository must be in lower case; did you mean {}?",
                shown(&text.to_lowercase())
            )));
        }
        let digest = parsed.digest.as_deref().map(str::parse).transpose()?;
        let tag = match (parsed.tag, &digest) {
            (Some(tag), _) => Some(tag),
            (None, None) => Some("latest".to_owned()),
            (None, Some(_)) => None,
        };
        let registry = match literal {
            Some(v6) => parsed.registry.replacen("0.0.0.0", &v6, 1),
            None => parsed.registry,
        };
        let registry = if matches!(registry.as_str(), "index.docker.io" | "registry-1.docker.io") {
            "docker.io".to_owned()
        } else {
            registry
        };
        Ok(Reference { registry, repository: parsed.repository, tag, digest })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

/// What may follow a host in brackets: a port, and in any case a repository.
fn is_after_host(rest: &str) -> bool {
    let rest = match rest.strip_prefix(':') {
        Some(port) => port.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    rest.starts_with('/')
}

/// The reference with its repository in lower case, if that alone makes it one.
fn lower_case(text: &str) -> Option<String> {
    let (name, rest) = match text.rfind(['/']).and_then(|slash| text[slash..].find([':', '@']).map(|at| slash + at)) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let lower = format!("{}{rest}", name.to_lowercase());
    (lower != text && grammar::parts(&lower).is_ok()).then_some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases of distribution/reference's own table: what is written, registry, repository, what is asked for.
    const CASES: [(&str, &str, &str, &str); 7] = [
        ("ubuntu", "docker.io", "library/ubuntu", "latest"),
        ("jon/babylon:1", "docker.io", "jon/babylon", "1"),
        ("index.docker.io/library/ubuntu", "docker.io", "library/ubuntu", "latest"),
        ("localhost/a", "localhost", "a", "latest"),
        ("127.0.0.1:5000/a/b:x_Y", "127.0.0.1:5000", "a/b", "x_Y"),
        ("[::1]:5000/a:1", "[::1]:5000", "a", "1"),
        (
            "ghcr.io/a/b:1@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ghcr.io",
            "a/b",
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
    ];

    #[test]
    fn references_are_read_as_docker_reads_them() {
        for (text, registry, repository, wanted) in CASES {
            let r: Reference = text.parse().unwrap();
            assert_eq!((r.registry(), r.repository(), r.wanted().as_str()), (registry, repository, wanted), "{text}");
            assert_eq!(r.to_string().parse::<Reference>().unwrap(), r, "{text} survives a round trip");
        }
    }

    #[test]
    fn capitals_get_a_suggestion() {
        for (bad, good) in [("ghcr.io/Jon/babylon:X", "ghcr.io/jon/babylon:X"), ("Foo/a", "foo/a")] {
            let text = bad.parse::<Reference>().unwrap_err().to_string();
            assert!(text.contains(&format!("did you mean {good}?")), "{text}");
        }
        for bad in ["", "a b", "ghcr.io/a:", "a@sha256:12", "https://ghcr.io/a"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_host_in_brackets_has_a_repository_behind_it() {
        // By the stand-in, the first two would be repositories of Docker Hub.
        for bad in ["[::1]", "[::1]:5000", "[::1].test/a", "[::1]5000/a", "[::1]:x/a", "[x]/a"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }
}
