//! What can be said of the matches of a glob without matching: above which of them they can lie.

use oci_merge_image::{LayerPath, PathError};

/// The components of a glob before the first that is not literal, and how many its matches can have.
#[derive(Debug, Clone)]
pub(crate) struct Stem {
    literal: LayerPath,
    /// `None`: any number.
    most: Option<usize>,
}

impl Stem {
    /// That of a glob without a leading `/`.
    ///
    /// # Errors
    /// The literal components are no path, so nothing can match.
    pub(crate) fn of(glob: &str) -> Result<Stem, PathError> {
        let literal = glob.split('/').take_while(|c| !c.contains(['*', '?', '[', '{', '\\']));
        let literal = LayerPath::parse(literal.collect::<Vec<_>>().join("/").as_bytes())?;
        // Of alternatives with a `/` in them this counts too many, never too few.
        Ok(Stem { literal, most: (!glob.contains("**")).then(|| glob.split('/').count()) })
    }

    /// The literal components.
    pub(crate) fn literal(&self) -> &LayerPath {
        &self.literal
    }

    /// Whether a match may lie below a path, or be it.
    pub(crate) fn may_lie_below(&self, path: &LayerPath) -> bool {
        let components = path.ancestors().count() + 1;
        let is_short = self.most.is_none_or(|most| components < most);
        self.literal.is_within(path) || is_short && path.is_within(&self.literal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_lie_below_what_leads_to_the_literal_part_and_may_below_what_the_glob_has_room_for() {
        let below =
            |glob: &str, at: &str| Stem::of(glob).unwrap().may_lie_below(&LayerPath::parse(at.as_bytes()).unwrap());
        for (glob, at) in [
            ("a/b/c", "a"),
            ("a/b/c", "a/b/c"),
            ("a/*/c", "a/b"),
            ("a/**", "a/b/c/d"),
            ("**/a", "b"),
            ("{a/b,c}/d", "a/b"),
            ("*", ""),
        ] {
            assert!(below(glob, at), "{glob} {at}");
        }
        for (glob, at) in [("a/b/c", "a/b/d"), ("a/b", "a/b/c"), ("a/*", "a/b"), ("a/*/c", "b"), ("a*/b", "a/b")] {
            assert!(!below(glob, at), "{glob} {at}");
        }
        assert!(Stem::of("a/../b").is_err());
    }
}
