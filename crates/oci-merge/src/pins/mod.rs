//! Path indexes that somebody else made, and why they may be believed.
//!
//! An index that came over the network is a statement of whoever pushed it, and a lie in it would defeat the check. It
//! is believed if a manifest that may be believed names its digest, or has it attached: one in a repository that the run
//! pushes to, for whoever can write there can write anything there; or one that the user vouched for. Where two that are
//! believed disagree, and in all other cases, the layer is read once.

mod said;

pub(crate) use said::OF_LAYER;

use crate::event::Event;
use crate::local::Local;
use crate::open::{OpenBase, OpenManifest, open_manifest};
use crate::settings::Run;
use crate::spec::{BaseSource, FromSpec, IndexTrust, Spec};
use crate::workers;
use oci_merge_image::{Descriptor, DiffId, Digest, Platform, Reference};
use oci_merge_layer::LayerIndex;
use oci_merge_store::{ErrorKind as StoreKind, Store};
use said::{attached, pinned};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The most bytes of an index that is fetched; one of a million entries has half of it.
const MAX_INDEX_BYTES: u64 = 128 << 20;

/// An index by the word of a manifest.
#[derive(Clone)]
struct Pin {
    index: Descriptor,
    /// The manifest, if it is believed about its own image only.
    only_of: Option<Digest>,
}

/// What the manifests say that a run has seen and may believe.
#[derive(Clone, Default)]
pub(crate) struct Pins {
    /// The indexes of each layer, by the word of manifests that are believed.
    known: Arc<Mutex<BTreeMap<Digest, Vec<Pin>>>>,
    /// In how many places each index was looked for in vain.
    missed: Arc<Mutex<BTreeMap<Digest, usize>>>,
    /// The stores of images that name an index, believed or not: bytes are those of their digest wherever they lie.
    places: Arc<Mutex<BTreeMap<Digest, Vec<Arc<dyn Store>>>>>,
    /// What the run is to be called in registries: its own repositories; and the platform, if one was asked for.
    own: Arc<OnceLock<(Vec<Reference>, Option<Platform>)>>,
    /// Whether the images there have been looked at.
    looked: Arc<OnceLock<()>>,
    /// Images that are believed and name no indexes.
    silent: Arc<Mutex<Vec<OpenManifest>>>,
}

/// A layer that lies in a registry.
pub(crate) struct FarLayer<'a> {
    pub(crate) store: &'a Arc<dyn Store>,
    pub(crate) layer: &'a Descriptor,
    /// The digest of its tar; `None` leaves it to the index to say which that is.
    pub(crate) diff_id: Option<&'a DiffId>,
    /// The manifest that names it.
    pub(crate) image: &'a Digest,
}

impl Pins {
    /// Names the run's own repositories, once.
    pub(crate) fn own(&self, references: &[Reference], platform: Option<&Platform>) {
        let _ = self.own.set((references.to_vec(), platform.cloned()));
    }

    /// Takes what an image says of its layers, if it may be believed; `vouched` if the user says so of this one.
    fn see(&self, image: &OpenManifest, vouched: bool, run: &Run) {
        let layers = &image.manifest.value().layers;
        let pins: Vec<(Digest, Descriptor)> = layers.iter().filter_map(pinned).collect();
        self.note_places(image, &pins);
        if run.trust_index || self.is_own(image.reference.as_ref(), run) {
            if pins.len() < layers.len() {
                lock(&self.silent).push(image.clone());
            }
            self.believe(pins, None);
        } else if vouched {
            // The digest that stands in this very manifest, and of its own layers: what is attached to it, or what it
            // says of others, nobody has vouched for.
            self.believe(pins, Some(&image.descriptor.digest));
        }
    }

    /// Takes what an image in a registry says of its layers, if it may be believed. What is wrong with the image is told
    /// by those who need it.
    pub(crate) fn see_image(&self, source: &BaseSource, platform: Option<&Platform>, vouched: bool, run: &Run) {
        if matches!(source, BaseSource::Registry(_))
            && let Ok(image) = open_manifest(source, Path::new(""), platform, run)
        {
            self.see(&image, vouched, run);
        }
    }

    /// Takes what the images say that files are to be taken from: often they lie on the base, and know its layers too.
    pub(crate) fn see_sources(&self, spec: &Spec, base: &OpenBase, run: &Run) {
        let sources: Vec<&FromSpec> = spec.layers.iter().filter_map(|layer| layer.from.as_ref()).collect();
        let _: Vec<()> = workers::for_each(&sources, run.jobs(), |from| {
            self.see_image(&from.image, Some(&base.platform), from.index == IndexTrust::Trust, run);
        });
    }

