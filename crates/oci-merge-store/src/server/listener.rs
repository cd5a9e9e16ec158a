//! A listening socket on loopback, a thread for each of its connections, and the end of them all.

use super::lock;
use crate::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The most connections that are open at a time; more are closed at once.
const MAX_CONNECTIONS: usize = 1_000;

/// A listening socket; when it is dropped, its connections are cut and its threads have ended.
pub(super) struct Listener {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on an address of this machine, port 0 being any free one, and has each connection served.
    pub(super) fn start(address: SocketAddr, serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Result<Listener> {
        let place = || address.to_string();
        if !address.ip().is_loopback() {
            let text = "this server is for trying things and not for the network: it listens on 127.0.0.1 or ::1 only";
            return Err(Error::new(ErrorKind::Policy, place(), text));
        }
        let refuse = |e: std::io::Error| {
            Error::new(ErrorKind::Network, place(), format!("cannot listen here: {e}")).caused_by(e)
        };
        let socket = TcpListener::bind(address).map_err(refuse)?;
        let address = socket.local_addr().map_err(refuse)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let accepting = thread::Builder::new()
            .name(format!("registry {}", address.port()))
            .spawn(move || accept(&socket, &stopping, serve))
            .map_err(refuse)?;
        Ok(Listener { address, stop, accepting: Some(accepting) })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let Some(accepting) = self.accepting.take() else { return };
        // accept() returns only for a connection.
        while !accepting.is_finished() && TcpStream::connect(self.address).is_err() {
            thread::sleep(Duration::from_millis(1));
        }
        let _ = accepting.join();
    }
}

/// The connections that are open, each with a handle by which it can be cut.
type Open = Arc<Mutex<BTreeMap<u64, TcpStream>>>;

fn accept(socket: &TcpListener, stop: &AtomicBool, serve: impl Fn(TcpStream) + Clone + Send + 'static) {
    let open = Open::default();
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::SeqCst) {
        let Ok((stream, _)) = socket.accept() else {
            // Out of file descriptors, most likely: some connection will end.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        threads.retain(|thread| !thread.is_finished());
        let Ok(handle) = stream.try_clone() else { continue };
        if stop.load(Ordering::SeqCst) || threads.len() >= MAX_CONNECTIONS {
            continue;
        }
        number += 1;
        lock(&open).insert(number, handle);
        let entry = Entry { open: Arc::clone(&open), number };
        let serve = serve.clone();
        let thread = thread::Builder::new().name(format!("connection {number}")).spawn(move || {
            let _entry = entry;
            serve(stream);
        });
        threads.extend(thread);
    }
    for stream in lock(&open).values() {
        let _ = stream.shutdown(Shutdown::Both);
    }
    for thread in threads {
        let _ = thread.join();
    }
}

/// Takes a connection off the list when its thread ends, however it ends.
struct Entry {
    open: Open,
    number: u64,
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.open).remove(&self.number);
    }
}
