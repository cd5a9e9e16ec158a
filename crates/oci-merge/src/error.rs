//! What stops a run: its code, its exit code, and whether trying again helps.

use crate::report::FindingReport;
use crate::spec::SpecErrors;
use oci_merge_layer::ErrorKind as LayerKind;
use oci_merge_store::ErrorKind as StoreKind;
use oci_merge_store::copy::LAYER_BYTES;
use std::path::PathBuf;

/// The result of everything fallible here.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a run. Its text begins with the layer or the file that it is about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The spec cannot be read or understood; every mistake of it.
    #[error(transparent)]
    Spec(#[from] SpecErrors),
    /// The check was made and the answer is no.
    #[error("{0}")]
    Findings(Box<FindingReport>),
    /// A layer cannot be made.
    #[error("{layer}: {source}")]
    Layer {
        /// The layer, or `base`.
        layer: String,
        /// What went wrong.
        source: oci_merge_layer::Error,
    },
    /// A source that the spec names is not there.
    #[error("{layer}: {text}{place}")]
    Source {
        /// The layer.
        layer: String,
        /// Where the spec names it, in brackets; empty if no file does.
        place: String,
        /// What is wrong.
        text: String,
    },
    /// Several things that are wrong, two or more, told at once: in the order of the spec. The first gives the codes.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<Error>),
    /// A store, a registry or a download failed.
    #[error("{what}: {source}{}", in_brackets(source.reason()))]
    Store {
        /// The layer, or what was being done.
        what: String,
        /// What went wrong.
        source: oci_merge_store::Error,
    },
    /// A source is not what the spec says it is.
    #[error("{what}: {source}{}", in_brackets(source.reason()))]
    SourceChanged {
        /// The layer.
        what: String,
        /// Expected and found.
        source: oci_merge_store::Error,
    },
    /// Documents, references or environment that cannot be used or put together.
    #[error("{what}: {source}")]
    Image {
        /// The layer, or what was being done.
        what: String,
        /// What went wrong.
        source: oci_merge_image::Error,
    },
    /// The request cannot be carried out as it was made.
    #[error("{0}")]
    Usage(String),
    /// A file or directory of this machine.
    #[error("{}: {doing}: {source}", oci_merge_image::shown(path.as_os_str().as_encoded_bytes()))]
    Disk {
        /// Which.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Neither docker nor podman is here, or it failed.
    #[error("{text}")]
    Engine {
        /// Whether none was found.
        missing: bool,
        /// What happened.
        text: String,
    },
    /// The caller cancelled the run; no tag was moved.
    #[error("interrupted; no tag was moved")]
    Cancelled,
}

/// A reason as it ends a text.
fn in_brackets(reason: Option<&str>) -> String {
    reason.map(|reason| format!(" [{reason}]")).unwrap_or_default()
}

impl Error {
    pub(crate) fn usage(text: impl Into<String>) -> Error {
        Error::Usage(text.into())
    }

    pub(crate) fn disk(path: impl Into<PathBuf>, doing: &'static str, source: std::io::Error) -> Error {
        Error::Disk { path: path.into(), doing, source }
    }

    pub(crate) fn store(what: &str, source: oci_merge_store::Error) -> Error {
        match source.kind() {
            StoreKind::Cancelled => Error::Cancelled,
            _ => Error::Store { what: what.into(), source },
        }
    }

    pub(crate) fn image(what: &str, source: oci_merge_image::Error) -> Error {
        Error::Image { what: what.into(), source }
    }

    /// All of them as one.
    pub(crate) fn several(errors: impl IntoIterator<Item = Error>) -> Error {
        let mut errors: Vec<Error> = errors.into_iter().collect();
        match errors.pop() {
            Some(only) if errors.is_empty() => only,
            last => Error::Several(errors.into_iter().chain(last).collect()),
        }
    }

    /// The errors that it consists of: itself, unless it is several.
    pub fn each(&self) -> &[Error] {
        match self {
            Error::Several(errors) => errors,
            one => std::slice::from_ref(one),
        }
    }

    /// The stable code that `explain` and the manual know, such as `OM0501`.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Spec(errors) => errors.code(),
            Error::Findings(report) => report.code(),
            Error::Layer { source, .. } => match source.kind() {
                LayerKind::Refused(_) | LayerKind::NotPackable => "OM0220",
                LayerKind::Changed => "OM0603",
                LayerKind::Source => "OM0109",
                LayerKind::Index => "OM0602",
                _ => "OM0801",
            },
            Error::Store { source, .. } if source.reason() == Some(LAYER_BYTES) => "OM0506",
            Error::Store { source, .. } => match source.kind() {
                StoreKind::NotFound => "OM0502",
                StoreKind::Mismatch | StoreKind::Document => "OM0602",
                StoreKind::Denied => "OM0501",
                StoreKind::Policy => "OM0507",
                StoreKind::Disk => "OM0801",
                StoreKind::TagMoved => "OM0803",
                _ => "OM0503",
            },
            Error::Several(errors) => errors.first().map_or("OM0109", Error::code),
            Error::Source { .. } => "OM0109",
            Error::SourceChanged { .. } => "OM0601",
            Error::Image { .. } => "OM0104",
            Error::Usage(_) => "OM0100",
            Error::Disk { .. } => "OM0801",
            Error::Engine { .. } => "OM0802",
            Error::Cancelled => "OM0804",
        }
    }

    /// The exit code of the binary, as its help lists them.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Findings(_) => 1,
            Error::Layer { source, .. } => match source.kind() {
                LayerKind::Refused(_) | LayerKind::NotPackable | LayerKind::Changed => 1,
                LayerKind::Source => 2,
                LayerKind::Index => 5,
                _ => 7,
            },
            Error::Spec(_) | Error::Usage(_) | Error::Source { .. } | Error::Image { .. } => 2,
            Error::Store { source, .. } if source.reason() == Some(LAYER_BYTES) => 1,
            Error::Store { source, .. } => match source.kind() {
                StoreKind::NotFound | StoreKind::Policy => 2,
                StoreKind::Mismatch | StoreKind::Document => 5,
                StoreKind::Denied => 4,
                StoreKind::Disk => 7,
                StoreKind::TagMoved => 8,
                _ => 3,
            },
            Error::Several(errors) => errors.first().map_or(2, Error::exit_code),
            Error::SourceChanged { .. } => 5,
            Error::Disk { .. } => 7,
            Error::Engine { .. } => 6,
            Error::Cancelled => 130,
        }
    }

    /// Whether the same request may go well later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Error::Store { source, .. } => source.is_retryable(),
            Error::Several(errors) => errors.iter().all(Error::is_retryable),
            Error::Cancelled => true,
            _ => false,
        }
    }
}
