//! Redirects, by our own rules: few, never out of https, and `Authorization` never to anybody else.

use super::failure::{Failure, Heard};
use super::request::{Request, Response};
use super::url::Url;
use super::{Network, is_private_by_name, is_this_machine};
use crate::ErrorKind;
use ureq::http::{Method, header};

/// The most redirects of one request that are followed.
const MAX_REDIRECTS: usize = 5;

/// Who may be spoken to in plain HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clear {
    /// This machine and the hosts that the settings name.
    Named,
    /// Anybody: what comes is verified against a digest that came another way.
    Anybody,
}

/// Makes a request and follows where it is sent on. `Authorization` is left out as soon as scheme, host or port is
/// not that of the first address.
pub(crate) fn follow(network: &Network, request: Request<'_>, clear: Clear) -> Heard<Response> {
    follow_where(network, request, clear, |_| Ok(()))
}

/// The same, as long as scheme, host and port stay those of the first address: for a request whose body or query is for
/// nobody else, which 307 and 308 would send on with it.
pub(crate) fn follow_within_origin(network: &Network, request: Request<'_>) -> Heard<Response> {
    let first = request.url.clone();
    follow_where(network, request, Clear::Named, |next| {
        if next.same_origin(&first) {
            return Ok(());
        }
        let (first, next) = (first.redacted(), next.redacted());
        let text = format!("{first} redirects to {next}, of another origin, and what is asked here is for no other");
        Err(Failure::fatal(ErrorKind::Denied, text))
    })
}

/// Follows as far as our rules and those of the caller allow.
fn follow_where(
    network: &Network,
    mut request: Request<'_>,
    clear: Clear,
    may: impl Fn(&Url) -> Heard<()>,
) -> Heard<Response> {
    let first = request.url.clone();
    may_speak(network, &first, clear)?;
    for _ in 0..=MAX_REDIRECTS {
        let response = network.send(&request)?;
        if !is_redirect(response.status, &request.method) {
            return Ok(response);
        }
        let Some(next) = location(network, &response, clear)? else {
            let text = format!("{} was answered with {} and no Location", request.url.redacted(), response.status);
            return Err(Failure::fatal(ErrorKind::Network, text));
        };
        response.discard();
        may(&next)?;
        if !next.same_origin(&first) {
            request.headers.retain(|(name, _)| name != header::AUTHORIZATION);
        }
        request.url = next;
    }
    let text = format!("{} redirects more than {MAX_REDIRECTS} times", first.redacted());
    Err(Failure::fatal(ErrorKind::Network, text))
}

/// Where an answer leads with its `Location`, if our rules allow to go there; `None` if it has none.
pub(crate) fn location(network: &Network, answer: &Response, clear: Clear) -> Heard<Option<Url>> {
    let Some(location) = answer.header("location") else { return Ok(None) };
    let next = answer
        .url
        .join(&location)
        .map_err(|e| Failure::fatal(ErrorKind::Network, format!("{} leads to {e}", answer.url.redacted())))?;
    may_follow(network, &answer.url, &next, clear)?;
    Ok(Some(next))
}

/// Refuses a way out of https, one from the Internet into a private network, and plain HTTP where it was not asked for.
fn may_follow(network: &Network, from: &Url, to: &Url, clear: Clear) -> Heard<()> {
    if from.is_https() && !to.is_https() {
        let text = format!("{} leads out of https, to {}", from.redacted(), to.redacted());
        return Err(Failure::fatal(ErrorKind::Policy, text));
    }
    if is_private_by_name(to.host()) && network.is_public(from.host()) {
        let (from, to) = (from.redacted(), to.redacted());
        let text = format!("{from}, which is public, leads to {to}, a private address that only this side can reach");
        return Err(Failure::fatal(ErrorKind::Policy, text));
    }
    may_speak(network, to, clear)
}

/// Refuses plain HTTP where it was not asked for.
fn may_speak(network: &Network, url: &Url, clear: Clear) -> Heard<()> {
    let named = || is_this_machine(url.host()) || Network::is_named(&network.settings().plain_http, url);
    if url.is_https() || clear == Clear::Anybody || named() {
        return Ok(());
    }
    let text = format!(
        "{} is plain HTTP, which anybody on the way can read and change; --plain-http {} allows it",
        url.redacted(),
        url.host_and_port()
    );
    Err(Failure::fatal(ErrorKind::Policy, text))
}

/// Whether a status sends this request elsewhere. A request that changes something is only sent on where the status
/// keeps its method (RFC 9110 section 15.4).
fn is_redirect(status: u16, method: &Method) -> bool {
    match status {
        307 | 308 => true,
        301..=303 => method == Method::GET || method == Method::HEAD,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Settings;

    #[test]
    fn no_redirect_leads_out_of_https_or_into_the_clear_or_into_a_private_network() {
        let plain_http = vec!["registry.lan:5000".to_owned(), "mirror.lan".to_owned()];
        let network = Network::new(Settings { plain_http, ..Settings::default() });
        let may = |from: &str, to: &str, clear| {
            may_follow(&network, &Url::parse(from).unwrap(), &Url::parse(to).unwrap(), clear).is_ok()
        };
        for (from, to, named, anybody) in [
            ("https://a.test/", "https://b.test/", true, true),
            ("https://a.test/", "http://a.test/", false, false),
            ("https://a.test/", "http://127.0.0.1/", false, false),
            ("https://registry.lan:5000/", "http://registry.lan:5000/", false, false),
            ("http://registry.lan:5000/", "https://b.test/", true, true),
            ("http://registry.lan:5000/", "http://mirror.lan:8080/", true, true),
            ("http://127.0.0.1:5000/", "http://127.0.0.1:9/", true, true),
            ("http://127.0.0.1:5000/", "https://b.test/", true, true),
            ("https://10.0.0.5/", "https://10.0.0.6/", true, true),
            ("https://a.test/", "https://10.0.0.6/", false, false),
            ("https://a.test/", "https://localhost:8443/", false, false),
            ("https://a.test/", "https://[::1]/", false, false),
            ("https://a.test/", "https://169.254.169.254/latest/", false, false),
            ("http://registry.lan:5000/", "http://127.0.0.1:9/", false, false),
            ("http://registry.lan:5000/", "http://registry.lan:5001/", false, true),
            ("http://registry.lan:5000/", "http://b.test/", false, true),
        ] {
            assert_eq!(may(from, to, Clear::Named), named, "{from} to {to}");
            assert_eq!(may(from, to, Clear::Anybody), anybody, "{from} to {to}, whoever it is");
        }
    }

    #[test]
    fn only_what_keeps_its_method_is_sent_on() {
        let sent_on =
            |status| [&Method::GET, &Method::HEAD, &Method::POST, &Method::PUT].map(|m| is_redirect(status, m));
        assert_eq!(sent_on(301), [true, true, false, false]);
        assert_eq!(sent_on(307), [true; 4]);
        assert_eq!(sent_on(308), [true; 4]);
        for status in [200, 300, 304, 305, 306, 309, 404] {
            assert_eq!(sent_on(status), [false; 4], "{status}");
        }
    }

    #[test]
    fn a_request_for_public_addresses_does_not_reach_this_machine() {
        let mut request = Request::new(Method::GET, Url::parse("http://localhost:1/").unwrap());
        request.public_only = true;
        let failure = Network::default().send(&request).err().unwrap();
        assert!(failure.kind == ErrorKind::Denied && failure.text.contains("not a public address"), "{failure:?}");
    }
}
