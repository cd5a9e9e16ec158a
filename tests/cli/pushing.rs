use super::{Place, Ran};
use oci_merge_store::server::faults::{Action, Fault};
use oci_merge_store::server::{Auth, Login, Options, Server};
use std::time::Duration;

fn server() -> Server {
    Server::start(Options::default()).unwrap()
}

/// The cells of the row of a table that begins with a word.
fn row<'t>(table: &'t str, first: &str) -> Vec<&'t str> {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.into_iter()
        .find(|row| row.first() == Some(&first) && row.len() > 6)
        .unwrap_or_else(|| panic!("{first}\n{table}"))
}

#[test]
fn a_push_says_what_was_sent_and_answers_with_the_digest() {
    let (server, place) = (server(), Place::with_demo());
    let reference = format!("{}/demo/image:1", server.address());
    let push = ["build", "--push", "-t", &reference];
    let ran = place.run(&push).ends(0);
    let digest = server.tags("demo/image")["1"].to_string();
    assert_eq!(ran.out, format!("{reference}@{digest}\n"));
    assert!(!place.path("image").exists(), "only where it was sent to");
    let gamma = row(&ran.err, "gamma");
    assert_eq!((&gamma[..3], gamma[5]), (&["gamma", "0.1", "/opt/gamma"][..], "new"), "{}", ran.err);
    assert_eq!(gamma[3..5], gamma[6..8], "all of it was sent");

    let again = place.run(&push).ends(0);
    assert_eq!(again.out, ran.out);
    let gamma = row(&again.err, "gamma");
    assert_eq!(gamma[5..7], ["unchanged", "0"], "{}", again.err);
    assert!(server.violations().is_empty(), "{:?}", server.violations());
}

#[test]
fn what_was_built_earlier_goes_as_it_is() {
    let (server, place) = (server(), Place::with_demo());
    let built = place.run(&["build", "-o", "type=oci,dest=image", "-o", "type=oci,dest=image.tar"]).ends(0).out;
    let digest = built.split_once('@').unwrap().1.split_whitespace().next().unwrap();
    for (image, name) in [("image", "one:1"), ("oci:./image:full", "two:1"), ("image.tar", "three:1")] {
        let reference = format!("{}/{name}", server.address());
        let ran = place.run(&["push", image, &reference]).ends(0);
        assert_eq!(ran.out, format!("{reference}@{digest}\n"), "{}", ran.err);
    }
    let shown = place.run(&["inspect", &format!("{}/two:1", server.address())]).ends(0).out;
    assert!(shown.contains(digest) && shown.contains("/opt/beta"), "{shown}");
}

#[test]
fn no_tag_moves_before_every_repository_has_the_image() {
    let (server, place) = (server(), Place::with_demo());
    // A port that was free a moment ago, and that nobody listens on.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (here, away) = (format!("{}/demo:1", server.address()), format!("{nobody}/demo:1"));
    place.run(&["build", "-q", "-o", "type=oci,dest=image"]).ends(0);
    for names in [[&here, &away], [&away, &here]] {
        place.run(&["push", "image", names[0], names[1]]).ends(3).without_answer();
        place.run(&["build", "--push", "-t", names[0], "-t", names[1]]).ends(3).without_answer();
        assert!(server.tags("demo").is_empty(), "{:?}", server.tags("demo"));
    }
    let more = format!("{}/more:2", server.address());
    let ran = place.run(&["push", "image", &here, &more]).ends(0);
    let tags = [&server.tags("demo")["1"], &server.tags("more")["2"]];
    assert_eq!(ran.out, format!("{here}@{}\n{more}@{}\n", tags[0], tags[1]));
}

