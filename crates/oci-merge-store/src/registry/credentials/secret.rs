//! Words that nobody may see.

use std::fmt;

/// A password or token. Neither `Debug` nor anything else prints it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one header or form that it is meant for.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a registry is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential {
    /// A user name and a password.
    Password {
        /// The user name.
        username: String,
        /// The password, or a token in the place of one.
        password: Secret,
    },
    /// A token that is exchanged for others (`identitytoken`, or a helper's user name `<token>`).
    Identity(Secret),
    /// A token that is shown to the registry as it is (`registrytoken`).
    Bearer(Secret),
}

impl Credential {
    /// The user name, or what kind of token it is: never a secret.
    pub fn who(&self) -> &str {
        match self {
            Credential::Password { username, .. } => username,
            Credential::Identity(_) => "an identity token",
            Credential::Bearer(_) => "a registry token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let credential = Credential::Password { username: "jon".into(), password: Secret::new("hunter2") };
        for text in [format!("{credential:?}"), format!("{:#?}", Credential::Identity(Secret::new("hunter2")))] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
