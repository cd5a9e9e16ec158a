//! The places themselves, in the order in which they are looked at.

use super::file::{AuthFile, named};
use super::key::Key;
use super::{Credential, Environment, Held};
use crate::directory::shown_path;
use crate::network::read_file;
use oci_merge_image::shown;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The largest auth file that is read, in bytes.
const MAX_AUTH_FILE: u64 = 4 << 20;
/// What is said of a file that is not there, which is no reason for a warning.
const ABSENT: &str = "no such file";

/// A place in which logins are looked for.
#[derive(Debug)]
pub(super) struct Place {
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// Nothing there, for this reason.
    Nothing(&'static str),
    /// A file; read once, for it may be a pipe.
    File { path: PathBuf, read: OnceLock<Result<AuthFile, String>> },
    /// The text of a file in a variable.
    Text(Result<AuthFile, String>),
    /// One login.
    Login { key: Key, credential: Credential },
}

impl Place {
    pub(super) fn given(key: &str, credential: Credential) -> Place {
        Place { name: "the caller".into(), kind: Kind::Login { key: Key::parse(key), credential } }
    }

    /// A file or a variable, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is here for a repository; `ask`: whether helpers may be run.
    pub(super) fn look(&self, registry: &str, repository: &str, environment: &Environment, ask: bool) -> Held {
        let nothing = |said: &str| Held { credential: None, said: said.into(), warning: None };
        match &self.kind {
            Kind::Nothing(why) => nothing(why),
            Kind::Login { key, credential } if key.fit(registry, repository).is_some() => {
                Held { credential: Some(credential.clone()), said: String::new(), warning: None }
            }
            Kind::Login { key, .. } => nothing(&format!("is for {} only", key.shown())),
            Kind::Text(read) => found_in(read, registry, repository, environment, ask),
            Kind::File { path, read } => {
                found_in(read.get_or_init(|| read_auth(path)), registry, repository, environment, ask)
            }
        }
    }

    fn file(path: PathBuf) -> Place {
        Place { name: shown_path(&path), kind: Kind::File { path, read: OnceLock::new() } }
    }

    fn nothing(name: impl Into<String>, why: &'static str) -> Place {
        Place { name: name.into(), kind: Kind::Nothing(why) }
    }

    /// The file that a variable names.
    fn named_by(variable: &str, inside: &str, environment: &Environment) -> Place {
        match environment.get(variable) {
            Some(value) if inside.is_empty() => Place {
                name: format!("{variable} ({})", shown(value.as_encoded_bytes())),
                kind: Kind::File { path: value.into(), read: OnceLock::new() },
            },
            Some(value) => Place::file(Path::new(&value).join(inside)),
            None => Place::nothing(variable, "not set"),
        }
    }
}

/// All places, in order (containers-auth.json(5), docker's documentation, and the CI systems').
pub(super) fn all(environment: &Environment, authfile: Option<&Path>) -> Vec<Place> {
    let mut places: Vec<Place> = authfile
        .map(|path| Place {
            name: format!("--authfile {}", shown_path(path)),
            kind: Kind::File { path: path.to_owned(), read: OnceLock::new() },
        })
        .into_iter()
        .collect();
    places.push(Place::named_by("REGISTRY_AUTH_FILE", "", environment));
    places.push(match environment.get("DOCKER_AUTH_CONFIG") {
        Some(text) => {
            let read = AuthFile::parse(text.as_encoded_bytes());
            Place { name: "DOCKER_AUTH_CONFIG".into(), kind: Kind::Text(read) }
        }
        None => Place::nothing("DOCKER_AUTH_CONFIG", "not set"),
    });
    let home = |inside: &str| match environment.path("HOME", inside) {
        Some(path) => Place::file(path),
        None => Place::nothing(format!("~/{inside}"), "HOME is not set"),
    };
    let own_docker_config = environment.get("DOCKER_CONFIG").is_some();
    if own_docker_config {
        places.push(Place::named_by("DOCKER_CONFIG", "config.json", environment));
    }
    places.push(match (environment.get("XDG_RUNTIME_DIR"), environment.uid()) {
        // Where podman falls back to.
        (None, Some(uid)) => Place::file(format!("/run/containers/{uid}/auth.json").into()),
        _ => Place::named_by("XDG_RUNTIME_DIR", "containers/auth.json", environment),
    });
    places.push(match environment.path("XDG_CONFIG_HOME", "containers/auth.json") {
        Some(path) => Place::file(path),
        None => home(".config/containers/auth.json"),
    });
    // Docker reads one of the two only.
    places.push(if own_docker_config {
        Place::nothing("~/.docker/config.json", "not looked at, because DOCKER_CONFIG is set")
    } else {
        home(".docker/config.json")
    });
    places.push(home(".dockercfg"));
    places.push(github(environment));
    places.push(gitlab(environment));
    places
}

/// The token of a GitHub workflow is good for GitHub's registry.
fn github(environment: &Environment) -> Place {
    let Some(token) = environment.text("GITHUB_TOKEN") else { return Place::nothing("GITHUB_TOKEN", "not set") };
    // The registry takes any user name beside a token; the real one is better in its logs.
    let user = environment.text("GITHUB_ACTOR").unwrap_or_else(|| "x-access-token".into());
    let credential = named(user, token);
    Place { name: "GITHUB_TOKEN".into(), kind: Kind::Login { key: Key::parse("ghcr.io"), credential } }
}

/// The variables of a GitLab job are good for that GitLab's registry.
fn gitlab(environment: &Environment) -> Place {
    let variable = |name: &str| environment.text(name);
    match (variable("CI_REGISTRY"), variable("CI_REGISTRY_USER"), variable("CI_REGISTRY_PASSWORD")) {
        (Some(registry), Some(user), Some(password)) => Place {
            name: "CI_REGISTRY_PASSWORD".into(),
            kind: Kind::Login { key: Key::parse(&registry), credential: named(user, password) },
        },
        _ => Place::nothing("CI_REGISTRY_PASSWORD", "not set"),
    }
}

fn read_auth(path: &Path) -> Result<AuthFile, String> {
    match read_file(path, MAX_AUTH_FILE) {
        Ok(bytes) => AuthFile::parse(&bytes),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Err(ABSENT.into()),
        Err(e) => Err(format!("cannot be read: {e}")),
    }
}

fn found_in(
    read: &Result<AuthFile, String>,
    registry: &str,
    repository: &str,
    environment: &Environment,
    ask: bool,
) -> Held {
    match read {
        Ok(file) => file.find(registry, repository, environment, ask),
        Err(why) if why == ABSENT => Held { credential: None, said: why.clone(), warning: None },
        Err(why) => Held { credential: None, said: why.clone(), warning: Some(why.clone()) },
    }
}
