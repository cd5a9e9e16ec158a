//! What joined layers are called, and which of their members `ls` names.

use super::{Random, members, most, tools, written};
use crate::from::{Image, Stage};
use oci_merge::spec::BaseSource;
use oci_merge::{Built, Destination, Digest, Listed};
use std::collections::BTreeSet;
use std::path::Path;

/// Of each path the uppermost layer that has it is among those that are named, or in the group that is.
fn are_named_rightly(stage: &Stage, listed: &[Listed], built: &Built) {
    for file in listed {
        let group = |layer: &str| built.layers.iter().find(|group| group.name == layer);
        let named: Vec<&str> = match group(&file.layer) {
            Some(group) => group.joined.iter().map(|member| &*member.name).collect(),
            None => file.layer.split(" or ").collect(),
        };
        let has =
            |tool: &str| stage.root.path().join("tools").join(tool).join(&file.path[1..]).symlink_metadata().is_ok();
        let all = built.layers.iter().flat_map(|group| &group.joined);
        let from = all.map(|member| &*member.name).rfind(|tool| has(tool)).unwrap();
        assert!(named.contains(&from), "{} is {from}'s, and not of {}", file.path, file.layer);
    }
}

fn listed(stage: &Stage, layout: &Path) -> Vec<Listed> {
    let source = BaseSource::Layout { directory: layout.to_owned(), tag: None };
    oci_merge::list(&source, stage.root.path(), &stage.settings()).unwrap()
}

#[test]
fn files_of_a_group_are_listed_with_the_tool_that_brought_them() {
    let (stage, mut random) = (Stage::new(), Random(5));
    let spec = most(&tools(stage.root.path(), 9, &mut random), 2);
    let (layout, built) = written(&stage, "image", &stage.assemble(&spec).unwrap());
    let listed = listed(&stage, &layout);
    let of = |path: &str| listed.iter().find(|file| file.path == path).unwrap().layer.clone();
    (0..9).for_each(|n| assert_eq!(of(&format!("/opt/t{n}/link")), format!("t{n}")));
    are_named_rightly(&stage, &listed, &built);
    let groups: BTreeSet<&str> = built.layers.iter().map(|layer| &*layer.name).collect();
    assert!(groups.contains(&*of("/opt")), "whose it is, nobody can tell: it is the group's");
    let source = BaseSource::Layout { directory: layout, tag: None };
    let inspected = oci_merge::inspect(&source, stage.root.path(), &stage.settings()).unwrap();
    let names: Vec<Vec<String>> =
        inspected.layers.iter().map(|layer| layer.joined.iter().map(|member| member.name.clone()).collect()).collect();
    assert_eq!(names, members(&built));
    assert_eq!(inspected.layers[0].prefix.as_deref(), Some("/opt"));
}

