//! A multi-stage Dockerfile as a spec: what its last stage copies from other stages become layers.
//!
//! Stages are not run here. A layer's source is a directory, and a comment in the spec says which command fills it.

mod copied;
mod copy;
mod instruction;
mod scope;
mod search_path;
mod stage;
mod taken;
mod word;
mod written;

use oci_merge_image::Platform;
use scope::Scope;
use stage::{Stage, Stages, named, stages};
use std::path::Path;

/// A spec that was made of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromDockerfile {
    /// The text of the spec.
    pub spec: String,
    /// Its layers.
    pub layers: Vec<String>,
    /// What the layers go on.
    pub base: String,
    /// What of the last stage is not in it.
    pub left_out: Vec<LeftOut>,
}

/// An instruction that was not taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its line, from 1.
    pub line: usize,
    /// The instruction, cut short.
    pub what: String,
    /// Why, and what to do.
    pub why: String,
}

/// Why no spec can be made of a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {text}")]
pub struct DockerfileError {
    file: String,
    line: usize,
    text: String,
}

/// What messages call `-`.
const STDIN: &str = "<stdin>";

/// Makes a spec of a Dockerfile.
///
/// `file` is its path, for messages and for the commands in the spec's comments; `-` is the standard input. `directory` is the
/// one that the spec will be in, as seen from where the commands are run.
///
/// ```
/// let dockerfile = "
/// FROM debian:12 AS node
/// RUN ./install-node --prefix=/opt/node
/// FROM debian:12-slim
/// COPY --from=node /opt/node /opt/node
/// ENV PATH=/opt/node/bin:$PATH
/// ";
/// let made = oci_merge::spec::from_dockerfile("Dockerfile", "".as_ref(), dockerfile).unwrap();
/// let spec = oci_merge::Spec::parse("oci-merge.toml", ".".as_ref(), &made.spec).unwrap();
/// assert_eq!(spec.layers[0].path, ["/opt/node/bin"]);
/// ```
///
/// # Errors
/// It is no Dockerfile, or its last stage copies nothing from another stage that a layer could own.
pub fn from_dockerfile(file: &str, directory: &Path, text: &str) -> Result<FromDockerfile, DockerfileError> {
    let shown = if file == "-" { STDIN } else { file };
    let error = |(line, text)| DockerfileError { file: shown.into(), line, text };
    let (instructions, escape) = instruction::read(text);
    let Stages { mut stages, args } = stages(instructions, escape).map_err(error)?;
    let Some(last) = stages.pop() else { return Err(error((1, "there is no FROM".into()))) };
    let mut left_out = Vec::new();
    let scope = Scope::of(&last, &stages, &args, escape);
    let copied = copied::read(&last, &stages, scope.clone(), &mut left_out);
    if copied.is_empty() {
        let text = "its last stage copies no directory from another stage, so there is nothing to make layers of";
        let refused = left_out.into_iter().find(|left| left.what.contains(" --from="));
        let refused = refused.map(|left| (left.line, format!("{}: {}", left.what, left.why)));
        return Err(error(refused.unwrap_or((last.line, text.into()))));
    }
    let taken = taken::read(&last, &copied, scope, &mut left_out);
    let base = base(&last, &stages, &mut left_out);
    left_out.sort_by_key(|l| l.line);
    Ok(FromDockerfile {
        spec: written::write(file, directory, &base, &copied, &taken),
        layers: copied.into_iter().map(|c| c.name).collect(),
        base: base.image,
        left_out,
    })
}

/// What the last stage starts from.
struct Base {
    /// As `base.image` says it.
    image: String,
    /// The stage that has to be made into an archive first.
    stage: Option<String>,
    /// The platform that it says.
    platform: Option<String>,
}

fn base(last: &Stage, stages: &[Stage], left_out: &mut Vec<LeftOut>) -> Base {
    let (mut top, mut before) = (last, stages);
    let mut base = Base { image: String::new(), stage: None, platform: platform(last, left_out) };
    while let Some((number, below)) = named(before, &top.from) {
        base.platform = base.platform.or_else(|| platform(below, left_out));
        // A stage that only gives the image below it a name is that image.
        if below.instructions.iter().any(|instruction| instruction.keyword != "ARG") {
            return Base { image: "docker-archive:layers/base.tar".into(), stage: Some(top.from.clone()), ..base };
        }
        (top, before) = (below, before.get(..number).unwrap_or_default());
    }
    Base { image: top.from.clone(), ..base }
}

fn platform(stage: &Stage, left_out: &mut Vec<LeftOut>) -> Option<String> {
    let written = stage.platform.as_deref()?;
    let is_default = matches!(written, "$TARGETPLATFORM" | "${TARGETPLATFORM}");
    if let Ok(platform) = written.parse::<Platform>() {
        return Some(platform.to_string());
    }
    if !is_default {
        let why = "the platform of a spec is a plain one: platforms = [\"linux/amd64\"] in [project]".to_owned();
        left_out.push(LeftOut { line: stage.line, what: format!("FROM --platform={written}"), why });
    }
    None
}

/// An instruction cut to a line's length.
fn short(keyword: &str, rest: &str) -> String {
    let whole = format!("{keyword} {}", rest.split_whitespace().collect::<Vec<_>>().join(" "));
    match whole.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", whole.get(..at).unwrap_or_default()),
        None => whole,
    }
}

#[cfg(test)]
mod tests;
