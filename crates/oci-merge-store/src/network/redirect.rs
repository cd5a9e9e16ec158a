//! Redirects, by our own rules: few, never out of https, and `Authorization` never to anybody else.

use super::failure::Failure;
use super::request::{Request, Response};
use super::url::Url;
use super::{Network, is_this_machine};
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
pub(crate) fn follow(network: &Network, mut request: Request<'_>, clear: Clear) -> Result<Response, Failure> {
    let first = request.url.clone();
    may_speak(network, &first, clear)?;
    for _ in 0..=MAX_REDIRECTS {
        let response = network.send(&request)?;
        if !is_redirect(response.status, &request.method) {
            return Ok(response);
        }
        let Some(location) = response.header("location") else {
            let text = format!("{} was answered with {} and no Location", request.url.redacted(), response.status);
            return Err(Failure::fatal(ErrorKind::Network, text));
        };
        let next = response
            .url
            .join(&location)
            .map_err(|e| Failure::fatal(ErrorKind::Network, format!("{} redirects to {e}", request.url.redacted())))?;
        response.discard();
        if request.url.is_https() && !next.is_https() {
            let text = format!("{} redirects out of https, to {}", request.url.redacted(), next.redacted());
            return Err(Failure::fatal(ErrorKind::Policy, text));
        }
        may_speak(network, &next, clear)?;
        if !next.same_origin(&first) {
            request.headers.retain(|(name, _)| name != header::AUTHORIZATION);
        }
        request.url = next;
    }
    let text = format!("{} redirects more than {MAX_REDIRECTS} times", first.redacted());
    Err(Failure::fatal(ErrorKind::Network, text))
}

/// Refuses plain HTTP where it was not asked for.
pub(crate) fn may_speak(network: &Network, url: &Url, clear: Clear) -> Result<(), Failure> {
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
