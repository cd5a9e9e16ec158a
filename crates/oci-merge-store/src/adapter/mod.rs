//! A repository that is reached through a [`Client`] of `oci-client`, for embedders who hold one already.
//!
//! What comes is verified here, and every call is blocking. How the network is used is the client's affair: it does not
//! try again, does not go on where a connection broke, and reads manifests without a limit. Where there is a choice,
//! [`Registry`](crate::registry::Registry) is the better one.
//!
//! ```no_run
//! use oci_client::{Client, client::ClientConfig, secrets::RegistryAuth};
//! use oci_merge_store::{Store, adapter::ClientStore};
//! let client = Client::new(ClientConfig::default());
//! let store = ClientStore::new(client, &"ghcr.io/jon/babylon".parse()?, RegistryAuth::Anonymous)?;
//! println!("{}", store.resolve("full")?.digest);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod failure;
mod incoming;
mod outgoing;
mod worker;

use crate::digester::Digester;
use crate::sniff::document_type;
use crate::verified::Checked;
use crate::{Content, Error, ErrorKind, Result, Store, Verified};
use failure::error_of;
use incoming::Incoming;
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference as TheirReference};
use oci_merge_image::{Descriptor, Digest, Form, MAX_DOCUMENT_BYTES, MediaType, Reference};
use std::io::{Cursor, Read};
use worker::Worker;

/// What may be answered to a request for a manifest.
const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// A repository, and the client that it is reached through.
pub struct ClientStore {
    client: Client,
    auth: RegistryAuth,
    reference: Reference,
    worker: Worker,
}

impl ClientStore {
    /// The repository of a reference; its tag and digest are of no account. Nothing is sent yet.
    ///
    /// The client's requests are made on a thread of this store's own, so that a call may come from anywhere, also from
    /// inside an async runtime, whose thread then waits; in `spawn_blocking` it does no harm.
    ///
    /// # Errors
    /// The thread cannot be made.
    pub fn new(client: Client, reference: &Reference, auth: RegistryAuth) -> Result<ClientStore> {
        let worker = Worker::start()
            .map_err(|e| Error::disk(reference.name(), "a thread for its requests cannot be made", e))?;
        Ok(ClientStore { client, auth, reference: reference.clone(), worker })
    }

    /// Lets the client do something, as somebody who is logged in.
    fn ask<T, F>(&self, what: &str, deed: impl FnOnce(Client) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = std::result::Result<T, OciDistributionError>> + Send + 'static,
    {
        let (client, auth, place) = (self.client.clone(), self.auth.clone(), self.reference.name());
        let registry = self.at("latest").resolve_registry().to_owned();
        let deed = deed(client.clone());
        let done = self.worker.run(async move {
            client.store_auth_if_needed(&registry, &auth).await;
            deed.await
        });
        match done {
            Some(Ok(value)) => Ok(value),
            Some(Err(e)) => Err(error_of(&place, what, e)),
            None => Err(Error::new(ErrorKind::Network, place, format!("{what}: the client panicked"))),
        }
    }

    /// The repository with a tag or a digest, as the client names it.
    fn at(&self, reference: &str) -> TheirReference {
        let (registry, repository) = (self.reference.registry().to_owned(), self.reference.repository().to_owned());
        match reference.contains(':') {
            true => TheirReference::with_digest(registry, repository, reference.to_owned()),
            false => TheirReference::with_tag(registry, repository, reference.to_owned()),
        }
    }

    /// The bytes of a manifest, and the digest under which the client found them.
    fn manifest(&self, reference: &str) -> Result<(Vec<u8>, Digest)> {
        let (image, auth) = (self.at(reference), self.auth.clone());
        let what = format!("reading manifest {reference}");
        let (bytes, digest) =
            self.ask(&what, |client| async move { client.pull_manifest_raw(&image, &auth, &ACCEPTED).await })?;
        let digest: Digest = digest.parse().map_err(|e| Error::document(&self.name(), &what, e))?;
        if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
            return Err(Error::too_long(&self.name(), &digest, bytes.len() as u64, MAX_DOCUMENT_BYTES));
        }
        Ok((bytes.to_vec(), digest))
    }

