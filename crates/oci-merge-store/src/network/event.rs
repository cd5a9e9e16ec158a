//! What happens on the network, told to whoever watches.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Something that happened on the network. No event holds a secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A request was answered, or broke.
    Request(Exchange),
    /// A request went wrong and is made again.
    Retry {
        /// What is being done: `sending blob sha256:…`.
        what: String,
        /// Why it is done again.
        why: String,
        /// Which attempt comes next, from 2.
        attempt: u32,
        /// How long is waited before it.
        after: Duration,
    },
    /// Something that a person should know and that stops nothing, such as a credential helper that is not installed.
    Warning(String),
}

/// One request and its answer; [`Display`](fmt::Display) makes the line of `-v`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exchange {
    /// `GET`, `PUT`, ….
    pub method: String,
    /// The address, without the values of parameters that may give access.
    pub url: String,
    /// The status, unless there was no answer.
    pub status: Option<u16>,
    /// The server's own name for the request.
    pub request_id: Option<String>,
    /// Bytes of the body that were sent.
    pub sent: u64,
    /// Bytes of the answer's body, if the server said how many.
    pub length: Option<u64>,
    /// From the first byte sent to the head of the answer.
    pub took: Duration,
    /// What broke, if there was no answer.
    pub failure: Option<String>,
    /// Header fields of the request, a line each; values that may give access are left out.
    pub request_headers: Vec<String>,
    /// The same of the answer.
    pub answer_headers: Vec<String>,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        match (&self.status, &self.failure) {
            (Some(status), _) => write!(f, " {status}")?,
            (None, failure) => write!(f, " failed: {}", failure.as_deref().unwrap_or("no answer"))?,
        }
        if self.sent > 0 {
            write!(f, ", {} bytes sent", self.sent)?;
        }
        self.length.iter().filter(|n| **n > 0).try_for_each(|n| write!(f, ", {n} bytes"))?;
        write!(f, ", {} ms", self.took.as_millis())?;
        self.request_id.iter().try_for_each(|id| write!(f, ", request {}", oci_merge_image::shown(id)))
    }
}

/// Somebody who is told of events, from any thread; a watcher must not block.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(&Event) + Send + Sync>);

impl Watcher {
    /// Tells a function.
    pub fn new(watch: impl Fn(&Event) + Send + Sync + 'static) -> Watcher {
        Watcher(Arc::new(watch))
    }

    pub(crate) fn tell(&self, event: &Event) {
        (self.0)(event);
    }
}

impl Default for Watcher {
    /// Tells nobody.
    fn default() -> Watcher {
        Watcher::new(|_| {})
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}
