//! `registries.conf` (containers-registries.conf(5), version 2): where the repositories of a registry are read from.

use crate::directory::shown_path;
use crate::network::read_file;
use crate::registry::Environment;
use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Reference, shown};
use serde::Deserialize;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The largest file that is read, in bytes.
const MAX_CONF: u64 = 4 << 20;

/// The files of `registries.conf`, read when a registry is first read from. The default has none.
#[derive(Debug, Clone, Default)]
pub struct RegistriesConf(Arc<Files>);

#[derive(Debug, Default)]
struct Files {
    /// Read first; somebody named it, so it must be there.
    named: Option<PathBuf>,
    files: Vec<PathBuf>,
    /// Their files `*.conf`, in the order of their names, come after the files above.
    directories: Vec<PathBuf>,
    read: OnceLock<Result<Vec<Entry>>>,
}

/// `[[registry]]`.
#[derive(Debug, Clone)]
struct Entry {
    file: PathBuf,
    prefix: String,
    location: String,
    insecure: bool,
    blocked: bool,
    digest_only: bool,
    mirrors: Vec<Mirror>,
}

/// A place to read a repository from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) reference: Reference,
    /// Whether certificates are not checked, and plain HTTP will do.
    pub(super) insecure: bool,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    registry: Vec<Table>,
    /// What version 1 consisted of.
    registries: Option<toml::Table>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Table {
    prefix: Option<String>,
    #[serde(default)]
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    blocked: bool,
    #[serde(default)]
    mirror_by_digest_only: bool,
    #[serde(default)]
    mirror: Vec<Mirror>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Mirror {
    location: String,
    #[serde(default)]
    insecure: bool,
    #[serde(default)]
    pull_from_mirror: Pulls,
}

/// What is read from a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pulls {
    #[default]
    All,
    DigestOnly,
    TagOnly,
}

impl RegistriesConf {
    /// The files that containers-registries.conf(5) names: the one of `CONTAINERS_REGISTRIES_CONF`, or else the user's
    /// or the system's, and what is in the directories beside both.
    pub fn of(environment: &Environment) -> RegistriesConf {
        if let Some(file) = environment.get("CONTAINERS_REGISTRIES_CONF") {
            return RegistriesConf(Arc::new(Files { named: Some(file.into()), ..Files::default() }));
        }
        let system = PathBuf::from("/etc/containers/registries.conf");
        let own = environment.path("HOME", ".config/containers/registries.conf");
        let beside = |file: &PathBuf| file.with_extension("conf.d");
        let directories = [Some(&system), own.as_ref()].into_iter().flatten().map(beside).collect();
        let file = own.filter(|own| own.exists()).unwrap_or(system);
        RegistriesConf::files(vec![file], directories)
    }

    /// These files; one that is not there counts as empty.
    pub fn files(files: Vec<PathBuf>, directories: Vec<PathBuf>) -> RegistriesConf {
        RegistriesConf(Arc::new(Files { files, directories, ..Files::default() }))
    }

    /// Whether this says anything of where a repository is read from.
    pub fn concerns(&self, reference: &Reference) -> bool {
        !matches!(self.endpoints(reference), Ok(None))
    }

    /// Where a repository is read from, first of all in front; `None`: where its name says.
    pub(super) fn endpoints(&self, reference: &Reference) -> Result<Option<Vec<Endpoint>>> {
        let entries = self.0.read.get_or_init(|| self.0.read()).as_ref().map_err(Clone::clone)?;
        let name = reference.name();
        let fitting = entries.iter().filter_map(|entry| Some((matched(&entry.prefix, &name)?, entry)));
        let Some((length, entry)) = fitting.max_by_key(|(length, _)| *length) else { return Ok(None) };
        if entry.blocked {
            let text = format!("{} blocks what begins with {}", shown_path(&entry.file), shown(&entry.prefix));
            return Err(Error::new(ErrorKind::Policy, name, text));
        }
        let rest = name.get(length..).unwrap_or_default();
        let by_digest = reference.digest().is_some();
        let wanted = |mirror: &&Mirror| match mirror.pull_from_mirror {
            Pulls::All => by_digest || !entry.digest_only,
            Pulls::DigestOnly => by_digest,
            Pulls::TagOnly => !by_digest,
        };
        let mirrors = entry.mirrors.iter().filter(wanted).map(|mirror| (mirror.location.as_str(), mirror.insecure));
        let own = if entry.location.is_empty() { &entry.prefix } else { &entry.location };
        let own = if own.starts_with("*.") { name.get(..length).unwrap_or_default() } else { own };
        let all = mirrors.chain([(own, entry.insecure)]);
        all.map(|(location, insecure)| entry.endpoint(location, rest, insecure)).collect::<Result<_>>().map(Some)
    }
}

