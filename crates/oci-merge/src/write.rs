//! Writes an image to its destinations: every one of them is a copy from the same source.

use crate::again::Again;
use crate::assemble::LAYER;
use crate::build::Assembled;
use crate::engine::Engine;
use crate::event::{Phase, Transfer};
use crate::layers::Ready;
use crate::mounts::Mounts;
use crate::names::Names;
use crate::referrer::attach;
use crate::registries::deliver;
use crate::result::{Built, Written, write_whole};
use crate::{Destination, Error, Event, Result, workers};
use oci_merge_image::{Descriptor, Digest, Form, MediaType, shown};
use oci_merge_store::archive::{Image as ArchiveImage, write_archive};
use oci_merge_store::copy::{self, CopyEvent, CopyOptions, How, Ledger, copy};
use oci_merge_store::{Layout, Memory, Overlay, Store};
use std::io::{self, Write};
use std::path::Path;

/// Writes an image to every destination, in the order that they were named.
pub(crate) fn write(image: &Assembled, destinations: &[Destination]) -> Result<Built> {
    let names = Names::of(&image.spec, &image.names)?;
    let mut built = image.built();
    let documents = Memory::new();
    let root = image.stacked.manifest.descriptor(MediaType::ImageManifest);
    let config = image.stacked.config.descriptor(MediaType::ImageConfig);
    for (descriptor, bytes) in [(&config, image.stacked.config.bytes()), (&root, image.stacked.manifest.bytes())] {
        documents.push(descriptor, &bytes.to_vec()).map_err(|e| Error::store("the image", e))?;
    }
    let base = image.base.image.as_ref().map(|open| &*open.store);
    let origins = image.layers.iter().filter_map(|layer| layer.origin.as_ref()).map(|origin| &*origin.store);
    let again = Again::new(image);
    let stores = [&documents as &dyn Store, &**image.local.layout(), &again].into_iter().chain(base).chain(origins);
    let layers = &image.stacked.manifest.value().layers;
    let indexes = match destinations.contains(&Destination::Registry) {
        true => attach(&root, layers, &image.local, &documents)?,
        false => None,
    };
    let writer = Writer { image, names, from: Overlay::new(stores), root, config, indexes };
    for destination in destinations {
        if image.run.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let written = writer.write_to(destination, &mut built)?;
        for place in &written {
            let (reference, digest) = (place.reference.clone(), built.manifest_digest.clone());
            image.run.observer.tell(Event::ImageWritten { reference, digest });
        }
        built.written.extend(written);
    }
    Ok(built)
}

struct Writer<'a> {
    image: &'a Assembled,
    names: Names,
    from: Overlay<'a>,
    root: Descriptor,
    config: Descriptor,
    /// The artifact with the path indexes that registries lack.
    indexes: Option<Descriptor>,
}

