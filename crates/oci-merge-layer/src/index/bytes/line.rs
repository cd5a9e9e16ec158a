//! The shapes of the lines. Their fields are in order of name, which is the order in the bytes.

use super::text::{Mode, Sha256, Text};
use super::{Arena, HAS_CONTENT, LATE, NONE, READER_VERSION, Record, refuse};
use crate::index::{ElfFacts, EntryView, Facts, LayerIndex, MAX_TEXT, XattrSet, is_text};
use crate::{Kind, Note, Reason, Result};
use oci_merge_image::{DiffId, Digest, LayerPath};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head<'a> {
    pub(super) diff_id: DiffId,
    pub(super) digest: Digest,
    pub(super) entries: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<NoteLine<'a>>,
    pub(super) reader: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<Line<'a>>,
    pub(super) whiteouts: u64,
}

impl<'a> Head<'a> {
    pub(super) fn of(index: &'a LayerIndex) -> Head<'a> {
        Head {
            diff_id: index.diff_id.clone(),
            digest: index.digest.clone(),
            entries: index.records.len() as u64,
            notes: index.notes.iter().map(NoteLine::of).collect(),
            reader: READER_VERSION,
            root: index.root().map(Line::of),
            whiteouts: index.whiteouts.len() as u64,
        }
    }

    pub(super) fn notes(&self) -> Result<Vec<Note>> {
        self.notes
            .iter()
            .map(|note| note.to_note().ok_or_else(|| refuse(1, "has a note that no reader makes")))
            .collect()
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoteLine<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Text<'a>>,
    reason: Cow<'a, str>,
    text: Cow<'a, str>,
}

impl<'a> NoteLine<'a> {
    fn of(note: &'a Note) -> NoteLine<'a> {
        NoteLine {
            path: note.path.as_ref().map(|path| path.as_bytes().into()),
            reason: note.reason.0.into(),
            text: note.text.as_str().into(),
        }
    }

    fn to_note(&self) -> Option<Note> {
        let path = match &self.path {
            Some(path) => Some(normalised(path)?),
            None => None,
        };
        Some(Note { reason: Reason::known(&self.reason)?, path, text: self.text.clone().into_owned() })
    }
}

/// One entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Sha256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    facts: Option<FactsLine<'a>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    gid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<u32>,
    kind: KindName,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    late: bool,
    mode: Mode,
    mtime: i64,
    #[serde(default, skip_serializing_if = "is_zero")]
    nanos: u32,
    pub(super) path: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "is_zero")]
    uid: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    xattrs: Option<XattrsLine<'a>>,
}

/// Longest link target, in bytes (Linux `PATH_MAX` less its NUL).
const MAX_TARGET: usize = 4095;

impl<'a> Line<'a> {
    pub(super) fn of(entry: EntryView<'a>) -> Line<'a> {
        Line {
            content: entry.content.map(|content| Sha256(*content)),
            facts: entry.facts.map(FactsLine::of),
            gid: entry.gid,
            group: entry.group,
            kind: entry.kind.into(),
            late: entry.late,
            mode: Mode(entry.mode),
            mtime: entry.mtime.seconds,
            nanos: entry.mtime.nanos,
            path: entry.path.into(),
            size: (entry.kind == Kind::File).then_some(entry.size),
            target: entry.target.map(Text::from),
            uid: entry.uid,
            xattrs: entry.xattrs.map(|set| XattrsLine {
                digest: Sha256(set.digest),
                names: set.names.iter().map(Text::from).collect(),
            }),
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.kind == KindName::Directory && self.judge_kind(true).is_ok()
    }

    /// Whether a reader could have said this; `strict` if of an archive without notes.
    pub(super) fn judge(&self, strict: bool) -> std::result::Result<(), &'static str> {
        if self.path.is_empty() || normalised(&self.path).is_none() {
            return Err("has a path that is not normalised");
        }
        self.judge_kind(strict)
    }

    fn judge_kind(&self, strict: bool) -> std::result::Result<(), &'static str> {
        let is_file = self.kind == KindName::File;
        let target = self.target.as_ref().map(|target| target.len());
        let names = self.xattrs.as_ref().map(|xattrs| xattrs.names.as_slice());
        let rules = [
            (self.size.is_some() == is_file, "has a size where there is none, or none"),
            (self.content.is_none() || is_file, "has content without being a file"),
            (self.content.is_some() || !is_file || !strict, "has no content"),
            (self.facts.is_none() || is_file, "has facts without being a file"),
            (self.may_keep_text(), "keeps the text of a file of which none is kept"),
            (target.is_some() == (self.kind == KindName::Symlink), "has a target where there is none, or none"),
            (target.is_none_or(|length| (1..=MAX_TARGET).contains(&length)), "has a target that no link can have"),
            (target.is_none() || self.mode.0 == 0, "has a mode, though it is a link"),
            (!self.late || self.kind == KindName::Directory, "is late without being a directory"),
            (self.nanos < 1_000_000_000, "has more nanoseconds than a second"),
            (names.is_none_or(|names| !names.is_empty()), "has an empty list of xattrs"),
            (names.is_none_or(|names| names.is_sorted_by(|a, b| **a < **b)), "has xattrs out of order"),
        ];
        rules.into_iter().try_for_each(|(holds, why)| if holds { Ok(()) } else { Err(why) })
    }

    /// Bytes of the text that is kept of the file.
    pub(super) fn text_length(&self) -> usize {
        match &self.facts {
            Some(FactsLine::Text(text)) => text.len(),
            _ => 0,
        }
    }

