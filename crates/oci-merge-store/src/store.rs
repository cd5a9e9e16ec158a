//! The five verbs.

use crate::verified::Verified;
use crate::{Content, ErrorKind, Expected, Result};
use oci_merge_image::Descriptor;

/// A place that keeps content by digest and names some of it.
pub trait Store: Send + Sync {
    /// Where this is, for messages: `127.0.0.1:5000/babylon`, `oci:./image`.
    fn name(&self) -> String;

    /// The descriptor that a tag, or a digest in text, stands for. In a layout or an archive the empty text stands
    /// for the only image there.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is none.
    fn resolve(&self, reference: &str) -> Result<Descriptor>;

    /// Whether the content is here. `true` is a statement of the store, not a proof.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn exists(&self, descriptor: &Descriptor) -> Result<bool>;

    /// Opens content. The reader never hands out more than the descriptor's size, and its last read fails if the
    /// digest differs: no caller can forget to verify.
    ///
    /// # Errors
    /// The content is not here, or cannot be opened.
    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified>;

    /// Content that lies on this machine and can be opened again and again; `None` if it is not here, or must be
    /// [fetched](Store::fetch). Its bytes are not verified.
    fn content(&self, _descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        None
    }

    /// Puts content here. Idempotent; verified on the way. A manifest goes after what it names.
    ///
    /// # Errors
    /// The content cannot be read or written, or is not what the descriptor says. A store that refuses a manifest for
    /// want of a blob gives the reason [`MANIFEST_BLOB_UNKNOWN`](crate::MANIFEST_BLOB_UNKNOWN).
    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()>;

    /// Lets a tag stand for a manifest or index that is here.
    ///
    /// # Errors
    /// The content is not here, or the store takes no tags.
    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()>;

    /// Whether a manifest or index is here with all that it names, by the store's own word. `None`: the store says
    /// nothing of the kind, and each piece has to be asked for.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn holds(&self, _root: &Descriptor) -> Result<Option<bool>> {
        Ok(None)
    }

    /// Whether a tag stands for this manifest or index already. `false`: not, or not known.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn is_tagged(&self, _descriptor: &Descriptor, _tag: &str) -> Result<bool> {
        Ok(false)
    }

    /// Puts a manifest or index here under tags, each of which must stand for what is expected; says whether its bytes
    /// moved.
    ///
    /// # Errors
    /// Those of [`push`](Store::push) and [`tag`](Store::tag); [`ErrorKind::TagMoved`](crate::ErrorKind::TagMoved) if
    /// a tag is not what was expected, and it and those after it stay where they are.
    fn push_as(
        &self,
        descriptor: &Descriptor,
        content: &dyn Content,
        tags: &[String],
        expected: Option<&Expected>,
    ) -> Result<bool> {
        let is_new = !self.exists(descriptor)?;
        if is_new {
            self.push(descriptor, content)?;
        }
        for tag in tags {
            if let Some(expected) = expected {
                let now = match self.resolve(tag) {
                    Ok(now) => Some(now.digest),
                    Err(e) if e.kind() == ErrorKind::NotFound => None,
                    Err(e) => return Err(e),
                };
                if !expected.allows(&self.name(), tag, now.as_ref(), &descriptor.digest)? {
                    continue;
                }
            }
            self.tag(descriptor, tag)?;
        }
        Ok(is_new)
    }

    /// The manifests of an artifact type that are attached to a manifest: whose `subject` it is. A store that knows
    /// nothing of the kind has none.
    ///
    /// # Errors
    /// The store cannot be asked.
    fn referrers(&self, _subject: &Descriptor, _artifact_type: &str) -> Result<Vec<Descriptor>> {
        Ok(Vec::new())
    }

    /// Takes a blob over from another repository of the same registry without moving its bytes. `false`: not possible.
    ///
    /// # Errors
    /// The store cannot be asked at all; a refusal is `Ok(false)`.
    fn mount(&self, _descriptor: &Descriptor, _from: &str) -> Result<bool> {
        Ok(false)
    }
}
