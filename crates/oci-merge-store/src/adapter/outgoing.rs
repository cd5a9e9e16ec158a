//! A reader as a stream that a client sends.

use super::ClientStore;
use super::failure::error_of;
use crate::{Error, ErrorKind, Result, Store as _};
use bytes::Bytes;
use futures_util::stream;
use oci_client::errors::OciDistributionError;
use oci_merge_image::Descriptor;
use std::io::Read;
use std::sync::mpsc;

/// How much is read at a time, and how many such pieces are on their way.
const PIECE: usize = 256 << 10;
const PIECES: usize = 4;

/// Sends a blob whose reader ends in an error if it is not what its descriptor says.
pub(super) fn send(store: &ClientStore, descriptor: &Descriptor, mut content: impl Read) -> Result<()> {
    let (pieces, mut taken) = tokio::sync::mpsc::unbounded_channel::<Option<Bytes>>();
    // Each piece needs a permit; taking one out on the other side gives it back.
    let (give_back, permits) = mpsc::channel::<()>();
    for _ in 0..PIECES {
        let _ = give_back.send(());
    }
    let body = stream::poll_fn(move |context| {
        taken.poll_recv(context).map(|piece| {
            let _ = give_back.send(());
            // A sender that went away without a word has failed; the end is said.
            match piece {
                Some(Some(bytes)) => Some(Ok(bytes)),
                Some(None) => None,
                None => Some(Err(OciDistributionError::GenericError(Some("the content cannot be read".into())))),
            }
        })
    });
    let (client, auth, digest) = (store.client.clone(), store.auth.clone(), descriptor.digest.to_string());
    let (image, size) = (store.at(&digest), descriptor.size);
    let what = format!("sending blob {digest} ({size} bytes)");
    let panicked = || Error::new(ErrorKind::Network, store.name(), format!("{what}: the client panicked"));
    let done = store.worker.begin(async move {
        client.store_auth_if_needed(image.resolve_registry(), &auth).await;
        client.push_blob_stream(&image, body, &digest, Some(size)).await
    });
    let done = done.ok_or_else(panicked)?;
    let read = pour(&mut content, &pieces, &permits, descriptor);
    drop(pieces);
    let sent = done.recv().map_err(|_| panicked())?;
    // What is wrong with the content is the better reason.
    read.map_err(|e| Error::read(&store.name(), e))?;
    sent.map(drop).map_err(|e| error_of(&store.name(), &what, e))
}

/// Reads everything and hands it over, as fast as it is taken; ends early if nobody takes it any more.
fn pour(
    content: &mut impl Read,
    pieces: &tokio::sync::mpsc::UnboundedSender<Option<Bytes>>,
    permits: &mpsc::Receiver<()>,
    descriptor: &Descriptor,
) -> std::io::Result<()> {
    let size = usize::try_from(descriptor.size).unwrap_or(PIECE).clamp(1, PIECE);
    loop {
        let mut piece = vec![0; size];
        let mut filled = 0;
        while let Some(space) = piece.get_mut(filled..).filter(|space| !space.is_empty()) {
            match content.read(space)? {
                0 => break,
                count => filled += count,
            }
        }
        piece.truncate(filled);
        let last = filled < size;
        let piece = if filled > 0 { Some(Bytes::from(piece)) } else { None };
        for piece in piece.map(Some).into_iter().chain(last.then_some(None)) {
            if permits.recv().is_err() || pieces.send(piece).is_err() {
                return Ok(());
            }
        }
        if last {
            return Ok(());
        }
    }
}
