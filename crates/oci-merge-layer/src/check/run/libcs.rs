//! What is made for one library of C beside what is made for the other, as the prebuilt addons of npm are: whoever loads
//! them takes those that fit.

use super::ledger::{Cause, Ledger};
use crate::check::merge::Place;

/// What a layer has that is no command: programs, or shared objects.
#[derive(Default)]
pub(super) struct Libcs {
    /// Whether something is for a library of C that the image has.
    pub(super) has_ours: bool,
    /// What is for the one that it has not, and so lacks its dynamic linker.
    pub(super) foreign: Vec<(Place, Cause)>,
}

impl Libcs {
    /// Tells of what is for the other library of C, if there is nothing else.
    pub(super) fn tell(self, layer: usize, ledger: &mut Ledger) {
        let foreign = self.foreign.into_iter().filter(|_| !self.has_ours);
        foreign.for_each(|(place, cause)| ledger.add(Some(layer), cause, place, None));
    }
}
