//! One copy at work: what is done with each blob and each document.

use super::watched::{Origin, Watched};
use super::{CopyEvent, CopyOptions, How, Phase, Plan, Planned, Transfer};
use crate::{Content, Error, ErrorKind, MANIFEST_BLOB_UNKNOWN, Result, Side, Store};
use oci_merge_image::{Descriptor, Form};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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

impl Copying<'_> {
    /// Brings everything over, and then moves the tags.
    pub(super) fn all(&self, plan: &Plan) -> Result<Vec<Transfer>> {
        let mut transfers = self.blobs(&plan.blobs)?;
        let (first, others) = match self.options.tags.split_first() {
            Some((first, others)) => (Some(first.as_str()), others),
            None => (None, &[][..]),
        };
        for (place, document) in plan.documents.iter().enumerate() {
            self.go_on()?;
            let tag = first.filter(|_| place + 1 == plan.documents.len());
            let transfer = self.document(document, &plan.blobs, &mut transfers, tag)?;
            transfers.push(transfer);
        }
        first.into_iter().for_each(|tag| (self.observe)(CopyEvent::Tagged(tag)));
        if let Some(root) = plan.documents.last() {
            self.tag(&root.descriptor, others)?;
        }
        Ok(transfers)
    }

    /// The target has everything: only its tags may have to be moved.
    pub(super) fn retag(&self, plan: &Plan) -> Result<Vec<Transfer>> {
        let all = plan.blobs.iter().chain(plan.documents.iter().map(|document| &document.descriptor));
        let foreign = |blob: &Descriptor| matches!(Form::of(&blob.media_type), Form::Foreign(_));
        let how = |blob: &Descriptor| if foreign(blob) { How::Left } else { How::Present };
        let transfers: Vec<Transfer> =
            all.map(|descriptor| Transfer { descriptor: descriptor.clone(), how: how(descriptor) }).collect();
        transfers.iter().for_each(|transfer| (self.observe)(CopyEvent::Done(transfer)));
        let Some(root) = plan.documents.last().map(|root| &root.descriptor) else { return Ok(transfers) };
        let mut others = Vec::new();
        for tag in &self.options.tags {
            self.go_on()?;
            match self.to.is_tagged(root, tag).map_err(|e| e.at(Side::Target))? {
                true => (self.observe)(CopyEvent::Tagged(tag)),
                false => others.push(tag.clone()),
            }
        }
        self.tag(root, &others).map(|()| transfers)
    }

    fn tag(&self, root: &Descriptor, tags: &[String]) -> Result<()> {
        for tag in tags {
            self.to.tag(root, tag).map_err(|e| e.at(Side::Target))?;
            (self.observe)(CopyEvent::Tagged(tag));
        }
        Ok(())
    }

    /// Brings all blobs over, the large ones first, so that no thread ends long after the others.
    fn blobs(&self, blobs: &[Descriptor]) -> Result<Vec<Transfer>> {
        let mut order: Vec<usize> = (0..blobs.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(blobs.get(*i).map(|b| b.size)));
        let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || {
            while !self.stopped() {
                let Some(place) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
                let Some(blob) = blobs.get(*place) else { return };
                let result = self.blob(blob);
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

    fn blob(&self, blob: &Descriptor) -> Result<Transfer> {
        let how = self.how(blob)?;
        let transfer = Transfer { descriptor: blob.clone(), how };
        (self.observe)(CopyEvent::Done(&transfer));
        Ok(transfer)
    }

    fn how(&self, blob: &Descriptor) -> Result<How> {
        let at_target = |e: Error| e.at(Side::Target).about(&blob.digest);
        if matches!(Form::of(&blob.media_type), Form::Foreign(_)) {
            return Ok(How::Left);
        }
        for repository in self.options.mount_from.get(&blob.digest).into_iter().flatten() {
            if self.to.mount(blob, repository).map_err(at_target)? {
                return Ok(How::Mounted(repository.clone()));
            }
        }
        if self.to.exists(blob).map_err(at_target)? {
            return Ok(How::Present);
        }
        self.send(blob)?;
        Ok(How::Sent)
    }

    /// Sends a blob; one that has gone bad in the local store is fetched anew, once.
    fn send(&self, blob: &Descriptor) -> Result<()> {
        let error = match self.try_send(blob) {
            Err(e) if e.side() == Some(Side::Source) && e.kind() == ErrorKind::Mismatch => e,
            other => return other,
        };
        let Some(cache) = self.options.cache else { return Err(error) };
        if !cache.verify(blob).is_err_and(|e| e.kind() == ErrorKind::Mismatch) {
            return Err(error);
        }
        let Some(path) = cache.quarantine(&blob.digest).map_err(|e| e.at(Side::Source))? else { return Err(error) };
        (self.observe)(CopyEvent::Quarantined { descriptor: blob, path: &path });
        self.try_send(blob)
    }

    fn try_send(&self, blob: &Descriptor) -> Result<()> {
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
    ) -> Result<()> {
        Watched {
            from: self.from,
            descriptor: blob,
            origin: here.map_or(Origin::Far, Origin::Here),
            stopped: &|| self.stopped(),
            progress: &|done| (self.observe)(CopyEvent::Progress { descriptor: blob, phase, done }),
            failure: Mutex::new(None),
            shared: AtomicBool::new(false),
        }
        .push_to(to)
    }

    /// Puts a document at the target, the root under its tag if it is to have one. If the target then misses blobs that
    /// it had claimed to have, they are sent after all: what a registry says of a blob is a statement, and the manifest
    /// is the proof.
    fn document(
        &self,
        document: &Planned,
        blobs: &[Descriptor],
        transfers: &mut [Transfer],
        tag: Option<&str>,
    ) -> Result<Transfer> {
        let Planned { descriptor, bytes, .. } = document;
        let at_target = |e: Error| e.at(Side::Target).about(&descriptor.digest);
        let put = || match tag {
            Some(tag) => self.to.push_as(descriptor, bytes, tag),
            None if self.to.exists(descriptor)? => Ok(false),
            None => self.to.push(descriptor, bytes).map(|()| true),
        };
        let is_new = match put() {
            Err(e) if e.reason() == Some(MANIFEST_BLOB_UNKNOWN) => {
                self.send_after_all(document, blobs, transfers)?;
                put().map_err(at_target)?
            }
            other => other.map_err(at_target)?,
        };
        let how = if is_new { How::Sent } else { How::Present };
        let transfer = Transfer { descriptor: descriptor.clone(), how };
        (self.observe)(CopyEvent::Done(&transfer));
        Ok(transfer)
    }

    fn send_after_all(&self, document: &Planned, blobs: &[Descriptor], transfers: &mut [Transfer]) -> Result<()> {
        for place in &document.blobs {
            let (Some(blob), Some(transfer)) = (blobs.get(*place), transfers.get_mut(*place)) else { continue };
            if matches!(transfer.how, How::Present | How::Mounted(_)) {
                self.send(blob)?;
                transfer.how = How::Sent;
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
