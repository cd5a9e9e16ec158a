//! Media types: the OCI ones that are written, and the Docker ones that are read and turned into them.

pub use oci_spec::image::MediaType;

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const DOCKER_LAYER_GZIP: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_LAYER_ZSTD: &str = "application/vnd.docker.image.rootfs.diff.tar.zstd";
const DOCKER_FOREIGN_GZIP: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// How the tar of a layer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// What the content behind a media type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A manifest of one image.
    Manifest,
    /// An index of manifests.
    Index,
    /// The config of an image.
    Config,
    /// A layer that may be distributed.
    Layer(Compression),
    /// A layer that may not be distributed (image-spec `layer.md`, Non-Distributable Layers).
    Foreign(Compression),
    /// Anything else: an artifact, a vendor's type.
    Unknown,
}

impl Form {
    /// What a media type names, Docker's types included.
    ///
    /// ```
    /// use oci_merge_image::{Compression, Form, MediaType};
    /// let docker = MediaType::from("application/vnd.docker.image.rootfs.diff.tar.gzip");
    /// assert_eq!(Form::of(&docker), Form::Layer(Compression::Gzip));
    /// ```
    pub fn of(media_type: &MediaType) -> Form {
        match media_type {
            MediaType::ImageManifest => Form::Manifest,
            MediaType::ImageIndex => Form::Index,
            MediaType::ImageConfig => Form::Config,
            MediaType::ImageLayer => Form::Layer(Compression::None),
            MediaType::ImageLayerGzip => Form::Layer(Compression::Gzip),
            MediaType::ImageLayerZstd => Form::Layer(Compression::Zstd),
            MediaType::ImageLayerNonDistributable => Form::Foreign(Compression::None),
            MediaType::ImageLayerNonDistributableGzip => Form::Foreign(Compression::Gzip),
            MediaType::ImageLayerNonDistributableZstd => Form::Foreign(Compression::Zstd),
            other => match other.as_ref() {
                DOCKER_MANIFEST => Form::Manifest,
                DOCKER_INDEX => Form::Index,
                DOCKER_CONFIG => Form::Config,
                DOCKER_LAYER => Form::Layer(Compression::None),
                DOCKER_LAYER_GZIP => Form::Layer(Compression::Gzip),
                DOCKER_LAYER_ZSTD => Form::Layer(Compression::Zstd),
                DOCKER_FOREIGN_GZIP => Form::Foreign(Compression::Gzip),
                _ => Form::Unknown,
            },
        }
    }

    /// The OCI media type of this form; `None` for what has none.
    pub fn media_type(self) -> Option<MediaType> {
        Some(match self {
            Form::Manifest => MediaType::ImageManifest,
            Form::Index => MediaType::ImageIndex,
            Form::Config => MediaType::ImageConfig,
            Form::Layer(Compression::None) => MediaType::ImageLayer,
            Form::Layer(Compression::Gzip) => MediaType::ImageLayerGzip,
            Form::Layer(Compression::Zstd) => MediaType::ImageLayerZstd,
            Form::Foreign(Compression::None) => MediaType::ImageLayerNonDistributable,
            Form::Foreign(Compression::Gzip) => MediaType::ImageLayerNonDistributableGzip,
            Form::Foreign(Compression::Zstd) => MediaType::ImageLayerNonDistributableZstd,
            Form::Unknown => return None,
        })
    }
}
