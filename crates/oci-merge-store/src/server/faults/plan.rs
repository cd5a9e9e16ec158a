//! What is to go wrong, how often it has, and the sleep from which the end of the server wakes.

use super::super::ledger::Desk;
use super::super::lock;
use super::super::request::Request;
use super::{Action, Fault};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The faults of a server.
#[derive(Default)]
pub(in super::super) struct Plan {
    faults: Mutex<Vec<Planned>>,
    pub(super) sleep: Arc<Sleep>,
    /// The registry's own address, and that of the other host.
    pub(in super::super) addresses: Mutex<Option<(SocketAddr, SocketAddr)>>,
    /// The uploads that have had a chunk that was too small.
    pub(super) small: Mutex<BTreeSet<String>>,
}

struct Planned {
    fault: Fault,
    seen: u32,
    fired: u32,
}

impl Plan {
    pub(in super::super) fn add(&self, fault: Fault) {
        lock(&self.faults).push(Planned { fault, seen: 0, fired: 0 });
    }

    pub(in super::super) fn clear(&self) {
        lock(&self.faults).clear();
    }

    /// How often each fault has happened.
    pub(in super::super) fn fired(&self) -> Vec<u32> {
        lock(&self.faults).iter().map(|planned| planned.fired).collect()
    }

    /// What happens to this request.
    pub(super) fn due(&self, desk: Desk, request: &Request) -> Vec<Action> {
        let mut due = Vec::new();
        for planned in lock(&self.faults).iter_mut().filter(|planned| planned.fault.concerns(desk, request)) {
            planned.seen += 1;
            let Fault { nth, times, .. } = planned.fault;
            if planned.seen >= nth && (times == 0 || planned.fired < times) {
                planned.fired += 1;
                due.push(planned.fault.action.clone());
            }
        }
        due
    }

    /// Ends all sleep.
    pub(in super::super) fn stop(&self) {
        *lock(&self.sleep.over) = true;
        self.sleep.bell.notify_all();
    }
}

/// A sleep that can be ended.
#[derive(Default)]
pub(super) struct Sleep {
    over: Mutex<bool>,
    bell: Condvar,
}

impl Sleep {
    /// Sleeps for so long; false if the server ended before that.
    pub(super) fn sleep(&self, duration: Duration) -> bool {
        let result = self.bell.wait_timeout_while(lock(&self.over), duration, |over| !*over);
        !*result.unwrap_or_else(PoisonError::into_inner).0
    }
}
