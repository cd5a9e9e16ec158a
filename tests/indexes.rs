//! Layers that lie in a registry are checked by their indexes: who is believed, who is not, and what it saves.

use crate::library::tool;
use oci_merge::spec::BaseSource;
use oci_merge::{Builder, Built, Destination, Event, MergeInput, Observer, Result, Settings, Spec, merge};
use oci_merge_store::server::{Options, Server};
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A registry with a base, and a tool to put on it.
struct Place {
    server: Server,
    root: tempfile::TempDir,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new(referrers: bool) -> Place {
        let server = Server::start(Options { referrers, ..Options::default() }).unwrap();
        let root = tempfile::tempdir().unwrap();
        let place = Place { server, root, warnings: Arc::default() };
        place.push(&BaseSource::Scratch, "ground", "base:1", Settings::default()).unwrap();
        place
    }

    fn name(&self, reference: &str) -> String {
        format!("{}/{reference}", self.server.address())
    }

    /// Puts a tool on a base, with a store that knows nothing yet unless the settings bring one.
    fn push(&self, base: &BaseSource, name: &str, target: &str, settings: Settings) -> Result<Built> {
        self.push_as(base, name, target, settings, Builder::pushed)
    }

    fn push_as(
        &self,
        base: &BaseSource,
        name: &str,
        target: &str,
        settings: Settings,
        how: fn(Builder) -> Builder,
    ) -> Result<Built> {
        let input: MergeInput = tool(self.root.path(), name).display().to_string().parse()?;
        let warnings = Arc::clone(&self.warnings);
        let observer = Observer::new(move |event| {
            if let Event::Warning { text } = event {
                warnings.lock().unwrap().push(text.clone());
            }
        });
        // The same times, and so the same layers, whenever the files were made.
        let settings = Settings { observer, epoch: Some(1_000_000_000), ..settings };
        let spec = merge(base.clone(), &[input], Path::new(""), &settings)?;
        let builder = how(Builder::new(spec).settings(settings).names([self.name(target)]));
        builder.assemble()?.write(&[Destination::Registry])
    }

    /// The same on the base; what was asked for since, and what was warned of.
    fn build(&self, target: &str, settings: Settings) -> (Vec<String>, Vec<String>) {
        self.build_as(target, settings, Builder::pushed)
    }

    fn build_as(&self, target: &str, settings: Settings, how: fn(Builder) -> Builder) -> (Vec<String>, Vec<String>) {
        let before = self.server.requests().len();
        let base = self.name("base:1").parse().unwrap();
        let built = self.push_as(&base, "alpha", target, settings, how).unwrap();
        assert_eq!(built.layers.len(), 1);
        let requests = self.server.requests().split_off(before);
        let asked = requests.iter().map(|r| format!("{} {}", r.method, r.target)).collect();
        (asked, std::mem::take(&mut self.warnings.lock().unwrap()))
    }

    fn manifest(&self, repository: &str, tag: &str) -> Value {
        serde_json::from_slice(&self.server.manifest(repository, tag).unwrap().bytes).unwrap()
    }

    /// The digest of the base's layer, and that of its index by the annotation.
    fn of_base(&self) -> [String; 2] {
        let layer = &self.manifest("base", "1")["layers"][0];
        [&layer["digest"], &layer["annotations"]["dev.oci-merge.index"]].map(|text| text.as_str().unwrap().to_owned())
    }
}

fn count(asked: &[String], method: &str, part: &str) -> usize {
    asked.iter().filter(|line| line.starts_with(method) && line.contains(part)).count()
}

fn trusting() -> Settings {
    Settings { trust_index: true, ..Settings::default() }
}

#[test]
fn a_pushed_image_brings_its_indexes_along() {
    for referrers in [true, false] {
        let place = Place::new(referrers);
        let subject = place.server.tags("base")["1"].clone();
        let tag = subject.to_string().replace(':', "-");
        assert_eq!(place.server.tags("base").contains_key(&tag), !referrers);
        let [layer, index] = place.of_base();
        let bytes = place.server.blob("base", &index.parse().unwrap()).unwrap();
        let index = oci_merge_layer::LayerIndex::from_bytes(&bytes).unwrap();
        assert_eq!(index.digest().to_string(), layer);
        assert!(place.server.violations().is_empty(), "{:?}", place.server.violations());
    }
}

