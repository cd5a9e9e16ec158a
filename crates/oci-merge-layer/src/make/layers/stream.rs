//! What is taken of layers of an image, as one stream of entries: directories first, then the rest, layer by layer.

use super::cut::Lands;
use super::links::{Links, another};
use super::tree::Tree;
use super::{Layers, Open};
use crate::archive::{Container, Unpacked, read_start};
use crate::{Body, Entries, Entry, EntryView, Error, Item, Limits, Note, Result, Rules, Scanner, Xattrs};
use oci_merge_image::LayerPath;
use std::collections::HashMap;
use std::io::{Chain, Cursor, Read};

/// A blob that is being read.
type Blob = Scanner<Unpacked<Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>>>;

/// The entries that are taken, with their paths in the new image.
pub(super) struct Stream<'a> {
    layers: &'a Layers,
    to: &'a dyn Lands,
    tree: &'a Tree,
    rules: Rules,
    /// The extended attributes of directories, of which an index has only the names.
    xattrs: HashMap<(usize, usize), Xattrs>,
    /// How many directories were given.
    directories: usize,
    /// The number of the next layer.
    next: usize,
    reading: Option<Reading>,
}

/// One layer, while it is read.
struct Reading {
    blob: Blob,
    links: Links,
    /// How many entries are still to come.
    left: usize,
}

impl<'a> Stream<'a> {
    pub(super) fn new(layers: &'a Layers, to: &'a dyn Lands, tree: &'a Tree, limits: &Limits) -> Result<Stream<'a>> {
        let (rules, xattrs) = (Rules::source(limits.clone()), HashMap::new());
        let mut stream = Stream { layers, to, tree, rules, xattrs, directories: 0, next: 0, reading: None };
        stream.read_xattrs()?;
        Ok(stream)
    }

    /// Reads the layers of directories that have attributes which are needed. Hardly any image has such a directory.
    fn read_xattrs(&mut self) -> Result<()> {
        let to = self.to;
        let has_needed = |entry: &EntryView<'_>| entry.xattrs.is_some_and(|set| set.names.iter().any(|n| to.needs(n)));
        let entry = |at: &(usize, usize)| self.layers.indexes.get(at.0)?.get(at.1);
        let wanted = self.tree.directories.iter().filter(|at| entry(at).is_some_and(|entry| has_needed(&entry)));
        let wanted: Vec<(usize, usize)> = wanted.copied().collect();
        let mut room = self.rules.limits.name_bytes;
        for (number, index) in self.layers.indexes.iter().enumerate() {
            if !wanted.iter().any(|(layer, _)| *layer == number) {
                continue;
            }
            let in_layer = |error| self.layers.in_layer(number, error);
            let mut blob = open(&*self.layers.open, number, &self.rules).map_err(in_layer)?;
            while let Some(item) = blob.next().map_err(in_layer)? {
                let Item::Entry(Entry { path, body: Body::Directory, mut xattrs, .. }) = item else { continue };
                let Ok(place) = index.place(path.as_bytes()) else { continue };
                let found = wanted.binary_search_by(|at| self.layers.order(at, path.as_bytes()));
                if found.ok().and_then(|found| wanted.get(found)) != Some(&(number, place)) {
                    continue;
                }
                xattrs.iter_mut().filter(|(name, _)| !to.needs(name)).for_each(|(_, value)| value.clear());
                let size: usize = xattrs.iter().map(|(name, value)| name.len() + value.len()).sum();
                room = room.checked_sub(size as u64).ok_or_else(|| {
                    let text = "the attributes of its directories need more memory than may be used (limit name-bytes)";
                    in_layer(Error::refused("LIMIT_NAMES", text).at(&path))
                })?;
                self.xattrs.insert((number, place), xattrs);
            }
        }
        Ok(())
    }

    fn directory(&self, at: (usize, usize)) -> Result<Option<Entry>> {
        let Some(found) = self.layers.indexes.get(at.0).and_then(|index| index.get(at.1)) else { return Ok(None) };
        let Ok(path) = LayerPath::parse(found.path) else { return Ok(None) };
        // One that only leads to something stays where it is.
        let path = self.to.lands(&path, true)?.unwrap_or(path);
        Ok(Some(Entry {
            path,
            body: Body::Directory,
            mode: found.mode,
            uid: found.uid,
            gid: found.gid,
            mtime: found.mtime,
            xattrs: self.xattrs.get(&at).cloned().unwrap_or_else(|| unread(&found)),
        }))
    }

    /// Opens the next layer that something is taken of.
    fn open_next(&mut self) -> Result<Option<Reading>> {
        while let Some((index, taken)) = self.layers.indexes.get(self.next).zip(self.tree.taken.get(self.next)) {
            let number = self.next;
            self.next += 1;
            let left = taken.iter().filter(|taken| **taken).count();
            if left > 0 {
                let blob = open(&*self.layers.open, number, &self.rules);
                let blob = blob.map_err(|error| self.layers.in_layer(number, error))?;
                return Ok(Some(Reading { blob, links: Links::of(index, taken, self.to)?, left }));
            }
        }
        Ok(None)
    }

    fn advance(&mut self) -> Result<Option<Entry>> {
        if let Some(&at) = self.tree.directories.get(self.directories) {
            self.directories += 1;
            return self.directory(at);
        }
        loop {
            if self.reading.is_none() {
                self.reading = self.open_next()?;
            }
            let Some(reading) = &mut self.reading else { return Ok(None) };
            let number = self.next - 1;
            let in_layer = |error| self.layers.in_layer(number, error);
            let (Some(index), Some(taken)) = (self.layers.indexes.get(number), self.tree.taken.get(number)) else {
                return Ok(None);
            };
            match reading.blob.next().map_err(in_layer)? {
                Some(Item::Entry(entry)) => {
                    if let Some(entry) = reading.links.place(entry, index, taken, self.to).map_err(in_layer)? {
                        reading.left = reading.left.saturating_sub(1);
                        return Ok(Some(entry));
                    }
                }
                Some(Item::Whiteout(_)) => {}
                None if reading.left > 0 => return Err(in_layer(another())),
                None => self.reading = None,
            }
        }
    }
}

impl Entries for Stream<'_> {
    fn next(&mut self) -> Result<Option<Entry>> {
        self.advance()
    }

    fn content(&mut self) -> Result<Box<dyn Read + '_>> {
        match &mut self.reading {
            Some(reading) => Ok(Box::new(reading.blob.content())),
            None => Ok(Box::new(std::io::empty())),
        }
    }

    fn notes(&self) -> &[Note] {
        &[]
    }
}

/// The names of attributes that are not needed, without values: the packer drops and counts them.
fn unread(found: &EntryView<'_>) -> Xattrs {
    let names = found.xattrs.iter().flat_map(|set| &set.names);
    names.map(|name| (name.clone(), Vec::new())).collect()
}

fn open(open: &Open, number: usize, rules: &Rules) -> Result<Blob> {
    let mut blob = open(number)?;
    let start = read_start(&mut blob)?;
    let tar = Unpacked::new(Container::of(&start)?, Cursor::new(start).chain(blob), rules)?;
    Ok(Scanner::new(tar, rules))
}
