//! The spec file `oci-merge.toml`: as it is written, and as it is meant.
//!
//! A [`Spec`] that exists is whole: every key is known, every word is one of those allowed, every path, reference and
//! glob has been read. What a key may be is in the JSON schema beside this module, and a test holds the two together.

mod allow;
mod base;
mod config;
mod dockerfile;
mod document;
mod edit;
mod error;
mod from;
mod json;
mod keys;
mod layer;
mod order;
mod output;
mod placeholder;
mod policy;
mod project;
mod source;
mod table;
mod toml;

pub use allow::Allow;
pub use base::{BaseSource, BaseSpec};
pub use dockerfile::{DockerfileError, FromDockerfile, LeftOut, from_dockerfile};
pub use edit::{Edited, SpecText};
pub use error::{SpecError, SpecErrors};
pub use from::{FromSpec, IndexTrust};
pub use layer::{Ancestors, LayerSpec, Needed};
pub use output::{Output, Timestamps};
pub use project::Project;
pub use source::{Owner, Place, SourceSpec};

use document::Flaw;
use error::{DUPLICATE_KEY, MISSING_KEY, SYNTAX};
use oci_merge_image::Edits;
use std::ops::Range;
use std::path::{Path, PathBuf};
use table::{Faults, Table};

/// What is to be built.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The name of the file, for messages.
    pub file: String,
    /// Where relative paths in the spec start.
    pub directory: PathBuf,
    /// `[project]`, but for its labels and annotations, which are in [`config`](Spec::config).
    pub project: Project,
    /// `[base]`.
    pub base: BaseSpec,
    /// `[config]`, and the labels and annotations of `[project]`.
    pub config: Edits,
    /// `[layer.NAME]`, in the order in which they are stacked: that of the file, but what is needed below what needs it.
    pub layers: Vec<LayerSpec>,
    /// `[[allow]]`.
    pub allow: Vec<Allow>,
    /// `[policy]`: the key of a finding and one of `deny`, `warn`, `allow`; both are words of the schema.
    pub policy: Vec<(String, String)>,
    /// `policy.max-layers`: how many layers the image may have, those of its base included.
    pub max_layers: usize,
    /// `[output]`.
    pub output: Output,
}

/// A place in the text of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// The line, from 1; 0 for what was not written in a file.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The bytes.
    pub range: Range<usize>,
}

/// The JSON schema (draft-07) of the spec file.
pub const SCHEMA: &str = include_str!("oci-merge.schema.json");

impl Spec {
    /// Reads a spec: TOML, or JSON of the same form if the text begins with `{`. `file` is its name in messages, and
    /// relative paths in it start at `directory`.
    ///
    /// ```
    /// use oci_merge::Spec;
    /// let text = r#"
    ///     schema = 1
    ///     base = { image = "scratch" }
    ///     [layer.node]
    ///     prefx = "/opt/node"
    ///     source = { path = "out/node" }
    /// "#;
    /// let errors = Spec::parse("oci-merge.toml", ".".as_ref(), text).unwrap_err();
    /// assert_eq!(
    ///     errors.to_string(),
    ///     "oci-merge.toml:5:5: error[OM0101]: unknown key `prefx` in [layer.node]; did you mean `prefix`?"
    /// );
    /// ```
    ///
    /// # Errors
    /// All that is wrong with the text, not the first thing only. Whether the files and images that it names exist,
    /// and whether its layers get on with each other, is seen later.
    pub fn parse(file: &str, directory: &Path, text: &str) -> Result<Spec, SpecErrors> {
        let (node, flaws) = document::read(text);
        let faults = Faults::new(text);
        for flaw in &flaws {
            match flaw {
                Flaw::Syntax(what, at) => faults.add(SYNTAX, at, what.clone()),
                Flaw::Twice(at) => {
                    let key = text.get(at.clone()).unwrap_or_default();
                    faults.add(DUPLICATE_KEY, at, format!("{} is there twice", oci_merge_image::shown(key)));
                }
            }
        }
        if flaws.iter().any(|flaw| matches!(flaw, Flaw::Syntax(..))) {
            return Err(SpecErrors::new(file, text, faults.into_errors()));
        }
        let spec = Table::open(&faults, &node, "the spec", &keys::TOP).and_then(|top| read(file, directory, &top));
        let mut errors = faults.into_errors();
        if !flaws.is_empty() {
            // Of two tables of one name the tree holds one; what the other had would seem to be missing.
            errors.retain(|error| error.code != MISSING_KEY);
        }
        match spec {
            Some(spec) if errors.is_empty() => Ok(spec),
            _ => Err(SpecErrors::new(file, text, errors)),
        }
    }