#[test]
fn a_believed_index_saves_the_reading_of_its_layer() {
    let place = Place::new(false);
    let [layer, index] = place.of_base();

    // Somebody else's repository, and nobody vouches for it: the layer is read.
    let (asked, _) = place.build("stranger:1", Settings::default());
    assert_eq!(count(&asked, "GET", &layer), 1, "{asked:#?}");

    // The user does: the index is read in its place, and the layer is mounted.
    let (asked, warnings) = place.build("app:1", trusting());
    assert_eq!((count(&asked, "GET", &layer), count(&asked, "GET", &index)), (0, 1), "{asked:#?}");
    assert_eq!(count(&asked, "POST", &format!("mount={layer}")), 1, "{asked:#?}");
    assert_eq!(warnings, [""; 0]);

    // What was pushed on the word of the user stands in the run's own repository, which needs no word.
    let (asked, _) = place.build("app:2", Settings::default());
    assert_eq!(count(&asked, "GET", &layer), 1, "no image is called app:2: {asked:#?}");
    let (asked, _) = place.build("app:1", Settings::default());
    assert_eq!((count(&asked, "GET", &layer), count(&asked, "GET", &index)), (0, 1), "{asked:#?}");

    // Whoever does not push there has no say there either.
    let (asked, _) = place.build_as("app:1", Settings::default(), |builder| builder);
    assert_eq!(count(&asked, "GET", &layer), 1, "{asked:#?}");
    assert_eq!(count(&asked, "GET", "/v2/app/manifests/1"), 0, "{asked:#?}");

    // Only the layer itself says what it is.
    let (asked, _) = place.build("app:1", Settings { deep: true, ..trusting() });
    assert_eq!(count(&asked, "GET", &layer), 1, "{asked:#?}");
    assert_eq!(place.server.tags("app")["1"], place.server.tags("stranger")["1"], "one image, however it was checked");
}

#[test]
fn what_was_read_once_is_remembered() {
    let (place, store) = (Place::new(true), tempfile::tempdir().unwrap());
    let settings = |settings: Settings| Settings { store: Some(store.path().to_owned()), ..settings };
    let [layer, _] = place.of_base();
    // What was only believed is not.
    place.build("a:1", settings(trusting()));
    let (asked, _) = place.build("b:1", settings(Settings::default()));
    assert_eq!(count(&asked, "GET", &layer), 1, "{asked:#?}");
    let (asked, _) = place.build("c:1", settings(Settings::default()));
    assert_eq!(count(&asked, "GET", &layer), 0, "{asked:#?}");
}

#[test]
fn what_stays_in_its_registry_is_read_once_and_not_kept() {
    let place = Place::new(true);
    let [layer, _] = place.of_base();
    let other = Server::start(Options::default()).unwrap();
    for (target, kept) in [(place.name("d:1"), false), (format!("{}/d:1", other.address()), true)] {
        let (store, before) = (tempfile::tempdir().unwrap(), place.server.requests().len());
        let settings = Settings { store: Some(store.path().to_owned()), ..Settings::default() };
        let text = format!(
            "schema = 1\nproject.platforms = [\"linux/amd64\"]\nbase.image = \"scratch\"\n\
             [layer.ground]\nprefix = \"/opt/ground\"\nfrom = {{ image = {:?} }}\n",
            place.name("base:1")
        );
        let spec = Spec::parse("oci-merge.toml", Path::new(""), &text).unwrap();
        let builder = Builder::new(spec).settings(settings).names([target]).pushed();
        builder.assemble().unwrap().write(&[Destination::Registry]).unwrap();
        let asked = place.server.requests().split_off(before);
        let asked: Vec<String> = asked.iter().map(|r| format!("{} {}", r.method, r.target)).collect();
        assert_eq!(count(&asked, "GET", &layer), 1, "{asked:#?}");
        let blob = store.path().join("blobs").join(layer.replace(':', "/"));
        assert_eq!(blob.exists(), kept, "{asked:#?}");
    }
}

