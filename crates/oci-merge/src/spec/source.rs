//! `[layer.NAME.source]`: where a layer's files come from.

use super::document::{Node, Value};
use super::error::{BAD_VALUE, MISSING_KEY, WRONG_TYPE};
use super::layer::{Rooted, globs};
use super::placeholder::{Arch, Placeholders};
use super::table::{Table, Written};
use super::{Span, keys};
use oci_merge_image::{Digest, LayerPath, Platform, shown};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One `source` of a layer.
#[derive(Debug, Clone)]
pub struct SourceSpec {
    /// Where it is; `{arch}` is still in it, see [`place_for`](SourceSpec::place_for).
    pub place: Place,
    /// What `{arch}` becomes, by Go's word for the architecture; one that is not named stands for itself.
    pub arch: BTreeMap<String, String>,
    /// How many leading components are taken off the names in an archive.
    pub strip: usize,
    /// Globs of what is taken; empty: everything.
    pub include: Vec<String>,
    /// Where the files land: `/` for the root of the image, a directory under the prefix or in `owns`.
    pub to: Option<String>,
    /// Whose the files are.
    pub owner: Owner,
    /// Whether the archive's bytes must be used as they are.
    pub keep: bool,
    /// Where it is said: the value of `path` or `url`.
    pub span: Span,
}

/// Where a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory or an archive; relative to the spec's directory.
    Path(PathBuf),
    /// An archive whose bytes must be these; relative to the spec's directory.
    Pinned {
        /// The file.
        path: PathBuf,
        /// What its bytes must be.
        sha256: Digest,
    },
    /// An `http`, `https` or `file` URL.
    Url {
        /// The URL.
        url: String,
        /// What its bytes must be; without one the download fails and prints it.
        sha256: Option<Digest>,
    },
}

/// Whose the files of a layer are.
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

impl SourceSpec {
    /// A directory or an archive, taken as it is.
    pub(crate) fn of_path(path: PathBuf) -> SourceSpec {
        SourceSpec {
            place: Place::Path(path),
            arch: BTreeMap::new(),
            strip: 0,
            include: Vec::new(),
            to: None,
            owner: Owner::Root,
            keep: false,
            span: Span::default(),
        }
    }

    /// Whether nothing says what of it is meant, or where it belongs.
    pub(crate) fn is_whole(&self) -> bool {
        self.strip == 0 && self.include.is_empty() && self.to.is_none() && !self.keep
    }

    /// The place for one platform: `{arch}` filled in.
    pub fn place_for(&self, platform: &Platform) -> Place {
        let word = self.arch.get(&platform.architecture).unwrap_or(&platform.architecture);
        let fill = |text: &str| text.replace("{arch}", word);
        // Paths come from a text, so nothing is lost in the conversion.
        let fill_path = |path: &PathBuf| PathBuf::from(fill(&path.to_string_lossy()));
        match &self.place {
            Place::Path(path) => Place::Path(fill_path(path)),
            Place::Pinned { path, sha256 } => Place::Pinned { path: fill_path(path), sha256: sha256.clone() },
            Place::Url { url, sha256 } => Place::Url { url: fill(url), sha256: sha256.clone() },
        }
    }
}

/// Reads `source` of a layer: a table, or an array of them.
pub(super) fn read(layer: &Table<'_>, words: &Placeholders<'_>) -> Vec<SourceSpec> {
    let Some(node) = layer.get("source") else {
        layer.missing(
            "source",
            "where its files come from: source = { path = \"DIRECTORY or ARCHIVE\" } or { url = \"…\" }, or from = { image = \"…\" }",
        );
        return Vec::new();
    };
    let name = format!("{}.source]", layer.name.trim_end_matches(']'));
    match &node.value {
        Value::Array(items) if items.is_empty() => {
            layer.bad(&node.range, format!("{name} is empty: a layer has at least one source"));
            Vec::new()
        }
        Value::Array(items) => items.iter().filter_map(|item| one(layer, item, &name, words)).collect(),
        Value::String(text) => {
            let label = format!("did you mean {{ path = \"{}\" }}?", shown(text));
            layer.bad_with(WRONG_TYPE, &node.range, format!("{name} must be a table, not a string"), label);
            Vec::new()
        }
        _ => one(layer, node, &name, words).into_iter().collect(),
    }
}

