//! What a client says went wrong, as an error of ours.

use crate::{Error, ErrorKind, MANIFEST_BLOB_UNKNOWN};
use oci_client::errors::{OciDistributionError as Theirs, OciErrorCode as Code};

/// The error of ours that one of theirs is; `what` was being done.
pub(super) fn error_of(place: &str, what: &str, theirs: Theirs) -> Error {
    let theirs = match Error::carried_by(theirs) {
        Ok(ours) => return ours,
        Err(theirs) => theirs,
    };
    let kind = kind(&theirs);
    let lacks_blobs = codes(&theirs).any(|code| *code == Code::ManifestBlobUnknown);
    let transient = matches!(&theirs, Theirs::ServerError { code, .. } if *code >= 500 || *code == 429)
        || matches!(&theirs, Theirs::RequestError(e) if !e.is_status());
    let error = Error::new(kind, place, format!("{what}: {theirs}"));
    let error = if lacks_blobs { error.because(MANIFEST_BLOB_UNKNOWN) } else { error };
    let error = if transient { error.retryable() } else { error };
    error.caused_by(theirs)
}

fn kind(theirs: &Theirs) -> ErrorKind {
    let status = match theirs {
        Theirs::ServerError { code, .. } => Some(*code),
        Theirs::RequestError(e) => e.status().map(|status| status.as_u16()),
        _ => None,
    };
    let of_code = |code: &Code| match code {
        Code::ManifestUnknown | Code::BlobUnknown | Code::NameUnknown | Code::NotFound => Some(ErrorKind::NotFound),
        Code::Unauthorized | Code::Denied => Some(ErrorKind::Denied),
        Code::DigestInvalid => Some(ErrorKind::Mismatch),
        _ => None,
    };
    match (theirs, status) {
        (Theirs::UnauthorizedError { .. } | Theirs::AuthenticationFailure(_), _) | (_, Some(401 | 403)) => {
            ErrorKind::Denied
        }
        (Theirs::ImageManifestNotFoundError(_), _) | (_, Some(404)) => ErrorKind::NotFound,
        (Theirs::DigestError(_), _) => ErrorKind::Mismatch,
        _ => codes(theirs).find_map(of_code).unwrap_or(ErrorKind::Network),
    }
}

fn codes(theirs: &Theirs) -> impl Iterator<Item = &Code> {
    let errors = match theirs {
        Theirs::RegistryError { envelope, .. } => &envelope.errors[..],
        _ => &[],
    };
    errors.iter().map(|error| &error.code)
}
