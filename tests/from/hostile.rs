//! What is refused in an image that files are taken from: by the name of the layer, of the image, and of its layer.

use super::*;

const TEXT: &str = "[layer.tool]\nprefix = \"/opt/tool\"\nfrom = { image = \"oci:tool\" }\n";

/// The findings of a build from an image with a layer of these bytes below a good one.
fn findings(blob: Vec<u8>, diff_id: Digest) -> String {
    let stage = Stage::new();
    let good = tar(&["d opt", "d opt/tool", "f opt/tool/a =1"]);
    let blobs = vec![blob, gzip(&good)];
    Image::made(blobs, &[diff_id, Digest::of(&good)], "amd64", json!({})).write(&stage.root.path().join("tool"), &[]);
    match stage.assemble(TEXT).map(|assembled| assembled.built().layers[0].notes.clone()) {
        Err(Error::Findings(report)) => {
            assert!(report.findings().iter().all(|finding| finding.code().as_str() == "OM0220"), "{report}");
            report.to_string()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_readers_disagree_about_is_refused_though_a_base_may_have_it() {
    let dotdot = tar(&["d opt", "f opt/../etc/passwd =x"]);
    let twice = tar(&["d etc", "f etc/a =1", "f etc/a =2"]);
    let mut after = tar(&["d etc"]);
    after.extend_from_slice(&[1; 512]);
    let truncated = twice[..twice.len() - 1024].to_vec();
    for (tar, reason) in [
        (dotdot, "TAR_PATH_DOTDOT"),
        (twice, "TAR_DUPLICATE"),
        (after, "TAR_DATA_AFTER_EOF"),
        (truncated, "TAR_TRUNCATED"),
        (b"not a tar at all, whatever anybody says about it".repeat(20), "NOT_A_TAR"),
    ] {
        let blob = gzip(&tar);
        let report = findings(blob.clone(), Digest::of(&tar));
        for word in ["tool", "oci:tool, layer", &Digest::of(&blob).short(), reason] {
            assert!(report.contains(word), "no {word} in:\n{report}");
        }
    }
}

#[test]
fn a_layer_that_is_not_what_the_config_says_is_refused() {
    let stage = Stage::new();
    let tar = tar(&["d opt", "d opt/tool", "f opt/tool/a =1"]);
    let image = Image::made(vec![gzip(&tar)], &[Digest::of(b"another")], "amd64", json!({}));
    image.write(&stage.root.path().join("tool"), &[]);
    let error = stage.assemble(TEXT).unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("OM0602", 5));
    let text = error.to_string();
    assert!(text.starts_with("tool: oci:tool: ") && text.contains(&Digest::of(&tar).to_string()), "{text}");
    let image = Image::made(vec![gzip(&tar)], &[], "amd64", json!({}));
    image.write(&stage.root.path().join("tool"), &[]);
    let text = stage.assemble(TEXT).unwrap_err().to_string();
    assert!(text.contains("its manifest has 1 layers, its config 0 diff_ids"), "{text}");
}

#[test]
fn a_blob_that_is_not_what_the_manifest_says_is_refused() {
    let stage = Stage::new();
    let image = Image::of(&[&["d opt", "d opt/tool", "f opt/tool/a =1"]]);
    image.write(&stage.root.path().join("tool"), &[]);
    let other = Image::of(&[&["d opt", "d opt/tool", "f opt/tool/a =2"]]);
    let path = stage.root.path().join("tool/blobs/sha256").join(image.digests()[0].hex());
    assert_eq!(other.blobs[0].len(), image.blobs[0].len());
    std::fs::write(path, &other.blobs[0]).unwrap();
    let error = stage.assemble(TEXT).unwrap_err();
    assert_eq!(error.code(), "OM0602", "{error}");
}

#[test]
fn a_spec_says_what_is_wrong_with_it() {
    let stage = Stage::new();
    let of = |from: &str| match stage.assemble(&format!("[layer.tool]\nprefix = \"/opt/tool\"\n{from}")) {
        Err(Error::Spec(errors)) => errors.to_string(),
        other => panic!("{other:?}"),
    };
    for (from, words) in [
        ("from = { image = \"scratch\" }", "OM0108]: `scratch` has no files"),
        ("from = { paths = [\"/a\"] }", "OM0105]: [layer.tool.from] has no `image`"),
        ("from = \"debian:12\"", "OM0107]: [layer.tool.from] must be a table, not a string"),
        (
            "from = { image = \"a:1\", paths = [\"a\"] }",
            "OM0108]: `paths` in [layer.tool.from] lists paths of the image",
        ),
        ("from = { image = \"a:1\", paths = [\"/a*\"], to = \"x\" }", "OM0108]: /a* is a glob"),
        (
            "from = { image = \"a:1\", index = \"believe\" }",
            "OM0108]: `index` in [layer.tool.from] must be verify or trust",
        ),
        ("from = { image = \"a:{arch}\" }", "OM0108]: {arch} cannot be filled in"),
        ("from = { image = \"a:1\" }\nsource = { path = \"a\" }", "OM0108]: [layer.tool] has both `source` and `from`"),
        ("from = { imgae = \"a:1\" }", "OM0101]: unknown key `imgae` in [layer.tool.from]"),
    ] {
        let told = of(from);
        assert!(told.contains(words), "no {words} in {told}");
    }
}

#[test]
fn an_index_that_does_not_tell_what_the_layer_holds_is_found_out_when_it_is_read() {
    let stage = Stage::new();
    // It has to be written anew: the prefix has no entry of its own.
    let image = Image::of(&[&["f opt/tool/a =1"]]);
    image.write(&stage.root.path().join("tool"), &[]);
    stage.assemble(TEXT).unwrap();
    let entry = |path: &str| oci_merge_layer::Entry {
        path: oci_merge_image::LayerPath::parse(path.as_bytes()).unwrap(),
        body: oci_merge_layer::Body::File { size: 1 },
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: oci_merge_layer::Time { seconds: 1000, nanos: 0 },
        xattrs: oci_merge_layer::Xattrs::new(),
    };
    let mut lie = oci_merge_layer::IndexBuilder::default();
    lie.push(&entry("opt/tool/b"), Some([1; 32]), None).unwrap();
    let diff_id = oci_merge_image::DiffId(Digest::of(&tar(&["f opt/tool/a =1"])));
    let lie = lie.finish(image.digests()[0].clone(), diff_id).unwrap().to_bytes();
    let store = oci_merge_store::Layout::open_or_create(&stage.root.path().join("store")).unwrap();
    assert!(store.facts(&image.digests()[0], "index").is_some());
    store.put_facts(&image.digests()[0], "index", &lie).unwrap();
    let error = stage.assemble(TEXT).unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("OM0602", 5), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("tool: oci:tool, layer ") && text.contains("something else than its index says"),
        "{text}"
    );
}

#[test]
fn what_would_be_lost_is_shown_of_layers_that_were_never_copied() {
    let stage = Stage::new();
    let image = |name: &str, text: &str| {
        let lines = ["d opt".to_owned(), "d opt/tool".into(), format!("f opt/tool/conf ={text}\n")];
        Image::of(&[&lines.each_ref().map(String::as_str)]).write(&stage.root.path().join(name), &[]);
    };
    image("tool", "colour = red");
    image("other", "colour = blue");
    let other = TEXT.replace("layer.tool", "layer.other").replace("oci:tool", "oci:other");
    let policy = "[policy]\nprefix-overlap = \"allow\"\n";
    let Error::Findings(report) = stage.assemble(&format!("{TEXT}{other}{policy}")).unwrap_err() else { panic!() };
    let text = report.to_string();
    for word in ["OM0201", "| colour = red", "| colour = blue"] {
        assert!(text.contains(word), "no {word} in:\n{text}");
    }
}
