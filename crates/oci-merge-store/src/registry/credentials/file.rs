//! The files that `docker login`, `podman login` and `oras login` write (docker's config.json, containers-auth.json(5)).

use super::helper;
use super::key::{DOCKER_HUB, Key};
use super::{Credential, Environment, Held, Secret};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use oci_merge_image::shown;
use serde_json::{Map, Value};

/// What a file or variable holds.
#[derive(Debug)]
pub(super) struct AuthFile {
    entries: Vec<(Key, Option<Credential>)>,
    helpers: Vec<(String, Key, String)>,
    store: Option<String>,
}

impl AuthFile {
    /// Reads a config.json or auth.json, or a `.dockercfg`, which is the `auths` alone.
    pub(super) fn parse(text: &[u8]) -> Result<AuthFile, String> {
        let whole: Map<String, Value> = serde_json::from_slice(text)
            .map_err(|e| format!("not understood: line {}, column {}", e.line(), e.column()))?;
        let old = !["auths", "credHelpers", "credsStore"].iter().any(|name| whole.contains_key(*name))
            && whole.values().any(|entry| entry.get("auth").is_some());
        let auths = if old { Some(&whole) } else { whole.get("auths").and_then(Value::as_object) };
        let helpers = whole.get("credHelpers").and_then(Value::as_object);
        Ok(AuthFile {
            entries: auths.into_iter().flatten().map(|(key, entry)| (Key::parse(key), credential(entry))).collect(),
            helpers: helpers
                .into_iter()
                .flatten()
                .filter_map(|(key, name)| Some((key.clone(), Key::parse(key), name.as_str()?.to_owned())))
                .collect(),
            store: whole.get("credsStore").and_then(Value::as_str).filter(|s| !s.is_empty()).map(str::to_owned),
        })
    }

    /// What is in here for a repository: from the registry's own helper, else from the store of all credentials,
    /// else from the entry that fits best. `ask`: whether a helper may be run.
    pub(super) fn find(&self, registry: &str, repository: &str, environment: &Environment, ask: bool) -> Held {
        let mut said = Vec::new();
        for (name, server) in self.helpers_for(registry, repository) {
            if !ask {
                said.push(format!("names docker-credential-{}, which was not asked", shown(&name)));
                continue;
            }
            match helper::get(&name, &server, environment) {
                Ok(Some(credential)) => {
                    let how = format!("docker-credential-{}", shown(&name));
                    return Held { credential: Some(credential), said: how, warning: None };
                }
                Ok(None) => said.push(format!("docker-credential-{} has nothing for it", shown(&name))),
                Err(why) => {
                    let warning = Some(format!("docker-credential-{}: {why}", shown(&name)));
                    let mut held = self.entry(registry, repository);
                    if held.credential.is_none() {
                        held.said = format!("names docker-credential-{}, which {why}", shown(&name));
                    }
                    return Held { warning, ..held };
                }
            }
        }
        let held = self.entry(registry, repository);
        if held.credential.is_none() && !said.is_empty() { Held { said: said.join("; "), ..held } } else { held }
    }

    /// Helpers to be asked, in order, each with the name under which it knows the registry.
    fn helpers_for(&self, registry: &str, repository: &str) -> Vec<(String, String)> {
        let fitting = self.helpers.iter().filter_map(|(key, parsed, name)| {
            parsed.fit(registry, repository).map(|fit| (fit, name.clone(), key.clone()))
        });
        let own = fitting.max_by_key(|(fit, ..)| *fit).map(|(_, name, key)| (name, key));
        let server = if registry == DOCKER_HUB { "https://index.docker.io/v1/" } else { registry };
        own.into_iter().chain(self.store.iter().map(|name| (name.clone(), server.to_owned()))).collect()
    }

    fn entry(&self, registry: &str, repository: &str) -> Held {
        let fitting = self.entries.iter().filter_map(|(key, entry)| Some((key.fit(registry, repository)?, entry)));
        let (full, empty): (Vec<_>, Vec<_>) = fitting.partition(|(_, entry)| entry.is_some());
        if let Some((_, Some(credential))) = full.into_iter().max_by_key(|(fit, _)| *fit) {
            return Held { credential: Some(credential.clone()), said: String::new(), warning: None };
        }
        let said = if empty.is_empty() { self.listed() } else { "has an entry without a login".into() };
        Held { credential: None, said, warning: None }
    }

