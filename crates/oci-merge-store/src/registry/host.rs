//! One registry: how it is reached, what it wants to be shown, and every request to it.

use super::challenge::Challenge;
use super::credentials::{Credential, DOCKER_HUB, Found, Secret};
use super::realm::Realm;
use super::scope::Scope;
use super::token::{Tokens, Unissued, basic, fetch};
use crate::network::{Clear, Event, Failure, Heard, Network, Request, Response, Url, follow, is_this_machine};
use crate::{Error, ErrorKind, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ureq::http::{Method, header};

/// The registries that were spoken to, by name.
#[derive(Debug, Default)]
pub(crate) struct Hosts(Mutex<BTreeMap<String, Arc<Host>>>);

impl Hosts {
    /// A registry by its name in references, the same one every time.
    pub(super) fn get(&self, name: &str, network: &Network) -> Result<Arc<Host>> {
        let mut hosts = lock(&self.0);
        if let Some(host) = hosts.get(name) {
            return Ok(Arc::clone(host));
        }
        let host = Arc::new(Host::new(name, network)?);
        hosts.insert(name.to_owned(), Arc::clone(&host));
        Ok(host)
    }
}

/// One registry.
#[derive(Debug)]
pub(super) struct Host {
    name: String,
    base: Mutex<Base>,
    wants: Mutex<Wants>,
    tokens: Tokens,
    /// What was found for each repository. Looking may mean to run a program, so it is done once, and again when a
    /// registry does not take what was found: some helpers hand out what is good for hours only.
    logins: Mutex<BTreeMap<String, Option<Credential>>>,
    told: Mutex<BTreeSet<String>>,
    /// The most bytes of an upload that go in one request, once more were refused.
    chunk: Mutex<Option<u64>>,
}

/// Where a registry is.
#[derive(Debug, Clone)]
struct Base {
    url: Url,
    tls: Tls,
}

/// What is known of the scheme of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    /// It is a registry of this machine: https is tried first, and plain HTTP is what is left.
    Tried,
    /// The scheme is that of the address.
    Settled,
    /// https was tried in vain; requests that were made up before that still name it.
    GivenUp,
}

impl Base {
    /// An address that was made up for this registry, as it is to be asked now.
    fn now(&self, url: &Url) -> Url {
        let is_left = self.tls == Tls::GivenUp && url.is_https() && url.in_clear().same_origin(&self.url);
        if is_left { url.in_clear() } else { url.clone() }
    }
}

/// What a registry wants to be shown.
#[derive(Debug, Clone)]
enum Wants {
    /// Nothing, as far as is known.
    Nothing,
    Basic,
    Token(Realm),
}

impl Host {
    fn new(name: &str, network: &Network) -> Result<Host> {
        let address = if name == DOCKER_HUB { "registry-1.docker.io" } else { name };
        let url = Url::parse(&format!("https://{address}/"))
            .map_err(|e| Error::new(ErrorKind::Policy, name, format!("not the name of a registry: {e}")))?;
        let settings = network.settings();
        let here = is_this_machine(url.host());
        let in_clear = Network::is_named(&settings.plain_http, &url) || here && settings.tls.is_none();
        let base = match (in_clear, here) {
            (true, _) => Base { url: url.in_clear(), tls: Tls::Settled },
            (false, true) => Base { url, tls: Tls::Tried },
            (false, false) => Base { url, tls: Tls::Settled },
        };
        Ok(Host {
            name: name.to_owned(),
            base: Mutex::new(base),
            wants: Mutex::new(Wants::Nothing),
            tokens: Tokens::default(),
            logins: Mutex::default(),
            told: Mutex::default(),
            chunk: Mutex::default(),
        })
    }

    /// The registry as references name it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The address of a path below `/v2/`.
    pub(super) fn url(&self, path: &str) -> Result<Url> {
        self.at(&format!("/v2/{path}"))
    }

    /// The address of a path, which may have a query.
    pub(super) fn at(&self, path: &str) -> Result<Url> {
        let joined = lock(&self.base).url.join(path);
        joined.map_err(|e| Error::new(ErrorKind::Policy, &self.name, format!("not an address: {e}")))
    }

    /// The most bytes of an upload that go in one request; `None`: any number, as far as is known.
    pub(super) fn chunk(&self) -> Option<u64> {
        *lock(&self.chunk)
    }

    /// Remembers that more were refused.
    pub(super) fn takes_chunks_of(&self, most: u64) {
        *lock(&self.chunk) = Some(most);
    }

