//! An archive as a source: what is in it, whether it can stay as it is, and its second reading.

use super::landing;
use super::links::Links;
use super::pack::{Packer, Reading};
use super::parents::{Parents, has_late_xattrs};
use super::recipe::{Recipe, Source};
use super::route::{Route, strip};
use super::seen::of_archive;
use super::verdict;
use super::watch::{Watch, Watched};
use super::{directory_entry, in_source};
use crate::archive::{ends_as_zip, or_zip, read_start};
use crate::directory::{FileSystem, Stamp};
use crate::{
    Archive, Body, Container, Entries, Entry, Error, ErrorKind, Fingerprint, IndexBuilder, Kind, LayerIndex, Note,
    Reason, Result, Rules, Survey, Xattrs, survey,
};
use oci_merge_image::{DiffId, Digest, LayerPath};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, Write};

/// An archive that was read once, and where it lands.
pub(super) struct Looked<'a> {
    recipe: &'a Recipe,
    source: &'a Source,
    file: File,
    /// What the file was before anything was read.
    stamp: Stamp,
    system: FileSystem,
    rules: Rules,
    container: Container,
    survey: Survey,
    route: Route<'a>,
}

impl<'a> Looked<'a> {
    /// Reads an archive for what it holds.
    pub(super) fn at(recipe: &'a Recipe, source: &'a Source, watch: &Watch<'_>) -> Result<Looked<'a>> {
        let limits = recipe.limits.clone();
        let rules = if source.keep { Rules::kept(limits) } else { Rules::layer(limits) };
        // Before it is opened: a FIFO would wait for somebody to write.
        if !std::fs::metadata(source.input.path()).map_err(|error| unreadable(error, source))?.is_file() {
            let text = "is neither a directory nor a file; an archive is read twice, so that a pipe cannot be one";
            return Err(Error::new(ErrorKind::Source, text).in_file(source.name()));
        }
        let mut file = File::open(source.input.path()).map_err(|error| unreadable(error, source))?;
        let stamp = Stamp::of_open(&file).map_err(|errno| unreadable(errno.into(), source))?;
        let system = FileSystem::of(&file).map_err(|errno| unreadable(errno.into(), source))?;
        let start = read_start(&mut file).map_err(|error| unreadable(error, source))?;
        let container = Container::of(&start).map_err(|error| in_source(error, source))?;
        // What is to be kept is read as a layer only, and nothing is said of what it would be otherwise.
        let read = if container.compression().is_some() || source.keep {
            file.rewind().map_err(|error| unreadable(error, source))?;
            survey(Watched::new(&file, watch), &rules)
        } else {
            let archive = Archive::open(rewound(&file, source)?, &rules);
            archive.and_then(|archive| list(archive, &rules, watch))
        };
        let survey = read.map_err(|error| in_source(or_zip(error, || ends_as_zip(&mut &file)), source))?;
        if let Some(image) = image(source, container, &survey.index) {
            return Err(Error::new(ErrorKind::Source, image).in_file(source.name()));
        }
        let landing = landing::of_archive(recipe, source, &survey.index)?;
        let route = Route::new(recipe, source, landing)?;
        let looked = Looked { recipe, source, file, stamp, system, rules, container, survey, route };
        looked.check_unchanged()?;
        Ok(looked)
    }

    /// Every reason why its bytes cannot be the layer's.
    pub(super) fn reasons(&self) -> Vec<Note> {
        let mut notes = verdict::reasons(self.recipe, self.source, &self.route, &self.survey.index);
        if self.container.compression().is_none() {
            let what = match self.container {
                Container::Zip => "a zip",
                Container::Deb => "a Debian package",
                Container::Xz | Container::Bzip2 => "compressed with xz or bzip2",
                Container::Tar | Container::Gzip | Container::Zstd => "a layer",
            };
            let text = format!("the archive is {what}, which no layer can be");
            notes.push(Note { reason: Reason("CONTAINER"), path: None, text });
        }
        if self.recipe.sources.len() > 1 {
            let text = "it is one of several sources of the layer".into();
            notes.push(Note { reason: Reason("SOURCES"), path: None, text });
        }
        notes
    }

    /// What tells the file from other states of it.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.source.fingerprint.clone().unwrap_or_else(|| of_archive(&self.stamp, self.system))
    }

    /// Its blob as the layer, and where it landed.
    pub(super) fn into_layer(self) -> (Survey, LayerPath) {
        (self.survey, self.route.landing)
    }

    /// Reads it a second time and writes what is taken of it.
    pub(super) fn pack<W: Write>(&self, packer: &mut Packer<'_, W>) -> Result<()> {
        packer.report().repacked.extend(self.reasons());
        let index = &self.survey.index;
        let late = if has_late_xattrs(index) { self.late_xattrs()? } else { HashMap::new() };
        let reading = Reading {
            source: self.source,
            route: &self.route,
            root: self.root(),
            parents: Parents::of_archive(index, late),
            links: Links::of_archive(index, &self.route)?,
        };
        let left = packer.add(reading, &mut self.open()?)?;
        packer.end(self.source, left, self.route.choice().unmatched())?;
        self.check_unchanged()
    }

