use super::{Place, Ran};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Stdio};

/// A registry that runs until it is told to end.
pub(super) struct Serving {
    child: Child,
    address: String,
    /// Its answer, a line or a document.
    pub(super) answer: String,
}

impl Serving {
    pub(super) fn start(place: &Place, args: &[&str]) -> Serving {
        let args = [&["serve", "--port", "0"], args].concat();
        let mut child = place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut answer = String::new();
        if args.contains(&"--json") {
            while !answer.ends_with("\n}\n") && out.read_line(&mut answer).unwrap() > 0 {}
        } else {
            out.read_line(&mut answer).unwrap();
        }
        let address = match serde_json::from_str::<Value>(&answer) {
            Ok(document) => document["address"].as_str().unwrap().to_owned(),
            Err(_) => answer.trim_end().to_owned(),
        };
        Serving { child, address, answer }
    }

    /// Ends it with a signal; what it left behind, all of stdout but the answer included.
    fn end(mut self, signal: &str) -> Ran {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(kill.success());
        let code = self.child.wait().unwrap().code();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Ran { code, out: self.answer.clone(), err }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The digest in an answer `reference@digest`.
fn digest(answer: &str) -> &str {
    answer.split_once('@').unwrap().1.trim_end()
}

#[test]
fn a_layout_is_a_registry_until_a_signal() {
    let place = Place::with_demo();
    let built = place.run(&["build", "-o", "type=oci,dest=image", "-o", "type=oci,dest=image.tar"]).ends(0).out;
    let digest = digest(built.lines().next().unwrap());
    for (what, signal) in [(&[][..], "-INT"), (&["oci:image"], "-TERM"), (&["image.tar"], "-INT")] {
        let serving = Serving::start(&place, what);
        let reference = format!("{}/any/name:full", serving.address);
        let inspected = place.run(&["inspect", &reference]).ends(0).out;
        assert!(inspected.contains(digest) && inspected.contains("/opt/beta"), "{what:?}: {inspected}");
        // Every layer of it.
        let listed = place.run(&["ls", &reference]).ends(0).out;
        assert!(listed.contains("/opt/gamma/bin/gamma"), "{what:?}: {listed}");
        place.run(&["push", "image", &reference.replace(":full", ":new")]).ends(4).says(&["OM0501", "405"]);
        let pull = format!("docker pull {}/image:full", serving.address);
        serving.end(signal).ends(0).says(&["read-only", "not for the network", &pull]);
    }
}

#[test]
fn with_rw_a_push_ends_in_the_layout() {
    let place = Place::with_demo();
    let serving = Serving::start(&place, &["new", "--rw", "--json"]);
    let document: Value = serde_json::from_str(&serving.answer).unwrap();
    assert_eq!((&document["writable"], &document["images"]), (&true.into(), &serde_json::json!([])));
    let reference = format!("{}/team/demo:1", serving.address);
    let pushed = place.run(&["build", "--push", "-q", "-t", &reference]).ends(0).out;
    place.run(&["inspect", &reference]).ends(0);
    serving.end("-TERM").ends(0).says(&["takes pushes"]);
    let inspected = place.run(&["inspect", "oci:new"]).ends(0).out;
    assert!(inspected.contains(digest(&pushed)), "{inspected}");
    let again = Serving::start(&place, &["new"]);
    place.run(&["inspect", &reference.replace(reference.split('/').next().unwrap(), &again.address)]).ends(0);
    again.end("-TERM").says(&["/team/demo:1"]);
}

#[test]
fn what_cannot_be_served_is_refused() {
    let place = Place::with_demo();
    place.run(&["build", "-q", "-o", "type=oci,dest=image", "-o", "type=oci,dest=image.tar"]).ends(0);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (args, words) in [
        (&["absent"][..], &["absent"][..]),
        (&["docker-archive:image.tar"], &["only an OCI layout"]),
        (&["image.tar", "--rw"], &["an archive takes no pushes"]),
        (&["oci:image:full"], &["leave the tag out"]),
        (&["image", "--port", &port], &[&port, "--port 0"]),
        (&["image", "--port", "70000"], &["70000"]),
    ] {
        place.run(&[&["serve"], args].concat()).ends(2).says(words).without_answer();
    }
}
