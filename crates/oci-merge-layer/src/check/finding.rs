//! One finding: what, where, who, and what each of them has there.

use super::{Code, Files, Severity};
use crate::{EntryView, Kind};
use oci_merge_image::{Digest, LayerPath};
use std::fmt;
use std::sync::Arc;

/// Something that keeps layers from being stacked in any order, or that a person should know.
///
/// [`Display`](fmt::Display) is what a terminal shows, with every name escaped; serialised it is one element of
/// `findings` in `oci-merge.findings/v1`.
///
/// Findings order by what they are about (archives, then paths, variables, libraries, commands, users, machines), then by
/// code and reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub(super) subject: Subject,
    pub(super) code: Code,
    pub(super) reason: Option<&'static str>,
    pub(super) severity: Severity,
    pub(super) more: u64,
    pub(super) parties: Vec<Party>,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    /// An archive as a whole.
    Archive,
    /// A path of the image.
    Path(LayerPath),
    /// A variable of the environment.
    Variable(Box<str>),
    /// A library, by the name that it is looked for by.
    Library(Vec<u8>),
    /// A command, as it is looked for on PATH.
    Command(Vec<u8>),
    /// A user or a group.
    User(Box<str>),
    /// The architecture of the image.
    Platform(Box<str>),
}

impl Finding {
    /// What it is about.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Whether it stops the build.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The detail of the rule, such as `IMPLIED_DIR_ATTRS`.
    pub fn reason(&self) -> Option<&'static str> {
        self.reason
    }

    /// Where it is; `None` if it is not about a path.
    pub fn path(&self) -> Option<&LayerPath> {
        match &self.subject {
            Subject::Path(path) => Some(path),
            _ => None,
        }
    }

    /// How many further paths below have the same cause and are not told one by one.
    pub fn more(&self) -> u64 {
        self.more
    }

    /// Who takes part: the base first, then layers from the lowest up. One that takes part in two ways is there twice.
    pub fn parties(&self) -> &[Party] {
        &self.parties
    }

    /// Who takes part, each once.
    pub fn owners(&self) -> Vec<&Owner> {
        let mut owners: Vec<&Owner> = self.parties.iter().map(|party| &party.owner).collect();
        owners.dedup();
        owners
    }

    /// The key in `[policy]` that decides on it; `None` if it cannot be relaxed.
    ///
    /// That of its [code](Code::key), except that a base with something below a prefix is between a layer and the base
    /// (`shadow-base`), not between two layers (`prefix-overlap`).
    pub fn policy_key(&self) -> Option<&'static str> {
        let code = if self.reason == Some(super::BASE_UNDER_PREFIX) { Code::ShadowBase } else { self.code };
        (!code.is_structural() && self.reason != Some(super::HIDES_NEEDED)).then(|| code.key())
    }

    /// Whose copy would be in the image if the policy allowed it: that of the uppermost layer. `None` where there are no
    /// copies to choose from, or where it would depend on the runtime.
    pub fn survivor(&self) -> Option<&Owner> {
        let copies = match self.code {
            Code::TwoWriters | Code::ShadowBase | Code::SharedState => true,
            Code::DirectoryAttributes => self.reason.is_none() && !self.is_root() && self.adds_attributes_only(),
            _ => false,
        };
        self.parties
            .iter()
            .rev()
            .find(|party| copies && matches!(party.claim, Claim::Entry(_)))
            .map(|party| &party.owner)
    }

    /// Whether it is about the root, the entry for which some runtimes skip and others apply.
    pub(super) fn is_root(&self) -> bool {
        self.path().is_some_and(LayerPath::is_root)
    }

    /// Whether the uppermost entry has every extended attribute that those below it have: on a directory that is there,
    /// some runtimes set attributes and take none away.
    pub(super) fn adds_attributes_only(&self) -> bool {
        let entries = self.parties.iter().filter_map(|party| match &party.claim {
            Claim::Entry(entry) => Some(&entry.xattrs),
            _ => None,
        });
        let Some(uppermost) = entries.clone().next_back() else { return true };
        entries.flatten().all(|name| uppermost.contains(name))
    }
}