    /// What the file has instead.
    fn listed(&self) -> String {
        let names: Vec<String> = self.entries.iter().map(|(key, _)| shown(&key.shown()).to_string()).collect();
        match &names[..] {
            [] => "has no logins".into(),
            [one] => format!("has {one} only"),
            [one, two] => format!("has {one} and {two} only"),
            [one, two, rest @ ..] => format!("has {one}, {two} and {} more", rest.len()),
        }
    }
}

/// The login of one entry; `None` if it has none, as docker leaves it beside a `credsStore`.
fn credential(entry: &Value) -> Option<Credential> {
    let field = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(token) = field("registrytoken") {
        return Some(Credential::Bearer(Secret::new(token)));
    }
    if let Some(token) = field("identitytoken") {
        return Some(Credential::Identity(Secret::new(token)));
    }
    let (username, password) = match (field("username"), field("password")) {
        (Some(username), Some(password)) => (username.to_owned(), password.to_owned()),
        _ => decode_auth(field("auth")?)?,
    };
    Some(named(username, password))
}

/// A login by user name; the name `<token>` says that the password is an identity token.
pub(super) fn named(username: String, password: String) -> Credential {
    let password = Secret::new(password);
    if username == "<token>" { Credential::Identity(password) } else { Credential::Password { username, password } }
}

/// `user:password` in base64, padded or not.
fn decode_auth(text: &str) -> Option<(String, String)> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&STANDARD, lenient).decode(text.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    // Old clients padded the text with NULs; docker/cli removes them too.
    Some((username.to_owned(), password.trim_end_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Held {
        let file = AuthFile::parse(text.as_bytes()).unwrap();
        file.find("ghcr.io", "jon/babylon", &Environment::empty(), true)
    }

    #[test]
    fn entries_are_read_in_all_their_forms() {
        // `printf jon:pw | base64`, and the same without its padding and with docker's NULs.
        let jon = Some(Credential::Password { username: "jon".into(), password: Secret::new("pw") });
        let rows = [
            (r#"{"auths":{"ghcr.io":{"auth":"am9uOnB3"}}}"#, jon.clone()),
            (r#"{"auths":{"ghcr.io":{"auth":"am9uOnB3AAA="}}}"#, jon.clone()),
            (r#"{"auths":{"ghcr.io":{"auth":"am9uOnB3AAA"}}}"#, jon.clone()),
            (r#"{"auths":{"ghcr.io":{"username":"jon","password":"pw","auth":"eDp5"}}}"#, jon.clone()),
            (r#"{"ghcr.io":{"auth":"am9uOnB3","email":"jon@x.test"}}"#, jon),
            (
                r#"{"auths":{"ghcr.io":{"identitytoken":"t","auth":"am9uOg=="}}}"#,
                Some(Credential::Identity(Secret::new("t"))),
            ),
            (r#"{"auths":{"ghcr.io":{"registrytoken":"t"}}}"#, Some(Credential::Bearer(Secret::new("t")))),
            (r#"{"auths":{"ghcr.io":{}}}"#, None),
            (r#"{"auths":{"ghcr.io":{"auth":"not base64!"}}}"#, None),
            (r#"{"auths":{"ghcr.io":{"auth":"bm9jb2xvbg=="}}}"#, None),
            (r#"{"auths":{"ghcr.io":7},"credHelpers":[],"credsStore":{}}"#, None),
            (r#"{"auths":[]}"#, None),
            ("{}", None),
        ];
        for (text, credential) in rows {
            assert_eq!(found(text).credential, credential, "{text}");
        }
    }

    #[test]
    fn what_a_file_has_instead_is_said() {
        let entry = r#":{"auth":"am9uOnB3"}"#;
        let file = |names: &[&str]| {
            let entries: Vec<String> = names.iter().map(|name| format!("\"{name}\"{entry}")).collect();
            found(&format!(r#"{{"auths":{{{}}}}}"#, entries.join(","))).said
        };
        assert_eq!(file(&[]), "has no logins");
        assert_eq!(file(&["https://index.docker.io/v1/"]), "has docker.io only");
        assert_eq!(file(&["quay.io/team", "a.test"]), "has quay.io/team and a.test only");
        assert_eq!(file(&["a.test", "b.test", "c.test", "d.test"]), "has a.test, b.test and 2 more");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = AuthFile::parse(&bytes);
        }
    }
}
