//! Which token service may be asked, and so be shown a login: the registry names it, and a registry may lie.

use super::challenge::Challenge;
use crate::network::{Network, Url, is_private_by_name, is_this_machine, literal};
use oci_merge_image::shown;

/// The token service of a challenge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Realm {
    pub(super) url: Url,
    pub(super) service: Option<String>,
}

impl Realm {
    /// The realm of a challenge by `registry`, if our rules allow it.
    ///
    /// # Errors
    /// Why it is refused. Nothing has been sent to it then.
    pub(super) fn of(challenge: &Challenge, registry: &Url, network: &Network) -> Result<Realm, String> {
        let realm = challenge.parameter("realm").ok_or("its challenge names no token service")?;
        let url = Url::parse(realm).map_err(|e| format!("its token service cannot be: {e}"))?;
        let refuse = |why: &str| Err(format!("its token service {} is refused: {why}", shown(&url.redacted())));
        if !url.is_https() && registry.is_https() {
            return refuse("plain HTTP");
        }
        let named = Network::is_named(&network.settings().auth_realms, &url);
        if !named && !is_related(registry.host(), url.host()) {
            let more = format!("it is of another domain; --auth-realm {} allows it", url.host());
            return refuse(&more);
        }
        if !url.is_https() && !named && !is_this_machine(url.host()) && url.host() != registry.host() {
            return refuse("plain HTTP to another host");
        }
        if is_private_by_name(url.host()) && network.is_public(registry.host()) {
            return refuse("a private address, named by a public registry");
        }
        Ok(Realm { url, service: challenge.parameter("service").map(str::to_owned) })
    }
}

/// Whether two hosts are one, or of one domain that somebody registered (Public Suffix List).
fn is_related(one: &str, other: &str) -> bool {
    // To the list, `0.1` is a domain of 127.0.0.1.
    let domain = |host| if literal(host).is_some() { None } else { psl::domain_str(host) };
    one == other || domain(one).is_some() && domain(one) == domain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Settings;

    fn judge(registry: &str, realm: &str, named: &[&str]) -> Result<Realm, String> {
        let header = format!("Bearer realm=\"{realm}\",service=\"s\"");
        let challenge = Challenge::parse(header.as_bytes()).remove(0);
        let auth_realms = named.iter().map(|n| n.to_string()).collect();
        let network = Network::new(Settings { auth_realms, ..Settings::default() });
        Realm::of(&challenge, &Url::parse(registry).unwrap(), &network)
    }

    #[test]
    fn the_registry_and_its_domain_may_issue_tokens() {
        for (registry, realm) in [
            ("https://registry-1.docker.io/", "https://auth.docker.io/token"),
            ("https://registry.gitlab.com/", "https://gitlab.com/jwt/auth"),
            ("https://ghcr.io/", "https://ghcr.io/token"),
            ("https://eu.gcr.io/", "https://eu.gcr.io/v2/token"),
            ("https://registry.example.co.uk/", "https://auth.example.co.uk:8443/t"),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:5001/token"),
            ("https://10.0.0.5:5000/", "https://10.0.0.5:5001/token"),
            ("http://registry.lan:5000/", "http://registry.lan:5001/token"),
        ] {
            assert!(judge(registry, realm, &[]).is_ok(), "{registry} names {realm}");
        }
    }

    #[test]
    fn everybody_else_may_not() {
        for (registry, realm) in [
            ("https://registry.test/", "https://evil.example/token"),
            ("https://a.co.uk/", "https://b.co.uk/token"),
            ("https://a.github.io/", "https://b.github.io/token"),
            ("https://registry.example.com/", "http://registry.example.com/token"),
            ("http://127.0.0.1:5000/", "http://127.0.0.2:5001/token"),
            ("http://registry.lan:5000/", "http://auth.lan:5001/token"),
            ("http://registry.example.com/", "http://auth.example.com/token"),
            ("https://10.0.0.5/", "https://10.0.0.6/"),
            ("https://ghcr.io/", "https://127.0.0.1/token"),
            ("https://ghcr.io/", "https://localhost/token"),
            ("https://ghcr.io/", "https://169.254.169.254/latest/meta-data"),
            ("https://ghcr.io/", "https://jon:pw@ghcr.io/token"),
            ("https://ghcr.io/", "file:///etc/passwd"),
            ("https://ghcr.io/", "/token"),
        ] {
            assert!(judge(registry, realm, &[]).is_err(), "{registry} names {realm}");
        }
    }

    #[test]
    fn a_named_realm_may_be_of_another_domain_and_still_not_in_clear_or_private() {
        assert!(judge("https://lscr.io/", "https://ghcr.io/token", &["ghcr.io"]).is_ok());
        assert!(judge("http://127.0.0.1:5000/", "http://127.0.0.3:80/t", &["127.0.0.3"]).is_ok());
        assert!(judge("https://lscr.io/", "http://ghcr.io/token", &["ghcr.io"]).is_err());
        assert!(judge("https://lscr.io/", "https://10.0.0.1/token", &["10.0.0.1"]).is_err());
    }
}
