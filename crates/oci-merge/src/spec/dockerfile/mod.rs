//! A multi-stage Dockerfile as a spec: what its last stage copies from other stages become layers.
//!
//! Stages are not run here. A layer's source is a directory, and a comment in the spec says which command fills it.

mod copied;
mod instruction;
mod stage;
mod taken;
mod written;

use stage::{Stage, Stages, find, stages};

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

/// Makes a spec of a Dockerfile. `file` is its path, for messages and for the commands in the spec's comments.
///
/// ```
/// let dockerfile = "
/// FROM debian:12 AS node
/// RUN ./install-node --prefix=/opt/node
/// FROM debian:12-slim
/// COPY --from=node /opt/node /opt/node
/// ENV PATH=/opt/node/bin:$PATH
/// ";
/// let made = oci_merge::spec::from_dockerfile("Dockerfile", dockerfile).unwrap();
/// let spec = oci_merge::Spec::parse("oci-merge.toml", ".".as_ref(), &made.spec).unwrap();
/// assert_eq!(spec.layers[0].path, ["/opt/node/bin"]);
/// ```
///
/// # Errors
/// It is no Dockerfile, or its last stage copies nothing from another stage that a layer could own.
pub fn from_dockerfile(file: &str, text: &str) -> Result<FromDockerfile, DockerfileError> {
    let error = |(line, text)| DockerfileError { file: file.into(), line, text };
    let (instructions, escape) = instruction::read(text);
    let Stages { mut stages, args } = stages(instructions).map_err(error)?;
    let Some(last) = stages.pop() else { return Err(error((1, "there is no FROM".into()))) };
    let mut left_out = Vec::new();
    let copied = copied::read(&last, &stages, &args, escape, &mut left_out);
    if copied.is_empty() {
        let text = "its last stage copies no directory from another stage, so there is nothing to make layers of";
        return Err(error((last.line, text.into())));
    }
    let taken = taken::read(&last, &copied, &args, escape, &mut left_out);
    left_out.sort_by_key(|l| l.line);
    let base = base(&last, &stages);
    Ok(FromDockerfile {
        spec: written::write(file, &base, &copied, &taken),
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
}

fn base(last: &Stage, stages: &[Stage]) -> Base {
    match find(stages, &last.from) {
        Some(_) => Base { image: "docker-archive:layers/base.tar".into(), stage: Some(last.from.clone()) },
        None => Base { image: last.from.clone(), stage: None },
    }
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
