//! Expected values are worked out by hand from image-spec `config.md` and `manifest.md`.

use super::*;
use serde_json::Value;

const BASE_LAYER: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const BASE_DIFF: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A base as Docker writes it, with fields that the OCI specification does not know.
fn docker_base(history: &str) -> Base {
    let config = format!(
        r#"{{"architecture":"arm64","os":"linux","variant":"v8","container":"c0ffee","docker_version":"20.10",
            "config":{{"Env":["PATH=/usr/bin:/bin","A=base"],"Cmd":["sh"],"Healthcheck":{{"Test":["CMD","true"]}},
            "OnBuild":["RUN x"],"Shell":["/bin/sh","-c"],"Labels":{{"keep":"me"}},"Volumes":{{"/data":{{}}}}}},
            "rootfs":{{"type":"layers","diff_ids":["{BASE_DIFF}"]}},"history":{history},"created":"2020-01-01T00:00:00Z"}}"#
    );
    let config = Document::<Config>::parse(config.into_bytes()).unwrap();
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
            "config":{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{}","size":{}}},
            "layers":[{{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","digest":"{BASE_LAYER}","size":7}}]}}"#,
        config.digest(),
        config.bytes().len()
    );
    let manifest = Document::<Manifest>::parse(manifest.into_bytes()).unwrap();
    let digest = manifest.digest().clone();
    Base::Image(Box::new(BaseImage { manifest, config, name: Some("docker.io/library/base:1".into()), digest }))
}

fn addition(name: &str) -> Addition {
    let descriptor = Descriptor::new(MediaType::ImageLayerGzip, Digest::of(name.as_bytes()), 3);
    Addition {
        name: name.into(),
        descriptor,
        diff_id: DiffId(Digest::of(format!("{name} diff").as_bytes())),
        path: vec![format!("/opt/{name}/bin")],
        env: vec![(format!("{}_HOME", name.to_uppercase()), format!("/opt/{name}"))],
    }
}

fn at<'a>(config: &'a Document<Config>, pointer: &str) -> Option<&'a Value> {
    let (first, rest) = pointer.trim_start_matches('/').split_once('/').unwrap_or((pointer, ""));
    let value = config.value().object.get(first)?;
    if rest.is_empty() { Some(value) } else { value.pointer(&format!("/{rest}")) }
}

#[test]
fn the_base_survives_and_the_layers_go_on_top() {
    let base = docker_base(r#"[{"created_by":"ADD rootfs"},{"created_by":"CMD sh","empty_layer":true}]"#);
    let edits = Edits { env: vec![("A".into(), "config".into())], user: Some("1000".into()), ..Edits::default() };
    let out = stack(&base, &[addition("java"), addition("node")], &edits, "2026-01-02T03:04:05Z").unwrap();
    let config = &out.config;
    for (pointer, expected) in [
        ("config/Healthcheck", r#"{"Test":["CMD","true"]}"#),
        ("config/OnBuild", r#"["RUN x"]"#),
        ("config/Shell", r#"["/bin/sh","-c"]"#),
        ("config/Volumes", r#"{"/data":{}}"#),
        ("config/Labels", r#"{"keep":"me"}"#),
        ("config/Cmd", r#"["sh"]"#),
        ("config/User", r#""1000""#),
        (
            "config/Env",
            r#"["PATH=/opt/java/bin:/opt/node/bin:/usr/bin:/bin","A=config","JAVA_HOME=/opt/java","NODE_HOME=/opt/node"]"#,
        ),
        ("docker_version", r#""20.10""#),
        ("variant", r#""v8""#),
        ("created", r#""2026-01-02T03:04:05Z""#),
        ("history/0/created_by", r#""ADD rootfs""#),
        ("history/1/empty_layer", "true"),
        ("history/2/created_by", r#""oci-merge java""#),
        ("history/3/created_by", r#""oci-merge node""#),
        ("rootfs/diff_ids/0", &format!("{BASE_DIFF:?}")),
    ] {
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(at(config, pointer), Some(&expected), "{pointer}");
    }
    let manifest = out.manifest.value();
    let layers: Vec<_> = manifest.layers.iter().map(|l| (l.media_type.clone(), l.digest.to_string())).collect();
    assert_eq!(layers[0], (MediaType::ImageLayerGzip, BASE_LAYER.to_owned()), "Docker's media type became OCI's");
    assert_eq!(layers.len(), 3);
    assert_eq!(manifest.config.digest, *config.digest());
    assert_eq!(manifest.annotations["org.opencontainers.image.base.name"], "docker.io/library/base:1");
    assert_eq!(config.value().diff_ids.len(), 3);
}

#[test]
fn a_short_history_is_completed_and_a_long_one_replaced() {
    let lines = |history: &str| {
        let out = stack(&docker_base(history), &[addition("java")], &Edits::default(), "2026-01-02T03:04:05Z").unwrap();
        let history = &out.config.value().history;
        assert_eq!(history.iter().filter(|h| !h.empty_layer).count(), 2, "{history:?}");
        history.len()
    };
    assert_eq!(lines("[]"), 2);
    assert_eq!(lines("null"), 2);
    assert_eq!(lines(r#"[{"created_by":"x","empty_layer":true}]"#), 3);
    assert_eq!(lines(r#"[{"created_by":"x"},{"created_by":"y"}]"#), 2);
}

#[test]
fn an_entrypoint_clears_the_inherited_command() {
    let edits = Edits { entrypoint: Some(vec!["/opt/run".into()]), ..Edits::default() };
    let out = stack(&docker_base("[]"), &[], &edits, "2026-01-02T03:04:05Z").unwrap();
    assert_eq!(at(&out.config, "config/Cmd"), None);
    let both = Edits { cmd: Some(vec!["x".into()]), ..edits };
    let out = stack(&docker_base("[]"), &[], &both, "2026-01-02T03:04:05Z").unwrap();
    assert_eq!(at(&out.config, "config/Cmd"), Some(&serde_json::json!(["x"])));
}

#[test]
fn nothing_of_scratch_is_invented() {
    let out = stack(&Base::Scratch(Platform::linux("amd64")), &[], &Edits::default(), "1970-01-01T00:00:00Z").unwrap();
    let expected = r#"{"architecture":"amd64","config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]},"created":"1970-01-01T00:00:00Z","history":[],"os":"linux","rootfs":{"diff_ids":[],"type":"layers"}}"#;
    assert_eq!(String::from_utf8_lossy(out.config.bytes()), expected);
}

#[test]
fn what_cannot_be_stacked_is_refused() {
    let reason = |base: &Base, edits: &Edits| stack(base, &[], edits, "x").map(|_| ()).unwrap_err().reason();
    let path = Edits { env: vec![("PATH".into(), "/x".into())], ..Edits::default() };
    assert_eq!(reason(&docker_base("[]"), &path), "ENV_PATH");
    let Base::Image(image) = docker_base("[]") else { unreachable!() };
    let mut object = image.config.value().object.clone();
    object.insert("rootfs".into(), serde_json::json!({"type": "layers", "diff_ids": []}));
    let config = Document::write(object).unwrap();
    assert_eq!(reason(&Base::Image(Box::new(BaseImage { config, ..*image })), &Edits::default()), "BASE_DIFF_IDS");
}
