//! What goes into a layer, and in what form.

use super::globs::Globs;
use super::layers::Layers;
use crate::check::Owns;
use crate::compressor::Compressor;
use crate::{Error, ErrorKind, Fingerprint, Limits, Result, Time};
use oci_merge_image::{LayerPath, Prefix};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What goes into a layer, and in what form.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The directory that the layer owns.
    pub prefix: Prefix,
    /// What it owns besides.
    pub owns: Owns,
    /// Where its files come from: one or more, in the order in which they are packed.
    pub sources: Vec<Source>,
    /// Globs of what is left out, whatever source it comes from; see [`Source::exclude`].
    pub exclude: Vec<String>,
    /// How the directories above the prefix and above what it owns are written.
    pub ancestors: Ancestors,
    /// Directories of the base, as far as they lie above the prefix or what it owns. One that is not here is 0755 0:0.
    pub base: BTreeMap<LayerPath, Attributes>,
    /// What becomes of times of modification.
    pub times: Times,
    /// How the layer is compressed, if it is packed.
    pub compressor: Compressor,
    /// Upper bounds for what is read, and for what is written.
    pub limits: Limits,
}

/// Where some of a layer's files come from, and where they land.
#[derive(Debug, Clone)]
pub struct Source {
    /// A directory or an archive of the host, or layers of an image.
    pub input: Input,
    /// How many leading components are taken off names, and off the targets of hard links.
    pub strip: usize,
    /// Globs of what is taken; empty: everything. With a leading `/` they mean a path of the image, else one relative
    /// to the prefix. `*` does not match `/`, `**` does. What matches brings what lies below it.
    pub include: Vec<String>,
    /// Globs of what is left out, of the same form, with what lies below it. They win over `include`.
    pub exclude: Vec<String>,
    /// Where it lands: the root of the image, or a directory under the prefix or in what the layer owns. `None`: the
    /// prefix, or, for an archive whose entries all lie under the prefix or in what the layer owns, the root.
    pub to: Option<LayerPath>,
    /// Whose the files are.
    pub owner: Owner,
    /// Whether the archive's bytes must be the layer's.
    pub keep: bool,
    /// What tells it from other sources, and from other states of it, if the caller knows better than by looking at it: a
    /// file that has a known digest need not be there to be told from others. Whoever gives one vouches that nobody writes
    /// to the file while it is read.
    pub fingerprint: Option<Fingerprint>,
    /// What messages call it, if where it lies tells nobody what it is; such as the URL of a file in a store.
    pub known_as: Option<PathBuf>,
}

impl Source {
    /// Everything in a directory or an archive, owned by 0:0.
    pub fn new(input: Input) -> Source {
        Source {
            input,
            strip: 0,
            include: Vec::new(),
            exclude: Vec::new(),
            to: None,
            owner: Owner::Root,
            keep: false,
            fingerprint: None,
            known_as: None,
        }
    }

    /// What messages call it.
    pub(super) fn name(&self) -> &Path {
        self.known_as.as_deref().unwrap_or_else(|| self.input.path())
    }
}

/// A directory or an archive of the host, or layers of an image.
#[derive(Debug, Clone)]
pub enum Input {
    /// A directory; its own name plays no part.
    Directory(PathBuf),
    /// A file: an archive of any form that [`Archive`](crate::Archive) knows.
    Archive(PathBuf),
    /// What layers of an image leave when they are unpacked one after the other, cut to what the layer owns and, if
    /// there are any, to [`Source::include`]. Of each path that `include` lists, the content lands in [`Source::to`].
    Layers(Layers),
}

impl Input {
    /// Where it lies on the host, or the name of the image.
    pub fn path(&self) -> &Path {
        match self {
            Input::Directory(path) | Input::Archive(path) => path,
            Input::Layers(layers) => layers.name(),
        }
    }
}

/// Whose the files of a source are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Owner {
    /// 0:0.
    #[default]
    Root,
    /// As the source has them.
    Keep,
    /// This user and this group.
    Ids(u32, u32),
}

impl Owner {
    /// What becomes of an owner and a group.
    pub(super) fn of(self, uid: u32, gid: u32) -> (u32, u32) {
        match self {
            Owner::Root => (0, 0),
            Owner::Keep => (uid, gid),
            Owner::Ids(uid, gid) => (uid, gid),
        }
    }

    /// The owner of a directory that the source does not have.
    pub(super) fn of_none(self) -> (u32, u32) {
        self.of(0, 0)
    }
}

/// How a layer writes the directories above what it owns (design: collisions, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ancestors {
    /// As entries of their own: those of the prefix as 0755 0:0, those of `owns` as the base has them.
    #[default]
    Emit,
    /// As entries of their own, all of them as the base has them.
    Base,
    /// Not at all.
    Omit,
}

/// Mode and owner of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits, 07777.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl fmt::Display for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o} {}:{}", self.mode, self.uid, self.gid)
    }
}

/// What a directory is if nobody says anything else.
impl Default for Attributes {
    fn default() -> Attributes {
        Attributes { mode: 0o755, uid: 0, gid: 0 }
    }
}

/// What becomes of times of modification. Seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// They stay as they are.
    #[default]
    Keep,
    /// None is later than this.
    Clamp(i64),
    /// All are this.
    Set(i64),
}

impl Times {
    /// What becomes of a time.
    pub(super) fn of(self, time: Time) -> Time {
        match self {
            Times::Keep => time,
            Times::Clamp(seconds) => time.min(Time { seconds, nanos: 0 }),
            Times::Set(seconds) => Time { seconds, nanos: 0 },
        }
    }
}

impl Recipe {
    /// Whether the layer owns a path.
    pub(super) fn covers(&self, path: &LayerPath) -> bool {
        path.is_within(self.prefix.path()) || self.owns.covers(path)
    }

    /// How a directory above the prefix or above what the layer owns is written; `None`: not at all.
    pub(super) fn ancestor(&self, path: &LayerPath) -> Option<Attributes> {
        match self.ancestors {
            Ancestors::Omit => None,
            Ancestors::Emit if self.prefix.path().is_within(path) => Some(Attributes::default()),
            Ancestors::Emit | Ancestors::Base => Some(self.base.get(path).copied().unwrap_or_default()),
        }
    }

    /// Finds contradictions, before anything is read.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |source: &Source, text: &str| Err(Error::new(ErrorKind::Source, text).in_file(source.name()));
        if self.sources.is_empty() {
            return Err(Error::new(ErrorKind::Source, "a layer needs a source"));
        }
        Globs::new(&self.exclude)?;
        for source in &self.sources {
            Globs::new(&source.include)?;
            Globs::new(&source.exclude)?;
            if source.to.as_ref().is_some_and(|to| !to.is_root() && !self.covers(to)) {
                let text = "`to` is neither the root nor under the layer's prefix or in what it owns";
                return wrong(source, text);
            }
            if source.keep {
                let filters = source.include.len() + source.exclude.len() + self.exclude.len();
                let elsewhere = source.to.as_ref().is_some_and(|to| !to.is_root());
                if filters > 0 || source.strip > 0 || elsewhere || self.sources.len() > 1 {
                    let text = "`keep` says that its bytes stay; with `strip`, `to`, `include`, `exclude` or a second source they cannot";
                    return wrong(source, text);
                }
                if !matches!(source.input, Input::Archive(_)) {
                    return wrong(source, "`keep` is for archives: nothing else has bytes that could stay");
                }
            }
        }
        Ok(())
    }
}