fn one(layer: &Table<'_>, node: &Node, name: &str, words: &Placeholders<'_>) -> Option<SourceSpec> {
    let table = Table::open(layer.faults(), node, name, &keys::SOURCE)?;
    let found = place(&table, words);
    let arch = table.string_table("arch").into_iter().map(|(from, to)| (from.text, to.text)).collect();
    let strip = table.integer("strip", 0..=u32::from(u16::MAX)).unwrap_or_default() as usize;
    let include = globs(&table, "include", Rooted::Maybe);
    let to = table.string("to").and_then(|written| landing(&table, &written, words));
    let owner = table.string("owner").and_then(|written| owner(&table, &written)).unwrap_or_default();
    let keep = table.boolean("keep").unwrap_or_default();
    let changes =
        [("strip", strip > 0), ("include", !include.is_empty()), ("to", !matches!(to.as_deref(), None | Some("/")))];
    for (key, _) in changes.iter().filter(|(_, changed)| keep && *changed) {
        let at = table.get(key).map_or_else(|| table.range.clone(), |value| value.range.clone());
        table.bad(&at, format!("`{key}` changes the archive, `keep = true` forbids that: one of them has to go"));
    }
    let (place, range) = found?;
    let span = table.faults().span(&range);
    Some(SourceSpec { place, arch, strip, include, to, owner, keep, span })
}

/// Exactly one of `path` and `url`.
fn place(table: &Table<'_>, words: &Placeholders<'_>) -> Option<(Place, std::ops::Range<usize>)> {
    let sha256 = table.string("sha256");
    match (table.has("path"), table.has("url")) {
        (true, true) => {
            let at = table.get("url").map_or_else(|| table.range.clone(), |url| url.range.clone());
            table.bad(&at, format!("{} has both `path` and `url`: one of them has to go", table.name));
            None
        }
        (false, false) if table.has_slip_of("path") || table.has_slip_of("url") => None,
        (false, false) if keys::SOURCE.elsewhere.iter().any(|(key, _)| table.has(key)) => None,
        (false, false) => {
            let message = format!("{} has neither `path` nor `url`", table.name);
            table.bad_with(MISSING_KEY, &table.range, message, "path = \"DIRECTORY or ARCHIVE\", or url = \"…\"");
            None
        }
        (true, false) => {
            let written = table.string("path")?;
            let path = words.fill(table, &written, Arch::Later);
            if path.is_empty() || path.contains('\0') {
                table.bad(&written.range, "`path` names no file");
                return None;
            }
            let path = path.into();
            let place = match sha256.map(|written| digest(table, &written)) {
                None => Place::Path(path),
                Some(sha256) => Place::Pinned { path, sha256: sha256? },
            };
            Some((place, written.range))
        }
        (false, true) => {
            let written = table.string("url")?;
            let sha256 = sha256.and_then(|written| digest(table, &written));
            let url = words.fill(table, &written, Arch::Later);
            if !["https://", "http://", "file://"].iter().any(|scheme| url.starts_with(scheme)) {
                table.bad(&written.range, "`url` begins with https://, http:// or file://");
                return None;
            }
            Some((Place::Url { url, sha256 }, written.range))
        }
    }
}

fn digest(table: &Table<'_>, written: &Written) -> Option<Digest> {
    let bare = written.text.strip_prefix("sha256:").unwrap_or(&written.text);
    match format!("sha256:{}", bare.to_ascii_lowercase()).parse() {
        Ok(digest) if bare == written.text && !bare.contains(|c: char| c.is_ascii_uppercase()) => Some(digest),
        Ok(digest) => {
            let label = format!("did you mean `{}`?", digest.hex());
            table.bad_with(BAD_VALUE, &written.range, "`sha256` is 64 lower-case digits and nothing else", label);
            None
        }
        Err(_) => {
            let found = bare.chars().count();
            table.bad(&written.range, format!("`sha256` is 64 hexadecimal digits, not {found} characters like these"));
            None
        }
    }
}

/// `to`: the root, or a directory under the prefix or in `owns`; which of them is seen when the files land.
pub(super) fn landing(table: &Table<'_>, written: &Written, words: &Placeholders<'_>) -> Option<String> {
    let text = words.fill(table, written, Arch::Never);
    match LayerPath::parse(text.as_bytes()) {
        Ok(path) if !path.is_root() || text.starts_with('/') => Some(text),
        Ok(_) => {
            table.bad(&written.range, "`to` names no directory; the root is `/`");
            None
        }
        Err(why) => {
            table.bad(&written.range, format!("{} {why}", shown(&text)));
            None
        }
    }
}

fn owner(table: &Table<'_>, written: &Written) -> Option<Owner> {
    let ids = |text: &str| {
        let (user, group) = text.split_once(':')?;
        let id = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
        // 2^32 - 1 means "leave it" to chown(2).
        Some(Owner::Ids(id(user).filter(|id| *id < u32::MAX)?, id(group).filter(|id| *id < u32::MAX)?))
    };
    match written.text.as_str() {
        "root" => Some(Owner::Root),
        "keep" => Some(Owner::Keep),
        text => ids(text).or_else(|| {
            let label = super::keys::nearest(text, ["root", "keep"]);
            let label = label.map(|word| format!("did you mean `{word}`?")).unwrap_or_default();
            let message = format!("`owner` in {} must be root or keep or UID:GID, not `{}`", table.name, shown(text));
            table.bad_with(BAD_VALUE, &written.range, message, label);
            None
        }),
    }
}
