//! Tokens: got from a realm, kept while they are good, asked for once however many threads need them.

use super::credentials::{Credential, Secret};
use super::realm::Realm;
use super::refusal::Said;
use super::scope::Scope;
use crate::ErrorKind;
use crate::network::{Attempts, Failure, Network, Request, Response};
use crate::network::{encode, follow_within_origin, is_transient, retry_after};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::http::{Method, header};

/// The largest answer of a token service that is read, in bytes.
const MAX_TOKEN_BYTES: u64 = 1 << 20;
/// How long a token is good if its service does not say (distribution's `docs/spec/auth/token.md`).
const DEFAULT_LIFE: Duration = Duration::from_secs(60);
/// A token is not used in its last moments, for a request takes time: a quarter of its life, and at most this.
const MARGIN: Duration = Duration::from_secs(30);

/// A new token and how long it lives; `None`: nobody said.
pub(super) type Issued = (Secret, Option<Duration>);

/// Why there is no token.
#[derive(Debug)]
pub(super) enum Unissued {
    /// The service does not take the login, or gives nothing without one.
    Refused { text: String, place: String, status: u16 },
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for Unissued {
    fn from(failure: Failure) -> Unissued {
        Unissued::Failed(failure)
    }
}

impl From<Unissued> for Failure {
    fn from(why: Unissued) -> Failure {
        match why {
            Unissued::Refused { text, place, status } => {
                Failure { refused: Some((place, status)), ..Failure::fatal(ErrorKind::Denied, text) }
            }
            Unissued::Failed(failure) => failure,
        }
    }
}

/// A token and the time until which it is used.
#[derive(Debug, Clone)]
struct Token {
    secret: Secret,
    until: Option<Instant>,
}

type Slot = Arc<Mutex<Option<Token>>>;

/// The tokens of one registry.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<BTreeMap<(Realm, Scope), Slot>>);

impl Tokens {
    /// A token that is good for a scope: one that is kept, or a new one. Threads that ask for the same wait for one
    /// request; `fetch` makes it.
    pub(super) fn get<E>(
        &self,
        realm: &Realm,
        scope: &Scope,
        now: impl Fn() -> Instant,
        fetch: impl FnOnce() -> Result<Issued, E>,
    ) -> Result<Secret, E> {
        if let Some(wider) = self.wider(realm, scope, now()) {
            return Ok(wider);
        }
        let slot = Arc::clone(lock(&self.0).entry((realm.clone(), scope.clone())).or_default());
        let mut slot = lock(&slot);
        if let Some(token) = slot.as_ref().filter(|token| token.is_good(now())) {
            return Ok(token.secret.clone());
        }
        let (secret, life) = fetch()?;
        let until = life.map(|life| now() + life - MARGIN.min(life / 4));
        *slot = Some(Token { secret: secret.clone(), until });
        Ok(secret)
    }

    /// Throws away a token that a registry did not take.
    pub(super) fn forget(&self, refused: &Secret) {
        let slots: Vec<Slot> = lock(&self.0).values().cloned().collect();
        for slot in slots {
            lock(&slot).take_if(|token| token.secret == *refused);
        }
    }

