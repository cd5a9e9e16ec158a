//! `COPY --from=STAGE /opt/x /opt/x` in the last stage: the layers.

use super::instruction::{Instruction, expand, words};
use super::stage::{Stage, find};
use super::{LeftOut, short};
use oci_merge_image::LayerPath;
use std::collections::BTreeMap;

/// Directories that every tool writes to; none can own one of them.
const SHARED: [&str; 24] = [
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib64",
    "media",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "tmp",
    "usr",
    "usr/bin",
    "usr/lib",
    "usr/local",
    "usr/sbin",
    "usr/share",
    "var",
];

/// A layer, and the sources that fill it.
#[derive(Debug)]
pub(super) struct Copied {
    pub(super) name: String,
    /// Absolute, normalised.
    pub(super) prefix: LayerPath,
    pub(super) sources: Vec<Source>,
}

/// One COPY.
#[derive(Debug)]
pub(super) struct Source {
    /// The stage or image, as the Dockerfile names it.
    pub(super) from: String,
    /// Whether that is a stage of this Dockerfile.
    pub(super) is_stage: bool,
    /// The directory there.
    pub(super) path: LayerPath,
    /// The directory below the prefix where it lands.
    pub(super) to: LayerPath,
    /// Where the command in the comment puts it.
    pub(super) directory: String,
}

/// Reads the COPY instructions of the last stage; what a layer cannot be made of goes to `left_out`.
pub(super) fn read(
    last: &Stage,
    stages: &[Stage],
    args: &BTreeMap<String, String>,
    escape: char,
    left_out: &mut Vec<LeftOut>,
) -> Vec<Copied> {
    let mut layers: Vec<Copied> = Vec::new();
    let mut workdir = LayerPath::root();
    for instruction in &last.instructions {
        match instruction.keyword.as_str() {
            "WORKDIR" => workdir = below(&workdir, &instruction.rest).unwrap_or(workdir),
            "COPY" => {
                if let Err(why) = copy(instruction, stages, args, escape, &workdir, &mut layers) {
                    left_out.push(LeftOut { line: instruction.line, what: short("COPY", &instruction.rest), why });
                }
            }
            _ => {}
        }
    }
    layers
}

fn copy(
    instruction: &Instruction,
    stages: &[Stage],
    args: &BTreeMap<String, String>,
    escape: char,
    workdir: &LayerPath,
    layers: &mut Vec<Copied>,
) -> Result<(), String> {
    if instruction.heredoc {
        return Err("a here-document is not understood; write the file into a tool's directory".into());
    }
    let mut flags = Vec::new();
    let mut rest = instruction.rest.as_str();
    while rest.starts_with("--") {
        let (flag, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        flags.push(flag);
        rest = after.trim_start();
    }
    let places: Vec<String> = match rest.starts_with('[') {
        true => serde_json::from_str(rest).map_err(|_| "it is not a list of strings".to_owned())?,
        false => words(rest, escape),
    };
    let Some(from) = flags.iter().find_map(|flag| flag.strip_prefix("--from=")) else {
        return Err("it copies from the build context: put the files into a tool's directory, or into the base".into());
    };
    let fill = |text: &str| expand(text, &|name| args.get(name).cloned());
    let no_value = |name: String| format!("{name} has no value here");
    let [source, target] = &places[..] else {
        return Err("several sources in one COPY: write one COPY for each".into());
    };
    let (from, source, target) =
        (fill(from).map_err(no_value)?, fill(source).map_err(no_value)?, fill(target).map_err(no_value)?);
    if source.contains(['*', '?', '[']) {
        return Err("a source with a wildcard: name the directory".into());
    }
    let path = below(&LayerPath::root(), &source).filter(|path| !path.is_root());
    let prefix = below(workdir, &target).filter(|prefix| !prefix.is_root());
    let (Some(path), Some(prefix)) = (path, prefix) else {
        return Err("a layer takes a directory below the root to a directory below the root".into());
    };
    if let Some(layer) = layers.iter_mut().find(|layer| prefix.is_within(&layer.prefix)) {
        let to = prefix.strip_prefix(&layer.prefix).unwrap_or_default();
        let directory = format!("layers/{}-{}", layer.name, layer.sources.len() + 1);
        let is_stage = find(stages, &from).is_some();
        layer.sources.push(Source { from, is_stage, path, to, directory });
        return Ok(());
    }
    owned_alone(&prefix)?;
    let is_stage = find(stages, &from).is_some();
    let name = name(&prefix, &from, layers);
    let directory = format!("layers/{name}");
    let source = Source { from, is_stage, path, to: LayerPath::root(), directory };
    layers.push(Copied { name, prefix, sources: vec![source] });
    Ok(())
}

/// Refuses a directory that others write to as well.
fn owned_alone(prefix: &LayerPath) -> Result<(), String> {
    let text = String::from_utf8_lossy(prefix.as_bytes()).into_owned();
    let parent = prefix.parent().map(|p| String::from_utf8_lossy(p.as_bytes()).into_owned()).unwrap_or_default();
    let in_shared = parent != "opt" && parent != "usr/local" && parent != "srv" && SHARED.contains(&parent.as_str());
    let under_local = ["bin", "etc", "include", "lib", "libexec", "man", "sbin", "share", "src"];
    let local = |p: &str| p.strip_prefix("usr/local/").is_some_and(|name| under_local.contains(&name));
    if SHARED.contains(&text.as_str()) || in_shared || local(&text) || local(&parent) {
        return Err(format!("no layer can own {prefix} alone; install into /opt/NAME and copy that"));
    }
    if text.contains(|c: char| c.is_whitespace() || c == ':') {
        return Err("a prefix has no blanks and no `:`".into());
    }
    Ok(())
}

/// The last component of the prefix, else the stage's name, as the name of a layer.
fn name(prefix: &LayerPath, from: &str, layers: &[Copied]) -> String {
    let fit = |text: &str| {
        let text = text.to_lowercase();
        let fit: String = text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
        fit.trim_matches(['-', '_']).to_owned()
    };
    let last = fit(&String::from_utf8_lossy(prefix.name().unwrap_or_default()));
    let stage = fit(from.rsplit('/').next().unwrap_or_default().split([':', '@']).next().unwrap_or_default());
    let taken = |name: &str| layers.iter().any(|layer| layer.name == name);
    let fine = |name: &String| name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let stem = [&last, &stage].into_iter().find(|name| fine(name)).cloned().unwrap_or_else(|| "layer".to_owned());
    // As many numbers as there are layers are enough: one of them is free.
    let numbered = (2..=layers.len() + 2).map(|number| format!("{stem}-{number}"));
    let mut names = [last, stage].into_iter().filter(fine).chain([stem.clone()]).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or(stem)
}

/// A path of the image, relative ones below a directory.
fn below(workdir: &LayerPath, text: &str) -> Option<LayerPath> {
    let path = LayerPath::parse(text.as_bytes()).ok()?;
    if text.starts_with('/') { Some(path) } else { workdir.join(&path).ok() }
}
