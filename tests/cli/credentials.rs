//! Where logins are found: by what the program sends and says, and that no level of its log says a secret.

use super::{Place, Ran};
use oci_merge_store::server::{Auth, Authorization, Desk, Login, Options, Realm, Server};
use std::time::Duration;

const PASSWORD: &str = "right-zebra";
/// `printf jon:right-zebra | base64` and `printf '<token>:right-zebra' | base64`.
const AUTH: &str = "am9uOnJpZ2h0LXplYnJh";
const TOKEN_AUTH: &str = "PHRva2VuPjpyaWdodC16ZWJyYQ==";
/// `printf jon:wrong-zebra | base64`.
const WRONG: &str = "am9uOndyb25nLXplYnJh";

/// One way in which people are logged in: files (`bin/` has programs), variables, and where the login is said to be
/// from. `HOST` and `HOME` stand for themselves.
struct Fixture {
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    from: &'static str,
}

const OWN: &str = "HOME/.docker/config.json";
const ENTRY: &str = r#"{"auths": {"other.test": {"auth": "eDp5"}, "HOST": {"auth": "am9uOnJpZ2h0LXplYnJh"}}}"#;
const WRONG_ENTRY: &str = r#"{"auths": {"HOST": {"auth": "am9uOndyb25nLXplYnJh"}}}"#;
const ANSWER: &str =
    "#!/bin/sh\nread -r host; test \"$host\" = HOST && echo '{\"Username\": \"jon\", \"Secret\": \"right-zebra\"}'\n";
const TOKEN_ANSWER: &str = "#!/bin/sh\necho '{\"Username\": \"<token>\", \"Secret\": \"right-zebra\"}'\n";

