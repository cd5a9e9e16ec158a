//! The codes of findings, and what each weighs.

use std::fmt;

/// What a finding is about. The number is stable; [`Code::key`] is its name in `[policy]`.
///
/// | code | key | default | what it says |
/// |---|---|---|---|
/// | OM0201 | `collision` | deny | two layers write one path, and the copies differ |
/// | OM0202 | `identical` | warn | two layers hold the same file |
/// | OM0203 | `kinds` | error, always | a file where another has a directory or a link |
/// | OM0204 | `directory-attributes` | deny | one directory with several modes, owners or attributes |
/// | OM0205 | `outside-prefix` | deny | a layer writes where it owns nothing |
/// | OM0206 | `shadow-base` | deny | a layer replaces what the base has |
/// | OM0207 | `deletion` | error, always | what one party deletes, another lets the runtime make; or a layer deletes |
/// | OM0208 | `through-symlink` | error, always | a layer writes through another's symlink |
/// | OM0209 | `case-only` | warn | two names differ in case or Unicode form only |
/// | OM0210 | `shared-state` | deny | two copies of a file that describes the whole image |
/// | OM0211 | `prefix-overlap` | deny | two prefixes are equal or nested |
/// | OM0212 | `unused-exception` | warn | nothing needs an exception any more |
/// | OM0220 | `archive` | error, always | an archive is refused |
/// | OM0221 | `base-archive` | warn | readers disagree about an archive of the base |
/// | OM0301 | `environment` | deny | one variable with two values |
/// | OM0302 | `shadow-command` | warn | a command hides another on PATH |
/// | OM0303 | `unknown-user` | deny | a user by a name that nobody lists |
/// | OM0401 | `missing-library` | warn | a library that nobody has |
/// | OM0402 | `glibc` | deny | a newer glibc is needed |
/// | OM0403 | `architecture` | error, always | a program for another machine |
/// | OM0404 | `dangling-link` | warn | a link to a path that nobody has |
/// | OM0405 | `missing-interpreter` | warn | a dynamic linker, or a script's interpreter, that nobody has, or may execute |
/// | OM0406 | `build-prefix` | warn | a program that looks for libraries where it was built |
///
/// ```
/// use oci_merge_layer::check::{Code, Level};
/// assert_eq!(Code::TwoWriters.as_str(), "OM0201");
/// assert_eq!(Code::of_key("shadow-base"), Some(Code::ShadowBase));
/// assert_eq!(Code::Identical.default_level(), Level::Warn);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// OM0201.
    TwoWriters,
    /// OM0202.
    Identical,
    /// OM0203.
    Kinds,
    /// OM0204.
    DirectoryAttributes,
    /// OM0205.
    OutsidePrefix,
    /// OM0206.
    ShadowBase,
    /// OM0207.
    Deletion,
    /// OM0208.
    ThroughSymlink,
    /// OM0209.
    CaseOnly,
    /// OM0210.
    SharedState,
    /// OM0211.
    PrefixOverlap,
    /// OM0212.
    UnusedException,
    /// OM0220.
    Archive,
    /// OM0221.
    BaseArchive,
    /// OM0301.
    Environment,
    /// OM0302. Where a layer hides a command of a layer that it needs itself, it is an error whatever the policy says.
    ShadowCommand,
    /// OM0303.
    UnknownUser,
    /// OM0401.
    MissingLibrary,
    /// OM0402.
    Glibc,
    /// OM0403.
    Architecture,
    /// OM0404.
    DanglingLink,
    /// OM0405.
    MissingInterpreter,
    /// OM0406.
    BuildPrefix,
}

use Level::{Deny, Warn};

/// Code, number, key, default level, and whether it is structural; in the order of the enum.
const TABLE: [(Code, &str, &str, Level, bool); 23] = [
    (Code::TwoWriters, "OM0201", "collision", Deny, false),
    (Code::Identical, "OM0202", "identical", Warn, false),
    (Code::Kinds, "OM0203", "kinds", Deny, true),
    (Code::DirectoryAttributes, "OM0204", "directory-attributes", Deny, false),
    (Code::OutsidePrefix, "OM0205", "outside-prefix", Deny, false),
    (Code::ShadowBase, "OM0206", "shadow-base", Deny, false),
    (Code::Deletion, "OM0207", "deletion", Deny, true),
    (Code::ThroughSymlink, "OM0208", "through-symlink", Deny, true),
    (Code::CaseOnly, "OM0209", "case-only", Warn, false),
    (Code::SharedState, "OM0210", "shared-state", Deny, false),
    (Code::PrefixOverlap, "OM0211", "prefix-overlap", Deny, false),
    (Code::UnusedException, "OM0212", "unused-exception", Warn, false),
    (Code::Archive, "OM0220", "archive", Deny, true),
    (Code::BaseArchive, "OM0221", "base-archive", Warn, false),
    (Code::Environment, "OM0301", "environment", Deny, false),
    (Code::ShadowCommand, "OM0302", "shadow-command", Warn, false),
    (Code::UnknownUser, "OM0303", "unknown-user", Deny, false),
    (Code::MissingLibrary, "OM0401", "missing-library", Warn, false),
    (Code::Glibc, "OM0402", "glibc", Deny, false),
    (Code::Architecture, "OM0403", "architecture", Deny, true),
    (Code::DanglingLink, "OM0404", "dangling-link", Warn, false),
    (Code::MissingInterpreter, "OM0405", "missing-interpreter", Warn, false),
    (Code::BuildPrefix, "OM0406", "build-prefix", Warn, false),
];

impl Code {
    /// All codes, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Code> {
        TABLE.iter().map(|row| row.0)
    }

    /// The code that has a key in `[policy]`.
    pub fn of_key(key: &str) -> Option<Code> {
        TABLE.iter().find(|row| row.2 == key).map(|row| row.0)
    }

    /// The number, such as `OM0201`.
    pub fn as_str(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The name in words, such as `collision`: the key in `[policy]`, unless it is [structural](Code::is_structural).
    pub fn key(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// What it weighs when no policy says otherwise.
    pub fn default_level(self) -> Level {
        TABLE[self as usize].3
    }

    /// Whether no policy may relax it: the result would depend on the runtime, not only on the order.
    pub fn is_structural(self) -> bool {
        TABLE[self as usize].4
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a policy makes of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Level {
    /// It stops the build.
    Deny,
    /// It is told.
    Warn,
    /// It is not told.
    Allow,
}

/// How much a finding weighs. Errors are greater than warnings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// It is told, and the exit code is that of success.
    Warning,
    /// It stops the build: nothing is written or sent.
    Error,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (place, code) in Code::all().enumerate() {
            assert_eq!(code as usize, place, "{code}");
        }
        assert!(Code::all().is_sorted_by_key(Code::as_str));
        let keys: std::collections::BTreeSet<_> = Code::all().map(Code::key).collect();
        assert_eq!(keys.len(), Code::all().len());
    }
}
