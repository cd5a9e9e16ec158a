//! Images in one file: the strict reader finds the members, the store reads them.

use crate::settings::Run;
use crate::{Error, Result};
use oci_merge_image::shown;
use oci_merge_layer::{Body, Container, Item, Rules, Scanner};
use oci_merge_store::archive::{ArchiveStore, Member, Members};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

/// Bytes that tell the form of an archive.
const FORM: u64 = 512;

/// Opens an OCI archive or a docker-archive. Nothing of it is unpacked.
pub(crate) fn open(name: &str, path: &Path, run: &Run) -> Result<ArchiveStore> {
    let unreadable = |e| Error::disk(path, "cannot be read", e);
    let missing = || Error::usage(format!("{name}: there is no such file"));
    let file = File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => missing(),
        _ => unreadable(e),
    })?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Error::usage(format!("{name}: expected a file")));
    }
    let mut start = Vec::new();
    (&file).take(FORM).read_to_end(&mut start).and_then(|_| (&file).rewind()).map_err(unreadable)?;
    // Members are read where they lie, in any order.
    if let Some(program) = Container::of(&start).ok().and_then(Container::unpacker) {
        return Err(Error::usage(format!(
            "{name}: it is compressed, and its members are read where they lie: {program} it"
        )));
    }
    let members = members(name, &file, run)?;
    ArchiveStore::open(file, shown(name).to_string(), members).map_err(|e| Error::store(name, e))
}

fn members(name: &str, file: &File, run: &Run) -> Result<Members> {
    let refused = |e| Error::Layer { layer: name.into(), source: e };
    let twice = |e| Error::store(name, e);
    // The offsets must be those of the content, so an archive that would have to be mended is refused.
    let mut scanner = Scanner::new(file, &Rules::kept(run.limits.clone()));
    let mut members = Members::new();
    let mut files = BTreeMap::new();
    while let Some(item) = scanner.next().map_err(refused)? {
        let Item::Entry(entry) = item else { continue };
        let member = match entry.body {
            Body::File { size } => Member::File { offset: scanner.content_offset(), size },
            Body::Symlink { target } => Member::Symlink(target),
            Body::HardLink { target } => match files.get(&target) {
                Some(member) => Member::clone(member),
                None => continue,
            },
            _ => continue,
        };
        files.insert(entry.path.clone(), member.clone());
        members.insert(entry.path, member).map_err(twice)?;
    }
    Ok(members)
}
