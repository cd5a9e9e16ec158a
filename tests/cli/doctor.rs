use super::Place;
use oci_merge_store::server::{Auth, Login, Options, Server};

const PASSWORD: &str = "right-zebra";

fn closed() -> Server {
    let auth = Auth::Basic(Login { user: "jon".into(), password: PASSWORD.into() });
    Server::start(Options { auth, ..Options::default() }).unwrap()
}

/// The line about a thing.
#[track_caller]
fn line<'s>(screen: &'s str, name: &str) -> &'s str {
    let begins = |line: &&str| line.split(' ').next() == Some(name);
    screen.lines().find(begins).unwrap_or_else(|| panic!("no {name} in\n{screen}"))
}

#[test]
fn a_registry_that_lets_us_do_everything_is_found_well() {
    let (server, place) = (closed(), Place::with_demo());
    let address = server.address().to_string();
    // echo -n jon:right-zebra | base64
    place.write("auth.json", &format!("{{\"auths\": {{\"{address}\": {{\"auth\": \"am9uOnJpZ2h0LXplYnJh\"}}}}}}"));
    let repository = format!("{address}/demo");
    let doctor = ["doctor", "--authfile", "auth.json", &repository];
    let before = place.run(&doctor).ends(0).out;
    assert!(line(&before, "pull").ends_with("there is no such repository yet"), "{before}");
    assert!(line(&before, "mount").starts_with("mount     – not tried"), "{before}");
    place.run(&["build", "--push", "-q", "--authfile", "auth.json", "-t", &format!("{repository}:1")]).ends(0);
    let (blobs, moves) = (server.requests().len(), server.tag_moves().len());

    let screen = place.run(&doctor).ends(0).out;
    assert!(line(&screen, "reach").starts_with(&format!("reach     ✔ http://{address}/v2/ in ")), "{screen}");
    assert_eq!(line(&screen, "login"), "login     ✔ jon, from --authfile auth.json");
    assert_eq!(line(&screen, "pull"), "pull      ✔ granted; read the manifest of 1");
    for name in ["push", "mount", "referrers"] {
        assert!(line(&screen, name).contains('✔'), "{screen}");
    }
    assert_eq!(server.tag_moves().len(), moves);
    let requests = server.requests();
    let asked = requests[blobs..].iter().filter(|r| r.received > 0).count();
    assert_eq!(asked, 0, "nothing was sent: {requests:#?}");
    let ended = requests[blobs..].iter().filter(|r| r.method == "DELETE").map(|r| r.status).collect::<Vec<_>>();
    assert_eq!(ended, [204], "the upload was ended");
    assert!(server.leaks().is_empty());
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let (server, place) = (closed(), Place::new());
    let address = server.address().to_string();
    let repository = format!("{address}/demo");
    let ran = place.run(&["doctor", &repository]).ends(4).says(&["OM0501"]);
    assert!(line(&ran.out, "login").starts_with("login     – nobody: none of "), "{}", ran.out);
    assert!(ran.out.contains(&format!("do: docker login {address}")), "{}", ran.out);
    assert!(line(&ran.out, "push").starts_with("push      ✘ it said 401"), "{}", ran.out);

    // echo -n jon:wrong-zebra | base64
    place.write("auth.json", &format!("{{\"auths\": {{\"{address}\": {{\"auth\": \"am9uOndyb25nLXplYnJh\"}}}}}}"));
    let ran = place.run(&["doctor", "-vv", "--authfile", "auth.json", &repository]).ends(4).says(&["OM0501"]);
    assert!(
        line(&ran.out, "login").starts_with("login     ✘ jon, from --authfile auth.json: it said 401"),
        "{}",
        ran.out
    );
    let ran = ran.says(&["jon   from --authfile auth.json", "REGISTRY_AUTH_FILE", "GITHUB_TOKEN"]);
    for secret in ["zebra", "am9uOndyb25nLXplYnJh"] {
        assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{}{}", ran.out, ran.err);
    }
}

#[test]
fn a_registry_that_only_lets_us_read_is_found_so() {
    let place = Place::with_demo();
    place.run(&["build", "-q"]).ends(0);
    let serving = super::serving::Serving::start(&place, &[]);
    let ran = place
        .run(&["doctor", &format!("{}/demo", serving.answer.trim())])
        .ends(4)
        .says(&["OM0501", "nobody may push there"]);
    assert!(line(&ran.out, "pull").contains('✔'), "{}", ran.out);
    assert!(line(&ran.out, "push").starts_with("push      ✘ it said 405"), "{}", ran.out);
    assert!(ran.out.contains("do: the registry is read-only"), "{}", ran.out);
    let push = ["push", "image", &format!("{}/demo:1", serving.answer.trim())];
    place.run(&push).ends(4).says(&["OM0501", "405", "nobody may push there"]).without_answer();
}

#[test]
fn what_is_no_registry_is_not_reached() {
    let place = Place::new();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = place.run(&["doctor", &format!("{closed}/demo")]).ends(3).says(&["OM0503", "cannot connect"]);
    assert!(line(&ran.out, "reach").contains('✘') && !ran.out.contains("pull"), "{}", ran.out);
    let server = Server::start(Options::default()).unwrap();
    server.misbehave("do=status:404,on=GET".parse().unwrap()).unwrap();
    let ran = place.run(&["doctor", &format!("{}/demo", server.address())]).ends(3);
    assert!(line(&ran.out, "reach").contains("no registry is there"), "{}", ran.out);
    place.run(&["doctor", "Not/A/Repository"]).ends(2).without_answer();
}

#[test]
fn what_an_old_registry_lacks_is_said() {
    let place = Place::with_demo();
    let server = Server::start(Options { referrers: false, ..Options::default() }).unwrap();
    let repository = format!("{}/demo", server.address());
    place.run(&["build", "--push", "-q", "-t", &format!("{repository}:1")]).ends(0);
    let screen = place.run(&["doctor", &repository]).ends(0).out;
    assert!(line(&screen, "referrers").starts_with("referrers ✘ not offered (404)"), "{screen}");
    assert!(line(&screen, "login").starts_with("login     ✔ none is asked for"), "{screen}");
    server.misbehave("do=mount:202,times=0".parse().unwrap()).unwrap();
    let screen = place.run(&["doctor", &repository]).ends(0).out;
    assert!(line(&screen, "mount").starts_with("mount     ✘ not offered"), "{screen}");
}
