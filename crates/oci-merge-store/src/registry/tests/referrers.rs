//! What is attached to a manifest is found again, whether the registry keeps the list or we do.

use super::*;
use serde_json::{Value, json};

const TYPE: &str = "application/vnd.example.note";

/// A manifest of a type about a subject, its blobs pushed.
fn note(registry: &Registry, subject: &Descriptor, text: &str, artifact_type: &str) -> (Descriptor, Vec<u8>) {
    let [config, layer] = [b"{}".to_vec(), text.as_bytes().to_vec()].map(|bytes| {
        let descriptor = Descriptor::of(MediaType::from("application/vnd.oci.empty.v1+json"), &bytes);
        registry.push(&descriptor, &bytes).unwrap();
        descriptor
    });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MediaType::ImageManifest, "artifactType": artifact_type, "config": config,
        "layers": [layer], "subject": subject, "annotations": { "text": text },
    });
    let bytes = manifest.to_string().into_bytes();
    (Descriptor::of(MediaType::ImageManifest, &bytes), bytes)
}

#[test]
fn what_is_attached_is_found_again() {
    for referrers in [true, false] {
        let server = Server::start(Options { referrers, ..Options::default() }).unwrap();
        let client = Client::of(&server);
        let registry = client.open(&server, "demo");
        let image = Image::new("subject");
        let subject = &image.manifest.0;
        assert_eq!(registry.referrers(subject, TYPE).unwrap(), []);
        let notes = [("one", TYPE), ("two", TYPE), ("other", "application/vnd.example.other")];
        let notes = notes.map(|(text, kind)| note(&registry, subject, text, kind));
        for (descriptor, bytes) in &notes {
            // Twice, as by two runs.
            registry.push(descriptor, bytes).unwrap();
            registry.push(descriptor, bytes).unwrap();
        }
        image.push(&registry, "v1").unwrap();
        let found = registry.referrers(subject, TYPE).unwrap();
        let mut found: Vec<_> = found.iter().map(|d| (&d.annotations["text"][..], &d.digest, d.size)).collect();
        found.sort();
        let expected = [("one", &notes[0].0), ("two", &notes[1].0)];
        assert_eq!(found, expected.map(|(text, d)| (text, &d.digest, d.size)), "referrers: {referrers}");

        // distribution-spec, Referrers Tag Schema: the digest with `-` in place of `:`.
        let tag = subject.digest.to_string().replace(':', "-");
        let tags = server.tags("demo");
        assert_eq!(tags.contains_key(&tag), !referrers, "{tags:?}");
        if !referrers {
            let index = server.manifest("demo", &tag).unwrap().bytes;
            let index: Value = serde_json::from_slice(&index).unwrap();
            assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
            assert_eq!(index["manifests"].as_array().unwrap().len(), 3, "each once: {index}");
            assert_eq!(index["manifests"][2]["artifactType"], "application/vnd.example.other");
        }
        assert_eq!(server.violations(), []);
    }
}

#[test]
fn a_list_that_is_none_lists_nothing() {
    let server = Server::start(Options { referrers: false, ..Options::default() }).unwrap();
    let client = Client::of(&server);
    let registry = client.open(&server, "demo");
    let image = Image::new("subject");
    image.push(&registry, "v1").unwrap();
    // Something else has the tag that the list would have: it lists nothing, and is nobody's to overwrite.
    let tag = image.manifest.0.digest.to_string().replace(':', "-");
    registry.tag(&image.manifest.0, &tag).unwrap();
    assert_eq!(registry.referrers(&image.manifest.0, TYPE).unwrap(), []);
    let (descriptor, bytes) = note(&registry, &image.manifest.0, "one", TYPE);
    assert_eq!(registry.push(&descriptor, &bytes).unwrap_err().kind(), crate::ErrorKind::Document);
    assert_eq!(server.tags("demo")[&tag], image.manifest.0.digest);
}