    /// The directory whose content lands; if it has no entry, one with the newest time of all entries.
    fn root(&self) -> Entry {
        let index = &self.survey.index;
        let newest = index.entries().map(|entry| entry.mtime).max().unwrap_or_default();
        let root = directory_entry(LayerPath::root(), newest);
        let is_root = |path: &[u8]| {
            let path = LayerPath::parse(path).unwrap_or_default();
            match self.route.landing.is_root() {
                true => strip(&path, self.source.strip).as_ref() == Some(self.recipe.prefix.path()),
                false => strip(&path, self.source.strip).is_some_and(|rest| rest.is_root()),
            }
        };
        let entries = index.root().into_iter().chain(index.entries());
        let found = entries.filter(|entry| entry.kind == Kind::Directory).find(|entry| is_root(entry.path));
        found.map_or(root.clone(), |found| Entry { uid: found.uid, gid: found.gid, mtime: found.mtime, ..root })
    }

    /// The extended attributes of directories that come after what lies in them. It takes a reading of its own, and
    /// is hardly ever needed.
    fn late_xattrs(&self) -> Result<HashMap<LayerPath, Xattrs>> {
        let mut found = HashMap::new();
        let mut entries = self.open()?;
        while let Some(entry) = entries.next().map_err(|error| in_source(error, self.source))? {
            let is_late = || self.survey.index.find(&entry.path).is_some_and(|known| known.late);
            if matches!(entry.body, Body::Directory) && !entry.xattrs.is_empty() && is_late() {
                found.insert(entry.path, entry.xattrs);
            }
        }
        Ok(found)
    }

    fn open(&self) -> Result<Archive> {
        Archive::open(rewound(&self.file, self.source)?, &self.rules).map_err(|error| in_source(error, self.source))
    }

    /// Others who share a store mark a file there as used while it is read, or put an equal one into its place. So of one
    /// whose fingerprint the caller vouches for, the times say nothing.
    fn check_unchanged(&self) -> Result<()> {
        let now = Stamp::of_open(&self.file).map_err(|errno| unreadable(errno.into(), self.source))?;
        let is_unchanged = match self.source.fingerprint {
            Some(_) => now.size == self.stamp.size,
            None => now == self.stamp,
        };
        if !is_unchanged {
            return Err(Error::new(ErrorKind::Changed, "changed while it was read").in_file(self.source.name()));
        }
        Ok(())
    }
}

/// Says that an archive is an image, if it is and nothing says that its files are meant; they are those of its layers.
fn image(source: &Source, container: Container, index: &LayerIndex) -> Option<String> {
    if source.strip > 0 || !source.include.is_empty() || source.to.is_some() || source.keep {
        return None;
    }
    let has = |name: &str| LayerPath::parse(name.as_bytes()).is_ok_and(|path| index.find(&path).is_some());
    // What docker save writes now, and what it wrote before its version 25.
    let is_blob = |path: &[u8]| path.starts_with(b"blobs/sha256/") || path.ends_with(b"/layer.tar");
    let (what, transport) = if has("oci-layout") && has("index.json") {
        ("an OCI layout", "oci-archive")
    } else if has("manifest.json") && index.entries().any(|entry| is_blob(entry.path)) {
        ("of docker", "docker-archive")
    } else {
        return None;
    };
    // Members of an image are read where they lie in the file.
    let unpack = container.unpacker().map(|program| format!("{program} it, and ")).unwrap_or_default();
    Some(format!(
        "is an image, {what}; its files are those of its layers: {unpack}say {transport}:FILE, in a spec \
         from = {{ image = \"{transport}:FILE\" }} in place of `source`"
    ))
}

/// The entries of an archive that is in no form that a layer may have. There is nothing to be bound to: the digests
/// mean nothing.
fn list(mut archive: Archive, rules: &Rules, watch: &Watch<'_>) -> Result<Survey> {
    let mut builder = IndexBuilder::new(rules);
    let mut bytes = 0;
    while let Some(entry) = archive.next()? {
        if let Body::File { size } = entry.body {
            bytes += size;
        }
        watch.tell(super::Progress { step: super::Step::Survey, bytes, entries: 0 })?;
        builder.push(&entry, None, None)?;
    }
    builder.push_notes(archive.notes())?;
    let nothing = Digest::of(b"");
    let index = builder.finish(nothing.clone(), DiffId(nothing))?;
    Ok(Survey { size: 0, compression: oci_merge_image::Compression::None, tar_size: 0, index })
}

/// The same open file, at its beginning.
fn rewound(file: &File, source: &Source) -> Result<File> {
    let mut file = file.try_clone().map_err(|error| unreadable(error, source))?;
    file.rewind().map_err(|error| unreadable(error, source))?;
    Ok(file)
}

pub(super) fn unreadable(error: std::io::Error, source: &Source) -> Error {
    Error::io("cannot be read", error).in_file(source.name())
}