    /// Of one of a few files; under another name, only as a link to one.
    fn may_keep_text(&self) -> bool {
        match &self.facts {
            Some(FactsLine::Text(text)) => {
                let whole = text.len() as u64 <= MAX_TEXT && self.size == Some(text.len() as u64);
                whole && (is_text(&self.path) || self.group.is_some())
            }
            _ => true,
        }
    }

    pub(super) fn into_record(self, arena: &mut Arena) -> Result<Record> {
        let (path, path_length) = arena.name(&self.path)?;
        let (target, target_length) = arena.name(self.target.as_deref().unwrap_or_default())?;
        let xattrs = self.xattrs.map(|set| XattrSet {
            digest: set.digest.0,
            names: set.names.into_iter().map(|name| name.0.into_owned()).collect(),
        });
        Ok(Record {
            content: self.content.map(|content| content.0).unwrap_or_default(),
            size: self.size.unwrap_or_default(),
            seconds: self.mtime,
            nanos: self.nanos,
            uid: self.uid,
            gid: self.gid,
            group: self.group.unwrap_or(NONE),
            xattrs: arena.xattrs(xattrs)?,
            facts: arena.facts(self.facts.map(FactsLine::into_facts))?,
            path,
            target,
            path_length,
            target_length,
            mode: self.mode.0,
            kind: self.kind.into(),
            flags: if self.content.is_some() { HAS_CONTENT } else { 0 } | if self.late { LATE } else { 0 },
        })
    }
}

/// A whiteout of a base.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhiteoutLine<'a> {
    whiteout: Text<'a>,
}

impl<'a> WhiteoutLine<'a> {
    pub(super) fn of(path: &'a LayerPath) -> WhiteoutLine<'a> {
        WhiteoutLine { whiteout: path.as_bytes().into() }
    }

    pub(super) fn into_path(self) -> std::result::Result<LayerPath, &'static str> {
        let path = normalised(&self.whiteout).ok_or("has a path that is not normalised")?;
        let is_whiteout = path.name().and_then(|name| name.strip_prefix(b".wh.")).is_some_and(|name| !name.is_empty());
        if is_whiteout { Ok(path) } else { Err("is no whiteout") }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindName {
    Directory,
    File,
    Symlink,
    Fifo,
    Char,
    Block,
}

impl From<Kind> for KindName {
    fn from(kind: Kind) -> KindName {
        match kind {
            Kind::Directory => KindName::Directory,
            Kind::File => KindName::File,
            Kind::Symlink => KindName::Symlink,
            Kind::Fifo => KindName::Fifo,
            Kind::CharDevice => KindName::Char,
            Kind::BlockDevice => KindName::Block,
        }
    }
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Kind {
        match name {
            KindName::Directory => Kind::Directory,
            KindName::File => Kind::File,
            KindName::Symlink => Kind::Symlink,
            KindName::Fifo => Kind::Fifo,
            KindName::Char => Kind::CharDevice,
            KindName::Block => Kind::BlockDevice,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct XattrsLine<'a> {
    digest: Sha256,
    names: Vec<Text<'a>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum FactsLine<'a> {
    Elf(Box<ElfLine<'a>>),
    Script(Text<'a>),
    Text(Text<'a>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ElfLine<'a> {
    class: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    defines: Vec<Text<'a>>,
    dynamic: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interpreter: Option<Text<'a>>,
    machine: u16,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needed: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needs: Vec<(Text<'a>, Text<'a>)>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    nodeflib: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rpath: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    runpath: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soname: Option<Text<'a>>,
}

impl<'a> FactsLine<'a> {
    fn of(facts: &'a Facts) -> FactsLine<'a> {
        let one = |name: &'a Option<Vec<u8>>| name.as_ref().map(Text::from);
        match facts {
            Facts::Script { interpreter } => FactsLine::Script(interpreter.into()),
            Facts::Text(text) => FactsLine::Text(text.into()),
            Facts::Elf(elf) => FactsLine::Elf(Box::new(ElfLine {
                class: elf.class,
                defines: elf.defines_versions.iter().map(Text::from).collect(),
                dynamic: elf.dynamic,
                interpreter: one(&elf.interpreter),
                machine: elf.machine,
                needed: elf.needed.iter().map(Text::from).collect(),
                needs: elf.needs_versions.iter().map(|(library, version)| (library.into(), version.into())).collect(),
                nodeflib: elf.no_default_libraries,
                rpath: one(&elf.rpath),
                runpath: one(&elf.runpath),
                soname: one(&elf.soname),
            })),
        }
    }

    fn into_facts(self) -> Facts {
        let bytes = |name: Text<'a>| name.0.into_owned();
        match self {
            FactsLine::Script(interpreter) => Facts::Script { interpreter: bytes(interpreter) },
            FactsLine::Text(text) => Facts::Text(bytes(text)),
            FactsLine::Elf(elf) => Facts::Elf(Box::new(ElfFacts {
                machine: elf.machine,
                class: elf.class,
                dynamic: elf.dynamic,
                interpreter: elf.interpreter.map(bytes),
                soname: elf.soname.map(bytes),
                needed: elf.needed.into_iter().map(bytes).collect(),
                rpath: elf.rpath.map(bytes),
                runpath: elf.runpath.map(bytes),
                no_default_libraries: elf.nodeflib,
                needs_versions: elf
                    .needs
                    .into_iter()
                    .map(|(library, version)| (bytes(library), bytes(version)))
                    .collect(),
                defines_versions: elf.defines.into_iter().map(bytes).collect(),
            })),
        }
    }
}

/// A path that is spelled as a path is.
fn normalised(path: &[u8]) -> Option<LayerPath> {
    LayerPath::parse(path).ok().filter(|parsed| parsed.as_bytes() == path)
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