#[test]
fn indexes_without_an_annotation_are_found_by_what_they_are_attached_to() {
    // Of another subject, or of a layer that the image does not have, an artifact says nothing.
    let cases = [(true, "", ""), (false, "", ""), (false, "subject", ""), (false, "", "layer")];
    for (referrers, wrong_subject, wrong_layer) in cases {
        let place = Place::new(referrers);
        let [layer, index] = place.of_base();
        // The same image without our annotations, and an artifact that is about it.
        let mut manifest = place.manifest("base", "1");
        manifest["layers"][0].as_object_mut().unwrap().remove("annotations");
        let bytes = manifest.to_string().into_bytes();
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let subject = place.server.put_manifest("base", Some("1"), media_type, &bytes).unwrap();
        let empty = place.server.put_blob("base", b"{}").unwrap();
        let blob = place.server.blob("base", &index.parse().unwrap()).unwrap();
        let kind = "application/vnd.oci-merge.index.v1";
        let other = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824".to_owned();
        let about = if wrong_subject.is_empty() { subject.to_string() } else { other.clone() };
        let of = if wrong_layer.is_empty() { layer.clone() } else { other };
        let artifact = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type, "artifactType": kind,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2 },
            "layers": [{ "mediaType": kind, "digest": index, "size": blob.len(),
                         "annotations": { "dev.oci-merge.index.layer": of } }],
            "subject": { "mediaType": media_type, "digest": about, "size": bytes.len() },
        });
        let artifact = artifact.to_string().into_bytes();
        let digest = place.server.put_manifest("base", None, media_type, &artifact).unwrap();
        if !referrers {
            let list = serde_json::json!({ "schemaVersion": 2, "manifests": [{
                "mediaType": media_type, "digest": digest, "size": artifact.len(), "artifactType": kind }] });
            let tag = subject.to_string().replace(':', "-");
            let media_type = "application/vnd.oci.image.index.v1+json";
            place.server.put_manifest("base", Some(&tag), media_type, list.to_string().as_bytes()).unwrap();
        }
        let (asked, _) = place.build("app:1", trusting());
        let believed = if wrong_subject.is_empty() && wrong_layer.is_empty() { (0, 1) } else { (1, 0) };
        assert_eq!((count(&asked, "GET", &layer), count(&asked, "GET", &index)), believed, "{asked:#?}");
    }
}

#[test]
fn an_image_is_believed_about_its_own_layers_only() {
    let place = Place::new(true);
    let base: BaseSource = place.name("base:1").parse().unwrap();
    let built = place.push(&base, "alpha", "tool:1", Settings::default()).unwrap();
    let (of_base, of_tool) = (place.of_base()[0].clone(), built.layers[0].digest.to_string());
    let spec = format!(
        "schema = 1\nbase.image = \"{base}\"\n[layer.alpha]\nprefix = \"/opt/alpha\"\n\
         from = {{ image = \"{}\", index = \"trust\" }}\n",
        place.name("tool:1")
    );
    let spec = Spec::parse("oci-merge.toml", Path::new(""), &spec).unwrap();
    let before = place.server.requests().len();
    Builder::new(spec).assemble().unwrap();
    let reads = |layer: &str| {
        let requests = place.server.requests().split_off(before);
        requests.iter().filter(|r| r.method == "GET" && r.target.contains(layer)).count()
    };
    // It names the base's layers too, but nobody vouched for what it says of the base.
    assert_eq!((reads(&of_tool), reads(&of_base)), (0, 1));
}

#[test]
fn where_two_disagree_the_layer_is_read() {
    let place = Place::new(true);
    let [layer, _] = place.of_base();
    // Both are vouched for: one lies about the base, the base itself does not.
    place.build("app:1", Settings::default());
    let mut manifest = place.manifest("app", "1");
    let other = manifest["layers"][1]["annotations"].clone();
    for key in ["dev.oci-merge.index", "dev.oci-merge.index.size"] {
        manifest["layers"][0]["annotations"][key] = other[key].clone();
    }
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    place.server.put_manifest("liar", Some("1"), media_type, manifest.to_string().as_bytes()).unwrap();
    let base: BaseSource = place.name("base:1").parse().unwrap();
    let spec = format!(
        "schema = 1\nbase.image = \"{base}\"\n[layer.alpha]\nprefix = \"/opt/alpha\"\nfrom.image = \"{}\"\n",
        place.name("liar:1")
    );
    for (repository, at) in [("app", 1), ("base", 0)] {
        let layer = place.manifest(repository, "1")["layers"][at]["digest"].as_str().unwrap().parse().unwrap();
        place.server.put_blob("liar", &place.server.blob(repository, &layer).unwrap()).unwrap();
    }
    let spec = Spec::parse("oci-merge.toml", Path::new(""), &spec).unwrap();
    let before = place.server.requests().len();
    let _ = Builder::new(spec).settings(trusting()).assemble();
    let requests = place.server.requests().split_off(before);
    assert_eq!(requests.iter().filter(|r| r.method == "GET" && r.target.contains(&layer)).count(), 1, "{requests:#?}");
}

