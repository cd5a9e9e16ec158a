//! How strictly an archive is read.

use crate::Limits;

/// What an archive is to become, which decides what it may hold and how odd it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A layer that we are asked to stack: nothing that readers disagree about, no devices, no whiteouts.
    Layer,
    /// A layer of an image that files are taken from (design: collisions, section 12): nothing that readers disagree
    /// about either, but whiteouts and devices, which are judged once it is known what is taken.
    Source,
    /// A layer of a base image, somebody else's finished work: read as Go reads it, with a note wherever readers
    /// disagree (design: collisions, section 11).
    Base,
}

/// How an archive is read: for what, how strictly, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// What the archive is to become.
    pub role: Role,
    /// Whether the bytes of the archive have to be kept: what would be a note is a refusal then. Means nothing for
    /// layers of images.
    pub keep: bool,
    /// Upper bounds.
    pub limits: Limits,
}

impl Rules {
    /// For an archive that may be written anew: harmless oddities are noted.
    pub fn layer(limits: Limits) -> Rules {
        Rules { role: Role::Layer, keep: false, limits }
    }

    /// For a layer whose bytes must be kept: harmless oddities are refused as well.
    pub fn kept(limits: Limits) -> Rules {
        Rules { role: Role::Layer, keep: true, limits }
    }

    /// For a layer of an image that files are taken from.
    pub fn source(limits: Limits) -> Rules {
        Rules { role: Role::Source, keep: false, limits }
    }

    /// For a layer of a base.
    pub fn base(limits: Limits) -> Rules {
        Rules { role: Role::Base, keep: false, limits }
    }
}