impl Files {
    fn read(&self) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        if let Some(named) = self.named.as_ref().filter(|named| !named.exists()) {
            return Err(refuse(named, "CONTAINERS_REGISTRIES_CONF names it, and there is no such file"));
        }
        let mut files: Vec<PathBuf> = self.named.iter().chain(&self.files).cloned().collect();
        for directory in &self.directories {
            files.extend(drop_ins(directory)?);
        }
        for file in files {
            for entry in read(&file)? {
                // A later file has the last word on a prefix.
                entries.retain(|known| known.prefix != entry.prefix || known.file == entry.file);
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

impl Entry {
    fn of(file: &Path, table: Table) -> Result<Entry> {
        let Table { prefix, location, insecure, blocked, mirror_by_digest_only: digest_only, mirror: mirrors } = table;
        let prefix = prefix.filter(|prefix| !prefix.is_empty()).unwrap_or_else(|| location.clone());
        if prefix.is_empty() {
            return Err(refuse(file, "a [[registry]] has neither prefix nor location"));
        }
        if location.is_empty() && !prefix.starts_with("*.") && mirrors.is_empty() && !blocked {
            let text = format!("[[registry]] {}: without a location, its prefix must begin with *.", shown(&prefix));
            return Err(refuse(file, &text));
        }
        let entry = Entry { file: file.to_owned(), prefix, location, insecure, blocked, digest_only, mirrors };
        // What cannot be a location is told before somebody needs it.
        for location in entry.mirrors.iter().map(|m| &m.location).chain([&entry.location]).filter(|l| !l.is_empty()) {
            entry.endpoint(location, "/a", false)?;
        }
        Ok(entry)
    }

    fn endpoint(&self, location: &str, rest: &str, insecure: bool) -> Result<Endpoint> {
        let text = format!("{}{rest}", location.trim_end_matches('/'));
        let wrong = || {
            let text = format!("location {} is no HOST[:PORT][/PATH], without https://", shown(location));
            refuse(&self.file, &text)
        };
        let reference: Reference = text.parse().map_err(|_| wrong())?;
        // A first word without a dot or a port would be a repository of Docker Hub.
        let host = text.split('/').next().unwrap_or_default();
        if reference.registry() != host && !matches!(host, "index.docker.io" | "registry-1.docker.io") {
            return Err(wrong());
        }
        Ok(Endpoint { reference, insecure })
    }
}

/// How much of a name a prefix covers: whole words, or with `*.` all of a host below a domain.
fn matched(prefix: &str, name: &str) -> Option<usize> {
    let length = match prefix.strip_prefix('*') {
        Some(domain) => {
            let host = name.split('/').next().unwrap_or_default();
            let (head, _) = host.split_once(':').unwrap_or((host, ""));
            head.ends_with(domain).then_some(host.len())?
        }
        None => name.starts_with(prefix).then_some(prefix.len())?,
    };
    (name.len() == length || name.as_bytes().get(length) == Some(&b'/')).then_some(length)
}

fn drop_ins(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(directory) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.and_then(|entries| entries.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>()),
    };
    let mut files = entries.map_err(|e| refuse(directory, &e.to_string()))?;
    files.retain(|file| file.extension().is_some_and(|e| e == "conf"));
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<Entry>> {
    let bytes = match read_file(file, MAX_CONF) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        bytes => bytes.map_err(|e| refuse(file, &e.to_string()))?,
    };
    let text = String::from_utf8(bytes).map_err(|_| refuse(file, "it is not UTF-8"))?;
    let document: Document = toml::from_str(&text).map_err(|e| refuse(file, e.to_string().trim_end()))?;
    if document.registries.is_some() {
        return Err(refuse(file, "it is of version 1, with [registries.…]; [[registry]] is expected"));
    }
    document.registry.into_iter().map(|table| Entry::of(file, table)).collect()
}

fn refuse(file: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Policy, shown_path(file), why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conf(text: &str) -> (tempfile::TempDir, RegistriesConf) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("registries.conf");
        std::fs::write(&file, text).unwrap();
        (directory, RegistriesConf::files(vec![file], Vec::new()))
    }

    /// The places that a reference is read from, `!` after those that are insecure.
    fn places(conf: &RegistriesConf, reference: &str) -> Vec<String> {
        let reference = reference.parse().unwrap();
        let places = conf.endpoints(&reference).unwrap().unwrap_or_default();
        let mark = |insecure| if insecure { "!" } else { "" };
        places.iter().map(|e| format!("{}{}", e.reference.name(), mark(e.insecure))).collect()
    }

    #[test]
    fn names_are_rewritten_as_the_manual_page_shows() {
        // containers-registries.conf(5), the example of `prefix` and `location`, and that of mirrors.
        let (_directory, conf) = conf(
            r#"
            unqualified-search-registries = ["example.com"]
            short-name-mode = "enforcing"
            [[registry]]
            prefix = "example.com/foo"
            insecure = false
            blocked = false
            location = "internal-registry-for-example.com/bar"
            [[registry.mirror]]
            location = "example-mirror-0.local/mirror-for-foo"
            [[registry.mirror]]
            location = "example-mirror-1.local/mirrors/foo"
            insecure = true
            [[registry]]
            location = "registry.com"
            [[registry.mirror]]
            location = "mirror.registry.com"
            pull-from-mirror = "digest-only"
            [[registry.mirror]]
            location = "tags.registry.com"
            pull-from-mirror = "tag-only"
            [[registry]]
            prefix = "*.wild.test"
            insecure = true
            [[registry]]
            prefix = "example.com/foo/deeper"
            location = "deep.test:5000"
            [aliases]
            "debian" = "docker.io/library/debian"
            "#,
        );
        let digest = format!("@{}", oci_merge_image::Digest::of(b"x"));
        assert_eq!(
            places(&conf, "example.com/foo/image:latest"),
            [
                "example-mirror-0.local/mirror-for-foo/image",
                "example-mirror-1.local/mirrors/foo/image!",
                "internal-registry-for-example.com/bar/image"
            ]
        );
        assert_eq!(places(&conf, "example.com/foo/deeper/image"), ["deep.test:5000/image"]);
        assert_eq!(places(&conf, "registry.com/a:1"), ["tags.registry.com/a", "registry.com/a"]);
        assert_eq!(places(&conf, &format!("registry.com/a{digest}")), ["mirror.registry.com/a", "registry.com/a"]);
        assert_eq!(places(&conf, "x.wild.test:5000/a"), ["x.wild.test:5000/a!"]);
        for other in ["example.com/foobar:1", "example.com/a:1", "registry.com:5000/a", "wild.test/a", "debian"] {
            assert_eq!(places(&conf, other), [""; 0], "{other}");
        }
    }

    #[test]
    fn the_last_file_has_the_last_word() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir(path("d")).unwrap();
        let entry = |location: &str| format!("[[registry]]\nprefix = \"a.test\"\nlocation = \"{location}\"\n");
        for (name, location) in [("main", "one.test"), ("d/1.conf", "two.test"), ("d/2.conf", "three.test")] {
            std::fs::write(path(name), entry(location)).unwrap();
        }
        std::fs::write(path("d/3.bak"), entry("four.test")).unwrap();
        let conf = RegistriesConf::files(vec![path("main"), path("absent")], vec![path("d"), path("none")]);
        assert_eq!(places(&conf, "a.test/x"), ["three.test/x"]);
    }

