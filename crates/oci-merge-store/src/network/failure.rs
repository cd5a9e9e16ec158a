//! A request that got no answer: why, and whether the next one may.

use super::address::{PrivateAddress, is_this_machine};
use super::agent::Dial;
use super::url::Url;
use crate::{Error, ErrorKind};
use rustls::CertificateError;
use std::io;

/// What came of a request.
pub(crate) type Heard<T> = Result<T, Failure>;

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of error this is if nothing helps.
    pub(crate) kind: ErrorKind,
    /// Whether the next attempt may go well.
    pub(crate) transient: bool,
    /// Whether the peer was reached and speaks no TLS.
    pub(crate) not_tls: bool,
    /// Whether nobody there speaks https: the peer speaks no TLS, or nothing listens.
    pub(crate) no_https: bool,
    /// Whether the peer closed a connection that had been made.
    pub(crate) closed: bool,
    /// Whether a connection that was kept from an earlier request broke once part of a body was sent. The peer may have
    /// closed it long before, or it may have that part, or it may have done what it was asked and the answer is lost.
    pub(crate) stale: bool,
    /// For people.
    pub(crate) text: String,
    /// The address of a service other than the registry that refused, and its status.
    pub(crate) refused: Option<(String, u16)>,
    /// One of ours that stopped the request from inside: content that cannot be read, a cancellation.
    pub(crate) ours: Option<Error>,
}

/// What an error is caused by if nobody there speaks https.
#[derive(Debug, thiserror::Error)]
#[error("nobody there speaks https")]
pub(crate) struct NoHttps;

impl Failure {
    /// A failure that no further attempt mends.
    pub(crate) fn fatal(kind: ErrorKind, text: impl Into<String>) -> Failure {
        Failure {
            kind,
            transient: false,
            not_tls: false,
            no_https: false,
            closed: false,
            stale: false,
            text: text.into(),
            refused: None,
            ours: None,
        }
    }

    fn transient(text: String) -> Failure {
        Failure { transient: true, ..Failure::fatal(ErrorKind::Network, text) }
    }

    /// The caller wants to stop.
    pub(crate) fn cancelled(place: &str) -> Failure {
        Error::new(ErrorKind::Cancelled, place, "cancelled").into()
    }

    /// What ureq says of a request to `url` whose connection had come as far as `dial`.
    pub(super) fn of(error: ureq::Error, url: &Url, dial: Dial) -> Failure {
        let host = url.host_and_port();
        match error {
            ureq::Error::Io(e) => Failure::of_io(e, url, dial),
            ureq::Error::Timeout(ureq::Timeout::Connect) => {
                Failure::transient(format!("{host} did not answer in time when connecting"))
            }
            ureq::Error::Timeout(ureq::Timeout::Resolve) => {
                Failure::transient(format!("looking up {host} took too long"))
            }
            ureq::Error::Timeout(ureq::Timeout::RecvResponse) => {
                Failure::transient(format!("{host} took too long to send the head of an answer"))
            }
            ureq::Error::Timeout(_) => Failure::transient(format!("{host} neither took nor sent a byte for too long")),
            ureq::Error::HostNotFound => Failure::transient(format!("{host} has no address")),
            ureq::Error::ConnectProxyFailed(why) => {
                let text = format!("the proxy does not lead to {host}: {why}");
                let for_good = why.contains("responded 4");
                if for_good { Failure::fatal(ErrorKind::Network, text) } else { Failure::transient(text) }
            }
            ureq::Error::Rustls(e) => Failure::of_tls(&e, &host),
            ureq::Error::Other(e) if e.is::<PrivateAddress>() => Failure::fatal(ErrorKind::Denied, e.to_string()),
            other => Failure::fatal(ErrorKind::Network, format!("{host}: {other}")),
        }
    }

    fn of_io(error: io::Error, url: &Url, dial: Dial) -> Failure {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof};
        let host = url.host_and_port();
        let error = match Error::carried_by(error) {
            Ok(ours) => return ours.into(),
            Err(error) => error,
        };
        if let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
            return Failure::of_tls(tls, &host);
        }
        if dial != Dial::Failed {
            let closed = error.kind() != io::ErrorKind::TimedOut;
            return Failure { closed, ..Failure::transient(format!("the connection to {host} broke: {error}")) };
        }
        let hung_up = matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted);
        // Where nothing listens on this machine, nothing will in a few seconds either.
        let hopeless = error.kind() == ConnectionRefused && is_this_machine(url.host());
        let unwelcome = hung_up || error.kind() == ConnectionRefused;
        Failure {
            transient: !hopeless,
            not_tls: hung_up && url.is_https(),
            no_https: unwelcome && url.is_https(),
            ..Failure::fatal(ErrorKind::Network, format!("cannot connect to {host}: {error}"))
        }
    }

    fn of_tls(error: &rustls::Error, host: &str) -> Failure {
        let failure = |text| Failure::fatal(ErrorKind::Network, text);
        match error {
            // Bytes that are not a TLS record at all.
            rustls::Error::InvalidMessage(_) => {
                Failure { not_tls: true, no_https: true, ..failure(format!("{host} does not speak TLS")) }
            }
            rustls::Error::InvalidCertificate(why) => {
                failure(format!("the certificate of {host} is not to be trusted: {}", certificate(why)))
            }
            other => failure(format!("TLS with {host}: {other}")),
        }
    }

    /// The error that this is once nothing helped; `text` begins with what was being done.
    pub(crate) fn into_error(self, place: &str, text: String) -> Error {
        match self.ours {
            Some(ours) => ours,
            None => {
                let error = Error::new(self.kind, place, text);
                let error = if self.no_https { error.caused_by(NoHttps) } else { error };
                if self.transient { error.retryable() } else { error }
            }
        }
    }
}

fn certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => {
            "nobody who is trusted here has issued it; a private authority is named with --ca-file FILE".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".into(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is for another name ({why})")
        }
        other => other.to_string(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { ours: Some(error.clone()), ..Failure::fatal(error.kind(), error.to_string()) }
    }
}
