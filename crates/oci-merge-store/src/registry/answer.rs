//! Requests for one repository: made, tried again, and turned into what a caller needs to know.

use super::Registry;
use super::hint::Denied;
use super::refusal::{Refusal, Said};
use super::scope::Scope;
use crate::network::{Attempts, Failure, Request, Response, is_transient, retry_after};
use crate::{Error, ErrorKind, MANIFEST_BLOB_UNKNOWN, Result};
use std::time::Duration;

/// What one attempt came to.
pub(super) type Attempted<T> = std::result::Result<T, Missed>;

/// An attempt that came to nothing.
pub(super) struct Missed {
    /// The error that it is if it was the last one.
    pub(super) error: Error,
    /// What the registry said, if it said something.
    pub(super) said: Option<Said>,
    /// The same in a line, or why there is no answer.
    pub(super) short: String,
    /// Why the next attempt may go well, and when.
    again: Option<(String, Option<Duration>)>,
    /// Whether all of it may be due to a connection that was dead from the beginning.
    stale: bool,
}

impl Missed {
    /// One that no further attempt mends.
    pub(super) fn for_good(error: Error) -> Missed {
        Missed { short: error.to_string(), error, said: None, again: None, stale: false }
    }

    /// Whether the next attempt may go well.
    pub(super) fn is_transient(&self) -> bool {
        self.again.is_some()
    }

    /// The same, though it did not look like it.
    pub(super) fn worth_another(mut self) -> Missed {
        self.again = self.again.or_else(|| Some((self.error.to_string(), None)));
        self
    }

    /// Waits for the next attempt.
    ///
    /// # Errors
    /// There is none: the error of this one.
    pub(super) fn wait(self, attempts: &mut Attempts) -> Result<()> {
        match &self.again {
            Some(_) if self.stale && attempts.pass_over() => Ok(()),
            Some((why, after)) if attempts.again(why, *after)? => Ok(()),
            _ => Err(self.error),
        }
    }
}

impl Registry {
    /// Makes a request until it is answered with something other than "not now".
    pub(super) fn answer(&self, request: &Request<'_>, scope: &Scope, attempts: &mut Attempts) -> Result<Response> {
        loop {
            match self.attempt(request, scope, attempts) {
                Ok(response) => return Ok(response),
                Err(missed) => missed.wait(attempts)?,
            }
        }
    }

    /// Makes a request once. Any status that is a definite answer is `Ok`, except 401 and 403.
    pub(super) fn attempt(&self, request: &Request<'_>, scope: &Scope, attempts: &Attempts) -> Attempted<Response> {
        match self.host.exchange(&self.network, &self.repository, request.clone(), scope) {
            Ok(response) if is_transient(response.status) => {
                let after = retry_after(&response, &*self.network.settings().clock);
                let missed = self.refused(response, scope, attempts);
                let why = missed.said.as_ref().map(Said::to_string).unwrap_or_default();
                Err(Missed { error: missed.error.retryable(), again: Some((why, after)), ..missed })
            }
            Ok(response) if matches!(response.status, 401 | 403) => Err(self.refused(response, scope, attempts)),
            Ok(response) => Ok(response),
            Err(failure) => Err(self.failed(failure, scope, attempts)),
        }
    }

    /// An answer that is a definite no.
    pub(super) fn refused(&self, mut response: Response, scope: &Scope, attempts: &Attempts) -> Missed {
        let said = Said::read(&mut response);
        let denied = matches!(said.status, 401 | 403);
        let found = denied.then(|| self.host.credentials(&self.network, &self.repository));
        let refusal = Refusal {
            registry: self.host.name().to_owned(),
            repository: self.repository.clone(),
            status: said.status,
            code: said.code.clone(),
            message: said.message.clone(),
            request_id: response.request_id(),
            url: response.url.redacted(),
            attempts: attempts.made(),
            looked: found.as_ref().map(|found| found.looked.clone()).unwrap_or_default(),
        };
        let (kind, text) = match &found {
            Some(found) => {
                let denied = self.denied(attempts, said.to_string(), Some(said.status), scope, found);
                (ErrorKind::Denied, denied)
            }
            // Where something was to be written, only a repository can be what is missing.
            None if said.status == 404 && (scope.is_pull_only() || said.code.as_deref() == Some("NAME_UNKNOWN")) => {
                (ErrorKind::NotFound, format!("{}: {said}", attempts.what()))
            }
            // Nobody may write there, whoever it is: a mirror, or a registry that is being looked after.
            None if said.status == 405 && !scope.is_pull_only() => {
                (ErrorKind::Denied, format!("{}: {said}; nobody may push there", attempts.what()))
            }
            None => (ErrorKind::Network, format!("{}: {said}{}", attempts.what(), after(attempts))),
        };
        let error = Error::new(kind, self.reference.name(), text).caused_by(refusal);
        let error = if said.lacks_blobs { error.because(MANIFEST_BLOB_UNKNOWN) } else { error };
        Missed { short: format!("it said {said}"), error, said: Some(said), again: None, stale: false }
    }

    fn failed(&self, failure: Failure, scope: &Scope, attempts: &Attempts) -> Missed {
        let again = failure.transient.then(|| (failure.text.clone(), None));
        let (stale, short) = (failure.stale, failure.text.clone());
        if failure.kind != ErrorKind::Denied || failure.ours.is_some() {
            let text = format!("{}: {}{}", attempts.what(), failure.text, after(attempts));
            return Missed { error: failure.into_error(&self.reference.name(), text), said: None, short, again, stale };
        }
        let found = self.host.credentials(&self.network, &self.repository);
        let text = self.denied(attempts, failure.text.clone(), None, scope, &found);
        let refusal = failure.refused.clone().map(|(url, status)| Refusal {
            registry: self.host.name().to_owned(),
            repository: self.repository.clone(),
            status,
            code: None,
            message: Some(failure.text.clone()),
            request_id: None,
            url,
            attempts: attempts.made(),
            looked: found.looked.clone(),
        });
        let error = failure.into_error(&self.reference.name(), text);
        let error = match refusal {
            Some(refusal) => error.caused_by(refusal),
            None => error,
        };
        Missed { error, said: None, short, again, stale }
    }

    fn denied(
        &self,
        attempts: &Attempts,
        said: String,
        status: Option<u16>,
        scope: &Scope,
        found: &super::credentials::Found,
    ) -> String {
        let denied = Denied {
            registry: self.host.name(),
            repository: &self.repository,
            what: attempts.what(),
            said,
            status,
            writing: !scope.is_pull_only(),
            found,
        };
        denied.text()
    }
}

fn after(attempts: &Attempts) -> String {
    if attempts.made() > 1 { format!(" (after {} attempts)", attempts.made()) } else { String::new() }
}
