//! What to do about a finding: as commands that can be pasted, or in words where no command helps.

use super::cover::Cover;
use super::{Place, pattern, shell};
use oci_merge_image::{LayerPath, shown};
use oci_merge_layer::Kind;
use oci_merge_layer::check::{Claim, Code, Finding, Owner, Party};
use serde::Serialize;
use std::collections::BTreeMap;

/// One way to mend a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fix {
    /// What it does, in words; all there is to it if there is no command.
    pub title: String,
    /// The words of the command, each as the program gets it. `TEXT` in it stands for what only the user knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
}

impl Fix {
    /// The command as a line for a POSIX shell, quoted where that is needed; `None` if there is none.
    pub fn shell(&self) -> Option<String> {
        (!self.command.is_empty()).then(|| shell::line(&self.command))
    }
}

/// Files that a shell reads when it starts.
const PROFILES: [&[u8]; 7] =
    [b".profile", b".bash_profile", b".bashrc", b".zprofile", b".zshenv", b".zshrc", b"config.fish"];

/// What fixes depend on besides the finding.
pub(super) struct Means<'a> {
    /// The program with the options that find the spec again; `None` if no file is there to be edited.
    pub(super) program: Option<&'a [String]>,
    /// The layers of the spec.
    pub(super) places: &'a BTreeMap<String, Place>,
}

/// What is left out to mend a finding, and of whom: what it is about, of all; of names in different spellings, that of the
/// uppermost.
pub(super) fn left_out(finding: &Finding) -> Option<(&LayerPath, Option<&Owner>)> {
    match (finding.code(), finding.parties().last()) {
        (Code::CaseOnly, Some(Party { owner, at: Some(at), .. })) => Some((at, Some(owner))),
        _ => finding.path().map(|path| (path, None)),
    }
}

/// The ways to mend findings with one cause, of which this is the first, at the paths that are covered.
pub(super) fn fixes(finding: &Finding, cover: &Cover, means: &Means<'_>) -> Vec<Fix> {
    let words = Fix { title: finding.advice(), command: Vec::new() };
    let (Some(program), Some(path)) = (means.program, finding.path()) else { return vec![words] };
    let maker = Maker { finding, path, cover, program, places: means.places };
    let mut fixes = match (finding.code(), finding.reason()) {
        (Code::TwoWriters, _) => {
            vec![maker.stop_the_installer(), maker.leave_out(maker.strangers()), maker.agree()]
        }
        (Code::Identical, _) => vec![maker.leave_out(maker.all_but_one())],
        (Code::SharedState, _) => vec![maker.leave_out(maker.layers(|_| true))],
        (Code::ShadowBase, _) => vec![maker.leave_out(maker.layers(|_| true)), maker.agree()],
        (Code::OutsidePrefix, _) if !maker.is_refused() => {
            vec![maker.stop_the_installer(), maker.leave_out(maker.layers(|_| true)), maker.own()]
        }
        (Code::Kinds, _) => vec![maker.leave_out(maker.of_another_kind())],
        (Code::ThroughSymlink, _) => vec![Some(words.clone()), maker.leave_out(maker.of_another_kind())],
        (Code::Deletion, _) if !maker.is_refused() => {
            vec![Some(words.clone()), maker.leave_out(maker.layers(|_| true))]
        }
        (Code::DanglingLink, _) => vec![Some(words.clone()), maker.leave_links_out()],
        (Code::CaseOnly, _) => vec![Some(words.clone()), maker.leave_out_one_spelling()],
        (Code::DirectoryAttributes, _) if path.is_root() => vec![maker.repack_without_root()],
        (Code::DirectoryAttributes, None) => vec![Some(words.clone()), maker.agree()],
        _ => Vec::new(),
    };
    if fixes.iter().all(Option::is_none) {
        fixes.push(Some(words));
    }
    fixes.into_iter().flatten().collect()
}

struct Maker<'a> {
    finding: &'a Finding,
    path: &'a LayerPath,
    cover: &'a Cover,
    program: &'a [String],
    places: &'a BTreeMap<String, Place>,
}

