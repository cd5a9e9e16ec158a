//! Who is believed about a layer, and what comes of an index that is wrong.

use super::{Place, count, trusting};
use oci_merge::spec::BaseSource;
use oci_merge::{Builder, Settings, Spec};
use std::path::Path;

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