#[test]
fn what_a_name_cannot_have_is_not_dropped_in_silence() {
    let (server, place) = (server(), Place::with_demo());
    place.run(&["build", "-q", "-o", "type=oci,dest=image"]).ends(0);
    let zeros = format!("sha256:{}", "0".repeat(64));
    for name in [format!("{}/demo@{zeros}", server.address()), format!("{}/demo:1@{zeros}", server.address())] {
        place.run(&["push", "image", &name]).ends(2).says(&["OM0100", &zeros, "a digest cannot be given"]);
        place.run(&["build", "--push", "-t", &name]).ends(2).says(&["OM0100", &zeros, "a digest cannot be given"]);
    }
    let repository = format!("{}/demo", server.address());
    let with_tag = format!("{repository}:1");
    place.run(&["build", "--push", "--repo", &with_tag]).ends(2).says(&["OM0100", &with_tag, "-t takes a tag"]);
    // `full` is the image of all layers.
    let some = ["build", "alpha", "--push", "--repo", &repository];
    place.run(&some).ends(2).says(&["OM0100", "say with -t which tag they get"]);
    assert!(server.tags("demo").is_empty(), "{:?}", server.tags("demo"));
    place.run(&["build", "alpha", "--push", "-t", &format!("{repository}:alpha")]).ends(0);
    assert_eq!(server.tags("demo").len(), 1);
}

#[test]
fn a_result_file_that_cannot_be_written_is_noticed_before_anything_is_pushed() {
    let (server, place) = (server(), Place::with_demo());
    place.write("directory/x", "");
    let reference = format!("{}/demo:1", server.address());
    for flag in ["--digestfile", "--iidfile", "--metadata-file", "--image-refs"] {
        for path in ["nowhere/x", "directory"] {
            let build = ["build", "-o", "type=oci,dest=image", "--push", "-t", &reference, flag, path];
            place.run(&build).ends(7).says(&["OM0801", path]).without_answer();
            assert!(!place.path("image").exists() && server.tags("demo").is_empty(), "{flag} {path}");
        }
    }
    assert_eq!(std::fs::read_dir(place.path("directory")).unwrap().count(), 1);
}

#[test]
fn the_repository_may_come_from_spec_variable_or_flag() {
    let (server, place) = (server(), Place::with_demo());
    let address = server.address();
    let spec = place.read("oci-merge.toml").replace("name = \"demo\"", &format!("repo = \"{address}/spec\""));
    place.write("oci-merge.toml", &spec);
    let answer =
        |command: &mut std::process::Command| Ran::of(command).ends(0).out.split('@').next().unwrap().to_owned();
    let mut command = place.command(&["build", "--push", "-q"]);
    assert_eq!(answer(&mut command), format!("{address}/spec:full"));
    command.env("OCI_MERGE_REPO", format!("{address}/variable"));
    assert_eq!(answer(&mut command), format!("{address}/variable:full"));
    command.args(["--repo", &format!("{address}/flag")]);
    assert_eq!(answer(&mut command), format!("{address}/flag:full"));
}

#[test]
fn a_refused_login_is_four_and_tells_no_secret() {
    let auth = Auth::Basic(Login { user: "jon".into(), password: "right-zebra".into() });
    let server = Server::start(Options { auth, ..Options::default() }).unwrap();
    let place = Place::with_demo();
    let (address, reference) = (server.address().to_string(), format!("{}/demo:1", server.address()));
    let push = ["build", "--push", "-vv", "-t", &reference];
    place.run(&push).ends(4).says(&["OM0501", &address, "REGISTRY_AUTH_FILE", "DOCKER_AUTH_CONFIG"]).without_answer();
    // echo -n jon:wrong-zebra | base64
    place.write("auth.json", &format!("{{\"auths\": {{\"{address}\": {{\"auth\": \"am9uOndyb25nLXplYnJh\"}}}}}}"));
    let ran =
        place.run(&[&push[..], &["--authfile", "auth.json"]].concat()).ends(4).says(&["OM0501", "jon", "auth.json"]);
    assert!(!ran.err.contains("zebra") && !ran.err.contains("am9uOndyb25nLXplYnJh"), "{}", ran.err);
    // echo -n jon:right-zebra | base64
    place.write("auth.json", &format!("{{\"auths\": {{\"{address}\": {{\"auth\": \"am9uOnJpZ2h0LXplYnJh\"}}}}}}"));
    place.run(&[&push[..], &["--authfile", "auth.json"]].concat()).ends(0);
}

#[test]
fn verbose_shows_each_request_as_a_line() {
    let (server, place) = (server(), Place::with_demo());
    let reference = format!("{}/demo:1", server.address());
    let ran = place.run(&["build", "--push", "-v", "-t", &reference]).ends(0);
    let put = format!("PUT http://{}/v2/demo/manifests/1 201", server.address());
    assert!(ran.err.lines().any(|line| line.starts_with(&put)), "{}", ran.err);
    let ran = place.run(&["build", "--push", "-t", &reference]).ends(0);
    assert!(!ran.err.contains("PUT "), "{}", ran.err);
}

