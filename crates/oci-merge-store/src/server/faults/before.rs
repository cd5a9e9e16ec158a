//! Faults that act before a request is carried out.

use super::super::body::Body;
use super::super::connection::Ending;
use super::super::kept::Kept;
use super::super::ledger::{TagMove, Violation};
use super::super::lock;
use super::super::registry::Registry;
use super::super::reply::{Code, Halt, Reply};
use super::super::request::{Framing, Request};
use super::super::route::{Route, Thing, Wanted, route};
use super::super::uploads::created;
use super::{Action, MountAnswer};
use oci_merge_image::Digest;
use std::io::{self, Read};
use std::time::Duration;

/// Lets actions happen; an answer if the request is not to be carried out.
pub(super) fn act(
    actions: &[Action],
    registry: &Registry,
    request: &mut Request,
    body: &mut Body<'_>,
) -> Result<Option<Reply>, Halt> {
    for action in actions {
        if let Some(reply) = one(action, registry, request, body)? {
            return Ok(Some(reply));
        }
    }
    Ok(None)
}

fn one(
    action: &Action,
    registry: &Registry,
    request: &mut Request,
    body: &mut Body<'_>,
) -> Result<Option<Reply>, Halt> {
    match action {
        Action::Drop => return Err(Halt::Cut(Ending::Close)),
        Action::Reset => return Err(Halt::Cut(Ending::Reset)),
        Action::DropBody(count) | Action::ResetBody(count) => {
            io::copy(&mut body.take(*count), &mut io::sink())?;
            return Err(Halt::Cut(if matches!(action, Action::DropBody(_)) { Ending::Close } else { Ending::Reset }));
        }
        Action::Status(status, after) => {
            io::copy(body, &mut io::sink())?;
            return Ok(Some(injected(*status, after)));
        }
        Action::EarlyStatus(status, after) => {
            return Ok(Some(Reply { close: true, ending: Some(Ending::Linger), ..injected(*status, after) }));
        }
        Action::Html => {
            io::copy(body, &mut io::sink())?;
            let page = b"<!DOCTYPE html><title>Sign in</title><p>Welcome to this network.".to_vec();
            return Ok(Some(Reply::bytes(200, "text/html", page)));
        }
        Action::Stall(duration) => sleep(registry, *duration)?,
        Action::Hang => {
            sleep(registry, Duration::from_secs(600))?;
            return Err(Halt::Cut(Ending::Close));
        }
        Action::LoseSession => registry.forget_upload(request),
        Action::Partial(count) => body.cut_after(*count),
        Action::DiscardChunk => {
            let count = io::copy(body, &mut io::sink())?;
            registry.doubt_upload(request);
            if request.method == "PATCH" {
                let mut status = request.clone();
                status.method = "GET".into();
                let had = registry.upload_size(request).unwrap_or(0);
                let Route::Of(name, Thing::Upload(id)) = route(request.path())? else { return Ok(None) };
                let reply = registry.upload(&status, body, name, id)?.status(202);
                return Ok(Some(reply.with("Range", format!("0-{}", (had + count).saturating_sub(1)))));
            }
        }
        Action::MoveTag => move_tag(registry, request)?,
        Action::Unauthorized => {
            io::copy(body, &mut io::sink())?;
            let Route::Of(name, _) = route(request.path())? else { return Ok(Some(registry.guard.challenge(&[]))) };
            return Ok(Some(registry.guard.challenge(&[(name, "pull,push")])));
        }
        Action::Unchecked => request.unchecked = true,
        Action::LacksBlobs => {
            io::copy(body, &mut io::sink())?;
            return Ok(Some(Code::ManifestBlobUnknown.reply("injected")));
        }
        Action::NoTags => request.query.retain(|(name, _)| name != "tag"),
        Action::NoRange => request.without_field("range"),
        Action::Mount(answer) => return mount(*answer, registry, request),
        Action::ChunkMax(most, status) => {
            let upload = request.path().contains("/blobs/uploads/");
            if upload && matches!(request.framing, Framing::Length(length) if length > *most) {
                let reply = Code::SizeInvalid.reply(format!("more than {most} bytes")).status(*status);
                return Ok(Some(Reply { close: true, ending: Some(Ending::Linger), ..reply }));
            }
        }
        Action::ChunkMin(least) if request.method == "PATCH" => {
            let upload = request.path().to_owned();
            let mut small = lock(&registry.plan.small);
            if small.contains(&upload) {
                // Another chunk follows, so the small one was not the last.
                lock(&registry.ledger).violated(Violation::SmallChunk { target: request.target.clone() });
                return Ok(Some(
                    Code::BlobUploadInvalid.reply(format!("a chunk of less than {least} bytes")).status(416),
                ));
            }
            if matches!(request.framing, Framing::Length(length) if length < *least) {
                small.insert(upload);
            }
        }
        _ => {}
    }
    Ok(None)
}

fn injected(status: u16, retry_after: &Option<String>) -> Reply {
    let code = if status == 429 { Code::TooManyRequests } else { Code::Unknown };
    let reply = code.reply(format!("injected {status}")).status(status);
    match retry_after {
        Some(after) => reply.with("Retry-After", after),
        None => reply,
    }
}

fn sleep(registry: &Registry, duration: Duration) -> Result<(), Halt> {
    if registry.plan.sleep.sleep(duration) { Ok(()) } else { Err(Halt::Cut(Ending::Close)) }
}

fn move_tag(registry: &Registry, request: &Request) -> Result<(), Halt> {
    let Route::Of(name, Thing::Manifest(Wanted::Tag(tag))) = route(request.path())? else { return Ok(()) };
    let media_type = "application/vnd.oci.image.index.v1+json";
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[],"annotations":{{"by":"another writer"}}}}"#
    );
    let bytes = text.into_bytes();
    let theirs = Kept { media_type: media_type.to_owned(), digest: Digest::of(&bytes), bytes };
    let mut ledger = lock(&registry.ledger);
    let from = registry.shelf.manifest(name, &Wanted::Tag(tag.clone()))?.map(|before| before.digest);
    registry.shelf.keep_manifest(name, Some(&tag), &theirs)?;
    ledger.moved(TagMove { repository: name.to_owned(), tag, from, to: Some(theirs.digest) });
    Ok(())
}

fn mount(answer: MountAnswer, registry: &Registry, request: &mut Request) -> Result<Option<Reply>, Halt> {
    let Some(wanted) = request.parameter("mount").map(str::to_owned) else { return Ok(None) };
    match answer {
        MountAnswer::Session => request.query.retain(|(name, _)| name != "mount"),
        MountAnswer::Status(status) => return Ok(Some(Code::Unsupported.reply("injected").status(status))),
        MountAnswer::Lie => {
            let Route::Of(name, Thing::Uploads) = route(request.path())? else { return Ok(None) };
            let digest = super::super::route::digest(&wanted)?;
            let from = request.parameter("from").filter(|from| !from.is_empty());
            if !registry.shelf.mount(name, from, &digest)? {
                lock(&registry.ledger).lied(name, &digest);
                return Ok(Some(created(name, "blobs", &digest)));
            }
        }
    }
    Ok(None)
}
