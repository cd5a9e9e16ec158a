//! The user that commands of the image run as: by a name that somebody has to know.

use super::commands::owner;
use super::finding::{Claim, Finding, Party, Subject};
use super::run::System;
use super::run::walker::{End, ROOT, Walker};
use super::run::world::text;
use super::{Code, Owner, Policy};
use oci_merge_image::LayerPath;

/// Reason of OM0303: the group, not the user.
pub const UNKNOWN_GROUP: &str = "UNKNOWN_GROUP";

/// Judges `USER[:GROUP]` (image-spec `config.md`, User): a number is taken as it is, a name is looked up in the image.
pub(super) fn judge(walker: &mut Walker<'_, '_>, system: &System, policy: &Policy) -> Vec<Finding> {
    let (user, group) = match system.user.as_deref().unwrap_or_default().split_once(':') {
        Some((user, group)) => (user, group),
        None => (system.user.as_deref().unwrap_or_default(), ""),
    };
    let asked = [(user, &b"etc/passwd"[..], None), (group, b"etc/group", Some(UNKNOWN_GROUP))];
    let told = asked.into_iter().filter_map(|(name, file, reason)| {
        let known = if is_number(name) { None } else { unknown(walker, name, file) }?;
        Some(Finding {
            subject: Subject::User(name.into()),
            code: Code::UnknownUser,
            reason,
            severity: policy.severity(Code::UnknownUser)?,
            more: 0,
            parties: vec![known],
        })
    });
    told.collect()
}

/// A name that is empty asks for nobody.
fn is_number(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_digit())
}

/// Whose file does not list a name; `None` if it does, or if its text is not known.
fn unknown(walker: &mut Walker<'_, '_>, name: &str, file: &[u8]) -> Option<Party> {
    let at = LayerPath::parse(file).ok();
    let (owner, names) = match walker.follow(ROOT, file) {
        End::Entry(place) => {
            let text = text(walker.tree, place)?;
            let names = || text.split(|&b| b == b'\n').filter_map(|line| line.split(|&b| b == b':').next());
            if names().any(|known| known == name.as_bytes()) {
                return None;
            }
            (owner(walker.tree, place), names().filter(|name| !name.is_empty()).count())
        }
        _ => (Owner::Base, 0),
    };
    Some(Party { owner, at, claim: Claim::Names(names as u64) })
}