#[test]
fn no_log_is_quiet_for_more_than_ten_seconds() {
    let (server, place) = (server(), Place::with_demo());
    server.misbehave(Fault::new(Action::Stall(Duration::from_secs(12))).on("PUT")).unwrap();
    let reference = format!("{}/demo:1", server.address());
    let ran = place.run(&["build", "--push", "--progress", "plain", "-t", &reference]).ends(0);
    let ticks: Vec<_> = ran.err.lines().filter(|line| line.starts_with("[10 s] 3 of 3 layers ready")).collect();
    assert_eq!(ticks.len(), 1, "{}", ran.err);
    assert!(ran.err.lines().count() < 20, "{}", ran.err);
}

#[test]
fn a_tag_that_somebody_else_has_moved_is_left_alone() {
    let (server, place) = (server(), Place::with_demo());
    let reference = format!("{}/demo:1", server.address());
    let build = |more: &[&str]| place.run(&[&["build", "--push", "-t", &reference], more].concat());
    build(&["--create-only"]).ends(0);
    build(&["--create-only"]).ends(0);
    let first = server.tags("demo")["1"].to_string();
    place.write("demo/beta/bin/beta", "#!/bin/sh\necho another\n");
    build(&["--create-only"]).ends(8).says(&["OM0803", &first]).without_answer();
    let other = format!("sha256:{}", "0".repeat(64));
    build(&["--expect-digest", &other]).ends(8).says(&["OM0803", &format!("tag moved to {first}"), &other]);
    assert_eq!(server.tag_moves().len(), 1);
    build(&["--expect-digest", &first]).ends(0);
    assert_eq!(server.tag_moves().len(), 2);
    build(&["--expect-digest", "sha256:short"]).ends(2).says(&["OM0100", "--expect-digest"]);
    assert!(server.violations().is_empty(), "{:?}", server.violations());
}

#[test]
fn a_run_ends_when_its_time_is_over() {
    let (server, place) = (server(), Place::with_demo());
    server.misbehave(Fault::new(Action::Status(503, Some("60".into()))).on("POST").always()).unwrap();
    let reference = format!("{}/demo:1", server.address());
    let ran = place.run(&["build", "--push", "-t", &reference, "--timeout", "1.5s"]).ends(3);
    ran.says(&["--timeout", "no tag was moved"]).without_answer();
    assert!(server.tag_moves().is_empty());
    place.run(&["build", "--timeout", "soon"]).ends(2).says(&["OM0100", "90s"]);
}

#[test]
fn a_mirror_is_read_from_and_never_pushed_to() {
    let (own, mirror, place) = (server(), server(), Place::with_demo());
    let (at_own, at_mirror) = (format!("{}/team/base:1", own.address()), format!("{}/copies/base:1", mirror.address()));
    place.run(&["build", "--push", "-q", "-t", &at_mirror]).ends(0);
    place.run(&["inspect", &at_own]).ends(2).says(&["OM0502"]);
    let conf = format!(
        "[[registry]]\nlocation = \"{}/team\"\n[[registry.mirror]]\nlocation = \"{}/copies\"\n",
        own.address(),
        mirror.address()
    );
    place.write("home/.config/containers/registries.conf", &conf);
    place.run(&["inspect", &at_own]).ends(0);
    let (asked, moves) = (mirror.requests().len(), mirror.tag_moves().len());
    let pushed = place.run(&["build", "--push", "-q", "-t", &at_own.replace("base", "new")]).ends(0).out;
    assert_eq!((mirror.requests().len(), mirror.tag_moves().len()), (asked, moves), "{pushed}");
    assert_eq!(own.tags("team/new").len(), 1);

    place.write("home/.config/containers/registries.conf", &conf.replacen("location", "blocked = 1\nlocation", 1));
    place.run(&["inspect", &at_own]).ends(2).says(&["OM0507", "home/.config/containers/registries.conf"]);
    place.run(&["build", "-q"]).ends(0);
    place.write("home/.config/containers/registries.conf", &conf.replacen("location", "blocked = true\nlocation", 1));
    place.run(&["inspect", &at_own]).ends(2).says(&["OM0507", "registries.conf blocks"]);
}
