//! The rules once more, slow and simple, pair by pair as the design's page on collisions has them (sections 3, 4 and 7),
//! so that each can be left out: the property test has to find out.
//!
//! Shares nothing with the check but the words for its findings. Above 400 lines because the rules are one page.

use super::sets::{Set, Sheet, Verdict};
use crate::check::{Code, IMPLIED_DIR_ATTRS, IMPLIED_DIR_SETGID, IMPLIED_DIR_WHITEOUT};
use crate::{Body, Entry, Kind, Xattrs};
use std::collections::{BTreeMap, BTreeSet};

/// Each thing that a rule compares or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rule {
    // Section 3: within one layer.
    Duplicate,
    ThroughSymlink,
    ParentNotDirectory,
    HardLinkTarget,
    HardLinkMode,
    HardLinkOwner,
    // Sections 2 and 7: what a layer may not hold.
    Whiteout,
    OpaqueMarker,
    AccessControlList,
    // Section 4: the table, row by row.
    DirectoryMode,
    DirectoryOwner,
    DirectoryXattrs,
    DirectoryOrFile,
    DirectoryOrSymlink,
    DirectoryOrFifo,
    ImpliedOrFile,
    ImpliedOrSymlink,
    ImpliedOrFifo,
    FileContent,
    FileMode,
    FileOwner,
    FileXattrs,
    FileLinks,
    FileOrSymlink,
    FileOrFifo,
    SymlinkTarget,
    SymlinkOwner,
    SymlinkXattrs,
    SymlinkLinks,
    SymlinkOrFifo,
    FifoMode,
    FifoOwner,
    FifoXattrs,
    FifoLinks,
    // Implied against explicit directories.
    ImpliedOfLayer,
    ImpliedOfBase,
    /// Every layer of the base counts, not only its tree.
    ImpliedOfOnceBase,
    // Whiteouts in the base.
    Deleted,
    BelowOpaque,
    BelowReplaced,
    /// A directory whose own entry comes too late counts as implied.
    Late,
    // Setgid.
    Setgid,
    SetgidOfOwn,
    SetgidRoot,
    // The root entry.
    Roots,
    RootOfOne,
    RootAccessControlList,
}

impl Rule {
    pub(super) const ALL: [Rule; 47] = {
        use Rule::*;
        [
            Duplicate,
            ThroughSymlink,
            ParentNotDirectory,
            HardLinkTarget,
            HardLinkMode,
            HardLinkOwner,
            Whiteout,
            OpaqueMarker,
            AccessControlList,
            DirectoryMode,
            DirectoryOwner,
            DirectoryXattrs,
            DirectoryOrFile,
            DirectoryOrSymlink,
            DirectoryOrFifo,
            ImpliedOrFile,
            ImpliedOrSymlink,
            ImpliedOrFifo,
            FileContent,
            FileMode,
            FileOwner,
            FileXattrs,
            FileLinks,
            FileOrSymlink,
            FileOrFifo,
            SymlinkTarget,
            SymlinkOwner,
            SymlinkXattrs,
            SymlinkLinks,
            SymlinkOrFifo,
            FifoMode,
            FifoOwner,
            FifoXattrs,
            FifoLinks,
            ImpliedOfLayer,
            ImpliedOfBase,
            ImpliedOfOnceBase,
            Deleted,
            BelowOpaque,
            BelowReplaced,
            Late,
            Setgid,
            SetgidOfOwn,
            SetgidRoot,
            Roots,
            RootOfOne,
            RootAccessControlList,
        ]
    };
}

/// All rules, or all but one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RuleSet {
    pub(super) without: Option<Rule>,
}