    /// A spec that no file says: layers on a base, and nothing else.
    pub(crate) fn without_file(base: BaseSource, directory: &Path, layers: Vec<LayerSpec>) -> Spec {
        Spec {
            file: String::new(),
            directory: directory.to_owned(),
            project: Project::default(),
            base: BaseSpec { source: base, span: Span::default() },
            config: Edits::default(),
            layers,
            allow: Vec::new(),
            policy: Vec::new(),
            max_layers: crate::MAX_LAYERS,
            output: Output::default(),
        }
    }

    /// A place in this spec as messages end with it: ` (oci-merge.toml:12:8)`; empty for what no file says.
    pub(crate) fn place(&self, span: &Span) -> String {
        match span.line {
            0 => String::new(),
            line => format!(" ({}:{line}:{})", oci_merge_image::shown(&self.file), span.column),
        }
    }
}

fn read(file: &str, directory: &Path, top: &Table<'_>) -> Option<Spec> {
    if !top.has("schema") {
        top.missing("schema", "add `schema = 1` as the first line");
    }
    top.integer("schema", 1..=1);
    let mut config = config::read(top);
    let project = project::read(top, &mut config);
    let layers = layer::read(top);
    let allow = allow::read(top, &layers.iter().map(|layer| layer.name.as_str()).collect::<Vec<_>>());
    let layers = order::stacked(layers, &allow, top.faults());
    let (policy, max_layers) = policy::read(top);
    let output = output::read(top);
    let base = base::read(top)?;
    Some(Spec {
        file: file.into(),
        directory: directory.into(),
        project,
        base,
        config,
        layers,
        allow,
        policy,
        max_layers,
        output,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_merge_image::Compression;
    use oci_merge_layer::compressor::Level;
    use proptest::prelude::*;
    use serde_json::Value;

    /// Every key that is built, once.
    const WHOLE: &str = r#"
schema = 1
[project]
name = "demo"
repo = "ghcr.io/jon/demo"
platforms = ["linux/amd64"]
labels = { "org.opencontainers.image.licenses" = "MIT" }
annotations = { note = "n" }
[base]
image = "oci:./base:22.04"
[config]
user = "1000:1000"
workdir = "/w"
cmd = ["sh"]
entrypoint = ["/init"]
env = { LANG = "C.UTF-8", B = "2", A = "1" }
stop-signal = "SIGINT"
exposed-ports = ["80", "53/udp"]
volumes = ["/data"]
[layer.zeta]
version = "1.2"
description = "the first"
prefix = "/opt/{layer}"
needs = ["alpha"]
owns = ["/etc/zeta/**"]
overrides = ["/opt/alpha/x"]
exclude = ["**/*.pyc", "/opt/zeta/tmp"]
path = ["bin", "/usr/zeta", "./x//y/"]
env = { Z_HOME = "{prefix}", Z_VERSION = "v{version}-${home}" }
platforms = ["arm64"]
ancestors = "base"
[[layer.zeta.source]]
url = "https://example.org/{layer}-{version}-{arch}.tar.gz"
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
arch = { amd64 = "x64" }
strip = 1
include = ["bin/**"]
to = "{prefix}/lib"
owner = "0:5"
[[layer.zeta.source]]
path = "out/{arch}"
keep = true
[layer.alpha]
prefix = "/opt/alpha"
source = { path = "demo/alpha" }
[layer.image]
version = "22"
prefix = "/opt/image"
from = { image = "ghcr.io/jon/{layer}:{version}", paths = ["/usr/image"], to = "{prefix}/lib", index = "trust" }
[[allow]]
paths = ["/root/.x", "/etc/*"]
layers = ["base", "alpha", "zeta"]
winner = "zeta"
reason = "either will do"
[policy]
collision = "warn"
max-layers = 40
[output]
level = "fast"
timestamps = "epoch"
pack = true
"#;

    #[test]
    fn every_key_means_what_the_manual_says() {
        let spec = Spec::parse("s.toml", Path::new("/d"), WHOLE).unwrap();
        assert_eq!((spec.file.as_str(), spec.directory.as_path()), ("s.toml", Path::new("/d")));
        assert_eq!(spec.project.repo.unwrap().name(), "ghcr.io/jon/demo");
        assert_eq!(spec.base.source, BaseSource::Layout { directory: "./base".into(), tag: Some("22.04".into()) });
        assert_eq!(spec.base.span.line, 10);
        let variable = |n: &str, v: &str| (n.to_owned(), v.to_owned());
        assert_eq!(spec.config.env, [variable("LANG", "C.UTF-8"), variable("B", "2"), variable("A", "1")]);
        assert_eq!(spec.config.labels.len() + spec.config.annotations.len(), 2);
        assert_eq!(spec.config.exposed_ports, ["80", "53/udp"]);
        assert_eq!(spec.policy, [("collision".to_owned(), "warn".to_owned())]);
        assert_eq!(spec.max_layers, 40);
        let output =
            Output { compression: Compression::Gzip, level: Level::FAST, timestamps: Timestamps::Epoch, pack: true };
        assert_eq!(spec.output, output);

        let names: Vec<_> = spec.layers.iter().map(|l| (l.name.as_str(), l.span.line)).collect();
        assert_eq!(names, [("alpha", 43), ("zeta", 20), ("image", 46)], "what is needed lies below");
        let zeta = &spec.layers[1];
        assert_eq!((zeta.needs[0].layer.as_str(), zeta.needs[0].span.line), ("alpha", 24));
        assert_eq!(zeta.overrides, ["/opt/alpha/x"]);
        let [allow] = &spec.allow[..] else { panic!() };
        assert_eq!((&allow.paths[..], allow.winner.as_str()), (&["/root/.x".into(), "/etc/*".to_owned()][..], "zeta"));
        assert_eq!((allow.layers.len(), allow.reason.as_str(), allow.span.line), (3, "either will do", 50));
        assert_eq!(zeta.prefix.to_string(), "/opt/zeta");
        assert_eq!(zeta.path, ["/opt/zeta/bin", "/usr/zeta", "/opt/zeta/x/y"]);
        assert_eq!(zeta.env, [variable("Z_HOME", "/opt/zeta"), variable("Z_VERSION", "v1.2-${home}")]);
        assert_eq!(zeta.platforms[0].to_string(), "linux/arm64");
        assert_eq!(zeta.ancestors, Ancestors::Base);
        let [url, path] = &zeta.sources[..] else { panic!() };
        assert_eq!((url.strip, url.owner, url.to.as_deref()), (1, Owner::Ids(0, 5), Some("/opt/zeta/lib")));
        let place = |architecture| match url.place_for(&oci_merge_image::Platform::linux(architecture)) {
            Place::Url { url, sha256 } => (url, sha256.unwrap().short()),
            _ => panic!(),
        };
        assert_eq!(place("amd64").0, "https://example.org/zeta-1.2-x64.tar.gz");
        assert_eq!(place("arm64").0, "https://example.org/zeta-1.2-arm64.tar.gz");
        assert_eq!(place("arm64").1, "sha256:e3b0c44298fc");
        let arm = oci_merge_image::Platform::linux("arm64");
        assert_eq!(path.place_for(&arm), Place::Path("out/arm64".into()));
        assert!(path.keep);
        assert!(zeta.from.is_none());
        let image = &spec.layers[2];
        let from = image.from.as_ref().unwrap();
        assert_eq!(from.image, BaseSource::Registry("ghcr.io/jon/image:22".parse().unwrap()));
        assert_eq!((&from.paths[..], from.to.as_deref()), (&["/usr/image".to_owned()][..], Some("/opt/image/lib")));
        assert_eq!((from.index, image.sources.len(), from.span.line), (IndexTrust::Trust, 0, 49));
    }

    #[test]
    fn json_of_the_same_form_means_the_same() {
        let json = serde_json::to_string_pretty(&::toml::from_str::<Value>(WHOLE).unwrap()).unwrap();
        let (toml, json) = (Spec::parse("s", Path::new("."), WHOLE), Spec::parse("s", Path::new("."), &json));
        let meant = |spec: Result<Spec, SpecErrors>| {
            let mut spec = spec.unwrap();
            spec.layers.sort_by(|a, b| a.name.cmp(&b.name)); // the toml crate's own map sorts
            spec.config.env.sort();
            for layer in &mut spec.layers {
                layer.span = Span::default();
                layer.sources.iter_mut().for_each(|source| source.span = Span::default());
                layer.from.iter_mut().for_each(|from| from.span = Span::default());
                layer.needs.iter_mut().for_each(|needed| needed.span = Span::default());
            }
            spec.allow.iter_mut().for_each(|allow| allow.span = Span::default());
            spec.base.span = Span::default();
            format!("{spec:?}")
        };
        assert_eq!(meant(toml), meant(json));
    }

    #[test]
    fn the_schema_lists_the_parsers_own_keys_and_words() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let at = |path: &str| schema.pointer(path).unwrap_or_else(|| panic!("the schema has no {path}"));
        let tables = [
            ("/properties", &keys::TOP),
            ("/properties/project/properties", &keys::PROJECT),
            ("/properties/base/properties", &keys::BASE),
            ("/properties/config/properties", &keys::CONFIG),
            ("/properties/policy/properties", &keys::POLICY),
            ("/properties/output/properties", &keys::OUTPUT),
            ("/definitions/layer/properties", &keys::LAYER),
            ("/definitions/source/properties", &keys::SOURCE),
            ("/definitions/from/properties", &keys::FROM),
            ("/definitions/allow/properties", &keys::ALLOW),
        ];
        for (path, keys) in tables {
            let mut listed: Vec<_> = at(path).as_object().unwrap().keys().map(String::as_str).collect();
            let mut known = keys.built.to_vec();
            listed.sort_unstable();
            known.sort_unstable();
            assert_eq!(listed, known, "{path}");
            assert_eq!(at(path.trim_end_matches("/properties"))["additionalProperties"], false, "{path}");
        }
        let words =
            |path: &str| -> Vec<&str> { at(path).as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect() };
        assert_eq!(words("/properties/output/properties/compression/enum"), output::COMPRESSIONS.map(|w| w.0));
        assert_eq!(words("/properties/output/properties/timestamps/enum"), output::TIMESTAMPS.map(|w| w.0));
        assert_eq!(words("/definitions/layer/properties/ancestors/enum"), layer::ANCESTORS.map(|w| w.0));
        assert_eq!(words("/definitions/from/properties/index/enum"), from::INDEX.map(|w| w.0));
        for key in keys::POLICY.built.iter().filter(|key| **key != "max-layers") {
            let listed = words(&format!("/properties/policy/properties/{key}/enum"));
            assert_eq!(listed, policy::words(key).iter().map(|w| w.0).collect::<Vec<_>>(), "{key}");
        }
        let most = at("/properties/policy/properties/max-layers");
        assert_eq!((&most["default"], &most["maximum"]), (&crate::MAX_LAYERS.into(), &crate::MAX_LAYERS.into()));
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let text = "schema = 2\nbase = 3\n[layer.A]\nprefx = \"/opt/a\"\ntest = []\nsource = \"x\"\n";
        let errors = Spec::parse("s.toml", Path::new("."), text).unwrap_err();
        let found: Vec<_> = errors.errors().iter().map(|e| (e.code, e.span.line, e.span.column)).collect();
        let expected = [
            ("OM0108", 1, 10),
            ("OM0107", 2, 8),
            ("OM0108", 3, 8),
            ("OM0101", 4, 1),
            ("OM0101", 5, 1),
            ("OM0107", 6, 10),
        ];
        assert_eq!(found, expected, "{errors}");
    }

    proptest! {
        /// A text with a piece cut out or doubled, or with other characters in it: an answer, never a panic, and every
        /// place lies in the text.
        #[test]
        fn no_text_is_too_broken(at in 0..WHOLE.len(), cut in 0..40_usize, put in "[\\[\\]{}\"'=.,#0a\n\\\\é-]{0,6}", json: bool) {
            let whole = if json { serde_json::to_string(&::toml::from_str::<Value>(WHOLE).unwrap()).unwrap() } else { WHOLE.to_owned() };
            let at = at.min(whole.len());
            let text = format!("{}{put}{}", &whole[..at], &whole[(at + cut).min(whole.len())..]);
            if let Err(errors) = Spec::parse("s", Path::new("."), &text) {
                prop_assert!(!errors.errors().is_empty());
                for error in errors.errors() {
                    prop_assert!(text.get(error.span.range.clone()).is_some() || error.span.range.start == text.len());
                    prop_assert!(!error.message.contains("serde") && !error.message.contains("expected struct"), "{}", error.message);
                }
            }
        }
    }
}
