//! Findings in sentences: what is wrong, what each party has, what to do.

use super::finding::{Claim, Description, Finding, Owner, Party, type_name};
use super::{
    BACKSLASH, BASE_UNDER_PREFIX, Code, IMPLIED_DIR_ATTRS, IMPLIED_DIR_SETGID, IMPLIED_DIR_WHITEOUT, MTIME_DIFFERS,
    Severity, shared_state,
};
use crate::Kind;
use oci_merge_image::{LayerPath, shown};
use std::fmt;

/// How many names a sentence lists.
const NAMES_IN_A_SENTENCE: usize = 4;

impl Finding {
    /// What is wrong, in one sentence without a full stop, with every name escaped.
    pub fn message(&self) -> String {
        let path = &self.subject;
        let all = names(self.owners());
        let implied = || names(self.who(|claim| matches!(claim, Claim::Implied)));
        let explicit = || names(self.who(|claim| matches!(claim, Claim::Entry(_))));
        match (self.code, self.reason) {
            (Code::TwoWriters, _) => format!("{} write {path}", together(&self.owners())),
            (Code::Identical, Some(MTIME_DIFFERS)) => format!("{all} have the same {path}, but for its time"),
            (Code::Identical, _) => format!("{all} have the same {path}"),
            (Code::Kinds, _) => format!("{path} is {}", self.kinds()),
            (Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS)) => format!(
                "{} {} no entry for {path}, which is not a plain directory in {}",
                implied(),
                self.verb(&Claim::Implied, "has", "have"),
                explicit()
            ),
            (Code::DirectoryAttributes, Some(IMPLIED_DIR_SETGID)) => {
                let cause = self.parties.iter().find(|party| matches!(party.claim, Claim::Entry(_)));
                let above = cause.and_then(|party| party.at.clone()).unwrap_or_default();
                format!(
                    "{} {} no entry for {path}, and {above} above it is setgid in {}",
                    implied(),
                    self.verb(&Claim::Implied, "has", "have"),
                    explicit()
                )
            }
            (Code::DirectoryAttributes, _) => format!("{all} give the directory {path} different attributes"),
            (Code::OutsidePrefix, _) => {
                let prefix = self.parties.iter().find_map(|party| party.at.clone()).unwrap_or_default();
                format!("{all} writes {path} outside {prefix}")
            }
            (Code::ShadowBase, _) => {
                let layers = self.layers();
                format!(
                    "{} {} the base's {path}",
                    names(layers.clone()),
                    if layers.len() > 1 { "replace" } else { "replaces" }
                )
            }
            (Code::Deletion, Some(IMPLIED_DIR_WHITEOUT)) => self.deletion(),
            (Code::Deletion, _) => format!("{all} deletes {path}"),
            (Code::ThroughSymlink, _) => self.through(),
            (Code::SharedState, _) => format!("{} write {path}, which cannot be merged", together(&self.owners())),
            (Code::PrefixOverlap, Some(BASE_UNDER_PREFIX)) => {
                let prefix = self.parties.iter().find_map(|party| party.at.clone()).unwrap_or_default();
                format!("the base has {path} in {prefix}, the prefix of {}", names(self.layers()))
            }
            (Code::PrefixOverlap, _) => self.overlap(),
            (Code::CaseOnly, Some(BACKSLASH)) => format!("{all} has {path}, with a backslash in its name"),
            (Code::CaseOnly, _) => format!("{all} have {path} in different spellings"),
            (Code::UnusedException, _) => format!("the exception of {all} for {path} is not needed"),
            (Code::Archive, _) => format!("the archive of {all} is refused: {}", self.said()),
            (Code::BaseArchive, _) => format!("readers disagree about an archive of the base, {path}: {}", self.said()),
            (Code::Environment, _) => format!("{all} give {path} different values"),
            // What would not run; nothing makes a finding with another code.
            (code, _) => self.run_message().unwrap_or_else(|| format!("{all}: {} at {path}", code.key())),
        }
    }

    /// What to do about it: one sentence, or a few words, without a full stop.
    pub fn advice(&self) -> String {
        let path = &self.subject;
        let layers = names(self.layers());
        match (self.code, self.reason) {
            (Code::TwoWriters, _) => "leave it out of all layers but one, or agree on which copy counts".into(),
            (Code::Identical, _) => "nothing need be done; leaving it out of all layers but one saves its bytes".into(),
            (Code::Kinds, _) => "leave it out of all layers but one, or put it under the prefix of its layer".into(),
            (Code::DirectoryAttributes, None | Some(IMPLIED_DIR_ATTRS)) if self.is_root() => self.leave_the_root_out(),
            (Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS | IMPLIED_DIR_SETGID)) => {
                let implied = names(self.who(|claim| matches!(claim, Claim::Implied)));
                format!("give {implied} an entry for {path}, with the mode, owner and attributes that it has elsewhere")
            }
            (Code::DirectoryAttributes, _) if !self.adds_attributes_only() => {
                let uppermost = names(self.layers().last().copied().into_iter().collect());
                format!(
                    "give {path} the same extended attributes everywhere, or put what {uppermost} has in it elsewhere"
                )
            }
            (Code::DirectoryAttributes, _) => {
                format!("give {path} the same mode, owner and attributes everywhere, or leave it out")
            }
            (Code::OutsidePrefix, _) => {
                format!("put it under the prefix, leave it out, or name it in what {layers} owns")
            }
            (Code::ShadowBase, _) => "leave it out, or put the layer's own copy under its prefix".into(),
            (Code::Deletion, Some(IMPLIED_DIR_WHITEOUT)) => {
                format!("give {layers} an entry for {path}, before the entries in it")
            }
            (Code::Deletion, _) => "leave the whiteout out: a layer cannot delete what is not its own".into(),
            (Code::ThroughSymlink, _) => self.move_to_target(),
            (Code::SharedState, _) => "leave it out of the layers".into(),
            (Code::PrefixOverlap, Some(BASE_UNDER_PREFIX)) => {
                format!("give {layers} another prefix, or take a base without it")
            }
            (Code::PrefixOverlap, _) => "give each layer a directory of its own".into(),
            (Code::CaseOnly, Some(BACKSLASH)) => {
                "nothing need be done on Linux; elsewhere it may separate directories".into()
            }
            (Code::CaseOnly, _) if self.severity == Severity::Error => {
                "give one of them another name: where case or form does not count, one hides the other".into()
            }
            (Code::CaseOnly, _) => {
                "nothing need be done on Linux; where case or form does not count, one hides the other".into()
            }
            (Code::UnusedException, _) => "take it out, or it hides the next collision there".into(),
            (Code::Archive, Some("NOT_A_TAR")) => {
                "look at what it is, such as the error page of a web server, and fetch it again".into()
            }
            (Code::Archive, Some(reason)) if reason.ends_with("_TRUNCATED") => {
                "fetch it, or make it, again: this copy ends too early".into()
            }
            (Code::Archive, Some(reason)) if reason.starts_with("LIMIT") => {
                "if you trust its maker, raise that limit (--limit NAME=VALUE)".into()
            }
            (Code::Archive, _) => {
                "unpack it and give the directory, or ask its maker for an archive that all readers agree on".into()
            }
            (Code::BaseArchive, _) => "nothing need be done if the base works; its maker may want to know".into(),
            (Code::Environment, _) => format!("set {path} in one layer only, or in the config of the image"),
            (code, _) => self.run_advice().unwrap_or_else(|| format!("see {code}")),
        }
    }

    /// Why it matters, in a sentence or two with full stops, where that is not plain from the message.
    pub fn remark(&self) -> Option<String> {
        match (self.code, self.reason) {
            (Code::SharedState, _) => {
                let path = self.path().map(LayerPath::as_bytes).unwrap_or_default();
                let holds = shared_state::what(path).unwrap_or("the state of an image");
                let more = match path {
                    b"etc/ld.so.cache" => " A tool that needs its own libraries can have an rpath.",
                    _ => "",
                };
                Some(format!("It holds {holds}; each copy knows one layer's.{more}"))
            }
            (Code::DirectoryAttributes, None | Some(IMPLIED_DIR_ATTRS)) if self.is_root() => {
                Some("Some runtimes skip a layer's entry for the root, others apply it.".into())
            }
            (Code::DirectoryAttributes, None) if !self.adds_attributes_only() => Some(
                "Some runtimes take the attributes away that the uppermost does not have, others leave them.".into(),
            ),
            (Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS)) => Some(
                "Some runtimes make such a directory 0755 root:root, which hides the other; some take it over.".into(),
            ),
            (Code::DirectoryAttributes, Some(IMPLIED_DIR_SETGID)) => {
                Some("Which group the directory gets depends on the runtime.".into())
            }
            (Code::Deletion, Some(IMPLIED_DIR_WHITEOUT)) => {
                Some("containerd fails to unpack such an image; others make a directory of their own.".into())
            }
            (Code::ThroughSymlink, _) => {
                Some("Some runtimes write through the link, others put a directory in its place.".into())
            }
            _ => None,
        }
    }

    /// A layer needs no entry for the root; the base's own is the only one that may be odd.
    fn leave_the_root_out(&self) -> String {
        let explicit = self.who(|claim| matches!(claim, Claim::Entry(_)));
        let layers: Vec<&Owner> = explicit.into_iter().filter(|owner| **owner != Owner::Base).collect();
        match layers.is_empty() {
            true => format!("take a base without an access control list on {}", self.subject),
            false => format!("leave the entry for {} out of the archives of {}", self.subject, names(layers)),
        }
    }

    /// `a file in python and a directory in rust`, for up to a few parties.
    fn kinds(&self) -> String {
        let kind = |party: &Party| match &party.claim {
            Claim::Entry(description) => type_name(description.kind),
            _ => "directory",
        };
        let mut kinds: Vec<&'static str> = self.parties.iter().map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let of_kind = |wanted: &'static str| {
            let owners = self.parties.iter().filter(|party| kind(party) == wanted).map(|party| &party.owner);
            format!("a {wanted} in {}", names(owners.collect()))
        };
        join(kinds.into_iter().map(of_kind).collect())
    }

    fn through(&self) -> String {
        let is_symlink = |claim: &Claim| matches!(claim, Claim::Entry(entry) if entry.kind == Kind::Symlink);
        let below = self.who(|claim| !is_symlink(claim));
        let link = self.symlink().and_then(|entry| entry.target.as_deref()).unwrap_or_default();
        let verb = if below.len() > 1 { "have" } else { "has" };
        let linked = names(self.who(is_symlink));
        format!("{} {verb} a directory at {}, and {linked} a symlink to {}", names(below), self.subject, shown(link))
    }

    fn symlink(&self) -> Option<&Description> {
        self.parties.iter().find_map(|party| match &party.claim {
            Claim::Entry(entry) if entry.kind == Kind::Symlink => Some(&**entry),
            _ => None,
        })
    }

    /// The base's `/lib -> usr/lib`: what a layer has in `/lib` belongs in `/usr/lib`.
    fn move_to_target(&self) -> String {
        let target = self.symlink().and_then(|entry| entry.target.as_deref()).unwrap_or_default();
        let resolved = match target.first() {
            Some(b'/') => LayerPath::parse(target).ok(),
            _ => self
                .path()
                .and_then(LayerPath::parent)
                .zip(LayerPath::parse(target).ok())
                .and_then(|(parent, below)| parent.join(&below).ok()),
        };
        let layers: Vec<&Owner> = self.who(|claim| !matches!(claim, Claim::Entry(e) if e.kind == Kind::Symlink));
        let layers: Vec<&Owner> = layers.into_iter().filter(|owner| **owner != Owner::Base).collect();
        match resolved {
            Some(to) if !layers.is_empty() => {
                format!("move the files of {} in {} to {to}", names(layers), self.subject)
            }
            _ => format!("leave the symlink {} out, or move the files in it elsewhere", self.subject),
        }
    }

    fn deletion(&self) -> String {
        let path = &self.subject;
        let base = self.parties.iter().find(|party| party.owner == Owner::Base);
        let deed = match base.map(|party| (&party.claim, &party.at)) {
            Some((Claim::Replaced, Some(at))) => format!("once had something other than a directory at {at}"),
            Some((_, Some(at))) => format!("once deleted what was in {at}"),
            _ => "once deleted it".into(),
        };
        let layers = self.layers();
        let verb = if layers.len() > 1 { "have" } else { "has" };
        let late = self.parties.iter().any(|party| matches!(&party.claim, Claim::Entry(entry) if entry.late));
        let what = if late { "no entry in time" } else { "no entry" };
        format!("{} {verb} {what} for {path}, and the base {deed}", names(layers))
    }

    fn overlap(&self) -> String {
        let (inner, outer): (Vec<&Party>, Vec<&Party>) = self.parties.iter().partition(|party| party.at.is_none());
        let owners = |parties: &[&Party]| names(parties.iter().map(|party| &party.owner).collect());
        let outer_path = outer.first().and_then(|party| party.at.clone()).unwrap_or_default();
        if let Some(owns) = inner.iter().find(|party| party.claim == Claim::Owns) {
            let others: Vec<&Party> = self.parties.iter().filter(|party| party.claim == Claim::Prefix).collect();
            return format!("{} owns {}, which lies in the prefix of {}", owns.owner, self.subject, owners(&others));
        }
        match outer.is_empty() {
            true => format!("{} have the prefix {}", owners(&inner), self.subject),
            false => format!(
                "the prefix {} of {} lies in the prefix {outer_path} of {}",
                self.subject,
                owners(&inner),
                owners(&outer)
            ),
        }
    }

    /// What is said of an archive.
    fn said(&self) -> String {
        let said = self.parties.iter().find_map(|party| match &party.claim {
            Claim::Archive(text) => Some(text),
            _ => None,
        });
        said.map(ToString::to_string).unwrap_or_default()
    }

    fn layers(&self) -> Vec<&Owner> {
        self.owners().into_iter().filter(|owner| **owner != Owner::Base).collect()
    }

    fn who(&self, is_meant: impl Fn(&Claim) -> bool) -> Vec<&Owner> {
        let mut owners: Vec<&Owner> =
            self.parties.iter().filter(|party| is_meant(&party.claim)).map(|party| &party.owner).collect();
        owners.dedup();
        owners
    }

    fn verb(&self, claim: &Claim, one: &'static str, many: &'static str) -> &'static str {
        if self.who(|c| c == claim).len() > 1 { many } else { one }
    }
}

