//! Where entries go: into the tar, its compressor, the blob, and the index, with every byte digested on its way.

use super::watch::{Progress, Step, Watch};
use crate::compressor::{Blocks, Compressed, Compressor, Earlier, Pool};
use crate::facts::FactsReader;
use crate::writer::TarWriter;
use crate::{Body, Entry, Error, IndexBuilder, LayerIndex, Limits, Result, Rules};
use oci_merge_image::{Descriptor, DiffId, Digest, Form, MediaType};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

/// So much of a file is read at once.
const PIECE: usize = 256 << 10;

/// A layer that is being written.
pub(super) struct Output<'a, W: Write> {
    tar: TarWriter<Digested<Compressed<'a, Digested<W>>>>,
    index: IndexBuilder,
    facts: FactsReader,
    piece: Vec<u8>,
    limits: &'a Limits,
    watch: &'a Watch<'a>,
    compressor: Compressor,
    bytes: u64,
    entries: u64,
}

/// A layer that was written.
pub(super) struct Written<W> {
    pub(super) descriptor: Descriptor,
    pub(super) index: LayerIndex,
    /// Where its blob is.
    pub(super) blob: W,
    pub(super) blocks: Blocks,
}

impl<'a, W: Write> Output<'a, W> {
    /// Begins a layer.
    pub(super) fn new(
        pool: &'a Pool,
        compressor: Compressor,
        limits: &'a Limits,
        watch: &'a Watch<'a>,
        earlier: Option<Earlier>,
        blob: W,
    ) -> Result<Output<'a, W>> {
        let compressed = Compressed::new(pool, compressor, earlier, Digested::new(blob)).map_err(unwritten)?;
        Ok(Output {
            tar: TarWriter::new(Digested::new(compressed)),
            index: IndexBuilder::new(&Rules::kept(limits.clone())),
            facts: FactsReader::default(),
            piece: vec![0; PIECE],
            limits,
            watch,
            compressor,
            bytes: 0,
            entries: 0,
        })
    }

    /// Writes an entry that is not a file.
    pub(super) fn put(&mut self, entry: &Entry) -> Result<()> {
        self.begin(entry)?;
        self.index.push(entry, None, None)
    }

    /// Writes a file and all of its content. `start` is shown the first bytes of that.
    pub(super) fn put_file(
        &mut self,
        entry: &Entry,
        mut content: impl FnMut(&mut [u8]) -> Result<usize>,
        start: impl FnOnce(&[u8]),
    ) -> Result<()> {
        self.begin(entry)?;
        let Body::File { size } = entry.body else { return self.index.push(entry, None, None) };
        let mut digest = Sha256::new();
        self.facts.begin(&entry.path, size);
        let mut start = Some(start);
        loop {
            // One call more than seems needed: it is the one in which a source tells that the file has changed.
            let length = content(&mut self.piece)?;
            let bytes = self.piece.get(..length).unwrap_or_default();
            if let Some(start) = start.take() {
                start(bytes);
            }
            if bytes.is_empty() {
                break;
            }
            digest.update(bytes);
            self.facts.feed(bytes);
            self.tar.content(bytes)?;
            self.bytes += length as u64;
            self.watch.tell(self.progress())?;
        }
        self.index.push(entry, Some(digest.finalize().into()), self.facts.finish())
    }

    /// Ends the layer.
    pub(super) fn finish(self) -> Result<Written<W>> {
        let (compressed, diff_id, size) = self.tar.finish()?.into_parts();
        if size > self.limits.layer_bytes {
            return Err(too_large(self.limits));
        }
        let (blob, blocks) = compressed.finish().map_err(unwritten)?;
        let (blob, digest, size) = blob.into_parts();
        let index = self.index.finish(digest.clone(), DiffId(diff_id))?;
        let media_type = Form::Layer(self.compressor.compression()).media_type();
        let descriptor = Descriptor::new(media_type.unwrap_or(MediaType::ImageLayerGzip), digest, size);
        Ok(Written { descriptor, index, blob, blocks })
    }

    fn begin(&mut self, entry: &Entry) -> Result<()> {
        self.entries += 1;
        let size = if let Body::File { size } = entry.body { size } else { 0 };
        self.check_limits(entry, size)?;
        self.watch.tell(self.progress())?;
        self.tar.output().inner.entry(entry.path.as_bytes(), size).map_err(unwritten)?;
        self.tar.begin(entry)
    }

    fn progress(&self) -> Progress {
        Progress { step: Step::Pack, bytes: self.bytes, entries: self.entries }
    }

    /// What is larger than we would read is not written either.
    fn check_limits(&self, entry: &Entry, size: u64) -> Result<()> {
        let limit = |reason, text: String| Err(Error::refused(reason, text).at(&entry.path));
        let limits = self.limits;
        if self.entries > limits.entries {
            return limit(
                "LIMIT_ENTRIES",
                format!("the layer has more than {} entries (limit entries)", limits.entries),
            );
        }
        if self.tar.written().saturating_add(size) > limits.layer_bytes {
            return Err(too_large(limits).at(&entry.path));
        }
        if entry.xattrs.len() as u64 > limits.xattrs {
            return limit(
                "LIMIT_XATTRS",
                format!("has more than {} extended attributes (limit xattrs)", limits.xattrs),
            );
        }
        Ok(())
    }
}

fn too_large(limits: &Limits) -> Error {
    let text = format!("the tar of the layer is larger than {} bytes (limit layer-bytes)", limits.layer_bytes);
    Error::refused("LIMIT_LAYER_BYTES", text)
}

fn unwritten(error: io::Error) -> Error {
    Error::io("the layer cannot be written", error)
}

/// A writer that digests what goes through it.
struct Digested<W> {
    inner: W,
    digest: Sha256,
    size: u64,
}

impl<W> Digested<W> {
    fn new(inner: W) -> Digested<W> {
        Digested { inner, digest: Sha256::new(), size: 0 }
    }

    fn into_parts(self) -> (W, Digest, u64) {
        (self.inner, Digest::from_sha256(self.digest.finalize().into()), self.size)
    }
}

impl<W: Write> Write for Digested<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or(bytes));
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
