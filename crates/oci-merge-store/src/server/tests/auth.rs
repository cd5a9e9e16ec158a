//! Credentials: who gets in, and where tokens come from.

use super::super::{Authorization, Desk, Login, Realm};
use super::*;
use base64::Engine as _;

fn login() -> Login {
    Login { user: "jon".into(), password: "se:cret".into() }
}

fn bearer(realm: Realm) -> Auth {
    Auth::Bearer { login: login(), ttl: Duration::from_secs(60), realm }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// The address and the scope of a challenge.
fn challenge(answer: &Answer) -> (SocketAddr, String) {
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHORIZED"));
    let text = answer.field("www-authenticate").unwrap();
    let part = |name: &str| text.split(&format!("{name}=\"")).nth(1).map_or("", |rest| rest.split('"').next().unwrap());
    let address = part("realm").strip_prefix("http://").unwrap().strip_suffix("/token").unwrap();
    (address.parse().unwrap(), part("scope").to_owned())
}

fn token(address: SocketAddr, query: &str, password: &str) -> Answer {
    let authorization = basic("jon", password);
    let target = format!("/token?service=oci-merge&{query}");
    Client::new(address).ask("GET", &target, &[("Authorization", &authorization)], b"").unwrap()
}

fn with(server: &Server, method: &str, target: &str, token: &Answer) -> Answer {
    let authorization = format!("Bearer {}", token.json()["token"].as_str().unwrap());
    ask(server, method, target, &[("Authorization", &authorization)], b"")
}

#[test]
fn basic_needs_the_right_name_and_password() {
    let server = server_with(Auth::Basic(login()));
    server.put_blob("demo", b"hello").unwrap();
    for target in ["/v2/", &format!("/v2/demo/blobs/{HELLO}")] {
        let refused = get(&server, target);
        assert_eq!((refused.status, refused.field("www-authenticate")), (401, Some("Basic realm=\"oci-merge\"")));
        let answer = |authorization: &str| ask(&server, "GET", target, &[("Authorization", authorization)], b"").status;
        assert_eq!(answer(&basic("jon", "se:cret")), 200);
        assert_eq!(answer(&basic("jon", "secret")), 401);
        assert_eq!(answer(&basic("jo", "se:cret")), 401);
        assert_eq!(answer("Basic ???"), 401);
        assert_eq!(answer(&basic("jon", "se:cret").replace("Basic", "Bearer")), 401);
    }
    assert_eq!(server.leaks(), []);
}

#[test]
fn a_token_comes_from_wherever_the_challenge_says() {
    for (realm, ip, desk) in [
        (Realm::Registry, "127.0.0.1", Desk::Registry),
        (Realm::OtherPort, "127.0.0.1", Desk::Token),
        (Realm::OtherHost, "127.0.0.3", Desk::Token),
    ] {
        let server = server_with(bearer(realm));
        server.put_blob("demo", b"hello").unwrap();
        let target = format!("/v2/demo/blobs/{HELLO}");
        let (address, scope) = challenge(&get(&server, &target));
        assert_eq!((address.ip().to_string().as_str(), scope.as_str()), (ip, "repository:demo:pull"));
        assert_eq!(address == server.address(), desk == Desk::Registry);
        let token = token(address, "scope=repository:demo:pull", "se:cret");
        assert_eq!((token.status, token.json()["expires_in"].as_u64()), (200, Some(60)));
        assert_eq!(with(&server, "GET", &target, &token).body, b"hello");
        let requests = server.requests();
        let seen: Vec<_> = requests.iter().map(|r| (r.desk, r.authorization, r.status)).collect();
        assert_eq!(
            seen,
            [
                (Desk::Registry, Authorization::None, 401),
                (desk, Authorization::Basic, 200),
                (Desk::Registry, Authorization::Bearer, 200),
            ]
        );
        assert_eq!(server.leaks(), []);
    }
}

#[test]
fn a_token_is_good_for_its_scopes_only() {
    let server = server_with(bearer(Realm::OtherPort));
    server.put_blob("demo", b"hello").unwrap();
    let (address, _) = challenge(&get(&server, "/v2/"));
    let pull = token(address, "scope=repository:demo:pull", "se:cret");
    let refused = with(&server, "POST", "/v2/demo/blobs/uploads/", &pull);
    assert_eq!(challenge(&refused).1, "repository:demo:pull,push");
    assert_eq!(with(&server, "GET", "/v2/other/tags/list", &pull).status, 401);
    assert_eq!(with(&server, "GET", "/v2/", &pull).status, 200);
    let push = token(address, "scope=repository:new:pull,push", "se:cret");
    let mount = format!("/v2/new/blobs/uploads/?mount={HELLO}&from=demo");
    let refused = with(&server, "POST", &mount, &push);
    assert_eq!(challenge(&refused).1, "repository:new:pull,push repository:demo:pull");
    for both in [
        "scope=repository:new:pull,push&scope=repository:demo:pull",
        "scope=repository:new:pull,push%20repository:demo:pull",
    ] {
        assert_eq!(with(&server, "POST", &mount, &token(address, both, "se:cret")).status, 201);
    }
}

#[test]
fn a_token_is_good_for_its_time_only() {
    let server = server_with(Auth::Bearer { login: login(), ttl: Duration::ZERO, realm: Realm::Registry });
    let token = token(server.address(), "", "se:cret");
    assert_eq!(token.status, 200);
    assert_eq!(with(&server, "GET", "/v2/", &token).status, 401);
}

#[test]
fn a_token_is_given_for_a_password_or_a_refresh_token() {
    let server = server_with(bearer(Realm::Registry));
    assert_eq!(token(server.address(), "", "wrong").code(), "UNAUTHORIZED");
    assert_eq!(get(&server, "/token").status, 401);
    let post = |form: &str| ask(&server, "POST", "/token", &[], form.as_bytes());
    assert_eq!(post("grant_type=password&username=jon&password=se%3Acret&service=x").status, 200);
    assert_eq!(post("grant_type=refresh_token&refresh_token=se%3Acret&service=x").status, 200);
    assert_eq!(post("grant_type=password&username=jon&password=wrong").status, 401);
    assert_eq!(post(&"x".repeat(70 << 10)).status, 413);
    let pull = post("grant_type=password&username=jon&password=se:cret&scope=repository:127.0.0.1:5000/a:pull");
    assert_eq!(pull.status, 200, "a name may have a port");
}

#[test]
fn a_realm_may_be_anything() {
    let server = server_with(bearer(Realm::Url("https://169.254.169.254/latest".into())));
    let answer = get(&server, "/v2/");
    assert_eq!(
        answer.field("www-authenticate"),
        Some("Bearer realm=\"https://169.254.169.254/latest\",service=\"oci-merge\"")
    );
}

#[test]
fn a_password_is_not_shown() {
    assert!(!format!("{:?}", bearer(Realm::Registry)).contains("se:cret"));
}
