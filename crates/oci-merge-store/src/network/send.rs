//! One request on the wire.

use super::agent::{self, Dial};
use super::event::{Event, Exchange};
use super::failure::{Failure, Heard};
use super::pace::{Incoming, Pace};
use super::request::{Body, Request, Response};
use super::{Network, headers};
use crate::{Error, ErrorKind};
use std::io::{self, Read};
use std::time::{Duration, Instant};
use ureq::http::{self, header};
use ureq::{AsSendBody, SendBody};

/// The longest that a request that tidies up may take.
const TIDYING_TIME: Duration = Duration::from_secs(1);

impl Network {
    /// Makes one request and reads the head of its answer, whatever the status.
    ///
    /// A connection that was kept from an earlier request and turns out to be dead is no attempt: the request goes
    /// out again at once, on a new connection. Only if some of a body was sent on it, the caller has to find out first
    /// whether that was in vain.
    pub(crate) fn send(&self, request: &Request<'_>) -> Heard<Response> {
        let mut sent = 0;
        match self.send_once(request, false, &mut sent) {
            Err(failure) if failure.closed && agent::dial() == Dial::Kept => match sent {
                0 => self.send_once(request, true, &mut sent),
                _ => Err(Failure { stale: true, ..failure }),
            },
            done => done,
        }
    }

    fn send_once(&self, request: &Request<'_>, fresh: bool, sent: &mut u64) -> Heard<Response> {
        if self.is_cancelled() && !request.tidying {
            return Err(Failure::cancelled(request.url.host()));
        }
        let agent = self.0.agents.get(&request.url, request.public_only, self.settings())?;
        let clock = &self.settings().clock;
        let began = clock.now();
        agent::before_request();
        let result = self.run(&agent, request, fresh, sent);
        let took = clock.now().duration_since(began);
        let result = result.map_err(|e| Failure::of(e, &request.url, agent::dial()));
        self.tell(Event::Request(exchange(request, &result, *sent, took)));
        result
    }

    fn run(
        &self,
        agent: &ureq::Agent,
        request: &Request<'_>,
        fresh: bool,
        sent: &mut u64,
    ) -> Result<Response, ureq::Error> {
        let mut head = http::Request::builder().method(request.method.clone()).uri(request.url.to_string());
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        if let Some(body) = &request.body {
            head = head.header(header::CONTENT_LENGTH, body.size);
        }
        let mut reader = request.body.map(|body| self.outgoing(body, sent)).transpose()?;
        let mut nothing = ();
        let body = match &mut reader {
            Some(reader) => SendBody::from_reader(reader),
            None => nothing.as_body(),
        };
        let request_with_body = head.body(body)?;
        let mut config = agent.configure_request(request_with_body);
        if fresh {
            config = config.max_idle_age(Duration::ZERO);
        }
        if request.tidying {
            config = config.timeout_global(Some(TIDYING_TIME));
        }
        let answer = agent.run(config.build())?;
        let (parts, body) = answer.into_parts();
        let (status, url) = (parts.status.as_u16(), request.url.clone());
        Ok(Response { status, url, headers: parts.headers, body: Some(Incoming::new(self, body.into_reader())) })
    }

    fn outgoing<'a>(&'a self, body: Body<'a>, sent: &'a mut u64) -> io::Result<Outgoing<'a>> {
        *sent = 0;
        let mut inner = body.content.open().map_err(unreadable)?;
        // What is announced as empty is not read below, and may not be empty.
        if body.size == 0 && inner.read(&mut [0]).map_err(unreadable)? > 0 {
            return Err(differs("more bytes than its descriptor says".into()).into());
        }
        let pace = Pace::new(self.settings());
        Ok(Outgoing { network: self, inner, left: body.size, sent, pace, handed_over: None })
    }
}

/// A body on its way out: exactly as long as was announced, counted, and stopped when the caller wants to stop.
struct Outgoing<'a> {
    network: &'a Network,
    inner: Box<dyn Read + Send + 'a>,
    left: u64,
    sent: &'a mut u64,
    pace: Pace,
    /// When bytes were handed over last, and how many.
    handed_over: Option<(Instant, usize)>,
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.network.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "sending", "cancelled").into());
        }
        if let Some((when, count)) = self.handed_over.take() {
            self.pace.step(when, count)?;
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(space) = buffer.get_mut(..most).filter(|space| !space.is_empty()) else { return Ok(0) };
        let count = match self.inner.read(space) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            read => read.map_err(unreadable)?,
        };
        if count == 0 {
            return Err(differs(format!("{} bytes fewer than its descriptor says", self.left)).into());
        }
        self.left = self.left.saturating_sub(count as u64);
        *self.sent += count as u64;
        self.handed_over = Some((self.pace.now(), count));
        Ok(count)
    }
}

fn differs(how: String) -> Error {
    Error::new(ErrorKind::Mismatch, "content to be sent", how)
}

/// An error of our own side, which must not be taken for one of the connection.
fn unreadable(error: io::Error) -> io::Error {
    match Error::carried_by(error) {
        Ok(ours) => ours.into(),
        Err(error) => Error::disk("content to be sent", "cannot be read", error).into(),
    }
}

fn exchange(request: &Request<'_>, result: &Heard<Response>, sent: u64, took: Duration) -> Exchange {
    let answer = result.as_ref().ok();
    Exchange {
        method: request.method.to_string(),
        url: request.url.redacted(),
        status: answer.map(|r| r.status),
        request_id: answer.and_then(Response::request_id),
        sent,
        length: answer.and_then(Response::length),
        took,
        failure: result.as_ref().err().map(|failure| failure.text.clone()),
        request_headers: headers::of_request(&request.headers),
        answer_headers: answer.map(|r| headers::of_answer(&r.headers)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Settings, Url};
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_peer_that_only_ever_announces_an_answer_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let play = |stream: &mut TcpStream| -> io::Result<()> {
            let began = Instant::now();
            // Never silent for long, never so much that the head is too large, and with an end for those who wait.
            while began.elapsed() < Duration::from_secs(5) {
                stream.write_all(b"HTTP/1.1 102 Processing\r\n\r\n")?;
                std::thread::sleep(Duration::from_millis(5));
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        };
        std::thread::spawn(move || play(&mut listener.accept().unwrap().0));
        let settings = Settings { progress_timeout: Duration::from_millis(100), ..Settings::default() };
        let answer = Network::new(settings).send(&Request::new(http::Method::GET, url));
        let failure = answer.map(|answer| answer.status).unwrap_err();
        assert!(failure.kind == ErrorKind::Network && failure.transient, "{failure:?}");
        assert!(failure.text.contains("too long"), "{failure:?}");
    }
}
