//! Who we are to a registry: every place in which docker, podman and the CI systems keep logins, and what was found.
//!
//! The first place with a login for the repository wins. A refusal lists all of them with what each held, for people
//! cannot see which one was used; it never says a secret.

mod environment;
mod file;
mod helper;
mod key;
mod place;
mod secret;

pub use environment::Environment;
pub(crate) use key::DOCKER_HUB;
pub use secret::{Credential, Secret};

use place::Place;
use std::path::Path;
use std::sync::Arc;

/// The places in which logins are looked for, in order.
///
/// ```
/// use oci_merge_store::registry::{Credential, Credentials, Environment, Secret};
/// // What a binary does; a library is given an environment, or credentials.
/// let from_files = Credentials::of(&Environment::empty(), None);
/// let given = Credentials::given("ghcr.io", Credential::Bearer(Secret::new("…")));
/// ```
#[derive(Debug, Clone)]
pub struct Credentials {
    places: Arc<[Place]>,
    environment: Environment,
}

/// What was found for a repository.
#[derive(Debug)]
pub(crate) struct Found {
    /// The login that is used.
    pub(crate) credential: Option<Credential>,
    /// Every place, in order.
    pub(crate) looked: Vec<Looked>,
    /// What a person should know.
    pub(crate) warnings: Vec<String>,
}

/// One place that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Looked {
    /// A file or a variable.
    pub place: String,
    /// What it held, never a secret: `not set`, `no such file`, `has registry.gitlab.com only`, `jon`.
    pub held: String,
    /// Whether its login was sent.
    pub used: bool,
}

/// What one place holds for a repository.
#[derive(Debug)]
struct Held {
    credential: Option<Credential>,
    said: String,
    warning: Option<String>,
}

impl Credentials {
    /// No logins at all.
    pub fn none() -> Credentials {
        Credentials { places: Arc::new([]), environment: Environment::empty() }
    }

    /// One login, for a registry (`ghcr.io`) or the repositories below a name (`ghcr.io/jon`).
    pub fn given(key: &str, credential: Credential) -> Credentials {
        Credentials { places: Arc::new([Place::given(key, credential)]), environment: Environment::empty() }
    }

    /// The places that an environment names: `authfile` if there is one, `REGISTRY_AUTH_FILE`, `DOCKER_AUTH_CONFIG`,
    /// docker's and podman's files, and the variables of GitHub and GitLab.
    pub fn of(environment: &Environment, authfile: Option<&Path>) -> Credentials {
        Credentials { places: place::all(environment, authfile).into(), environment: environment.clone() }
    }

    /// The places that the environment of this process names. For binaries; a library is given its credentials.
    pub fn from_environment() -> Credentials {
        Credentials::of(&Environment::of_process(), None)
    }

    /// Looks for the login of a repository. Every place is looked at, for the list; helpers are run until one answers.
    pub(crate) fn find(&self, registry: &str, repository: &str) -> Found {
        let mut found = Found { credential: None, looked: Vec::new(), warnings: Vec::new() };
        for place in self.places.iter() {
            let held = place.look(registry, repository, &self.environment, found.credential.is_none());
            let used = found.credential.is_none() && held.credential.is_some();
            let said = match &held.credential {
                Some(credential) if held.said.is_empty() => credential.who().to_owned(),
                Some(credential) => format!("{} from {}", credential.who(), held.said),
                None => held.said,
            };
            let said = if used || held.credential.is_none() { said } else { format!("{said}, which came too late") };
            found.looked.push(Looked { place: place.name().to_owned(), held: said, used });
            found.warnings.extend(held.warning.map(|warning| format!("{}: {warning}", place.name())));
            found.credential = found.credential.or(held.credential);
        }
        found
    }
}

impl Default for Credentials {
    /// No logins at all.
    fn default() -> Credentials {
        Credentials::none()
    }
}
