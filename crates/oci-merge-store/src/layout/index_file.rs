//! `index.json`: the names of what a layout holds (image-spec `image-layout.md`, index.json File).

use crate::{Error, ErrorKind, Result};
use oci_merge_image::{Descriptor, Digest, MediaType, Reference, parse_strict, shown, to_canonical};
use serde_json::{Map, Value, json};

/// The annotation that names an entry of `index.json` (image-spec `annotations.md`).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The annotation under which containerd keeps the full reference; its importer prefers it to [`REF_NAME`].
pub(crate) const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// The value of `index.json`, fields that we do not know included.
pub(crate) struct IndexFile {
    place: String,
    map: Map<String, Value>,
    entries: Vec<Descriptor>,
}

impl IndexFile {
    /// The bytes of a new index.
    pub(crate) fn bytes_of(entries: Vec<Value>) -> Vec<u8> {
        to_canonical(&json!({ "schemaVersion": 2, "mediaType": MediaType::ImageIndex, "manifests": entries }))
    }

    /// Reads an index; `place` names it in errors.
    pub(crate) fn parse(place: &str, bytes: &[u8]) -> Result<IndexFile> {
        let refuse = |text: String| Error::new(ErrorKind::Document, place, format!("index.json: {text}"));
        let map = parse_strict(bytes).map_err(|e| Error::document(place, "index.json", e))?;
        if map.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
            return Err(refuse("expected schemaVersion 2".into()).because("MANIFEST_SCHEMA_VERSION"));
        }
        if map.contains_key("layers") || map.contains_key("config") {
            return Err(refuse("it has layers or a config, as a manifest has".into()).because("MANIFEST_AMBIGUOUS"));
        }
        let Some(Value::Array(manifests)) = map.get("manifests") else {
            return Err(refuse("expected a list `manifests`".into()).because("INDEX_FIELD"));
        };
        let entries =
            manifests.iter().map(|entry| serde_json::from_value(entry.clone())).collect::<std::result::Result<_, _>>();
        let entries = entries.map_err(|e| refuse(format!("not a descriptor: {e}")).because("INDEX_FIELD"))?;
        Ok(IndexFile { place: place.to_owned(), map, entries })
    }

    /// The entries, each with the annotation that names it.
    pub(crate) fn entries(&self) -> &[Descriptor] {
        &self.entries
    }

    /// The entry that a reference name stands for, or else a full name as containerd keeps it; for the empty text the
    /// only one, artifacts not counted. Without the annotations that name it.
    ///
    /// A digest that is not in the index is not found here.
    pub(crate) fn find(&self, reference: &str) -> Result<Descriptor> {
        let named = |entry: &Descriptor| entry.annotations.get(REF_NAME).is_some_and(|name| name == reference);
        let in_full =
            |entry: &Descriptor| entry.annotations.get(CONTAINERD_NAME).is_some_and(|n| is_same(n, reference));
        let select = |fits: &dyn Fn(&Descriptor) -> bool| self.entries.iter().filter(|e| fits(e)).collect::<Vec<_>>();
        let some = |found: Vec<_>| (!found.is_empty()).then_some(found);
        let found = match reference.parse::<Digest>() {
            Ok(digest) => select(&|entry| entry.digest == digest),
            // image-spec `descriptor.md`: what has an artifactType is attached to an image, and is none.
            Err(_) if reference.is_empty() => {
                some(select(&|e| !e.rest.contains_key("artifactType"))).unwrap_or_else(|| select(&|_| true))
            }
            Err(_) => some(select(&named)).unwrap_or_else(|| select(&in_full)),
        };
        let Some(first) = found.first() else {
            return Err(match reference {
                "" => Error::not_found(&self.place, "an image"),
                _ => self.without(reference),
            });
        };
        if found.iter().any(|entry| entry.digest != first.digest) {
            return Err(self.ambiguous(reference));
        }
        Ok(nameless(first))
    }

    /// Lets a tag stand for a manifest, and for nothing else. Every other entry stays as it is.
    pub(crate) fn set(&mut self, tag: &str, descriptor: &Descriptor) {
        let mut named = nameless(descriptor);
        named.annotations.insert(REF_NAME.into(), tag.into());
        let Some(Value::Array(manifests)) = self.map.get_mut("manifests") else { return };
        let has_tag = |entry: &Value| entry.pointer("/annotations").and_then(|a| a.get(REF_NAME)) == Some(&json!(tag));
        let place = manifests.iter().position(has_tag).unwrap_or(manifests.len());
        manifests.retain(|entry| !has_tag(entry));
        manifests.insert(place.min(manifests.len()), json!(named));
    }

    /// The bytes to be written.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        to_canonical(&Value::Object(self.map.clone()))
    }

    fn without(&self, reference: &str) -> Error {
        let text = format!("there is no {}; there is {}", shown(reference), self.names());
        Error::new(ErrorKind::NotFound, &*self.place, text)
    }

    fn ambiguous(&self, reference: &str) -> Error {
        let text = match reference {
            "" => format!("expected one image, found {}; say which", self.names()),
            tag => format!("{} stands for more than one manifest; name one by its digest", shown(tag)),
        };
        Error::new(ErrorKind::NotFound, &*self.place, text).because("LAYOUT_AMBIGUOUS")
    }

    fn names(&self) -> String {
        let name = |entry: &Descriptor| match entry.annotations.get(REF_NAME) {
            Some(name) => shown(name).to_string(),
            None => entry.digest.to_string(),
        };
        let mut names: Vec<String> = self.entries.iter().take(20).map(name).collect();
        if self.entries.len() > names.len() {
            names.push(format!("{} more", self.entries.len() - names.len()));
        }
        if names.is_empty() { "nothing".into() } else { names.join(", ") }
    }
}

