use super::*;
use crate::spec::{BaseSource, Place, Spec};
use proptest::prelude::*;
use std::path::Path;

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
    let made = from_dockerfile("docker/Dockerfile", BABYLON).unwrap();
    let spec =
        Spec::parse("oci-merge.toml", Path::new("."), &made.spec).unwrap_or_else(|e| panic!("{e}\n{}", made.spec));
    assert_eq!(spec.base.source, BaseSource::Registry("ubuntu:22.04".parse().unwrap()));
    assert_eq!(made.layers, ["java", "node"]);
    let [java, node] = &spec.layers[..] else { panic!() };
    let pair = |n: &str, v: &str| (n.to_owned(), v.to_owned());
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

    let command = "# mkdir -p layers/java && docker build -f docker/Dockerfile --target java --output type=tar,dest=- . \
                   | tar -xf - -C layers/java --strip-components=2 opt/java\n";
    assert!(made.spec.contains(command), "{}", made.spec);
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
    let made = from_dockerfile("Dockerfile", text).unwrap();
    assert_eq!(made.base, "docker-archive:layers/base.tar");
    assert!(made.spec.contains("--target os -t oci-merge-base"), "{}", made.spec);
}

#[test]
fn what_is_no_such_dockerfile_is_refused_with_its_line() {
    let cases = [
        ("", "D:1: there is no FROM"),
        ("RUN x", "D:1: RUN before the first FROM"),
        ("\nFROM", "D:2: FROM without an image"),
        ("FROM a:$V", "D:1: FROM a:$V: $V has no value; give its ARG a default"),
        (
            "FROM a\nFROM b\nCOPY x y",
            "D:2: its last stage copies no directory from another stage, so there is nothing to make layers of",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(from_dockerfile("D", text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn a_name_is_found_where_none_fits() {
    let text =
        "FROM a AS s\nFROM b\nCOPY --from=_._ /a /opt/+\nCOPY --from=_._ /a /opt/++\nCOPY --from=_._ /b /opt/%\n";
    assert_eq!(from_dockerfile("D", text).unwrap().layers, ["layer", "layer-2", "layer-3"]);
}

#[test]
fn names_are_free_and_texts_survive_toml() {
    let text = "FROM a AS s\nFROM scratch\nCOPY --from=s /a /opt/j/bin\nCOPY --from=s /b /opt/k/bin\nCOPY --from=s /c /opt/l/bin\n\
                ENV Q=\"a\\\"b\\\\c\" E='$x{y}\u{7f}' Q=again\n";
    let made = from_dockerfile("a\nb", text).unwrap();
    assert_eq!(made.layers, ["bin", "s", "bin-2"]);
    let spec = Spec::parse("s", Path::new("."), &made.spec).unwrap_or_else(|e| panic!("{e}\n{}", made.spec));
    assert_eq!(spec.config.env, [("E".to_owned(), "$x{y}\u{7f}".to_owned()), ("Q".to_owned(), "again".to_owned())]);
}

proptest! {
    /// Whatever a Dockerfile says: an answer, and the answer is a spec unless the base's name is none.
    #[test]
    fn what_is_made_is_a_spec(at in 0..BABYLON.len(), cut in 0..30_usize, put in "[\"'$\\\\{}\n:= /a]{0,8}") {
        prop_assume!(BABYLON.is_char_boundary(at));
        let text = format!("{}{put}{}", &BABYLON[..at], &BABYLON[(at + cut).min(BABYLON.len())..]);
        if let Ok(made) = from_dockerfile("Dockerfile", &text)
            && let Err(errors) = Spec::parse("s", Path::new("."), &made.spec) {
                // Values of the Dockerfile are taken as they are; what none of ours takes is an error with its place.
                for error in errors.errors() {
                    prop_assert!(matches!(error.code, "OM0104" | "OM0108" | "OM0109"), "{errors}\n{}", made.spec);
                }
            }
    }
}
