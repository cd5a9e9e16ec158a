//! One copy at work: what is done with each blob and each document.

use super::watched::{Origin, Watched};
use super::{CopyEvent, CopyOptions, How, LAYER_BYTES, Ledger, Phase, Plan, Planned, Transfer};
use crate::{Content, Error, ErrorKind, MANIFEST_BLOB_UNKNOWN, Result, Side, Store};
use oci_merge_image::{Descriptor, Form};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// A copy from one store to another.
pub(super) struct Copying<'a> {
    pub(super) from: &'a dyn Store,
    pub(super) to: &'a dyn Store,
    pub(super) options: &'a CopyOptions<'a>,
    pub(super) observe: &'a (dyn Fn(CopyEvent<'_>) + Sync),
    /// One blob has failed: the others need not go on.
    pub(super) failed: AtomicBool,
}

/// What a document is put under.
#[derive(Clone, Copy)]
enum Under<'a> {
    /// These tags.
    Tags(&'a [String]),
    /// Its digest.
    Digest,
    /// Its digest, unless it is there.
    DigestIfMissing,
}

impl Copying<'_> {
    /// Brings everything over, and then moves the tags; `is_new` if the target says that it does not have the root.
    pub(super) fn all(&self, plan: &Plan, is_new: bool) -> Result<Ledger> {
        // A config is made for its manifest: where the one is not, the other is hardly ever, and it is as soon sent.
        let is_config = |blob: &Descriptor| Form::of(&blob.media_type) == Form::Config;
        let mut transfers = self.blobs(&plan.blobs, &|blob| !(is_new && is_config(blob)))?;
        let is_new = is_new && transfers.iter().all(|transfer| transfer.how != How::Present);
        let companions = self.companions(is_new)?;
        for (place, document) in plan.documents.iter().enumerate() {
            self.go_on()?;
            let is_root = place + 1 == plan.documents.len() && !self.options.tags.is_empty();
            let under = if is_root { Under::Tags(&self.options.tags) } else { Under::DigestIfMissing };
            let transfer = self.document(document, &plan.blobs, &mut transfers, under)?;
            transfers.push(transfer);
        }
        self.options.tags.iter().for_each(|tag| (self.observe)(CopyEvent::Tagged(tag)));
        Ok(Ledger { transfers, companions })
    }

    /// Brings over what goes along. Where the target had nothing of the image, it is not asked for these either.
    fn companions(&self, is_new: bool) -> Result<Vec<Transfer>> {
        let mut transfers = Vec::new();
        for companion in &self.options.companions {
            match self.companion(companion, is_new) {
                Ok(brought) => transfers.extend(brought),
                Err(e) if e.kind() == ErrorKind::Cancelled => return Err(e),
                Err(e) => {
                    self.failed.store(false, Ordering::Relaxed);
                    (self.observe)(CopyEvent::LeftBehind { descriptor: companion, error: &e });
                }
            }
        }
        Ok(transfers)
    }

    fn companion(&self, root: &Descriptor, is_new: bool) -> Result<Vec<Transfer>> {
        let plan = Plan::of(self.from, root, false).map_err(|e| e.at(Side::Source))?;
        let mut transfers = self.blobs(&plan.blobs, &|_| !is_new)?;
        for document in &plan.documents {
            let under = if is_new { Under::Digest } else { Under::DigestIfMissing };
            let transfer = self.document(document, &plan.blobs, &mut transfers, under)?;
            transfers.push(transfer);
        }
        Ok(transfers)
    }

    /// The target has everything: only its tags may have to be moved.
    pub(super) fn retag(&self, plan: &Plan) -> Result<Ledger> {
        let all = plan.blobs.iter().chain(plan.documents.iter().map(|document| &document.descriptor));
        let foreign = |blob: &Descriptor| matches!(Form::of(&blob.media_type), Form::Foreign(_));
        let how = |blob: &Descriptor| if foreign(blob) { How::Left } else { How::Present };
        let transfers: Vec<Transfer> = all.map(|descriptor| Transfer::new(descriptor, how(descriptor))).collect();
        transfers.iter().for_each(|transfer| (self.observe)(CopyEvent::Done(transfer)));
        let ledger = Ledger { transfers, companions: Vec::new() };
        let Some(Planned { descriptor: root, bytes, .. }) = plan.documents.last() else { return Ok(ledger) };
        let mut others = Vec::new();
        for tag in &self.options.tags {
            self.go_on()?;
            match self.to.is_tagged(root, tag).map_err(|e| e.at(Side::Target))? {
                true => (self.observe)(CopyEvent::Tagged(tag)),
                false => others.push(tag.clone()),
            }
        }
        if !others.is_empty() {
            let expected = self.options.expected.as_ref();
            self.to.push_as(root, bytes, &others, expected).map_err(|e| e.at(Side::Target))?;
            others.iter().for_each(|tag| (self.observe)(CopyEvent::Tagged(tag)));
        }
        Ok(ledger)
    }

    /// Brings all blobs over, the large ones first, so that no thread ends long after the others; `ask` says of which
    /// the target is asked before they are sent.
    fn blobs(&self, blobs: &[Descriptor], ask: &(dyn Fn(&Descriptor) -> bool + Sync)) -> Result<Vec<Transfer>> {
        let mut order: Vec<usize> = (0..blobs.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(blobs.get(*i).map(|b| b.size)));
        let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || {
            while !self.stopped() {
                let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                let Some(blob) = blobs.get(*place) else { return };
                let result = self.blob(blob, ask(blob));
                if result.is_err() {
                    self.failed.store(true, Ordering::Relaxed);
                }
                results.lock().unwrap_or_else(PoisonError::into_inner).insert(*place, result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.options.threads.clamp(1, blobs.len().max(1)) {
                // Where no more threads can be had, fewer do the work.
                let _ = std::thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut transfers = Vec::with_capacity(results.len());
        let mut stopped = None;
        for result in results.into_values() {
            match result {
                Ok(transfer) => transfers.push(transfer),
                Err(e) if e.kind() == ErrorKind::Cancelled => stopped = Some(e),
                Err(e) => return Err(e),
            }
        }
        match stopped {
            Some(e) => Err(e),
            None => self.go_on().map(|()| transfers),
        }
    }

    fn blob(&self, blob: &Descriptor, ask: bool) -> Result<Transfer> {
        let transfer = self.bring(blob, ask)?;
        (self.observe)(CopyEvent::Done(&transfer));
        Ok(transfer)
    }

    fn bring(&self, blob: &Descriptor, ask: bool) -> Result<Transfer> {
        let at_target = |e: Error| e.at(Side::Target).about(&blob.digest);
        if matches!(Form::of(&blob.media_type), Form::Foreign(_)) {
            return Ok(Transfer::new(blob, How::Left));
        }
        for repository in self.options.mount_from.get(&blob.digest).into_iter().flatten() {
            if self.to.mount(blob, repository).map_err(at_target)? {
                return Ok(Transfer::new(blob, How::Mounted(repository.clone())));
            }
        }
        if ask && self.to.exists(blob).map_err(at_target)? {
            return Ok(Transfer::new(blob, How::Present));
        }
        Ok(Transfer { sent_again: self.send(blob)?, ..Transfer::new(blob, How::Sent) })
    }

    /// Sends a blob. One that came here wrong, or has gone bad in the local store, is fetched anew, once.
    fn send(&self, blob: &Descriptor) -> Result<u64> {
        if self.options.no_layer_bytes && matches!(Form::of(&blob.media_type), Form::Layer(_)) {
            let text = format!("it does not have {} ({} bytes), and no layer was to be sent", blob.digest, blob.size);
            let error = Error::new(ErrorKind::Policy, self.to.name(), text).because(LAYER_BYTES);
            return Err(error.at(Side::Target).about(&blob.digest));
        }
        let error = match self.try_send(blob) {
            Err(e) if e.side() == Some(Side::Source) && e.kind() == ErrorKind::Mismatch => e,
            other => return other,
        };
        if self.mend(blob).map_err(|e| e.at(Side::Source))? {
            return self.try_send(blob);
        }
        let spoilt = matches!(error.reason(), Some("DIGEST_MISMATCH" | "DESCRIPTOR_SIZE"));
        if spoilt && self.from.content(blob).is_none() { self.try_send(blob) } else { Err(error) }
    }

    /// Moves a blob that has gone bad in the local store out of the way. Whether it is worth another try: somebody else may
    /// have been faster.
    fn mend(&self, blob: &Descriptor) -> Result<bool> {
        let Some(cache) = self.options.cache else { return Ok(false) };
        let moved = cache.quarantine(blob)?;
        moved.iter().for_each(|path| (self.observe)(CopyEvent::Quarantined { descriptor: blob, path }));
        Ok(moved.is_some() || cache.exists(blob)?)
    }

    fn try_send(&self, blob: &Descriptor) -> Result<u64> {
        let here = self.from.content(blob);
        let (Some(cache), None) = (self.options.cache, &here) else {
            return self.transfer(blob, here, self.to, Phase::Send);
        };
        if !cache.exists(blob)? {
            self.transfer(blob, None, cache, Phase::Fetch).map_err(|e| match e.kind() {
                // The local store belongs to the source's end, whatever the transfer into it says.
                ErrorKind::Cancelled => e,
                _ => e.moved_to(Side::Source),
            })?;
        }
        self.transfer(blob, cache.content(blob), self.to, Phase::Send)
    }

    fn transfer(
        &self,
        blob: &Descriptor,
        here: Option<Box<dyn Content + '_>>,
        to: &dyn Store,
        phase: Phase,
    ) -> Result<u64> {
        Watched {
            from: self.from,
            descriptor: blob,
            origin: here.map_or(Origin::Far, Origin::Here),
            stopped: &|| self.stopped(),
            progress: &|done| (self.observe)(CopyEvent::Progress { descriptor: blob, phase, done }),
            failure: Mutex::new(None),
            shared: AtomicBool::new(false),
            sent: AtomicU64::new(0),
        }
        .push_to(to)
    }

    /// Puts a document at the target. If the target then misses blobs that it had claimed to have, they are sent after
    /// all: what a registry says of a blob is a statement, and the manifest is the proof.
    fn document(
        &self,
        document: &Planned,
        blobs: &[Descriptor],
        transfers: &mut [Transfer],
        under: Under<'_>,
    ) -> Result<Transfer> {
        let Planned { descriptor, bytes, .. } = document;
        let at_target = |e: Error| e.at(Side::Target).about(&descriptor.digest);
        let put = || match under {
            Under::Tags(tags) => self.to.push_as(descriptor, bytes, tags, self.options.expected.as_ref()),
            Under::DigestIfMissing if self.to.exists(descriptor)? => Ok(false),
            Under::DigestIfMissing | Under::Digest => self.to.push(descriptor, bytes).map(|()| true),
        };
        let is_new = match put() {
            Err(e) if e.reason() == Some(MANIFEST_BLOB_UNKNOWN) => {
                self.send_after_all(document, blobs, transfers)?;
                put().map_err(at_target)?
            }
            other => other.map_err(at_target)?,
        };
        let how = if is_new { How::Sent } else { How::Present };
        let transfer = Transfer::new(descriptor, how);
        (self.observe)(CopyEvent::Done(&transfer));
        Ok(transfer)
    }

    fn send_after_all(&self, document: &Planned, blobs: &[Descriptor], transfers: &mut [Transfer]) -> Result<()> {
        for place in &document.blobs {
            let (Some(blob), Some(transfer)) = (blobs.get(*place), transfers.get_mut(*place)) else { continue };
            if matches!(transfer.how, How::Present | How::Mounted(_)) {
                *transfer = Transfer { sent_again: self.send(blob)?, ..Transfer::new(blob, How::Sent) };
                (self.observe)(CopyEvent::Done(transfer));
            }
        }
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.failed.load(Ordering::Relaxed) || self.options.cancel.is_some_and(|c| c.load(Ordering::Relaxed))
    }

    pub(super) fn go_on(&self) -> Result<()> {
        if self.stopped() { Err(cancelled(self.to)) } else { Ok(()) }
    }
}

pub(super) fn cancelled(place: &dyn Store) -> Error {
    Error::new(ErrorKind::Cancelled, place.name(), "stopped before everything was copied; no tag was moved")
}
