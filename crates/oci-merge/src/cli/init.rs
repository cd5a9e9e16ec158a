//! `init`: the first spec.

use super::args::Init;
use super::{Run, answer, demo, number};
use oci_merge::spec::{self, FromDockerfile};
use oci_merge::{Error, Result, Spec};
use oci_merge_image::shown;
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

const SPEC: &str = "oci-merge.toml";

pub(super) fn init(run: &Run, args: &Init) -> Result<()> {
    let file = run.common.file.as_deref().unwrap_or(Path::new(SPEC));
    if file == Path::new("-") {
        return Err(Error::Usage("init writes a file; name it with -f FILE".into()));
    }
    let made = match &args.from_dockerfile {
        Some(dockerfile) => from_dockerfile(run, dockerfile, file)?,
        None => demo(run, file)?,
    };
    if run.common.json {
        let left_out = made.left_out.iter().map(|l| json!({ "line": l.line, "what": l.what, "why": l.why }));
        return answer::document(&json!({
            "schema": "oci-merge.init/v1",
            "file": file.to_string_lossy(),
            "layers": made.layers,
            "base": made.base,
            "left_out": left_out.collect::<Vec<_>>(),
        }));
    }
    Ok(())
}

fn demo(run: &Run, file: &Path) -> Result<FromDockerfile> {
    let written = demo::write(file)?;
    let (size, demo) = (number::bytes(written.bytes), name(&written.directory));
    let files = written.files;
    run.say(format!("Wrote {} and {demo}/ (three toy tools, {files} files, {size}). No network was used.", name(file)));
    run.say(format!("Next: oci-merge build{}", flag(run)));
    let spec = Spec::parse(&name(file), Path::new(""), demo::SPEC)?;
    Ok(FromDockerfile {
        spec: demo::SPEC.to_owned(),
        layers: spec.layers.into_iter().map(|layer| layer.name).collect(),
        base: spec.base.source.to_string(),
        left_out: Vec::new(),
    })
}

fn from_dockerfile(run: &Run, dockerfile: &Path, file: &Path) -> Result<FromDockerfile> {
    let is_stdin = dockerfile == Path::new("-");
    let shown_as = name(dockerfile);
    let text = if is_stdin { io::read_to_string(io::stdin().lock()) } else { fs::read_to_string(dockerfile) };
    let text = text.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Usage(format!("there is no {shown_as}")),
        io::ErrorKind::IsADirectory => Error::Usage(format!("{shown_as} is a directory and no Dockerfile")),
        _ => Error::Disk { path: dockerfile.into(), doing: "cannot be read", source: e },
    })?;
    let directory = file.parent().unwrap_or(Path::new(""));
    let made = spec::from_dockerfile(&shown_as, directory, &text).map_err(|e| Error::Usage(e.to_string()))?;
    create(file, made.spec.as_bytes())?;
    let layers = number::counted(made.layers.len() as u64, "layer");
    run.say(format!("Wrote {}: {layers} ({}) on {}.", name(file), made.layers.join(", "), shown(&made.base)));
    if !made.left_out.is_empty() {
        run.say("Not taken over:");
    }
    let shown_as = if is_stdin { "<stdin>" } else { &shown_as };
    for left in &made.left_out {
        run.say(format!("  {shown_as}:{}: {}\n      {}", left.line, shown(&left.what), shown(&left.why)));
    }
    run.say(format!("Next: run the commands in the comments of {}, then oci-merge check{}", name(file), flag(run)));
    Ok(made)
}

fn name(path: &Path) -> String {
    shown(path.as_os_str().as_encoded_bytes()).to_string()
}

/// What the next command needs to find the spec.
fn flag(run: &Run) -> String {
    run.common.file.as_deref().map(|file| format!(" -f {}", name(file))).unwrap_or_default()
}

/// Writes a new file, and never over an old one.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => Error::Usage(format!("{} is there already; it is not overwritten", name(path))),
        _ => Error::Disk { path: path.into(), doing: "cannot be written", source: e },
    };
    File::create_new(path).and_then(|mut file| file.write_all(bytes)).map_err(failed)
}
