//! What is likely behind a refusal, and the list of where a login was looked for.

use super::credentials::Found;

/// What a refusal is about.
pub(super) struct Denied<'a> {
    pub(super) registry: &'a str,
    pub(super) repository: &'a str,
    /// `sending blob sha256:…`.
    pub(super) what: &'a str,
    /// The server's words, the status first; or ours.
    pub(super) said: String,
    /// The status of the registry itself, if it came to that.
    pub(super) status: Option<u16>,
    pub(super) writing: bool,
    pub(super) found: &'a Found,
}

impl Denied<'_> {
    /// Everything that a person needs to find out which login was used, and why not another. No secret is in it.
    pub(super) fn text(&self) -> String {
        // Without a status it did not come to the question whether the registry takes the login.
        let (said, sent) = if self.status.is_some() { ("it said", "sent as") } else { ("because", "login  ") };
        let sender = self.found.looked.iter().find(|looked| looked.used);
        let who = sender.map_or("nobody".to_owned(), |used| format!("{}   from {}", used.held, used.place));
        let mut lines =
            vec![format!("refused when {}", self.what), format!("{said}   {}", self.said), format!("{sent}   {who}")];
        let others: Vec<_> = self.found.looked.iter().filter(|looked| !looked.used).collect();
        if !others.is_empty() {
            let nothing = if sender.is_some() { "also looked at" } else { "looked at" };
            lines.push(format!("{nothing}, nothing for {}:", self.registry));
            let width = others.iter().map(|looked| looked.place.chars().count()).max().unwrap_or(0);
            lines.extend(others.iter().map(|looked| format!("   {:width$}   {}", looked.place, looked.held)));
        }
        if let Some(hint) = self.hint(sender.map(|used| used.place.as_str())) {
            lines.push("likely:".into());
            lines.extend(hint.lines().map(|line| format!("   {line}")));
        }
        lines.join("\n  ")
    }

    fn hint(&self, from: Option<&str>) -> Option<String> {
        let Denied { registry, repository, .. } = self;
        match (from, self.status) {
            (None, _) if self.found.credential.is_some() => None,
            (None, Some(_)) => Some(format!(
                "nobody is logged in to {registry} here, or there is no such repository;\n\
                 docker login {registry}, podman login {registry} and oras login {registry} all count"
            )),
            (Some("GITHUB_TOKEN"), Some(_)) if self.writing => {
                let (owner, package) = repository.split_once('/').unwrap_or(("OWNER", repository));
                Some(format!(
                    "the job lacks   permissions: {{ packages: write }}\n\
                     or the package exists and this repository is not on its list:\n   \
                     https://github.com/users/{owner}/packages/container/{}/settings  ->  Manage Actions access",
                    package.replace('/', "%2F")
                ))
            }
            (Some(_), Some(401)) => Some(format!("the login is wrong or has run out; log in to {registry} again")),
            (Some(_), Some(_)) => {
                Some(format!("this login may not {} {repository}", if self.writing { "write to" } else { "read" }))
            }
            (_, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::credentials::{Credentials, Environment};
    use super::*;

    #[test]
    fn a_refusal_lists_every_place_and_no_secret() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".docker")).unwrap();
        let config = r#"{"auths":{"registry.gitlab.com":{"auth":"am9uOmh1bnRlcjI="}}}"#;
        std::fs::write(home.path().join(".docker/config.json"), config).unwrap();
        let home = home.path().to_str().unwrap();
        let variables =
            [("HOME", home), ("XDG_RUNTIME_DIR", "/nowhere"), ("GITHUB_TOKEN", "ghs_secret"), ("GITHUB_ACTOR", "jon")];
        let found = Credentials::of(&Environment::of(variables), None).find("ghcr.io", "jon/babylon");
        let denied = Denied {
            registry: "ghcr.io",
            repository: "jon/babylon",
            what: "opening an upload",
            said: "403 DENIED: permission_denied: write_package".into(),
            status: Some(403),
            writing: true,
            found: &found,
        };
        // The screen of the interface's section 3c.
        let expected = "refused when opening an upload
  it said   403 DENIED: permission_denied: write_package
  sent as   jon   from GITHUB_TOKEN
  also looked at, nothing for ghcr.io:
     REGISTRY_AUTH_FILE                 not set
     DOCKER_AUTH_CONFIG                 not set
     /nowhere/containers/auth.json      no such file
     HOME/.config/containers/auth.json  no such file
     HOME/.docker/config.json           has registry.gitlab.com only
     HOME/.dockercfg                    no such file
     CI_REGISTRY_PASSWORD               not set
  likely:
     the job lacks   permissions: { packages: write }
     or the package exists and this repository is not on its list:
        https://github.com/users/jon/packages/container/babylon/settings  ->  Manage Actions access";
        let squeeze = |text: &str| text.replace(home, "HOME").split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(squeeze(&denied.text()), squeeze(expected));
    }
}