type Path = Vec<u8>;
type Findings = BTreeSet<(Code, Option<&'static str>)>;

#[derive(Clone)]
struct Node {
    kind: Kind,
    mode: u16,
    owner: (u32, u32),
    xattrs: Xattrs,
    /// Content or target.
    data: Vec<u8>,
    /// All names of the inode, if there are several.
    links: BTreeSet<Path>,
}

/// What one owner claims: the base, or a layer.
#[derive(Default)]
struct Owner {
    nodes: BTreeMap<Path, Node>,
    implied: BTreeSet<Path>,
    late: BTreeSet<Path>,
    root: Option<Node>,
}

/// What the base's layers had, and its tree does not show.
#[derive(Default)]
struct History {
    directories: Vec<(Path, Node)>,
    others: BTreeSet<Path>,
    deleted: BTreeSet<Path>,
    opaque: BTreeSet<Path>,
}

struct Refused;

impl RuleSet {
    fn says(self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    pub(super) fn verdict(self, set: &Set) -> Verdict {
        let Ok((base, history)) = self.base(&set.base) else { return Verdict::Refused };
        let layers = set.layers.iter().map(|sheet| self.layer(sheet)).collect::<Result<Vec<_>, _>>();
        let Ok(layers) = layers else { return Verdict::Refused };
        let mut findings = Findings::new();
        for (n, layer) in layers.iter().enumerate() {
            self.pair(&base, layer, true, &mut findings);
            layers[..n].iter().for_each(|other| self.pair(other, layer, false, &mut findings));
            self.against_history(&base, &history, layer, &mut findings);
        }
        self.setgid(&base, &layers, &mut findings);
        self.roots(&base, &layers, &mut findings);
        Verdict::Judged(findings)
    }

    // --- one layer

    fn layer(self, sheet: &Sheet) -> Result<Owner, Refused> {
        let refuse = |rule: Rule, is_so: bool| if is_so && self.says(rule) { Err(Refused) } else { Ok(()) };
        for (_, name) in sheet.whiteouts() {
            refuse(if name.is_some() { Rule::Whiteout } else { Rule::OpaqueMarker }, true)?;
        }
        let has_list = |entry: &Entry| entry.xattrs.iter().any(|(name, _)| name.starts_with(b"system.posix_acl_"));
        refuse(Rule::AccessControlList, sheet.entries().any(|(entry, _)| has_list(entry)))?;
        self.read(sheet)
    }

    fn read(self, sheet: &Sheet) -> Result<Owner, Refused> {
        let refuse = |rule: Rule, is_so: bool| if is_so && self.says(rule) { Err(Refused) } else { Ok(()) };
        let mut owner = Owner::default();
        let mut first_names: BTreeMap<Path, Path> = BTreeMap::new();
        for (entry, content) in sheet.entries() {
            let path = entry.path.as_bytes().to_vec();
            let mut node = Node::of(entry, content);
            if path.is_empty() {
                refuse(Rule::Duplicate, owner.root.replace(node).is_some())?;
                continue;
            }
            refuse(Rule::Duplicate, owner.nodes.contains_key(&path))?;
            let under =
                |kind: Kind| if kind == Kind::Symlink { Rule::ThroughSymlink } else { Rule::ParentNotDirectory };
            for above in ancestors(&path) {
                let kind = owner.nodes.get(above).map(|node| node.kind).filter(|&kind| kind != Kind::Directory);
                kind.map_or(Ok(()), |kind| refuse(under(kind), true))?;
                owner.implied.insert(above.to_vec());
            }
            if owner.implied.contains(&path) {
                let kind = if matches!(entry.body, Body::Symlink { .. }) { Kind::Symlink } else { node.kind };
                refuse(under(kind), node.kind != Kind::Directory)?;
                owner.late.insert(path.clone());
            }
            let mut first = path.clone();
            if let Body::HardLink { target } = &entry.body {
                let target = target.as_bytes();
                let known = owner.nodes.get(target).filter(|known| known.kind != Kind::Directory);
                refuse(Rule::HardLinkTarget, known.is_none() || target == path)?;
                if let Some(known) = known {
                    refuse(Rule::HardLinkMode, known.kind != Kind::Symlink && known.mode != node.mode)?;
                    refuse(Rule::HardLinkOwner, known.owner != node.owner)?;
                    // What an attribute of the link entry does is not modelled.
                    if !node.xattrs.is_empty() && node.xattrs != known.xattrs {
                        return Err(Refused);
                    }
                    node = known.clone();
                    first = first_names.get(target).cloned().unwrap_or_default();
                }
            }
            first_names.insert(path.clone(), first);
            owner.nodes.insert(path, node);
        }
        let mut groups: BTreeMap<&Path, BTreeSet<Path>> = BTreeMap::new();
        for (path, first) in &first_names {
            groups.entry(first).or_default().insert(path.clone());
        }
        for group in groups.into_values().filter(|group| group.len() > 1) {
            for path in &group {
                owner.nodes.get_mut(path).unwrap().links.clone_from(&group);
            }
        }
        let Owner { nodes, implied, .. } = &mut owner;
        implied.retain(|path| !nodes.contains_key(path));
        Ok(owner)
    }

    /// The tree that a base's layers leave, and what they had before.
    fn base(self, sheets: &[Sheet]) -> Result<(Owner, History), Refused> {
        let (mut base, mut history) = (Owner::default(), History::default());
        for sheet in sheets {
            for (directory, name) in sheet.whiteouts() {
                let (path, itself) = match name {
                    Some(name) => (joined(&directory, &name), true),
                    None => (directory, false),
                };
                let stays = |p: &Path| !(is_below(p, &path) || itself && *p == path);
                base.nodes.retain(|p, _| stays(p));
                base.implied.retain(stays);
                if itself {
                    history.deleted.insert(path)
                } else {
                    history.opaque.insert(path)
                };
            }
            // A base has no rules of its own to break here.
            let owner = RuleSet::default().read(sheet)?;
            for path in owner.implied {
                if base.nodes.get(&path).is_none_or(|node| node.kind != Kind::Directory) {
                    base.nodes.remove(&path);
                    base.implied.insert(path);
                }
            }
            for (path, node) in owner.nodes {
                if node.kind == Kind::Directory {
                    history.directories.push((path.clone(), node.clone()));
                } else {
                    base.nodes.retain(|p, _| !is_below(p, &path));
                    base.implied.retain(|p| !is_below(p, &path));
                    history.others.insert(path.clone());
                }
                base.implied.remove(&path);
                base.nodes.insert(path, node);
            }
            base.root = owner.root.or(base.root);
        }
        // In the tree it is a claim of its own.
        history.others.retain(|path| base.nodes.get(path).is_none_or(|node| node.kind == Kind::Directory));
        Ok((base, history))
    }

    // --- two owners

    fn pair(self, a: &Owner, b: &Owner, with_base: bool, findings: &mut Findings) {
        for (path, one) in &a.nodes {
            if let Some(other) = b.nodes.get(path).filter(|other| self.collide(one, other)) {
                findings.insert((code(one, other, with_base), None));
            }
        }
        for (explicit, implied, of_base) in [(a, b, with_base), (b, a, false)] {
            for (_, node) in explicit.nodes.iter().filter(|(path, _)| implied.implied.contains(*path)) {
                let (rule, finding) = match node.kind {
                    Kind::Directory if node.is_plain() => continue,
                    Kind::Directory => {
                        let rule = if of_base { Rule::ImpliedOfBase } else { Rule::ImpliedOfLayer };
                        (rule, (Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS)))
                    }
                    Kind::Symlink => (Rule::ImpliedOrSymlink, (Code::ThroughSymlink, None)),
                    Kind::Fifo => (Rule::ImpliedOrFifo, (Code::Kinds, None)),
                    _ => (Rule::ImpliedOrFile, (Code::Kinds, None)),
                };
                findings.extend(self.says(rule).then_some(finding));
            }
        }
    }

    fn collide(self, a: &Node, b: &Node) -> bool {
        use Kind::{Directory, Fifo, File, Symlink};
        use Rule::*;
        let all = |rules: &[(Rule, bool)]| rules.iter().any(|&(rule, differs)| differs && self.says(rule));
        let (owner, xattrs) = (a.owner != b.owner, a.xattrs != b.xattrs);
        let (mode, data, links) = (a.mode != b.mode, a.data != b.data, a.links != b.links);
        match (a.kind.min(b.kind), a.kind.max(b.kind)) {
            (Directory, Directory) => all(&[(DirectoryMode, mode), (DirectoryOwner, owner), (DirectoryXattrs, xattrs)]),
            (File, File) => all(&[
                (FileContent, data),
                (FileMode, mode),
                (FileOwner, owner),
                (FileXattrs, xattrs),
                (FileLinks, links),
            ]),
            (Symlink, Symlink) => {
                all(&[(SymlinkTarget, data), (SymlinkOwner, owner), (SymlinkXattrs, xattrs), (SymlinkLinks, links)])
            }
            (Fifo, Fifo) => all(&[(FifoMode, mode), (FifoOwner, owner), (FifoXattrs, xattrs), (FifoLinks, links)]),
            kinds => {
                let is = |one, other| kinds == (Kind::min(one, other), Kind::max(one, other));
                let rules = [
                    (DirectoryOrFile, is(Directory, File)),
                    (DirectoryOrSymlink, is(Directory, Symlink)),
                    (DirectoryOrFifo, is(Directory, Fifo)),
                    (FileOrSymlink, is(File, Symlink)),
                    (FileOrFifo, is(File, Fifo)),
                    (SymlinkOrFifo, is(Symlink, Fifo)),
                ];
                assert!(rules.iter().any(|(_, is)| *is));
                all(&rules)
            }
        }
    }

    /// Directories that a runtime makes by itself, against what the base once had.
    fn against_history(self, base: &Owner, history: &History, layer: &Owner, findings: &mut Findings) {
        let odd = history.directories.iter().filter(|(_, node)| !node.is_plain());
        let is_ghost = |path: &Path, node: &Node| base.nodes.get(path).is_none_or(|now| !now.is_same_directory(node));
        let mut ghosts = odd.filter(|(path, node)| is_ghost(path, node) && layer.implied.contains(path));
        if self.says(Rule::ImpliedOfOnceBase) && ghosts.next().is_some() {
            findings.insert((Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS)));
        }
        let late = layer.late.iter().filter(|_| self.says(Rule::Late));
        for path in layer.implied.iter().chain(late) {
            let below = |all: &BTreeSet<Path>| ancestors(path).chain([&[][..]]).any(|above| all.contains(above));
            let rules = [
                (Rule::Deleted, history.deleted.contains(path) || below(&history.deleted)),
                (Rule::BelowOpaque, below(&history.opaque)),
                (Rule::BelowReplaced, below(&history.others)),
            ];
            if rules.iter().any(|&(rule, is_so)| is_so && self.says(rule)) {
                findings.insert((Code::Deletion, Some(IMPLIED_DIR_WHITEOUT)));
            }
        }
    }

    fn setgid(self, base: &Owner, layers: &[Owner], findings: &mut Findings) {
        for (n, layer) in layers.iter().enumerate() {
            let others = layers.iter().enumerate().filter(|(m, _)| *m != n).map(|(_, other)| other).chain([base]);
            let others: Vec<&Owner> = others.collect();
            let is_set = |owner: &Owner, path: &[u8]| owner.nodes.get(path).is_some_and(Node::is_setgid);
            let by_root = |owner: &Owner| owner.root.as_ref().is_some_and(Node::is_setgid);
            for path in &layer.implied {
                let mut above = ancestors(path);
                let (own, other) = above.by_ref().fold((false, false), |(own, other), above| {
                    (own | is_set(layer, above), other | others.iter().any(|owner| is_set(owner, above)))
                });
                let root = by_root(layer) || others.iter().any(|owner| by_root(owner));
                let below = own && self.says(Rule::SetgidOfOwn) || other;
                if below && self.says(Rule::Setgid) || root && self.says(Rule::SetgidRoot) {
                    findings.insert((Code::DirectoryAttributes, Some(IMPLIED_DIR_SETGID)));
                }
            }
        }
    }

    fn roots(self, base: &Owner, layers: &[Owner], findings: &mut Findings) {
        let plain = Node::plain();
        let base = base.root.as_ref().unwrap_or(&plain);
        let roots: Vec<&Node> = layers.iter().filter_map(|layer| layer.root.as_ref()).collect();
        let differ = |a: &Node, b: &Node| !a.is_same_directory(b);
        if roots.iter().any(|root| differ(root, base)) && self.says(Rule::Roots) {
            findings.insert((Code::DirectoryAttributes, None));
        }
        let without = roots.len() < layers.len();
        let odd = roots.iter().any(|root| !root.is_plain());
        let list = base.xattrs.iter().any(|(name, _)| name.starts_with(b"system.posix_acl_"));
        if without && (odd && self.says(Rule::RootOfOne) || list && self.says(Rule::RootAccessControlList)) {
            findings.insert((Code::DirectoryAttributes, Some(IMPLIED_DIR_ATTRS)));
        }
    }
}

