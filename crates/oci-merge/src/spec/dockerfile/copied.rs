//! `COPY --from=STAGE /opt/x /opt/x` in the last stage: the layers.

use super::copy::Copy;
use super::instruction::Instruction;
use super::scope::Scope;
use super::stage::{Stage, is_stage};
use super::{LeftOut, short};
use crate::spec::placeholder;
use oci_merge_image::LayerPath;
use oci_merge_layer::check::Owner;

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
    /// Globs of what is left out.
    pub(super) exclude: Vec<String>,
}

/// One COPY.
#[derive(Debug)]
pub(super) struct Source {
    /// The stage or image, as the Dockerfile names it.
    pub(super) from: String,
    /// Whether that is a stage of this Dockerfile.
    pub(super) is_stage: bool,
    /// What is copied there: a directory or a file, nobody knows.
    pub(super) path: LayerPath,
    /// Where it is put below `directory`.
    pub(super) within: LayerPath,
    /// Whether a file goes into that, and does not become it.
    pub(super) into: bool,
    /// The directory below the prefix where the content of `directory` lands.
    pub(super) to: LayerPath,
    /// Where the command in the comment puts it, below `layers`.
    pub(super) directory: String,
    /// `UID:GID`.
    pub(super) owner: Option<String>,
    /// Flags that the command in the comment takes over.
    pub(super) flags: Vec<String>,
    exclude: Vec<String>,
}

/// Reads the COPY instructions of the last stage; what a layer cannot be made of goes to `left_out`.
pub(super) fn read(last: &Stage, stages: &[Stage], mut scope: Scope<'_>, left_out: &mut Vec<LeftOut>) -> Vec<Copied> {
    let mut layers: Vec<Copied> = Vec::new();
    for instruction in &last.instructions {
        if instruction.keyword == "COPY"
            && let Err(why) = copy(instruction, stages, &scope, &mut layers, left_out)
        {
            left_out.push(LeftOut { line: instruction.line, what: short("COPY", &instruction.rest), why });
        }
        scope.pass(instruction);
    }
    layers.iter_mut().for_each(settle_excluded);
    layers
}

fn copy(
    instruction: &Instruction,
    stages: &[Stage],
    scope: &Scope<'_>,
    layers: &mut Vec<Copied>,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), String> {
    let Copy { from, path, is_directory, target, into, owner, flags, exclude, not_taken } =
        Copy::read(instruction, scope)?;
    let found = layers.iter().position(|layer| target.is_within(&layer.prefix));
    let of_file = if into || is_directory { None } else { prefix_of_file(&path, &target) };
    let (name, prefix) = match found.and_then(|number| layers.get(number)) {
        Some(layer) => (layer.name.clone(), layer.prefix.clone()),
        None => {
            let prefix = of_file.clone().transpose()?.unwrap_or_else(|| above_bin(&target));
            owned_alone(&prefix)?;
            (name(&prefix, &from, layers), prefix)
        }
    };
    let below = target.strip_prefix(&prefix).unwrap_or_default();
    // Under its name in a directory, it is right as a file and as a directory; but that directory has one owner.
    let others = found.and_then(|number| layers.get(number)).map(|layer| &layer.sources);
    let is_alike = others.is_some_and(|others| others.iter().all(|other| other.owner == owner));
    let is_named = of_file.is_some() || (is_alike && !into && !is_directory);
    let (within, to) = match below.parent().filter(|_| is_named) {
        Some(to) => (below.strip_prefix(&to).unwrap_or_default(), to),
        None => (LayerPath::root(), below),
    };
    let is_stage = is_stage(stages, &from);
    let mut source = Source { from, is_stage, path, within, into, to, directory: name.clone(), owner, flags, exclude };
    for (what, why) in not_taken {
        left_out.push(LeftOut { line: instruction.line, what: short("COPY", &what), why });
    }
    match found.and_then(|number| layers.get_mut(number)) {
        Some(layer) => {
            if let Some(other) = layer.sources.iter().find(|other| other.to == source.to && other.owner != source.owner)
            {
                let owner = other.owner.as_deref().unwrap_or("root");
                let why = format!("its files are those of {owner}: files of [layer.{name}] in the same directory are");
                source.owner.clone_from(&other.owner);
                left_out.push(LeftOut { line: instruction.line, what: short("COPY", &instruction.rest), why });
            }
            // No layer has a `.` in its name, so nobody else has this directory.
            source.directory = format!("{name}.{}", layer.sources.len() + 1);
            layer.sources.push(source);
        }
        None => layers.push(Copied { name, prefix, sources: vec![source], exclude: Vec::new() }),
    }
    widen(layers);
    Ok(())
}

