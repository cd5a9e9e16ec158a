//! One COPY: its flags and its places.

use super::instruction::Instruction;
use super::scope::Scope;
use crate::spec::placeholder;
use oci_merge_image::LayerPath;

/// `COPY --from=STAGE [FLAG…] SOURCE TARGET`.
pub(super) struct Copy {
    pub(super) from: String,
    pub(super) path: LayerPath,
    /// Whether the source is written as a directory.
    pub(super) is_directory: bool,
    pub(super) target: LayerPath,
    /// Whether the target is written as a directory, so that a file goes into it.
    pub(super) into: bool,
    /// `UID:GID`, unless it is root's.
    pub(super) owner: Option<String>,
    /// Flags that a spec has no key for, and that another COPY can do.
    pub(super) flags: Vec<String>,
    pub(super) exclude: Vec<String>,
    /// Flags that are lost, and why.
    pub(super) not_taken: Vec<(String, String)>,
}

impl Copy {
    /// Reads one.
    ///
    /// # Errors
    /// Why no layer can be made of it.
    pub(super) fn read(instruction: &Instruction, scope: &Scope<'_>) -> Result<Copy, String> {
        if instruction.heredoc {
            return Err("a here-document is not understood; write the file into a tool's directory".into());
        }
        let mut flags = Vec::new();
        let mut rest = instruction.rest.as_str();
        while rest.starts_with("--") {
            let flag = scope.words(rest).first().copied().unwrap_or(rest);
            flags.push(flag);
            rest = rest.strip_prefix(flag).unwrap_or_default().trim_start();
        }
        let Some(from) = flags.iter().find_map(|flag| flag.strip_prefix("--from=")) else {
            return Err(
                "it copies from the build context: put the files into a tool's directory, or into the base".into()
            );
        };
        let places: Vec<String> = match rest.starts_with('[') {
            true => serde_json::from_str(rest).map_err(|_| "it is not a list of strings".to_owned())?,
            false => scope.words(rest).into_iter().map(str::to_owned).collect(),
        };
        let [source, target] = &places[..] else {
            return Err("several sources in one COPY: write one COPY for each".into());
        };
        let (from, source, target) = (scope.fill(from)?, scope.fill(source)?, scope.fill(target)?);
        if source.contains(['*', '?', '[']) {
            return Err("a source with a wildcard: name the directory".into());
        }
        let odd = |c: char| c.is_control() || "'\"`$\\".contains(c);
        if [&from, &source, &target].iter().any(|text| text.contains(odd)) || from.contains(char::is_whitespace) {
            return Err("a name with quotes, `$`, `\\` or a control character".into());
        }
        let path = LayerPath::parse(source.as_bytes()).map_err(|why| format!("{source} {why}"))?;
        let at = scope.path(&target)?;
        if path.is_root() || at.is_root() {
            return Err("a layer takes a directory below the root to a directory below the root".into());
        }
        if placeholder::is_in(&target) {
            return Err("a spec fills in what stands in braces; copy it to a path without them".into());
        }
        let is_directory = |text: &str| text.ends_with('/') || text == "." || text.ends_with("/.");
        let mut copy = Copy {
            from,
            path,
            is_directory: is_directory(&source),
            target: at,
            into: is_directory(&target),
            owner: None,
            flags: Vec::new(),
            exclude: Vec::new(),
            not_taken: Vec::new(),
        };
        flags.into_iter().try_for_each(|flag| copy.flag(flag, scope))?;
        Ok(copy)
    }

    fn flag(&mut self, flag: &str, scope: &Scope<'_>) -> Result<(), String> {
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        let kept = |value: &str| {
            let plain = |c: char| c.is_alphanumeric() || "_-.+/*?[]^!,:=".contains(c);
            value.chars().all(plain).then(|| value.to_owned()).ok_or_else(|| format!("{value} is not understood"))
        };
        let taken = match name {
            // A link is about how Docker makes the layer.
            "--from" | "--link" => Ok(()),
            "--chown" => scope.fill(value).and_then(|value| owner(&value)).map(|owner| self.owner = owner),
            "--chmod" => scope
                .fill(value)
                .and_then(|value| kept(&value))
                .map(|value| self.flags.push(format!("--chmod={value}"))),
            "--exclude" => scope.fill(value).and_then(|value| kept(&value)).map(|value| self.exclude.push(value)),
            "--parents" => return Err("--parents: leave it out, and write where each directory lands".into()),
            _ => return Err(format!("{name} is not known")),
        };
        self.not_taken.extend(taken.err().map(|why| (flag.to_owned(), why)));
        Ok(())
    }
}

/// The owner as a spec has it; `None`: root, which is what it is without one.
fn owner(text: &str) -> Result<Option<String>, String> {
    // A user without a group has the group of the same number (Dockerfile reference, COPY --chown).
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    let id = |text: &str| match text {
        "root" => Some(0),
        text => text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten(),
    };
    match (id(user).filter(|id| *id < u32::MAX), id(group).filter(|id| *id < u32::MAX)) {
        (Some(0), Some(0)) => Ok(None),
        (Some(user), Some(group)) => Ok(Some(format!("{user}:{group}"))),
        _ => Err("a spec takes numbers only, owner = \"UID:GID\" in its source; as it is, the files are root's".into()),
    }
}
