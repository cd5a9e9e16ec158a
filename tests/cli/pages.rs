use super::{Place, root};
use std::collections::BTreeSet;
use std::path::Path;

const COMMANDS: [&str; 18] = [
    "init",
    "check",
    "build",
    "merge",
    "push",
    "inspect",
    "ls",
    "explain",
    "exclude",
    "own",
    "allow",
    "doctor",
    "serve",
    "cache",
    "completions",
    "man",
    "schema",
    "version",
];

#[test]
fn help_lists_every_command_and_every_exit_code() {
    let help = Place::new().run(&["--help"]).ends(0).out;
    for command in COMMANDS {
        assert!(help.contains(command), "{command} is not in the help");
    }
    let subcommands = Place::new().run(&["--json"]).ends(2).err;
    let listed = subcommands.split("[subcommands: ").nth(1).unwrap().split(']').next().unwrap();
    assert_eq!(listed.split(", ").collect::<Vec<_>>(), COMMANDS, "the help is written by hand");
    for code in ["0 done", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "7 ", "70 ", "130 and 143"] {
        assert!(help.contains(code), "{code} is not in the help");
    }
    for line in help.lines() {
        assert!(line.chars().count() <= 105, "{line}");
    }
}

#[test]
fn every_command_has_a_manual_page_and_every_shell_a_script() {
    let place = Place::new();
    for command in COMMANDS {
        let page = place.run(&["man", command]).ends(0).out;
        assert!(page.contains(&format!(".TH oci-merge-{command} 1")), "{page}");
    }
    assert!(place.run(&["man"]).ends(0).out.contains(".TH oci-merge 1"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(place.run(&["completions", shell]).ends(0).out.contains("from-dockerfile"), "{shell}");
    }
    assert_eq!(place.run(&["version"]).ends(0).out, format!("oci-merge {}\n", env!("CARGO_PKG_VERSION")));
    let version: serde_json::Value = serde_json::from_str(&place.run(&["version", "--json"]).ends(0).out).unwrap();
    assert_eq!(
        (&version["schema"], &version["version"]),
        (&"oci-merge.version/v1".into(), &env!("CARGO_PKG_VERSION").into())
    );
    place.run(&["man", "--json"]).ends(2).says(&["OM0100", "there is no JSON of it"]).without_answer();
}

#[test]
fn explain_knows_every_code_and_guesses_at_slips() {
    let place = Place::new();
    let page = place.run(&["explain", "om0201"]).ends(0).out;
    assert!(page.starts_with("OM0201: two layers write one path") && page.contains("\nWhat to do\n"), "{page}");
    assert!(!page.contains("```") && !page.contains("\n#"), "{page}");
    place.run(&["explain", "OM211"]).ends(2).says(&["OM0100", "OM211", "did you mean OM0211?"]).without_answer();
    let all = place.run(&["explain"]).ends(0).out;
    assert_eq!(all.lines().map(|line| line[..6].to_owned()).collect::<BTreeSet<_>>(), codes());
    let document: serde_json::Value =
        serde_json::from_str(&place.run(&["explain", "OM0900", "--json"]).ends(0).out).unwrap();
    assert_eq!((&document["schema"], &document["codes"][0]["code"]), (&"oci-merge.codes/v1".into(), &"OM0900".into()));
}

#[test]
fn schema_prints_a_schema() {
    let schema: serde_json::Value = serde_json::from_str(&Place::new().run(&["schema"]).ends(0).out).unwrap();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert_eq!(schema["required"], serde_json::json!(["schema", "base", "layer"]));
}

/// The Markdown files that people read.
fn documents() -> Vec<(String, String)> {
    let mut files = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let manual = std::fs::read_dir(root().join("crates/oci-merge/manual")).unwrap();
    files.extend(manual.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()));
    files.into_iter().map(|f| (f.display().to_string(), std::fs::read_to_string(f).unwrap())).collect()
}

/// The blocks of a language in a Markdown text.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<&'t str> {
    let open = format!("```{language}\n");
    text.split(&open).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn every_spec_in_the_documents_is_one() {
    let mut count = 0;
    for (file, text) in documents() {
        for spec in blocks(&text, "toml") {
            oci_merge::Spec::parse(&file, Path::new("."), spec).unwrap_or_else(|e| panic!("{e}"));
            count += 1;
        }
    }
    assert!(count >= 2, "README and manual show a spec each");
}

#[test]
fn every_code_is_explained_and_every_explained_code_is_used() {
    let used = codes();
    let pages: BTreeSet<String> = oci_merge::explanations().map(|page| page.code().to_owned()).collect();
    assert_eq!(pages, used, "manual/codes and the list in manual.rs");
    let files = std::fs::read_dir(root().join("crates/oci-merge/manual/codes")).unwrap();
    let files = files.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), used, "no page is left over");
    let manual = std::fs::read_to_string(root().join("crates/oci-merge/manual/codes.md")).unwrap();
    let explained: BTreeSet<String> =
        manual.lines().filter_map(|l| l.strip_prefix("| `")?.get(..6).map(str::to_owned)).collect();
    assert_eq!(explained, used);
}

/// Every code that the program can print.
fn codes() -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for crates in ["oci-merge/src", "oci-merge-layer/src/check/code.rs"] {
        collect_codes(&root().join("crates").join(crates), &mut used);
    }
    used
}

/// Every code in the shipped sources at or below a path.
fn collect_codes(path: &Path, codes: &mut BTreeSet<String>) {
    if path.is_dir() {
        std::fs::read_dir(path).unwrap().for_each(|entry| collect_codes(&entry.unwrap().path(), codes));
    } else if path.extension().is_some_and(|e| e == "rs") {
        let text = std::fs::read_to_string(path).unwrap();
        // The list of the pages is what is compared.
        let shipped = text.split("#[cfg(test)]").next().unwrap().split("code_pages! {").next().unwrap();
        for quoted in shipped.split("\"OM0").skip(1).chain(shipped.split("error[OM0").skip(1)) {
            codes.insert(format!("OM0{}", &quoted[..3]));
        }
    }
}

#[test]
fn the_readme_shows_commands_that_are_there() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let first = "cargo run --release -- build -f crates/oci-merge/src/cli/demo.toml";
    let (one, two) = (readme.find(first).unwrap(), readme.find("tools/test").unwrap());
    assert!(one < two && readme[..two].lines().count() < 40, "both commands stand near the top");
    assert!(root().join("crates/oci-merge/src/cli/demo.toml").is_file());
}
