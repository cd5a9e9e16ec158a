//! What of layers moves, and what need not.

use super::{Place, trusting};
use crate::library::tool;
use oci_merge::spec::BaseSource;
use oci_merge::{Builder, Destination, Settings, Spec, merge};
use std::path::Path;

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
