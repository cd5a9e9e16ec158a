//! The fourteen ways in which people are logged in: each against a registry that takes the right login only.

use super::*;
use crate::ErrorKind;
use crate::registry::Environment;
use crate::server::Authorization;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A directory with a user's files, and variables that lead to them.
struct Home {
    directory: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Home {
    fn new() -> Home {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap().to_owned();
        let variables = vec![("HOME".into(), path.clone()), ("PATH".into(), format!("{path}/bin"))];
        Home { directory, variables }
    }

    fn path(&self, inside: &str) -> String {
        self.directory.path().join(inside).to_str().unwrap().to_owned()
    }

    fn file(self, name: &str, content: &str) -> Home {
        let path = self.directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    fn helper(self, name: &str, script: &str) -> Home {
        let path = format!("bin/docker-credential-{name}");
        let home = self.file(&path, &format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(home.path(&path), PermissionsExt::from_mode(0o755)).unwrap();
        home
    }

    fn variable(mut self, name: &str, value: &str) -> Home {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn client(&self, authfile: Option<&str>) -> Client {
        let environment = Environment::of(self.variables.clone());
        Client::new(Credentials::of(&environment, authfile.map(Path::new)))
    }
}

fn auth(user: &str, password: &str) -> String {
    BASE64_STANDARD.encode(format!("{user}:{password}"))
}

/// A file with one login, for a key.
fn auths(key: &str, password: &str) -> String {
    format!(
        r#"{{"auths":{{"other.test":{{"auth":"{}"}},"{key}":{{"auth":"{}"}}}}}}"#,
        auth("x", "y"),
        auth("jon", password)
    )
}

/// Whether a login in this home opens a repository; the warnings and the refusal hold no secret.
fn opens(server: &Server, home: &Home) -> bool {
    let client = home.client(None);
    let result = client.open(server, "team/tool").exists(&Descriptor::of(MediaType::ImageLayer, b"x"));
    no_secret_in(&client.heard());
    match result {
        Ok(there) => !there,
        Err(error) => {
            no_secret_in(&error.to_string());
            assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
            false
        }
    }
}

#[test]
fn logins_are_found_wherever_docker_and_podman_keep_them() {
    for kind in [Auth::Basic(login()), bearer(Realm::Registry)] {
        let server = server(kind);
        let host = server.address().to_string();
        let with = |password: &str| auths(&host, password);
        let fields = format!(r#"{{"auths":{{"{host}":{{"username":"jon","password":"{PASSWORD}"}}}}}}"#);
        let namespaced = format!(
            r#"{{"auths":{{"{host}":{{"auth":"{0}"}},"{host}/team":{{"auth":"{1}"}},"{host}/teams":{{"auth":"{0}"}}}}}}"#,
            auth("jon", "wrong"),
            auth("jon", PASSWORD)
        );
        let stored = r#"{"auths":{"HOST":{}},"credsStore":"keyring"}"#.replace("HOST", &host);
        let helped = format!(
            r#"{{"auths":{{"{host}":{{"auth":"{}"}}}},"credsStore":"wrong","credHelpers":{{"{host}":"keyring"}}}}"#,
            auth("jon", "wrong")
        );
        let answers =
            format!(r#"read -r host; test "$host" = {host} && echo '{{"Username":"jon","Secret":"{PASSWORD}"}}'"#);
        let absent =
            format!(r#"{{"credsStore":"absent","auths":{{"{host}":{{"auth":"{}"}}}}}}"#, auth("jon", PASSWORD));
        let homes = [
            ("auths", Home::new().file(".docker/config.json", &with(PASSWORD))),
            ("user name and password", Home::new().file(".docker/config.json", &fields)),
            ("a URL as key", Home::new().file(".docker/config.json", &auths(&format!("http://{host}/v2/"), PASSWORD))),
            ("namespaced key", Home::new().file(".docker/config.json", &namespaced)),
            (
                ".dockercfg",
                Home::new().file(".dockercfg", &format!(r#"{{"{host}":{{"auth":"{}"}}}}"#, auth("jon", PASSWORD))),
            ),
            ("credsStore", Home::new().file(".docker/config.json", &stored).helper("keyring", &answers)),
            ("credHelpers before credsStore", {
                let wrong = r#"echo '{"Username":"jon","Secret":"wrong"}'"#;
                Home::new().file(".docker/config.json", &helped).helper("keyring", &answers).helper("wrong", wrong)
            }),
            ("missing helper", Home::new().file(".docker/config.json", &absent)),
            ("missing helper, the next place", {
                let alone = r#"{"credsStore":"absent"}"#;
                Home::new().file(".config/containers/auth.json", alone).file(".docker/config.json", &with(PASSWORD))
            }),
            ("REGISTRY_AUTH_FILE", {
                let home = Home::new().file("a.json", &with(PASSWORD)).file(".docker/config.json", &with("wrong"));
                let path = home.path("a.json");
                home.variable("REGISTRY_AUTH_FILE", &path)
            }),
            ("DOCKER_AUTH_CONFIG", {
                let home = Home::new().file(".docker/config.json", &with("wrong"));
                home.variable("DOCKER_AUTH_CONFIG", &with(PASSWORD))
            }),
            ("DOCKER_CONFIG in the place of ~/.docker", {
                let home =
                    Home::new().file("dc/config.json", &with(PASSWORD)).file(".docker/config.json", &with("wrong"));
                let path = home.path("dc");
                home.variable("DOCKER_CONFIG", &path)
            }),
            ("XDG_RUNTIME_DIR", {
                let home = Home::new().file("run/containers/auth.json", &with(PASSWORD));
                let path = home.path("run");
                home.file(".docker/config.json", &with("wrong")).variable("XDG_RUNTIME_DIR", &path)
            }),
            ("XDG_CONFIG_HOME", {
                let home = Home::new().file("config/containers/auth.json", &with(PASSWORD));
                let path = home.path("config");
                home.file(".docker/config.json", &with("wrong")).variable("XDG_CONFIG_HOME", &path)
            }),
            ("GitLab", {
                let home = Home::new().variable("CI_REGISTRY", &host).variable("CI_REGISTRY_USER", "jon");
                home.variable("CI_REGISTRY_PASSWORD", PASSWORD)
            }),
        ];
        for (name, home) in &homes {
            assert!(opens(&server, home), "{name}");
        }
        let closed = [
            ("nothing", Home::new()),
            ("another registry's", Home::new().file(".docker/config.json", &auths("other.test", PASSWORD))),
            ("another namespace's", Home::new().file(".docker/config.json", &auths(&format!("{host}/tea"), PASSWORD))),
            ("not JSON", Home::new().file(".docker/config.json", &format!("{{{}", with(PASSWORD)))),
            ("GITHUB_TOKEN, which is for ghcr.io", Home::new().variable("GITHUB_TOKEN", PASSWORD)),
        ];
        for (name, home) in &closed {
            assert!(!opens(&server, home), "{name}");
        }
        let home = Home::new().file("mine.json", &with(PASSWORD)).file(".docker/config.json", &with("wrong"));
        let client = home.client(Some(&home.path("mine.json")));
        assert!(
            client.open(&server, "team/tool").exists(&Descriptor::of(MediaType::ImageLayer, b"x")).is_ok(),
            "--authfile"
        );
    }
}

#[test]
fn an_identity_token_is_exchanged() {
    let server = server(bearer(Realm::OtherPort));
    let host = server.address().to_string();
    let file = format!(r#"{{"auths":{{"{host}":{{"identitytoken":"{PASSWORD}"}}}}}}"#);
    let helper = format!(r#"echo '{{"Username":"<token>","Secret":"{PASSWORD}"}}'"#);
    let helped = r#"{"credsStore":"acr"}"#;
    for home in [
        Home::new().file(".docker/config.json", &file),
        Home::new()
            .file(".docker/config.json", &auths(&host, "x").replace(&auth("jon", "x"), &auth("<token>", PASSWORD))),
        Home::new().file(".docker/config.json", helped).helper("acr", &helper),
    ] {
        let before = server.requests().len();
        assert!(opens(&server, &home));
        let requests = server.requests();
        assert!(requests[before..].iter().any(|r| r.method == "POST" && r.target == "/token"), "{requests:?}");
    }
}

#[test]
fn a_helper_is_run_once_for_many_requests() {
    let server = server(Auth::Basic(login()));
    let host = server.address().to_string();
    let file = format!(r#"{{"credHelpers":{{"{host}":"counting"}}}}"#);
    let home = Home::new().file(".docker/config.json", &file);
    let count = home.path("count");
    let script = format!(r#"echo run >> {count}; echo '{{"Username":"jon","Secret":"{PASSWORD}"}}'"#);
    let home = home.helper("counting", &script);
    Image::new("helped").push(&home.client(None).open(&server, "team/tool"), "full").unwrap();
    assert_eq!(std::fs::read_to_string(count).unwrap(), "run\n");
}

#[test]
fn a_missing_helper_is_a_warning() {
    let server = server(Auth::Basic(login()));
    let absent = r#"{"credsStore":"absent"}"#;
    let home = Home::new().file(".docker/config.json", absent);
    let client = home.client(None);
    let error = client.open(&server, "a").resolve("one").unwrap_err().to_string();
    assert!(error.contains("names docker-credential-absent, which is not installed"), "{error}");
    assert_eq!(client.heard().matches("Warning").count(), 1, "{}", client.heard());
}

#[test]
fn a_stale_login_does_not_keep_anybody_from_a_public_image() {
    // A registry that lets everybody read, as Docker Hub does, and takes no login that it does not know.
    let server = server(Auth::Bearer { login: login(), ttl: Duration::from_secs(60), realm: Realm::Registry });
    server.misbehave("do=status:401,path=/token".parse().unwrap()).unwrap();
    let host = server.address().to_string();
    let home = Home::new().file(".docker/config.json", &auths(&host, "stale"));
    let client = home.client(None);
    let error = client.open(&server, "a").resolve("one").unwrap_err();
    // Its token service refuses the anonymous too; what counts is that they asked.
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(client.heard().contains("going on without a login"), "{}", client.heard());
    let asked: Vec<_> = server.requests().into_iter().filter(|r| r.target.starts_with("/token")).collect();
    let schemes: Vec<_> = asked.iter().map(|r| r.authorization).collect();
    assert_eq!(schemes, [Authorization::Basic, Authorization::None]);
}

#[test]
fn the_four_spellings_of_docker_hub_are_one() {
    for key in ["docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"] {
        let home = Home::new().file(".docker/config.json", &auths(key, PASSWORD));
        let credentials = Credentials::of(&Environment::of(home.variables.clone()), None);
        let found = credentials.find("docker.io", "library/ubuntu");
        assert_eq!(found.credential.map(|c| c.who().to_owned()), Some("jon".into()), "{key}");
    }
    let helper =
        r#"read -r host; test "$host" = https://index.docker.io/v1/ && echo '{"Username":"jon","Secret":"x"}'"#;
    let home = Home::new().file(".docker/config.json", r#"{"credsStore":"desktop"}"#).helper("desktop", helper);
    let credentials = Credentials::of(&Environment::of(home.variables.clone()), None);
    assert!(credentials.find("docker.io", "library/ubuntu").credential.is_some());
}

#[test]
fn the_token_of_a_workflow_is_for_github_only() {
    let environment = Environment::of([("GITHUB_TOKEN", PASSWORD), ("GITHUB_ACTOR", "jon")]);
    let credentials = Credentials::of(&environment, None);
    assert_eq!(credentials.find("ghcr.io", "jon/babylon").credential.unwrap().who(), "jon");
    for other in ["docker.io", "ghcr.io.evil.test", "ghcr.io:5000"] {
        assert!(credentials.find(other, "jon/babylon").credential.is_none(), "{other}");
    }
}
