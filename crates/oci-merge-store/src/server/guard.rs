//! Who may do what: Basic authentication, or tokens from a token service (distribution, "Token Authentication").

use super::body::Body;
use super::lock;
use super::reply::{Code, Halt, Reply};
use super::request::{Request, parameters};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How clients show who they are.
#[derive(Debug, Clone, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// With name and password in every request.
    Basic(Login),
    /// With a token that a token service gives for name and password.
    Bearer {
        /// What the token service wants.
        login: Login,
        /// How long a token is good.
        ttl: Duration,
        /// Where the token service is.
        realm: Realm,
    },
}

/// A name and a password; not shown by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password; also taken as a refresh token.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Where the challenge of a registry sends its clients for a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Realm {
    /// To the registry's own address.
    Registry,
    /// To another port of the registry's address.
    OtherPort,
    /// To another address, 127.0.0.3.
    OtherHost,
    /// To this URL, whatever is there.
    Url(String),
}

/// The one who checks.
pub(super) struct Guard {
    auth: Auth,
    /// The URL of the token service, known once that listens.
    realm: OnceLock<String>,
    tokens: Mutex<BTreeMap<String, Token>>,
}

struct Token {
    /// The actions by repository.
    scopes: BTreeMap<String, BTreeSet<String>>,
    end: Instant,
}

/// The most tokens that are remembered.
const MAX_TOKENS: usize = 10_000;

impl Guard {
    pub(super) fn new(auth: Auth) -> Guard {
        Guard { auth, realm: OnceLock::new(), tokens: Mutex::default() }
    }

    pub(super) fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Says where the token service is.
    pub(super) fn send_to(&self, realm: String) {
        let _ = self.realm.set(realm);
    }

    /// Lets a request for something of a repository pass, or for nothing in particular.
    pub(super) fn admit(&self, request: &Request, repository: Option<&str>) -> Result<(), Halt> {
        let writes = !matches!(request.method.as_str(), "GET" | "HEAD");
        let mut needed = Vec::new();
        if let Some(repository) = repository {
            needed.push((repository, if writes { "pull,push" } else { "pull" }));
            if let (true, Some(from)) = (request.parameter("mount").is_some(), request.parameter("from")) {
                needed.push((from, "pull"));
            }
        }
        let given = request.field("authorization").unwrap_or_default();
        let admitted = match &self.auth {
            Auth::None => true,
            Auth::Basic(login) => basic(given).as_ref() == Some(login),
            Auth::Bearer { .. } => self.allows(given, &needed),
        };
        if admitted { Ok(()) } else { Err(self.challenge(&needed).into()) }
    }

    /// 401, and where and for what to get a token.
    pub(super) fn challenge(&self, needed: &[(&str, &str)]) -> Reply {
        let scopes: Vec<_> = needed.iter().map(|(name, actions)| format!("repository:{name}:{actions}")).collect();
        let challenge = match &self.auth {
            Auth::Bearer { .. } => {
                let realm = self.realm.get().map_or("", String::as_str);
                let scope = if scopes.is_empty() { String::new() } else { format!(",scope=\"{}\"", scopes.join(" ")) };
                format!("Bearer realm=\"{realm}\",service=\"oci-merge\"{scope}")
            }
            Auth::None | Auth::Basic(_) => "Basic realm=\"oci-merge\"".to_owned(),
        };
        Code::Unauthorized.reply("authentication required").with("WWW-Authenticate", challenge)
    }

    fn allows(&self, given: &str, needed: &[(&str, &str)]) -> bool {
        let Some(("bearer", token)) = scheme(given).as_ref().map(|(s, t)| (s.as_str(), *t)) else { return false };
        let tokens = lock(&self.tokens);
        let Some(token) = tokens.get(token).filter(|t| t.end > Instant::now()) else { return false };
        needed.iter().all(|(name, actions)| {
            let has = token.scopes.get(*name);
            actions.split(',').all(|action| has.is_some_and(|has| has.contains(action)))
        })
    }

    /// The token service: GET with Basic, or POST with a form (OAuth 2.0, RFC 6749 sections 4.3 and 6).
    pub(super) fn token(&self, request: &Request, body: &mut Body<'_>) -> Result<Reply, Halt> {
        let Auth::Bearer { login, ttl, .. } = &self.auth else {
            return Err(Code::Unsupported.reply("this server gives no tokens").status(404).into());
        };
        let form;
        let (known, asked) = match request.method.as_str() {
            "GET" => {
                (basic(request.field("authorization").unwrap_or_default()).as_ref() == Some(login), &request.query)
            }
            "POST" => {
                let text =
                    body.read_all(64 << 10)?.ok_or_else(|| Code::SizeInvalid.reply("a form of more than 64 KiB"))?;
                form = parameters(&String::from_utf8_lossy(&text));
                let is = |name: &str, value: &str| form.iter().any(|(n, v)| n == name && v == value);
                let password = is("username", &login.user) && is("password", &login.password);
                (password || is("refresh_token", &login.password), &form)
            }
            _ => return Err(Code::Unsupported.reply("a token is asked for with GET or POST").into()),
        };
        if !known {
            return Err(Code::Unauthorized.reply("wrong name or password").into());
        }
        let mut scopes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for scope in asked.iter().filter(|(name, _)| name == "scope").flat_map(|(_, value)| value.split(' ')) {
            // resource:name:actions, where the name may have a port.
            let parts = scope.split_once(':').and_then(|(_, rest)| rest.rsplit_once(':'));
            if let Some((name, actions)) = parts {
                scopes.entry(name.to_owned()).or_default().extend(actions.split(',').map(str::to_owned));
            }
        }
        let token = secret();
        let mut tokens = lock(&self.tokens);
        let now = Instant::now();
        tokens.retain(|_, token| token.end > now);
        if tokens.len() >= MAX_TOKENS {
            return Err(Code::TooManyRequests.reply("too many tokens").into());
        }
        tokens.insert(token.clone(), Token { scopes, end: now + *ttl });
        Ok(Reply::json(200, &json!({ "token": token, "access_token": token, "expires_in": ttl.as_secs() })))
    }
}

/// A word that nobody guesses: for tokens and upload sessions.
pub(super) fn secret() -> String {
    // Every RandomState has keys of its own, which began with the system's random numbers.
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
}

/// The lower-case scheme of an `Authorization`, and what follows it.
pub(super) fn scheme(given: &str) -> Option<(String, &str)> {
    given.split_once(' ').map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest.trim()))
}

fn basic(given: &str) -> Option<Login> {
    let (scheme, rest) = scheme(given)?;
    let text = STANDARD.decode(rest).ok().filter(|_| scheme == "basic")?;
    let (user, password) = std::str::from_utf8(&text).ok()?.split_once(':')?;
    Some(Login { user: user.to_owned(), password: password.to_owned() })
}
