//! What the user makes of findings: `[policy]` of the spec.

use super::agreed::Agreements;
use super::{Code, Level, Severity};
use oci_merge_image::shown;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Which findings stop a build, which are told, and which are not; and what is agreed between single layers. The default
/// is that of each [`Code`], and no agreement.
///
/// ```
/// use oci_merge_layer::check::{Code, Level, Policy, Severity};
/// let mut policy = Policy::default();
/// policy.set("identical", Level::Deny).unwrap();
/// policy.set("shadow-base", "allow".parse().unwrap()).unwrap();
/// assert_eq!(policy.severity(Code::Identical), Some(Severity::Error));
/// assert_eq!(policy.severity(Code::ShadowBase), None);
/// assert!(policy.set("through-symlink", Level::Warn).is_err());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Policy {
    levels: BTreeMap<Code, Level>,
    pub(super) agreements: Agreements,
}

/// Why a policy cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// No code has that key.
    #[error("there is no policy {}; there are {}", shown(key), keys())]
    UnknownKey {
        /// The key as it was given.
        key: String,
    },
    /// The key is that of a structural code.
    #[error("{} ({code}) cannot be relaxed: the image would depend on the runtime that unpacks it", code.key())]
    Structural {
        /// The code.
        code: Code,
    },
    /// No level has that name.
    #[error("{} is not a level; there are deny, warn, allow", shown(word))]
    UnknownLevel {
        /// The word as it was given.
        word: String,
    },
}

impl Policy {
    /// Sets the level of the code with a key, such as `collision` or `prefix-overlap`.
    ///
    /// # Errors
    /// No code has that key, or it is [structural](Code::is_structural).
    pub fn set(&mut self, key: &str, level: Level) -> Result<(), PolicyError> {
        match Code::of_key(key) {
            None => Err(PolicyError::UnknownKey { key: key.into() }),
            Some(code) if code.is_structural() => Err(PolicyError::Structural { code }),
            Some(code) => {
                self.levels.insert(code, level);
                Ok(())
            }
        }
    }

    /// The level of a code.
    pub fn level(&self, code: Code) -> Level {
        self.levels.get(&code).copied().unwrap_or(code.default_level())
    }

    /// How much a finding with a code weighs; `None` if it is not told.
    pub fn severity(&self, code: Code) -> Option<Severity> {
        match self.level(code) {
            Level::Deny => Some(Severity::Error),
            Level::Warn => Some(Severity::Warning),
            Level::Allow => None,
        }
    }
}

impl FromStr for Level {
    type Err = PolicyError;

    fn from_str(word: &str) -> Result<Level, PolicyError> {
        match word {
            "deny" => Ok(Level::Deny),
            "warn" => Ok(Level::Warn),
            "allow" => Ok(Level::Allow),
            _ => Err(PolicyError::UnknownLevel { word: word.into() }),
        }
    }
}

fn keys() -> String {
    Code::all().filter(|code| !code.is_structural()).map(Code::key).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_depends_on_the_runtime_cannot_be_relaxed() {
        let structural: Vec<_> = Code::all().filter(|code| code.is_structural()).map(Code::as_str).collect();
        assert_eq!(structural, ["OM0203", "OM0207", "OM0208", "OM0220", "OM0403"]);
        for code in Code::all() {
            let set = Policy::default().set(code.key(), Level::Allow);
            assert_eq!(set.is_err(), code.is_structural(), "{code}");
            assert!(!code.is_structural() || Policy::default().severity(code) == Some(Severity::Error));
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_design() {
        let with = |level| Code::all().filter(move |c| c.default_level() == level && !c.is_structural());
        let deny: Vec<_> = with(Level::Deny).map(Code::as_str).collect();
        let warn: Vec<_> = with(Level::Warn).map(Code::as_str).collect();
        assert_eq!(deny, ["OM0201", "OM0204", "OM0205", "OM0206", "OM0210", "OM0211", "OM0301", "OM0303", "OM0402"]);
        assert_eq!(warn, ["OM0202", "OM0209", "OM0212", "OM0221", "OM0302", "OM0401", "OM0404", "OM0405", "OM0406"]);
    }

    #[test]
    fn a_wrong_word_is_told_with_the_right_ones() {
        let error = Policy::default().set("colision", Level::Warn).unwrap_err().to_string();
        assert!(error.starts_with("there is no policy colision; there are collision, identical"), "{error}");
        assert!("Deny".parse::<Level>().unwrap_err().to_string().contains("deny, warn, allow"));
    }
}
