//! Blobs of other repositories, taken over (distribution-spec, Mounting a blob from another repository).

use super::Registry;
use super::scope::Scope;
use super::session::post;
use crate::network::Attempts;
use crate::{ErrorKind, Result};
use oci_merge_image::{Descriptor, shown};

impl Registry {
    /// Asks for a blob of another repository. A session that is offered instead is kept for the upload that follows.
    pub(super) fn mount_blob(&self, descriptor: &Descriptor, from: &str) -> Result<bool> {
        let url = self.url("blobs/uploads/")?.with("mount", &descriptor.digest.to_string()).with("from", from);
        // Docker Hub wants to see the right to read the source in the same token.
        let scope = Scope::push(&self.repository).and(&Scope::pull(from));
        let mut attempts = Attempts::new(&self.network, format!("mounting {} from {}", descriptor.digest, shown(from)));
        loop {
            let missed = match self.attempt(&post(url.clone()), &scope, &attempts) {
                Ok(response) if response.status == 201 => {
                    response.discard();
                    self.close_kept_sessions(&descriptor.digest);
                    return Ok(true);
                }
                Ok(response) => {
                    if let Ok(session) = self.session_of(response, &attempts) {
                        self.keep_session(&descriptor.digest, session);
                    }
                    return Ok(false);
                }
                Err(missed) => missed,
            };
            match missed.said.as_ref().map(|said| said.status) {
                Some(408 | 429) | None if missed.is_transient() => missed.wait(&mut attempts)?,
                // Whatever it said: an ordinary upload will show whether it means it.
                Some(_) => return Ok(false),
                None if missed.error.kind() == ErrorKind::Denied => return Ok(false),
                None => return Err(missed.error),
            }
        }
    }
}