    /// Makes a request for a repository and answers one challenge. `Authorization` is shown to nobody but this very
    /// registry: an upload may lie elsewhere, and so may what a redirect names.
    pub(super) fn exchange(
        &self,
        network: &Network,
        repository: &str,
        mut request: Request<'_>,
        scope: &Scope,
    ) -> Heard<Response> {
        let mut scope = scope.clone();
        let mut challenged = false;
        loop {
            let base = lock(&self.base).clone();
            request.url = base.now(&request.url);
            let ours = request.url.same_origin(&base.url);
            let shown = if ours { self.authorization(network, repository, &scope)? } else { None };
            let with = match &shown {
                Some(authorization) => request.clone().header(header::AUTHORIZATION, authorization.reveal()),
                None => request.clone(),
            };
            let response = match follow(network, with, Clear::Named) {
                Err(failure) if failure.not_tls && ours && base.tls == Tls::Tried => {
                    self.give_up_tls(&base);
                    continue;
                }
                result => result?,
            };
            if ours {
                self.settle(&base);
            }
            if response.status != 401 || challenged || !response.url.same_origin(&base.url) {
                return Ok(response);
            }
            challenged = true;
            scope = match self.learn(network, &response, &base.url)? {
                Some(asked) => scope.and(&asked),
                None => return Ok(response),
            };
            match shown.as_ref().and_then(|shown| shown.reveal().strip_prefix("Bearer ")) {
                Some(token) => self.tokens.forget(&Secret::new(token)),
                None if shown.is_some() => self.forget_login(repository),
                None => {}
            }
            if matches!(*lock(&self.wants), Wants::Basic) && self.authorization(network, repository, &scope)? == shown {
                return Ok(response);
            }
            response.discard();
        }
    }

    /// Asks whether a registry is there (distribution-spec, Determining Support), as nobody.
    pub(super) fn greet(&self, network: &Network) -> Heard<Response> {
        loop {
            let base = lock(&self.base).clone();
            let url = base.url.join("/v2/").map_err(|e| Failure::fatal(ErrorKind::Policy, e.to_string()))?;
            match follow(network, Request::new(Method::GET, url), Clear::Named) {
                Err(failure) if failure.not_tls && base.tls == Tls::Tried => self.give_up_tls(&base),
                Err(failure) => return Err(failure),
                Ok(response) => {
                    self.settle(&base);
                    return Ok(response);
                }
            }
        }
    }

    /// What there is to be shown for a repository, looked for again: for the list in a refusal.
    pub(super) fn credentials(&self, network: &Network, repository: &str) -> Found {
        network.settings().credentials.find(&self.name, repository)
    }

    fn give_up_tls(&self, tried: &Base) {
        *lock(&self.base) = Base { url: tried.url.in_clear(), tls: Tls::GivenUp };
    }

    fn settle(&self, base: &Base) {
        let mut now = lock(&self.base);
        if now.url == base.url && now.tls == Tls::Tried {
            now.tls = Tls::Settled;
        }
    }

    /// Reads a challenge and remembers what is wanted; the scope that it asks for comes back, `None` if it wants
    /// nothing that we have.
    fn learn(&self, network: &Network, response: &Response, registry: &Url) -> Heard<Option<Scope>> {
        let headers = response.headers.get_all(header::WWW_AUTHENTICATE);
        let challenges: Vec<Challenge> = headers.iter().flat_map(|value| Challenge::parse(value.as_bytes())).collect();
        let find = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme == scheme);
        if let Some(bearer) = find("bearer") {
            let realm = Realm::of(bearer, registry, network).map_err(|why| Failure::fatal(ErrorKind::Denied, why))?;
            *lock(&self.wants) = Wants::Token(realm);
            return Ok(Some(Scope::parse(bearer.parameter("scope").unwrap_or_default())));
        }
        if find("basic").is_some() {
            *lock(&self.wants) = Wants::Basic;
            return Ok(Some(Scope::default()));
        }
        Ok(None)
    }

    /// The value of `Authorization`, as far as it is known what is wanted.
    fn authorization(&self, network: &Network, repository: &str, scope: &Scope) -> Heard<Option<Secret>> {
        let wants = lock(&self.wants).clone();
        let realm = match wants {
            Wants::Nothing => return Ok(None),
            Wants::Basic => {
                return Ok(match self.find(network, repository) {
                    Some(Credential::Password { username, password }) => Some(basic(&username, &password)),
                    Some(Credential::Bearer(token)) => Some(bearer(&token)),
                    _ => None,
                });
            }
            Wants::Token(realm) => realm,
        };
        let now = || network.settings().clock.now();
        let token = self.tokens.get(&realm, scope, now, || {
            let public_only = network.is_public(lock(&self.base).url.host());
            let credential = self.find(network, repository);
            let issued = fetch(network, &realm, scope, credential.as_ref(), public_only);
            let (Err(Unissued::Refused { text: why, .. }), true) = (&issued, credential.is_some()) else {
                return issued;
            };
            self.forget_login(repository);
            if !scope.is_pull_only() {
                return issued;
            }
            // A login that has run out is no reason not to read what everybody may read.
            self.tell_once(network, format!("{}: {why}; going on without a login", self.name));
            fetch(network, &realm, scope, None, public_only)
        });
        Ok(Some(bearer(&token?)))
    }

    fn find(&self, network: &Network, repository: &str) -> Option<Credential> {
        let mut logins = lock(&self.logins);
        let login = logins.entry(repository.to_owned()).or_insert_with(|| {
            let found = self.credentials(network, repository);
            found.warnings.into_iter().for_each(|warning| self.tell_once(network, warning));
            found.credential
        });
        login.clone()
    }

    fn forget_login(&self, repository: &str) {
        lock(&self.logins).remove(repository);
    }

    fn tell_once(&self, network: &Network, warning: String) {
        if lock(&self.told).insert(warning.clone()) {
            network.tell(Event::Warning(warning));
        }
    }
}

fn bearer(token: &Secret) -> Secret {
    Secret::new(format!("Bearer {}", token.reveal()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
