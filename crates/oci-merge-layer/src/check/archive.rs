//! Archives that are refused, and archives of a base that readers disagree about.

use super::finding::{Claim, Finding, Owner, Party, Subject};
use super::{Code, Policy, Severity, TAR_WHITEOUT, TOOL_OUTSIDE_PREFIX};
use crate::{Error, LayerIndex};

impl Finding {
    /// A layer that has no index, because reading its archive ended in an error: OM0220 with the reason, or the code that
    /// the reason has of its own.
    pub fn refused(layer: &str, error: &Error) -> Finding {
        let reason = error.reason().map(|reason| reason.0);
        let code = match reason {
            Some(TAR_WHITEOUT) => Code::Deletion,
            Some(TOOL_OUTSIDE_PREFIX) => Code::OutsidePrefix,
            _ => Code::Archive,
        };
        let claim = Claim::Archive(error.to_string().into());
        Finding {
            subject: error.path().cloned().map_or(Subject::Archive, Subject::Path),
            code,
            reason,
            severity: Severity::Error,
            more: 0,
            parties: vec![Party { owner: Owner::Layer(layer.into()), at: None, claim }],
        }
    }
}

/// What readers disagree about in a layer of a base (design: collisions, section 11).
pub(super) fn odd_base<'a>(layer: &'a LayerIndex, policy: &Policy) -> impl Iterator<Item = Finding> + 'a {
    let severity = policy.severity(Code::BaseArchive);
    let notes = layer.notes().iter();
    notes.filter_map(move |note| {
        let claim = Claim::Archive(note.text.as_str().into());
        Some(Finding {
            subject: note.path.clone().map_or(Subject::Archive, Subject::Path),
            code: Code::BaseArchive,
            reason: Some(note.reason.0),
            severity: severity?,
            more: 0,
            parties: vec![Party { owner: Owner::Base, at: None, claim }],
        })
    })
}