/// How the check calls a collision of two entries.
fn code(a: &Node, b: &Node, with_base: bool) -> Code {
    let has = |kind: Kind| a.kind == kind || b.kind == kind;
    match (has(Kind::Directory), a.kind == b.kind) {
        (true, true) => Code::DirectoryAttributes,
        (true, false) if has(Kind::Symlink) => Code::ThroughSymlink,
        (true, false) => Code::Kinds,
        (false, _) if with_base => Code::ShadowBase,
        (false, true) => Code::TwoWriters,
        (false, false) => Code::Kinds,
    }
}

impl Node {
    fn plain() -> Node {
        let (owner, xattrs) = ((0, 0), Xattrs::new());
        Node { kind: Kind::Directory, mode: 0o755, owner, xattrs, data: Vec::new(), links: BTreeSet::new() }
    }

    fn of(entry: &Entry, content: &[u8]) -> Node {
        let (kind, data) = match &entry.body {
            Body::Directory => (Kind::Directory, Vec::new()),
            Body::File { .. } | Body::HardLink { .. } => (Kind::File, content.to_vec()),
            Body::Symlink { target } => (Kind::Symlink, target.clone()),
            Body::Fifo => (Kind::Fifo, Vec::new()),
            Body::CharDevice | Body::BlockDevice => unreachable!("the sets have no devices"),
        };
        let (mode, owner) = (if kind == Kind::Symlink { 0 } else { entry.mode }, (entry.uid, entry.gid));
        Node { kind, mode, owner, xattrs: entry.xattrs.clone(), data, links: BTreeSet::new() }
    }

    fn is_same_directory(&self, other: &Node) -> bool {
        let told = |node: &Node| (node.kind, node.mode, node.owner, node.xattrs.clone());
        told(self) == told(other)
    }

    fn is_plain(&self) -> bool {
        self.is_same_directory(&Node::plain())
    }

    fn is_setgid(&self) -> bool {
        self.kind == Kind::Directory && self.mode & 0o2000 != 0
    }
}

/// The proper ancestors below the root.
fn ancestors(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| &path[..end])
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.starts_with(b"/"))
}

fn joined(directory: &[u8], name: &[u8]) -> Path {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}