    fn put_manifest(&self, media_type: &MediaType, bytes: Vec<u8>, reference: &str) -> Result<()> {
        let what = format!("putting manifest {reference}");
        let image = self.at(reference);
        let media_type = media_type.to_string().parse();
        let media_type = media_type
            .map_err(|_| Error::new(ErrorKind::Document, self.name(), "a media type that no header holds"))?;
        self.ask(&what, |client| async move { client.push_manifest_raw(&image, bytes, media_type).await }).map(drop)
    }
}

fn is_manifest(descriptor: &Descriptor) -> bool {
    matches!(Form::of(&descriptor.media_type), Form::Manifest | Form::Index)
}

impl Store for ClientStore {
    fn name(&self) -> String {
        self.reference.name()
    }

    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let (bytes, said) = self.manifest(reference)?;
        let expected = reference.parse().unwrap_or(said);
        let mut digester = Digester::new(expected.algorithm());
        digester.update(&bytes);
        let found = digester.finish();
        if found != expected {
            return Err(Error::mismatch(&self.name(), &expected, &found));
        }
        Ok(Descriptor::new(document_type(&self.name(), &bytes)?, expected, bytes.len() as u64))
    }

    fn exists(&self, descriptor: &Descriptor) -> Result<bool> {
        let what = format!("looking for {}", descriptor.digest);
        let (image, auth, digest) =
            (self.at(&descriptor.digest.to_string()), self.auth.clone(), descriptor.digest.to_string());
        let is_manifest = is_manifest(descriptor);
        let found = self.ask(&what, |client| async move {
            match is_manifest {
                true => client.fetch_manifest_digest(&image, &auth).await.map(|_| true),
                false => client.blob_exists(&image, &digest).await,
            }
        });
        match found {
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(false),
            found => found,
        }
    }

    fn fetch(&self, descriptor: &Descriptor) -> Result<Verified> {
        let digest = descriptor.digest.to_string();
        if is_manifest(descriptor) {
            let (bytes, _) = self.manifest(&digest)?;
            return Ok(Verified::new(descriptor, self.name(), Cursor::new(bytes)));
        }
        let (image, wanted) = (self.at(&digest), digest.clone());
        let stream = self.ask(&format!("reading blob {digest}"), |client| async move {
            client.pull_blob_stream(&image, wanted.as_str()).await
        })?;
        Ok(Verified::new(descriptor, self.name(), Incoming::new(self.worker.clone(), stream.stream)))
    }

    fn push(&self, descriptor: &Descriptor, content: &dyn Content) -> Result<()> {
        let unreadable = |e| Error::disk(self.name(), "the content to be sent cannot be opened", e);
        let mut checked = Checked::new(descriptor, self.name(), content.open().map_err(unreadable)?);
        if is_manifest(descriptor) {
            if descriptor.size > MAX_DOCUMENT_BYTES {
                return Err(Error::too_long(&self.name(), &descriptor.digest, descriptor.size, MAX_DOCUMENT_BYTES));
            }
            let mut bytes = Vec::new();
            checked.read_to_end(&mut bytes).map_err(|e| Error::read(&self.name(), e))?;
            return self.put_manifest(&descriptor.media_type, bytes, &descriptor.digest.to_string());
        }
        outgoing::send(self, descriptor, checked)
    }

    fn tag(&self, descriptor: &Descriptor, tag: &str) -> Result<()> {
        let refuse = |e: oci_merge_image::Error| Error::new(ErrorKind::Policy, self.name(), e.to_string());
        self.reference.with_tag(tag).map_err(refuse)?;
        let bytes = self.fetch(descriptor)?.read_document(MAX_DOCUMENT_BYTES)?;
        self.put_manifest(&descriptor.media_type, bytes, tag)
    }

    fn mount(&self, descriptor: &Descriptor, from: &str) -> Result<bool> {
        let digest = descriptor.digest.to_string();
        let registry = self.reference.registry().to_owned();
        let (image, source) =
            (self.at(&digest), TheirReference::with_tag(registry, from.to_owned(), "latest".to_owned()));
        // The client takes every answer but "mounted" for an error, also the one that offers an upload instead.
        let mounted =
            self.ask("mounting a blob", |client| async move { client.mount_blob(&image, &source, &digest).await });
        Ok(mounted.is_ok())
    }
}

impl std::fmt::Debug for ClientStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ClientStore").field(&self.reference.name()).finish()
    }
}
