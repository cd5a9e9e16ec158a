//! The check: whether layers can be stacked on a base in any order, by any runtime, with one result.
//!
//! Works on path indexes, never on contents: claims of the base and of every layer are walked in the order of their
//! paths, and what stands side by side is compared (design: collisions, sections 3 to 8). If [`check`] is clean, every
//! order of the layers gives the same root filesystem, and so does every way of unpacking them.
//!
//! # Which finding it is
//!
//! For two claims on one path that are not benign. *Copy* is anything but a directory; *file* is any copy but a symlink.
//!
//! | | layer with layer | base with layer |
//! |---|---|---|
//! | directory, directory: mode, owner, xattrs differ | OM0204 | OM0204 |
//! | implied directory, directory: not 0755 0:0 without xattrs | OM0204 `IMPLIED_DIR_ATTRS` | OM0204 `IMPLIED_DIR_ATTRS` |
//! | directory or implied directory, symlink | OM0208 | OM0208 |
//! | directory or implied directory, file | OM0203 | OM0203 |
//! | copy, copy: of different kinds | OM0203 | OM0206 |
//! | copy, copy: of one kind, not identical | OM0201 | OM0206 |
//! | the last row, and of the row before it that with the base, for a file that describes the whole image | OM0210 | OM0210 |
//! | copy, copy: identical | OM0202 | OM0202 |
//!
//! OM0206 rather than OM0203 for a layer's copy over the base's, because the layer always lies above the base and every
//! runtime replaces one copy by another: a policy may allow it. A directory in place of a copy, or a copy in place of a
//! directory, is another matter. Copies are identical if kind, mode, owner, xattrs, content (by SHA-256), link target
//! and the names of the inode are; a file of which only the time differs is OM0202 with the reason `mtime-differs`.
//!
//! Apart from the table:
//!
//! | | |
//! |---|---|
//! | an implied directory below a setgid one, its own layer's included | OM0204 `IMPLIED_DIR_SETGID` |
//! | an implied directory, or one whose header comes too late, at or below what the base once deleted, below what it once replaced | OM0207 `IMPLIED_DIR_WHITEOUT` |
//! | a whiteout in a layer | OM0207 `TAR_WHITEOUT` |
//! | the entry for the root: differs from another's or the base's; is not plain, or the base's has an access control list, and another layer has none | OM0204; OM0204 `IMPLIED_DIR_ATTRS` |
//! | an entry outside the prefix and what the layer owns; unless the same path is an error by the table | OM0205 `TOOL_OUTSIDE_PREFIX` |
//! | prefixes that are equal or nested, what one layer owns in the prefix of another; unless one needs the other | OM0211 |
//! | anything of the base below a prefix (other than `/opt` itself) | OM0211 `BASE_UNDER_PREFIX` |
//! | names of two owners that differ in case or in the form of Unicode only; a backslash in a name | OM0209 |
//! | an exception, or what a layer overrides, that nothing needs any more | OM0212 |
//!
//! Every path with a conflict is told once a code and reason, with all who take part. Implied directories with one cause
//! are told together, by the outermost of them: a small layer may imply millions.

mod agreed;
mod archive;
mod base;
mod claims;
mod code;
mod commands;
mod environment;
mod files;
mod finding;
mod implied;
mod json;
mod landmarks;
mod links;
mod merge;
mod owns;
mod policy;
mod prefix;
mod root;
mod run;
mod shared_state;
mod spelling;
mod table;
mod through;
mod told;
mod user;
mod words;

#[cfg(test)]
mod tests;

pub use agreed::{Agreed, Agreement};
pub use base::BaseView;
pub use code::{Code, Level, Severity};
pub use commands::HIDES_NEEDED;
pub use files::Files;
pub use finding::{Claim, Description, Finding, Owner, Party};
pub use owns::{Owns, OwnsError};
pub use policy::{Policy, PolicyError};
pub use run::{
    LIBRARY_NOT_SEARCHED, LINK_LOOP, LOOKUPS_EXHAUSTED, NOT_EXECUTABLE, OTHER_LIBC, System, missing_directories,
    would_run,
};
pub use user::UNKNOWN_GROUP;

use crate::LayerIndex;
use base::is_plain;
use claims::Claims;
use landmarks::{Claimed, Landmarks};
use merge::{Group, is_under, ranges, walk};
use oci_merge_image::{LayerPath, Prefix};
use rayon::prelude::*;
use table::Contest;
use told::{Marks, Told};

