//! Indexes that are attached to an image: who brings them, and who finds them.

use super::{Place, count, trusting};
use crate::library::tool;
use oci_merge::spec::BaseSource;
use oci_merge::{Builder, Destination, Settings, merge};
use std::path::Path;

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
