//! More layers than an image may have: neighbours are joined, and the image unpacks to the same tree.

mod named; // what they are called, and whose their files are

use super::from::{Image, Stage, gzip, tar, told};
use oci_merge::spec::Spec;
use oci_merge::{Assembled, Builder, Built, Destination, Digest, Error, Settings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZero;
use std::path::{Path, PathBuf};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Directories of tools, and a spec of them: with files of all sizes, links, a file that several have, and one that
/// later ones replace.
fn tools(root: &Path, count: usize, random: &mut Random) -> String {
    let mut spec = String::from("[policy]\nidentical = \"allow\"\ncollision = \"warn\"\nprefix-overlap = \"allow\"\n");
    for number in 0..count {
        let (name, directory) = (format!("t{number}"), root.join(format!("tools/t{number}")));
        let inside = directory.join(format!("opt/{name}"));
        std::fs::create_dir_all(inside.join("bin")).unwrap();
        let write = |path: PathBuf, content: &[u8]| {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        };
        for file in 0..1 + random.below(5) {
            let size = 1 << random.below(16);
            write(inside.join(format!("d{}/f{file}", file % 2)), &vec![b'a' + file as u8; size as usize]);
        }
        std::os::unix::fs::symlink("d0/f0", inside.join("link")).unwrap();
        if random.below(2) == 0 {
            std::fs::hard_link(inside.join("d0/f0"), inside.join("hard")).unwrap();
        }
        if random.below(3) == 0 {
            write(directory.join("etc/shared"), b"the same");
        }
        if random.below(3) == 0 {
            write(directory.join("etc/last"), name.as_bytes());
        }
        spec += &format!(
            "[layer.{name}]\nprefix = \"/opt/{name}\"\npath = [\"bin\"]\nenv = {{ T{number} = \"{number}\" }}\n"
        );
        spec += &format!("owns = [\"/etc/*\"]\nsource = {{ path = \"tools/{name}\", to = \"/\" }}\n");
    }
    spec
}

/// What a container sees: of each path what is there, its times and attributes, and the first of its names.
type Tree = BTreeMap<PathBuf, (String, PathBuf)>;

/// Unpacks the layers of a layout one over the other with the `tar` crate. Times of directories are left out:
/// unpacking a later layer moves them.
fn tree(layout: &Path) -> Tree {
    let mut found = Tree::new();
    for (layer, _) in layers(layout) {
        let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(&*layer));
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let (path, header) = (entry.path().unwrap().into_owned(), entry.header().clone());
            let kind = header.entry_type();
            if let (true, Some(target)) = (kind.is_hard_link(), entry.link_name().unwrap()) {
                let inode = found[&*target].clone();
                found.insert(path, inode);
                continue;
            }
            let (mode, uid, gid) = (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap());
            let mut what = format!("{kind:?} {mode:o} {uid}:{gid}");
            if !kind.is_dir() {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).unwrap();
                let target = entry.link_name().unwrap().unwrap_or_default().into_owned();
                what += &format!(" @{} {} {}", header.mtime().unwrap(), target.display(), Digest::of(&content));
            }
            // Whoever had this name, has it no longer.
            let path = PathBuf::from(path.to_str().unwrap().trim_end_matches('/'));
            found.insert(path.clone(), (what, path));
        }
    }
    // The first of the names that are left.
    let mut firsts: BTreeMap<(String, PathBuf), PathBuf> = BTreeMap::new();
    for (path, inode) in &found {
        firsts.entry(inode.clone()).or_insert_with(|| path.clone());
    }
    found.iter().map(|(path, inode)| (path.clone(), (inode.0.clone(), firsts[inode].clone()))).collect()
}

fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap().trim_start_matches("sha256:").to_owned();
    std::fs::read(layout.join("blobs/sha256").join(digest)).unwrap()
}

fn manifest(layout: &Path) -> Value {
    let index: Value = serde_json::from_slice(&std::fs::read(layout.join("index.json")).unwrap()).unwrap();
    serde_json::from_slice(&blob(layout, &index["manifests"][0])).unwrap()
}

/// The layers of a layout, the lowest first: bytes and annotations.
fn layers(layout: &Path) -> Vec<(Vec<u8>, Value)> {
    let layers = manifest(layout)["layers"].as_array().unwrap().clone();
    layers.iter().map(|layer| (blob(layout, layer), layer["annotations"].clone())).collect()
}