/// `a`, `a and b`, `a, b and c`; of many, the first few.
fn names(owners: Vec<&Owner>) -> String {
    let count = owners.len();
    let mut words: Vec<String> = owners.into_iter().map(Owner::to_string).collect();
    if count > NAMES_IN_A_SENTENCE + 1 {
        words.truncate(NAMES_IN_A_SENTENCE);
        words.push(format!("{} others", count - NAMES_IN_A_SENTENCE));
    }
    join(words)
}

fn together(owners: &[&Owner]) -> String {
    let all = names(owners.to_vec());
    if owners.len() == 2 { format!("both {all}") } else { all }
}

pub(super) fn join(mut words: Vec<String>) -> String {
    match words.pop() {
        Some(last) if !words.is_empty() => format!("{} and {last}", words.join(", ")),
        last => last.unwrap_or_default(),
    }
}

impl fmt::Display for Finding {
    /// The message, a line for each party, and what to do: several lines, the last without a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.code, self.message())?;
        if self.more > 0 {
            write!(f, " (and {} more)", self.more)?;
        }
        let width = self.parties.iter().map(|party| party.owner.to_string().chars().count()).max().unwrap_or(0);
        for party in &self.parties {
            write!(f, "\n     {:width$}   {}", party.owner.to_string(), party.claim)?;
            party.at.iter().try_for_each(|at| write!(f, " {at}"))?;
        }
        if let Some(survivor) = self.survivor() {
            write!(f, "\n     {survivor} is the uppermost, so its copy would be the one in the image.")?;
        }
        write!(f, "\n  fix: {}", self.advice())
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Claim::Entry(entry) => entry.fmt(f),
            Claim::Implied => f.write_str("implied directory"),
            Claim::Prefix => f.write_str("prefix"),
            Claim::Owns => f.write_str("owned path"),
            Claim::Deleted => f.write_str("whiteout"),
            Claim::Replaced => f.write_str("replaced"),
            Claim::Archive(text) => f.write_str(text),
            Claim::Value(value) => shown(&**value).fmt(f),
            Claim::Agreed => f.write_str("named by the exception"),
            Claim::Needs(files) => write!(f, "needed by {files}"),
            Claim::Links(files) | Claim::Programs(files) => files.fmt(f),
            Claim::Wins(files) => write!(f, "wins: {files}"),
            Claim::Hidden(files) => write!(f, "hidden: {files}"),
            Claim::Library => f.write_str("has it:"),
            Claim::Versions(_) => f.write_str("has the library:"),
            Claim::Names(1) => f.write_str("1 name in"),
            Claim::Names(count) => write!(f, "{count} names in"),
        }
    }
}

impl fmt::Display for Description {
    /// `file 0644 root:root  231 B  sha256:77d0c3…`, `symlink root:root -> usr/lib`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name(self.kind))?;
        if self.kind != Kind::Symlink {
            write!(f, " {:04o}", self.mode)?;
        }
        match (self.uid, self.gid) {
            (0, 0) => f.write_str(" root:root")?,
            (uid, gid) => write!(f, " {uid}:{gid}")?,
        }
        self.size.iter().try_for_each(|size| write!(f, "  {size} B"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "  {}…", digest.short()))?;
        self.target.iter().try_for_each(|target| write!(f, " -> {}", shown(target)))?;
        if !self.xattrs.is_empty() {
            let names: Vec<_> = self.xattrs.iter().map(|name| shown(name).to_string()).collect();
            write!(f, " xattrs {}", names.join(", "))?;
        }
        if self.link_count > 1 {
            let names: Vec<_> = self.links.iter().map(LayerPath::to_string).collect();
            write!(f, ", {} names: {}", self.link_count, names.join(", "))?;
            if self.link_count > self.links.len() as u64 {
                f.write_str(", …")?;
            }
        }
        if self.late {
            f.write_str(", after an entry in it")?;
        }
        Ok(())
    }
}
