//! `init`: the first spec.

use super::args::Init;
use super::{Run, demo, number};
use oci_merge::{Error, Result, spec};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

const SPEC: &str = "oci-merge.toml";

pub(super) fn init(run: &Run, args: &Init) -> Result<()> {
    match &args.from_dockerfile {
        Some(file) => from_dockerfile(run, file),
        None => demo(run),
    }
}

fn demo(run: &Run) -> Result<()> {
    let written = demo::write(Path::new("."))?;
    let size = number::bytes(written.bytes);
    run.say(format!("Wrote {SPEC} and demo/ (three toy tools, {} files, {size}). No network was used.", written.files));
    run.say("Next: oci-merge build");
    Ok(())
}

fn from_dockerfile(run: &Run, file: &Path) -> Result<()> {
    let name = oci_merge_image::shown(file.as_os_str().as_encoded_bytes()).to_string();
    let text = fs::read_to_string(file).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => Error::Usage(format!("there is no {name}")),
        _ => Error::Disk { path: file.into(), doing: "cannot be read", source: e },
    })?;
    let made = spec::from_dockerfile(&name, &text).map_err(|e| Error::Usage(e.to_string()))?;
    create(Path::new(SPEC), made.spec.as_bytes())?;
    let layers = number::counted(made.layers.len() as u64, "layer");
    run.say(format!("Wrote {SPEC}: {layers} ({}) on {}.", made.layers.join(", "), made.base));
    if !made.left_out.is_empty() {
        run.say("Not taken over:");
    }
    for left in &made.left_out {
        let what = oci_merge_image::shown(&left.what).to_string();
        run.say(format!("  {name}:{}: {what}\n      {}", left.line, oci_merge_image::shown(&left.why)));
    }
    run.say(format!("Next: run the commands in the comments of {SPEC}, then oci-merge check"));
    Ok(())
}

/// Writes a new file, and never over an old one.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: io::Error| match e.kind() {
        io::ErrorKind::AlreadyExists => {
            Error::Usage(format!("{} is there already; it is not overwritten", path.display()))
        }
        _ => Error::Disk { path: path.into(), doing: "cannot be written", source: e },
    };
    File::create_new(path).and_then(|mut file| file.write_all(bytes)).map_err(failed)
}
