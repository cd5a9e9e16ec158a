//! Writing one archive that every engine loads.

use super::MANIFEST;
use crate::copy::{Plan, Planned, children};
use crate::layout::{CONTAINERD_NAME, IndexFile, REF_NAME, marker, nameless};
use crate::pour::{Spilt, pour};
use crate::{Error, ErrorKind, Result, Store};
use oci_merge_image::{Descriptor, Form, Reference, to_canonical};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// An image to be put into an archive.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    /// Its names: references, each of which may be short as for `docker tag`; none of them pinned to a digest.
    pub names: &'a [String],
    /// Its manifest, or an index.
    pub descriptor: &'a Descriptor,
}

/// Writes images as one tar archive, streaming: to a file, to the standard output, into `docker load`.
///
/// It is an OCI layout and a docker archive at once, every blob once in it. The same images give the same bytes: members
/// are sorted and bear no time. In the layout an image's reference name is its tag, or the whole reference where two
/// images have one tag; its full name is there for containerd.
///
/// Docker's classic store knows no indexes, so `manifest.json` lists an index only if it is of one image; and it knows
/// no zstd: such layers load into containerd's store and podman only.
///
/// # Errors
/// Content cannot be read or is not what it should be; a name is no reference; or the archive cannot be written. It is
/// then incomplete, and whoever reads it finds that out.
pub fn write_archive(images: &[Image<'_>], from: &dyn Store, out: &mut dyn Write) -> Result<()> {
    let mut contents = Contents { members: BTreeMap::new(), index: Vec::new(), docker: Vec::new() };
    for (image, names) in images.iter().zip(names_of(images)?) {
        contents.add(image.descriptor, &names, from)?;
    }
    contents.write(from, out)
}

/// What a member of the archive consists of.
enum Body {
    Directory,
    Document(Vec<u8>),
    Blob(Box<Descriptor>),
}

struct Contents {
    /// By path, so in order.
    members: BTreeMap<String, Body>,
    index: Vec<Value>,
    docker: Vec<Value>,
}

impl Contents {
    fn add(&mut self, root: &Descriptor, names: &[Name], from: &dyn Store) -> Result<()> {
        let plan = Plan::of(from, root, false)?;
        let mut manifests = Vec::new();
        for Planned { descriptor, bytes, .. } in plan.documents {
            if Form::of(&descriptor.media_type) == Form::Manifest {
                let children = children(&from.name(), &descriptor.media_type, &bytes)?;
                manifests.push((descriptor.clone(), children));
            }
            self.members.insert(blob_path(&descriptor), Body::Document(bytes));
        }
        for blob in plan.blobs {
            self.members.entry(blob_path(&blob)).or_insert(Body::Blob(Box::new(blob)));
        }
        let mut entry = nameless(root);
        for Name { short, full } in names {
            entry.annotations.insert(CONTAINERD_NAME.into(), full.clone());
            entry.annotations.insert(REF_NAME.into(), short.clone());
            self.index.push(json!(entry));
        }
        if names.is_empty() {
            self.index.push(json!(entry));
        }
        // Attestations lie beside an image in an index, with a platform that no machine has.
        let is_image = |d: &Descriptor| d.platform.as_ref().is_none_or(|p| p.os != "unknown");
        let images = manifests.iter().filter(|(descriptor, _)| is_image(descriptor)).collect::<Vec<_>>();
        if let [(_, children)] = images[..]
            && let Some((config, layers)) = children.split_first()
        {
            let layers: Vec<String> = layers.iter().map(blob_path).collect();
            let full: Vec<&String> = names.iter().map(|name| &name.full).collect();
            self.docker.push(json!({ "Config": blob_path(config), "RepoTags": full, "Layers": layers }));
        }
        Ok(())
    }

    fn write(mut self, from: &dyn Store, out: &mut dyn Write) -> Result<()> {
        let index = IndexFile::bytes_of(std::mem::take(&mut self.index));
        self.members.insert("index.json".into(), Body::Document(index));
        self.members.insert("oci-layout".into(), Body::Document(marker()));
        if !self.docker.is_empty() {
            let list = to_canonical(&Value::Array(std::mem::take(&mut self.docker)));
            self.members.insert(MANIFEST.into(), Body::Document(list));
        }
        let directories: Vec<String> = self
            .members
            .keys()
            .filter_map(|path| path.rsplit_once('/'))
            .map(|(parent, _)| format!("{parent}/"))
            .collect();
        self.members.insert("blobs/".into(), Body::Directory);
        self.members.extend(directories.into_iter().map(|directory| (directory, Body::Directory)));

        for (path, body) in &self.members {
            match body {
                Body::Directory => header(out, path, 0, tar::EntryType::Directory)?,
                Body::Document(bytes) => {
                    header(out, path, bytes.len() as u64, tar::EntryType::Regular)?;
                    put(out, bytes)?;
                    pad(out, bytes.len() as u64)?;
                }
                Body::Blob(blob) => {
                    let mut content = from.fetch(blob)?;
                    header(out, path, blob.size, tar::EntryType::Regular)?;
                    match pour(&mut content, out) {
                        Ok(_) => pad(out, blob.size)?,
                        Err(Spilt::Reading(e)) => return Err(Error::read(&from.name(), e).about(&blob.digest)),
                        Err(Spilt::Writing(e)) => return Err(unwritten(e)),
                    }
                }
            }
        }
        put(out, &[0; 1024])?;
        out.flush().map_err(unwritten)
    }
}

/// The names of an image: its reference name in the layout, and in full.
struct Name {
    short: String,
    full: String,
}

/// Reads the names of all images; each tag must be told apart from those of the others.
fn names_of(images: &[Image<'_>]) -> Result<Vec<Vec<Name>>> {
    let refuse = |text: String| Error::new(ErrorKind::Policy, "the archive", text);
    let mut all: BTreeMap<String, (Reference, &Descriptor)> = BTreeMap::new();
    let mut lists = Vec::new();
    for image in images {
        let mut list = Vec::new();
        for name in image.names {
            let reference: Reference = name.parse().map_err(|e: oci_merge_image::Error| refuse(e.to_string()))?;
            if reference.digest().is_some() {
                return Err(refuse(format!("{reference} cannot be a name: a digest is not given, it follows")));
            }
            let full = reference.to_string();
            match all.get(&full) {
                Some((_, other)) if other.digest != image.descriptor.digest => {
                    return Err(refuse(format!("{full} cannot be the name of two images")));
                }
                Some(_) => continue, // twice for one image
                None => all.insert(full, (reference.clone(), image.descriptor)),
            };
            list.push(reference);
        }
        lists.push(list);
    }
    let name = |reference: Reference| {
        let alike = all.values().filter(|(other, _)| other.tag() == reference.tag()).count();
        let full = reference.to_string();
        let short = reference.tag().filter(|_| alike == 1).map_or(full.clone(), str::to_owned);
        Name { short, full }
    };
    Ok(lists.into_iter().map(|list| list.into_iter().map(name).collect()).collect())
}

fn blob_path(descriptor: &Descriptor) -> String {
    format!("blobs/{}/{}", descriptor.digest.algorithm().name(), descriptor.digest.hex())
}

/// The header of a member; GNU's format, for a layer may have more than the 8 GiB that ustar can say.
fn header(out: &mut dyn Write, path: &str, size: u64, kind: tar::EntryType) -> Result<()> {
    let mut header = tar::Header::new_gnu();
    if header.set_path(path).is_err() {
        // A sha512 is longer than the field: the name goes before it, as content.
        let name = [path.as_bytes(), b"\0"].concat();
        let mut long = tar::Header::new_gnu();
        let _ = long.set_path("././@LongLink"); // GNU's word, which fits
        finish(out, long, name.len() as u64, tar::EntryType::GNULongName)?;
        put(out, &name)?;
        pad(out, name.len() as u64)?;
        let cut = path.get(..99).unwrap_or(path);
        let _ = header.set_path(cut); // readers take the name above
    }
    finish(out, header, size, kind)
}

fn finish(out: &mut dyn Write, mut header: tar::Header, size: u64, kind: tar::EntryType) -> Result<()> {
    header.set_entry_type(kind);
    header.set_mode(if kind == tar::EntryType::Directory { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    put(out, header.as_bytes())
}

/// Zeros up to a whole block.
fn pad(out: &mut dyn Write, size: u64) -> Result<()> {
    let rest = usize::try_from(size % 512).unwrap_or_default();
    put(out, [0; 512].get(rest..).filter(|_| rest != 0).unwrap_or_default())
}

fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    out.write_all(bytes).map_err(unwritten)
}

fn unwritten(source: std::io::Error) -> Error {
    Error::carried_by(source).unwrap_or_else(|e| Error::disk("the archive", "writing", e))
}