impl Writer<'_> {
    fn write_to(&self, destination: &Destination, built: &mut Built) -> Result<Vec<Written>> {
        match destination {
            Destination::Layout(path) => self.layout(path),
            Destination::OciArchive(path) | Destination::DockerArchive(path) => self.archive(destination, path),
            Destination::Registry => self.registry(built),
            Destination::Engine => self.engine(),
            Destination::Layer(path) => self.layer(path),
            Destination::Nothing => Ok(Vec::new()),
        }
    }

    fn layout(&self, path: &Path) -> Result<Vec<Written>> {
        let place = format!("oci:{}", shown(path.as_os_str().as_encoded_bytes()));
        let failed = |e| Error::store(&place, e);
        let output = Layout::output(path).map_err(failed)?;
        let tags = self.names.in_layout();
        self.copy(&*output, &place, CopyOptions { tags: tags.clone(), ..self.options() })?;
        output.finish().map_err(failed)?;
        Ok(tags.into_iter().map(|tag| self.pinned(format!("{place}:{tag}"), false)).collect())
    }

    fn registry(&self, built: &mut Built) -> Result<Vec<Written>> {
        let (repositories, run) = (self.names.repositories()?, &self.image.run);
        let ledgers = deliver(&run.network, &repositories, self.mounts(), |delivery| {
            let options = CopyOptions {
                tags: delivery.tags.to_vec(),
                mount_from: delivery.mount_from,
                companions: self.indexes.iter().filter(|_| !delivery.is_there).cloned().collect(),
                no_layer_bytes: run.no_layer_upload,
                expected: run.expected.clone(),
                ..self.options()
            };
            self.copy(delivery.registry, &delivery.reference.name(), options)
        })?;
        ledgers.iter().for_each(|ledger| account(built, ledger));
        let tags = repositories.iter().flat_map(|(reference, tags)| tags.iter().map(move |tag| (reference, tag)));
        Ok(tags.map(|(reference, tag)| self.pinned(format!("{}:{tag}", reference.name()), true)).collect())
    }

    fn archive(&self, destination: &Destination, path: &Path) -> Result<Vec<Written>> {
        let (word, names) = match destination {
            Destination::OciArchive(_) => ("oci-archive", self.names.in_layout()),
            _ => ("docker-archive", self.names.in_archive()),
        };
        let is_stdout = path.as_os_str() == "-";
        if is_stdout {
            self.write_archive("the standard output", &mut io::stdout().lock())?;
        } else {
            let mut outcome = Ok(());
            let written = write_whole(path, |file| {
                outcome = self.write_archive(&shown(path.as_os_str().as_encoded_bytes()).to_string(), file);
                outcome.as_ref().map_err(|_| io::Error::other("the image could not be read")).copied()
            });
            outcome.and(written)?;
        }
        let place = format!("{word}:{}", shown(path.as_os_str().as_encoded_bytes()));
        // An archive on the standard output is the answer; nothing else may stand there.
        let names = if is_stdout { Vec::new() } else { names };
        Ok(names.iter().map(|name| self.pinned(format!("{place}:{name}"), false)).collect())
    }

    fn write_archive(&self, place: &str, out: &mut dyn Write) -> Result<()> {
        self.put_damage_aside()?;
        let names = self.names.in_archive();
        let images = [ArchiveImage { names: &names, descriptor: &self.root }];
        write_archive(&images, &self.from, out).map_err(|e| Error::store(place, e))
    }

    fn engine(&self) -> Result<Vec<Written>> {
        let engine = Engine::find()?;
        let names = self.names.in_archive();
        let Some(first) = names.first() else { return Ok(Vec::new()) };
        engine.load(first, [&self.config.digest, &self.root.digest], |pipe| self.write_archive("load", pipe))?;
        let known = |name: &String| Written { reference: name.clone(), answer: name.clone(), pushed: false };
        Ok(names.iter().map(known).collect())
    }

    /// One layer's tarball, and its index beside it: what a CI job hands on.
    fn layer(&self, path: &Path) -> Result<Vec<Written>> {
        let layer = self.only_layer()?;
        let failed = |e| Error::store(&layer.name, e);
        self.put_damage_aside()?;
        let mut content = self.from.fetch(&layer.descriptor).map_err(failed)?;
        write_whole(path, |file| io::copy(&mut content, file).map(|_| ()))?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".index");
        write_whole(Path::new(&beside), |file| file.write_all(&layer.index.to_bytes()))?;
        let reference = shown(path.as_os_str().as_encoded_bytes()).to_string();
        let answer = format!("{reference}@{}", layer.descriptor.digest);
        Ok(vec![Written { reference, answer, pushed: false }])
    }

    /// The layer of an image that has but one of the spec. What one image brought is one of the spec, and one file if it
    /// was joined.
    fn only_layer(&self) -> Result<&Ready> {
        let layers = &self.image.layers;
        let of_spec = |layer: &Ready| match &layer.joined[..] {
            [] => vec![layer.name.clone()],
            joined => joined.iter().map(|member| member.name.clone()).collect(),
        };
        let mut names: Vec<String> = layers.iter().flat_map(of_spec).collect();
        names.dedup();
        match (&layers[..], &names[..]) {
            ([layer], [_]) => Ok(layer),
            (several, [name]) => Err(Error::usage(format!(
                "-o type=layer writes one layer, and {name} is {}, for the image that it is from has several; \
                 with `max-layers = {}` in [policy], --pack joins them",
                several.len(),
                self.image.built().base.layers + 1
            ))),
            (_, names) => Err(Error::usage(format!(
                "-o type=layer writes one layer of the spec; name it: {}",
                names.join(" or ")
            ))),
        }
    }

    /// Moves blobs of remembered layers out of the way that are not what they were, so that they are made again. A copy sees
    /// to that by itself; what is written into a stream cannot be written twice.
    fn put_damage_aside(&self) -> Result<()> {
        let layout = self.image.local.layout();
        let remembered = self.image.layers.iter().filter(|layer| layer.is_remembered);
        let settled = workers::for_each(&remembered.collect::<Vec<_>>(), self.image.run.jobs(), |layer| {
            let moved = layout.quarantine(&layer.descriptor).map_err(|e| Error::store(&layer.name, e))?;
            moved.iter().for_each(|path| {
                self.tell(CopyEvent::Quarantined { descriptor: &layer.descriptor, path });
            });
            Ok(())
        });
        settled.into_iter().collect()
    }

    fn copy(&self, to: &dyn Store, place: &str, options: CopyOptions<'_>) -> Result<Ledger> {
        let observe = |event: CopyEvent<'_>| self.tell(event);
        copy(&self.from, to, &self.root, &options, &observe).map_err(|e| {
            let layer = e.digest().and_then(|digest| self.layer_of(digest));
            Error::store(layer.unwrap_or(place), e)
        })
    }

    fn options(&self) -> CopyOptions<'_> {
        let cache = Some(&**self.image.local.layout());
        CopyOptions { cache, cancel: Some(self.image.run.cancel.flag()), ..CopyOptions::default() }
    }

    fn tell(&self, event: CopyEvent<'_>) {
        let observer = &self.image.run.observer;
        let layer = |descriptor: &Descriptor| self.layer_of(&descriptor.digest).unwrap_or("base").to_owned();
        match event {
            CopyEvent::Progress { descriptor, phase, done } => observer.tell(Event::LayerProgress {
                layer: layer(descriptor),
                phase: if phase == copy::Phase::Fetch { Phase::Fetch } else { Phase::Upload },
                done,
                total: Some(descriptor.size),
            }),
            CopyEvent::Quarantined { descriptor, path } => observer.tell(Event::Warning {
                text: format!(
                    "{} in the local store was damaged; it is now {}",
                    descriptor.digest,
                    shown(path.as_os_str().as_encoded_bytes())
                ),
            }),
            CopyEvent::LeftBehind { error, .. } => observer.tell(Event::Warning {
                text: format!("the path indexes of the layers were not pushed, and the next check reads more: {error}"),
            }),
            CopyEvent::Done(transfer) => observer.tell(Event::BlobDone {
                digest: transfer.descriptor.digest.clone(),
                size: transfer.descriptor.size,
                transfer: how(&transfer.how),
                sent: transfer.sent(),
            }),
            _ => {}
        }
    }

    /// Where the layers of the base, and those that are used as they are, may be mounted from.
    fn mounts(&self) -> Mounts {
        let base = self.image.base.image.iter().flat_map(|open| {
            let layers = &open.image.manifest.value().layers;
            layers.iter().map(|layer| (&layer.digest, open.reference.as_ref()))
        });
        let reused = self.image.layers.iter().filter_map(|layer| {
            let origin = layer.origin.as_ref()?;
            Some((&layer.descriptor.digest, origin.reference.as_ref()))
        });
        let mut mounts = Mounts::default();
        for (digest, from) in base.chain(reused).filter_map(|(digest, from)| Some((digest, from?))) {
            mounts.add(digest, from);
        }
        mounts
    }

    /// The name of the layer that a blob belongs to.
    fn layer_of(&self, digest: &Digest) -> Option<&str> {
        let layers = &self.image.stacked.manifest.value().layers;
        layers.iter().find(|l| l.digest == *digest)?.annotations.get(LAYER).map(String::as_str)
    }

    fn pinned(&self, reference: String, pushed: bool) -> Written {
        let answer = format!("{reference}@{}", self.root.digest);
        Written { reference, answer, pushed }
    }
}

