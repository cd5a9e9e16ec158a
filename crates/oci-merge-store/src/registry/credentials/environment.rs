//! The environment as data: the library reads none by itself.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// Environment variables, and whose process this is.
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
    uid: Option<u32>,
}

impl Environment {
    /// No variable at all.
    pub fn empty() -> Environment {
        Environment::of([] as [(&str, &str); 0])
    }

    /// The environment of this process.
    pub fn of_process() -> Environment {
        let lookup = Arc::new(|name: &str| std::env::var_os(name));
        Environment { lookup, uid: Some(rustix::process::getuid().as_raw()) }
    }

    /// These variables and no others.
    pub fn of<N: Into<String>, V: Into<OsString>>(variables: impl IntoIterator<Item = (N, V)>) -> Environment {
        let variables: BTreeMap<String, OsString> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Environment { lookup: Arc::new(move |name| variables.get(name).cloned()), uid: None }
    }

    /// A variable; one that is empty counts as one that is not set, as in a shell's `${NAME:-}`.
    pub(crate) fn get(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// A variable as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)?.into_string().ok()
    }

    /// A variable as the path of a directory, and a path in it.
    pub(crate) fn path(&self, name: &str, inside: &str) -> Option<PathBuf> {
        Some(PathBuf::from(self.get(name)?).join(inside))
    }

    /// The user's number, where a process stands behind this.
    pub(crate) fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// Where a program lies on `PATH`.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        let path = self.get("PATH")?;
        let is_program = |file: &PathBuf| {
            use std::os::unix::fs::PermissionsExt;
            file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        };
        std::env::split_paths::<OsStr>(&path).map(|directory| directory.join(name)).find(is_program)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}
