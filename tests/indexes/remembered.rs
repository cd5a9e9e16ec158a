//! What the local store knows of layers afterwards.

use super::{Place, count, trusting};
use crate::library::tool;
use oci_merge::{Builder, Destination, Settings, Spec};
use oci_merge_image::LayerPath;
use oci_merge_layer::{Body, Entry, IndexBuilder, Kind, LayerIndex, Xattrs};
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

/// The index of a layer, but for the mode of one directory.
fn with_mode(index: &LayerIndex, directory: &str, mode: u16) -> LayerIndex {
    let mut other = IndexBuilder::default();
    for entry in index.entries() {
        let body = if entry.kind == Kind::Directory { Body::Directory } else { Body::File { size: entry.size } };
        let is_meant = entry.path == directory.as_bytes();
        let changed = Entry {
            path: LayerPath::parse(entry.path).unwrap(),
            body,
            mode: if is_meant { mode } else { entry.mode },
            uid: entry.uid,
            gid: entry.gid,
            mtime: entry.mtime,
            xattrs: Xattrs::new(),
        };
        other.push(&changed, entry.content.copied(), None).unwrap();
    }
    other.finish(index.digest().clone(), index.diff_id().clone()).unwrap()
}

#[test]
fn what_was_joined_by_a_believed_index_is_not_what_others_get() {
    let place = Place::new(true);
    let [_, index] = place.of_base();
    let index = LayerIndex::from_bytes(&place.server.blob("base", &index.parse().unwrap()).unwrap()).unwrap();
    // The image's maker vouches for an index that is wrong about a directory.
    let lie = with_mode(&index, "opt/ground", 0o711).to_bytes();
    let digest = place.server.put_blob("base", &lie).unwrap();
    let mut manifest = place.manifest("base", "1");
    manifest["layers"][0]["annotations"]["dev.oci-merge.index"] = digest.to_string().into();
    manifest["layers"][0]["annotations"]["dev.oci-merge.index.size"] = lie.len().to_string().into();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    place.server.put_manifest("base", Some("1"), media_type, manifest.to_string().as_bytes()).unwrap();
    tool(place.root.path(), "beta");
    let joined = |index: &str, store: &Path| {
        let text = format!(
            "schema = 1\nproject.platforms = [\"linux/amd64\"]\nbase.image = \"scratch\"\n\
             [output]\npack = true\n[policy]\nmax-layers = 1\n\
             [layer.ground]\nprefix = \"/opt/ground\"\nfrom = {{ image = {:?}, index = {index:?} }}\n\
             [layer.beta]\nprefix = \"/opt/beta\"\nsource = {{ path = \"beta\" }}\n",
            place.name("base:1")
        );
        let spec = Spec::parse("oci-merge.toml", place.root.path(), &text).unwrap();
        let settings = Settings { store: Some(store.to_owned()), ..Settings::default() };
        let built = Builder::new(spec).settings(settings).assemble().unwrap().built();
        assert_eq!(built.layers.len(), 1);
        built.layers[0].digest.clone()
    };
    let stores = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let right = joined("verify", stores[0].path());
    assert_ne!(joined("trust", stores[1].path()), right, "on the word of the maker");
    assert_eq!(joined("verify", stores[1].path()), right, "and nobody else's");
}