    #[test]
    fn a_file_that_is_named_must_be_there() {
        let conf = RegistriesConf::of(&Environment::of([("CONTAINERS_REGISTRIES_CONF", "/no/such/file")]));
        let error = conf.endpoints(&"a.test/b".parse().unwrap()).unwrap_err();
        assert!(error.kind() == ErrorKind::Policy && error.to_string().starts_with("/no/such/file: "), "{error}");
    }

    #[test]
    fn what_cannot_be_understood_or_is_blocked_is_named_with_its_file() {
        for (text, why) in [
            ("[[registry]]\nlocation = 7\n", "invalid type: integer"),
            ("[[registry]\n", "TOML"),
            ("[[registry]]\ninsecure = true\n", "neither prefix nor location"),
            ("[[registry]]\nprefix = \"a.test\"\n", "must begin with *."),
            ("[[registry]]\nlocation = \"https://a.test\"\n", "https://a.test is no HOST"),
            (
                "[[registry]]\nlocation = \"a.test\"\n[[registry.mirror]]\nlocation = \"nohost/b\"\n",
                "nohost/b is no HOST",
            ),
            (
                "[[registry]]\nlocation = \"a.test\"\n[[registry.mirror]]\nlocation = \"b.test\"\npull-from-mirror = \"x\"\n",
                "unknown variant",
            ),
            ("[registries.search]\nregistries = []\n", "version 1"),
            ("[[registry]]\nlocation = \"a.test\"\nblocked = true\n", "blocks what begins with a.test"),
        ] {
            let (_directory, conf) = conf(text);
            let error = conf.endpoints(&"a.test/b".parse().unwrap()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Policy);
            let error = error.to_string();
            assert!(error.contains("registries.conf") && error.contains(why), "{text}: {error}");
        }
    }
}