impl<'a> Maker<'a> {
    /// What a shell reads when it starts is written by installers that put their tool on PATH, as `path` does already.
    fn stop_the_installer(&self) -> Option<Fix> {
        let is_profile = self.path.name().is_some_and(|name| PROFILES.contains(&name));
        let title =
            "stop the installer from editing it, as with rustup-init --no-modify-path; path and env do the same";
        is_profile.then(|| Fix { title: title.into(), command: Vec::new() })
    }

    /// The layers that take part with such a claim, the lowest first, each once.
    fn layers(&self, is_meant: impl Fn(&Claim) -> bool) -> Vec<&'a str> {
        let parties =
            self.finding.parties().iter().filter(|party| party.owner != Owner::Base && is_meant(&party.claim));
        let mut layers: Vec<&str> = parties.map(|party| party.owner.name()).collect();
        layers.dedup();
        layers
    }

    /// All layers; or if the path lies in the prefix of one, all but that one.
    fn strangers(&self) -> Vec<&'a str> {
        let all = self.layers(|_| true);
        let others: Vec<&str> = all.iter().copied().filter(|layer| !self.is_home(layer)).collect();
        if others.is_empty() { all } else { others }
    }

    /// All layers but one: that in whose prefix the path lies, else the uppermost; all, if the base has it as well.
    fn all_but_one(&self) -> Vec<&'a str> {
        let mut layers = self.strangers();
        let has_base = self.finding.parties().iter().any(|party| party.owner == Owner::Base);
        if !has_base && layers.len() == self.layers(|_| true).len() {
            layers.pop();
        }
        layers
    }

    /// Of a path that is several kinds of things, the layers that have another kind than the one that stays: the base's,
    /// else that of the layer in whose prefix it lies, else a directory.
    fn of_another_kind(&self) -> Vec<&'a str> {
        let kind = |claim: &Claim| match claim {
            Claim::Entry(entry) => entry.kind,
            _ => Kind::Directory,
        };
        let parties = self.finding.parties();
        let of =
            |is_meant: &dyn Fn(&Owner) -> bool| parties.iter().find(|p| is_meant(&p.owner)).map(|p| kind(&p.claim));
        let stays = of(&|owner| *owner == Owner::Base).or_else(|| of(&|owner| self.is_home(owner.name())));
        let stays = stays.unwrap_or(Kind::Directory);
        self.layers(|claim| kind(claim) != stays)
    }

    fn is_home(&self, layer: &str) -> bool {
        self.prefix(layer).is_some_and(|prefix| self.path.is_within(&prefix))
    }

    fn prefix(&self, layer: &str) -> Option<LayerPath> {
        LayerPath::parse(self.places.get(layer)?.prefix.as_bytes()).ok()
    }

    /// Whether the archive itself was refused, so that nothing can be left out of it.
    fn is_refused(&self) -> bool {
        let mut parties = self.finding.parties().iter().filter(|party| party.owner != Owner::Base);
        parties.any(|party| matches!(party.claim, Claim::Archive(_) | Claim::Deleted))
    }

    fn command(&self, verb: &str, words: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
        let verb = std::iter::once(verb.to_owned());
        self.program.iter().cloned().chain(verb).chain(words.into_iter().map(Into::into)).collect()
    }

    fn leave_out(&self, layers: Vec<&str>) -> Option<Fix> {
        let all = self.layers(|_| true);
        let title = match &layers[..] {
            [] => return None,
            [_] if all.len() == 1 => "leave it out".to_owned(),
            some if some.len() < all.len() => format!("leave it out of {}", shown(&some.join(", "))),
            _ => "leave it out of the layers".to_owned(),
        };
        if let Some(kept) = layers.iter().find(|layer| self.places.get(**layer).is_some_and(|place| place.is_kept)) {
            let title = format!("take `keep` out of {}'s source, and leave it out", shown(kept));
            return Some(Fix { title, command: Vec::new() });
        }
        let patterns = self.cover.patterns.iter().map(String::as_str);
        let command = self.command("exclude", layers.iter().copied().chain(patterns));
        Some(Fix { title: title + &self.others(), command })
    }

    /// An archive with an odd entry for the root is packed again, without it, unless its bytes must be kept.
    fn repack_without_root(&self) -> Option<Fix> {
        let is_odd = |claim: &Claim| match claim {
            Claim::Entry(root) => (root.mode, root.uid, root.gid) != (0o755, 0, 0) || !root.xattrs.is_empty(),
            _ => false,
        };
        let odd = self.layers(is_odd);
        let is_kept = |layer: &&str| self.places.get(*layer).is_some_and(|place| place.is_kept);
        if odd.is_empty() || odd != self.layers(|claim| matches!(claim, Claim::Entry(_))) || !odd.iter().all(is_kept) {
            return None;
        }
        let (sources, it_has) = if odd.len() == 1 { ("source", "it has") } else { ("sources", "they have") };
        let layers = shown(&odd.join(", ")).to_string();
        let title = format!("take `keep` out of the {sources} of {layers}: packed again, {it_has} no entry for /");
        Some(Fix { title, command: Vec::new() })
    }

    /// What else would be left out.
    fn others(&self) -> String {
        match self.cover.others {
            0 => String::new(),
            1 => ", with one other file".to_owned(),
            others => format!(", with {others} other files"),
        }
    }

    /// The links themselves, if all of them are known.
    fn leave_links_out(&self) -> Option<Fix> {
        let party = self.finding.parties().first()?;
        let links = match &party.claim {
            Claim::Links(files) if files.count <= 8 => &files.first,
            _ => return None,
        };
        let layer = party.owner.name();
        if self.places.get(layer).is_none_or(|place| place.is_kept) {
            return None;
        }
        let words = std::iter::once(layer.to_owned()).chain(links.iter().map(pattern::of));
        Some(Fix { title: "leave it out".into(), command: self.command("exclude", words) })
    }

    /// The uppermost of several names that differ in their spelling; none if it is the base's, or they are one layer's.
    fn leave_out_one_spelling(&self) -> Option<Fix> {
        let party = self.finding.parties().last().filter(|party| party.owner != Owner::Base)?;
        let at = party.at.as_ref()?;
        if self.prefix(party.owner.name()).is_some_and(|prefix| prefix.is_within(at)) {
            // All of the layer lies there.
            let title = format!("give {} another prefix", shown(party.owner.name()));
            return Some(Fix { title, command: Vec::new() });
        }
        let fix = self.leave_out(vec![party.owner.name()])?;
        let title = match fix.command.is_empty() {
            true => fix.title,
            false => format!("leave {}'s out{}", shown(party.owner.name()), self.others()),
        };
        Some(Fix { title, ..fix })
    }

    /// Unless it lies in the prefix of another layer: two that own one path are a finding of their own.
    fn own(&self) -> Option<Fix> {
        let layer = self.finding.parties().first()?.owner.name();
        let mut others = self.places.keys().filter(|other| *other != layer);
        if others.any(|other| self.is_home(other)) {
            return None;
        }
        let patterns = self.cover.patterns.iter().map(String::as_str);
        let command = self.command("own", [layer].into_iter().chain(patterns));
        Some(Fix { title: format!("let {} own it", shown(layer)), command })
    }

    fn agree(&self) -> Option<Fix> {
        let winner = self.finding.survivor()?.name();
        let owners: Vec<&str> = self.finding.owners().into_iter().map(Owner::name).collect();
        let mut words: Vec<&str> = self.cover.patterns.iter().map(String::as_str).collect();
        words.extend(["--winner", winner]);
        // Of a spec with two layers, it is clear which are meant.
        if self.places.len() != 2 || owners.len() != 2 || owners.contains(&Owner::Base.name()) {
            words.push("--layers");
            words.extend(owners);
        }
        words.extend(["--reason", "TEXT"]);
        let title = match self.finding.code() {
            Code::DirectoryAttributes => "say whose attributes count",
            _ => "say which copy you want",
        };
        Some(Fix { title: title.into(), command: self.command("allow", words) })
    }
}
