//! Layers that are joined because an image cannot have as many as there are (`--pack`).
//!
//! The check sees them one by one, so that findings name them; what is stacked are groups of neighbours, each the layer
//! that its members become when they are unpacked one after the other.

mod limit;
mod member;
mod name;
mod origin;
mod plan;

pub(crate) use limit::Limit;
pub use member::Member;
pub(crate) use member::{JOINED, annotation, members};
pub(crate) use origin::Origins;
pub(crate) use plan::{Load, Piece, Plan};

use crate::event::{How, Phase};
use crate::layers::{self, Ready};
use crate::local::Local;
use crate::open::OpenBase;
use crate::result::JoinedLayer;
use crate::settings::Run;
use crate::spec::Spec;
use crate::{Error, Event, Result, workers};
use oci_merge_image::{Descriptor, DiffId, Digest, LayerPath};
use oci_merge_layer::LayerIndex;
use oci_merge_layer::compressor::{Compressor, Pool};
use oci_merge_layer::make::{self, Layers, Progress, Watch, join};
use oci_merge_store::{Error as StoreError, ErrorKind, Store};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The name under which the local store keeps what layers became when they were joined.
const FACTS: &str = "joined";

/// Joins layers as planned. Those that stay by themselves are as they were.
pub(crate) fn join_all(
    layers: Vec<Ready>,
    plan: &Plan,
    spec: &Spec,
    base: &OpenBase,
    local: &Local,
    run: &Run,
) -> Result<Vec<Ready>> {
    if plan.joins_nothing() {
        return Ok(layers);
    }
    let (compressor, pool) = (layers::compressor(&spec.output)?, layers::pool(run)?);
    let joiner = Joiner { spec, base, local, run, pool: &pool, compressor };
    let of_layers: Vec<&str> = layers.iter().map(|layer| &*layer.name).collect();
    let names = name::of(&plan.groups().iter().filter_map(|group| of_layers.get(group.clone())).collect::<Vec<_>>());
    let mut layers = layers.into_iter();
    let taken = plan.groups().iter().map(|group| Mutex::new(layers.by_ref().take(group.len()).collect()));
    let groups: Vec<(String, Mutex<Vec<Ready>>)> = names.into_iter().zip(taken).collect();
    let joined = workers::for_each(&groups, run.jobs(), |(name, group)| {
        joiner.join(name, std::mem::take(&mut *group.lock().unwrap_or_else(PoisonError::into_inner)))
    });
    joined.into_iter().filter_map(Result::transpose).collect()
}

/// The directory that all members of a group have their prefixes in; that of any other layer is its prefix.
pub(crate) fn prefix(layer: &Ready) -> String {
    let mut prefixes = layer.joined.iter().filter_map(|member| LayerPath::parse(member.prefix.as_bytes()).ok());
    let Some(first) = prefixes.next() else { return layer.prefix.to_string() };
    let common = |above: LayerPath, next: LayerPath| {
        std::iter::successors(Some(above), LayerPath::parent).find(|above| next.is_within(above)).unwrap_or_default()
    };
    prefixes.fold(first, common).to_string()
}

/// What all groups share while they are joined.
struct Joiner<'a> {
    spec: &'a Spec,
    base: &'a OpenBase,
    local: &'a Local,
    run: &'a Run,
    pool: &'a Pool,
    compressor: Compressor,
}

/// What is remembered of a group.
#[derive(Serialize, Deserialize)]
struct Known {
    descriptor: Descriptor,
    diff_id: Digest,
}

