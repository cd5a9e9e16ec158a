//! What was asked of a server: every request, every tag that moved, and what no good client does.

use oci_merge_image::Digest;
use std::collections::VecDeque;

/// How many requests are remembered, the last ones; and how many moves and violations, the first ones.
const MAX_ENTRIES: usize = 100_000;

/// Which listener of a server was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Desk {
    /// The registry itself.
    Registry,
    /// The token service, on its own port or host.
    Token,
    /// Another host, where blobs are redirected to.
    Cdn,
}

/// The scheme of an `Authorization` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    /// There was no such field.
    None,
    /// A user's name and password.
    Basic,
    /// A token.
    Bearer,
    /// Something else.
    Other,
}

/// One request, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who was asked.
    pub desk: Desk,
    /// The number of the connection, from 1.
    pub connection: u64,
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path and the query, as they were sent.
    pub target: String,
    /// `Range` or `Content-Range`, as it was sent.
    pub range: Option<String>,
    /// The scheme of its `Authorization`.
    pub authorization: Authorization,
    /// The status of the answer; 0 if there was none.
    pub status: u16,
    /// How many bytes of a body were received.
    pub received: u64,
    /// How many bytes of a body were sent.
    pub sent: u64,
}

/// A tag that was set, moved or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagMove {
    /// The repository.
    pub repository: String,
    /// The tag in it.
    pub tag: String,
    /// What it stood for.
    pub from: Option<Digest>,
    /// What it stands for now.
    pub to: Option<Digest>,
}

/// What no good client does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A manifest came before what it names.
    ManifestTooEarly {
        /// The path of the request.
        target: String,
        /// What was not there.
        missing: Vec<Digest>,
    },
    /// A tag was moved to an image that is not whole.
    IncompleteTag {
        /// The path of the request.
        target: String,
        /// What was not there.
        missing: Vec<Digest>,
    },
    /// The Content-Type of a manifest is not its own `mediaType`.
    WrongMediaType {
        /// The path of the request.
        target: String,
    },
    /// An upload's `Location` was not used as the last answer gave it.
    StaleLocation {
        /// The path of the request.
        target: String,
    },
    /// A chunk did not begin where the one before had ended.
    ChunkOutOfOrder {
        /// The path of the request.
        target: String,
        /// How many bytes there were.
        expected: u64,
        /// The `Content-Range` that came.
        found: String,
    },
    /// A chunk, not being the last, was smaller than `OCI-Chunk-Min-Length`.
    SmallChunk {
        /// The path of the request.
        target: String,
    },
}

/// The book itself.
#[derive(Default)]
pub(super) struct Ledger {
    requests: VecDeque<Request>,
    /// The number of the first request that is still remembered.
    first: usize,
    moves: Vec<TagMove>,
    violations: Vec<Violation>,
    /// What a fault has said to be in a repository, although it is not.
    lies: Vec<(String, Digest)>,
}

impl Ledger {
    /// Writes a request down; the number is for [`change`](Ledger::change).
    pub(super) fn note(&mut self, request: Request) -> usize {
        if self.requests.len() == MAX_ENTRIES {
            self.requests.pop_front();
            self.first += 1;
        }
        self.requests.push_back(request);
        self.first + self.requests.len() - 1
    }

    /// Completes what was written down of a request.
    pub(super) fn change(&mut self, number: usize, how: impl FnOnce(&mut Request)) {
        let index = number.checked_sub(self.first);
        index.and_then(|index| self.requests.get_mut(index)).map(how);
    }

    pub(super) fn moved(&mut self, what: TagMove) {
        if self.moves.len() < MAX_ENTRIES {
            self.moves.push(what);
        }
    }

    pub(super) fn violated(&mut self, what: Violation) {
        if self.violations.len() < MAX_ENTRIES {
            self.violations.push(what);
        }
    }

    /// Remembers that a client was told of content that is not there.
    #[cfg(feature = "faults")]
    pub(super) fn lied(&mut self, repository: &str, digest: &Digest) {
        self.lies.push((repository.to_owned(), digest.clone()));
    }

    pub(super) fn was_lied_about(&self, repository: &str, digest: &Digest) -> bool {
        self.lies.iter().any(|(r, d)| r == repository && d == digest)
    }

    pub(super) fn moves(&self) -> Vec<TagMove> {
        self.moves.clone()
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        self.violations.clone()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.iter().cloned().collect()
    }

    /// Requests that carried a credential to where it has no business.
    pub(super) fn leaks(&self) -> Vec<Request> {
        let leaks = |r: &&Request| match (r.desk, r.authorization) {
            (_, Authorization::None) | (Desk::Registry, _) => false,
            // A token service wants name and password, and gives the token.
            (Desk::Token, Authorization::Basic) => !r.target.starts_with("/token"),
            (Desk::Token | Desk::Cdn, _) => true,
        };
        self.requests.iter().filter(leaks).cloned().collect()
    }
}
