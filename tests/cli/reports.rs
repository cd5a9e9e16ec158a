use super::Place;
use super::cases::{What, base, tar};
use super::findings::{check, mends};
use oci_merge::{Builder, Error, FindingReport, Settings, Spec};
use oci_merge_image::shown;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const TWO: &str = "\
schema = 1
base.image = \"scratch\"
[layer.python]
prefix = \"/opt/python\"
source = { path = \"python\", to = \"/\" }
# the other
[layer.rust]
prefix = \"/opt/rust\"
source = { path = \"rust\", to = \"/\" }
";

fn two() -> Place {
    let place = Place::new();
    place.write("oci-merge.toml", TWO);
    for layer in ["python", "rust"] {
        place.write(&format!("{layer}/opt/{layer}/x"), layer);
    }
    place
}

/// Writes a file of both layers, with another content in each.
fn both(place: &Place, path: impl AsRef<OsStr>) {
    for layer in ["python", "rust"] {
        let full = place.path(layer).join(path.as_ref());
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(&full, format!("of {layer}\n")).unwrap();
    }
}

#[test]
fn three_causes_over_215_paths_are_three_entries() {
    let lay_out = || {
        let place = two();
        for number in 0..213 {
            both(&place, format!("opt/share/man/man{}/page{number}.1", number % 9));
        }
        both(&place, "etc/ld.so.cache");
        both(&place, "root/.profile");
        place
    };
    let text = check(&lay_out()).ends(1).err;
    let entries: Vec<&str> = text.lines().filter(|line| line.starts_with("error[")).collect();
    assert_eq!(
        entries,
        [
            "error[OM0210]: both python and rust write /etc/ld.so.cache, which cannot be merged",
            "error[OM0201]: both python and rust write /opt/share/man/man0/page0.1, and 212 more under /opt/share/man",
            "error[OM0201]: both python and rust write /root/.profile",
        ]
    );
    assert!(text.contains("✘ python and rust write 215 of the same paths   linux/amd64\n"), "{text}");
    assert!(text.contains("\n3 errors, at 215 paths. "), "{text}");
    assert!(text.contains("oci-merge exclude python rust /opt/share/man\n"), "{text}");
    mends(&lay_out, &mut BTreeSet::new());
}

#[test]
fn names_of_any_kind_are_mended_by_what_is_printed() {
    let names: [&[u8]; 10] = [
        b"two words",
        b"it's",
        b"\"$HOME\" `id`",
        b"*.[ab]?",
        b"{x,y}",
        b"back\\slash",
        b"new\nline",
        b"\x1b[2J\x07",
        b"\xff\xfe",
        "\u{202e}txt".as_bytes(),
    ];
    let path = |name: &[u8]| OsStr::from_bytes(&[b"srv/data/", name].concat()).to_owned();
    for some in names.iter().map(std::slice::from_ref).chain([&names[..]]) {
        let lay_out = || {
            let place = two();
            some.iter().for_each(|name| both(&place, path(name)));
            place
        };
        let text = check(&lay_out()).ends(1).err;
        assert!(is_harmless(&text), "{text:?}");
        let mut kinds = BTreeSet::new();
        mends(&lay_out, &mut kinds);
        assert_eq!(kinds.len(), 2, "exclude and allow: {text}");
    }
}

/// What no agreement settles, for it would depend on the runtime, is not mended by `allow`.
#[test]
fn no_agreement_is_offered_where_none_holds() {
    let with = |source: &str, base_layer: Vec<u8>| {
        let place = Place::new();
        let spec =
            format!("schema = 1\nbase.image = \"oci:base\"\n[layer.a]\nprefix = \"/srv/a\"\nsource = {source}\n");
        place.write("oci-merge.toml", &spec);
        place.write("a/x", "1");
        let odd_root =
            [("./", What::Directory(0o700)), ("srv", What::Directory(0o755)), ("srv/a", What::Directory(0o755))];
        std::fs::write(place.path("a.tar"), tar(&odd_root)).unwrap();
        base(&place, &[base_layer]);
        place
    };
    let with_an_attribute = {
        let mut layer = ::tar::Builder::new(Vec::new());
        layer.append_pax_extensions([("SCHILY.xattr.user.q", &b"1"[..])]).unwrap();
        [layer.get_ref().clone(), tar(&[("srv", What::Directory(0o755))])].concat()
    };

    let place = with("{ path = \"a\" }", with_an_attribute);
    let text = check(&place).ends(1).says(&["give /srv the same extended attributes everywhere", "user.q"]).err;
    assert!(!text.contains("allow") && !text.contains("uppermost, so"), "{text}");

    let place = with("{ path = \"a.tar\", keep = true }", tar(&[]));
    let text = check(&place).ends(1).says(&["the directory / ", "take `keep` out of the source of a: "]).err;
    assert!(!text.contains("allow") && !text.contains("uppermost, so"), "{text}");
    check(&with("{ path = \"a.tar\" }", tar(&[]))).ends(0);

    // A plain one is no reason to pack it again, so taking `keep` out would not help.
    let place = with("{ path = \"a.tar\", keep = true }", tar(&[("./", What::Directory(0o711))]));
    let plain =
        tar(&[("./", What::Directory(0o755)), ("srv", What::Directory(0o755)), ("srv/a", What::Directory(0o755))]);
    std::fs::write(place.path("a.tar"), plain).unwrap();
    check(&place).ends(1).says(&["fix: leave the entry for / out of the archives of a"]);
}

#[test]
fn commands_find_the_spec_again() {
    let place = two();
    both(&place, "root/x");
    let moved = Place::new();
    std::fs::create_dir(moved.path("deep er")).unwrap();
    for name in ["python", "rust"] {
        std::fs::rename(place.path(name), moved.path("deep er").join(name)).unwrap();
    }
    moved.write("deep er/tools.toml", TWO);
    let text = moved.run(&["check", "-C", "deep er", "-f", "tools.toml", "--progress", "none"]).ends(1).err;
    assert!(text.contains("oci-merge -C 'deep er' -f tools.toml exclude python rust /root/x\n"), "{text}");
    let ran = moved.run(&["-C", "deep er", "-f", "tools.toml", "exclude", "python", "rust", "/root/x"]).ends(0);
    ran.says(&["tools.toml:6: python leaves out /root/x", "tools.toml:11: rust leaves out /root/x"]);
    moved.run(&["check", "-C", "deep er", "-f", "tools.toml"]).ends(0);
    // What a program wrote is not edited, so nothing is offered that would.
    moved.write("deep er/s.json", &as_json().to_string());
    let ran = moved.run(&["check", "--json", "-C", "deep er", "-f", "s.json"]).ends(1);
    assert!(!ran.out.contains("\"command\"") && ran.out.contains("leave it out of all layers but one"), "{}", ran.out);
    moved.run(&["own", "python", "/x", "-C", "deep er", "-f", "s.json"]).ends(2).says(&["s.json is JSON"]);
}

fn as_json() -> serde_json::Value {
    let source = |name: &str| serde_json::json!({ "path": name, "to": "/" });
    serde_json::json!({ "schema": 1, "base": { "image": "scratch" }, "layer": {
        "python": { "prefix": "/opt/python", "source": source("python") }, "rust": { "prefix": "/opt/rust", "source": source("rust") },
    } })
}

#[test]
fn lines_are_shown_of_small_public_texts_only() {
    let lines = |prepare: &dyn Fn(&Place)| {
        let place = two();
        both(&place, "root/x");
        prepare(&place);
        let text = check(&place).ends(1).err;
        text.lines()
            .filter(|line| line.contains("Only in") || line.contains(" | "))
            .map(|line| line.trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines(&|_| {}),
        ["Only in python's, and lost:   | of python", "Only in rust's:               | of rust"]
    );
    let none: Vec<String> = Vec::new();
    assert_eq!(lines(&|place| place.write("rust/root/x", "binary\0")), none);
    assert_eq!(lines(&|place| place.write("rust/root/x", &"x".repeat(8_000))), none);
    assert_eq!(
        lines(&|place| std::fs::set_permissions(place.path("rust/root/x"), PermissionsExt::from_mode(0o600)).unwrap()),
        none
    );
    let long = "y".repeat(300);
    let many: String = (0..9).map(|n| format!("{n} {long}\n")).collect();
    let shown = lines(&|place| place.write("rust/root/x", &format!("of python\n{many}")));
    assert_eq!(shown.len(), 6, "{shown:?}");
    assert!(shown.iter().all(|line| line.chars().count() < 150 && line.ends_with('…')), "{shown:?}");
}

fn report_of(place: &Place, text: &str, file: &str) -> FindingReport {
    let spec = Spec::parse(file, &place.path(""), text).unwrap();
    match Builder::new(spec).settings(Settings::default()).assemble() {
        Err(Error::Findings(report)) => *report,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("no finding"),
    }
}

#[test]
fn a_report_is_bounded_and_has_every_cause() {
    let place = two();
    for number in 0..1_200 {
        both(&place, format!("opt/share/{number}"));
    }
    both(&place, "root/.profile");
    let report = report_of(&place, TWO, "oci-merge.toml");
    assert_eq!((report.findings().len(), report.left_out(), report.errors()), (oci_merge::MAX_FINDINGS, 201, 1_201));
    let text = report.to_string();
    assert!(text.contains(", and 1,199 more under /opt/share\n") && text.contains("write /root/.profile\n"), "{text}");
    assert!(text.contains("2 errors, at 1,201 paths; 201 are not shown. "), "{text}");
    assert_eq!(report.to_json()["left_out"], 201);
    assert_eq!(report_of(&place, TWO, "oci-merge.toml").to_json(), report.to_json());
}

#[test]
fn of_more_than_are_kept_all_are_counted() {
    let place = two();
    for number in 0..6_000 {
        both(&place, format!("opt/share/a/{number}"));
        both(&place, format!("opt/share/b/{number}"));
    }
    both(&place, "root/.profile");
    let report = report_of(&place, TWO, "oci-merge.toml");
    assert_eq!(
        (report.findings().len(), report.left_out(), report.errors()),
        (oci_merge::MAX_FINDINGS, 11_001, 12_001)
    );
    let text = report.to_string();
    // More than ten thousand: whose directories they are is not told one by one.
    assert!(text.contains(", and 12,000 more under /\n"), "{text}");
    assert!(text.contains("1 error, at 12,001 paths; 11,001 are not shown. "), "{text}");
    // Nothing but all of `/` would cover what was counted only. Kept is what is one less than a power of two.
    let said = "     This mends the first 8,191; run the check again after it.";
    assert!(text.lines().any(|line| line == said), "{text}");
    assert!(report.annotations()[0].message.ends_with(said.trim()));
    assert!(report.job_summary(1 << 30).contains("This mends the first 8,191&#59; run the check again after it."));
    // What a program gets are the fixes of each.
    assert_eq!(report.to_json()["findings"][0]["fixes"][0]["command"][2], "python");
}

#[test]
fn spellings_that_are_too_many_to_keep_are_one_entry_and_mended_at_once() {
    const OWNS: &str = "owns = [\"/srv\"]\n";
    let place = two();
    let text = TWO.replace("# the other\n", OWNS) + OWNS + "[policy]\ncase-only = \"deny\"\n";
    place.write("oci-merge.toml", &text);
    for (layer, letter) in [("python", 'N'), ("rust", 'n')] {
        (0..10_500).for_each(|number| place.write(&format!("{layer}/srv/{letter}{number}"), ""));
        place.write(&format!("{layer}/srv/of-{layer}"), "");
    }
    let told = check(&place).ends(1).err;
    let entries: Vec<&str> = told.lines().filter(|line| line.starts_with("error[")).collect();
    let expected = "error[OM0209]: python and rust have /srv/N0 in different spellings, and 10,499 more under /srv";
    assert_eq!(entries.len(), 1);
    assert!(entries[0].starts_with(expected), "{told}");
    assert!(told.contains("leave rust's out, with one other file   oci-merge exclude rust /srv\n"), "{told}");
    assert!(!told.contains("run the check again"), "{told}");
    place.run(&["exclude", "rust", "/srv"]).ends(0);
    check(&place).ends(0);
}

/// Whether a terminal can be sent a text: lines, and in them nothing that moves the cursor or turns the text round.
fn is_harmless(text: &str) -> bool {
    text.lines()
        .all(|line| line.chars().all(|c| c == '\\' || shown(c.encode_utf8(&mut [0; 4])).to_string() == c.to_string()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Names, targets, contents, variables, versions and the spec's own name: whatever they are, the report is harmless.
    #[test]
    fn no_name_reaches_the_terminal_as_it_is(
        names in proptest::collection::vec(proptest::collection::vec(1..=255_u8, 1..12), 1..4),
        target in proptest::collection::vec(1..=255_u8, 1..12),
        lines in "(?s).{0,40}", value in "(?s)[^\u{0}=]{0,10}", version in "[^\u{0}]{1,8}", file in "[^\u{0}/]{1,8}",
    ) {
        let place = two();
        for name in &names {
            let name: Vec<u8> = name.iter().map(|&byte| if byte == b'/' { b'\x1b' } else { byte }).collect();
            if name != b"." && name != b".." && !name.starts_with(b".wh.") {
                both(&place, OsStr::from_bytes(&[b"root/", &name[..]].concat()));
                let link = [b"usr/", &name[..]].concat();
                std::fs::create_dir_all(place.path("rust/usr")).unwrap();
                let _ = symlink(Path::new(OsStr::from_bytes(&target)), place.path("rust").join(OsStr::from_bytes(&link)));
            }
        }
        both(&place, "etc/motd");
        place.write("rust/etc/motd", &lines);
        let quoted = |text: &str| serde_json::to_string(text).unwrap().replace('\u{7f}', "\\u007f");
        let env = |value: &str| format!("version = {}\nenv = {{ X = {} }}\n[layer.", quoted(&version), quoted(value));
        let text = TWO.replacen("# the other\n[layer.", &env(&value), 1) + "env = { X = \"another\" }\n";
        prop_assume!(Spec::parse(&file, Path::new("."), &text).is_ok());
        let report = report_of(&place, &text, &file);
        prop_assert!(is_harmless(&report.to_string()), "{:?}", report.to_string());
    }
}
