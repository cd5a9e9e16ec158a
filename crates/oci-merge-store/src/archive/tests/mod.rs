//! Archives are written and read, each against the `tar` crate.

mod read;
mod written;

use super::*;
use crate::copy::{CopyOptions, copy};
use crate::{Content, Error, ErrorKind, Layout, Memory, Store, Verified};
use oci_merge_image::{Descriptor, Digest, LayerPath, MediaType};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};

fn push(store: &dyn Store, media_type: MediaType, bytes: &[u8]) -> Descriptor {
    let descriptor = Descriptor::of(media_type, bytes);
    store.push(&descriptor, &bytes).unwrap();
    descriptor
}

/// The tar of a layer that holds one empty file.
fn layer(name: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(0);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, &[][..]).unwrap();
    tar.into_inner().unwrap()
}

fn config(diff_ids: &[Digest]) -> Vec<u8> {
    let rootfs = json!({ "type": "layers", "diff_ids": diff_ids });
    json!({ "architecture": "amd64", "os": "linux", "rootfs": rootfs, "config": { "Cmd": ["x"] } })
        .to_string()
        .into_bytes()
}

/// An image of plain layers, and its manifest as JSON.
fn image(store: &dyn Store, layers: &[&str]) -> (Descriptor, Value) {
    let tars: Vec<Vec<u8>> = layers.iter().map(|name| layer(name)).collect();
    let config = config(&tars.iter().map(|tar| Digest::of(tar)).collect::<Vec<_>>());
    let config = push(store, MediaType::ImageConfig, &config);
    let layers: Vec<Descriptor> = tars.iter().map(|tar| push(store, MediaType::ImageLayer, tar)).collect();
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": MediaType::ImageManifest, "config": config, "layers": layers });
    (push(store, MediaType::ImageManifest, manifest.to_string().as_bytes()), manifest)
}

fn written(images: &[(&[&str], &Descriptor)], from: &dyn Store) -> crate::Result<Vec<u8>> {
    let names: Vec<Vec<String>> =
        images.iter().map(|(names, _)| names.iter().map(|name| name.to_string()).collect()).collect();
    let images: Vec<Image<'_>> =
        names.iter().zip(images).map(|(names, (_, descriptor))| Image { names, descriptor }).collect();
    let mut out = Vec::new();
    write_archive(&images, from, &mut out).map(|()| out)
}

/// The members in their order, as the `tar` crate reads them.
fn unpacked(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut members = Vec::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let header = entry.header();
        assert_eq!((header.mtime().unwrap(), header.uid().unwrap(), header.gid().unwrap()), (0, 0, 0));
        members.push((entry.path().unwrap().to_str().unwrap().to_owned(), bytes));
    }
    members
}

fn json_of(members: &[(String, Vec<u8>)], name: &str) -> Value {
    serde_json::from_slice(&members.iter().find(|(path, _)| path == name).unwrap().1).unwrap()
}

fn path_of(digest: &Value) -> String {
    digest.as_str().unwrap().replace("sha256:", "blobs/sha256/")
}

/// The table that a scanner makes of an archive; here the `tar` crate is it.
fn members(archive: &[u8]) -> crate::Result<Members> {
    let mut members = Members::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let entry = entry.unwrap();
        let path = LayerPath::parse(&entry.path_bytes()).unwrap();
        let (offset, size) = (entry.raw_file_position(), entry.size());
        match entry.header().entry_type() {
            tar::EntryType::Directory => {}
            tar::EntryType::Symlink => {
                members.insert(path, Member::Symlink(entry.link_name_bytes().unwrap().to_vec()))?
            }
            _ => members.insert(path, Member::File { offset, size })?,
        }
    }
    Ok(members)
}

fn opened(archive: &[u8]) -> crate::Result<ArchiveStore> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(archive).unwrap();
    ArchiveStore::open(file, "the-archive", members(archive)?)
}

/// A tar of files and, where the content begins with `->`, symbolic links.
fn packed(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        match bytes.strip_prefix(b"-> ") {
            Some(target) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                header.set_link_name_literal(target).unwrap();
                header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                tar.append(&header, &[][..]).unwrap();
            }
            None => {
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, name, *bytes).unwrap();
            }
        }
    }
    tar.into_inner().unwrap()
}

/// A docker-archive of one image whose layers are these files.
fn saved(layers: &[&str], files: &[(&str, &[u8])], diff_ids: &[Digest]) -> Vec<u8> {
    let config = config(diff_ids);
    let config_name = format!("{}.json", Digest::of(&config).hex());
    let list = json!([{ "Config": config_name, "RepoTags": ["x:latest"], "Layers": layers }]).to_string();
    let mut members: Vec<(&str, &[u8])> = vec![(&config_name, &config)];
    members.extend(files);
    members.push(("manifest.json", list.as_bytes()));
    packed(&members)
}

fn reason(result: crate::Result<Descriptor>) -> &'static str {
    result.unwrap_err().reason().unwrap()
}
