use super::*;
use crate::spec::{BaseSource, Owner, Place, Spec};
use proptest::prelude::*;
use std::path::Path;

fn make(text: &str) -> Result<FromDockerfile, DockerfileError> {
    from_dockerfile("Dockerfile", Path::new(""), text)
}

/// What is made of a last stage on `scratch`, and its spec, which has to be one.
#[track_caller]
fn last_stage(lines: &str) -> (FromDockerfile, Spec) {
    let made = make(&format!("FROM a AS a\nFROM b AS b\nFROM scratch\n{lines}\n")).unwrap();
    let spec = Spec::parse("s", Path::new("."), &made.spec).unwrap_or_else(|e| panic!("{e}\n{}", made.spec));
    (made, spec)
}

/// The lines of what was not taken, counted from the first of the last stage, and what.
fn left(made: &FromDockerfile) -> Vec<(usize, &str)> {
    made.left_out.iter().map(|l| (l.line - 3, l.what.as_str())).collect()
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

const BABYLON: &str = r#"# syntax=docker/dockerfile:1.7
ARG UBUNTU=22.04
FROM ubuntu:${UBUNTU} AS build-base
RUN apt-get update

FROM build-base AS java
RUN install.sh --prefix=/opt/java

FROM build-base AS node
RUN <<EOF
FROM nonsense
EOF

FROM --platform=linux/amd64 ubuntu:$UBUNTU AS final
LABEL org.opencontainers.image.source="https://github.com/jon/babylon" a=b
COPY --link --from=java \
     # the JDK
     /opt/java /opt/java
COPY --from=node --chown=0:0 ["/usr/local/node", "/opt/node"]
COPY --from=ghcr.io/jon/cacerts:1 /certs /opt/java/lib/security/
COPY --from=node /usr/local/bin/npm /usr/local/bin/npm
COPY entry.sh /
RUN useradd dev
ENV JAVA_HOME=/opt/java LANG="C.UTF-8"
ENV PATH="$JAVA_HOME/bin:/opt/node/bin:/opt/go/bin:${PATH}"
ENV GREETING hello  world
WORKDIR /workspace
WORKDIR src
USER 1000:1000
EXPOSE 80 53/udp
HEALTHCHECK CMD true
ENTRYPOINT ["/entry"]
CMD bash -l
"#;

#[test]
fn a_multi_stage_dockerfile_becomes_a_spec() {
    let made = from_dockerfile("docker/Dockerfile", Path::new(""), BABYLON).unwrap();
    let spec =
        Spec::parse("oci-merge.toml", Path::new("."), &made.spec).unwrap_or_else(|e| panic!("{e}\n{}", made.spec));
    assert_eq!(spec.base.source, BaseSource::Registry("ubuntu:22.04".parse().unwrap()));
    assert_eq!(made.layers, ["java", "node"]);
    let [java, node] = &spec.layers[..] else { panic!() };
    assert_eq!((java.prefix.to_string().as_str(), &java.path[..]), ("/opt/java", &["/opt/java/bin".to_owned()][..]));
    assert_eq!(java.env, [pair("JAVA_HOME", "/opt/java")]);
    assert_eq!(node.path, ["/opt/node/bin"]);
    assert_eq!(java.sources[0].place, Place::Path("layers/java".into()));
    assert_eq!(java.sources[1].to.as_deref(), Some("/opt/java/lib/security"));
    assert_eq!(spec.config.env, [pair("LANG", "C.UTF-8"), pair("GREETING", "hello  world")]);
    assert_eq!(spec.config.workdir.as_deref(), Some("/workspace/src"));
    assert_eq!(spec.config.user.as_deref(), Some("1000:1000"));
    assert_eq!(spec.config.cmd.unwrap(), ["/bin/sh", "-c", "bash -l"]);
    assert_eq!(spec.config.entrypoint.unwrap(), ["/entry"]);
    assert_eq!(spec.config.exposed_ports, ["80", "53/udp"]);
    assert_eq!(spec.config.labels["a"], "b");

    let command = "# { cat docker/Dockerfile; printf '%s\\n' '' 'FROM scratch' 'COPY --from=java /opt/java /java'; } \
                   | docker build -f - --output layers .\n";
    assert!(made.spec.contains(command), "{}", made.spec);
    assert_eq!(spec.project.platforms.len(), 1);
    let left: Vec<_> = made.left_out.iter().map(|l| (l.line, l.what.split(' ').next().unwrap())).collect();
    assert_eq!(
        left,
        [(21, "COPY"), (22, "COPY"), (23, "RUN"), (25, "ENV"), (31, "HEALTHCHECK")],
        "{:?}",
        made.left_out
    );
    assert!(made.left_out[0].why.contains("/usr/local/bin/npm"));
    assert!(made.left_out[3].why.contains("/opt/go/bin"));
}

#[test]
fn a_last_stage_on_another_stage_takes_that_stage_as_the_base() {
    let text = "FROM debian AS os\nRUN apt-get update\nFROM debian AS t\nFROM os\nCOPY --from=t /x /opt/x\n";
    let made = make(text).unwrap();
    assert_eq!(made.base, "docker-archive:layers/base.tar");
    assert!(made.spec.contains("--target os -t oci-merge-base"), "{}", made.spec);
}

#[test]
fn what_is_no_such_dockerfile_is_refused_with_its_line() {
    let cases = [
        ("", "D:1: there is no FROM"),
        ("RUN x", "D:1: RUN before the first FROM"),
        ("\nFROM", "D:2: FROM without an image"),
        ("FROM a:$V", "D:1: FROM a:$V: $V has no value here; give its ARG a default"),
        (
            "FROM a\nFROM b\nCOPY x y",
            "D:2: its last stage copies no directory from another stage, so there is nothing to make layers of",
        ),
        (
            "FROM a\nFROM b\nCOPY x y\nCOPY --from=0 / /usr",
            "D:4: COPY --from=0 / /usr: a layer takes a directory below the root to a directory below the root",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(from_dockerfile("D", Path::new(""), text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn a_name_is_found_where_none_fits() {
    let text =
        "FROM a AS s\nFROM b\nCOPY --from=_._ /a /opt/+\nCOPY --from=_._ /a /opt/++\nCOPY --from=_._ /b /opt/%\n";
    assert_eq!(make(text).unwrap().layers, ["layer", "layer-2", "layer-3"]);
}

#[test]
fn names_are_free_and_texts_survive_toml() {
    let text = "FROM a AS s\nFROM scratch\nCOPY --from=s /a /opt/j/lib\nCOPY --from=s /b /opt/k/lib\nCOPY --from=s /c /opt/l/lib\n\
                ENV Q=\"a\\\"b\\\\c\" E='$x{y}\u{7f}' Q=again\n";
    let made = from_dockerfile("a\nb", Path::new(""), text).unwrap();
    assert_eq!(made.layers, ["lib", "s", "lib-2"]);
    let spec = Spec::parse("s", Path::new("."), &made.spec).unwrap_or_else(|e| panic!("{e}\n{}", made.spec));
    assert_eq!(spec.config.env, [("E".to_owned(), "$x{y}\u{7f}".to_owned()), ("Q".to_owned(), "again".to_owned())]);
}

#[test]
fn flags_of_a_copy_are_taken_or_listed() {
    let (made, spec) = last_stage(
        "COPY --link --chown=1000:100 --exclude=*.md --exclude=doc/** --from=a /a /opt/a\n\
         COPY --from=a --chown=55 /b /opt/b\n\
         COPY --from=a --chown=root:0 --chmod=0750 /c /opt/c\n\
         COPY --from=a --chown=node:node --chmod='a b' /d /opt/d\n\
         COPY --from=a --exclude=*.md /d/e /opt/d/e/\n\
         COPY --from=b --chown=7 --link /g /opt/d\n\
         COPY --from=a --parents /f /opt/f\n\
         COPY --from=a --unpack /f /opt/f",
    );
    let [a, b, c, d] = &spec.layers[..] else { panic!("{}", made.spec) };
    let owners = [a, b, c, d].map(|layer| layer.sources[0].owner);
    assert_eq!(owners, [Owner::Ids(1000, 100), Owner::Ids(55, 55), Owner::Root, Owner::Root]);
    assert_eq!(a.exclude, ["*.md", "doc/**"]);
    assert!(made.spec.contains("'COPY --from=a --chmod=0750 /c /c'"), "{}", made.spec);
    // `exclude` is of the whole layer, so with two sources the command leaves them out.
    assert_eq!((d.exclude.len(), d.sources[1].to.as_deref()), (0, Some("/opt/d/e")));
    assert!(made.spec.contains("'COPY --from=a --exclude=*.md /d/e /d.2/'"), "{}", made.spec);
    let parents = "COPY --from=a --parents /f /opt/f";
    let unknown = "COPY --from=a --unpack /f /opt/f";
    // The two would give one directory two owners.
    let other = (6, "COPY --from=b --chown=7 --link /g /opt/d");
    let (chown, chmod) = ((4, "COPY --chown=node:node"), (4, "COPY --chmod='a b'"));
    assert_eq!((left(&made), d.sources[2].owner), (vec![chown, chmod, other, (7, parents), (8, unknown)], Owner::Root));
}

#[test]
fn a_workdir_and_a_target_are_filled_in_before_they_are_joined() {
    let (made, spec) = last_stage("ENV APP_HOME=/opt/app\nWORKDIR $APP_HOME\nCOPY --from=a /out .\nWORKDIR \"lib\"");
    assert_eq!((spec.layers[0].prefix.to_string().as_str(), left(&made)), ("/opt/app", vec![]));
    assert_eq!(spec.config.workdir.as_deref(), Some("/opt/app/lib"));
    // What the base's WORKDIR is nobody knows here.
    let made = make("FROM a AS a\nFROM b\nCOPY --from=a /x /opt/x\nCOPY --from=a /y opt/y\nWORKDIR z\n").unwrap();
    assert_eq!(made.left_out.iter().map(|l| l.line).collect::<Vec<_>>(), [4, 5]);
    assert!(made.left_out.iter().all(|l| l.why.contains("the WORKDIR is not known here")), "{:?}", made.left_out);
    assert!(!made.spec.contains("workdir"));
}

#[test]
fn a_layer_is_not_called_base() {
    let (made, _) = last_stage("COPY --from=a /x /opt/base\nCOPY --from=x/base:1 /y /srv/base");
    assert_eq!(made.layers, ["a", "layer"]);
}

#[test]
fn variables_are_those_of_the_stage_and_of_what_it_is_on() {
    let text = "ARG G=g\nFROM i AS under\nARG U=u\nENV UNDER=/opt/$U\nWORKDIR /opt\nRUN x\nFROM i AS a\nFROM under\n\
                ARG G\nARG V=3\nENV JAVA_HOME=/opt/java-$V\nCOPY --from=a /j-$V $JAVA_HOME\nCOPY --from=a /u $UNDER/\n\
                COPY --from=a /$G g\nENV V=4 W=$V\nCOPY --from=a /v /opt/$V\nCOPY --from=a /w /opt/$NONE\n";
    let made = make(text).unwrap();
    let spec = Spec::parse("s", Path::new("."), &made.spec).unwrap();
    let prefixes: Vec<_> = spec.layers.iter().map(|layer| layer.prefix.to_string()).collect();
    assert_eq!(prefixes, ["/opt/java-3", "/opt/u", "/opt/g", "/opt/4"]);
    // Dockerfile reference, "Environment replacement": all of one ENV see the values from before it.
    assert_eq!(spec.config.env, [pair("V", "4"), pair("W", "3")]);
    let [one] = &made.left_out[..] else { panic!("{:?}", made.left_out) };
    assert_eq!((one.line, one.why.as_str()), (17, "$NONE has no value here"));
}

#[test]
fn a_file_and_a_directory_are_copied_as_docker_would() {
    let (made, spec) = last_stage(
        "COPY --from=b /opt/h/file.jar /opt/h/\n\
         COPY --from=b /opt/h/file.jar /opt/i/lib/file.jar\n\
         COPY --from=b /src/tool /opt/t/bin/tool\n\
         COPY --from=b /out /opt/t\n\
         COPY --from=b /s/x.so /opt/t/lib/y.so\n\
         COPY --from=b /LICENSE /opt/t/LICENSE\n\
         COPY --from=b /out/bin /opt/u/bin/\n\
         COPY --from=b /usr/node-22.1 /opt/node-22.1\n\
         COPY --from=b /x.d/ /opt/with.conf\n\
         COPY --from=b [\"/a b\", \"/opt/blank\"]\n\
         COPY --from=b /file.jar /opt/file.jar",
    );
    for copy in [
        "/opt/h/file.jar /h/'",
        "/opt/h/file.jar /lib/file.jar'",
        "/s/x.so /t.3/y.so'",
        "/src/tool /t/tool'",
        "/out /t.2'",
        "/LICENSE /t.4/LICENSE'",
        "/out/bin /u/'",
        "/usr/node-22.1 /node-22-1'",
        "/x.d /with-conf'",
        "[\"/a b\", \"/blank\"]'",
    ] {
        assert!(made.spec.contains(&format!("'COPY --from=b {copy}")), "{copy}\n{}", made.spec);
    }
    let prefixes: Vec<_> = spec.layers.iter().map(|layer| layer.prefix.to_string()).collect();
    assert_eq!(
        prefixes,
        ["/opt/h", "/opt/i/lib", "/opt/t", "/opt/u", "/opt/node-22.1", "/opt/with.conf", "/opt/blank"]
    );
    assert_eq!(left(&made), [(11, "COPY --from=b /file.jar /opt/file.jar")]);
    let to: Vec<_> = spec.layers[2].sources.iter().map(|source| source.to.as_deref()).collect();
    assert_eq!(to, [Some("/opt/t/bin"), None, Some("/opt/t/lib"), None]);
    assert_eq!(spec.layers[3].sources[0].to.as_deref(), Some("/opt/u/bin"));
}

#[test]
fn what_lies_below_a_later_prefix_joins_it() {
    let (made, spec) = last_stage(
        "COPY --from=a /s /opt/x/sub\nCOPY --from=a /t /opt/y\nCOPY --from=b /n /opt/x/\nCOPY --from=sub /u /opt/z/sub\nENV S=/opt/x/sub/s PATH=/opt/x/sub/bin:$PATH",
    );
    assert_eq!(made.layers, ["y", "x", "sub-2"], "layers/sub is what was /opt/x/sub");
    let x = &spec.layers[1];
    let places: Vec<_> = x.sources.iter().map(|s| (&s.place, s.to.as_deref())).collect();
    let path = |text: &str| Place::Path(text.into());
    assert_eq!(places, [(&path("layers/x"), None), (&path("layers/sub"), Some("/opt/x/sub"))]);
    assert_eq!((&x.env[..], &x.path[..]), (&[pair("S", "/opt/x/sub/s")][..], &["/opt/x/sub/bin".to_owned()][..]));
}

#[test]
fn the_old_form_of_env_has_quotes_too() {
    let (made, spec) = last_stage(
        "COPY --from=a /a /opt/a\nENV PATH \"/opt/a/bin:$PATH\"\nENV A 'one  two' three\nENV \"B\"=$A\nLABEL b \"c d\"\nLABEL \"b.c\"=d b=e",
    );
    assert_eq!((left(&made), &spec.layers[0].path[..]), (vec![], &["/opt/a/bin".to_owned()][..]));
    assert_eq!(spec.config.env, [pair("A", "one  two three"), pair("B", "one  two three")]);
    assert_eq!((spec.config.labels["b"].as_str(), spec.config.labels["b.c"].as_str()), ("e", "d"));
}

#[test]
fn of_a_line_only_what_is_not_taken_is_listed() {
    let (made, spec) = last_stage(
        "COPY --from=a /a /opt/a\nENV A=1 oops B=$X C=3\nENV C=$X\nLABEL l=$X m=1 n\nEXPOSE 80 90-99 53/UDP $X\nVOLUME /v w\n\
         ENV PATH=/opt/a/$X:/opt/a/bin:/opt/z/bin:$PATH",
    );
    assert_eq!((&spec.config.env[..], &spec.config.labels["m"][..]), (&[pair("A", "1")][..], "1"));
    assert_eq!(
        (&spec.config.exposed_ports[..], &spec.config.volumes[..]),
        (&["80".to_owned(), "53/udp".to_owned()][..], &["/v".to_owned()][..])
    );
    let path = "ENV PATH=/opt/a/$X:/opt/a/bin:/opt/z/bin:$PATH";
    let expected = [
        (2, "ENV oops"),
        (2, "ENV B=$X"),
        (3, "ENV C=$X"),
        (4, "LABEL l=$X"),
        (4, "LABEL n"),
        (5, "EXPOSE 90-99"),
        (5, "EXPOSE $X"),
        (6, "VOLUME w"),
        (7, path),
    ];
    assert_eq!(left(&made), expected);
    assert_eq!(made.left_out[8].why, "$X has no value here; /opt/z/bin in PATH is of no layer; set it in the base");
    assert_eq!(spec.layers[0].path, ["/opt/a/bin"]);
}

#[test]
fn a_path_that_a_spec_cannot_have_is_told() {
    let whys = |path: &str| {
        let (made, spec) = last_stage(&format!("COPY --from=a /a /opt/a\nCOPY --from=a /b /opt/b\n{path}"));
        let whys: Vec<_> = made.left_out.iter().map(|l| l.why.clone()).collect();
        (whys.join("|"), spec.layers.iter().flat_map(|layer| layer.path.clone()).collect::<Vec<_>>().join(":"))
    };
    let behind = "it has /opt/a/bin behind the base's PATH; in the image a layer's is in front of that".to_owned();
    let replaced = "it replaces the base's PATH; in the image that stays, behind the layers'".to_owned();
    let order = "PATH has the layers in another order; in the image it has theirs, first to last".to_owned();
    let usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let (a, both) = ("/opt/a/bin".to_owned(), "/opt/a/bin:/opt/b/bin".to_owned());
    assert_eq!(whys("ENV PATH=$PATH:/opt/a/bin"), (behind.clone(), a.clone()));
    assert_eq!(whys("ENV PATH=/usr/bin:/opt/a/bin:$PATH"), (behind, a.clone()));
    assert_eq!(whys("ENV PATH=/opt/a/bin:/usr/bin"), (replaced, a.clone()));
    assert_eq!(whys(&format!("ENV PATH=/opt/a/bin:{usual}")), (String::new(), a.clone()));
    assert_eq!(whys("ENV PATH=/opt/b/bin:$PATH\nENV PATH=/opt/a/bin:${PATH}"), (String::new(), both.clone()));
    // What is put in front last is in front.
    assert_eq!(whys("ENV PATH=/opt/a/bin:$PATH\nENV PATH=/opt/b/bin:$PATH"), (order, both));
    assert_eq!(whys(&format!("ENV PATH=/opt/b/bin:$PATH\nENV PATH=/opt/a/bin:{usual}")), (String::new(), a));
}

#[test]
fn braces_of_values_stay() {
    let (made, spec) = last_stage(
        "COPY --from=a /x /opt/x\nCOPY --from=a /y /opt/{layer}\nCOPY --from=a /y /opt/x/{arch}\n\
         ENV FMT=/opt/x/{layer}/%s G=/opt/x/${NONE:-{A}}\nENV PATH=/opt/x/{version}:$PATH",
    );
    assert_eq!(spec.config.env, [pair("FMT", "/opt/x/{layer}/%s")]);
    assert_eq!((&spec.layers[0].env[..], spec.layers.len()), (&[pair("G", "/opt/x/{A}")][..], 1));
    assert_eq!(left(&made).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 5]);
}

#[test]
fn a_stage_that_only_names_an_image_is_that_image() {
    let base = |above: &str, from: &str| {
        make(&format!("{above}FROM x AS t\nFROM {from}\nCOPY --from=t /x /opt/x\n")).unwrap().base
    };
    assert_eq!(base("FROM debian:12 AS base\nARG X=1\n", "base"), "debian:12");
    assert_eq!(base("FROM debian:12 AS a\nFROM a AS B\n", "b"), "debian:12");
    assert_eq!(base("FROM debian AS debian\n", "debian"), "debian");
    assert_eq!(base("FROM debian:12 AS a\nENV X=1\nFROM a AS b\n", "b"), "docker-archive:layers/base.tar");
    assert_eq!(base("FROM debian:12 AS a\nFROM x AS 7\n", "0"), "0");
}

#[test]
fn a_shell_runs_the_shell_forms_behind_it() {
    let (made, spec) = last_stage("COPY --from=a /x /opt/x\nSHELL [\"/bin/bash\", \"-ec\"]\nCMD a \"b\"");
    assert_eq!(
        (spec.config.cmd.unwrap(), left(&made).len()),
        (vec!["/bin/bash".into(), "-ec".into(), "a \"b\"".into()], 1)
    );
}

#[test]
fn commands_fill_directories_beside_the_spec() {
    let text = "FROM a AS os\nRUN x\nFROM os\nCOPY --from=i:1 /a /opt/a\nCOPY --from=os /b /opt/b\n";
    let made = from_dockerfile("-", Path::new("out put"), text).unwrap();
    assert!(made.spec.starts_with("# Made from <stdin>. "), "{}", made.spec);
    for line in [
        "# mkdir -p 'out put/layers' && docker build -f - --target os -t oci-merge-base . \\\n",
        "#   && docker save -o 'out put/layers'/base.tar oci-merge-base\n",
        "# printf '%s\\n' 'FROM scratch' 'COPY --from=i:1 /a /a' | docker build --output 'out put/layers' -\npath = \"layers/a\"\n",
        "# { cat -; printf '%s\\n' '' 'FROM scratch' 'COPY --from=os /b /b'; } | docker build -f - --output 'out put/layers' .\n",
    ] {
        assert!(made.spec.contains(line), "{line}{}", made.spec);
    }
    let error = from_dockerfile("-", Path::new(""), "RUN x").unwrap_err();
    assert_eq!(error.to_string(), "<stdin>:1: RUN before the first FROM");
}

proptest! {
    /// Whatever a Dockerfile says: an answer, and the answer is a spec unless the base's name is none.
    #[test]
    fn what_is_made_is_a_spec(at in 0..BABYLON.len(), cut in 0..30_usize, put in "[\"'$\\\\{}\n:= /a]{0,8}") {
        prop_assume!(BABYLON.is_char_boundary(at));
        let text = format!("{}{put}{}", &BABYLON[..at], &BABYLON[(at + cut).min(BABYLON.len())..]);
        if let Ok(made) = make(&text)
            && let Err(errors) = Spec::parse("s", Path::new("."), &made.spec) {
                // Values of the Dockerfile are taken as they are; what none of ours takes is an error with its place.
                for error in errors.errors() {
                    prop_assert!(matches!(error.code, "OM0104" | "OM0108" | "OM0109"), "{errors}\n{}", made.spec);
                }
            }
    }
}
