//! A layout or an archive as a registry on this machine: for engines that want one, and for trying a push.

use crate::settings::Run;
use crate::spec::BaseSource;
use crate::{Error, Result, Settings, archive};
use oci_merge_store::ErrorKind as StoreKind;
use oci_merge_store::server::{Options, Server, Storage};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// Serves every image of an OCI layout, or of an archive of one, on 127.0.0.1; port 0 is any free one.
///
/// The registry ends when what is returned is dropped. `writable` lets it take pushes, which only a directory can; one
/// that is not there is made.
///
/// # Errors
/// It is no layout and no archive of one, or the port is taken.
pub fn serve(source: &BaseSource, directory: &Path, writable: bool, port: u16, settings: &Settings) -> Result<Server> {
    let name = source.to_string();
    let storage = match source {
        BaseSource::Layout { directory: layout, tag: None } => Storage::Directory(directory.join(layout)),
        BaseSource::OciArchive(file) => {
            let run = Run::new(settings.clone());
            Storage::Archive(Arc::new(archive::open(&name, &directory.join(file), &run)?))
        }
        BaseSource::Layout { tag: Some(_), .. } => {
            return Err(Error::usage(format!("{name}: all images of a layout are served; leave the tag out")));
        }
        _ => return Err(Error::usage(format!("{name}: only an OCI layout or an archive of one can be served"))),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Server::start(Options { address, storage, writable, ..Options::default() }).map_err(|e| match e.kind() {
        StoreKind::Network => Error::usage(format!("{e}; --port N takes another port, --port 0 any free one")),
        StoreKind::Policy => Error::usage(e.to_string()),
        _ => Error::store(&name, e),
    })
}
