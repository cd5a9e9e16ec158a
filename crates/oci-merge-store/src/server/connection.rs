//! One connection: requests and answers in turn, until one side has had enough.

use super::body::Body;
use super::guard::scheme;
use super::ledger::{self, Authorization, Desk};
use super::lock;
use super::registry::Registry;
use super::reply::{Code, Halt, Reply};
use super::request::{Request, Unread};
use std::io::{self, BufReader, Read};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long a peer may be silent.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long what a peer still sends is read so that it sees the answer.
const LINGER: Duration = Duration::from_secs(5);
/// How much of a body that nobody wanted is read so that the connection can be kept.
const MAX_DRAIN: u64 = 1 << 20;

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// In the ordinary way.
    Close,
    /// After the peer has had time to read an answer that came before the end of its request.
    Linger,
    /// With a reset.
    #[cfg(feature = "faults")]
    Reset,
}

/// Serves the requests of one connection.
pub(super) fn converse(registry: &Registry, desk: Desk, connection: u64, stream: TcpStream) {
    let ready = stream
        .set_nodelay(true)
        .and_then(|()| stream.set_read_timeout(Some(PATIENCE)))
        .and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    if ready.is_err() {
        return;
    }
    let mut stream = BufReader::with_capacity(64 << 10, stream);
    let ending = loop {
        match exchange(registry, desk, connection, &mut stream) {
            Ok(()) => {}
            Err(ending) => break ending,
        }
    };
    let stream = stream.get_mut();
    match ending {
        Ending::Close => {}
        Ending::Linger => {
            // Closing with unread bytes resets the connection, and the peer may lose the answer.
            let _ = stream.shutdown(Shutdown::Write).and_then(|()| stream.set_read_timeout(Some(LINGER / 5)));
            let (end, mut rest) = (Instant::now() + LINGER, vec![0; 64 << 10]);
            while Instant::now() < end && stream.read(&mut rest).is_ok_and(|count| count > 0) {}
        }
        #[cfg(feature = "faults")]
        Ending::Reset => {
            let _ = rustix::net::sockopt::set_socket_linger(&*stream, Some(Duration::ZERO));
            return;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// One request and its answer. An error is the end of the connection.
fn exchange(registry: &Registry, desk: Desk, connection: u64, stream: &mut BufReader<TcpStream>) -> Result<(), Ending> {
    let mut request = match Request::read(stream) {
        Ok(request) => request,
        Err(Unread::Gone) => return Err(Ending::Close),
        Err(Unread::Bad(status)) => {
            let reply =
                Reply { close: true, ..Code::Unsupported.reply("not a request for this server").status(status) };
            let _ = reply.write(stream.get_mut(), false, |_| {});
            return Err(Ending::Linger);
        }
    };
    let number = lock(&registry.ledger).note(entry(&request, desk, connection));
    let mut body = Body::new(&request, stream);
    let answer = answer(registry, desk, &mut request, &mut body);
    let received = body.count();
    let mut reply = match answer {
        Ok(reply) => reply,
        Err(Halt::Refused(reply)) => *reply,
        Err(Halt::Cut(ending)) => {
            lock(&registry.ledger).change(number, |entry| entry.received = received);
            return Err(ending);
        }
    };
    let unwanted = body.is_withheld() || body.is_longer_than(MAX_DRAIN);
    reply.close |= unwanted || !request.keep_alive;
    lock(&registry.ledger).change(number, |entry| (entry.status, entry.received) = (reply.status, received));
    let sent = |count| lock(&registry.ledger).change(number, |entry| entry.sent += count);
    let ending = reply.ending;
    let goes_on = reply.write(body.connection(), request.method == "HEAD", sent);
    if unwanted {
        return Err(Ending::Linger);
    }
    match (goes_on, ending) {
        (Ok(true), None) => {}
        (_, ending) => return Err(ending.unwrap_or(Ending::Close)),
    }
    let drained = io::copy(&mut (&mut body).take(MAX_DRAIN), &mut io::sink());
    if drained.is_ok() && body.is_over() { Ok(()) } else { Err(Ending::Linger) }
}

fn answer(registry: &Registry, desk: Desk, request: &mut Request, body: &mut Body<'_>) -> Result<Reply, Halt> {
    if !request.field("host").is_some_and(is_local) {
        // A page in a browser may reach loopback under a name of its own (DNS rebinding).
        return Err(Code::Unsupported.reply("the Host is not a loopback address or localhost").status(421).into());
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") && is_of_a_page(request) {
        // The Host is right where any page posts to this address, and a POST of plain text asks for no permission first
        // (Fetch, "CORS-safelisted request-header"); answers are not shown to the page, but what it sent would be kept.
        return Err(Code::Denied.reply("web pages may not write to this registry").status(403).into());
    }
    #[cfg(feature = "faults")]
    return super::faults::answer(registry, desk, request, body);
    #[cfg(not(feature = "faults"))]
    registry.answer(desk, request, body)
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let literal = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    literal.map_or_else(|_| name.eq_ignore_ascii_case("localhost"), |ip| ip.is_loopback())
}

/// Whether a browser says that it asks for a page (Fetch, "Origin"; Fetch Metadata, "Sec-Fetch-Site"). Clients of
/// registries send neither, and nobody's page is served here.
fn is_of_a_page(request: &Request) -> bool {
    let elsewhere = |site: &str| !matches!(site, "same-origin" | "none");
    request.field("origin").is_some() || request.field("sec-fetch-site").is_some_and(elsewhere)
}

fn entry(request: &Request, desk: Desk, connection: u64) -> ledger::Request {
    let authorization = match request.field("authorization").map(scheme) {
        None => Authorization::None,
        Some(Some((scheme, _))) if scheme == "basic" => Authorization::Basic,
        Some(Some((scheme, _))) if scheme == "bearer" => Authorization::Bearer,
        Some(_) => Authorization::Other,
    };
    ledger::Request {
        desk,
        connection,
        method: request.method.clone(),
        target: request.target.clone(),
        range: request.field("range").or_else(|| request.field("content-range")).map(str::to_owned),
        authorization,
        status: 0,
        received: 0,
        sent: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_hosts() {
        for good in ["127.0.0.1", "127.0.0.1:5000", "127.0.0.3:1", "[::1]:5000", "[::1]", "localhost:80", "LocalHost"] {
            assert!(is_local(good), "{good}");
        }
        for bad in ["", "example.org", "localhost.example.org:5000", "127.0.0.1.example.org", "10.0.0.1", "[::2]:1"] {
            assert!(!is_local(bad), "{bad}");
        }
    }
}