/// Reason of OM0204: a directory without an entry here, and with other attributes than a runtime gives it there.
pub const IMPLIED_DIR_ATTRS: &str = "IMPLIED_DIR_ATTRS";
/// Reason of OM0204: a directory without an entry below a setgid directory.
pub const IMPLIED_DIR_SETGID: &str = "IMPLIED_DIR_SETGID";
/// Reason of OM0207: a directory without an entry where the base once deleted or replaced something.
pub const IMPLIED_DIR_WHITEOUT: &str = "IMPLIED_DIR_WHITEOUT";
/// Reason of OM0207: a whiteout in a layer.
pub const TAR_WHITEOUT: &str = "TAR_WHITEOUT";
/// Reason of OM0205.
pub const TOOL_OUTSIDE_PREFIX: &str = "TOOL_OUTSIDE_PREFIX";
/// Reason of OM0211: the base has something below a prefix.
pub const BASE_UNDER_PREFIX: &str = "BASE_UNDER_PREFIX";
/// Reason of OM0209: the names differ in case, and perhaps in the form of Unicode.
pub const CASE_FOLD: &str = "case-fold";
/// Reason of OM0209: the names differ in the form in which Unicode writes their characters.
pub const UNICODE_FORM: &str = "unicode-normal-form";
/// Reason of OM0209: a name holds a backslash.
pub const BACKSLASH: &str = "backslash";
/// Reason of OM0202: a file is the same but for its time.
pub const MTIME_DIFFERS: &str = "mtime-differs";

/// How many findings of a check are kept, or one of each cause if that is more.
const MOST_FINDINGS: usize = 10_000;

/// Entries that one thread walks before it takes others.
const RANGE: usize = 32 * 1024;

/// One layer that is to be stacked.
///
/// A tool that brings several layers is one owner: give each of them the same name. Their prefixes may then be equal;
/// their claims are compared like those of strangers, because other layers may come to lie between them.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// What it is called in findings.
    pub name: &'a str,
    /// Its entries.
    pub index: &'a LayerIndex,
    /// The directory that is its own.
    pub prefix: &'a Prefix,
    /// What else it may write.
    pub owns: &'a Owns,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The findings that the policy wants told, sorted: all of them, up to ten thousand. If there are more, of each
    /// cause (code, reason, and who has what kind of claim) as many, the first.
    pub findings: Vec<Finding>,
    /// The causes of which not all findings are kept, in the order of the first finding of each.
    pub many: Vec<Many>,
    /// What is agreed and therefore not told, sorted: the first ten thousand.
    pub agreed: Vec<Agreed>,
    /// How many more are agreed.
    pub agreed_left_out: u64,
    /// How many entries were compared, those of the base's tree included.
    pub paths: u64,
}

/// A cause with more findings than are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Many {
    /// The first of them.
    pub like: Finding,
    /// How many are not kept.
    pub left_out: u64,
    /// The last path of them all, if they are about paths.
    pub last: Option<LayerPath>,
}

impl Report {
    /// How many findings have a severity, those that are not kept included.
    pub fn count(&self, severity: Severity) -> usize {
        let left_out =
            self.many.iter().filter(|many| many.like.severity == severity).map(|many| many.left_out as usize);
        self.findings.iter().filter(|finding| finding.severity == severity).count() + left_out.sum::<usize>()
    }

    /// Whether nothing stops the build.
    pub fn is_ok(&self) -> bool {
        self.count(Severity::Error) == 0
    }
}

