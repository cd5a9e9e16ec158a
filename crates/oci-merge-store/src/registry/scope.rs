//! What a token allows (distribution's `docs/spec/auth/scope.md`).

use std::collections::{BTreeMap, BTreeSet};

/// The most scopes of a challenge that are read, and the longest of them in bytes.
const MAX_SCOPES: usize = 16;
const MAX_SCOPE_BYTES: usize = 512;

/// Resources, and what may be done with each; `repository:jon/babylon:pull,push`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope(BTreeMap<String, BTreeSet<String>>);

impl Scope {
    /// To read a repository.
    pub(super) fn pull(repository: &str) -> Scope {
        Scope::parse(&format!("repository:{repository}:pull"))
    }

    /// To read and write a repository.
    pub(super) fn push(repository: &str) -> Scope {
        Scope::parse(&format!("repository:{repository}:pull,push"))
    }

    /// The scopes of a challenge, separated by spaces; what is none is left out.
    pub(super) fn parse(text: &str) -> Scope {
        let mut scope = Scope::default();
        for word in text.split_ascii_whitespace().filter(|word| word.len() <= MAX_SCOPE_BYTES).take(MAX_SCOPES) {
            if let Some((resource, actions)) = word.rsplit_once(':') {
                let actions = actions.split(',').filter(|a| !a.is_empty()).map(str::to_owned);
                scope.0.entry(resource.to_owned()).or_default().extend(actions);
            }
        }
        scope
    }

    /// What both allow.
    pub(super) fn and(mut self, other: &Scope) -> Scope {
        for (resource, actions) in &other.0 {
            self.0.entry(resource.clone()).or_default().extend(actions.iter().cloned());
        }
        self
    }

    /// Whether everything that `other` allows is allowed here.
    pub(super) fn covers(&self, other: &Scope) -> bool {
        other.0.iter().all(|(resource, actions)| self.0.get(resource).is_some_and(|mine| mine.is_superset(actions)))
    }

    /// Whether nothing but reading is allowed.
    pub(super) fn is_pull_only(&self) -> bool {
        self.0.values().flatten().all(|action| action == "pull")
    }

    /// Each scope as it is written in a request for a token.
    pub(super) fn words(&self) -> Vec<String> {
        let actions = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        self.0.iter().map(|(resource, set)| format!("{resource}:{}", actions(set))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_joined_by_resource() {
        let both = Scope::push("jon/babylon").and(&Scope::pull("jon/java")).and(&Scope::pull("jon/babylon"));
        assert_eq!(both.words(), ["repository:jon/babylon:pull,push", "repository:jon/java:pull"]);
        assert!(both.covers(&Scope::pull("jon/babylon")) && both.covers(&Scope::default()));
        assert!(!Scope::pull("jon/babylon").covers(&both) && !both.covers(&Scope::push("jon/java")));
        assert!(Scope::pull("a").is_pull_only() && !both.is_pull_only());
    }

    #[test]
    fn a_challenge_cannot_ask_for_the_world() {
        let many = (0..100).map(|n| format!("repository:r{n}:pull")).collect::<Vec<_>>().join(" ");
        assert_eq!(Scope::parse(&many).words().len(), MAX_SCOPES);
        assert_eq!(Scope::parse(&format!("repository:{}:pull", "a".repeat(600))), Scope::default());
        assert_eq!(Scope::parse("nonsense registry:catalog:*").words(), ["registry:catalog:*"]);
        // A port in the name of a host is no action.
        assert_eq!(Scope::parse("repository:localhost:5000/a:pull").words(), ["repository:localhost:5000/a:pull"]);
    }
}
