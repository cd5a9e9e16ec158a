//! From the entries of sources to those of the layer: paths, owners, times, attributes, and the directories above.

use super::bytecode::Bytecode;
use super::landing::leads_inside;
use super::left::Left;
use super::links::{Links, Named};
use super::output::{Output, Written};
use super::parents::Parents;
use super::recipe::{Attributes, Recipe, Source, Times};
use super::report::{Report, Unmatched};
use super::route::{Place, Route};
use super::xattrs::{CAPABILITY, is_kept, is_possible};
use crate::{Body, Entries, Entry, Error, ErrorKind, Result, Time, Xattrs};
use oci_merge_image::LayerPath;
use std::collections::HashMap;
use std::io::{self, Write};

/// Writes the entries of all sources of a layer.
pub(super) struct Packer<'a, W: Write> {
    recipe: &'a Recipe,
    out: Output<'a, W>,
    /// The directories that were written.
    written: HashMap<LayerPath, (Attributes, Xattrs)>,
    /// The time of the prefix directory, and of every directory that no source has.
    time: Option<Time>,
    bytecode: Bytecode,
    /// The attributes of files that have capabilities, by path.
    capable: HashMap<LayerPath, Xattrs>,
    report: Report,
    /// Of the recipe's `exclude`, what has matched nothing of any source so far.
    unmatched: Vec<String>,
}

/// One source, while it is packed.
pub(super) struct Reading<'a> {
    pub(super) source: &'a Source,
    pub(super) route: &'a Route<'a>,
    /// The directory whose content lands: its owner and time count.
    pub(super) root: Entry,
    pub(super) parents: Parents<'a>,
    pub(super) links: Links<'a>,
}