    /// Whether an image lies in one of the run's own repositories. A mirror of one is not that.
    fn is_own(&self, reference: Option<&Reference>, run: &Run) -> bool {
        let own = self.own.get().map(|(own, _)| own.as_slice()).unwrap_or_default();
        let is_read_elsewhere = |reference: &Reference| run.network_settings().registries.concerns(reference);
        reference.is_some_and(|it| own.iter().any(|mine| mine.name() == it.name()) && !is_read_elsewhere(it))
    }

    fn note_places(&self, image: &OpenManifest, pins: &[(Digest, Descriptor)]) {
        let mut places = lock(&self.places);
        for (_, index) in pins {
            places.entry(index.digest.clone()).or_default().push(Arc::clone(&image.store));
        }
    }

    fn believe(&self, pins: Vec<(Digest, Descriptor)>, only_of: Option<&Digest>) {
        let mut known = lock(&self.known);
        for (layer, index) in pins {
            known.entry(layer).or_default().push(Pin { index, only_of: only_of.cloned() });
        }
    }

    /// The index of a layer, if one is believed and is there.
    pub(crate) fn index(&self, layer: &FarLayer<'_>, local: &Local, run: &Run) -> Option<LayerIndex> {
        let find = || self.find(layer, local, run);
        // Each question is one request more, so it is asked when no other has the answer.
        find()
            .or_else(|| {
                self.looked.get_or_init(|| self.look_at_own(run));
                find()
            })
            .or_else(|| {
                self.ask_the_silent();
                find()
            })
    }

    /// Images of others have no annotations of ours, but somebody may have attached the indexes of their layers.
    fn ask_the_silent(&self) {
        let silent = std::mem::take(&mut *lock(&self.silent));
        for image in silent {
            let pins = attached(&image);
            self.note_places(&image, &pins);
            self.believe(pins, None);
        }
    }

    fn find(&self, wanted: &FarLayer<'_>, local: &Local, run: &Run) -> Option<LayerIndex> {
        let FarLayer { layer, diff_id, store, image } = wanted;
        let is_of = |index: &LayerIndex| {
            *index.digest() == layer.digest && diff_id.is_none_or(|diff_id| diff_id == index.diff_id())
        };
        let pins = lock(&self.known).get(&layer.digest).cloned().unwrap_or_default();
        let mut pins = pins.into_iter().filter(|pin| pin.only_of.as_ref().is_none_or(|only| only == *image));
        let named = pins.next()?.index;
        if pins.any(|other| other.index.digest != named.digest) {
            // One of them is wrong, and the layer itself knows which.
            return None;
        }
        if let Some(blob) = local.index_blob(&layer.digest).filter(|blob| blob.descriptor.digest == named.digest)
            && let Some(bytes) = blob.published
        {
            return LayerIndex::from_bytes(&bytes).ok().filter(is_of);
        }
        let places = lock(&self.places).get(&named.digest).cloned().unwrap_or_default();
        if lock(&self.missed).insert(named.digest.clone(), places.len()) == Some(places.len()) {
            return None;
        }
        let bytes = places.iter().chain([*store]).find_map(|store| fetch(&**store, &named, run))?;
        match LayerIndex::from_bytes(&bytes) {
            Ok(index) if is_of(&index) => {
                local.believe(&index, bytes);
                Some(index)
            }
            Ok(_) => ignored(&named, "it is of another layer", run),
            Err(e) => ignored(&named, &e.to_string(), run),
        }
    }

    /// Reads the images that the run is about to replace: what they say of their layers was checked before.
    fn look_at_own(&self, run: &Run) {
        let Some((own, platform)) = self.own.get() else { return };
        for reference in own {
            // A repository that is not there yet, or not readable, has nothing to say.
            self.see_image(&BaseSource::Registry(reference.clone()), platform.as_ref(), false, run);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn fetch(store: &dyn Store, index: &Descriptor, run: &Run) -> Option<Vec<u8>> {
    match store.fetch(index).and_then(|content| content.read_document(MAX_INDEX_BYTES)) {
        Ok(bytes) => Some(bytes),
        Err(e) if e.kind() == StoreKind::NotFound => None,
        Err(e) => ignored(index, &e.to_string(), run),
    }
}

/// Says why an index is not used; its layer is read instead.
fn ignored<T>(index: &Descriptor, why: &str, run: &Run) -> Option<T> {
    run.observer.tell(Event::Warning { text: format!("the path index {} is not used: {why}", index.digest) });
    None
}
