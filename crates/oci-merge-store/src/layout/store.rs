//! A layout as a [`Store`].

use super::Layout;
use crate::section::Section;
use crate::{Content, Error, ErrorKind, Result, Store, Verified};
use oci_merge_image::{Descriptor, Digest, shown};
use std::fs::File;
use std::io::{self, Read};

impl Store for Layout {
    fn name(&self) -> String {
        self.place().to_owned()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let named = self.index()?.find(reference);
        match (named, reference.parse::<Digest>()) {
            (Err(e), Ok(digest)) if e.kind() == ErrorKind::NotFound => self.describe(&digest),
            (named, _) => named,
        }
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        match self.open_blob(descriptor) {
            Ok(_) => Ok(true),
            // What cannot be this content is written anew.
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Mismatch) => Ok(false),
            Err(e) => Err(e),
        }
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        let file = self.open_blob(descriptor)?;
        Ok(Verified::new(descriptor, self.place(), Section::whole(file, self.place())))
    }

    fn content(&self, descriptor: &Descriptor) -> Option<Box<dyn Content + '_>> {
        let content = Blob { layout: self, descriptor: descriptor.clone() };
        matches!(self.blob(&descriptor.digest), Ok(Some(_)) | Err(_)).then(|| Box::new(content) as Box<dyn Content>)
    }

    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        let mut staged = self.stage_as(descriptor.digest.algorithm())?;
        let failed = |e| Error::carried_by(e).unwrap_or_else(|e| Error::disk(self.place(), "opening the content", e));
        let most = descriptor.size.saturating_add(1);
        let shared = match content.file().map_err(failed)? {
            Some(file) => staged.share(&file, most)?,
            None => false,
        };
        if !shared {
            staged.fill(&mut *content.open().map_err(failed)?, most)?;
        }
        staged.commit(descriptor)
    }

    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:@/+".contains(&b);
        if tag.is_empty() || tag.len() > 1024 || !tag.bytes().all(legal) {
            let text = format!("{} cannot be a reference name: letters, digits and -._:@/+ can", shown(tag));
            return Err(Error::new(ErrorKind::Policy, self.place(), text));
        }
        self.open_blob(descriptor)?;
        self.change_index(|index| index.set(tag, descriptor))
    }
}

/// A blob of a layout, opened anew for every reading.
struct Blob<'a> {
    layout: &'a Layout,
    descriptor: Descriptor,
}

impl Content for Blob<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        let file = self.layout.open_blob(&self.descriptor)?;
        Ok(Box::new(Section::whole(file, self.layout.place())))
    }

    fn file(&self) -> io::Result<Option<File>> {
        Ok(Some(self.layout.open_blob(&self.descriptor)?))
    }
}

/// A file that is open, wherever its name went.
pub(super) struct OpenFile<'a> {
    pub(super) file: &'a File,
    pub(super) place: &'a str,
}

impl Content for OpenFile<'_> {
    fn open(&self) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(Section::whole(self.file.try_clone()?, self.place)))
    }

    fn file(&self) -> io::Result<Option<File>> {
        self.file.try_clone().map(Some)
    }
}