#[test]
fn whoever_may_have_brought_a_file_is_named() {
    let stage = Stage::new();
    let spec = "\
[policy]
prefix-overlap = \"allow\"
[layer.outer]
prefix = \"/opt\"
source = { path = \"tools/outer\", to = \"/\" }
[layer.inner]
prefix = \"/opt/deep/in\"
source = { path = \"tools/inner\", to = \"/\" }
[layer.twin]
prefix = \"/opt/deep/in\"
source = { path = \"tools/twin\", to = \"/\" }
[layer.guest]
prefix = \"/srv/guest\"
owns   = [\"/usr/own\"]
source = { path = \"tools/guest\", to = \"/\" }
[layer.host]
prefix = \"/usr\"
source = { path = \"tools/host\", to = \"/\" }
[layer.alone]
prefix = \"/var/alone\"
owns   = [\"/etc/one\"]
source = { path = \"tools/alone\", to = \"/\" }
";
    // What there is, and who may have brought it: what two have one prefix for, nobody can tell apart.
    let files = [
        ("outer", "opt/o", "outer"),
        ("inner", "opt/deep/in/i", "inner or twin"),
        ("twin", "opt/deep/in/t", "inner or twin"),
        ("guest", "srv/guest/g", "guest"),
        ("guest", "usr/own", "guest or host"),
        ("host", "usr/h", "guest or host"),
        ("alone", "var/alone/a", "alone"),
        ("alone", "etc/one", "alone"),
    ];
    for (tool, path, _) in files {
        let file = stage.root.path().join("tools").join(tool).join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, tool).unwrap();
    }
    let (layout, built) = written(&stage, "image", &stage.assemble(&most(spec, 1)).unwrap());
    let listed = listed(&stage, &layout);
    are_named_rightly(&stage, &listed, &built);
    let of = |path: &str| listed.iter().find(|file| file.path[1..] == *path).unwrap().layer.clone();
    files.iter().for_each(|(_, path, expected)| assert_eq!(of(path), *expected, "{path}"));
    // Directories above what others have are anybody's.
    assert_eq!(["opt", "opt/deep", "srv", "etc"].map(of), ["outer+5"; 4]);
    assert_eq!(["opt/deep/in", "srv/guest", "usr"].map(of), ["inner or twin", "guest", "guest or host"]);
}

/// A spec with a layer that is from an image of four.
fn of_image(stage: &Stage) -> String {
    let lines = |n| ["d opt".to_owned(), "d opt/image".to_owned(), format!("f opt/image/{n} ={n}")];
    let lines: Vec<[String; 3]> = (0..4).map(lines).collect();
    let lines: Vec<[&str; 3]> = lines.iter().map(|lines| lines.each_ref().map(String::as_str)).collect();
    let lines: Vec<&[&str]> = lines.iter().map(|lines| &lines[..]).collect();
    Image::of(&lines).write(&stage.root.path().join("image"), &[]);
    "[policy]\n[layer.image]\nprefix = \"/opt/image\"\nfrom = { image = \"oci:image\" }\n".to_owned()
}

#[test]
fn no_two_layers_of_an_image_have_one_name_when_they_are_joined() {
    let stage = Stage::new();
    let spec = of_image(&stage);
    let apart = stage.assemble(&spec).unwrap().built();
    assert_eq!(apart.layers.len(), 4, "each is used as it is");
    let (layout, built) = written(&stage, "packed", &stage.assemble(&most(&spec, 2)).unwrap());
    let names: Vec<&str> = built.layers.iter().map(|layer| &*layer.name).collect();
    assert_eq!(names, ["image+1", "image+1#2"]);
    let all = members(&built);
    assert_eq!(all, [["image", "image"]; 2]);
    // They are one layer of the spec.
    assert!(
        listed(&stage, &layout).iter().filter(|file| file.path.starts_with("/opt/image/")).all(|f| f.layer == "image")
    );
}

#[test]
fn a_joined_layer_is_not_written_as_if_it_were_one_of_the_spec() {
    let (stage, mut random) = (Stage::new(), Random(2));
    let spec = tools(stage.root.path(), 3, &mut random);
    let file = stage.root.path().join("layer.tar.gz");
    let write = |spec: &str| stage.assemble(spec).unwrap().write(&[Destination::Layer(file.clone())]);
    let error = write(&most(&spec, 1)).unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("OM0100", 2));
    assert_eq!(error.to_string(), "-o type=layer writes one layer of the spec; name it: t0 or t1 or t2");
    assert!(!file.exists());
    // What an image brought is one of the spec.
    let spec = of_image(&stage);
    let error = write(&spec).unwrap_err().to_string();
    let expected = "-o type=layer writes one layer, and image is 4, for the image that it is from has several; \
                    with `max-layers = 1` in [policy], --pack joins them";
    assert_eq!(error, expected);
    let written = write(&most(&spec, 1)).unwrap();
    assert_eq!(Digest::of(&std::fs::read(&file).unwrap()), written.layers[0].digest);
}
