use super::cases::CASES;
use super::{Place, Ran};

/// Runs the program as a step of a job, with the place as the root of the repository; the summary that it wrote.
fn step(place: &Place, args: &[&str], more: &[(&str, &str)]) -> (Ran, String) {
    let mut command = place.command(args);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", place.path(""))
        .env("GITHUB_STEP_SUMMARY", place.path("summary.md"));
    let ran = Ran::of(command.envs(more.iter().copied()));
    (ran, std::fs::read_to_string(place.path("summary.md")).unwrap_or_default())
}

fn commands(ran: &Ran) -> Vec<&str> {
    ran.err.lines().filter(|line| line.starts_with("::")).collect()
}

#[test]
fn a_finding_is_an_annotation_and_a_row_of_the_summary() {
    let place = CASES[0].lay_out();
    let args = ["check", "--progress", "none", "-p", "linux/amd64"];
    let (ran, summary) = step(&place, &args, &[]);
    assert_eq!(ran.out, "", "stdout is for the answer");
    assert_eq!(
        commands(&ran),
        ["::error file=oci-merge.toml,line=12,title=OM0201::both python and rust write /root/.profile%0A\
          fix: stop the installer from editing it, as with rustup-init --no-modify-path; path and env do the same%0A \
          or: oci-merge exclude python rust /root/.profile%0A or: oci-merge allow /root/.profile --winner rust --reason TEXT"]
    );
    assert!(
        summary.starts_with("### ✘ python and rust write the same path   linux/amd64\n\n| code | what |"),
        "{summary}"
    );
    let row = "| OM0201 | both python and rust write /root/.profile | oci-merge.toml:7<br>oci-merge.toml:12 | stop the installer from editing it, as with \
               rustup-init --no-modify-path&#59; path and env do the same<br>leave it out of the layers: \
               <code>oci-merge exclude python rust /root/.profile</code><br>";
    assert!(summary.contains(row), "{summary}");
    let (ran, same) = step(&place, &args, &[("OCI_MERGE_CI", "off")]);
    assert_eq!((commands(&ran), same.as_str()), (vec![], summary.as_str()));
    let elsewhere = Ran::of(place.command(&args).env("GITHUB_STEP_SUMMARY", place.path("summary.md")));
    assert!(commands(&elsewhere).is_empty(), "not on GitHub");
    // From a directory of the repository, the file is still named from its root.
    std::fs::create_dir(place.path("sub")).unwrap();
    let (ran, _) = step(&place, &["check", "-C", "sub", "--progress", "none"], &[]);
    assert!(commands(&ran)[0].starts_with("::error file=oci-merge.toml,line=12,"), "{}", ran.err);
}

#[test]
fn errors_of_the_spec_and_of_the_run_are_annotations_ten_at_most() {
    let place = Place::new();
    let keys: String = (0..13).map(|n| format!("kez{n} = 1\n")).collect();
    place.write(
        "oci-merge.toml",
        &format!("schema = 1\nbase.image = \"scratch\"\n{keys}[layer.a]\nprefix = \"/opt/a\"\nsource.path = \"a\"\n"),
    );
    let (ran, summary) = step(&place, &["check"], &[]);
    let lines = commands(&ran);
    assert_eq!(lines.len(), 11, "{}", ran.err);
    assert!(lines[0].starts_with("::error file=oci-merge.toml,line=3,title=OM0101::unknown key"), "{}", lines[0]);
    assert_eq!(lines[10], "::notice title=oci-merge::and 3 errors more; the log has them all");
    assert_eq!(summary, "");
    place.write(
        "oci-merge.toml",
        "schema = 1\nbase.image = \"scratch\"\n[layer.a]\nprefix = \"/opt/a\"\nsource.path = \"100%\"\n",
    );
    let (ran, _) = step(&place, &["check"], &[]);
    assert_eq!(commands(&ran), ["::error title=OM0109::a: its source 100%25 does not exist (oci-merge.toml:5:15)"]);
}

#[test]
fn warnings_are_warnings_and_an_image_has_a_summary() {
    let place = CASES.iter().find(|case| case.code == "OM0202").unwrap().lay_out();
    let (ran, summary) = step(&place, &["build", "-o", "type=oci,dest=image", "--progress", "none"], &[]);
    let lines = commands(&ran);
    assert!(
        lines.len() == 1 && lines[0].starts_with("::warning file=oci-merge.toml,line=9,title=OM0202::"),
        "{lines:?}"
    );
    assert!(ran.out.starts_with("oci:image:full@sha256:") && ran.out.lines().count() == 1, "{}", ran.out);
    assert!(summary.contains("| layer | version |") && summary.contains("| b |  | /opt/b | "), "{summary}");
    assert!(summary.contains("### Warnings of oci-merge") && summary.contains("| OM0202 |"), "{summary}");
}

#[test]
fn the_summary_stays_below_its_limit_and_names_stay_in_their_cells() {
    let place = Place::new();
    let layer = |name: &str| {
        format!("[layer.{name}]\nprefix = \"/opt/{name}\"\nsource = {{ path = \"{name}\", to = \"/\" }}\n")
    };
    place.write("oci-merge.toml", &format!("schema = 1\nbase.image = \"scratch\"\n{}{}", layer("a"), layer("b")));
    for name in ["a", "b"] {
        place.write(&format!("{name}/opt/{name}/x"), name);
        // Eight names near the root are told one by one, and their copies differ.
        place.write(&format!("{name}/<img src=x>|`a`"), &format!("{name}{name}"));
        for number in 0..7 {
            place.write(&format!("{name}/{number}{}", "[x](y)".repeat(3)), &format!("{name}{number}"));
        }
    }
    let (ran, summary) = step(&place, &["check", "--progress", "none"], &[]);
    assert_eq!(commands(&ran).len(), 8, "{}", ran.err);
    let cell = "/&#60;img src=x&#62;&#124;&#96;a&#96;";
    assert!(summary.contains(cell) && !summary.contains("<img") && !summary.contains("]("), "{summary}");
    assert!(
        summary.lines().filter(|line| line.starts_with("| OM")).all(|line| line.matches('|').count() == 5),
        "{summary}"
    );
    // What other steps wrote counts.
    let size = summary.len();
    for room in [size + 200, size - 200, size / 2, 300, 10, 0] {
        place.write("summary.md", &"x".repeat(900_000 - room));
        let (_, all) = step(&place, &["check", "--progress", "none"], &[]);
        assert!(all.len() <= 900_000, "{}", all.len());
        let ours = all.trim_start_matches('x');
        assert_eq!(ours.contains(" more; the log has them."), room < size && !ours.is_empty(), "{room}");
        assert!(ours.is_empty() || ours.ends_with("\n\n"), "{ours}");
    }
}
