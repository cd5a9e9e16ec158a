//! Misbehaviour on request: what networks and registries do to their clients, at a moment of the test's choosing.
//!
//! ```
//! use oci_merge_store::server::faults::{Action, Fault};
//! let second_chunk_is_lost = Fault::new(Action::Drop).on("PATCH").nth(2);
//! assert_eq!("do=drop,on=PATCH,nth=2".parse::<Fault>().unwrap(), second_chunk_is_lost);
//! ```

mod action;
mod after;
mod before;
mod plan;
mod spec;
mod stream;

pub use action::{Action, Elsewhere, MountAnswer, UploadLocation};
pub(super) use plan::Plan;

use super::body::Body;
use super::ledger::Desk;
use super::registry::Registry;
use super::reply::{Halt, Reply};
use super::request::Request;

/// An [`Action`], and when it happens: to the first request of any kind, unless it is told otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    action: Action,
    methods: Vec<String>,
    path: String,
    desk: Desk,
    nth: u32,
    times: u32,
}

impl Fault {
    /// This action on the first request to the registry.
    pub fn new(action: Action) -> Fault {
        Fault { action, methods: Vec::new(), path: String::new(), desk: Desk::Registry, nth: 1, times: 1 }
    }

    /// Only on requests with this method; called again, with that one too.
    pub fn on(mut self, method: &str) -> Fault {
        self.methods.push(method.to_owned());
        self
    }

    /// Only on requests whose path, with its query, has this text in it.
    pub fn path(self, part: &str) -> Fault {
        Fault { path: part.to_owned(), ..self }
    }

    /// On requests to another listener than the registry.
    pub fn at(self, desk: Desk) -> Fault {
        Fault { desk, ..self }
    }

    /// From the n-th such request on, counted from 1.
    pub fn nth(self, nth: u32) -> Fault {
        Fault { nth, ..self }
    }

    /// So many times.
    pub fn times(self, times: u32) -> Fault {
        Fault { times, ..self }
    }

    /// Every time.
    pub fn always(self) -> Fault {
        self.times(0)
    }

    fn concerns(&self, desk: Desk, request: &Request) -> bool {
        self.desk == desk
            && (self.methods.is_empty() || self.methods.contains(&request.method))
            && request.target.contains(&self.path)
    }
}

/// The answer to a request, with all faults that concern it.
pub(super) fn answer(
    registry: &Registry,
    desk: Desk,
    request: &mut Request,
    body: &mut Body<'_>,
) -> Result<Reply, Halt> {
    let actions = registry.plan.due(desk, request);
    let had = registry.upload_size(request);
    let early = before::act(&actions, registry, request, body)?;
    let answer = match early {
        Some(reply) => Ok(reply),
        None => registry.answer(desk, request, body),
    };
    let reply = match answer {
        Ok(reply) => reply,
        Err(Halt::Refused(reply)) => *reply,
        Err(cut) => return Err(cut),
    };
    after::act(&actions, registry, request, had, reply)
}
