//! What happens during a run, told to whoever watches: the terminal, the plain log, `--progress json`, an embedder.

use oci_merge_image::Digest;
use oci_merge_layer::check::Finding;
use serde::Serialize;
use std::sync::Arc;

/// Something that happened. Progress observes and never shapes the run; a watcher must not block.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event")]
#[non_exhaustive]
pub enum Event {
    /// The run begins.
    #[serde(rename = "run.start")]
    RunStart {
        /// The version of oci-merge.
        tool: &'static str,
        /// The image's name.
        image: String,
        /// The platform that is built.
        platform: String,
        /// The layers, in the order of the spec.
        layers: Vec<String>,
    },
    /// Work on a layer went on; sent at most some ten times a second for each layer.
    #[serde(rename = "layer.progress")]
    LayerProgress {
        /// The layer, or `base`.
        layer: String,
        /// What is being done.
        phase: Phase,
        /// Bytes done.
        done: u64,
        /// Bytes in all, if that is known.
        total: Option<u64>,
    },
    /// A layer is in the store, with its index.
    #[serde(rename = "layer.ready")]
    LayerReady {
        /// The layer, or `base`.
        layer: String,
        /// Its version in the spec.
        version: Option<String>,
        /// Its prefix.
        prefix: String,
        /// How it came about.
        how: How,
        /// Bytes of the blob (for `base`: of all its blobs).
        size: u64,
        /// Entries in it.
        paths: u64,
        /// The digest of the blob (for `base`: of its manifest).
        digest: Digest,
        /// What a person should know: why it was repacked, what was dropped.
        notes: Vec<String>,
    },
    /// The check is over.
    #[serde(rename = "check.done")]
    CheckDone {
        /// Claims that were compared.
        paths: u64,
        /// Milliseconds that it took.
        #[serde(rename = "took_ms")] // `ms` is when each event happened
        ms: u64,
        /// How many findings are errors.
        errors: usize,
        /// How many are warnings.
        warnings: usize,
    },
    /// A finding of the check.
    #[serde(rename = "finding")]
    Finding(Box<Finding>),
    /// A blob is where it should be.
    #[serde(rename = "blob.done")]
    BlobDone {
        /// The blob.
        digest: Digest,
        /// Its bytes.
        size: u64,
        /// How it came there.
        transfer: Transfer,
        /// Bytes that were sent for it.
        sent: u64,
    },
    /// An image was written or pushed.
    #[serde(rename = "image.written")]
    ImageWritten {
        /// Where: `127.0.0.1:5000/demo:full`, `oci:./image:full`.
        reference: String,
        /// The digest of its manifest.
        digest: Digest,
    },
    /// A request went wrong and is made again.
    #[serde(rename = "retry")]
    Retry {
        /// The request.
        what: String,
        /// Which attempt comes next, from 2.
        attempt: u32,
        /// After how many milliseconds.
        after_ms: u64,
    },
    /// Something that a person should know and that stops nothing.
    #[serde(rename = "warning")]
    Warning {
        /// What.
        text: String,
    },
    /// One request to a registry or server, for `-v`.
    #[serde(rename = "request")]
    Request {
        /// Method, URL without secrets, status, request id: one line.
        line: String,
        /// Header fields without secrets, those of the request after `> `, those of the answer after `< `.
        headers: Vec<String>,
    },
}

/// What is being done to a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// Downloading.
    Fetch,
    /// Reading, compressing and indexing.
    Pack,
    /// Sending.
    Upload,
}

/// How a layer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum How {
    /// Its blob is the input, byte for byte.
    Kept,
    /// It was written by our own packer.
    Packed,
    /// Several layers were joined, for an image cannot have as many as there are.
    Joined,
    /// It is the base's.
    Base,
}

/// How a blob came to where it should be; what takes more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Transfer {
    /// It was there.
    Present,
    /// It was taken over from another repository of the same registry.
    Mounted,
    /// It was sent.
    Uploaded,
}

impl Transfer {
    /// In the word of the tables: `unchanged`, `mounted` or `new`.
    pub fn happened(self) -> &'static str {
        match self {
            Transfer::Present => "unchanged",
            Transfer::Mounted => "mounted",
            Transfer::Uploaded => "new",
        }
    }
}

/// Somebody who is told of events, from any thread.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Event) + Send + Sync>);

impl Observer {
    /// Tells a function.
    pub fn new(watch: impl Fn(&Event) + Send + Sync + 'static) -> Observer {
        Observer(Arc::new(watch))
    }

    /// Tells nobody.
    pub fn nobody() -> Observer {
        Observer::new(|_| {})
    }

    pub(crate) fn tell(&self, event: Event) {
        (self.0)(&event);
    }
}

impl Default for Observer {
    fn default() -> Observer {
        Observer::nobody()
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Observer")
    }
}

impl From<&oci_merge_store::network::Event> for Event {
    fn from(event: &oci_merge_store::network::Event) -> Event {
        use oci_merge_store::network::Event as Network;
        match event {
            Network::Request(exchange) => {
                let asked = exchange.request_headers.iter().map(|header| format!("> {header}"));
                let answered = exchange.answer_headers.iter().map(|header| format!("< {header}"));
                Event::Request { line: exchange.to_string(), headers: asked.chain(answered).collect() }
            }
            Network::Retry { what, why, attempt, after } => Event::Retry {
                what: format!("{what} ({why})"),
                attempt: *attempt,
                after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            },
            Network::Warning(text) => Event::Warning { text: text.clone() },
            other => Event::Warning { text: format!("{other:?}") },
        }
    }
}