fn config(layout: &Path) -> Value {
    serde_json::from_slice(&blob(layout, &manifest(layout)["config"])).unwrap()
}

fn written(stage: &Stage, name: &str, assembled: &Assembled) -> (PathBuf, Built) {
    let layout = stage.root.path().join(name);
    let built = assembled.write(&[Destination::Layout(layout.clone())]).unwrap();
    (layout, built)
}

fn most(spec: &str, most: usize) -> String {
    spec.replace("[policy]\n", &format!("[output]\npack = true\n[policy]\nmax-layers = {most}\n"))
}

/// The names of the tools in each layer of an image, the lowest first.
fn members(built: &Built) -> Vec<Vec<String>> {
    let names = |layer: &oci_merge::BuiltLayer| match &layer.joined[..] {
        [] => vec![layer.name.clone()],
        joined => joined.iter().map(|member| member.name.clone()).collect(),
    };
    built.layers.iter().map(names).collect()
}

#[test]
fn a_packed_image_unpacks_to_the_same_tree_and_says_what_is_in_it() {
    for seed in 0..3 {
        let (stage, mut random) = (Stage::new(), Random(seed));
        let spec = tools(stage.root.path(), 20, &mut random);
        let apart = stage.assemble(&spec).unwrap();
        let (apart, expected) = (written(&stage, "apart", &apart), tree(&stage.root.path().join("apart")));
        assert!(expected.len() > 100);
        for limit in [1, 2, 7, 19] {
            let packed = stage.assemble(&most(&spec, limit)).unwrap();
            let (layout, built) = written(&stage, &format!("packed{limit}"), &packed);
            assert_eq!(tree(&layout), expected, "seed {seed}, {limit} layers");
            assert_eq!(built.layers.len(), limit);
            let all: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
            assert_eq!(members(&built).concat(), all, "every tool once, in the order of the spec");

            // The config is the same but for what the layers are.
            let (mut now, mut before) = (config(&layout), config(&apart.0));
            let created: Vec<Value> =
                now["history"].as_array().unwrap().iter().map(|h| h["created_by"].clone()).collect();
            let named: Vec<String> =
                members(&built).iter().map(|names| format!("oci-merge {}", names.join(", "))).collect();
            assert_eq!(json!(created), json!(named));
            for document in [&mut now, &mut before] {
                document["history"].take();
                document["rootfs"].take();
            }
            assert_eq!(now, before);

            for ((bytes, annotations), layer) in layers(&layout).iter().zip(&built.layers) {
                assert_eq!(
                    (Digest::of(bytes), annotations["dev.oci-merge.layer"].as_str().unwrap()),
                    (layer.digest.clone(), &*layer.name)
                );
                let said = annotations["dev.oci-merge.joined"]
                    .as_str()
                    .map(|text| serde_json::from_str::<Value>(text).unwrap());
                let expected = layer.joined.iter().map(|member| {
                    let (name, version, prefix) = (&member.name, &member.version, &member.prefix);
                    let mut said = json!({ "name": name, "version": version, "prefix": prefix });
                    if stage.root.path().join("tools").join(name).join("etc").exists() {
                        said["also"] = json!(["/"]);
                    }
                    said
                });
                assert_eq!(said, (!layer.joined.is_empty()).then(|| expected.collect()));
            }
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_threads_or_on_what_is_remembered() {
    let (stage, mut random) = (Stage::new(), Random(7));
    let spec =
        format!("schema = 1\n[base]\nimage = \"scratch\"\n{}", most(&tools(stage.root.path(), 12, &mut random), 5));
    let digest = |settings: Settings| {
        let spec = Spec::parse("oci-merge.toml", stage.root.path(), &spec).unwrap();
        let built = Builder::new(spec).settings(settings).assemble().unwrap().built();
        (built.manifest_digest.clone(), members(&built))
    };
    let jobs = |jobs| Settings { jobs: NonZero::new(jobs), ..Settings::default() };
    let first = digest(jobs(1));
    assert_eq!(first.1.len(), 5);
    assert_eq!(digest(jobs(8)), first);
    assert_eq!(digest(stage.settings()), first);
    assert_eq!(digest(stage.settings()), first, "remembered");
    // What is remembered of groups is worth nothing without their blobs.
    let blobs = stage.root.path().join("store/blobs/sha256");
    for blob in std::fs::read_dir(&blobs).unwrap() {
        std::fs::remove_file(blob.unwrap().path()).unwrap();
    }
    assert_eq!(digest(stage.settings()), first, "made again");
    std::fs::write(stage.root.path().join("tools/t3/opt/t3/bin/new"), "new").unwrap();
    assert_ne!(digest(stage.settings()).0, first.0, "nor does it hide a change");
}

#[test]
fn findings_name_the_tools_and_not_the_groups() {
    let (stage, mut random) = (Stage::new(), Random(3));
    let spec = most(&tools(stage.root.path(), 6, &mut random), 1).replace("collision = \"warn\"\n", "");
    for number in [2, 3] {
        let file = stage.root.path().join(format!("tools/t{number}/etc/clash"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, number.to_string()).unwrap();
    }
    let Error::Findings(report) = stage.assemble(&spec).unwrap_err() else { panic!() };
    let messages: Vec<String> = report.findings().iter().map(|finding| finding.message()).collect();
    assert!(messages.contains(&"both t2 and t3 write /etc/clash".to_owned()), "{messages:?}");
}

#[test]
fn what_is_used_byte_for_byte_is_joined_last_and_what_is_to_be_kept_never() {
    let stage = Stage::new();
    let lines = |name: &str| ["d opt".to_owned(), format!("d opt/{name}"), format!("f opt/{name}/a ={name}")];
    let image = lines("image");
    Image::of(&[&image.each_ref().map(String::as_str)]).write(&stage.root.path().join("image"), &[]);
    for name in ["kept", "a", "b", "c"] {
        let archive = gzip(&tar(&lines(name).each_ref().map(String::as_str)));
        std::fs::write(stage.root.path().join(format!("{name}.tar.gz")), archive).unwrap();
    }
    let mut spec = String::from("[policy]\n[layer.image]\nprefix = \"/opt/image\"\nfrom = { image = \"oci:image\" }\n");
    for name in ["a", "b", "c"] {
        // What has an owner of its own is packed anew.
        spec += &format!(
            "[layer.{name}]\nprefix = \"/opt/{name}\"\nsource = {{ path = \"{name}.tar.gz\", owner = \"1:1\" }}\n"
        );
    }
    spec += "[layer.kept]\nprefix = \"/opt/kept\"\nsource = { path = \"kept.tar.gz\", keep = true }\n";
    let how = |limit: usize| told(&stage.assemble(&most(&spec, limit)).unwrap().built());
    let pairs =
        |told: Vec<(String, String)>| told.iter().map(|(name, how)| format!("{name} {how}")).collect::<Vec<_>>();
    assert_eq!(pairs(how(3)), ["image kept", "a+2 joined", "kept kept"]);
    assert_eq!(pairs(how(2)), ["image+3 joined", "kept kept"]);
    let error = stage.assemble(&most(&spec, 1)).unwrap_err().to_string();
    let expected = "5 layers (0 of them the base's); an image may have 1, as max-layers in [policy] says; \
                    2 are left when they are joined, for those with `keep = true` stay, and what would be more than a \
                    limit allows (--limit)";
    assert_eq!(error, expected);
}

#[test]
fn too_many_layers_are_told_before_any_is_made_and_so_is_the_way_out() {
    let stage = Stage::new();
    let layers = |count: usize| -> String {
        (0..count)
            .map(|n| format!("[layer.t{n}]\nprefix = \"/opt/t{n}\"\nsource = {{ path = \"not-there\" }}\n"))
            .collect()
    };
    let error = |spec: &str| stage.assemble(spec).unwrap_err();
    let told = error(&layers(126));
    assert_eq!(told.exit_code(), 2);
    let expected = "126 layers (0 of them the base's); an image may have 125, for docker's classic store mounts no more; \
                    with --pack, or `pack = true` in [output], small neighbours are joined";
    assert_eq!(told.to_string(), expected);
    assert!(error(&layers(125)).to_string().contains("not-there"));
    // A base that fills the image.
    let full: Vec<Vec<String>> = (0..125).map(|n| vec![format!("f b{n} =")]).collect();
    let full: Vec<Vec<&str>> = full.iter().map(|lines| lines.iter().map(String::as_str).collect()).collect();
    let full: Vec<&[&str]> = full.iter().map(|lines| &lines[..]).collect();
    Image::of(&full).write(&stage.root.path().join("full"), &[]);
    let told = error(&format!("[base]\nimage = \"oci:full\"\n[output]\npack = true\n{}", layers(1)));
    assert!(told.to_string().ends_with("; those of the base cannot be joined: take one with fewer"), "{told}");
}