/// Whose claim it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The base image.
    Base,
    /// A layer, by name.
    Layer(Arc<str>),
}

impl Owner {
    /// `base`, or the layer's name as it was given.
    pub fn name(&self) -> &str {
        match self {
            Owner::Base => "base",
            Owner::Layer(name) => name,
        }
    }
}

/// One who takes part in a finding, and what it has at the path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Party {
    /// Who.
    pub owner: Owner,
    /// Where its claim is, if it is at another path than the finding.
    pub at: Option<LayerPath>,
    /// What it has there.
    pub claim: Claim,
}

/// What somebody has at a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Claim {
    /// An entry.
    Entry(Arc<Description>),
    /// A directory without an entry of its own: whatever the runtime makes.
    Implied,
    /// The path is its prefix.
    Prefix,
    /// The path is among what it owns besides its prefix.
    Owns,
    /// It deletes the path, or everything in the directory.
    Deleted,
    /// A layer of the base once had something other than a directory there.
    Replaced,
    /// Its archive is refused, or odd: why.
    Archive(Box<str>),
    /// It gives the variable this value.
    Value(Box<str>),
    /// An exception names it.
    Agreed,
    /// Files of it need what is missing, or what another has.
    Needs(Arc<Files>),
    /// Links of it lead nowhere.
    Links(Arc<Files>),
    /// Programs of it are for another machine.
    Programs(Arc<Files>),
    /// Commands of it hide others.
    Wins(Arc<Files>),
    /// Commands of it are hidden.
    Hidden(Arc<Files>),
    /// It has the library, where nobody looks for it.
    Library,
    /// It has the library, with these versions.
    Versions(Vec<Vec<u8>>),
    /// Its file lists so many names.
    Names(u64),
}

/// What an entry is, in full.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Description {
    /// The kind; that of its target for a hard link.
    pub kind: Kind,
    /// Permission bits, 07777; 0 for a symlink.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of content of a file.
    pub size: Option<u64>,
    /// Digest of a file's content.
    pub digest: Option<Digest>,
    /// Where a symlink points, as it is written.
    pub target: Option<Vec<u8>>,
    /// Names of its extended attributes, sorted.
    pub xattrs: Vec<Vec<u8>>,
    /// The first few names of its inode, sorted, its own among them; empty if it has one name only, or if its names do not
    /// matter.
    pub links: Vec<LayerPath>,
    /// How many names its inode has in its layer; 1 if they do not matter.
    pub link_count: u64,
    /// Whether a directory's header comes after an entry below it.
    pub late: bool,
}

impl Description {
    /// An entry by itself, without the other names of its inode.
    pub(super) fn of(entry: &EntryView<'_>) -> Description {
        Description {
            kind: entry.kind,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            size: (entry.kind == Kind::File).then_some(entry.size),
            digest: entry.content.map(|raw| Digest::from_sha256(*raw)),
            target: entry.target.map(<[u8]>::to_vec),
            xattrs: entry.xattrs.map(|set| set.names.clone()).unwrap_or_default(),
            links: Vec::new(),
            link_count: 1,
            late: entry.late,
        }
    }

    /// What kind of thing it is, in the words of the JSON.
    pub fn type_name(&self) -> &'static str {
        type_name(self.kind)
    }
}

/// What a kind is called in JSON and in text.
pub(super) fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Directory => "directory",
        Kind::File => "file",
        Kind::Symlink => "symlink",
        Kind::Fifo => "fifo",
        Kind::CharDevice => "char-device",
        Kind::BlockDevice => "block-device",
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Archive => f.write_str("the archive"),
            Subject::Path(path) => path.fmt(f),
            Subject::Variable(name) | Subject::User(name) | Subject::Platform(name) => {
                oci_merge_image::shown(&**name).fmt(f)
            }
            Subject::Library(name) | Subject::Command(name) => oci_merge_image::shown(name).fmt(f),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        oci_merge_image::shown(self.name()).fmt(f)
    }
}