/// Adds to a result how the layers came into the registry, as they did where it took most, and what was sent.
fn account(built: &mut Built, ledger: &Ledger) {
    let mut layers_up = 0;
    for transfer in &ledger.transfers {
        if !matches!(Form::of(&transfer.descriptor.media_type), Form::Layer(_) | Form::Foreign(_)) {
            continue;
        }
        layers_up += transfer.sent();
        let mut ours = built.layers.iter_mut().filter(|layer| layer.digest == transfer.descriptor.digest).peekable();
        if ours.peek().is_none() {
            built.base.transfer = built.base.transfer.max(Some(how(&transfer.how)));
            built.base.bytes_sent += transfer.sent();
        }
        for layer in ours {
            layer.transfer = layer.transfer.max(Some(how(&transfer.how)));
            layer.bytes_sent += transfer.sent();
            layer.bytes_sent_again += transfer.sent_again;
        }
    }
    built.sent.layers_up += layers_up;
    built.sent.documents_up += ledger.sent() - layers_up;
    built.sent.sent_again += ledger.transfers.iter().chain(&ledger.companions).map(|t| t.sent_again).sum::<u64>();
}

fn how(how: &How) -> Transfer {
    match how {
        How::Mounted(_) => Transfer::Mounted,
        How::Sent => Transfer::Uploaded,
        _ => Transfer::Present,
    }
}
