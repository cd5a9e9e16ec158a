//! Whether an oddity is a note or a refusal.

use crate::{Error, Note, Reason, Result, Role, Rules};
use oci_merge_image::LayerPath;

/// How many notes are kept in full; of what comes after, one for each reason.
const MANY: usize = 100;

/// Collects the notes on one archive, bounded however odd it is, and refuses what its rules do not tolerate.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    role: Role,
    keep: bool,
    notes: Vec<Note>,
    /// The reasons of the notes, each once.
    reasons: Vec<&'static str>,
    /// How many notes have found their entry.
    placed: usize,
}

impl Judge {
    pub(crate) fn new(rules: &Rules) -> Judge {
        let keep = rules.keep && rules.role == Role::Layer;
        Judge { role: rules.role, keep, notes: Vec::new(), reasons: Vec::new(), placed: 0 }
    }

    /// Whether this is a base, which is read as Go reads it.
    pub(crate) fn is_base(&self) -> bool {
        self.role == Role::Base
    }

    /// Whether this is to be stacked as it is: a layer that deletes something, or holds a device, is refused.
    pub(crate) fn is_layer(&self) -> bool {
        self.role == Role::Layer
    }

    /// Something that every reader takes the same way: a note, unless the bytes must be kept. The text is only asked
    /// for where it is needed.
    pub(crate) fn harmless(&mut self, reason: &'static str, text: impl FnOnce() -> String) -> Result<()> {
        let is_new = !self.reasons.contains(&reason);
        if !is_new && self.notes.len() >= MANY {
            return Ok(());
        }
        if self.keep {
            return Err(Error::refused(reason, text()));
        }
        if is_new {
            self.reasons.push(reason);
        }
        self.notes.push(Note { reason: Reason(reason), path: None, text: text() });
        Ok(())
    }

    /// Something that two readers take differently: a refusal, unless it is a base.
    pub(crate) fn ambiguous(&mut self, reason: &'static str, text: impl FnOnce() -> String) -> Result<()> {
        match self.role {
            Role::Layer | Role::Source => Err(Error::refused(reason, text())),
            Role::Base => self.harmless(reason, text),
        }
    }

    /// Adds what another reader noted about the same archive.
    pub(crate) fn adopt(&mut self, notes: &[Note]) -> Result<()> {
        for note in notes {
            let before = self.notes.len();
            self.harmless(note.reason.0, || note.text.clone()).map_err(|error| match &note.path {
                Some(path) => error.at(path),
                None => error,
            })?;
            if let Some(added) = self.notes.get_mut(before) {
                added.path.clone_from(&note.path);
            }
        }
        self.placed = self.notes.len();
        Ok(())
    }

    /// The notes since the last call are about an entry, or about none.
    pub(crate) fn place(&mut self, path: Option<&LayerPath>) {
        if self.placed < self.notes.len() {
            self.notes.iter_mut().skip(self.placed).for_each(|note| note.path = path.cloned());
            self.placed = self.notes.len();
        }
    }

    pub(crate) fn notes(&self) -> &[Note] {
        &self.notes
    }

    pub(crate) fn into_notes(self) -> Vec<Note> {
        self.notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn a_million_oddities_are_a_hundred_notes_and_every_reason() {
        let mut judge = Judge::new(&Rules::layer(Limits::default()));
        for i in 0..1_000_000 {
            judge.harmless("TAR_NUMBER", || format!("{i}")).unwrap();
        }
        judge.harmless("TAR_SPARSE", String::new).unwrap();
        assert_eq!(judge.notes().len(), MANY + 1);
        assert_eq!(judge.notes().last().map(|note| note.reason), Some(Reason("TAR_SPARSE")));
    }

    #[test]
    fn what_is_harmless_is_refused_only_where_bytes_are_kept_and_only_a_base_may_be_ambiguous() {
        let harmless = |rules: Rules| Judge::new(&rules).harmless("TAR_SPARSE", String::new).is_ok();
        let ambiguous = |rules: Rules| Judge::new(&rules).ambiguous("TAR_SPARSE", String::new).is_ok();
        let limits = Limits::default;
        assert_eq!(
            [Rules::layer, Rules::kept, Rules::source, Rules::base].map(|rules| harmless(rules(limits()))),
            [true, false, true, true]
        );
        assert_eq!(
            [Rules::layer, Rules::kept, Rules::source, Rules::base].map(|rules| ambiguous(rules(limits()))),
            [false, false, false, true]
        );
    }

    #[test]
    fn notes_find_the_entry_that_follows_them() {
        let mut judge = Judge::new(&Rules::layer(Limits::default()));
        let path = |name: &str| LayerPath::parse(name.as_bytes()).unwrap();
        judge.harmless("TAR_NUMBER", String::new).unwrap();
        judge.place(Some(&path("a")));
        judge.harmless("TAR_NUMBER", String::new).unwrap();
        judge.place(Some(&path("b")));
        let mut other = Judge::new(&Rules::layer(Limits::default()));
        other.adopt(judge.notes()).unwrap();
        let paths: Vec<_> = other.notes().iter().map(|note| note.path.clone()).collect();
        assert_eq!(paths, [Some(path("a")), Some(path("b"))]);
    }
}