const FIXTURES: [Fixture; 14] = [
    Fixture { name: "auths", files: &[(OWN, ENTRY)], variables: &[], from: OWN },
    Fixture {
        name: "a URL as key",
        files: &[(OWN, r#"{"auths": {"https://HOST/v2/": {"auth": "am9uOnJpZ2h0LXplYnJh"}}}"#)],
        variables: &[],
        from: OWN,
    },
    Fixture {
        name: "namespaced key",
        files: &[(
            OWN,
            r#"{"auths": {"HOST": {"auth": "am9uOndyb25nLXplYnJh"}, "HOST/team": {"auth": "am9uOnJpZ2h0LXplYnJh"}}}"#,
        )],
        variables: &[],
        from: OWN,
    },
    Fixture {
        name: "credsStore",
        files: &[
            (OWN, r#"{"auths": {"HOST": {}}, "credsStore": "keyring"}"#),
            ("HOME/bin/docker-credential-keyring", ANSWER),
        ],
        variables: &[],
        from: "docker-credential-keyring, from HOME/.docker/config.json",
    },
    Fixture {
        name: "credHelpers",
        files: &[
            (OWN, r#"{"credsStore": "absent", "credHelpers": {"HOST": "keyring"}}"#),
            ("HOME/bin/docker-credential-keyring", ANSWER),
        ],
        variables: &[],
        from: "docker-credential-keyring, from HOME/.docker/config.json",
    },
    Fixture {
        name: "<token>",
        files: &[(OWN, r#"{"credsStore": "acr"}"#), ("HOME/bin/docker-credential-acr", TOKEN_ANSWER)],
        variables: &[],
        from: OWN,
    },
    Fixture {
        name: "missing helper",
        files: &[(OWN, r#"{"credsStore": "absent", "auths": {"HOST": {"auth": "am9uOnJpZ2h0LXplYnJh"}}}"#)],
        variables: &[],
        from: OWN,
    },
    Fixture {
        name: "REGISTRY_AUTH_FILE",
        files: &[("HOME/a.json", ENTRY), (OWN, WRONG_ENTRY)],
        variables: &[("REGISTRY_AUTH_FILE", "HOME/a.json")],
        from: "REGISTRY_AUTH_FILE (HOME/a.json)",
    },
    Fixture {
        name: "DOCKER_AUTH_CONFIG",
        files: &[(OWN, WRONG_ENTRY)],
        variables: &[("DOCKER_AUTH_CONFIG", ENTRY)],
        from: "DOCKER_AUTH_CONFIG",
    },
    Fixture {
        name: "DOCKER_CONFIG",
        files: &[("HOME/d/config.json", ENTRY), ("HOME/.config/containers/auth.json", WRONG_ENTRY)],
        variables: &[("DOCKER_CONFIG", "HOME/d")],
        from: "HOME/d/config.json",
    },
    Fixture {
        name: "XDG_RUNTIME_DIR",
        files: &[("HOME/run/containers/auth.json", ENTRY), (OWN, WRONG_ENTRY)],
        variables: &[("XDG_RUNTIME_DIR", "HOME/run")],
        from: "HOME/run/containers/auth.json",
    },
    Fixture {
        name: "XDG_CONFIG_HOME",
        files: &[("HOME/c/containers/auth.json", ENTRY), (OWN, WRONG_ENTRY)],
        variables: &[("XDG_CONFIG_HOME", "HOME/c")],
        from: "HOME/c/containers/auth.json",
    },
    Fixture {
        name: "GitLab",
        files: &[],
        variables: &[("CI_REGISTRY", "HOST"), ("CI_REGISTRY_USER", "jon"), ("CI_REGISTRY_PASSWORD", PASSWORD)],
        from: "CI_REGISTRY_PASSWORD",
    },
    Fixture {
        name: "identity token",
        files: &[(OWN, r#"{"auths": {"HOST": {"auth": "PHRva2VuPjpyaWdodC16ZWJyYQ=="}}}"#)],
        variables: &[],
        from: OWN,
    },
];

impl Fixture {
    /// Whether its login is a token that only a token service takes.
    fn is_token(&self) -> bool {
        matches!(self.name, "<token>" | "identity token")
    }

    fn lay_out(&self, server: &Server) -> Place {
        let place = Place::new();
        for (name, text) in self.files {
            let name = name.replace("HOME", "home");
            let text = text.replace("HOST", &server.address().to_string());
            if name.contains("/bin/") { place.program(&name, &text) } else { place.write(&name, &text) }
        }
        place
    }

    fn run(&self, place: &Place, server: &Server, args: &[&str]) -> Ran {
        let (host, home) = (server.address().to_string(), place.path("home").to_str().unwrap().to_owned());
        let mut command = place.command(args);
        // Without a look at the certificates of this machine, which takes longer than all the rest.
        command.args(["--plain-http", &host]).env("PATH", format!("{home}/bin:/usr/bin:/bin"));
        for (name, value) in self.variables {
            command.env(name, value.replace("HOST", &host).replace("HOME", &home));
        }
        Ran::of(&mut command)
    }
}

fn servers() -> [Server; 2] {
    let login = || Login { user: "jon".into(), password: PASSWORD.into() };
    let bearer = Auth::Bearer { login: login(), ttl: Duration::from_secs(300), realm: Realm::OtherPort };
    [Auth::Basic(login()), bearer].map(|auth| Server::start(Options { auth, ..Options::default() }).unwrap())
}

/// No secret, as it is or in base64; of a token only the word before it.
#[track_caller]
fn no_secret_in(ran: &Ran, what: &str) {
    let all = format!("{}{}", ran.out, ran.err);
    for secret in ["zebra", AUTH, TOKEN_AUTH, WRONG, AUTH.trim_end_matches('='), WRONG.trim_end_matches('=')] {
        assert!(!all.contains(secret), "{what}: {secret} in\n{all}");
    }
    for word in ["Bearer ", "Basic "] {
        let shown = all.split(word).skip(1).find(|rest| !rest.starts_with(['…', 'r']));
        assert!(shown.is_none(), "{what}: {word} in\n{all}");
    }
}

/// The levels of the log, and both forms of the answer.
const LEVELS: [&[&str]; 5] = [&[], &["-v"], &["-vv"], &["-vv", "--progress", "json"], &["-q", "--json"]];

#[test]
fn fourteen_ways_to_be_logged_in_work_and_are_named() {
    for server in &servers() {
        let host = server.address().to_string();
        let repository = format!("{host}/team/tool");
        for fixture in &FIXTURES {
            let place = fixture.lay_out(server);
            let home = place.path("home").to_str().unwrap().to_owned();
            // Each level once; then the one that says most.
            let levels = if fixture.name == "auths" { &LEVELS[..] } else { &LEVELS[2..3] };
            for level in levels.iter().copied() {
                let before = server.requests().len();
                let ran = fixture.run(&place, server, &[&["doctor", &repository], level].concat());
                no_secret_in(&ran, fixture.name);
                let requests = server.requests();
                let shown: Vec<_> = requests[before..].iter().map(|r| (r.desk, r.authorization)).collect();
                let basic = shown.iter().any(|(_, authorization)| *authorization == Authorization::Basic);
                let is_bearer = shown.iter().any(|(desk, _)| *desk == Desk::Token);
                if fixture.is_token() && !is_bearer {
                    assert_eq!(ran.code, Some(4), "{}: a registry that wants a password", fixture.name);
                    continue;
                }
                let all = format!("{}{}", ran.out, ran.err);
                assert_eq!(ran.code, Some(0), "{} {level:?}: {all}", fixture.name);
                assert_eq!(basic, !fixture.is_token(), "{}: {shown:?}", fixture.name);
                let from = fixture.from.replace("HOME", &home);
                let from = from.rsplit(", from ").next().unwrap();
                let who = if fixture.is_token() { "an identity token" } else { "jon" };
                assert!(all.contains(who) && all.contains(from), "{}: not from {from} in\n{all}", fixture.name);
                if fixture.name == "missing helper" && !level.contains(&"-q") {
                    assert!(all.contains("docker-credential-absent: is not installed"), "{all}");
                }
            }
        }
        assert!(server.leaks().is_empty(), "{:?}", server.leaks());
    }
}

#[test]
fn a_refusal_lists_every_place_and_what_it_held() {
    let fixture = Fixture { name: "refused", files: &[(OWN, WRONG_ENTRY)], variables: &[], from: OWN };
    for server in &servers() {
        let place = fixture.lay_out(server);
        let other = r#"{"auths": {"registry.gitlab.com": {"auth": "am9uOndyb25nLXplYnJh"}}}"#;
        place.write("home/.config/containers/auth.json", other);
        let home = place.path("home").to_str().unwrap().to_owned();
        for level in LEVELS {
            let reference = format!("{}/team/tool:1", server.address());
            let ran = fixture.run(&place, server, &[&["inspect", &reference], level].concat());
            no_secret_in(&ran, "a refusal");
            let text = ran.ends(4).without_answer().says(&["OM0501"]).err;
            for (held, at) in [
                ("jon   from ", format!("{home}/.docker/config.json")),
                ("not set", "REGISTRY_AUTH_FILE ".into()),
                ("not set", "DOCKER_AUTH_CONFIG ".into()),
                ("has registry.gitlab.com only", format!("{home}/.config/containers/auth.json")),
                ("no such file", format!("{home}/.dockercfg")),
                ("not set", "GITHUB_TOKEN ".into()),
                ("not set", "CI_REGISTRY_PASSWORD ".into()),
            ] {
                let is_there = text.lines().any(|line| line.contains(held) && line.contains(&at));
                assert!(is_there, "{at} {held} is not in\n{text}");
            }
        }
    }
}

#[test]
fn headers_are_shown_with_vv_only_and_without_secrets() {
    let [server, _] = servers();
    let fixture = &FIXTURES[0];
    let place = fixture.lay_out(&server);
    let repository = format!("{}/team/tool", server.address());
    let at = |level: &str| fixture.run(&place, &server, &["doctor", &repository, level]).ends(0).err;
    let (v, vv) = (at("-v"), at("-vv"));
    assert!(v.contains("GET http://") && !v.contains("authorization"), "{v}");
    for line in ["> authorization: Basic …", "< content-type: application/json", "< www-authenticate: Basic realm="] {
        assert!(vv.lines().any(|shown| shown.starts_with(line)), "no {line} in\n{vv}");
    }
}
