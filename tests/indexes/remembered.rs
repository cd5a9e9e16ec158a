//! What the local store knows of layers afterwards.

use super::{Place, count, trusting};
use oci_merge::{Builder, Destination, Settings, Spec};
use oci_merge_store::server::{Options, Server};
use std::path::Path;

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
