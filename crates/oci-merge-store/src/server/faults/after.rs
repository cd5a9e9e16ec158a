//! Faults that act on an answer.

use super::super::connection::Ending;
use super::super::lock;
use super::super::registry::Registry;
use super::super::reply::{Code, Halt, Length, Reply};
use super::super::request::Request;
use super::super::route::{Route, Thing, route};
use super::stream::{Changed, Slow};
use super::{Action, Elsewhere, UploadLocation};
use serde_json::Value;
use std::io::{self, Read};
use std::sync::Arc;

/// How often a loop of redirections goes round before it gives up on a client that does not.
const MAX_LOOP: u32 = 100;

/// Lets actions happen to an answer; `had` is the size of the upload before the request.
pub(super) fn act(
    actions: &[Action],
    registry: &Registry,
    request: &Request,
    had: Option<u64>,
    mut reply: Reply,
) -> Result<Reply, Halt> {
    for action in actions {
        reply = match action {
            Action::LostResponse => return Err(Halt::Cut(Ending::Close)),
            Action::KeepaliveDrop => Reply { ending: Some(Ending::Close), ..reply },
            Action::Close => Reply { close: true, ..reply },
            Action::Warning(text) => reply.with("Warning", format!("299 - \"{text}\"")),
            Action::HeadLies => head_lies(registry, request, reply),
            // The rest changes what has gone well.
            _ if !(200..300).contains(&reply.status) => reply,
            Action::HeaderDigest(digest) => reply.with("Docker-Content-Digest", digest),
            Action::ContentType(media_type) => reply.with("Content-Type", media_type),
            Action::Redirect(to) => redirect(to, registry, request, reply),
            Action::Location(kind) => location(*kind, registry, request, reply),
            Action::PatchStatus(status) if request.method == "PATCH" => reply.status(*status),
            Action::RangeStuck if request.method == "PATCH" => {
                registry.doubt_upload(request);
                reply.with("Range", format!("0-{}", had.unwrap_or(0).saturating_sub(1)))
            }
            Action::ChunkMin(least) if request.method == "POST" => {
                reply.with("OCI-Chunk-Min-Length", least.to_string())
            }
            Action::AccessToken => access_token(reply),
            other => body(other, registry, reply),
        };
    }
    Ok(reply)
}

/// Faults of the bytes alone.
fn body(action: &Action, registry: &Registry, mut reply: Reply) -> Reply {
    let whole = reply.length;
    match action {
        Action::Truncate(count) | Action::TruncateReset(count) => {
            reply.body = Box::new(reply.body.take(*count));
            let reset = matches!(action, Action::TruncateReset(_));
            reply.ending = Some(if reset { Ending::Reset } else { Ending::Close });
        }
        Action::Flip(place) => reply.body = Box::new(Changed::at(*place, reply.body)),
        Action::Swap => reply.body = Box::new(Changed::everywhere(reply.body)),
        Action::BadRange if reply.status == 206 => reply.body = Box::new(Changed::everywhere(reply.body)),
        Action::Slow(rate) => reply.body = Box::new(Slow::new(*rate, Arc::clone(&registry.plan.sleep), reply.body)),
        Action::NoLength => reply.length = Length::UntilClose,
        Action::Chunked => reply.length = Length::Chunked,
        Action::Longer(by) => {
            if let Length::Known(length) = whole {
                reply.length = Length::Known(length + by);
            }
        }
        Action::Shorter(by) => {
            if let Length::Known(length) = whole {
                let length = length.saturating_sub(*by);
                reply.body = Box::new(reply.body.take(length));
                reply.length = Length::Known(length);
            }
        }
        _ => {}
    }
    reply
}

fn head_lies(registry: &Registry, request: &Request, reply: Reply) -> Reply {
    match route(request.path()) {
        Ok(Route::Of(name, Thing::Blob(digest))) if request.method == "HEAD" && reply.status == 404 => {
            lock(&registry.ledger).lied(name, &digest);
            Reply::stream(200, 1, io::empty()).of(&digest)
        }
        _ => reply,
    }
}

fn redirect(to: &Elsewhere, registry: &Registry, request: &Request, reply: Reply) -> Reply {
    let Some((own, cdn)) = *lock(&registry.plan.addresses) else { return reply };
    if request.method != "GET" || !matches!(route(request.path()), Ok(Route::Of(_, Thing::Blob(_)))) {
        return reply;
    }
    let round = request.parameter("round").and_then(|round| round.parse().ok()).unwrap_or(0);
    let url = match to {
        Elsewhere::Cdn => format!("http://{cdn}{}?signature=1", request.path()),
        Elsewhere::Registry if request.parameter("again").is_some() => return reply,
        Elsewhere::Registry => format!("http://{own}{}?again=1", request.path()),
        Elsewhere::Loop if round == MAX_LOOP => return Code::Unknown.reply("went round a hundred times").status(508),
        Elsewhere::Loop => format!("{}?round={}", request.path(), round + 1),
        Elsewhere::Url(url) => url.clone(),
    };
    Reply::new(307).with("Location", url)
}

fn location(kind: UploadLocation, registry: &Registry, request: &Request, mut reply: Reply) -> Reply {
    let Some((own, cdn)) = *lock(&registry.plan.addresses) else { return reply };
    let upload = |(name, value): &(&str, String)| *name == "Location" && value.contains("/blobs/uploads/");
    let Some((_, path)) = reply.fields.iter().find(|field| upload(field)).cloned() else { return reply };
    let url = match kind {
        UploadLocation::Relative => path,
        UploadLocation::Absolute => format!("http://{own}{path}"),
        UploadLocation::OtherHost => format!("http://{cdn}{path}"),
        UploadLocation::NoSlash => {
            // RFC 3986 section 5.3: the last segment of what was asked for is replaced.
            let last = path.rsplit('/').next().unwrap_or_default();
            if request.path().ends_with("/blobs/uploads") { format!("uploads/{last}") } else { last.to_owned() }
        }
        UploadLocation::Garbage => "ht!tp://[::bad".to_owned(),
        UploadLocation::Missing => {
            reply.fields.retain(|field| !upload(field));
            return reply;
        }
    };
    reply.with("Location", url)
}

fn access_token(mut reply: Reply) -> Reply {
    let mut bytes = Vec::new();
    let _ = reply.body.read_to_end(&mut bytes);
    let mut value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    value.as_object_mut().map(|object| object.remove("token"));
    Reply::json(reply.status, &value)
}