/// Takes layers below the last one's prefix into it: no two layers may own one path.
fn widen(layers: &mut Vec<Copied>) {
    let Some(mut last) = layers.pop() else { return };
    let is_below = |layer: &mut Copied| layer.prefix.is_within(&last.prefix);
    for below in layers.extract_if(.., is_below).collect::<Vec<_>>() {
        let moved = below.prefix.strip_prefix(&last.prefix).unwrap_or_default();
        last.sources.extend(below.sources.into_iter().map(|source| {
            // The path that comes of it was one of the Dockerfile's before.
            let to = moved.join(&source.to).unwrap_or_default();
            Source { to, ..source }
        }));
    }
    layers.push(last);
}

/// `exclude` of a layer, if all its files are of one COPY that fills its prefix; else the command leaves them out.
fn settle_excluded(layer: &mut Copied) {
    let is_plain = |glob: &String| {
        let fine = |c: char| c.is_alphanumeric() || "_-.+/*?".contains(c);
        // Docker's pattern and ours mean the same by these.
        glob.chars().all(fine)
            && !glob.starts_with('/')
            && !glob.split('/').any(|part| part != "**" && part.contains("**"))
    };
    match &mut layer.sources[..] {
        [one] if one.to.is_root() && one.within.is_root() && one.exclude.iter().all(is_plain) => {
            layer.exclude = std::mem::take(&mut one.exclude);
        }
        several => several.iter_mut().for_each(|source| {
            source.flags.extend(source.exclude.drain(..).map(|glob| format!("--exclude={glob}")));
        }),
    }
}

/// The prefix of what looks like a file: the directory above it, or above its `bin`; or why no layer can own that.
/// `None`: it looks like a directory.
fn prefix_of_file(path: &LayerPath, target: &LayerPath) -> Option<Result<LayerPath, String>> {
    let name = |path: &LayerPath| String::from_utf8_lossy(path.name().unwrap_or_default()).into_owned();
    let directory = target.parent().unwrap_or_default();
    let in_bin = is_bin(&directory) || path.parent().is_some_and(|directory| is_bin(&directory));
    let above = above_bin(&directory);
    let has_suffix = suffix(&name(target)).is_some_and(|of_target| suffix(&name(path)) == Some(of_target));
    match owned_alone(&above) {
        Ok(()) if has_suffix || in_bin => Some(Ok(above)),
        Err(why) if has_suffix => {
            Some(Err(format!("{why}; if it is a directory, write the source with a / at its end")))
        }
        _ => None,
    }
}

/// The directory above a `bin`, if a layer can own it: a tool is more than its `bin`.
fn above_bin(path: &LayerPath) -> LayerPath {
    let above = path.parent().filter(|above| is_bin(path) && owned_alone(above).is_ok());
    above.unwrap_or_else(|| path.clone())
}

fn is_bin(path: &LayerPath) -> bool {
    matches!(path.name(), Some(b"bin" | b"sbin"))
}

/// `jar` of `a.jar`; a version as in `python3.12` and the `.d` of a directory are none.
fn suffix(name: &str) -> Option<&str> {
    let (stem, suffix) = name.rsplit_once('.')?;
    let is_suffix = (2..=5).contains(&suffix.len()) && suffix.starts_with(|c: char| c.is_ascii_alphabetic());
    (is_suffix && !stem.is_empty() && suffix.chars().all(|c| c.is_ascii_alphanumeric())).then_some(suffix)
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
    if prefix.is_root() {
        return Err("no layer can own / alone; install into /opt/NAME and copy that".into());
    }
    if text.contains(|c: char| c.is_whitespace() || c == ':') {
        return Err("a prefix has no blanks and no `:`".into());
    }
    if placeholder::is_in(&text) {
        return Err("a spec fills in what stands in braces; copy it to a path without them".into());
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
    // A source keeps the directory that it had as a layer of its own.
    let of_layer = |layer: &Copied, name: &str| layer.name == name || layer.sources.iter().any(|s| s.directory == name);
    let taken = |name: &str| layers.iter().any(|layer| of_layer(layer, name));
    let fine = |name: &String| name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name != Owner::Base.name();
    let stem = [&last, &stage].into_iter().find(|name| fine(name)).cloned().unwrap_or_else(|| "layer".to_owned());
    // One number more than there are names and directories: one of them is free.
    let used = layers.iter().map(|layer| layer.sources.len() + 1).sum::<usize>();
    let numbered = (2..=used + 2).map(|number| format!("{stem}-{number}"));
    let mut names = [last, stage].into_iter().filter(fine).chain([stem.clone()]).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or(stem)
}