#[test]
fn an_index_that_is_wrong_is_not_believed_and_said_so() {
    let place = Place::new(true);
    let [layer, index] = place.of_base();
    place.build("other:1", Settings::default());
    let annotation = |repository: &str, place_of: usize, key: &str| {
        place.manifest(repository, "1")["layers"][place_of]["annotations"][key].as_str().unwrap().to_owned()
    };
    // A true index, but of another layer; and bytes that are none.
    let other = annotation("other", 1, "dev.oci-merge.index");
    let other_bytes = place.server.blob("other", &other.parse().unwrap()).unwrap();
    let wrong = [("a:1", other_bytes, "it is of another layer"), ("b:1", b"\x1f\x8b\x08".to_vec(), "not a path index")];
    for (target, bytes, why) in wrong {
        let digest = place.server.put_blob("base", &bytes).unwrap();
        let mut manifest = place.manifest("base", "1");
        let annotations = &mut manifest["layers"][0]["annotations"];
        annotations["dev.oci-merge.index"] = digest.to_string().into();
        annotations["dev.oci-merge.index.size"] = bytes.len().to_string().into();
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        place.server.put_manifest("base", Some("1"), media_type, manifest.to_string().as_bytes()).unwrap();
        let (asked, warnings) = place.build(target, trusting());
        assert_eq!(count(&asked, "GET", &layer), 1, "{asked:#?}");
        assert!(warnings.iter().any(|w| w.contains(&digest.to_string()) && w.contains(why)), "{why}: {warnings:?}");
    }
    // The right digest with other bytes.
    let place = Place::new(true);
    assert_eq!(place.of_base(), [layer.clone(), index.clone()]);
    place.server.misbehave(format!("do=flip:30,on=GET,path=/blobs/{index},times=0").parse().unwrap()).unwrap();
    let (asked, warnings) = place.build("app:1", trusting());
    assert_eq!(count(&asked, "GET", &layer), 1, "{asked:#?}");
    assert!(warnings.iter().any(|w| w.contains(&index)), "{warnings:?}");
}

#[test]
fn without_layer_bytes_there_is_a_push_or_an_error() {
    let place = Place::new(true);
    let promise = || Settings { no_layer_upload: true, ..Settings::default() };
    let base: BaseSource = place.name("base:1").parse().unwrap();
    let error = place.push(&base, "alpha", "app:1", promise()).unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("OM0506", 1), "{error}");
    assert!(error.to_string().starts_with("alpha: "), "{error}");
    assert!(place.server.manifest("app", "1").is_none());
    place.push(&base, "alpha", "app:1", Settings::default()).unwrap();
    let before = place.server.requests().len();
    let built = place.push(&base, "alpha", "app:2", promise()).unwrap();
    assert_eq!(built.layers[0].bytes_sent, 0);
    let layer = built.layers[0].digest.to_string();
    assert_eq!(place.server.requests()[before..].iter().filter(|r| r.target.contains(&layer)).count(), 0);
}

