use super::*;
use proptest::prelude::*;

const HEAD: &str = "schema = 1\nbase.image = \"scratch\"\n";

fn spec(text: &str) -> SpecText<'_> {
    SpecText { file: "oci-merge.toml", directory: Path::new("."), text }
}

/// A layer with these lines in its table, and one below it.
fn with(lines: &str) -> String {
    format!(
        "{HEAD}\n# tools\n[layer.a] # mine\n{lines}\n# where from\n[layer.a.source]\npath = \"a\"\n\n[layer.b]\nprefix = \"/opt/b\"\nsource = {{ path = \"b\" }}\n"
    )
}

/// What an edit put into a text, which is otherwise as it was.
#[track_caller]
fn put(old: &str, new: &str) -> String {
    let start = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let end = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count().min(old.len() - start);
    assert_eq!(start + end, old.len(), "more was changed than put in:\n{new}");
    new[start..new.len() - end].to_owned()
}

#[track_caller]
fn excluded(lines: &str) -> String {
    let text = with(lines);
    let edit = spec(&text).exclude(&["a", "/x"]).unwrap();
    let again = spec(&edit.text).exclude(&["a", "/x"]).unwrap();
    assert_eq!((again.text.as_str(), again.changes.len()), (edit.text.as_str(), 0), "a second time changes nothing");
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(spec(&crlf).exclude(&["a", "/x"]).unwrap().text, edit.text.replace('\n', "\r\n"));
    put(&text, &edit.text)
}

#[test]
fn a_new_list_stands_behind_the_last_key_in_the_column_of_the_others() {
    assert_eq!(excluded("prefix = \"/opt/a\"\n"), "exclude = [\"/x\"]\n");
    assert_eq!(excluded("prefix      = \"/opt/a\" # here\nversion     = \"1\"\n"), "exclude     = [\"/x\"]\n");
    assert_eq!(excluded("version = \"1\" # one\nprefix  = \"/opt/a\"\n\n"), "exclude = [\"/x\"]\n");
}

#[test]
fn a_list_that_is_there_grows_in_its_own_style() {
    let grown = |list: &str| excluded(&format!("prefix = \"/opt/a\"\nexclude = {list} # out\nversion = \"1\"\n"));
    assert_eq!(grown("[]"), "\"/x\"");
    assert_eq!(grown("['b/**']"), ", \"/x\"");
    assert_eq!(grown("[ \"b\", \"c\" ]"), ", \"/x\"");
    assert_eq!(grown("[\n  \"b\",\n  \"c\",\n]"), "  \"/x\",\n");
    // A comment stays beside what it is about, so the comma comes before it.
    let text = with("prefix = \"/opt/a\"\nexclude = [\n\t\"b\", # because\n\t\"c\" # this\n\t]\n");
    let edit = spec(&text).exclude(&["a", "/x"]).unwrap();
    assert_eq!(edit.text, text.replace("\"c\" # this\n\t]", "\"c\", # this\n\t\"/x\"\n\t]"));
}

#[test]
fn tables_in_one_line_and_dotted_keys_are_tables_too() {
    for (layers, expected) in [
        (
            "layer = { a = { prefix = \"/opt/a\", source.path = \"a\" }, b = { prefix = \"/opt/b\", source.path = \"b\" } }\n",
            ", exclude = [\"/x\"]",
        ),
        (
            "layer.a.prefix = \"/opt/a\"\nlayer.a.source.path = \"a\"\n[layer.b]\nprefix = \"/opt/b\"\nsource.path = \"b\"\n",
            "layer.a.exclude = [\"/x\"]\n",
        ),
    ] {
        let text = format!("{HEAD}{layers}");
        let edit = spec(&text).exclude(&["a", "/x"]).unwrap();
        assert_eq!(put(&text, &edit.text), expected);
    }
}

