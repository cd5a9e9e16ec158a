//! Logins on their way: shown to whom they are meant for, and to nobody else.

use super::*;
use crate::ErrorKind;

#[test]
fn a_realm_of_another_host_must_be_named() {
    let server = server(bearer(Realm::OtherHost));
    let login = Credential::Password { username: "jon".into(), password: Secret::new(PASSWORD) };
    let credentials = Credentials::given(&server.address().to_string(), login);
    let network = Network::new(Settings { credentials, ..Settings::default() });
    let registry = Registry::open(&network, &format!("{}/a", server.address()).parse().unwrap()).unwrap();
    let error = registry.resolve("one").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let text = error.to_string();
    assert!(text.contains("--auth-realm 127.0.0.3") && text.contains("jon   from the caller"), "{text}");
    assert_eq!(server.requests().len(), 1, "nobody was asked for a token");
    no_secret_in(&text);
}

#[test]
fn a_realm_that_a_registry_may_not_name_is_not_asked() {
    for realm in
        ["http://192.0.2.1/token", "https://auth.example.com/token", "ftp://127.0.0.1/", "http://jon:pw@127.0.0.1/"]
    {
        let server = server(bearer(Realm::Url(realm.into())));
        let client = Client::of(&server);
        let error = client.open(&server, "a").resolve("one").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{realm}: {error}");
        assert_eq!(server.requests().len(), 1, "{realm}");
    }
}

#[test]
fn a_refused_login_ends_after_one_token() {
    let server = server(bearer(Realm::Registry));
    let login = Credential::Password { username: "jon".into(), password: Secret::new("wrong") };
    let client = Client::new(Credentials::given(&server.address().to_string(), login));
    let registry = client.open(&server, "a");
    let error = registry.push(&Descriptor::of(MediaType::ImageLayer, b"x"), &b"x".to_vec()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(server.requests().len(), 2, "the request and its token: {}", client.heard());
    assert!(client.clock.slept().is_empty());
}

#[test]
fn basic_is_not_shown_twice_in_vain() {
    let server = server(Auth::Basic(login()));
    let login = Credential::Password { username: "jon".into(), password: Secret::new("wrong") };
    let client = Client::new(Credentials::given(&server.address().to_string(), login));
    let error = client.open(&server, "a").resolve("one").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(server.requests().len(), 2, "without, and with: {}", client.heard());
    assert!(error.to_string().contains("the login is wrong or has run out"), "{error}");
}

#[test]
fn a_token_that_runs_out_in_the_middle_is_renewed() {
    let auth = Auth::Bearer { login: login(), ttl: Duration::from_millis(300), realm: Realm::OtherPort };
    let server = server(auth);
    let client = Client::of(&server);
    let registry = client.open(&server, "a");
    server.misbehave("do=stall:0.5,on=PUT,path=/blobs/".parse().unwrap()).unwrap();
    Image::new("renewed").push(&registry, "full").unwrap();
    std::thread::sleep(Duration::from_millis(400));
    pull(&registry, "full").unwrap();
}

#[test]
fn five_redirects_are_followed_and_no_more() {
    let server = server(Auth::None);
    let client = Client::of(&server);
    server.put_blob("a", b"round and round").unwrap();
    server.misbehave("do=redirect:loop,on=GET,path=/blobs/,times=0".parse().unwrap()).unwrap();
    let blob = Descriptor::of(MediaType::ImageLayer, b"round and round");
    let error = client.open(&server, "a").fetch(&blob).err().unwrap();
    assert!(error.to_string().contains("redirects more than 5 times"), "{error}");
    assert_eq!(server.requests().len(), 6, "the request and five more: {}", client.heard());
}
