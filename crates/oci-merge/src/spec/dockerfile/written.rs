//! The text of the spec.

use super::Base;
use super::copied::{Copied, Source};
use super::taken::Taken;
use std::fmt::Write as _;
use std::path::Path;

/// Writes the spec. Commands fill directories below `directory`, which is where the spec is.
pub(super) fn write(file: &str, directory: &Path, base: &Base, layers: &[Copied], taken: &Taken) -> String {
    let directory = argument(&directory.join("layers").to_string_lossy());
    let mut out = format!(
        "# Made from {}. The comments say how to fill the directories that it names.\nschema = 1\n",
        one_line(if file == "-" { super::STDIN } else { file })
    );
    let file = argument(file);
    if let Some(platform) = &base.platform {
        out += "\n[project]\n";
        line(&mut out, "platforms", &list(std::slice::from_ref(platform)));
    }
    if !taken.labels.is_empty() {
        out += "\n[project.labels]\n";
        for (name, value) in &taken.labels {
            line(&mut out, &quoted(name), &quoted(value));
        }
    }
    out += "\n[base]\n";
    if let Some(stage) = &base.stage {
        let stage = argument(stage);
        let _ = writeln!(
            out,
            "# mkdir -p {directory} && docker build -f {file} --target {stage} -t oci-merge-base . \\\n#   && docker save -o {directory}/base.tar oci-merge-base"
        );
    }
    line(&mut out, "image", &quoted(&base.image));
    config(&mut out, taken);
    for (number, layer) in layers.iter().enumerate() {
        one(&mut out, &file, &directory, layer, taken, number);
    }
    out
}

fn config(out: &mut String, taken: &Taken) {
    if taken.strings.is_empty() && taken.lists.is_empty() && taken.env.is_empty() {
        return;
    }
    *out += "\n[config]\n";
    for (key, value) in &taken.strings {
        line(out, key, &quoted(value));
    }
    for (key, words) in &taken.lists {
        line(out, key, &list(words));
    }
    if !taken.env.is_empty() {
        line(out, "env", &table(&taken.env));
    }
}

fn one(out: &mut String, file: &str, directory: &str, layer: &Copied, taken: &Taken, number: usize) {
    let _ = writeln!(out, "\n[layer.{}]", layer.name);
    line(out, "prefix", &quoted(&layer.prefix.to_string()));
    if let Some(path) = taken.path.get(&number) {
        line(out, "path", &list(path));
    }
    if let Some(env) = taken.layer_env.get(&number) {
        line(out, "env", &table(env));
    }
    if !layer.exclude.is_empty() {
        line(out, "exclude", &list(&layer.exclude));
    }
    let header = if layer.sources.len() == 1 {
        format!("[layer.{}.source]", layer.name)
    } else {
        format!("[[layer.{}.source]]", layer.name)
    };
    for source in &layer.sources {
        let _ = writeln!(out, "{header}\n# {}", command(file, directory, source));
        line(out, "path", &quoted(&format!("layers/{}", source.directory)));
        if !source.to.is_root() {
            line(out, "to", &quoted(&format!("{{prefix}}{}", source.to)));
        }
        if let Some(owner) = &source.owner {
            line(out, "owner", &quoted(owner));
        }
    }
}

/// The one command that fills a source's directory: the same COPY, in a stage that has nothing else.
///
/// So it is Docker that decides what becomes of it, which depends on whether it copies a file or a directory.
fn command(file: &str, directory: &str, source: &Source) -> String {
    let flags: String = source.flags.iter().map(|flag| format!(" {flag}")).collect();
    let mut target = format!("/{}", source.directory);
    if source.into {
        target.push('/');
    } else if !source.within.is_root() {
        target += &source.within.to_string();
    }
    let places = [source.path.to_string(), target];
    let places = match places.iter().any(|place| place.contains(char::is_whitespace)) {
        true => list(&places),
        false => places.join(" "),
    };
    let copy = argument(&format!("COPY --from={}{flags} {places}", source.from));
    if source.is_stage {
        format!("{{ cat {file}; printf '%s\\n' '' 'FROM scratch' {copy}; }} | docker build -f - --output {directory} .")
    } else {
        format!("printf '%s\\n' 'FROM scratch' {copy} | docker build --output {directory} -")
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "{key} = {value}");
}

fn list(words: &[String]) -> String {
    format!("[{}]", words.iter().map(|w| quoted(w)).collect::<Vec<_>>().join(", "))
}

fn table(pairs: &[(String, String)]) -> String {
    // The last of two of one name counts, and TOML takes each name once.
    let last = |name: &str| pairs.iter().rposition(|(n, _)| n == name);
    let kept = pairs.iter().enumerate().filter(|(at, (name, _))| last(name) == Some(*at));
    let shown = kept.map(|(_, (name, value))| format!("{} = {}", key(name), quoted(value)));
    format!("{{ {} }}", shown.collect::<Vec<_>>().join(", "))
}

fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// A TOML basic string: JSON's escapes, and DEL, which TOML wants escaped too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A word of a shell command inside a comment.
fn argument(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@+=,".contains(c);
    let text = one_line(text);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, "?")
}