    /// A good token that allows more than is needed and that nobody is renewing.
    fn wider(&self, realm: &Realm, scope: &Scope, now: Instant) -> Option<Secret> {
        let slots = lock(&self.0);
        let fitting = slots.iter().filter(|((of, allows), _)| of == realm && allows.covers(scope));
        let mut good = fitting.filter_map(|(_, slot)| slot.try_lock().ok()?.clone()).filter(|token| token.is_good(now));
        good.next().map(|token| token.secret)
    }
}

impl Token {
    fn is_good(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `Basic …` for a user name and a password.
pub(super) fn basic(username: &str, password: &Secret) -> Secret {
    Secret::new(format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{}", password.reveal()))))
}

/// Asks a realm for a token, with a login or as nobody; how long it lives comes with it.
///
/// # Errors
/// The service refuses, sends us on to somebody else, or cannot be reached after all attempts.
pub(super) fn fetch(
    network: &Network,
    realm: &Realm,
    scope: &Scope,
    credential: Option<&Credential>,
    public_only: bool,
) -> Result<Issued, Unissued> {
    let form = match credential {
        Some(Credential::Bearer(token)) => return Ok((token.clone(), None)),
        Some(Credential::Identity(token)) => Some(refresh_form(realm, scope, token).into_bytes()),
        _ => None,
    };
    let mut request = match &form {
        Some(form) => Request::new(Method::POST, realm.url.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form, form.len() as u64),
        None => Request::new(Method::GET, question(realm, scope)),
    };
    if let Some(Credential::Password { username, password }) = credential {
        request = request.header(header::AUTHORIZATION, basic(username, password).reveal());
    }
    request.public_only = public_only;
    let place = realm.url.redacted();
    let mut attempts = Attempts::new(network, format!("asking {place} for a token"));
    loop {
        let (why, after) = match follow_within_origin(network, request.clone()) {
            Ok(mut response) if response.status == 200 => return read(&mut response, &place),
            Ok(response) if is_transient(response.status) => {
                let after = retry_after(&response, &*network.settings().clock);
                (format!("it answered {}", response.status), after)
            }
            Ok(response) => return Err(refused(&place, response)),
            Err(failure) if failure.stale && attempts.pass_over() => continue,
            Err(failure) if failure.transient => (failure.text, None),
            Err(failure) => return Err(failure.into()),
        };
        let made = attempts.made();
        if !attempts.again(&why, after).map_err(Failure::from)? {
            let text = format!("no token from {place}: {why} ({made} attempts)");
            return Err(Failure::fatal(ErrorKind::Denied, text).into());
        }
    }
}

fn question(realm: &Realm, scope: &Scope) -> crate::network::Url {
    let url = realm.service.iter().fold(realm.url.clone(), |url, service| url.with("service", service));
    scope.words().iter().fold(url, |url, word| url.with("scope", word))
}

/// The refresh of distribution's `docs/spec/auth/oauth.md`.
fn refresh_form(realm: &Realm, scope: &Scope, token: &Secret) -> String {
    let mut form = String::from("grant_type=refresh_token&client_id=oci-merge");
    let pairs = [
        ("service", realm.service.clone().unwrap_or_default()),
        ("scope", scope.words().join(" ")),
        ("refresh_token", token.reveal().to_owned()),
    ];
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        form.push_str(&format!("&{name}={}", encode(value)));
    }
    form
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<f64>,
}

fn read(response: &mut Response, place: &str) -> Result<Issued, Unissued> {
    let refuse = |why: &str| Failure::fatal(ErrorKind::Denied, format!("no token from {place}: {why}"));
    let bytes = response.read_all(MAX_TOKEN_BYTES).map_err(|e| refuse(&format!("its answer cannot be read: {e}")))?;
    // What serde says of the place of a mistake could quote a token.
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| refuse("its answer is not understood"))?;
    let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| refuse("its answer holds none"))?;
    let seconds = answer.expires_in.filter(|s| s.is_finite() && *s > 0.0).map(|s| s.min(31_536_000.0));
    Ok((Secret::new(token), Some(seconds.map_or(DEFAULT_LIFE, Duration::from_secs_f64))))
}

fn refused(place: &str, mut response: Response) -> Unissued {
    let text = format!("the token service {place} answered {}", Said::read(&mut response));
    match response.status {
        400 | 401 | 403 => Unissued::Refused { text, place: place.to_owned(), status: response.status },
        _ => Unissued::Failed(Failure::fatal(ErrorKind::Denied, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Clock, Settings, StillClock, Url};
    use std::io::{Read as _, Write as _};
    use std::sync::atomic::{AtomicU32, Ordering};

    fn realm() -> Realm {
        Realm { url: Url::parse("https://auth.test/token?account=jon").unwrap(), service: Some("registry.test".into()) }
    }

    #[test]
    fn a_token_is_asked_for_once() {
        let (tokens, fetched) = (Tokens::default(), AtomicU32::new(0));
        let fetch = || {
            fetched.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(50));
            Ok::<Issued, ()>((Secret::new("t"), Some(DEFAULT_LIFE)))
        };
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| tokens.get(&realm(), &Scope::push("a"), Instant::now, fetch).unwrap());
            }
        });
        tokens.get(&realm(), &Scope::pull("a"), Instant::now, fetch).unwrap();
        assert_eq!(fetched.load(Ordering::SeqCst), 1, "a token to push is good to pull");
        tokens.get(&realm(), &Scope::push("b"), Instant::now, fetch).unwrap();
        assert_eq!(fetched.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_token_is_not_used_in_its_last_moments() {
        let (tokens, clock, fetched) = (Tokens::default(), StillClock::new(0.0), AtomicU32::new(0));
        let get = |life| {
            let fetch = || {
                Ok::<Issued, ()>((
                    Secret::new(fetched.fetch_add(1, Ordering::SeqCst).to_string()),
                    Some(Duration::from_secs(life)),
                ))
            };
            tokens.get(&realm(), &Scope::pull("a"), || clock.now(), fetch).unwrap().reveal().to_owned()
        };
        assert_eq!(get(300), "0");
        clock.sleep(Duration::from_secs(269));
        assert_eq!(get(300), "0");
        clock.sleep(Duration::from_secs(2));
        assert_eq!(get(4), "1", "30 seconds before the end of 300");
        clock.sleep(Duration::from_millis(2900));
        assert_eq!(get(4), "1");
        clock.sleep(Duration::from_millis(200));
        assert_eq!(get(4), "2", "a quarter before the end of 4");
    }

    #[test]
    fn a_refused_token_is_forgotten_and_no_other() {
        let tokens = Tokens::default();
        let get = |repository: &str, secret: &str| {
            let fetch = || Ok::<Issued, ()>((Secret::new(secret), None));
            tokens.get(&realm(), &Scope::pull(repository), Instant::now, fetch).unwrap().reveal().to_owned()
        };
        assert_eq!((get("a", "a1"), get("b", "b1")), ("a1".into(), "b1".into()));
        tokens.forget(&Secret::new("a1"));
        assert_eq!((get("a", "a2"), get("b", "b2")), ("a2".into(), "b1".into()));
        // Another thread was slower to notice that the first token is dead.
        tokens.forget(&Secret::new("a1"));
        assert_eq!(get("a", "a3"), "a2");
    }

    #[test]
    fn a_public_registry_has_its_tokens_from_public_addresses() {
        // A name that leads to this machine, as a name of the registry's choice may.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/token", listener.local_addr().unwrap().port());
        let realm = Realm { url: Url::parse(&url).unwrap(), service: None };
        let settings = Settings { progress_timeout: Duration::from_millis(50), ..Settings::default() };
        let network = Network::new(Settings { clock: std::sync::Arc::new(StillClock::new(0.0)), ..settings });
        let denied = fetch(&network, &realm, &Scope::pull("a"), None, true);
        let Err(Unissued::Failed(failure)) = denied else { panic!("{denied:?}") };
        assert!(failure.kind == ErrorKind::Denied && failure.text.contains("not a public address"), "{failure:?}");
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "nobody came");
    }

    #[test]
    fn a_token_service_sends_nobody_on_to_another_origin() {
        let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let elsewhere = format!("http://{}/token", other.local_addr().unwrap());
        let refresh = || Credential::Identity(Secret::new("refresh"));
        let password = || Credential::Password { username: "jon".into(), password: Secret::new("hunter2") };
        for (login, status) in [(refresh(), 307), (refresh(), 308), (password(), 302), (password(), 307)] {
            let service = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = Url::parse(&format!("http://{}/token", service.local_addr().unwrap())).unwrap();
            let answer = format!("HTTP/1.1 {status} X\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n");
            let answering = std::thread::spawn(move || {
                let (mut stream, _) = service.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                stream.write_all(answer.as_bytes()).unwrap();
            });
            let settings = Settings { progress_timeout: Duration::from_secs(1), ..Settings::default() };
            let settings = Settings { clock: Arc::new(StillClock::new(0.0)), ..settings };
            let realm = Realm { url, service: None };
            let denied = fetch(&Network::new(settings), &realm, &Scope::pull("a"), Some(&login), false);
            let Err(Unissued::Failed(failure)) = denied else { panic!("{denied:?}") };
            assert!(failure.kind == ErrorKind::Denied && failure.text.contains("another origin"), "{failure:?}");
            answering.join().unwrap();
        }
        other.set_nonblocking(true).unwrap();
        assert!(other.accept().is_err(), "nobody came");
    }

    #[test]
    fn the_question_holds_service_and_every_scope() {
        let scope = Scope::push("jon/babylon").and(&Scope::pull("jon/java"));
        assert_eq!(
            question(&realm(), &scope).to_string(),
            "https://auth.test/token?account=jon&service=registry.test\
             &scope=repository:jon/babylon:pull,push&scope=repository:jon/java:pull"
        );
        assert_eq!(
            refresh_form(&realm(), &Scope::pull("a"), &Secret::new("x+/=")),
            "grant_type=refresh_token&client_id=oci-merge&service=registry.test&scope=repository:a:pull\
             &refresh_token=x%2B/%3D"
        );
        assert_eq!(basic("Aladdin", &Secret::new("open sesame")).reveal(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