/// A descriptor without the annotations that are names of an entry and no facts about its content.
pub(crate) fn nameless(descriptor: &Descriptor) -> Descriptor {
    let mut plain = descriptor.clone();
    plain.annotations.retain(|key, _| key != REF_NAME && key != CONTAINERD_NAME);
    plain
}

/// Whether two names are one to docker: `x:1` is `docker.io/library/x:1`.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let full = |name: &str| name.parse::<Reference>().ok();
    one == other || full(one).is_some_and(|one| Some(one) == full(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(content: &str, name: Option<&str>) -> Value {
        let mut descriptor = Descriptor::of(MediaType::ImageManifest, content.as_bytes());
        descriptor.annotations.extend(name.map(|n| (REF_NAME.to_owned(), n.to_owned())));
        json!(descriptor)
    }

    fn file(entries: &[Value]) -> IndexFile {
        let value = json!({ "schemaVersion": 2, "manifests": entries, "x-vendor": { "b": 1, "a": [2] } });
        IndexFile::parse("oci:t", value.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_tag_replaces_only_its_own_entry() {
        let mut index = file(&[entry("a", Some("one")), entry("b", None), entry("c", Some("two"))]);
        index.set("one", &Descriptor::of(MediaType::ImageManifest, b"new"));
        index.set("three", &Descriptor::of(MediaType::ImageManifest, b"c"));
        let expected = json!({
            "schemaVersion": 2, "x-vendor": { "b": 1, "a": [2] },
            "manifests": [entry("new", Some("one")), entry("b", None), entry("c", Some("two")), entry("c", Some("three"))]
        });
        assert_eq!(serde_json::from_slice::<Value>(&index.to_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_name_leads_to_one_manifest_or_to_an_error() {
        let index =
            file(&[entry("a", Some("one")), entry("b", Some("two")), entry("b", Some("two")), entry("c", None)]);
        let digest = |text: &str| Digest::of(text.as_bytes());
        assert_eq!(index.find("one").unwrap().digest, digest("a"));
        assert_eq!(index.find("two").unwrap().digest, digest("b"));
        assert_eq!(index.find(&digest("c").to_string()).unwrap().digest, digest("c"));
        assert!(index.find("one").unwrap().annotations.is_empty());
        let text = index.find("three").unwrap_err().to_string();
        assert!(text.starts_with("oci:t: there is no three; there is one, two, two, sha256:2e7d2c03"), "{text}");
        assert_eq!(index.find("").unwrap_err().reason(), Some("LAYOUT_AMBIGUOUS"));
        assert_eq!(file(&[]).find("").unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(file(&[entry("a", Some("x")), entry("a", Some("y"))]).find("").unwrap().digest, digest("a"));
        let twice = file(&[entry("a", Some("x")), entry("b", Some("x"))]);
        assert_eq!(twice.find("x").unwrap_err().reason(), Some("LAYOUT_AMBIGUOUS"));
    }

    #[test]
    fn a_full_name_finds_what_docker_saved() {
        let named = |content: &str, full: &str| {
            let mut entry = entry(content, Some("1"));
            entry["annotations"][CONTAINERD_NAME] = json!(full);
            entry
        };
        let index = file(&[named("a", "docker.io/library/x:1"), named("b", "r.io/x:1")]);
        for (name, content) in [("x:1", "a"), ("docker.io/library/x:1", "a"), ("r.io/x:1", "b")] {
            assert_eq!(index.find(name).unwrap().digest, Digest::of(content.as_bytes()), "{name}");
        }
        assert_eq!(index.find("1").unwrap_err().reason(), Some("LAYOUT_AMBIGUOUS"));
        assert_eq!(index.find("x:2").unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (bad, reason) in [
            ("[]", "JSON_NOT_OBJECT"),
            (r#"{"schemaVersion":1,"manifests":[]}"#, "MANIFEST_SCHEMA_VERSION"),
            (r#"{"schemaVersion":2}"#, "INDEX_FIELD"),
            (r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, "MANIFEST_AMBIGUOUS"),
            (r#"{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"sha256:../x","size":1}]}"#, "INDEX_FIELD"),
        ] {
            assert_eq!(IndexFile::parse("t", bad.as_bytes()).err().unwrap().reason(), Some(reason), "{bad}");
        }
        assert_eq!(file(&[]).entries(), []);
        assert!(IndexFile::parse("t", &IndexFile::bytes_of(Vec::new())).is_ok());
    }
}
