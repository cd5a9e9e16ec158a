//! What there is to copy: the documents below a root, and the blobs below those.

use super::children;
use crate::{Error, ErrorKind, Result, Store};
use oci_merge_image::{Descriptor, Digest, Form, MAX_DOCUMENT_BYTES, shown};
use std::collections::{BTreeMap, BTreeSet};

/// The most bytes that the documents of one image and all its platforms have together; they are held in memory.
const MAX_DOCUMENTS_BYTES: u64 = 4 * MAX_DOCUMENT_BYTES;

/// Everything that an image consists of, each digest once.
pub(crate) struct Plan {
    /// Configs and layers, in the order of the documents.
    pub(crate) blobs: Vec<Descriptor>,
    /// Manifests before the index that names them; the root is last.
    pub(crate) documents: Vec<Planned>,
}

/// A document and which of the blobs it names.
pub(crate) struct Planned {
    pub(crate) descriptor: Descriptor,
    pub(crate) bytes: Vec<u8>,
    pub(crate) blobs: Vec<usize>,
}

impl Plan {
    /// Reads the documents below a root.
    pub(crate) fn of(from: &dyn Store, root: &Descriptor, allow_nondistributable: bool) -> Result<Plan> {
        let mut gathering = Gathering {
            from,
            place: from.name(),
            allow_nondistributable,
            known: BTreeMap::new(),
            seen: BTreeSet::new(),
            bytes: 0,
            plan: Plan { blobs: Vec::new(), documents: Vec::new() },
        };
        gathering.document(root, true)?;
        Ok(gathering.plan)
    }
}

struct Gathering<'a> {
    from: &'a dyn Store,
    place: String,
    allow_nondistributable: bool,
    known: BTreeMap<Digest, usize>,
    seen: BTreeSet<Digest>,
    bytes: u64,
    plan: Plan,
}

impl Gathering<'_> {
    fn document(&mut self, descriptor: &Descriptor, is_root: bool) -> Result<()> {
        let form = Form::of(&descriptor.media_type);
        if form == Form::Index && !is_root {
            return Err(self.refuse(descriptor, "INDEX_DEPTH", "an index in an index is not followed".into()));
        }
        if !matches!(form, Form::Manifest | Form::Index) {
            let found = shown(descriptor.media_type.as_ref());
            let text = format!("expected a manifest or an index, found {found}");
            return Err(self.refuse(descriptor, "MANIFEST_TYPE", text));
        }
        if !self.seen.insert(descriptor.digest.clone()) {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(descriptor.size);
        if self.bytes > MAX_DOCUMENTS_BYTES {
            let text = format!("the documents have more than {MAX_DOCUMENTS_BYTES} bytes together");
            return Err(self.refuse(descriptor, "LIMIT_DOCUMENT_BYTES", text));
        }
        let bytes = self.from.fetch(descriptor).and_then(|content| content.read_document(MAX_DOCUMENT_BYTES));
        let bytes = bytes.map_err(|e| e.about(&descriptor.digest))?;
        let children = children(&self.place, &descriptor.media_type, &bytes);
        let mut blobs = Vec::new();
        for child in children.map_err(|e| e.about(&descriptor.digest))? {
            match form {
                Form::Index => self.document(&child, false)?,
                _ => blobs.push(self.blob(child)?),
            }
        }
        self.plan.documents.push(Planned { descriptor: descriptor.clone(), bytes, blobs });
        Ok(())
    }

    /// The place of a blob in the plan.
    fn blob(&mut self, descriptor: Descriptor) -> Result<usize> {
        if matches!(Form::of(&descriptor.media_type), Form::Foreign(_)) && !self.allow_nondistributable {
            let text = "a non-distributable layer is neither fetched nor sent".into();
            return Err(self.refuse(&descriptor, "FOREIGN_LAYER", text));
        }
        if let Some(place) = self.known.get(&descriptor.digest) {
            let sizes = self.plan.blobs.get(*place).map(|known| (known.size, descriptor.size));
            return match sizes {
                Some((one, other)) if one != other => {
                    let text = format!("one descriptor says {one} bytes, another {other}");
                    Err(self.refuse(&descriptor, "DESCRIPTOR_SIZE", text))
                }
                _ => Ok(*place),
            };
        }
        let place = self.plan.blobs.len();
        self.known.insert(descriptor.digest.clone(), place);
        self.plan.blobs.push(descriptor);
        Ok(place)
    }

    fn refuse(&self, descriptor: &Descriptor, reason: &'static str, text: String) -> Error {
        let kind = if reason == "FOREIGN_LAYER" { ErrorKind::Policy } else { ErrorKind::Document };
        let text = format!("{}: {text}", descriptor.digest);
        Error::new(kind, &*self.place, text).because(reason).about(&descriptor.digest)
    }
}
