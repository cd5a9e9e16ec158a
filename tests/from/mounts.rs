//! What moves when the layers of images are in the registry already.

use super::*;
use oci_merge::{Destination, Layer, Remake, Settings};

const TOOL: &[&str] = &["d opt", "d opt/tool", "f opt/tool/run =1"];

fn text(image: &str) -> String {
    format!("[layer.tool]\nprefix = \"/opt/tool\"\nfrom = {{ image = \"{image}\" }}\n")
}

#[test]
fn a_layer_in_the_same_registry_is_mounted_and_read_once() {
    let stage = Stage::new();
    let tool = Image::of(&[&["d etc", "f etc/x =1"], TOOL]);
    tool.stock(&stage.server, "tool");
    let layer = tool.digests()[1..].to_vec();
    stage.assemble(&text(&stage.at("tool"))).unwrap().push(&stage.at("first")).unwrap();
    assert_eq!(stage.requests_for(&layer, 0), ["GET", "POST"], "read once, then mounted");
    let since = stage.server.requests().len();
    stage.assemble(&text(&stage.at("tool"))).unwrap().push(&stage.at("second")).unwrap();
    assert_eq!(stage.requests_for(&layer, since), ["POST"], "an index that is remembered needs no layer");
    for target in ["first", "second"] {
        assert_eq!(stage.server.blob(target, &layer[0]).as_ref(), Some(&tool.blobs[1]));
    }
    assert!(stage.server.violations().is_empty(), "{:?}", stage.server.violations());
}

#[test]
fn a_layer_of_another_registry_is_fetched_once_and_sent() {
    let (here, there) = (Stage::new(), Stage::new());
    let tool = Image::of(&[TOOL]);
    tool.stock(&there.server, "tool");
    let assembled = here.assemble(&text(&there.at("tool"))).unwrap();
    assembled.push(&here.at("image")).unwrap();
    assert_eq!(there.requests_for(&tool.digests(), 0), ["GET"]);
    assert_eq!(here.server.blob("image", &tool.digests()[0]).as_ref(), Some(&tool.blobs[0]));
    assert!(here.requests_for(&tool.digests(), 0).iter().all(|method| method != "GET"));
    // Written to a directory instead, nothing is fetched again.
    let since = there.server.requests().len();
    files(&here, &here.assemble(&text(&there.at("tool"))).unwrap());
    assert_eq!(there.requests_for(&tool.digests(), since), [] as [&str; 0]);
}

#[test]
fn a_blob_that_went_bad_in_the_local_store_is_fetched_again() {
    let stage = Stage::new();
    // One that has to be written anew, so that its blob is read.
    let tool = Image::of(&[&["d opt/tool", "f opt/tool/run =1"]]);
    tool.stock(&stage.server, "tool");
    let first = stage.assemble(&text(&stage.at("tool"))).unwrap().built().layers[0].digest.clone();
    let blob = stage.root.path().join("store/blobs/sha256").join(tool.digests()[0].hex());
    let mut bytes = std::fs::read(&blob).unwrap();
    let _ = std::fs::remove_file(&blob);
    bytes[20] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let again =
        |settings| stage.assemble_with(&text(&stage.at("tool")), settings).unwrap().built().layers[0].digest.clone();
    assert_eq!(first, again(stage.settings()));
    assert_eq!(
        stage.requests_for(&tool.digests(), 0),
        ["GET"],
        "the layer is remembered: what it was made of is not read"
    );
    assert_eq!(first, again(Settings { remake: Remake::Everything, ..stage.settings() }));
    assert_eq!(stage.requests_for(&tool.digests(), 0), ["GET", "GET"]);
}

#[test]
fn two_layers_of_one_image_read_each_blob_once() {
    let stage = Stage::new();
    let two = Image::of(&[&["d opt", "d opt/a", "f opt/a/run =1"], &["d opt", "d opt/b", "f opt/b/run =1"]]);
    two.stock(&stage.server, "two");
    let layer = |name: &str| {
        format!("[layer.{name}]\nprefix = \"/opt/{name}\"\nfrom = {{ image = \"{}\" }}\n", stage.at("two"))
    };
    let built = stage.assemble(&(layer("a") + &layer("b"))).unwrap().built();
    let digests: Vec<_> = built.layers.iter().map(|layer| layer.digest.clone()).collect();
    assert_eq!(digests, two.digests(), "each its own");
    assert_eq!(stage.requests_for(&two.digests(), 0), ["GET", "GET"]);
}

#[test]
fn a_layer_that_is_used_as_it_is_can_be_written_as_a_file() {
    let stage = Stage::new();
    let tool = Image::of(&[TOOL]);
    tool.write(&stage.root.path().join("tool"), &[]);
    let file = stage.root.path().join("tool.tgz");
    stage.assemble(&text("oci:tool")).unwrap().write(&[Destination::Layer(file.clone())]).unwrap();
    assert_eq!(std::fs::read(file).unwrap(), tool.blobs[0]);
}

#[test]
fn the_library_takes_images_as_layers() {
    let stage = Stage::new();
    let (base, tool) = (Image::of(&[&["d etc", "f etc/x =1"]]), Image::of(&[&["d etc", "f etc/x =1"], TOOL]));
    base.stock(&stage.server, "base");
    tool.stock(&stage.server, "tool");
    let image = oci_merge::Image::on(stage.at("base")).layer(Layer::image("tool", stage.at("tool")).path("bin"));
    let built = image.settings(stage.settings()).assemble().unwrap().built();
    assert_eq!(built.layers[0].digest, tool.digests()[1]);
    assert!(built.path.starts_with("/opt/tool/bin:"), "{}", built.path);
    let strip = oci_merge::Image::on("scratch").layer(Layer::image("tool", "a:1").strip(1)).assemble();
    assert_eq!(strip.unwrap_err().to_string(), "tool: `strip` is for archives");
}
