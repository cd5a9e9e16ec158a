//! What an entry of an auth file is for: a registry, or a part of one.

/// Docker Hub as references name it.
pub(crate) const DOCKER_HUB: &str = "docker.io";

/// A registry and, perhaps, the beginning of repositories in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    registry: String,
    namespace: String,
}

impl Key {
    /// Reads the key of an entry: `ghcr.io`, `quay.io/team`, `https://index.docker.io/v1/`, `http://localhost:5000`.
    ///
    /// What follows a host in a URL is no namespace: old logins wrote `/v1/` and `/v2/` there (containers-auth.json(5)).
    pub(super) fn parse(text: &str) -> Key {
        let (rest, is_url) = match text.split_once("://") {
            Some((_, rest)) => (rest, true),
            None => (text, false),
        };
        let (registry, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_matches('/');
        let namespace = if is_url || path == "v1" || path == "v2" { "" } else { path };
        Key { registry: registry_name(registry), namespace: namespace.to_owned() }
    }

    /// How well this fits a repository: the length of the namespace, `None` if it does not fit.
    pub(super) fn fit(&self, registry: &str, repository: &str) -> Option<usize> {
        let inside = || {
            let rest = repository.strip_prefix(self.namespace.as_str())?;
            (self.namespace.is_empty() || rest.is_empty() || rest.starts_with('/')).then_some(self.namespace.len())
        };
        if self.registry == registry_name(registry) { inside() } else { None }
    }

    /// For the list of what a file holds.
    pub(super) fn shown(&self) -> String {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", self.registry, self.namespace)
    }
}

/// A registry's one name: lower case, and Docker Hub's other hosts as `docker.io`.
pub(super) fn registry_name(text: &str) -> String {
    let name = text.to_ascii_lowercase();
    match name.as_str() {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB.into(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_docker_and_podman_wrote_them() {
        let cases = [
            ("ghcr.io", "ghcr.io", "jon/babylon", Some(0)),
            ("ghcr.io/jon", "ghcr.io", "jon/babylon", Some(3)),
            ("ghcr.io/jon/babylon", "ghcr.io", "jon/babylon", Some(11)),
            ("ghcr.io/jo", "ghcr.io", "jon/babylon", None),
            ("ghcr.io/jon/babylon/x", "ghcr.io", "jon/babylon", None),
            ("https://ghcr.io", "ghcr.io", "a", Some(0)),
            ("https://ghcr.io/v2/", "ghcr.io", "a", Some(0)),
            ("GHCR.io/v2/", "ghcr.io", "a", Some(0)),
            ("http://127.0.0.1:5000", "127.0.0.1:5000", "a", Some(0)),
            ("127.0.0.1:5000", "127.0.0.1:5001", "a", None),
            ("127.0.0.1", "127.0.0.1:5001", "a", None),
            ("[::1]:5000/x", "[::1]:5000", "x/y", Some(1)),
            ("https://index.docker.io/v1/", "docker.io", "library/ubuntu", Some(0)),
            ("index.docker.io/v1/", "docker.io", "library/ubuntu", Some(0)),
            ("registry-1.docker.io", "docker.io", "library/ubuntu", Some(0)),
            ("docker.io/library", "docker.io", "library/ubuntu", Some(7)),
            ("evil.test/ghcr.io", "ghcr.io", "jon/babylon", None),
        ];
        for (key, registry, repository, fit) in cases {
            assert_eq!(Key::parse(key).fit(registry, repository), fit, "{key} for {registry}/{repository}");
        }
    }
}
