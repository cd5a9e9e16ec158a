//! What all connections of a server share, and which part of it answers a request.

use super::body::Body;
use super::guard::Guard;
use super::ledger::{Desk, Ledger};
use super::reply::{Code, Halt, Reply};
use super::request::Request;
use super::route::{Route, Thing, route};
use super::shelf::Shelf;
use super::uploads::Sessions;
use super::{Auth, Options, Realm, Storage};
use serde_json::json;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// A registry without its sockets.
pub(super) struct Registry {
    pub(super) shelf: Box<dyn Shelf>,
    pub(super) sessions: Sessions,
    pub(super) guard: Guard,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) referrers: bool,
    /// The largest blob that is taken.
    pub(super) max_blob: u64,
    writable: bool,
    connections: AtomicU64,
    #[cfg(feature = "faults")]
    pub(super) plan: super::faults::Plan,
}

impl Registry {
    pub(super) fn new(options: &Options, shelf: Box<dyn Shelf>) -> Registry {
        Registry {
            shelf,
            sessions: Sessions::default(),
            guard: Guard::new(options.auth.clone()),
            ledger: Mutex::default(),
            referrers: options.referrers,
            max_blob: if matches!(options.storage, Storage::Memory) { 256 << 20 } else { 64 << 30 },
            writable: options.writable,
            connections: AtomicU64::new(0),
            #[cfg(feature = "faults")]
            plan: super::faults::Plan::default(),
        }
    }

    /// The answer to a request at one of the listeners.
    pub(super) fn answer(&self, desk: Desk, request: &Request, body: &mut Body<'_>) -> Result<Reply, Halt> {
        let route = route(request.path())?;
        let gives_tokens = match self.guard.auth() {
            Auth::Bearer { realm, .. } => desk == Desk::Token || (desk, realm) == (Desk::Registry, &Realm::Registry),
            _ => false,
        };
        if desk == Desk::Registry && route != Route::Token {
            let repository = match &route {
                Route::Of(name, _) => Some(*name),
                _ => None,
            };
            self.guard.admit(request, repository)?;
        }
        match (desk, route) {
            (_, Route::Token) if gives_tokens => self.guard.token(request, body),
            (Desk::Registry | Desk::Cdn, Route::Of(name, Thing::Blob(digest))) => self.blob(request, name, &digest),
            (Desk::Registry | Desk::Cdn, Route::Of(name, Thing::Upload(id))) => self.upload(request, body, name, id),
            (Desk::Registry, Route::Of(name, Thing::Uploads)) => self.begin(request, body, name),
            (Desk::Registry, Route::Of(name, Thing::Manifest(wanted))) => self.manifest(request, body, name, &wanted),
            (Desk::Registry, Route::Of(name, Thing::Tags)) => self.list_tags(request, name),
            (Desk::Registry, Route::Of(name, Thing::Referrers(subject))) => {
                self.list_referrers(request, name, &subject)
            }
            (Desk::Registry, Route::Api) => Ok(Reply::json(200, &json!({}))),
            _ => Err(Code::Unsupported.reply("there is nothing here").status(404).into()),
        }
    }

    /// Refuses what changes content where nothing may be changed.
    pub(super) fn writable(&self) -> Result<(), Halt> {
        if self.writable { Ok(()) } else { Err(Code::Unsupported.reply("this registry takes no pushes").into()) }
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }
}