#[test]
fn each_layer_gets_its_own() {
    let text = with("prefix = \"/opt/a\"\n");
    let edit = spec(&text).exclude(&["a", "b", "/x", "**/*.pyc"]).unwrap();
    assert_eq!(
        edit.changes,
        ["oci-merge.toml:7: a leaves out /x, **/*.pyc", "oci-merge.toml:16: b leaves out /x, **/*.pyc"]
    );
    let spec_after = Spec::parse("s", Path::new("."), &edit.text).unwrap();
    assert!(spec_after.layers.iter().all(|layer| layer.exclude == ["/x", "**/*.pyc"]));
    let edit = spec(&text).own("b", &["/usr/local/bin/b"]).unwrap();
    assert_eq!(edit.changes, ["oci-merge.toml:15: b owns /usr/local/bin/b"]);
    assert_eq!(put(&text, &edit.text), "owns   = [\"/usr/local/bin/b\"]\n");
}

#[test]
fn names_are_written_so_that_toml_gives_them_back() {
    let text = with("prefix = \"/opt/a\"\n");
    for name in ["/a b", "/a\"b", "/a'b", "/a\nb", "/a\u{1b}b", "/ä\u{202e}", "/a\\\\b"] {
        let edit = spec(&text).exclude(&["a", name]).unwrap();
        assert_eq!(Spec::parse("s", Path::new("."), &edit.text).unwrap().layers[0].exclude, [name]);
        assert!(edit.changes[0].chars().all(|c| !c.is_control() && c != '\u{202e}'), "{:?}", edit.changes);
    }
}

#[test]
fn an_exception_is_a_table_at_the_end() {
    let text = with("prefix = \"/opt/a\"\n");
    let edit = spec(&text).allow(&["/x", "/y"], "b", &[], "either copy will do").unwrap();
    let table = "\n[[allow]]\npaths  = [\"/x\", \"/y\"]\nlayers = [\"a\", \"b\"]\nwinner = \"b\"\nreason = \"either copy will do\"\n";
    assert_eq!(edit.text, format!("{text}{table}"));
    assert_eq!(edit.changes, ["oci-merge.toml:16: a and b may write /x, /y; b's copy counts"]);
    let again = spec(&edit.text).allow(&["/y"], "b", &["b", "a"], "for another reason").unwrap();
    assert_eq!((again.text.as_str(), again.changes.len()), (edit.text.as_str(), 0));
    let other = spec(&edit.text).allow(&["/x"], "a", &[], "for another reason").unwrap_err().to_string();
    assert_eq!(other, "oci-merge.toml:16 says that b's /x counts; take that out first");
    let base = spec(&edit.text).allow(&["/z"], "a", &["base", "a"], "the base's is too old").unwrap();
    assert!(base.text.starts_with(&edit.text) && base.text.contains("layers = [\"base\", \"a\"]"));

    let listed = format!(
        "allow = [\n  {{ paths = [\"/q\"], layers = [\"a\", \"b\"], winner = \"b\", reason = \"it is like that\" }},\n]\n{text}"
    );
    let edit = spec(&listed).allow(&["/x"], "b", &[], "either copy will do").unwrap();
    assert_eq!(
        put(&listed, &edit.text),
        "  { paths = [\"/x\"], layers = [\"a\", \"b\"], winner = \"b\", reason = \"either copy will do\" },\n"
    );
    let crlf = text.replace('\n', "\r\n");
    assert_eq!(
        spec(&crlf).allow(&["/x", "/y"], "b", &[], "either copy will do").unwrap().text,
        format!("{text}{table}").replace('\n', "\r\n")
    );
}