impl<'a, W: Write> Packer<'a, W> {
    /// Begins a layer.
    pub(super) fn new(recipe: &'a Recipe, out: Output<'a, W>) -> Packer<'a, W> {
        let (written, bytecode, report) = (HashMap::new(), Bytecode::default(), Report::default());
        let (capable, unmatched) = (HashMap::new(), recipe.exclude.clone());
        Packer { recipe, out, written, time: None, bytecode, capable, report, unmatched }
    }

    /// What is told of the layer.
    pub(super) fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    /// Ends a source: what was left out of it, and which globs of it and of the recipe have matched nothing.
    ///
    /// # Errors
    /// Everything was left out.
    pub(super) fn end(&mut self, source: &Source, left: Left, unmatched: (Unmatched, Vec<String>)) -> Result<()> {
        if left.is_empty(self.recipe, source)? {
            self.report.empty.push(self.report.landings.len().saturating_sub(1));
        }
        self.report.too_short.append(left.too_short);
        self.report.filtered.append(left.filtered);
        let (of_source, of_all) = unmatched;
        self.report.unmatched.include.extend(of_source.include);
        self.report.unmatched.exclude.extend(of_source.exclude);
        self.unmatched.retain(|glob| of_all.contains(glob));
        Ok(())
    }

    /// Writes all that is taken of a source, and says what is not.
    pub(super) fn add(&mut self, mut reading: Reading<'_>, entries: &mut dyn Entries) -> Result<Left> {
        let mut left = Left::default();
        self.report.landings.push(reading.route.landing.clone());
        self.time.get_or_insert(self.recipe.times.of(reading.root.mtime));
        if !reading.route.landing.is_root() {
            let (path, root) = (reading.route.landing.clone(), reading.root.clone());
            // Whatever the root of the source was: one that mktemp made is 0700.
            self.directory(&reading, Entry { path, mode: 0o755, xattrs: Xattrs::new(), ..root }, &LayerPath::root())?;
        }
        while let Some(entry) = entries.next().map_err(|error| reading.name(error))? {
            let is_directory = matches!(entry.body, Body::Directory);
            let place = reading.route.place(&entry.path, is_directory)?;
            left.see(self.recipe, &entry.path, is_directory, &place);
            match (&entry.body, place) {
                (Body::Directory, Place::Taken(path)) if self.recipe.covers(&path) => {
                    let source = entry.path.clone();
                    self.directory(&reading, Entry { path, ..entry }, &source)?;
                }
                (Body::Directory, Place::Taken(_) | Place::IfNeeded(_)) => reading.parents.see(entry),
                (Body::Directory, _) => {}
                (_, place) => {
                    if let Some(Named { source, path, body }) = reading.links.place(&entry, place, reading.route)? {
                        self.parents(&reading, &source, &path)?;
                        let entry = self.adopt(&reading, Entry { path, body, ..entry });
                        self.other(&reading, entry, entries)?;
                    }
                }
            }
        }
        Ok(left)
    }

    /// Ends the layer, and says what is told of it.
    pub(super) fn finish(self) -> Result<(Written<W>, Report)> {
        let Packer { recipe, out, bytecode, mut report, unmatched, .. } = self;
        let written = out.finish().map_err(|error| match error.path() {
            Some(path) if matches!(error.kind(), ErrorKind::Refused(_)) => {
                let text = "several files of the sources land here, or below one another; choose with `exclude`";
                Error::new(ErrorKind::Source, text).at(path)
            }
            _ => error,
        })?;
        if let Times::Clamp(limit) | Times::Set(limit) = recipe.times {
            report.stale_bytecode = bytecode.stale(&written.index, limit);
        }
        report.unmatched.exclude.splice(0..0, unmatched);
        Ok((written, report))
    }

    /// Writes a directory with a path of the image, which is another in the source.
    fn directory(&mut self, reading: &Reading<'_>, entry: Entry, source: &LayerPath) -> Result<()> {
        let entry = self.adopt(reading, entry);
        let attributes = Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid };
        match self.written.get(&entry.path) {
            Some((known, xattrs)) if (known, xattrs) == (&attributes, &entry.xattrs) => Ok(()),
            Some((known, _)) => {
                let text = if *known == attributes {
                    "two sources have this directory, each with other extended attributes".into()
                } else {
                    format!("two sources have this directory, one as {known}, one as {attributes}")
                };
                Err(Error::new(ErrorKind::Source, text).at(&entry.path))
            }
            None => {
                self.parents(reading, source, &entry.path)?;
                self.write_directory(entry)
            }
        }
    }

    /// Writes the directories above a path of the image that have not been written.
    fn parents(&mut self, reading: &Reading<'_>, source: &LayerPath, path: &LayerPath) -> Result<()> {
        if path.parent().is_none_or(|parent| parent.is_root() || self.written.contains_key(&parent)) {
            return Ok(());
        }
        for above in path.ancestors() {
            if self.written.contains_key(&above) {
                continue;
            }
            let is_owned = self.recipe.covers(&above);
            let entry = if !is_owned && (self.recipe.covers(path) || leads_inside(self.recipe, &above)) {
                self.recipe.ancestor(&above).map(|attributes| self.made_up(above, attributes))
            } else {
                Some(self.owned(reading, source, path, above))
            };
            if let Some(entry) = entry {
                self.write_directory(entry)?;
            }
        }
        Ok(())
    }

    /// A directory above a path of the image: the source's, or one that it should have had.
    fn owned(&mut self, reading: &Reading<'_>, source: &LayerPath, path: &LayerPath, above: LayerPath) -> Entry {
        let levels = path.components().count() - above.components().count();
        let in_source = (0..levels).try_fold(source.clone(), |path, _| path.parent());
        let is_content = above.is_within(&reading.route.landing) && above != reading.route.landing;
        match in_source.filter(|_| is_content).and_then(|path| reading.parents.find(&path)) {
            Some(entry) => self.adopt(reading, Entry { path: above, ..entry }),
            None => {
                let (uid, gid) = reading.source.owner.of_none();
                self.made_up(above, Attributes { uid, gid, ..Attributes::default() })
            }
        }
    }

    fn made_up(&self, path: LayerPath, attributes: Attributes) -> Entry {
        let Attributes { mode, uid, gid } = attributes;
        let mtime = self.time.unwrap_or_default();
        Entry { path, body: Body::Directory, mode, uid, gid, mtime, xattrs: Xattrs::new() }
    }

    fn write_directory(&mut self, entry: Entry) -> Result<()> {
        self.out.put(&entry)?;
        let attributes = Attributes { mode: entry.mode, uid: entry.uid, gid: entry.gid };
        self.written.insert(entry.path, (attributes, entry.xattrs));
        Ok(())
    }

    fn other(&mut self, reading: &Reading<'_>, mut entry: Entry, entries: &mut dyn Entries) -> Result<()> {
        match &entry.body {
            // docker and containerd give each name of a file its owner once more, and with that the kernel drops its
            // capabilities; so each name brings all of its attributes along.
            Body::HardLink { target } => entry.xattrs = self.capable.get(target).cloned().unwrap_or_default(),
            _ if entry.xattrs.contains_key(CAPABILITY) => {
                self.capable.insert(entry.path.clone(), entry.xattrs.clone());
            }
            _ => {}
        }
        if !matches!(entry.body, Body::File { .. }) {
            return self.out.put(&entry);
        }
        let mut content = entries.content().map_err(|error| reading.name(error))?;
        let read = |piece: &mut [u8]| loop {
            match content.read(piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(|error| reading.name(error.into())),
            }
        };
        let bytecode = &mut self.bytecode;
        self.out.put_file(&entry, read, |start| bytecode.see(&entry.path, start))
    }

    /// Gives an entry the owner, the time and the attributes that it has in the layer.
    fn adopt(&mut self, reading: &Reading<'_>, mut entry: Entry) -> Entry {
        (entry.uid, entry.gid) = reading.source.owner.of(entry.uid, entry.gid);
        entry.mtime = self.recipe.times.of(entry.mtime);
        if let Body::HardLink { .. } = entry.body {
            // They are the file's, which has them already.
            entry.xattrs.clear();
        }
        entry.xattrs.retain(|name, value| {
            // For Go, an attribute without a value is none.
            let keep = is_kept(name) && !value.is_empty() && is_possible(&entry.body, name, value);
            if !keep {
                *self.report.dropped_xattrs.entry(name.clone()).or_default() += 1;
            }
            keep
        });
        entry
    }
}

impl Reading<'_> {
    /// Says which file an error is about, if it does not know.
    fn name(&self, error: Error) -> Error {
        super::in_source(error, self.source)
    }
}