impl Joiner<'_> {
    /// One layer of several, the lowest first; `None` of none.
    fn join(&self, name: &str, mut members: Vec<Ready>) -> Result<Option<Ready>> {
        if members.len() < 2 {
            return Ok(members.pop());
        }
        let key = self.key(&members);
        let is_asked_for = members.iter().any(|member| self.run.remake.includes(&member.name));
        let known = if is_asked_for || self.run.deep { None } else { self.known(&key) };
        let (descriptor, index) = match known {
            Some(known) => known,
            None => {
                let (descriptor, index) = self.make(name, &members)?;
                self.remember(&key, &descriptor, &index);
                (descriptor, index)
            }
        };
        let indexes: Vec<_> = members.iter().map(|member| (member.prefix.path(), &*member.index)).collect();
        let elsewhere = origin::elsewhere(&indexes);
        let joined: Vec<JoinedLayer> =
            members.iter().zip(&elsewhere).map(|(member, also)| JoinedLayer::of(member, also)).collect();
        let of =
            |member: &Ready| member.notes.iter().map(|note| format!("{}: {note}", member.name)).collect::<Vec<_>>();
        let notes = members.iter().flat_map(of).collect();
        let path = members.iter().flat_map(|member| member.path.clone()).collect();
        let env = members.iter().flat_map(|member| member.env.clone()).collect();
        let lowest = members.swap_remove(0);
        let group = Ready {
            name: name.to_owned(),
            version: None,
            path,
            env,
            diff_id: index.diff_id().clone(),
            descriptor,
            index: Arc::new(index),
            how: How::Joined,
            notes,
            origin: None,
            is_remembered: false,
            joined,
            ..lowest
        };
        self.tell(&group);
        Ok(Some(group))
    }

    fn make(&self, name: &str, members: &[Ready]) -> Result<(Descriptor, LayerIndex)> {
        if self.run.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        members.iter().try_for_each(|member| self.restore(member))?;
        let local: Arc<dyn Store> = self.local.layout().clone();
        let blob = |member: &Ready| {
            let store = member.origin.as_ref().map_or_else(|| Arc::clone(&local), |origin| Arc::clone(&origin.store));
            (store, member.descriptor.clone())
        };
        let blobs: Vec<_> = members.iter().map(blob).collect();
        let indexes = members.iter().map(|member| Arc::clone(&member.index)).collect();
        let layers = Layers::new(name, indexes, move |number| {
            let (store, blob) = blobs.get(number).ok_or_else(|| io::Error::other("there is no such layer"))?;
            Ok(Box::new(store.fetch(blob)?))
        });
        let progress = |progress: Progress| {
            let (layer, done) = (name.to_owned(), progress.bytes);
            self.run.observer.tell(Event::LayerProgress { layer, phase: Phase::Pack, done, total: None });
        };
        let watch = Watch { progress: &progress, cancelled: self.run.cancel.flag() };
        let store = |e| Error::store(name, e);
        let staged = self.local.layout().stage().map_err(store)?;
        let (descriptor, index, staged) = join(&layers, self.compressor, &self.run.limits, self.pool, &watch, staged)
            .map_err(|e| layers::failed(name, e))?;
        staged.commit(&descriptor).map_err(store)?;
        Ok((descriptor, index))
    }

    /// Makes a layer that an earlier run made once more, if the store has lost its blob.
    fn restore(&self, member: &Ready) -> Result<()> {
        if !member.is_remembered {
            return Ok(());
        }
        if let Err(error) = self.local.layout().verify(&member.descriptor) {
            self.put_aside(&member.descriptor, &error);
            let made = layers::make_one(self.spec, self.base, self.local, &self.run.remaking(), &member.name)?;
            if !made.iter().any(|made| made.descriptor.digest == member.descriptor.digest) {
                let text = "it came out otherwise: its sources have changed since the run began";
                let error = StoreError::new(ErrorKind::Mismatch, self.local.layout().name(), text);
                return Err(Error::SourceChanged { what: member.name.clone(), source: error });
            }
        }
        Ok(())
    }

    /// Moves a damaged blob out of the way.
    fn put_aside(&self, blob: &Descriptor, error: &oci_merge_store::Error) {
        if error.kind() == ErrorKind::Mismatch {
            // If that fails, whoever writes the blob again is told.
            let _ = self.local.layout().quarantine(blob);
        }
    }

    /// What tells a group from others: whatever its bytes depend on. That is also what the indexes of its members say, for
    /// one that was believed in this run may be wrong.
    fn key(&self, members: &[Ready]) -> Digest {
        let mut text = format!("join, {}, {:?}\n", make::version(self.compressor), self.run.limits);
        for Ready { descriptor, index, .. } in members {
            let known = self.local.index_blob(&descriptor.digest).map(|blob| blob.descriptor.digest);
            let index = known.unwrap_or_else(|| Digest::of(&index.to_bytes()));
            text.push_str(&format!("{} {index}\n", descriptor.digest));
        }
        Digest::of(text.as_bytes())
    }

    /// What these members became before, if it is still here.
    fn known(&self, key: &Digest) -> Option<(Descriptor, LayerIndex)> {
        let layout = self.local.layout();
        let Known { descriptor, diff_id } = serde_json::from_slice(&layout.facts(key, FACTS)?).ok()?;
        if let Err(error) = layout.verify(&descriptor) {
            self.put_aside(&descriptor, &error);
            return None;
        }
        let index = self.local.index(&descriptor, &DiffId(diff_id))?;
        Some((descriptor, index))
    }

    /// Losing it costs a join, so a full disk is not an error here.
    fn remember(&self, key: &Digest, descriptor: &Descriptor, index: &LayerIndex) {
        self.local.remember(index);
        let known = Known { descriptor: descriptor.clone(), diff_id: index.diff_id().0.clone() };
        if let Ok(bytes) = serde_json::to_vec(&known) {
            let _ = self.local.layout().put_facts(key, FACTS, &bytes);
        }
    }

    fn tell(&self, group: &Ready) {
        let names: Vec<&str> = group.joined.iter().map(|member| member.name.as_str()).collect();
        self.run.observer.tell(Event::LayerReady {
            layer: group.name.clone(),
            version: None,
            prefix: prefix(group),
            how: group.how,
            size: group.descriptor.size,
            paths: group.index.len() as u64,
            digest: group.descriptor.digest.clone(),
            notes: vec![format!("joined of {}", names.join(", "))],
        });
    }
}