#[test]
fn tools_in_the_registry_are_stacked_without_a_byte_of_a_layer() {
    for referrers in [true, false] {
        let place = Place::new(referrers);
        let base: BaseSource = place.name("base:1").parse().unwrap();
        let tools = ["alpha", "beta", "gamma"];
        let mut layers = vec![place.of_base()[0].clone()];
        for tool in tools {
            let built = place.push(&base, tool, &format!("tool-{tool}:1"), Settings::default()).unwrap();
            layers.push(built.layers[0].digest.to_string());
        }
        let spec = |target: &str, settings: Settings| {
            let mut spec = format!("schema = 1\nbase.image = \"{base}\"\n");
            for tool in tools {
                let image = place.name(&format!("tool-{tool}:1"));
                spec += &format!("[layer.{tool}]\nprefix = \"/opt/{tool}\"\nfrom.image = \"{image}\"\n");
            }
            let spec = Spec::parse("oci-merge.toml", Path::new(""), &spec).unwrap();
            let before = place.server.requests().len();
            let builder = Builder::new(spec).settings(settings).names([place.name(target)]).pushed();
            let built = builder.assemble().unwrap().write(&[Destination::Registry]).unwrap();
            (built, place.server.requests().split_off(before))
        };
        // An empty store each time; first on the word of the user, then on that of the run's own repository.
        let mut digests = Vec::new();
        for settings in [trusting(), Settings::default()] {
            let (built, requests) = spec("all:1", settings);
            digests.push(built.manifest_digest);
            let about = |r: &&oci_merge_store::server::Request| layers.iter().any(|l| r.target.contains(l.as_str()));
            let moved: Vec<_> = requests.iter().filter(about).filter(|r| r.received > 0 || r.method == "GET").collect();
            assert!(moved.is_empty(), "{moved:#?}");
            assert!(built.layers.iter().all(|layer| layer.bytes_sent == 0));
            assert_eq!((built.sent.layers_up, built.sent.sent_again), (0, 0));
            // Of each layer its manifest, its index and the mount; and the base's config, ours, and our manifest.
            assert!(requests.len() <= 3 * layers.len() + 6, "{requests:#?}");
        }
        assert_eq!(digests[0], digests[1]);
        // Nobody is believed: each layer is read once, and none is sent.
        let (built, requests) = spec("stranger:1", Settings::default());
        for layer in &layers {
            let reads = requests.iter().filter(|r| r.method == "GET" && r.target.contains(layer.as_str())).count();
            assert_eq!(reads, 1, "{layer}");
            assert!(requests.iter().all(|r| r.received == 0 || !r.target.contains(layer.as_str())));
        }
        assert_eq!(built.manifest_digest, digests[0]);
        assert!(place.server.violations().is_empty(), "{:?}", place.server.violations());
    }
}

#[test]
fn what_went_to_one_repository_is_mounted_into_the_next() {
    let place = Place::new(true);
    let settings = Settings { epoch: Some(1_000_000_000), ..Settings::default() };
    let input = tool(place.root.path(), "alpha").display().to_string().parse().unwrap();
    let spec = merge(place.name("base:1").parse().unwrap(), &[input], Path::new(""), &settings).unwrap();
    let builder = Builder::new(spec).settings(settings).names([place.name("one:1"), place.name("two:1")]);
    let built = builder.assemble().unwrap().write(&[Destination::Registry]).unwrap();
    assert_eq!(place.server.tags("two")["1"], place.server.tags("one")["1"]);
    let to_two: Vec<_> = place.server.requests().into_iter().filter(|r| r.target.starts_with("/v2/two/")).collect();
    let sent: Vec<_> = to_two.iter().filter(|r| r.received > 0).map(|r| (&r.method[..], &r.target[..])).collect();
    let manifests = sent.iter().all(|(method, target)| *method == "PUT" && target.contains("/manifests/"));
    assert!(manifests && sent.len() == 2, "the image and what is attached to it: {to_two:#?}");
    assert_eq!(built.layers[0].happened(), "new", "as where it took most");
    assert!(place.server.violations().is_empty(), "{:?}", place.server.violations());
}

#[test]
fn what_was_built_here_is_pushed_with_its_indexes() {
    let (place, store) = (Place::new(false), tempfile::tempdir().unwrap());
    let settings = |store: Option<&Path>| Settings { store: store.map(Path::to_owned), ..trusting() };
    let layout = place.root.path().join("image");
    let input = tool(place.root.path(), "alpha").display().to_string().parse().unwrap();
    let spec = merge(BaseSource::Scratch, &[input], Path::new(""), &Settings::default()).unwrap();
    let builder = Builder::new(spec).settings(settings(Some(store.path())));
    builder.assemble().unwrap().write(&[Destination::Layout(layout.clone())]).unwrap();
    let source: BaseSource = format!("oci:{}", layout.display()).parse().unwrap();
    // A machine that did not build it knows nothing of its layers.
    for (target, store, brings) in [("away", None, false), ("here", Some(store.path()), true)] {
        let to = place.name(&format!("{target}:1")).parse().unwrap();
        oci_merge::push(&source, Path::new(""), &[to], &settings(store)).unwrap();
        let tags = place.server.tags(target);
        assert_eq!(tags.keys().any(|tag| tag.starts_with("sha256-")), brings, "{tags:?}");
    }
    assert!(place.server.violations().is_empty(), "{:?}", place.server.violations());
}
