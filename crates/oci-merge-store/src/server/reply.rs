//! What is answered, and how it goes over the wire.

use super::connection::Ending;
use crate::ErrorKind;
use oci_merge_image::Digest;
use serde_json::{Value, json};
use std::io::{self, Read, Write};

/// The answer to one request.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) length: Length,
    pub(super) body: Box<dyn Read + Send>,
    /// Whether this server says that it will close the connection after it.
    pub(super) close: bool,
    /// How the connection ends after it, whatever was said.
    pub(super) ending: Option<Ending>,
}

/// How the end of an answer's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Known(u64),
    #[cfg(feature = "faults")]
    Chunked,
    #[cfg(feature = "faults")]
    UntilClose,
}

/// Why a request has no ordinary answer.
pub(super) enum Halt {
    /// It is refused with this.
    Refused(Box<Reply>),
    /// The connection ends without one.
    Cut(Ending),
}

impl From<io::Error> for Halt {
    fn from(_: io::Error) -> Halt {
        Halt::Cut(Ending::Close)
    }
}

impl From<Reply> for Halt {
    fn from(reply: Reply) -> Halt {
        Halt::Refused(Box::new(reply))
    }
}

impl From<crate::Error> for Halt {
    fn from(error: crate::Error) -> Halt {
        let code = match error.kind() {
            ErrorKind::Mismatch => Code::DigestInvalid,
            ErrorKind::Policy => Code::Unsupported,
            _ => Code::Unknown,
        };
        code.reply(error.to_string()).into()
    }
}

/// The error codes of distribution-spec 1.1 (Error Codes) that this server uses, each with its status.
#[derive(Debug, Clone, Copy)]
pub(super) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    Denied,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    TooManyRequests,
    Unauthorized,
    Unknown,
    Unsupported,
}

impl Code {
    /// An answer with this code's status, and the code and a message in its body.
    pub(super) fn reply(self, message: impl Into<String>) -> Reply {
        let (status, code) = match self {
            Code::BlobUnknown => (404, "BLOB_UNKNOWN"),
            Code::BlobUploadInvalid => (400, "BLOB_UPLOAD_INVALID"),
            Code::BlobUploadUnknown => (404, "BLOB_UPLOAD_UNKNOWN"),
            Code::Denied => (412, "DENIED"),
            Code::DigestInvalid => (400, "DIGEST_INVALID"),
            Code::ManifestBlobUnknown => (404, "MANIFEST_BLOB_UNKNOWN"),
            Code::ManifestInvalid => (400, "MANIFEST_INVALID"),
            Code::ManifestUnknown => (404, "MANIFEST_UNKNOWN"),
            Code::NameInvalid => (400, "NAME_INVALID"),
            Code::NameUnknown => (404, "NAME_UNKNOWN"),
            Code::SizeInvalid => (413, "SIZE_INVALID"),
            Code::TooManyRequests => (429, "TOOMANYREQUESTS"),
            Code::Unauthorized => (401, "UNAUTHORIZED"),
            Code::Unknown => (500, "UNKNOWN"),
            Code::Unsupported => (405, "UNSUPPORTED"),
        };
        Reply::json(status, &json!({ "errors": [{ "code": code, "message": message.into() }] }))
    }
}

impl Reply {
    /// An answer without a body.
    pub(super) fn new(status: u16) -> Reply {
        Reply::stream(status, 0, io::empty())
    }

    /// An answer whose body is a JSON document.
    pub(super) fn json(status: u16, value: &Value) -> Reply {
        Reply::bytes(status, "application/json", value.to_string().into_bytes())
    }

    /// An answer with a body in memory.
    pub(super) fn bytes(status: u16, media_type: &str, bytes: Vec<u8>) -> Reply {
        Reply::stream(status, bytes.len() as u64, io::Cursor::new(bytes)).with("Content-Type", media_type)
    }

    /// An answer whose body has `length` bytes of a reader.
    pub(super) fn stream(status: u16, length: u64, body: impl Read + Send + 'static) -> Reply {
        let fields = vec![("Docker-Distribution-Api-Version", "registry/2.0".to_owned())];
        Reply { status, fields, length: Length::Known(length), body: Box::new(body), close: false, ending: None }
    }

    /// The same with one more field, or another value of it.
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.fields.retain(|(n, _)| *n != name);
        self.fields.push((name, value.into()));
        self
    }

    /// The same with another status.
    pub(super) fn status(self, status: u16) -> Reply {
        Reply { status, ..self }
    }

    /// The same for content that is named by its digest.
    pub(super) fn of(self, digest: &Digest) -> Reply {
        self.with("Docker-Content-Digest", digest.to_string())
    }

    /// Writes the answer; `sent` hears of every piece of the body before it goes out. True if all of it went out as
    /// announced, so that another answer may follow.
    pub(super) fn write(mut self, to: &mut impl Write, head_only: bool, sent: impl Fn(u64)) -> io::Result<bool> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        match self.length {
            // RFC 9110 section 8.6: none in a 204.
            Length::Known(_) if self.status == 204 => {}
            Length::Known(length) => head.push_str(&format!("Content-Length: {length}\r\n")),
            #[cfg(feature = "faults")]
            Length::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            #[cfg(feature = "faults")]
            Length::UntilClose => self.close = true,
        }
        if self.close {
            head.push_str("Connection: close\r\n");
        }
        for (name, value) in &self.fields {
            // What came from outside cannot start a field of its own.
            let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut pending = head.into_bytes();
        let mut total = 0;
        if !head_only {
            let mut piece = vec![0; 64 << 10];
            loop {
                // The first piece goes out together with the head.
                let count = self.body.read(&mut piece)?;
                if count == 0 {
                    break;
                }
                let bytes = piece.get(..count).unwrap_or_default();
                total += count as u64;
                sent(count as u64);
                self.frame(bytes, &mut pending);
                to.write_all(&pending)?;
                pending.clear();
            }
            self.frame(&[], &mut pending);
        }
        to.write_all(&pending)?;
        to.flush()?;
        let whole = head_only || !matches!(self.length, Length::Known(length) if length != total);
        Ok(whole && !self.close)
    }

    fn frame(&self, bytes: &[u8], out: &mut Vec<u8>) {
        match self.length {
            #[cfg(feature = "faults")]
            Length::Chunked => {
                out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            _ => out.extend_from_slice(bytes),
        }
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        421 => "Misdirected Request",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Other",
    }
}