/// Compares the claims of all layers with each other and with the base, in rayon's current pool.
///
/// `layers` are in the order in which they would be stacked, the lowest first. The findings do not depend on the number of
/// threads; nor on the order of the layers, which shows only in the order of the parties of a finding and in its
/// [survivor](Finding::survivor).
///
/// ```
/// use oci_merge_image::{DiffId, Digest, LayerPath};
/// use oci_merge_layer::check::{BaseView, Code, Layer, Owns, Policy, check};
/// use oci_merge_layer::{Body, Entry, IndexBuilder, Time, Xattrs};
///
/// let file = |path: &str, content: &[u8]| {
///     let mut index = IndexBuilder::default();
///     let (path, body) = (LayerPath::parse(path.as_bytes()).unwrap(), Body::File { size: content.len() as u64 });
///     let entry = Entry { path, body, mode: 0o644, uid: 0, gid: 0, mtime: Time::default(), xattrs: Xattrs::new() };
///     index.push(&entry, Some(Digest::of(content).as_bytes().try_into().unwrap()), None).unwrap();
///     index.finish(Digest::of(content), DiffId(Digest::of(content))).unwrap()
/// };
/// let (python, rust) = (file("root/.profile", b"pyenv"), file("root/.profile", b"cargo"));
/// let owns = Owns::new(["/root/.profile"]).unwrap();
/// let layers = [
///     Layer { name: "python", index: &python, prefix: &"/opt/python".parse().unwrap(), owns: &owns },
///     Layer { name: "rust", index: &rust, prefix: &"/opt/rust".parse().unwrap(), owns: &owns },
/// ];
/// let report = check(&BaseView::new(&[]), &layers, &Policy::default());
/// assert_eq!(report.findings[0].code(), Code::TwoWriters);
/// assert_eq!(report.findings[0].message(), "both python and rust write /root/.profile");
/// assert_eq!(report.findings[0].survivor().unwrap().name(), "rust");
/// ```
pub fn check(base: &BaseView<'_>, layers: &[Layer<'_>], policy: &Policy) -> Report {
    check_and_keep(MOST_FINDINGS, base, layers, policy)
}

/// The same, with so many findings kept.
fn check_and_keep(most: usize, base: &BaseView<'_>, layers: &[Layer<'_>], policy: &Policy) -> Report {
    let claims = Claims::new(base, layers, policy);
    let marks = Marks::new(&claims);
    let nothing = || Told::new(&claims, &marks, most);
    let (told, entries) = side_by_side(&claims, nothing);
    let landmarks = Landmarks::new(&claims, entries.into_iter());
    let mut told = told.join(implied::judge(&claims, &landmarks, nothing));
    let mut findings = Vec::new();
    root::judge(&claims, &mut findings);
    whiteouts(&claims, &mut findings);
    findings.extend(base.layers().iter().flat_map(|layer| archive::odd_base(layer, policy)));
    findings.extend(through::odd_base(base, policy));
    told.tell(findings);
    through::judge(&claims, &mut told);
    told = told.join(spelling::judge(&claims, nothing));
    // Last, for it is told only of what is not told yet.
    told = told.join(prefix::judge(&claims, &marks, nothing));
    let unused = agreed::unused(&claims, told.used());
    told.tell(unused);
    told.into_report()
}

/// Judges the entries that stand at one path, and gathers those that matter to implied directories.
fn side_by_side<'c, 'a>(
    claims: &Claims<'a>,
    nothing: impl Fn() -> Told<'c, 'a> + Sync + Send,
) -> (Told<'c, 'a>, Vec<Claimed<'a>>) {
    let walked = ranges(claims.lists(), RANGE).into_par_iter().map(|range| {
        let (mut told, mut findings, mut entries) = (nothing(), Vec::new(), Vec::new());
        walk(claims.lists(), range, |group| {
            visit(claims, &group, &mut findings, &mut entries);
            told.tell(findings.drain(..));
        });
        (told, entries)
    });
    walked.reduce(
        || (nothing(), Vec::new()),
        |(told, mut entries), (others, mut following)| {
            entries.append(&mut following);
            (told.join(others), entries)
        },
    )
}

fn visit<'a>(claims: &Claims<'a>, group: &Group<'_, 'a>, findings: &mut Vec<Finding>, entries: &mut Vec<Claimed<'a>>) {
    let explicit = || group.places.iter().filter_map(|&place| claims.claimant(place));
    // Somebody has something below, or an emptied directory of the base is here.
    let has_below =
        group.next.is_some_and(|next| is_under(next, group.path)) || explicit().count() < group.places.len();
    if has_below && explicit().any(|claimant| !is_plain(&claimant.entry)) {
        let places = group.places.iter().copied().filter(|&place| claims.claimant(place).is_some());
        entries.push((group.path, places.collect()));
    } else if group.places.len() > 1 {
        Contest::new(claims, group.path, explicit(), &[], None).judge(findings);
    }
}

/// Readers refuse a layer with whiteouts; an index that somebody else made may say that it has some.
fn whiteouts(claims: &Claims<'_>, findings: &mut Vec<Finding>) {
    for (list, layer) in (claims::FIRST_LAYER..).zip(claims.layers) {
        for path in layer.index.whiteouts() {
            let party = Party { owner: claims.owner(list), at: None, claim: Claim::Deleted };
            findings.extend(claims.finding(Code::Deletion, Some(TAR_WHITEOUT), path.as_bytes(), vec![party]));
        }
    }
}