#[test]
fn slips_are_refused_in_words() {
    let text = with("prefix = \"/opt/a\"\n");
    let spec = &spec(&text);
    let says = |outcome: Result<Edited>, words: &str| {
        let error = outcome.unwrap_err();
        assert_eq!((error.code(), error.to_string()), ("OM0100", words.to_owned()));
    };
    says(spec.exclude(&["c", "/x"]), "oci-merge.toml has no layer c, but a, b");
    let python = text.replace("[layer.b]", "[layer.python]");
    let near = SpecText { text: &python, ..spec.clone() }.own("pyton", &["/x"]);
    says(near, "oci-merge.toml has no layer pyton, but a, python; did you mean python?");
    says(spec.own("a", &["x"]), "x is not a path of the image, which begins with `/`; did you mean /x?");
    says(spec.exclude(&["a", "/[x"]), "/[x is not a glob: unclosed character class; missing ']'");
    says(spec.own("a", &["/x/../y"]), "/x/../y has a '..' component");
    says(spec.allow(&["/x"], "b", &[], "TEXT"), "say why in 10 characters or more: --reason \"either copy will do\"");
    says(
        spec.allow(&["/x"], "b", &["base", "a"], "either copy will do"),
        "the winner b is not among the layers base, a",
    );
    says(
        spec.allow(&["x"], "b", &[], "either copy will do"),
        "x is not a path of the image, which begins with `/`; did you mean /x?",
    );
    for words in [&["a"][..], &["/x"], &["a", "b"]] {
        assert!(
            spec.exclude(words).unwrap_err().to_string().starts_with("which layers, and what of them?"),
            "{words:?}"
        );
    }
    let json = SpecText { file: "s.json", directory: Path::new("."), text: " { \"schema\": 1 }" };
    says(json.own("a", &["/x"]), "s.json is JSON, which a program wrote; only TOML is edited");
    let broken = SpecText { text: "schema = 2\n", ..spec.clone() };
    assert_eq!(broken.own("a", &["/x"]).unwrap_err().code(), "OM0105");
    let third = format!("{text}[layer.c]\nprefix = \"/opt/c\"\nsource.path = \"c\"\n");
    let unclear =
        SpecText { text: &third, ..spec.clone() }.allow(&["/x"], "b", &[], "either copy will do").unwrap_err();
    assert!(unclear.to_string().contains("--layers A B"), "{unclear}");
}

#[test]
fn a_file_is_replaced_only_as_it_was_read() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (directory.path().join("s.toml"), directory.path().join("link.toml"));
    let text = with("prefix = \"/opt/a\"\n");
    std::fs::write(&file, &text).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
    symlink("s.toml", &link).unwrap();
    let edit = spec(&text).own("a", &["/x"]).unwrap();
    edit.write(&link, &text).unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), edit.text);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    let error = edit.write(&file, &text).unwrap_err().to_string();
    assert!(error.ends_with("s.toml was changed meanwhile, so it was left as it is; run this again"), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else stays");
}

proptest! {
    /// Blanks, comments, quotes, line ends: whatever is there stays.
    #[test]
    fn only_what_is_new_is_new(
        blank in "[ \t]{0,3}", comment in "( *#[ -~äö]{0,9})?", lines in "(\n|# [ -~]{0,5}\n){0,3}", list in prop_oneof![
            Just(""), Just("exclude = []"), Just("exclude=[ 'q' ]"), Just("exclude = [\n'q' , # c\n \"r\"\n]"), Just("exclude = [\n    \"q\",\n\n    # tail\n]"),
            Just("'exclude' = [\"\"\"\nq\"\"\"]"),
        ], crlf: bool, mark: bool, end: bool,
    ) {
        let text = with(&format!("prefix ={blank}\"/opt/a\"{comment}\n{lines}{list}{comment}\n{lines}"));
        let text = if end { text } else { text.trim_end().to_owned() };
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let text = if mark && Spec::parse("s", Path::new("."), &format!("\u{feff}{text}")).is_ok() { format!("\u{feff}{text}") } else { text };
        prop_assume!(Spec::parse("s", Path::new("."), &text).is_ok());
        for layer in ["a", "b"] {
            let edit = spec(&text).exclude(&[layer, "/x"]).unwrap();
            put(&text, &edit.text);
            prop_assert_eq!(edit.text.ends_with('\n'), end);
            prop_assert_eq!(edit.text.matches("\r\n").count() == edit.text.matches('\n').count(), crlf || !edit.text.contains('\n'));
        }
        let edit = spec(&text).allow(&["/x"], "b", &[], "either copy will do").unwrap();
        prop_assert!(edit.text.starts_with(&text));
    }
}
